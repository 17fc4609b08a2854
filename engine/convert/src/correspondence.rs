//! Whether the splats of a sequence keep their identity from frame to frame. Looks at a few frames; no I/O.
//!
//! Trainers that move a fixed set of splats write every frame in one order; others make every frame anew, and then an
//! index means nothing. Equal counts alone do not tell, since a fixed number of splats may be shuffled. So pairs of
//! neighbouring frames are compared: what keeps its identity stays far nearer to where it was than a splat picked at
//! random, and keeps its colour.

use vivant::splat::Splats;

/// Splats compared in a pair of frames.
const LOOKED_AT: usize = 2000;
/// How much nearer to its own place of the frame before than to another's a splat must be, median against median.
const NEARER: f32 = 0.15;

/// Whether index *i* of `before` and `after` is the same splat for all *i*, as far as places and colours tell.
#[must_use]
pub fn keeps_identity(before: &Splats, after: &Splats) -> bool {
    if before.len() != after.len() || before.is_empty() {
        return false;
    }
    let count = before.len();
    let stride = count.div_ceil(LOOKED_AT).max(1);
    // Another splat for each: a fixed walk through the set, far from the neighbour in the file.
    let other = |index: usize| (index + count / 2 + 7 * (index / stride)) % count;
    let look = |of: &dyn Fn(usize, usize) -> f32, own: bool| {
        let mut all: Vec<f32> = (0..count)
            .step_by(stride)
            .map(|index| of(index, if own { index } else { other(index) }))
            .collect();
        all.sort_by(f32::total_cmp);
        all[all.len() / 2]
    };
    let apart = |a: [f32; 3], b: [f32; 3]| (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt();
    let place = |index: usize, at: usize| apart(before.mean[at], after.mean[index]);
    let colour = |index: usize, at: usize| apart(before.colour[at], after.colour[index]);
    let near = look(&place, true) <= NEARER * look(&place, false);
    // A set of one colour says nothing by it.
    let (own, others) = (look(&colour, true), look(&colour, false));
    near && (own <= 0.5 * others || others < 0.02)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vivant::splat::Splat;

    fn cloud(shift: f32, scramble: usize) -> Splats {
        let mut out = Splats::new(0);
        for index in 0..500_usize {
            let at = index * scramble % 500;
            let unit = |step: usize| f32::from(u16::try_from(at * step % 101).unwrap()) / 101.0;
            let mean = [unit(7) + shift, unit(31), unit(53)];
            out.push(&Splat { mean, colour: [unit(3), unit(11), unit(17)], ..Splat::DEFAULT }, &[]);
        }
        out
    }

    #[test]
    fn a_moved_set_keeps_its_identity_and_a_shuffled_one_does_not() {
        assert!(keeps_identity(&cloud(0.0, 1), &cloud(0.02, 1)));
        assert!(!keeps_identity(&cloud(0.0, 1), &cloud(0.02, 3)), "the same splats in another order");
        let mut fewer = cloud(0.0, 1);
        fewer = fewer.select(&(0..499).collect::<Vec<_>>());
        assert!(!keeps_identity(&cloud(0.0, 1), &fewer));
        assert!(!keeps_identity(&Splats::new(0), &Splats::new(0)));
    }
}
