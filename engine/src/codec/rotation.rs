//! Plane `Rotation`: a unit quaternion xyzw as four snorm16; error below 3e-5 radians. Plane `PackedRotation`: the three
//! smaller components in ten bits each, off by half a step each.

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

/// The largest number of a packed component either way.
const THREE_LIMIT: f32 = 511.0;
/// No component but the largest exceeds √½.
pub(super) const THREE_LEAST_STEP: f32 = std::f32::consts::FRAC_1_SQRT_2 / THREE_LIMIT;

/// "Smallest three": the largest component follows from the others, as the quaternion is a unit one and −q turns as q
/// does.
pub(super) fn pack_three(q: [f32; 4], step: f32) -> u32 {
    let largest = (0..4).fold(0, |best, at| if q[at].abs() > q[best].abs() { at } else { best });
    let sign = if q[largest] < 0.0 { -1.0 } else { 1.0 };
    let mut word = 0;
    for (place, at) in (0..4).filter(|&at| at != largest).enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to ten bits")]
        let bin = (q[at] * sign / step).round().clamp(-THREE_LIMIT, THREE_LIMIT) as i32;
        word |= (bin.cast_unsigned() & 0x3ff) << (10 * place);
    }
    #[expect(clippy::cast_possible_truncation, reason = "0 to 3")]
    let number = largest as u32;
    word | number << 30
}

/// Normalised, as the kernels read it; every word is some rotation.
pub(super) fn unpack_three(word: u32, step: f32) -> [f32; 4] {
    let bin = |place: u32| (word << (22 - 10 * place)).cast_signed() >> 22;
    let small = [0, 1, 2].map(|place| bin(place) as f32 * step);
    let rest = (1.0 - small.iter().map(|value| value * value).sum::<f32>()).max(0.0).sqrt();
    let q = match word >> 30 {
        0 => [rest, small[0], small[1], small[2]],
        1 => [small[0], rest, small[1], small[2]],
        2 => [small[0], small[1], rest, small[2]],
        _ => [small[0], small[1], small[2], rest],
    };
    let length = q.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 { q.map(|value| value / length) } else { [0.0, 0.0, 0.0, 1.0] }
}

/// Whether numbers in this step are components of a unit quaternion, and no more.
pub(super) fn step_sound(step: f32) -> bool {
    step > 1e-6 && step <= 0.5
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

    #[test]
    fn three_components_stand_for_four() {
        for q in [
            [0.1, -0.7, 0.3, -0.2],
            [0.9, 0.1, 0.2, 0.3],
            [0.0, 0.0, 0.0, 1.0],
            [0.5; 4],
            [0.0, 0.1, -0.9, 0.4],
        ] {
            let (unit, _) = unit(q).unwrap();
            let back = unpack_three(pack_three(unit, THREE_LEAST_STEP), THREE_LEAST_STEP);
            let dot: f32 = (0..4).map(|at| back[at] * unit[at]).sum();
            // Three errors of half a step and what follows for the fourth: under 2.5 half steps of arc.
            assert!(dot.abs() > 1.0 - 0.5 * (1.25 * THREE_LEAST_STEP).powi(2), "{back:?} {unit:?}");
        }
        // No word is without a rotation, whatever the file says.
        for word in [0, u32::MAX, 0x2008_0200, 0x1ff7_fdff] {
            let length: f32 = unpack_three(word, 0.5).iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-5, "{word:#x}");
        }
        assert!(
            step_sound(THREE_LEAST_STEP) && !step_sound(0.0) && !step_sound(f32::NAN) && !step_sound(9.0)
        );
    }
}
