//! Plane `Colour`: the base colour as three f16, sRGB-encoded; error below 1/2048 of the value. Plane
//! `PackedColour`: ten bits a channel in the segment's grid.

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

/// The largest number of a packed channel.
pub(super) const TEN_BITS: f32 = 1023.0;

pub(super) fn pack_tens(colour: [f32; 3], least: f32, step: f32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to ten bits")]
    let [r, g, b] = colour.map(|value| ((value - least) / step).clamp(0.0, TEN_BITS).round() as u32);
    r | g << 10 | b << 20
}

pub(super) fn unpack_tens(word: u32, least: f32, step: f32) -> [f32; 3] {
    [word, word >> 10, word >> 20].map(|bits| (bits & 0x3ff) as f32 * step + least)
}

/// Whether the grid leads to colours that [`fits`] only.
pub(super) fn grid_sound(least: f32, step: f32) -> bool {
    step > 0.0 && fits([least, least + TEN_BITS * step, 0.0])
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

    #[test]
    fn packed_colours_are_off_by_half_a_step() {
        let (least, step) = (-0.5, 2.0 / TEN_BITS);
        for (got, want) in unpack_tens(pack_tens([0.1, -0.4, 1.4], least, step), least, step)
            .into_iter()
            .zip([0.1_f32, -0.4, 1.4])
        {
            assert!((got - want).abs() <= 0.501 * step, "{got} {want}");
        }
        assert!(grid_sound(least, step));
        for (least, step) in [(0.0, 0.0), (0.0, 1e3), (f32::NEG_INFINITY, 1.0), (0.0, f32::NAN)] {
            assert!(!grid_sound(least, step));
        }
    }
}
