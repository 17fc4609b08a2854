//! Planes `Sh1` to `Sh3`: the harmonics above the base colour as f16, one plane a degree.
//!
//! A segment holds the planes up to the highest degree that is not zero throughout; lower ones are then present too.

use super::words::{fits_half, from_halves, halves_finite, pack_halves};
use crate::frame::{Plane, SegmentData};

/// The plane of each degree, with the floats of the coefficients it takes from a splat's `sh_rest`.
pub(super) const DEGREES: [(Plane, std::ops::Range<usize>); 3] =
    [(Plane::Sh1, 0..9), (Plane::Sh2, 9..24), (Plane::Sh3, 24..45)];

pub(super) fn fits(rest: &[f32]) -> bool {
    fits_half(rest)
}

/// One splat's words of one plane; coefficients that are not there are zero.
pub(super) fn pack<const N: usize>(rest: &[f32], floats: std::ops::Range<usize>) -> [u32; N] {
    pack_halves(floats.map(|index| rest.get(index).copied().unwrap_or(0.0)))
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
        unpack(&pack::<5>(&rest, DEGREES[0].1.clone()), 9, &mut back);
        unpack(&pack::<8>(&rest, DEGREES[1].1.clone()), 15, &mut back);
        unpack(&pack::<11>(&rest, DEGREES[2].1.clone()), 21, &mut back);
        assert_eq!(back, rest);
        assert!(DEGREES.iter().all(|(plane, floats)| plane.words() == floats.len().div_ceil(2)));
        assert_eq!(pack::<5>(&rest[..3], 0..9)[1] >> 16, 0, "absent coefficients are zero");
        assert!(!fits(&[1e9]));
    }
}
