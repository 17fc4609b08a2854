//! Little-endian fields of fixed-size records.
//!
//! Reading past the end of a record gives zero: that is how a record from an older, shorter version of the format
//! reads, since every field added later means "absent" at zero. Lengths that matter are checked by the callers.

/// The `N` bytes at `at`, zero beyond the end of the record.
pub(super) fn array_at<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    let tail = record.get(at..).unwrap_or_default();
    for (to, from) in out.iter_mut().zip(tail) {
        *to = *from;
    }
    out
}

pub(super) fn u8_at(record: &[u8], at: usize) -> u8 {
    u8::from_le_bytes(array_at(record, at))
}

pub(super) fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(record, at))
}

pub(super) fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(record, at))
}

pub(super) fn u64_at(record: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(record, at))
}

pub(super) fn i64_at(record: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(array_at(record, at))
}

/// A box as six floats: lower corner, then upper corner.
pub(super) fn box_at(record: &[u8], at: usize) -> [[f32; 3]; 2] {
    let float = |index: usize| f32::from_le_bytes(array_at(record, at + index * 4));
    [[float(0), float(1), float(2)], [float(3), float(4), float(5)]]
}

/// Writes `bytes` at `at`; the caller's records are large enough, and what would not fit is left out.
pub(super) fn put(record: &mut [u8], at: usize, bytes: &[u8]) {
    let tail = record.get_mut(at..).unwrap_or_default();
    for (to, from) in tail.iter_mut().zip(bytes) {
        *to = *from;
    }
}

/// A count as the word that stands for it in a file; counts are limited long before they could saturate.
pub(super) fn word(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The counterpart of [`box_at`].
pub(super) fn put_box(record: &mut [u8], at: usize, bounds: &[[f32; 3]; 2]) {
    for (index, value) in bounds.iter().flatten().enumerate() {
        put(record, at + index * 4, &value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_round_trip_and_short_records_read_zero() {
        let mut record = [0; 32];
        put(&mut record, 4, &0x0102_0304_u32.to_le_bytes());
        put_box(&mut record, 8, &[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(u32_at(&record, 4), 0x0102_0304);
        assert_eq!(u8_at(&record, 4), 4);
        assert_eq!(box_at(&record, 8), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(u64_at(&record, 30), 0x40c0, "the upper half of 6.0 and zeros");
        assert_eq!(i64_at(&record, 900), 0);
        put(&mut record, 31, &[7, 7, 7]);
        assert_eq!(u16_at(&record, 31), 7);
    }
}
