//! Plane `Rotation`: a unit quaternion xyzw as four snorm16; error below 3e-5 radians.

use super::words::{from_pair, pair};

/// The unit quaternion along `q`, with w ≥ 0; `None` when there is none. The factor that was applied comes with it,
/// because the spin must be scaled alike.
pub(super) fn unit(q: [f32; 4]) -> Option<([f32; 4], f32)> {
    let length = q.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if !(length > 1e-12 && length.is_finite()) {
        return None;
    }
    // q and −q turn alike; one sign makes neighbours alike too, which compresses better.
    let factor = if q[3].is_sign_negative() { -1.0 / length } else { 1.0 / length };
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
    let scaled = q.map(|value| (f64::from(value) * factor) as f32);
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
    let factor = factor as f32;
    Some((scaled, factor))
}

pub(super) fn pack(q: [f32; 4]) -> [u32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the type's range")]
    let bits = q.map(|value| ((value.clamp(-1.0, 1.0) * 32_767.0).round() as i16).cast_unsigned());
    [pair(bits[0], bits[1]), pair(bits[2], bits[3])]
}

/// Normalised, as the kernels read it.
pub(super) fn unpack(words: [u32; 2]) -> [f32; 4] {
    let [x, y] = from_pair(words[0]);
    let [z, w] = from_pair(words[1]);
    let q = [x, y, z, w].map(|bits| (f32::from(bits.cast_signed()) / 32_767.0).max(-1.0));
    let length = q.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 { q.map(|value| value / length) } else { [0.0, 0.0, 0.0, 1.0] }
}

/// Whether words of a file turn anything: four zeros are no rotation.
pub(super) fn sound(words: [u32; 2]) -> bool {
    words != [0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quaternions_round_trip_within_a_step() {
        let q = [0.1, -0.7, 0.3, -0.2];
        let (unit, factor) = unit(q).unwrap();
        assert!(unit[3] > 0.0 && factor < 0.0);
        let back = unpack(pack(unit));
        for axis in 0..4 {
            assert!((back[axis] - unit[axis]).abs() < 2.5e-5, "{back:?} {unit:?}");
        }
        assert!(super::unit([0.0; 4]).is_none());
        assert!(super::unit([f32::NAN, 0.0, 0.0, 1.0]).is_none());
        assert!(!sound([0, 0]));
    }
}
