//! Packing of small numbers into 32-bit words, low half first, as `unpackHalf2x16` and `unpackUnorm2x16` read them.

use half::f16;

/// Two f16 in a word.
pub(super) fn halves(low: f32, high: f32) -> u32 {
    u32::from(f16::from_f32(low).to_bits()) | u32::from(f16::from_f32(high).to_bits()) << 16
}

/// The two f16 of a word.
pub(super) fn from_halves(word: u32) -> [f32; 2] {
    let [a, b, c, d] = word.to_le_bytes();
    [f16::from_le_bytes([a, b]).to_f32(), f16::from_le_bytes([c, d]).to_f32()]
}

/// Two u16 in a word.
pub(super) fn pair(low: u16, high: u16) -> u32 {
    u32::from(low) | u32::from(high) << 16
}

/// The two u16 of a word.
pub(super) fn from_pair(word: u32) -> [u16; 2] {
    let [a, b, c, d] = word.to_le_bytes();
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}

/// Values packed two to a word, the last half zero where their number is odd.
pub(super) fn pack_halves<const N: usize>(values: impl Iterator<Item = f32>) -> [u32; N] {
    let mut values = values.fuse();
    std::array::from_fn(|_| halves(values.next().unwrap_or(0.0), values.next().unwrap_or(0.0)))
}

/// Whether every value is a finite f16 after rounding.
pub(super) fn fits_half(values: &[f32]) -> bool {
    // The largest f32 that rounds to the largest f16 (65504) rather than to infinity is just under 65520.
    values.iter().all(|value| value.abs() < 65_520.0)
}

/// Whether both halves of a word are finite f16.
pub(super) fn halves_finite(word: u32) -> bool {
    word & 0x7c00 != 0x7c00 && word & 0x7c00_0000 != 0x7c00_0000
}

/// A number in 0..=1 as 16 bits, to nearest.
pub(super) fn unorm16(value: f32) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the type's range"
    )]
    let bits = (value.clamp(0.0, 1.0) * 65_535.0).round() as u16;
    bits
}

/// A number as 16 bits, to nearest, held in 0..=65535.
pub(super) fn bits16(value: f32) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the type's range"
    )]
    let bits = value.clamp(0.0, 65_535.0).round() as u16;
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_stop_where_f16_does() {
        for (value, fits) in [(65_504.0, true), (65_519.9, true), (65_520.0, false), (f32::NAN, false)] {
            assert_eq!(fits_half(&[value]), fits, "{value}");
            assert_eq!(halves_finite(halves(0.0, value)), fits, "{value}");
            assert_eq!(halves_finite(halves(value, 1.0)), fits, "{value}");
        }
        assert_eq!(from_halves(halves(-0.5, 1.5)), [-0.5, 1.5]);
        assert_eq!(from_pair(pair(1, 65_535)), [1, 65_535]);
    }

    #[test]
    fn an_odd_number_of_values_ends_in_zero() {
        assert_eq!(pack_halves::<2>([1.0, 2.0, 3.0].into_iter()), [halves(1.0, 2.0), halves(3.0, 0.0)]);
        assert_eq!(unorm16(1.5), 65_535);
        assert_eq!(unorm16(-1.0), 0);
    }
}
