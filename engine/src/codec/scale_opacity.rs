//! Plane `ScaleOpacity`: three log-scales and the opacity as unorm16.
//!
//! A step of the log is 28/65535, so a scale is off by 0.0214 % at most; opacity by 1/131070. Plane
//! `PackedScaleOpacity`: four bytes, log-scales in the segment's grid.

use super::words::{from_pair, pair, unorm16};

/// Range of ln(scale in metres): e⁻²⁰ is 2 nm, e⁸ is 3 km.
const LOG_RANGE: f32 = 28.0;
const LOG_LEAST: f32 = -20.0;

/// Whether the plane holds the values; scales below the range become its least, 2 nm.
pub(super) fn fits(scale: [f32; 3], opacity: f32) -> bool {
    let largest = (LOG_LEAST + LOG_RANGE).exp();
    scale.iter().all(|value| (0.0..=largest).contains(value)) && opacity.is_finite()
}

/// What a splat covers, seen from its broadest side: square metres of an ellipse of one standard deviation.
pub(super) fn area(scale: [f32; 3]) -> f32 {
    let [x, y, z] = scale;
    std::f32::consts::PI * (x * y).max(y * z).max(z * x)
}

pub(super) fn pack(scale: [f32; 3], opacity: f32) -> [u32; 2] {
    // ln(0) is −∞, which clamps to the least scale.
    let [x, y, z] = scale.map(|value| unorm16((value.ln() - LOG_LEAST) / LOG_RANGE));
    [pair(x, y), pair(z, unorm16(opacity))]
}

pub(super) fn unpack(words: [u32; 2]) -> ([f32; 3], f32) {
    let [x, y] = from_pair(words[0]);
    let [z, opacity] = from_pair(words[1]);
    let scale = [x, y, z].map(|bits| (f32::from(bits) / 65_535.0 * LOG_RANGE + LOG_LEAST).exp());
    (scale, f32::from(opacity) / 65_535.0)
}

/// The greatest ln(scale in metres) that a packed grid may lead to.
const LOG_MOST: f32 = 20.0;
/// The largest number of a packed log-scale.
pub(super) const BYTE_LIMIT: f32 = 255.0;

pub(super) fn pack_bytes(scale: [f32; 3], opacity: f32, least: f32, step: f32) -> u32 {
    let [x, y, z] = scale.map(|value| byte((value.ln() - least) / step));
    // What showed before must not vanish: 1/255 is the least that does.
    let opacity = byte(opacity * BYTE_LIMIT).max(u8::from(opacity > 0.0));
    u32::from_le_bytes([x, y, z, opacity])
}

/// The logarithms of the scales, and the opacity.
pub(super) fn unpack_logs(word: u32, least: f32, step: f32) -> ([f32; 3], f32) {
    let [x, y, z, opacity] = word.to_le_bytes();
    ([x, y, z].map(|bits| f32::from(bits) * step + least), f32::from(opacity) / BYTE_LIMIT)
}

/// Whether the grid leads to scales whose squares are numbers.
pub(super) fn grid_sound(least: f32, step: f32) -> bool {
    step > 0.0 && least >= LOG_LEAST && least + BYTE_LIMIT * step <= LOG_MOST
}

fn byte(value: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the type's range"
    )]
    let bits = value.clamp(0.0, BYTE_LIMIT).round() as u8;
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_keep_their_ratio_and_the_ends_hold() {
        for scale in [1e-7_f32, 0.003, 0.01, 1.0, 2900.0] {
            let (back, opacity) = unpack(pack([scale, 0.0, scale], 0.25));
            assert!((back[0] / scale - 1.0).abs() < 2.3e-4, "{scale} {back:?}");
            assert!(back[1] > 0.0 && back[1] < 3e-9);
            assert!((opacity - 0.25).abs() <= 1.0 / 131_070.0);
        }
        assert!(fits([0.0, 1.0, 2980.0], 1.0));
        assert!(!fits([3000.0, 1.0, 1.0], 1.0));
        assert!(!fits([-1.0, 1.0, 1.0], 1.0));
        assert!(!fits([1.0, f32::NAN, 1.0], 1.0));
        assert!(!fits([1.0; 3], f32::NAN));
    }

    fn unpack_bytes(word: u32, least: f32, step: f32) -> ([f32; 3], f32) {
        let (logs, opacity) = unpack_logs(word, least, step);
        (logs.map(f32::exp), opacity)
    }

    #[test]
    fn packed_scales_are_off_by_half_a_step() {
        let (least, step) = (-7.0_f32, 0.02_f32);
        for scale in [0.001_f32, 0.0123, 0.14] {
            let (back, opacity) = unpack_bytes(pack_bytes([scale; 3], 0.6, least, step), least, step);
            assert!((back[1].ln() - scale.ln()).abs() < 0.0101, "{scale} {back:?}");
            assert!((opacity - 0.6).abs() <= 0.5 / 255.0 + 1e-6);
        }
        assert!(unpack_bytes(pack_bytes([0.01; 3], 1e-6, least, step), least, step).1 > 0.0);
        assert!(grid_sound(least, step) && grid_sound(-20.0, 28.0 / 255.0));
        for (least, step) in [(-21.0, 0.01), (0.0, 0.1), (-7.0, 0.0), (f32::NAN, 0.1), (-7.0, f32::NAN)] {
            assert!(!grid_sound(least, step), "{least} {step}");
        }
    }
}
