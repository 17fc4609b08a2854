// Real spherical harmonics of degree 1 to 3, in the order and with the signs that 3D Gaussian splatting trains with
// (Kerbl et al. 2023; the constants are those of the real SH basis with the Condon-Shortley phase).
#ifndef VIVANT_SH
#define VIVANT_SH

vec3 sh_read(uint word0, uint word1, bool odd) {
    // Three halves that start at the low half of word0, or at its high half when `odd`.
    vec2 a = unpackHalf2x16(word0);
    vec2 b = unpackHalf2x16(word1);
    return odd ? vec3(a.y, b) : vec3(a, b.x);
}

#define SH_TERM(plane, base, k) sh_read(plane[(base) + (3u * (k)) / 2u], plane[(base) + (3u * (k)) / 2u + 1u], ((k) & 1u) == 1u)

vec3 sh_degree1(uint entry, vec3 d) {
    uint base = entry * 5u;
    return 0.4886025119029199 * (-d.y * SH_TERM(plane_sh1, base, 0u) + d.z * SH_TERM(plane_sh1, base, 1u)
        - d.x * SH_TERM(plane_sh1, base, 2u));
}

vec3 sh_degree2(uint entry, vec3 d) {
    uint base = entry * 8u;
    vec3 q = d * d;
    return 1.0925484305920792 * (d.x * d.y * SH_TERM(plane_sh2, base, 0u) - d.y * d.z * SH_TERM(plane_sh2, base, 1u)
            - d.x * d.z * SH_TERM(plane_sh2, base, 3u))
        + 0.31539156525252005 * (2.0 * q.z - q.x - q.y) * SH_TERM(plane_sh2, base, 2u)
        + 0.5462742152960396 * (q.x - q.y) * SH_TERM(plane_sh2, base, 4u);
}

vec3 sh_degree3(uint entry, vec3 d) {
    uint base = entry * 11u;
    vec3 q = d * d;
    return -0.5900435899266435 * d.y * (3.0 * q.x - q.y) * SH_TERM(plane_sh3, base, 0u)
        + 2.890611442640554 * d.x * d.y * d.z * SH_TERM(plane_sh3, base, 1u)
        - 0.4570457994644658 * d.y * (4.0 * q.z - q.x - q.y) * SH_TERM(plane_sh3, base, 2u)
        + 0.3731763325901154 * d.z * (2.0 * q.z - 3.0 * q.x - 3.0 * q.y) * SH_TERM(plane_sh3, base, 3u)
        - 0.4570457994644658 * d.x * (4.0 * q.z - q.x - q.y) * SH_TERM(plane_sh3, base, 4u)
        + 1.445305721320277 * d.z * (q.x - q.y) * SH_TERM(plane_sh3, base, 5u)
        - 0.5900435899266435 * d.x * (q.x - 3.0 * q.y) * SH_TERM(plane_sh3, base, 6u);
}
#endif
