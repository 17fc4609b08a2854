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

// Of a rotation: the largest component first, from which the others follow (Shepperd 1978).
vec4 quaternion_of(mat3 m) {
    vec3 d = vec3(m[0].x, m[1].y, m[2].z);
    float trace = d.x + d.y + d.z;
    vec4 q;
    if (trace >= max(d.x, max(d.y, d.z))) {
        q = vec4(m[1].z - m[2].y, m[2].x - m[0].z, m[0].y - m[1].x, 1.0 + trace);
    } else if (d.x >= max(d.y, d.z)) {
        q = vec4(1.0 + d.x - d.y - d.z, m[0].y + m[1].x, m[0].z + m[2].x, m[1].z - m[2].y);
    } else if (d.y >= d.z) {
        q = vec4(m[0].y + m[1].x, 1.0 + d.y - d.z - d.x, m[1].z + m[2].y, m[2].x - m[0].z);
    } else {
        q = vec4(m[0].z + m[2].x, m[1].z + m[2].y, 1.0 + d.z - d.x - d.y, m[0].y - m[1].x);
    }
    return q * inversesqrt(dot(q, q));
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
