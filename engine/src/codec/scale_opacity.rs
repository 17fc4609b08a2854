//! Plane `ScaleOpacity`: three log-scales and the opacity as unorm16.
//!
//! A step of the log is 28/65535, so a scale is off by 0.0214 % at most; opacity by 1/131070.

use super::words::{from_pair, pair, unorm16};

/// Range of ln(scale in metres): e⁻²⁰ is 2 nm, e⁸ is 3 km.
const LOG_RANGE: f32 = 28.0;
const LOG_LEAST: f32 = -20.0;

/// Whether the plane holds the values; scales below the range become its least, 2 nm.
pub(super) fn fits(scale: [f32; 3], opacity: f32) -> bool {
    let largest = (LOG_LEAST + LOG_RANGE).exp();
    scale.iter().all(|value| (0.0..=largest).contains(value)) && opacity.is_finite()
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
}
