//! Codec 2: the numbers of a packed plane as byte columns, each the difference to what the numbers before it lead to
//! expect.
//!
//! A packed record holds several numbers of 2 to 16 bits ([`Plane::fields`]), once for each key. Each becomes a column of
//! its own, of low bytes and, above 8 bits, one of high bytes; the columns of a key stand together. A *prediction* says
//! what is stored in place of a number: first along time, the difference of order 0 to 3 to the same number in the keys
//! before (a smooth motion has small ones), then along the Morton curve, the difference of that to the record before, to
//! the mean of the four records before (which halves the noise that a difference adds), or to nothing. In place of the
//! differences along time, clusters may move as one ([`super::moves`]). All is modulo the number's width and zigzagged (0, −1, 1, −2, … become 0, 1, 2, 3, …), so that what is near zero either way has a
//! zero high byte. The differences are of whole numbers on a grid, so nothing drifts.

use super::moves::{self, Numbers};
use crate::frame::Plane;

/// The largest prediction there is: four ways along time, the last by moves, each in three ways along the curve.
pub(super) const MAX_PREDICTION: u8 = 14;
/// The first prediction by the moves of clusters, for planes that have them.
const BY_MOVES: u8 = 12;

/// The predictions worth trying for a plane with so many keys, the likeliest first.
pub(super) fn predictions(plane: Plane, keys: usize) -> &'static [u8] {
    match (keys, moves::move_len(plane)) {
        (1, _) => &[1, 0],
        (_, 0) => &[7, 4, 1],
        _ => &[14, 12, 8, 5],
    }
}

/// Whether a plane of so many keys may have a prediction.
pub(super) fn is_possible(prediction: u8, plane: Plane, keys: usize) -> bool {
    prediction < BY_MOVES || (prediction <= MAX_PREDICTION && keys > 1 && moves::move_len(plane) > 0)
}

/// Bytes of the columns of `count` records.
pub(super) fn columns_bytes(plane: Plane, keys: usize, count: usize, prediction: u8) -> usize {
    let moves = if prediction < BY_MOVES {
        0
    } else {
        moves::clusters(count).count() * (keys - 1) * moves::move_len(plane) * 2
    };
    count * keys * column_bytes(plane) + moves
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

/// The numbers of one key of all records, by field.
type Key = Vec<Vec<u32>>;

fn key_of(words: &[u32], plane: Plane, keys: usize, key: usize) -> Key {
    let records = || words.chunks_exact(keys * plane.words());
    places(plane)
        .map(|(word, shift, bits)| {
            let mask = (1_u32 << bits) - 1;
            records().map(|record| (record[key * plane.words() + word] >> shift) & mask).collect()
        })
        .collect()
}

/// Columns, and where blocks of them end.
#[derive(Default)]
struct Columns {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Columns {
    /// Low bytes, then high bytes of codes of so many bits.
    fn push(&mut self, codes: &[u32], bits: u32, block_each: bool) {
        self.bytes.extend(codes.iter().map(|code| code.to_le_bytes()[0]));
        if block_each {
            self.ends.push(self.bytes.len());
        }
        if bits > 8 {
            self.bytes.extend(codes.iter().map(|code| code.to_le_bytes()[1]));
            if block_each {
                self.ends.push(self.bytes.len());
            }
        }
    }
}

/// Words of records of so many keys → columns, and where blocks of them end. `radius` is that of packed rotations.
pub(super) fn split(
    words: &[u32],
    plane: Plane,
    keys: usize,
    prediction: u8,
    radius: u16,
) -> (Vec<u8>, Vec<usize>) {
    let Prediction { order, along } = Prediction::of(prediction);
    let all: Vec<Key> = (0..keys).map(|key| key_of(words, plane, keys, key)).collect();
    let count = words.len() / (keys * plane.words()).max(1);
    let mut columns = Columns::default();
    let mut steps = Moves::none(plane, keys, count);
    if prediction >= BY_MOVES {
        steps = Moves::fit(&all, plane, count, radius);
        steps.write(&mut columns);
    }
    for (key, numbers) in all.iter().enumerate() {
        let before: [Option<&Key>; 3] = std::array::from_fn(|back| all.get(key.checked_sub(back + 1)?));
        let expected = match before[0] {
            Some(last) if prediction >= BY_MOVES => Some(steps.expect(key, last, numbers.last())),
            _ => None,
        };
        for (field, (_, _, bits)) in places(plane).enumerate() {
            let mask = (1_u32 << bits) - 1;
            let mut curve = Curve::default();
            let codes: Vec<u32> = numbers[field]
                .iter()
                .enumerate()
                .map(|(record, number)| {
                    let in_time = match &expected {
                        Some(expected) => expected[field][record],
                        None => in_time(order.min(key), before, field, record),
                    };
                    let residual = signed(number.wrapping_sub(in_time) & mask, bits);
                    let code = residual.wrapping_sub(curve.expected(along)).cast_unsigned() & mask;
                    curve.push(residual);
                    zigzag(code, bits)
                })
                .collect();
            columns.push(&codes, bits, true);
        }
    }
    (columns.bytes, columns.ends)
}

/// What time leads to expect of one number; orders are no higher than the keys before.
fn in_time(order: usize, before: [Option<&Key>; 3], field: usize, record: usize) -> u32 {
    if order == 0 {
        return 0;
    }
    expected_in_time(order, before.map(|key| key.map_or(0, |key| key[field][record])))
}

/// Columns → the bytes of the records; `columns` holds [`columns_bytes`] for the records that fit `out`.
pub(super) fn join(columns: &[u8], plane: Plane, keys: usize, prediction: u8, out: &mut [u8]) {
    let Prediction { order, along } = Prediction::of(prediction);
    out.fill(0);
    let record_bytes = keys * plane.words() * 4;
    let count = out.len() / record_bytes.max(1);
    let mut steps = Moves::none(plane, keys, count);
    let mut rest = columns;
    if prediction >= BY_MOVES {
        rest = steps.read(columns);
    }
    // The keys before, newest first.
    let mut before: [Option<Key>; 3] = [None, None, None];
    for key in 0..keys {
        let mut codes: Key = Vec::new();
        for (_, _, bits) in places(plane) {
            let (low, after) = rest.split_at_checked(count).unwrap_or_default();
            let (high, after) =
                if bits > 8 { after.split_at_checked(count).unwrap_or_default() } else { (&[][..], after) };
            rest = after;
            let high = high.iter().map(|&byte| u32::from(byte) << 8).chain(std::iter::repeat(0));
            codes.push(low.iter().zip(high).map(|(&low, high)| unzigzag(u32::from(low) | high)).collect());
        }
        let known = before.each_ref().map(Option::as_ref);
        let expected = match known[0] {
            Some(last) if prediction >= BY_MOVES => {
                // Which component is the largest is told first, from the key before as it was.
                let field = codes.len() - 1;
                let (_, _, bits) = places(plane).last().unwrap_or_default();
                undo(&mut codes[field], bits, along, |record| last[field][record]);
                let told = codes[field].clone();
                let expected = steps.expect(key, last, Some(&told));
                for (field, (_, _, bits)) in places(plane).enumerate().take(field) {
                    undo(&mut codes[field], bits, along, |record| expected[field][record]);
                }
                true
            }
            _ => false,
        };
        if !expected {
            for (field, (_, _, bits)) in places(plane).enumerate() {
                let order = order.min(key);
                undo(&mut codes[field], bits, along, |record| in_time(order, known, field, record));
            }
        }
        put_key(&codes, plane, keys, key, out);
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

fn put_key(numbers: &Key, plane: Plane, keys: usize, key: usize, out: &mut [u8]) {
    let key_bytes = plane.words() * 4;
    for ((word, shift, _), numbers) in places(plane).zip(numbers) {
        let at = key * key_bytes + word * 4;
        for (record, number) in out.chunks_exact_mut(keys * key_bytes).zip(numbers) {
            if let Some(bytes) = record[at..].first_chunk_mut::<4>() {
                *bytes = (u32::from_le_bytes(*bytes) | number << shift).to_le_bytes();
            }
        }
    }
}

/// The moves of every cluster into every key but the first.
struct Moves {
    plane: Plane,
    /// Clusters of the page.
    clusters: usize,
    count: usize,
    /// [`moves::move_len`] numbers each, by key, then by cluster.
    numbers: Vec<u16>,
}

impl Moves {
    fn none(plane: Plane, keys: usize, count: usize) -> Self {
        let clusters = moves::clusters(count).count();
        let numbers = vec![0; (keys - 1) * clusters * moves::move_len(plane)];
        Self { plane, clusters, count, numbers }
    }

    fn fit(all: &[Key], plane: Plane, count: usize, radius: u16) -> Self {
        let mut out = Self::none(plane, 1, count);
        for pair in all.windows(2) {
            for range in moves::clusters(count) {
                let [before, now] = [&pair[0], &pair[1]].map(|key| records(key, range.clone()));
                out.numbers.extend(moves::fit(plane, &before, &now, radius));
            }
        }
        out
    }

    /// What the moves into `key` lead to expect, from the key `last`; `largest` are the components told there.
    fn expect(&self, key: usize, last: &Key, largest: Option<&Vec<u32>>) -> Key {
        let len = moves::move_len(self.plane);
        let mut out: Key = vec![Vec::with_capacity(self.count); last.len()];
        let mut expected = Vec::new();
        for (cluster, range) in moves::clusters(self.count).enumerate() {
            let at = ((key - 1) * self.clusters + cluster) * len;
            let step = self.numbers.get(at..at + len).unwrap_or_default();
            let largest = largest.and_then(|largest| largest.get(range.clone())).unwrap_or_default();
            expected.clear();
            moves::expect(self.plane, step, &records(last, range), largest, &mut expected);
            for (field, out) in out.iter_mut().enumerate() {
                out.extend(expected.iter().map(|numbers| numbers[field]));
            }
        }
        // The field that is told first is told from the key before.
        if let (Some(out), Some(last)) = (out.last_mut(), last.last()) {
            out.clone_from(last);
        }
        out
    }

    /// The same number of all moves lies together.
    fn write(&self, columns: &mut Columns) {
        let len = moves::move_len(self.plane);
        for number in 0..len {
            let codes: Vec<u32> =
                self.numbers.iter().skip(number).step_by(len).map(|&n| zigzag(u32::from(n), 16)).collect();
            columns.push(&codes, 16, false);
        }
        columns.ends.push(columns.bytes.len());
    }

    /// Takes the moves from the front of the columns and returns what is behind them.
    fn read<'a>(&mut self, columns: &'a [u8]) -> &'a [u8] {
        let len = moves::move_len(self.plane).max(1);
        let each = self.numbers.len() / len;
        let (own, rest) = columns.split_at_checked(self.numbers.len() * 2).unwrap_or_default();
        for (number, pair) in own.chunks_exact((2 * each).max(1)).enumerate() {
            let (low, high) = pair.split_at(each);
            for (slot, (&low, &high)) in
                self.numbers.iter_mut().skip(number).step_by(len).zip(low.iter().zip(high))
            {
                let [low, high, ..] = unzigzag(u32::from(low) | u32::from(high) << 8).to_le_bytes();
                *slot = u16::from_le_bytes([low, high]);
            }
        }
        rest
    }
}

/// Records of a plane of up to four fields, out of its columns.
fn records(key: &Key, range: std::ops::Range<usize>) -> Vec<Numbers> {
    range
        .map(|record| std::array::from_fn(|field| key.get(field).map_or(0, |numbers| numbers[record])))
        .collect()
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
        for plane in Plane::ALL.into_iter().filter(|plane| !plane.fields().is_empty()) {
            let widths: usize = plane.fields().iter().map(|&bits| usize::from(bits)).sum();
            assert_eq!(widths, plane.words() * 32, "the fields of {plane:?} fill its words");
            let most = if plane.spline_degree().is_some() { 16 } else { 1 };
            for (count, keys) in [(1, 1), (2, 1), (255, most), (4096, 1), (300, most)] {
                let words: Vec<u32> = (0..count * keys * plane.words()).map(|_| next()).collect();
                for prediction in (0..=MAX_PREDICTION).filter(|&p| is_possible(p, plane, keys)) {
                    let (columns, ends) = split(&words, plane, keys, prediction, 700);
                    assert_eq!(columns.len(), columns_bytes(plane, keys, count, prediction));
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
        let (columns, _) = split(&words, Plane::PackedMean, keys, 7, 0);
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
            0,
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
