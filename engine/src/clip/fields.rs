//! Codec 2: the numbers of a packed plane as byte columns, each the difference to the number before it.
//!
//! A packed record holds several numbers of 2 to 16 bits ([`Plane::fields`]). Each becomes a column of its own, of low
//! bytes and, above 8 bits, one of high bytes. Splats stand along a Morton curve, so a number often lies near the one
//! before it: prediction 1 stores the difference, modulo the field's width, prediction 0 the number itself, both
//! zigzagged (0, −1, 1, −2, … become 0, 1, 2, 3, …) so that what is near zero either way has a zero high byte. The
//! differences are of whole numbers on a grid, so nothing drifts.

use crate::frame::Plane;

/// Bytes of the columns of one record.
pub(super) fn column_bytes(plane: Plane) -> usize {
    plane.fields().iter().map(|&bits| if bits > 8 { 2 } else { 1 }).sum()
}

/// Where each field lies: its word, its shift in it, its width.
fn places(plane: Plane) -> impl Iterator<Item = (usize, u32, u32)> {
    plane.fields().iter().scan(0_u32, |at, &bits| {
        let place = ((*at / 32) as usize, *at % 32, u32::from(bits));
        *at += u32::from(bits);
        Some(place)
    })
}

/// Words of records → columns, and where each column ends.
pub(super) fn split(words: &[u32], plane: Plane, predicted: bool) -> (Vec<u8>, Vec<usize>) {
    let mut columns = Vec::with_capacity(words.len() / plane.words().max(1) * column_bytes(plane));
    let mut ends = Vec::new();
    for (word, shift, bits) in places(plane) {
        let mask = (1_u32 << bits) - 1;
        let mut before = 0;
        let coded: Vec<u32> = words
            .chunks_exact(plane.words())
            .map(|record| {
                let number = (record[word] >> shift) & mask;
                let code = zigzag(number.wrapping_sub(before) & mask, bits);
                before = if predicted { number } else { 0 };
                code
            })
            .collect();
        columns.extend(coded.iter().map(|code| code.to_le_bytes()[0]));
        ends.push(columns.len());
        if bits > 8 {
            columns.extend(coded.iter().map(|code| code.to_le_bytes()[1]));
            ends.push(columns.len());
        }
    }
    (columns, ends)
}

/// Columns → the bytes of the records; `columns` holds `column_bytes` for each record that fits `out`.
pub(super) fn join(columns: &[u8], plane: Plane, predicted: bool, out: &mut [u8]) {
    out.fill(0);
    let record_bytes = plane.words() * 4;
    let count = out.len() / record_bytes.max(1);
    let mut columns = columns.chunks_exact(count.max(1));
    for (word, shift, bits) in places(plane) {
        let mask = (1_u32 << bits) - 1;
        let low = columns.next().unwrap_or_default();
        let high = if bits > 8 { columns.next().unwrap_or_default() } else { &[] };
        let mut before = 0;
        for (at, (record, &low)) in out.chunks_exact_mut(record_bytes).zip(low).enumerate() {
            let code = u32::from(low) | u32::from(high.get(at).copied().unwrap_or(0)) << 8;
            let number = before_plus(before, code, mask);
            if predicted {
                before = number;
            }
            if let Some(bytes) = record[word * 4..].first_chunk_mut::<4>() {
                *bytes = (u32::from_le_bytes(*bytes) | number << shift).to_le_bytes();
            }
        }
    }
}

/// A number of `bits` bits, taken as signed, with its sign in the lowest bit.
const fn zigzag(number: u32, bits: u32) -> u32 {
    let signed = (number << (32 - bits)).cast_signed() >> (32 - bits);
    ((signed << 1) ^ (signed >> 31)).cast_unsigned()
}

/// The number that `code` leads to from `before`; bits beyond the field's width have no effect.
const fn before_plus(before: u32, code: u32, mask: u32) -> u32 {
    before.wrapping_add((code >> 1) ^ (code & 1).wrapping_neg()) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_their_columns() {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            state ^ state >> 16
        };
        for plane in Plane::ALL.into_iter().filter(|plane| !plane.fields().is_empty()) {
            let widths: usize = plane.fields().iter().map(|&bits| usize::from(bits)).sum();
            assert_eq!(widths, plane.words() * 32, "the fields of {plane:?} fill its words");
            for count in [1, 2, 255, 4096] {
                let words: Vec<u32> = (0..count * plane.words()).map(|_| next()).collect();
                for predicted in [false, true] {
                    let (columns, ends) = split(&words, plane, predicted);
                    assert_eq!(columns.len(), count * column_bytes(plane));
                    assert_eq!(ends.last(), Some(&columns.len()));
                    let mut back = vec![0xaa; words.len() * 4];
                    join(&columns, plane, predicted, &mut back);
                    let expected: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                    assert_eq!(back, expected, "{plane:?} {count} {predicted}");
                }
            }
        }
    }

    #[test]
    fn small_differences_are_small_codes() {
        assert_eq!([0_u32, 1023, 1, 1022, 512].map(|number| zigzag(number, 10)), [0, 1, 2, 3, 1023]);
        let (columns, _) = split(
            &[1000 << 16, 1001 << 16, 999 << 16].map(|word| [word, 0]).concat(),
            Plane::PackedMean,
            true,
        );
        assert_eq!(columns[6..9], [208, 2, 3], "low bytes of y: 2000, then +1, then -2");
    }

    #[test]
    fn bits_beyond_a_field_do_nothing() {
        let mut out = [0; 4];
        join(&[0xff; 7], Plane::PackedRotation, true, &mut out);
        assert_eq!(
            u32::from_le_bytes(out).count_ones(),
            before_plus(0, 0xffff, 0x3ff).count_ones() * 3 + before_plus(0, 0xff, 3).count_ones()
        );
    }
}
