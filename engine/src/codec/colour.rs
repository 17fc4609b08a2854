//! Plane `Colour`: the base colour as three f16, sRGB-encoded; error below 1/2048 of the value.

use super::words::{fits_half, from_halves, halves, halves_finite};

pub(super) fn fits(colour: [f32; 3]) -> bool {
    fits_half(&colour)
}

pub(super) fn pack(colour: [f32; 3]) -> [u32; 2] {
    [halves(colour[0], colour[1]), halves(colour[2], 0.0)]
}

pub(super) fn unpack(words: [u32; 2]) -> [f32; 3] {
    let [r, g] = from_halves(words[0]);
    [r, g, from_halves(words[1])[0]]
}

pub(super) fn sound(words: [u32; 2]) -> bool {
    words.into_iter().all(halves_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_round_trip_outside_the_unit_cube_too() {
        for (got, want) in unpack(pack([0.1, -0.4, 1.7])).into_iter().zip([0.1_f32, -0.4, 1.7]) {
            assert!((got - want).abs() <= want.abs() / 2048.0);
        }
        assert!(!fits([0.0, f32::INFINITY, 0.0]));
        assert!(!sound([0x7c00, 0]));
    }
}
