//! Planes `Sh1` to `Sh3`: the harmonics above the base colour as f16, one plane a degree.
//!
//! A segment holds the planes up to the highest degree that is not zero throughout; lower ones are then present too.

use super::words::{fits_half, from_halves, halves, halves_finite};
use crate::frame::{Plane, SegmentData};

/// The plane of each degree, with the floats of the coefficients it takes from a splat's `sh_rest`.
pub(super) const DEGREES: [(Plane, std::ops::Range<usize>); 3] =
    [(Plane::Sh1, 0..9), (Plane::Sh2, 9..24), (Plane::Sh3, 24..45)];

pub(super) fn fits(rest: &[f32]) -> bool {
    fits_half(rest)
}

/// Appends one splat's words of a plane; coefficients that are not there are zero.
pub(super) fn push(
    words: &mut Vec<u32>,
    plane: Plane,
    floats: std::ops::Range<usize>,
    rest: &[f32],
    rounded: impl Fn(f32) -> f32,
) {
    let mut values = floats.map(|index| rounded(rest.get(index).copied().unwrap_or(0.0)));
    for _ in 0..plane.words() {
        words.push(halves(values.next().unwrap_or(0.0), values.next().unwrap_or(0.0)));
    }
}

/// The planes of `count` splats, coefficients rounded to multiples of `step` where there is one: those up to the highest
/// degree that is not zero throughout.
pub(super) fn planes<'a>(
    count: usize,
    rest: impl Fn(usize) -> &'a [f32],
    step: Option<f32>,
) -> [(Plane, Vec<u32>); 3] {
    let rounded = |value: f32| step.map_or(value, |step| (value / step).round() * step);
    let mut out = DEGREES.map(|(plane, floats)| {
        let mut words = Vec::with_capacity(count * plane.words());
        (0..count).for_each(|at| push(&mut words, plane, floats.clone(), rest(at), rounded));
        (plane, words)
    });
    // −0 in either half is as much nothing as 0.
    let blank = |words: &[u32]| words.iter().all(|word| word & 0x7fff_7fff == 0);
    let highest = out.iter().rposition(|(_, words)| !blank(words));
    for (degree, (_, words)) in out.iter_mut().enumerate() {
        if highest.is_none_or(|highest| degree > highest) {
            words.clear();
        }
    }
    out
}

/// Appends the floats of one splat's words.
pub(super) fn unpack(words: &[u32], floats: usize, out: &mut Vec<f32>) {
    out.extend(words.iter().flat_map(|&word| from_halves(word)).take(floats));
}

/// The words of splat `index` in a plane of harmonics: its own or those of its entry of the palette.
pub(super) fn words_of(data: &SegmentData, plane: Plane, index: usize) -> &[u32] {
    let label = data.planes[Plane::PackedHarmonics.index()].get(index);
    let (words, entry) = match (&data.palette, label) {
        (Some(palette), Some(&label)) => {
            (&palette.planes[plane.index() - Plane::Sh1.index()], label as usize)
        }
        _ => (&data.planes[plane.index()], index),
    };
    words.get(entry * plane.words()..(entry + 1) * plane.words()).unwrap_or_default()
}

pub(super) fn sound(words: &[u32]) -> bool {
    words.iter().all(|&word| halves_finite(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_degree_takes_its_own_floats() {
        let rest: Vec<f32> = (0..45_u8).map(f32::from).collect();
        let mut back = Vec::new();
        let stored = planes(1, |_| &rest, None);
        for ((plane, words), (_, floats)) in stored.iter().zip(&DEGREES) {
            assert_eq!(words.len(), plane.words());
            unpack(words, floats.len(), &mut back);
        }
        assert_eq!(back, rest);
        assert!(DEGREES.iter().all(|(plane, floats)| plane.words() == floats.len().div_ceil(2)));
        let short = planes(1, |_| &rest[..3], Some(0.75));
        assert_eq!(short[0].1.len(), 5, "absent coefficients are zero");
        assert!(short[1].1.is_empty() && short[2].1.is_empty(), "no plane of zeros above the last");
        let mut rounded = Vec::new();
        unpack(&short[0].1, 3, &mut rounded);
        assert_eq!(rounded, [0.0, 0.75, 2.25]);
        let high: Vec<f32> = (0..45_u8).map(|at| f32::from(at / 44)).collect();
        assert!(planes(1, |_| &high, None).iter().all(|(_, words)| !words.is_empty()), "zeros below");
        assert!(!fits(&[1e9]));
    }
}
