//! The values of an array as the type that is asked for. Pure.
//!
//! Any number can be read as `f32` or `f64`, rounded. Integers can be read as `i64` or `u8` if they fit.

use super::header::{Dtype, Kind};

/// A type that values can be read as.
pub trait Number: Copy + sealed::Sealed {
    /// From any float; `None` where floats are not taken.
    fn from_float(value: f64) -> Option<Self>;
    /// From any integer; `None` where it does not fit.
    fn from_integer(value: i128) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
    impl Sealed for u8 {}
}

impl Number for f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the model is f32; what is beyond becomes infinite")]
    fn from_float(value: f64) -> Option<Self> {
        Some(value as Self)
    }

    fn from_integer(value: i128) -> Option<Self> {
        Some(value as Self)
    }
}

impl Number for f64 {
    fn from_float(value: f64) -> Option<Self> {
        Some(value)
    }

    fn from_integer(value: i128) -> Option<Self> {
        Some(value as Self)
    }
}

impl Number for i64 {
    fn from_float(_value: f64) -> Option<Self> {
        None
    }

    fn from_integer(value: i128) -> Option<Self> {
        value.try_into().ok()
    }
}

impl Number for u8 {
    fn from_float(_value: f64) -> Option<Self> {
        None
    }

    fn from_integer(value: i128) -> Option<Self> {
        value.try_into().ok()
    }
}

/// Appends the elements in `bytes`, a whole number of them.
pub(super) fn decode<T: Number>(dtype: &Dtype, bytes: &[u8], out: &mut Vec<T>) -> Result<(), &'static str> {
    let big = dtype.big_endian;
    macro_rules! integers {
        ($type:ty) => {
            each(bytes, big, out, |raw| T::from_integer(<$type>::from_le_bytes(raw).into()))
        };
    }
    let all = match (&dtype.kind, dtype.size()) {
        (Kind::Float, 2) => {
            each(bytes, big, out, |raw| T::from_float(half::f16::from_le_bytes(raw).to_f64()))
        }
        (Kind::Float, 4) => each(bytes, big, out, |raw| T::from_float(f32::from_le_bytes(raw).into())),
        (Kind::Float, _) => each(bytes, big, out, |raw| T::from_float(f64::from_le_bytes(raw))),
        (Kind::Signed, 1) => integers!(i8),
        (Kind::Signed, 2) => integers!(i16),
        (Kind::Signed, 4) => integers!(i32),
        (Kind::Signed, _) => integers!(i64),
        (Kind::Unsigned, 1) => integers!(u8),
        (Kind::Unsigned, 2) => integers!(u16),
        (Kind::Unsigned, 4) => integers!(u32),
        (Kind::Unsigned, _) => integers!(u64),
        (Kind::Bool, _) => each(bytes, false, out, |[raw]| T::from_integer(i128::from(raw != 0))),
        (Kind::Object | Kind::Other(_), _) => return Err("its elements are no numbers; save it as numbers"),
    };
    match all {
        true => Ok(()),
        false if dtype.kind == Kind::Float => {
            Err("fractions where whole numbers belong; save it as integers")
        }
        false => Err("a number out of the range it must have; save it again"),
    }
}

/// Converts element by element; says whether each could be.
#[inline]
fn each<const SIZE: usize, T>(
    bytes: &[u8],
    big_endian: bool,
    out: &mut Vec<T>,
    convert: impl Fn([u8; SIZE]) -> Option<T>,
) -> bool {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    let before = out.len();
    if big_endian {
        out.extend(elements.iter().map_while(|raw| {
            let mut raw = *raw;
            raw.reverse();
            convert(raw)
        }));
    } else {
        out.extend(elements.iter().map_while(|raw| convert(*raw)));
    }
    out.len() - before == elements.len()
}
