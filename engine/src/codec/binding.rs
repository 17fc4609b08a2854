//! Plane `Binding`: which joints carry a splat, and how much each. A word a joint, number and unorm16 weight; the
//! weights of a splat add up to exactly one, so that joints at rest change nothing.

use super::words::{from_pair, pair};
use crate::frame::{Plane, SegmentData};
use crate::rig::Binding;

/// What all weights of a splat add up to.
const WHOLE: u32 = 65_535;

/// How many joints the splats of some bindings need a splat.
pub(super) fn most(bindings: &[Binding]) -> u8 {
    let count = bindings.iter().map(|binding| binding.terms().count()).max().unwrap_or(1);
    u8::try_from(count.clamp(1, Binding::MOST)).unwrap_or(1)
}

/// The words of a binding of at most `count` joints: floors, and what they lack to those that lost most.
pub(super) fn pack(binding: &Binding, count: u8) -> Vec<u32> {
    let mut terms: Vec<(u16, f64)> =
        binding.terms().map(|(joint, weight)| (joint, f64::from(weight))).collect();
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    terms.truncate(usize::from(count));
    if terms.is_empty() {
        terms.push((binding.joints[0], 1.0));
    }
    let sum: f64 = terms.iter().map(|(_, weight)| weight).sum();
    let exact: Vec<f64> = terms.iter().map(|(_, weight)| weight / sum * f64::from(WHOLE)).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 65535")]
    let mut weights: Vec<u16> = exact.iter().map(|weight| weight.floor() as u16).collect();
    let mut short = WHOLE.saturating_sub(weights.iter().copied().map(u32::from).sum());
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    for &at in order.iter().cycle().take(Binding::MOST) {
        if short > 0 {
            weights[at] = weights[at].saturating_add(1);
            short -= 1;
        }
    }
    let mut words: Vec<u32> = terms.iter().zip(weights).map(|(term, weight)| pair(term.0, weight)).collect();
    // What is not needed names the heaviest, at no weight.
    words.resize(usize::from(count.max(1)), pair(terms[0].0, 0));
    words
}

/// Whether words of a file name joints of a rig of `joints`, with weights that add up to one.
pub(super) fn sound(words: &[u32], joints: usize) -> bool {
    let sum: u32 = words.iter().map(|&word| u32::from(from_pair(word)[1])).sum();
    sum == WHOLE && words.iter().all(|&word| usize::from(from_pair(word)[0]) < joints)
}

/// The binding of a splat of a segment; `None` where it has none.
#[must_use]
pub fn binding_of(data: &SegmentData, index: usize) -> Option<Binding> {
    let count = usize::from(data.keys.joints);
    let words = data.planes[Plane::Binding.index()].get(index.checked_mul(count)?..)?.get(..count)?;
    let mut out = Binding::one(from_pair(*words.first()?)[0]);
    for (at, &word) in words.iter().enumerate().take(Binding::MOST) {
        let [joint, weight] = from_pair(word);
        (out.joints[at], out.weights[at]) = (joint, f32::from(weight) / 65_535.0);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_and_are_near() {
        for count in 1..=8_u8 {
            let pairs: Vec<(u16, f32)> =
                (0..u16::from(count)).map(|at| (at * 7, 1.0 / (1.0 + f32::from(at) * 0.37))).collect();
            let binding = Binding::of(&pairs).unwrap();
            let words = pack(&binding, count);
            assert_eq!(words.len(), usize::from(count));
            assert!(sound(&words, 50) && !sound(&words, usize::from(count - 1) * 7));
            for (&word, (joint, weight)) in words.iter().zip(binding.terms()) {
                let [found, stored] = from_pair(word);
                assert_eq!(found, joint);
                assert!((f32::from(stored) / 65_535.0 - weight).abs() < 1.1 / 65_535.0);
            }
        }
        assert_eq!(pack(&Binding::one(9), 3), [pair(9, 65_535), pair(9, 0), pair(9, 0)]);
        assert_eq!(most(&[Binding::one(1), Binding::of(&[(1, 1.0), (2, 1.0)]).unwrap()]), 2);
        assert!(!sound(&[pair(0, 65_535), pair(0, 1)], 1), "weights of more than one");
    }
}
