//! A tensor as a view: an element type, a shape, strides and an offset into a storage. No I/O but the reader it is given.
//!
//! A view is checked against the elements of its storage when it is made, so it can never reach outside, and it may not
//! hold more elements than its storage: what is read is bounded by what the file holds. Contiguous views stream through
//! a small buffer; others (a transpose) are read as the bytes they span and gathered.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

/// Most dimensions of a tensor.
const MAX_DIMENSIONS: usize = 16;
/// Bytes that are converted at a time.
const BLOCK: usize = 1 << 16;

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE half.
    F16,
    /// The upper half of an IEEE single.
    Bf16,
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// One byte, 0 or 1.
    Bool,
}

impl Dtype {
    /// Bytes of an element.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    /// Whether it holds whole numbers only.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        !matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    /// By the name of a storage class of torch.
    pub(super) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "FloatStorage" => Self::F32,
            "DoubleStorage" => Self::F64,
            "CharStorage" => Self::I8,
            "ByteStorage" | "UntypedStorage" => Self::U8,
            "ShortStorage" => Self::I16,
            "IntStorage" => Self::I32,
            "LongStorage" => Self::I64,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// By the code of a dtype of numpy, without its byte order.
    pub(super) fn of_numpy(code: &str) -> Option<Self> {
        Some(match code {
            "f2" => Self::F16,
            "f4" => Self::F32,
            "f8" => Self::F64,
            "i1" => Self::I8,
            "u1" => Self::U8,
            "i2" => Self::I16,
            "i4" => Self::I32,
            "i8" => Self::I64,
            "b1" => Self::Bool,
            _ => return None,
        })
    }
}

/// Where elements lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bytes {
    /// In the record of this key.
    Record(Arc<str>),
    /// Here, little-endian.
    Inline(Arc<[u8]>),
}

/// A run of elements that tensors are views of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) dtype: Dtype,
    /// Elements it says it has.
    pub(super) elements: usize,
    pub(super) bytes: Bytes,
}

/// A view of a storage; nothing is read until it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    shape: Vec<usize>,
    stride: Vec<usize>,
    offset: usize,
    count: usize,
    storage: Storage,
}

impl Tensor {
    /// A view, if it lies within its storage; else why not.
    pub(super) fn new(
        storage: Storage,
        offset: usize,
        shape: Vec<usize>,
        stride: Vec<usize>,
    ) -> Result<Self, String> {
        if shape.len() > MAX_DIMENSIONS || shape.len() != stride.len() {
            let (shape, stride) = (shape.len(), stride.len());
            return Err(format!("a tensor of {shape} dimensions and {stride} strides"));
        }
        let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
        let steps = shape.iter().zip(&stride).try_fold(0_usize, |last, (&size, &stride)| {
            last.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        });
        let end = steps.and_then(|steps| steps.checked_add(offset));
        let elements = storage.elements;
        let inside = match (count, end) {
            (Some(0), _) => true,
            (Some(count), Some(end)) => count <= elements && end < elements,
            _ => false,
        };
        if !inside {
            return Err(format!(
                "a tensor of shape {shape:?}, strides {stride:?}, offset {offset} in a storage of {elements} elements"
            ));
        }
        Ok(Self { shape, stride, offset, count: count.unwrap_or(0), storage })
    }

    /// A view of a whole array, its first dimension varying slowest, or fastest.
    pub(super) fn dense(storage: Storage, shape: Vec<usize>, first_is_fastest: bool) -> Result<Self, String> {
        let mut stride = vec![0; shape.len()];
        let mut step = 1_usize;
        let mut place = |(stride, size): (&mut usize, &usize)| {
            *stride = step;
            step = step.saturating_mul((*size).max(1));
        };
        if first_is_fastest {
            stride.iter_mut().zip(&shape).for_each(&mut place);
        } else {
            stride.iter_mut().zip(&shape).rev().for_each(&mut place);
        }
        Self::new(storage, 0, shape, stride)
    }

    /// The same elements as another type of the same storage's bytes, for storages that have no type of their own.
    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Its element type.
    #[must_use]
    pub const fn dtype(&self) -> Dtype {
        self.storage.dtype
    }

    /// Its sizes, the first varying slowest.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether its elements lie one after another, the last dimension fastest.
    fn is_contiguous(&self) -> bool {
        let mut step = 1;
        self.shape.iter().zip(&self.stride).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == step;
            step *= size;
            fits
        })
    }

    /// The bytes of the storage that it reaches.
    pub(super) fn span(&self) -> Range<usize> {
        let size = self.storage.dtype.bytes();
        if self.count == 0 {
            return 0..0;
        }
        let last: usize =
            self.shape.iter().zip(&self.stride).map(|(&size, &stride)| (size - 1) * stride).sum();
        self.offset * size..(self.offset + last + 1) * size
    }

    /// All elements, the last dimension fastest. `source` gives the bytes of [`Self::span`].
    pub(super) fn read<T: Number>(&self, source: &mut dyn Read, big_endian: bool) -> std::io::Result<Vec<T>> {
        let dtype = self.storage.dtype;
        let size = dtype.bytes();
        let span = self.span().len();
        let mut spanned = Vec::with_capacity(span / size);
        let mut block = vec![0; BLOCK.min(span)];
        let mut left = span;
        while left > 0 {
            let taken = left.min(BLOCK);
            let bytes = &mut block[..taken];
            source.read_exact(bytes)?;
            if big_endian {
                bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            }
            decode(dtype, bytes, &mut spanned);
            left -= taken;
        }
        if self.is_contiguous() { Ok(spanned) } else { Ok(self.gather(&spanned)) }
    }

    /// The elements in order, of those that are spanned.
    fn gather<T: Copy>(&self, spanned: &[T]) -> Vec<T> {
        let mut out = Vec::with_capacity(self.count);
        let mut index = vec![0_usize; self.shape.len()];
        for _ in 0..self.count {
            let at: usize = index.iter().zip(&self.stride).map(|(&index, &stride)| index * stride).sum();
            out.push(spanned[at]);
            for (index, &size) in index.iter_mut().zip(&self.shape).rev() {
                *index += 1;
                if *index < size {
                    break;
                }
                *index = 0;
            }
        }
        out
    }
}

/// A number that elements become.
pub trait Number: Copy {
    /// From a floating-point element.
    fn of_float(value: f64) -> Self;
    /// From a whole element.
    fn of_whole(value: i64) -> Self;
}

impl Number for f64 {
    fn of_float(value: f64) -> Self {
        value
    }
    fn of_whole(value: i64) -> Self {
        value as Self
    }
}

impl Number for f32 {
    #[expect(clippy::cast_possible_truncation, reason = "the caller asks for this type")]
    fn of_float(value: f64) -> Self {
        value as Self
    }
    fn of_whole(value: i64) -> Self {
        value as Self
    }
}

impl Number for i64 {
    /// Never used: floating-point elements are refused before.
    #[expect(clippy::cast_possible_truncation, reason = "the caller asks for this type")]
    fn of_float(value: f64) -> Self {
        value as Self
    }
    fn of_whole(value: i64) -> Self {
        value
    }
}

/// Appends the elements of `bytes`, which are little-endian.
fn decode<T: Number>(dtype: Dtype, bytes: &[u8], out: &mut Vec<T>) {
    match dtype {
        Dtype::F16 => extend(bytes, out, |b| T::of_float(f64::from(half::f16::from_le_bytes(b)))),
        Dtype::Bf16 => extend(bytes, out, |b| T::of_float(f64::from(half::bf16::from_le_bytes(b)))),
        Dtype::F32 => extend(bytes, out, |b| T::of_float(f64::from(f32::from_le_bytes(b)))),
        Dtype::F64 => extend(bytes, out, |b| T::of_float(f64::from_le_bytes(b))),
        Dtype::I8 => extend(bytes, out, |b| T::of_whole(i64::from(i8::from_le_bytes(b)))),
        Dtype::U8 | Dtype::Bool => extend(bytes, out, |b| T::of_whole(i64::from(u8::from_le_bytes(b)))),
        Dtype::I16 => extend(bytes, out, |b| T::of_whole(i64::from(i16::from_le_bytes(b)))),
        Dtype::I32 => extend(bytes, out, |b| T::of_whole(i64::from(i32::from_le_bytes(b)))),
        Dtype::I64 => extend(bytes, out, |b| T::of_whole(i64::from_le_bytes(b))),
    }
}

fn extend<T, const N: usize>(bytes: &[u8], out: &mut Vec<T>, element: impl Fn([u8; N]) -> T) {
    out.extend(bytes.as_chunks::<N>().0.iter().map(|&bytes| element(bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(values: &[f32]) -> Storage {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Storage { dtype: Dtype::F32, elements: values.len(), bytes: Bytes::Inline(bytes.into()) }
    }

    fn all(tensor: &Tensor) -> Vec<f32> {
        let Bytes::Inline(bytes) = &tensor.storage.bytes else { panic!("inline") };
        tensor.read(&mut &bytes[tensor.span()], false).unwrap()
    }

    #[test]
    fn views_are_read_in_their_order() {
        let numbers: Vec<f32> = (0..24_u8).map(f32::from).collect();
        let storage = inline(&numbers);
        let whole = Tensor::dense(storage.clone(), vec![2, 3, 4], false).unwrap();
        assert_eq!(all(&whole), numbers);
        let fortran = Tensor::dense(storage.clone(), vec![4, 3, 2], true).unwrap();
        assert_eq!(all(&fortran)[..4], [0.0, 12.0, 4.0, 16.0]);
        let part = Tensor::new(storage.clone(), 5, vec![2, 2], vec![12, 1]).unwrap();
        assert_eq!(all(&part), [5.0, 6.0, 17.0, 18.0]);
        let transposed = Tensor::new(storage, 0, vec![4, 6], vec![1, 4]).unwrap();
        assert_eq!(all(&transposed)[..7], [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 1.0]);
    }

    #[test]
    fn views_that_reach_outside_are_refused() {
        let refused = [
            (0, vec![25], vec![1]),
            (1, vec![24], vec![1]),
            (0, vec![2, 2], vec![23, 1]),
            (0, vec![usize::MAX, 2], vec![1, 1]),
            (0, vec![2], vec![usize::MAX]),
            (usize::MAX, vec![2], vec![1]),
            (0, vec![1 << 40], vec![0]),
            (0, vec![1], vec![]),
            (0, vec![1; 17], vec![1; 17]),
        ];
        for (offset, shape, stride) in refused {
            let why = Tensor::new(inline(&[0.0; 24]), offset, shape.clone(), stride).unwrap_err();
            assert!(why.contains("tensor of"), "{shape:?}: {why}");
        }
        assert_eq!(Tensor::new(inline(&[]), 0, vec![0, 3], vec![3, 1]).unwrap().count(), 0);
    }

    #[test]
    fn every_type_is_read() {
        let read = |dtype, bytes: &[u8], big| {
            let elements = bytes.len() / Dtype::bytes(dtype);
            let storage = Storage { dtype, elements, bytes: Bytes::Inline(bytes.into()) };
            let tensor = Tensor::dense(storage, vec![elements], false).unwrap();
            tensor.read::<f64>(&mut &bytes[..], big).unwrap()
        };
        assert_eq!(read(Dtype::F16, &[0, 0x3c, 0, 0xc0], false), [1.0, -2.0]);
        assert_eq!(read(Dtype::F16, &[0x3c, 0], true), [1.0]);
        assert_eq!(read(Dtype::Bf16, &[0x80, 0x3f, 0x20, 0xc1], false), [1.0, -10.0]);
        assert_eq!(read(Dtype::F64, &0.1_f64.to_le_bytes(), false), [0.1]);
        assert_eq!(read(Dtype::I8, &[0xff, 5], false), [-1.0, 5.0]);
        assert_eq!(read(Dtype::U8, &[0xff, 5], false), [255.0, 5.0]);
        assert_eq!(read(Dtype::Bool, &[1, 0], false), [1.0, 0.0]);
        assert_eq!(read(Dtype::I16, &(-3_i16).to_le_bytes(), false), [-3.0]);
        assert_eq!(read(Dtype::I32, &(-70_000_i32).to_be_bytes(), true), [-70_000.0]);
        assert_eq!(read(Dtype::I64, &(1_i64 << 40).to_le_bytes(), false), [1_099_511_627_776.0]);
    }
}
