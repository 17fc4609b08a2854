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

use crate::frame::{Keys, POSE_WORDS, Plane};

/// The largest prediction there is: three orders of time beyond none, each in three ways along the curve.
pub(super) const MAX_PREDICTION: u8 = 11;

/// What records are made of: numbers of some widths, once for each key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Widths in bits, from the low bit of the first word up.
    fields: &'static [u8],
    /// Words of a key.
    words: usize,
    keys: usize,
    /// Whether neighbouring records are neighbours along the curve: splats, not joints or patches.
    along_curve: bool,
}

impl Shape {
    /// Of a packed plane.
    pub(super) fn of(plane: Plane, keys: Keys) -> Option<Self> {
        let fields = plane.fields();
        let along_curve = !matches!(plane, Plane::Drive | Plane::Stretch);
        let shape = Self { fields, words: plane.words(), keys: keys.of(plane), along_curve };
        (!fields.is_empty()).then_some(shape)
    }

    /// Of the poses of clusters.
    pub(super) fn poses(keys: Keys) -> Self {
        Self { fields: &[16; 8], words: POSE_WORDS, keys: usize::from(keys.poses), along_curve: false }
    }

    /// The predictions worth trying, the likeliest first.
    pub(super) fn predictions(&self) -> &'static [u8] {
        match (self.keys, self.along_curve) {
            (1, _) => &[1, 0],
            (_, true) => &[5, 8, 4],
            (_, false) => &[7, 4, 10, 6, 1],
        }
    }

    /// Bytes of the columns of `count` records.
    pub(super) fn columns_bytes(&self, count: usize) -> usize {
        count * self.keys * self.fields.iter().map(|&bits| if bits > 8 { 2 } else { 1 }).sum::<usize>()
    }

    /// Words of a record.
    fn record_words(&self) -> usize {
        self.keys * self.words
    }

    /// Where each field lies: its word, its shift in it, its width.
    fn places(&self) -> impl Iterator<Item = (usize, u32, u32)> + use<> {
        self.fields.iter().scan(0_u32, |at, &bits| {
            let place = ((*at / 32) as usize, *at % 32, u32::from(bits));
            *at += u32::from(bits);
            Some(place)
        })
    }
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

/// A number of `bits` bits as a signed one.
const fn signed(number: u32, bits: u32) -> i32 {
    (number << (32 - bits)).cast_signed() >> (32 - bits)
}

/// The numbers of one key of all records, by field.
type Key = Vec<Vec<u32>>;

fn key_of(words: &[u32], shape: &Shape, key: usize) -> Key {
    let records = || words.chunks_exact(shape.record_words());
    shape
        .places()
        .map(|(word, shift, bits)| {
            let mask = (1_u32 << bits) - 1;
            records().map(|record| (record[key * shape.words + word] >> shift) & mask).collect()
        })
        .collect()
}

/// Words of records → columns, and where blocks of them end.
pub(super) fn split(words: &[u32], shape: &Shape, prediction: u8) -> (Vec<u8>, Vec<usize>) {
    let Prediction { order, along } = Prediction::of(prediction);
    let all: Vec<Key> = (0..shape.keys).map(|key| key_of(words, shape, key)).collect();
    let mut columns = Vec::with_capacity(words.len() * 4);
    let mut ends = Vec::new();
    for (key, numbers) in all.iter().enumerate() {
        let before: [Option<&Key>; 3] = std::array::from_fn(|back| all.get(key.checked_sub(back + 1)?));
        for (field, (_, _, bits)) in shape.places().enumerate() {
            let mask = (1_u32 << bits) - 1;
            let mut curve = Curve::default();
            let code = |(record, number): (usize, &u32)| {
                let in_time = in_time(order.min(key), before, field, record);
                let residual = signed(number.wrapping_sub(in_time) & mask, bits);
                let code = residual.wrapping_sub(curve.expected(along)).cast_unsigned() & mask;
                curve.push(residual);
                zigzag(code, bits)
            };
            let codes: Vec<u32> = numbers[field].iter().enumerate().map(code).collect();
            columns.extend(codes.iter().map(|code| code.to_le_bytes()[0]));
            ends.push(columns.len());
            if bits > 8 {
                columns.extend(codes.iter().map(|code| code.to_le_bytes()[1]));
                ends.push(columns.len());
            }
        }
    }
    (columns, ends)
}

/// What time leads to expect of one number; orders are no higher than the keys before.
fn in_time(order: usize, before: [Option<&Key>; 3], field: usize, record: usize) -> u32 {
    if order == 0 {
        return 0;
    }
    expected_in_time(order, before.map(|key| key.map_or(0, |key| key[field][record])))
}

/// Columns → the bytes of the records; `columns` holds [`Shape::columns_bytes`] for the records that fit `out`.
pub(super) fn join(columns: &[u8], shape: &Shape, prediction: u8, out: &mut [u8]) {
    let Prediction { order, along } = Prediction::of(prediction);
    out.fill(0);
    let count = out.len() / (shape.record_words() * 4).max(1);
    let mut columns = columns.chunks_exact(count.max(1));
    // The keys before, newest first.
    let mut before: [Option<Key>; 3] = [None, None, None];
    for key in 0..shape.keys {
        let mut codes: Key = Vec::with_capacity(shape.fields.len());
        for (field, (_, _, bits)) in shape.places().enumerate() {
            let low = columns.next().unwrap_or_default();
            let high = if bits > 8 { columns.next().unwrap_or_default() } else { &[] };
            let high = high.iter().map(|&byte| u32::from(byte) << 8).chain(std::iter::repeat(0));
            let mut numbers: Vec<u32> =
                low.iter().zip(high).map(|(&low, high)| unzigzag(u32::from(low) | high)).collect();
            let known = before.each_ref().map(Option::as_ref);
            undo(&mut numbers, bits, along, |record| in_time(order.min(key), known, field, record));
            codes.push(numbers);
        }
        put_key(&codes, shape, key, out);
        before.rotate_right(1);
        before[0] = Some(codes);
    }
}

/// Differences → numbers, in place.
fn undo(codes: &mut [u32], bits: u32, along: Along, in_time: impl Fn(usize) -> u32) {
    let mask = (1_u32 << bits) - 1;
    let mut curve = Curve::default();
    for (record, code) in codes.iter_mut().enumerate() {
        let residual = code.wrapping_add(curve.expected(along).cast_unsigned());
        curve.push(signed(residual & mask, bits));
        *code = residual.wrapping_add(in_time(record)) & mask;
    }
}

fn put_key(numbers: &Key, shape: &Shape, key: usize, out: &mut [u8]) {
    let key_bytes = shape.words * 4;
    for ((word, shift, _), numbers) in shape.places().zip(numbers) {
        let at = key * key_bytes + word * 4;
        for (record, number) in out.chunks_exact_mut(shape.keys * key_bytes).zip(numbers) {
            if let Some(bytes) = record[at..].first_chunk_mut::<4>() {
                *bytes = (u32::from_le_bytes(*bytes) | number << shift).to_le_bytes();
            }
        }
    }
}

/// A number of `bits` bits, taken as signed, with its sign in the lowest bit.
const fn zigzag(number: u32, bits: u32) -> u32 {
    let signed = signed(number, bits);
    ((signed << 1) ^ (signed >> 31)).cast_unsigned()
}

/// The number that a code stands for; bits beyond a field's width have no effect later.
const fn unzigzag(code: u32) -> u32 {
    (code >> 1) ^ (code & 1).wrapping_neg()
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
        let all =
            Keys { mean: 16, rotation: 16, scale_opacity: 16, colour: 16, poses: 33, joints: 8, frames: 61 };
        let planes =
            Plane::ALL.into_iter().flat_map(|plane| [Shape::of(plane, Keys::ONE), Shape::of(plane, all)]);
        for shape in planes.flatten().chain([Shape::poses(all)]) {
            let widths: usize = shape.fields.iter().map(|&bits| usize::from(bits)).sum();
            assert_eq!(widths, shape.words * 32, "the fields of {shape:?} fill its words");
            for count in [1, 2, 255, 600] {
                let words: Vec<u32> = (0..count * shape.record_words()).map(|_| next()).collect();
                for prediction in 0..=MAX_PREDICTION {
                    let (columns, ends) = split(&words, &shape, prediction);
                    assert_eq!(columns.len(), shape.columns_bytes(count));
                    assert_eq!(ends.last(), Some(&columns.len()));
                    let mut back = vec![0xaa; words.len() * 4];
                    join(&columns, &shape, prediction, &mut back);
                    let expected: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                    assert_eq!(back, expected, "{shape:?} {count} {prediction}");
                }
            }
        }
    }

    #[test]
    fn smooth_motion_leaves_nothing_to_store() {
        // Records that all accelerate alike from places of their own.
        let shape = Shape::of(Plane::PackedMean, Keys { mean: 9, ..Keys::ONE }).unwrap();
        let words: Vec<u32> = (0..64_u32)
            .flat_map(|record| (0..9_u32).flat_map(move |key| [record * 97 % 500 + 3 * key * key, 0]))
            .collect();
        let (columns, _) = split(&words, &shape, 7);
        let nonzero = |key: usize| columns[key * 8 * 64..][..64].iter().filter(|&&byte| byte != 0).count();
        assert!(nonzero(0) > 60);
        assert_eq!(nonzero(1) + nonzero(2) + nonzero(8), 3, "the first record of each starts the curve");
    }

    #[test]
    fn small_differences_are_small_codes() {
        assert_eq!([0_u32, 1023, 1, 1022, 512].map(|number| zigzag(number, 10)), [0, 1, 2, 3, 1023]);
        let (columns, _) = split(
            &[1000 << 16, 1001 << 16, 999 << 16].map(|word| [word, 0]).concat(),
            &Shape::of(Plane::PackedMean, Keys::ONE).unwrap(),
            1,
        );
        assert_eq!(columns[6..9], [208, 2, 3], "low bytes of y: 2000, then +1, then -2");
    }

    #[test]
    fn bits_beyond_a_field_do_nothing() {
        let mut out = [0; 4];
        let shape = Shape::of(Plane::PackedRotation, Keys::ONE).unwrap();
        join(&[0xff; 7], &shape, 1, &mut out);
        // The code 0xffff is −32768 and 0xff is −128, whose low bits are zero.
        assert_eq!(u32::from_le_bytes(out), 0);
        join(&[0xfd; 7], &shape, 1, &mut out);
        assert_eq!(u32::from_le_bytes(out), 0x101 | 0x101 << 10 | 0x101 << 20 | 1 << 30);
    }
}
