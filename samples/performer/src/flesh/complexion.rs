//! Colours of skin by place: a warm base, redder where blood is near (cheeks, nose, lips, ears, knuckles, knees), shadow
//! on the lids, nails, shoes. Linear light.

use crate::anatomy::{EYE, HEAD_CENTRE, hairline, lids};
use crate::number::{lerp, noise3, spot, step, through};
use crate::rig::{FINGER, Side, hand_axes, in_hand, rest};
use crate::shade::{Material, srgb};
use glam::Vec3;

/// Own colour of a rest point of the skin, and what it is made of.
pub(super) fn albedo(p: Vec3, normal: Vec3) -> (Vec3, Material) {
    let base = srgb(226, 168, 134);
    let mottle = 0.6 * noise3(p * 90.0) + 0.4 * noise3(p * 310.0);
    let mut c = base * (Vec3::ONE + Vec3::new(0.015, 0.035, 0.045) * mottle);
    let q = Side::at(p.x).mirror(p);
    if p.y > 1.44 {
        return (head(c, q - HEAD_CENTRE), Material::Skin);
    }
    if p.y < 0.13 {
        return foot(c, q);
    }
    let warm = srgb(206, 112, 88);
    // Knees, elbows, hands.
    c = lerp(c, warm, 0.25 * spot(p.y - rest::KNEE.y, p.z - 0.05, 0.045, 0.05));
    c = lerp(c, warm, 0.30 * (-((q - rest::ELBOW).length() / 0.035).powi(2)).exp());
    // Chest: a little flush at the neckline.
    c = lerp(c, warm, 0.08 * spot(p.x, p.y - 1.36, 0.10, 0.06));
    if (q - rest::WRIST).dot(hand_axes()[0]) > -0.03 {
        c = hand(c, q, normal, p);
    }
    (c, Material::Skin)
}

fn hand(mut c: Vec3, q: Vec3, normal: Vec3, p: Vec3) -> Vec3 {
    let warm = srgb(212, 118, 98);
    let [along, _, palm] = hand_axes();
    let out = Side::at(p.x).mirror(normal);
    let facing = out.dot(palm);
    c = lerp(c, srgb(232, 168, 142), 0.6 * step(0.1, 0.7, facing));
    for (finger, (joints, radii)) in FINGER.iter().enumerate() {
        for (joint, r) in joints.iter().zip(radii).take(3) {
            let d = (q - in_hand(*joint)).length();
            c = lerp(c, warm, 0.30 * (-(d / (1.1 * r)).powi(2)).exp() * step(0.4, -0.3, facing));
        }
        // Fingertips are rosy; the nail sits on the back of the last segment.
        let tip = in_hand(joints[3]);
        c = lerp(c, warm, 0.35 * (-((q - tip).length() / 0.009).powi(2)).exp());
        let back = if finger == 0 { -palm * 0.55 - hand_axes()[1] * 0.0 } else { -palm };
        let seat = tip + back.normalize_or(palm) * radii[3] * 0.8;
        let d = q - seat;
        let a = d.dot(along);
        let side = (d - along * a).length();
        let nail = step(1.05, 0.85, (a / 0.0065).hypot(side / (0.9 * radii[3])));
        c = lerp(c, srgb(208, 104, 90), nail * step(0.0, -0.4, facing));
    }
    c
}

/// Height of the edge of a ballet flat at a depth: around the heel, down along the arch, up over the toes.
pub(super) fn shoe_edge(z: f32) -> f32 {
    through(
        &[[-0.085, 0.058], [-0.04, 0.047], [0.02, 0.034], [0.055, 0.033], [0.075, 0.046], [0.098, 0.095]],
        z,
    )
}

fn foot(c: Vec3, q: Vec3) -> (Vec3, Material) {
    let edge = shoe_edge(q.z);
    if q.y > edge {
        return (lerp(c, srgb(206, 112, 88), 0.15), Material::Skin);
    }
    let sole = step(0.006, 0.004, q.y);
    (lerp(srgb(196, 82, 62), srgb(60, 38, 30), sole), Material::Cloth)
}

/// Edges of the lips in head space by |x|: upper, lower.
fn lips(x: f32) -> [f32; 2] {
    [
        through(
            &[[0.0, -0.0580], [0.005, -0.0565], [0.012, -0.0578], [0.020, -0.0590], [0.0276, -0.0598]],
            x,
        ),
        through(&[[0.0, -0.0752], [0.008, -0.0746], [0.017, -0.0696], [0.0276, -0.0598]], x),
    ]
}

fn head(mut c: Vec3, h: Vec3) -> Vec3 {
    let q = Vec3::new(h.x.abs(), h.y, h.z);
    let warm = srgb(222, 112, 92);
    let line = hairline(q.z);
    if q.z > 0.0 {
        c = lerp(c, warm, 0.38 * spot(q.x - 0.040, q.y + 0.030, 0.017, 0.015));
        c = lerp(c, warm, 0.24 * spot(q.x, q.y + 0.034, 0.012, 0.010));
        c = lerp(c, warm, 0.18 * spot(q.x, q.y + 0.100, 0.015, 0.012));
        // Forehead and bridge of the nose catch light.
        c = lerp(c, srgb(240, 190, 158), 0.35 * spot(q.x, q.y - 0.045, 0.025, 0.020));
        c = lerp(c, srgb(244, 194, 164), 0.35 * spot(q.x, q.y + 0.012, 0.003, 0.016));
        // Nostrils.
        c = lerp(
            c,
            srgb(96, 34, 26),
            0.85 * spot(q.x - 0.0064, (q.y + 0.0428) * 1.2, 0.0026, 0.0022) * step(0.080, 0.086, q.z),
        );
        c = eyes(c, q);
        let [upper, lower] = lips(q.x);
        let inside = step(0.0006, -0.0006, (q.y - upper).max(lower - q.y))
            * step(0.0276, 0.0264, q.x)
            * step(0.062, 0.066, q.z);
        let mut lip = srgb(194, 88, 82);
        // Parting, corner, and the sheen on the lower lip.
        let parting = -0.0650 + 0.0048 * (q.x / 0.0270).powi(2);
        lip = lerp(lip, srgb(74, 20, 24), 0.9 * (-((q.y - parting) / 0.0009).powi(2)).exp());
        lip = lerp(lip, srgb(236, 150, 142), 0.50 * spot(q.x - 0.004, q.y + 0.0698, 0.007, 0.0016));
        lip = lerp(lip, srgb(226, 132, 124), 0.30 * spot(q.x - 0.006, q.y + 0.0592, 0.004, 0.0012));
        c = lerp(c, lip, inside * 0.92);
        c = lerp(c, srgb(110, 50, 42), 0.45 * spot(q.x - 0.0284, q.y + 0.0597, 0.0022, 0.0018));
    }
    // Ears.
    c = lerp(c, warm, 0.30 * step(0.068, 0.078, q.x) * step(-0.045, -0.03, q.y) * step(0.04, 0.025, q.y));
    // The scalp takes the colour of the hair that grows from it.
    let rooted = step(-0.004, 0.008, q.y - line);
    lerp(c, srgb(52, 30, 20), rooted)
}

/// Lids: a soft shadow in the socket, liner along the upper lashes, pink at the inner corner.
fn eyes(mut c: Vec3, q: Vec3) -> Vec3 {
    let (x, y) = (q.x - EYE.x, q.y - EYE.y);
    if x.abs() > 0.03 || y.abs() > 0.025 {
        return c;
    }
    let (open, _) = lids(q);
    let shadow = srgb(150, 88, 72);
    c = lerp(c, shadow, 0.42 * spot(x, y - 0.0080, 0.014, 0.0048));
    c = lerp(c, srgb(196, 128, 108), 0.14 * spot(x, y + 0.0075, 0.013, 0.0035));
    if y - 0.10 * x > -0.0008 {
        c = lerp(c, srgb(40, 22, 18), 0.80 * step(0.0016, 0.0006, open));
        // The crease of the lid.
        c = lerp(
            c,
            srgb(120, 62, 48),
            0.55 * (-((open - 0.0046) / 0.0008).powi(2)).exp() * step(0.017, 0.012, x.abs()),
        );
    } else {
        c = lerp(c, srgb(120, 66, 56), 0.6 * step(0.0012, 0.0002, open));
    }
    lerp(c, srgb(206, 110, 100), 0.8 * spot(x + 0.0142, y + 0.0012, 0.0020, 0.0018))
}
