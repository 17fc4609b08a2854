// Unit quaternions xyzw. Pure functions.
#ifndef VIVANT_QUATERNION
#define VIVANT_QUATERNION

vec4 quaternion_multiply(vec4 a, vec4 b) {
    return vec4(a.w * b.xyz + b.w * a.xyz + cross(a.xyz, b.xyz), a.w * b.w - dot(a.xyz, b.xyz));
}

vec3 quaternion_rotate(vec4 q, vec3 v) {
    vec3 t = 2.0 * cross(q.xyz, v);
    return v + q.w * t + cross(q.xyz, t);
}

vec3 quaternion_rotate_inverse(vec4 q, vec3 v) {
    vec3 t = 2.0 * cross(v, q.xyz);
    return v + q.w * t + cross(t, q.xyz);
}

mat3 quaternion_matrix(vec4 q) {
    vec3 d = q.xyz + q.xyz;
    vec3 xx = q.x * d;
    vec3 yy = q.yyy * d;
    float zz = q.z * d.z;
    vec3 w = q.w * d;
    return mat3(
        1.0 - yy.y - zz, xx.y + w.z, xx.z - w.y,
        xx.y - w.z, 1.0 - xx.x - zz, yy.z + w.x,
        xx.z + w.y, yy.z - w.x, 1.0 - xx.x - yy.y);
}
#endif
