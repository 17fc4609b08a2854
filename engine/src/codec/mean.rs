//! Plane `Mean`: the centre at t0, three f32, exact.

/// Whether the plane holds the value.
pub(super) fn fits(mean: [f32; 3]) -> bool {
    // Squares of coordinates are taken everywhere; beyond this they overflow.
    mean.iter().all(|value| value.abs() < 1e15)
}

pub(super) fn pack(mean: [f32; 3]) -> [u32; 3] {
    mean.map(f32::to_bits)
}

pub(super) fn unpack(words: [u32; 3]) -> [f32; 3] {
    words.map(f32::from_bits)
}

/// Whether words of a file are a value that [`fits`].
pub(super) fn sound(words: [u32; 3]) -> bool {
    fits(unpack(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_exact_and_must_be_finite() {
        let mean = [1.0e-30, -3.25, 12_345.679];
        assert_eq!(unpack(pack(mean)).map(f32::to_bits), mean.map(f32::to_bits));
        assert!(fits(mean));
        assert!(!fits([0.0, f32::NAN, 0.0]));
        assert!(!sound(pack([0.0, 0.0, f32::INFINITY])));
    }
}
