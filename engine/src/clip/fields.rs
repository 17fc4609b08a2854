//! Codec 2: the numbers of a packed plane as byte columns, each the difference to what the numbers before it lead to
//! expect.
//!
//! A packed record holds several numbers of 2 to 16 bits ([`Plane::fields`]), once for each key. Each becomes a column of
//! its own, of low bytes and, above 8 bits, one of high bytes; the columns of a key stand together. A *prediction* says
//! what is stored in place of a number: first along time, the difference of order 0 to 3 to the same number in the keys
//! before (a smooth motion has small ones), then along the curve, the difference of that to the record before, to
//! the mean of the four records before (which halves the noise that a difference adds), or to nothing. All is modulo
//! the number's width and zigzagged (0, −1, 1, −2, … become 0, 1, 2, 3, …), so that what is near zero either way has a
//! zero high byte. The differences are of whole numbers on a grid, so nothing drifts.

use crate::frame::Plane;

/// The largest prediction there is: three orders of time beyond none, three ways along the curve.
pub(super) const MAX_PREDICTION: u8 = 11;

/// The predictions worth trying for a plane with so many keys, the likeliest first.
pub(super) fn predictions(keys: usize) -> &'static [u8] {
    if keys > 1 { &[8, 7, 5, 11, 1] } else { &[1, 0] }
}

/// What a prediction means.
#[derive(Debug, Clone, Copy)]
struct Prediction {
    /// Differences taken along time.
    order: usize,
    along: Along,
}

/// What is expected of a record along the curve.
#[derive(Debug, Clone, Copy)]
enum Along {
    Nothing,
    Before,
    MeanOfFour,
}

impl Prediction {
    const fn of(number: u8) -> Self {
        let along = match number % 3 {
            0 => Along::Nothing,
            1 => Along::Before,
            _ => Along::MeanOfFour,
        };
        Self { order: (number / 3) as usize, along }
    }
}

/// The last four residuals along the curve.
#[derive(Debug, Clone, Copy, Default)]
struct Curve {
    last: [i32; 4],
    at: usize,
}

impl Curve {
    fn expected(&self, along: Along) -> i32 {
        match along {
            Along::Nothing => 0,
            Along::Before => self.last[(self.at + 3) % 4],
            Along::MeanOfFour => (self.last[0] + self.last[1] + self.last[2] + self.last[3] + 2) >> 2,
        }
    }

    fn push(&mut self, residual: i32) {
        self.last[self.at] = residual;
        self.at = (self.at + 1) % 4;
    }
}

/// What time leads to expect of a number, from those of the keys before, newest first: the polynomial through them.
const fn expected_in_time(order: usize, before: [u32; 3]) -> u32 {
    let [a, b, c] = before;
    match order {
        0 => 0,
        1 => a,
        2 => a.wrapping_mul(2).wrapping_sub(b),
        _ => a.wrapping_sub(b).wrapping_mul(3).wrapping_add(c),
    }
}

/// Bytes of the columns of one record's key.
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

/// A number of `bits` bits as a signed one.
const fn signed(number: u32, bits: u32) -> i32 {
    (number << (32 - bits)).cast_signed() >> (32 - bits)
}

/// Words of records of so many keys → columns, and where each column ends.
pub(super) fn split(words: &[u32], plane: Plane, keys: usize, prediction: u8) -> (Vec<u8>, Vec<usize>) {
    let Prediction { order, along } = Prediction::of(prediction);
    let key_words = plane.words();
    let mut columns = Vec::with_capacity(words.len() / key_words.max(1) * column_bytes(plane));
    let mut ends = Vec::new();
    for key in 0..keys {
        for (word, shift, bits) in places(plane) {
            let mask = (1_u32 << bits) - 1;
            let mut curve = Curve::default();
            let coded: Vec<u32> = words
                .chunks_exact(keys * key_words)
                .map(|record| {
                    let number = |back: usize| match key.checked_sub(back) {
                        Some(key) => (record[key * key_words + word] >> shift) & mask,
                        None => 0,
                    };
                    let in_time = expected_in_time(order.min(key), [number(1), number(2), number(3)]);
                    let residual = signed(number(0).wrapping_sub(in_time) & mask, bits);
                    let code = residual.wrapping_sub(curve.expected(along)).cast_unsigned() & mask;
                    curve.push(residual);
                    zigzag(code, bits)
                })
                .collect();
            columns.extend(coded.iter().map(|code| code.to_le_bytes()[0]));
            ends.push(columns.len());
            if bits > 8 {
                columns.extend(coded.iter().map(|code| code.to_le_bytes()[1]));
                ends.push(columns.len());
            }
        }
    }
    (columns, ends)
}

/// Columns → the bytes of the records; `columns` holds `column_bytes` for each key of each record that fits `out`.
pub(super) fn join(columns: &[u8], plane: Plane, keys: usize, prediction: u8, out: &mut [u8]) {
    let Prediction { order, along } = Prediction::of(prediction);
    out.fill(0);
    let key_bytes = plane.words() * 4;
    let record_bytes = keys * key_bytes;
    let count = out.len() / record_bytes.max(1);
    let mut columns = columns.chunks_exact(count.max(1));
    for key in 0..keys {
        for (word, shift, bits) in places(plane) {
            let mask = (1_u32 << bits) - 1;
            let low = columns.next().unwrap_or_default();
            let high = if bits > 8 { columns.next().unwrap_or_default() } else { &[] };
            let at = key * key_bytes + word * 4;
            let mut curve = Curve::default();
            for (index, (record, &low)) in out.chunks_exact_mut(record_bytes).zip(low).enumerate() {
                let number = |back: usize| match at.checked_sub(back * key_bytes) {
                    Some(at) => (word_at(record, at) >> shift) & mask,
                    None => 0,
                };
                let code = u32::from(low) | u32::from(high.get(index).copied().unwrap_or(0)) << 8;
                let in_time = match order.min(key) {
                    0 => 0,
                    order => expected_in_time(order, [number(1), number(2), number(3)]),
                };
                let difference = (code >> 1) ^ (code & 1).wrapping_neg();
                let residual = difference.wrapping_add(curve.expected(along).cast_unsigned());
                curve.push(signed(residual & mask, bits));
                let number = residual.wrapping_add(in_time) & mask;
                if let Some(bytes) = record[at..].first_chunk_mut::<4>() {
                    *bytes = (u32::from_le_bytes(*bytes) | number << shift).to_le_bytes();
                }
            }
        }
    }
}

fn word_at(record: &[u8], at: usize) -> u32 {
    record.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// A number of `bits` bits, taken as signed, with its sign in the lowest bit.
const fn zigzag(number: u32, bits: u32) -> u32 {
    let signed = signed(number, bits);
    ((signed << 1) ^ (signed >> 31)).cast_unsigned()
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
            let most = if plane.spline_degree().is_some() { 16 } else { 1 };
            for (count, keys) in [(1, 1), (2, 1), (255, most), (4096, 1), (300, most)] {
                let words: Vec<u32> = (0..count * keys * plane.words()).map(|_| next()).collect();
                for prediction in 0..=MAX_PREDICTION {
                    let (columns, ends) = split(&words, plane, keys, prediction);
                    assert_eq!(columns.len(), count * keys * column_bytes(plane));
                    assert_eq!(ends.last(), Some(&columns.len()));
                    let mut back = vec![0xaa; words.len() * 4];
                    join(&columns, plane, keys, prediction, &mut back);
                    let expected: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                    assert_eq!(back, expected, "{plane:?} {count} {keys} {prediction}");
                }
            }
        }
    }

    #[test]
    fn smooth_motion_leaves_nothing_to_store() {
        // Records that all accelerate alike from places of their own.
        let keys = 9;
        let words: Vec<u32> = (0..64_u32)
            .flat_map(|record| (0..9_u32).flat_map(move |key| [record * 97 % 500 + 3 * key * key, 0]))
            .collect();
        let (columns, _) = split(&words, Plane::PackedMean, keys, 7);
        let nonzero = |key: usize| columns[key * 8 * 64..][..64].iter().filter(|&&byte| byte != 0).count();
        assert!(nonzero(0) > 60);
        assert_eq!(nonzero(1) + nonzero(2) + nonzero(8), 3, "the first record of each starts the curve");
    }

    #[test]
    fn small_differences_are_small_codes() {
        assert_eq!([0_u32, 1023, 1, 1022, 512].map(|number| zigzag(number, 10)), [0, 1, 2, 3, 1023]);
        let (columns, _) = split(
            &[1000 << 16, 1001 << 16, 999 << 16].map(|word| [word, 0]).concat(),
            Plane::PackedMean,
            1,
            1,
        );
        assert_eq!(columns[6..9], [208, 2, 3], "low bytes of y: 2000, then +1, then -2");
    }

    #[test]
    fn bits_beyond_a_field_do_nothing() {
        let mut out = [0; 4];
        join(&[0xff; 7], Plane::PackedRotation, 1, 1, &mut out);
        // The code 0xffff is −32768 and 0xff is −128, whose low bits are zero.
        assert_eq!(u32::from_le_bytes(out), 0);
        join(&[0xfd; 7], Plane::PackedRotation, 1, 1, &mut out);
        assert_eq!(u32::from_le_bytes(out), 0x101 | 0x101 << 10 | 0x101 << 20 | 1 << 30);
    }
}
