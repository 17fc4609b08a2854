//! Twin of `include/pack.glsl`: the planes' words to numbers.

use glam::{Quat, Vec2, Vec3, Vec4};
use half::f16;

/// Two halves, low first.
pub(crate) fn halves(word: u32) -> Vec2 {
    let [a, b, c, d] = word.to_le_bytes();
    Vec2::new(f16::from_le_bytes([a, b]).to_f32(), f16::from_le_bytes([c, d]).to_f32())
}

/// Two halves, low first, rounded to nearest.
pub(crate) fn pack_halves(v: Vec2) -> u32 {
    u32::from(f16::from_f32(v.x).to_bits()) | (u32::from(f16::from_f32(v.y).to_bits()) << 16)
}

fn snorm(word: u32) -> Vec2 {
    let [a, b, c, d] = word.to_le_bytes();
    let value = |lo, hi| (f32::from(i16::from_le_bytes([lo, hi])) / 32767.0).max(-1.0);
    Vec2::new(value(a, b), value(c, d))
}

fn pack_snorm(v: Vec2) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of i16")]
    let word = |x: f32| (x.clamp(-1.0, 1.0) * 32767.0).round() as i16;
    u32::from(word(v.x).cast_unsigned()) | (u32::from(word(v.y).cast_unsigned()) << 16)
}

fn unorm(word: u32) -> Vec2 {
    let [a, b, c, d] = word.to_le_bytes();
    Vec2::new(f32::from(u16::from_le_bytes([a, b])), f32::from(u16::from_le_bytes([c, d]))) / 65535.0
}

pub(crate) fn quaternion(words: &[u32]) -> Quat {
    let v = Vec4::from((snorm(words[0]), snorm(words[1])));
    if v.length_squared() > 0.0 { Quat::from_vec4(v / v.length()) } else { Quat::IDENTITY }
}

/// Three components in ten bits each and the number of the fourth.
pub(crate) fn three(word: u32, step: f32) -> Quat {
    let bin = |place: u32| (word << (22 - 10 * place)).cast_signed() >> 22;
    let [x, y, z] = [0, 1, 2].map(|place| bin(place) as f32 * step);
    let rest = (1.0 - x * x - y * y - z * z).max(0.0).sqrt();
    let v = match word >> 30 {
        0 => Vec4::new(rest, x, y, z),
        1 => Vec4::new(x, rest, y, z),
        2 => Vec4::new(x, y, rest, z),
        _ => Vec4::new(x, y, z, rest),
    };
    if v.length_squared() > 0.0 { Quat::from_vec4(v / v.length()) } else { Quat::IDENTITY }
}

/// Two signed 16-bit numbers.
pub(crate) fn signed(word: u32) -> Vec2 {
    let [a, b, c, d] = word.to_le_bytes();
    Vec2::new(f32::from(i16::from_le_bytes([a, b])), f32::from(i16::from_le_bytes([c, d])))
}

pub(crate) fn pack_quaternion(q: Quat) -> [u32; 2] {
    let v = Vec4::from(q);
    [pack_snorm(Vec2::new(v.x, v.y)), pack_snorm(Vec2::new(v.z, v.w))]
}

pub(crate) fn scale(words: &[u32]) -> Vec3 {
    let v = Vec3::from((unorm(words[0]), unorm(words[1]).x)) * 28.0 - 20.0;
    Vec3::new(v.x.exp(), v.y.exp(), v.z.exp())
}

pub(crate) fn opacity(words: &[u32]) -> f32 {
    unorm(words[1]).y
}

pub(crate) fn pack_colour_opacity(colour: Vec3, opacity: f32) -> [u32; 2] {
    let blue = pack_halves(Vec2::new(colour.z, 0.0)) & 0xFFFF;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 16 bits")]
    let opacity = (opacity.clamp(0.0, 1.0) * 65535.0 + 0.5) as u32;
    [pack_halves(colour.truncate()), blue | (opacity << 16)]
}

pub(crate) fn colour_opacity(words: [u32; 2]) -> (Vec3, f32) {
    (Vec3::from((halves(words[0]), halves(words[1]).x)), unorm(words[1]).y)
}

pub(crate) fn half3(words: &[u32]) -> Vec3 {
    Vec3::from((halves(words[0]), halves(words[1]).x))
}
