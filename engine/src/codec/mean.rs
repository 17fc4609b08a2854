//! Plane `Mean`: the centre at t0, three f32, exact. Plane `PackedMean`: three u16 in the grid of the splat's cluster,
//! off by half a step at most.

use super::words::{bits16, from_pair, pair};

/// The largest number of a packed mean.
const BINS: f32 = 65_535.0;
/// The finest step: a nanometre.
const MIN_STEP: f32 = 1e-9;

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

/// The grid of one cluster for packed means: the origin and the step, `step` doubled until every mean is within reach.
pub(super) fn grid(means: &[[f32; 3]], step: f32) -> ([f32; 3], f32) {
    let low: [f32; 3] =
        std::array::from_fn(|axis| means.iter().map(|mean| mean[axis]).fold(f32::INFINITY, f32::min));
    let high: [f32; 3] =
        std::array::from_fn(|axis| means.iter().map(|mean| mean[axis]).fold(f32::NEG_INFINITY, f32::max));
    let extent = (0..3).map(|axis| high[axis] - low[axis]).fold(0.0, f32::max);
    let mut step = step.max(MIN_STEP);
    // One step to spare, because the origin lies up to one below the lowest mean.
    while extent > step * (BINS - 1.0) {
        step *= 2.0;
    }
    // A multiple of the step, so that the numbers of neighbouring clusters stand on one lattice.
    (low.map(|value| (value / step).floor() * step), step)
}

pub(super) fn pack_bins(mean: [f32; 3], origin: [f32; 3], step: f32) -> [u32; 2] {
    let [x, y, z] = std::array::from_fn(|axis| bits16((mean[axis] - origin[axis]) / step));
    [pair(x, y), pair(z, 0)]
}

pub(super) fn unpack_bins(words: [u32; 2], origin: [f32; 3], step: f32) -> [f32; 3] {
    let [x, y] = from_pair(words[0]);
    let [z, _] = from_pair(words[1]);
    let bins = [x, y, z];
    std::array::from_fn(|axis| origin[axis] + f32::from(bins[axis]) * step)
}

/// The same with the number of the patch whose poses carry the splat, in the half that means leave free.
pub(super) fn with_patch([xy, z]: [u32; 2], patch: u16) -> [u32; 2] {
    [xy, z & 0xffff | u32::from(patch) << 16]
}

/// The number of the patch.
pub(super) fn patch(words: [u32; 2]) -> usize {
    (words[1] >> 16) as usize
}

/// Whether a cluster's grid leads to means that [`fits`] only.
pub(super) fn grid_sound(origin: [f32; 3], step: f32) -> bool {
    step >= MIN_STEP && fits(origin) && fits(origin.map(|value| value + BINS * step))
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

    #[test]
    fn packed_means_are_off_by_half_a_step() {
        let means = [[1.0, -3.0, 0.5], [1.3, -2.9, 0.7], [0.9, -3.3, 0.500_07]];
        let (origin, step) = grid(&means, 1e-4);
        assert_eq!(step.to_bits(), 1e-4_f32.to_bits());
        assert!(grid_sound(origin, step));
        for mean in means {
            let back = unpack_bins(pack_bins(mean, origin, step), origin, step);
            for axis in 0..3 {
                assert!((back[axis] - mean[axis]).abs() < 0.501e-4, "{back:?} {mean:?}");
            }
        }
        let far = [[0.0; 3], [100.0, 0.0, 0.0]];
        let (origin, step) = grid(&far, 1e-4);
        assert!(step > 1e-3 && step < 4e-3, "the step grows with the cluster: {step}");
        assert!((unpack_bins(pack_bins(far[1], origin, step), origin, step)[0] - 100.0).abs() <= step);
        for (origin, step) in
            [([f32::NAN, 0.0, 0.0], 1.0), ([0.0; 3], 0.0), ([0.0; 3], f32::INFINITY), ([0.0; 3], 1e12)]
        {
            assert!(!grid_sound(origin, step));
        }
    }
}
