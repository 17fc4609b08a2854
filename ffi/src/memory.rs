//! Structs across the border: read whole before anything happens, written at the end, never kept.
//!
//! A struct starts with the size its host was compiled with. A shorter one, of an older header, is completed with
//! zeros, which mean the default; of a longer one, from a newer header, the part unknown here must be zero, else the
//! host would believe in something that does not happen. (The rule of Linux's `copy_struct_from_user`.)

#![expect(unsafe_code, reason = "pointers of the host")]

use std::mem::{MaybeUninit, size_of};

use crate::result::{Failure, Outcome, VVT_ERR_BAD_STRUCT_SIZE, VVT_ERR_UNSUPPORTED};

/// Nothing of ours will be longer; bounds what a garbage size can make us read.
const MAX_STRUCT_BYTES: usize = 4096;

/// What every struct that extends another starts with. This version knows none: `next` must be NULL everywhere.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_chain {
    /// Which struct this is.
    pub struct_type: u32,
    /// Its size in bytes.
    pub struct_size: u32,
    /// The one after it, or NULL.
    pub next: *const Self,
}

/// A struct that may grow at its end.
///
/// # Safety
/// `repr(C)`, without padding; zero and every pattern a host may pass is a value of every field.
pub(crate) unsafe trait Growing: Copy {
    /// Its name in C.
    const NAME: &str;
    /// Its size in the first version that had it.
    const FIRST_BYTES: usize;
}

/// A [`Growing`] struct whose first field is its size, and how to find its chain.
///
/// # Safety
/// The first field is a `u32`, the struct's size.
pub(crate) unsafe trait Described: Growing {
    /// The chain behind it; what the library fills has none.
    fn next(&self) -> *const vvt_chain {
        std::ptr::null()
    }
}

fn check_pointer<T>(pointer: *const T, what: &str) -> Outcome<()> {
    match (pointer.is_null(), pointer.is_aligned()) {
        (true, _) => Err(Failure::invalid(format!("{what} is NULL"))),
        (_, false) => Err(Failure::invalid(format!("{what} is not aligned to {} bytes", align_of::<T>()))),
        _ => Ok(()),
    }
}

fn bad_size<T: Growing>(size: usize, why: &str) -> Failure {
    let text = format!("{size} bytes for a {}, which has {} here: {why}", T::NAME, size_of::<T>());
    Failure::new(VVT_ERR_BAD_STRUCT_SIZE, text)
}

fn check_size<T: Growing>(size: usize) -> Outcome<()> {
    if (T::FIRST_BYTES..=MAX_STRUCT_BYTES).contains(&size) {
        Ok(())
    } else {
        Err(bad_size::<T>(size, &format!("set struct_size to sizeof({})", T::NAME)))
    }
}

/// Reads a struct of `size` bytes.
///
/// # Safety
/// `from` is readable for `size` bytes.
unsafe fn copy_in<T: Growing>(from: *const u8, size: usize) -> Outcome<T> {
    check_size::<T>(size)?;
    // SAFETY: readable for `size` bytes, all initialised as these structs have no padding.
    let given = unsafe { std::slice::from_raw_parts(from, size) };
    let (known, unknown) = given.split_at(size.min(size_of::<T>()));
    if unknown.iter().any(|&byte| byte != 0) {
        return Err(bad_size::<T>(size, "it sets fields that only a newer version of the library knows"));
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` is at most as long as a `T`; `value` is a place of our own.
    unsafe { std::ptr::copy_nonoverlapping(known.as_ptr(), value.as_mut_ptr().cast(), known.len()) };
    // SAFETY: zeros and what a host may pass are values of a `Growing` struct.
    Ok(unsafe { value.assume_init() })
}

/// The size a host gave its struct.
///
/// # Safety
/// `from` is null or readable for the size that its first field says.
unsafe fn size_of_given<T: Described>(from: *const T, what: &str) -> Outcome<usize> {
    check_pointer(from, what)?;
    // SAFETY: not null, aligned, and a `Described` struct starts with this field.
    let size = unsafe { from.cast::<u32>().read() };
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

/// Reads the struct that the argument `what` points to.
///
/// # Safety
/// `from` is null or readable for the size that its first field says.
pub(crate) unsafe fn read<T: Described>(from: *const T, what: &str) -> Outcome<T> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_given(from, what) }?;
    // SAFETY: the caller's promise.
    let value: T = unsafe { copy_in(from.cast(), size) }?;
    let next = value.next();
    if next.is_null() {
        return Ok(value);
    }
    check_pointer(next, "next")?;
    // SAFETY: a chained struct starts with a `vvt_chain`; it is not null and aligned.
    let kind = unsafe { next.cast::<u32>().read() };
    let text = format!("{}: this version knows no struct of type {kind} in the chain", T::NAME);
    Err(Failure::new(VVT_ERR_UNSUPPORTED, text))
}

/// [`read`], or the default where there is no struct.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn read_or_default<T: Described>(from: *const T, what: &str) -> Outcome<T> {
    if from.is_null() {
        // SAFETY: zero is the default of every field of a `Growing` struct.
        return Ok(unsafe { MaybeUninit::<T>::zeroed().assume_init() });
    }
    // SAFETY: the caller's promise.
    unsafe { read(from, what) }
}

/// Reads `count` structs that stand `stride` bytes apart.
///
/// # Safety
/// `from` is readable for `count` × `stride` bytes.
pub(crate) unsafe fn read_array<T: Growing>(
    from: *const T,
    count: u32,
    stride: u32,
    what: &str,
) -> Outcome<Vec<T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    check_pointer(from, what)?;
    let stride = usize::try_from(stride).unwrap_or(usize::MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    check_size::<T>(stride)?;
    // SAFETY: inside the array, whose size the caller promises.
    let element = |index: usize| unsafe { copy_in(from.cast::<u8>().wrapping_add(index * stride), stride) };
    (0..count).map(element).collect()
}

/// A place that a call fills; cleared first, so that a failure leaves nothing that looks like an answer.
///
/// # Safety
/// `to` is null or writable for the length of the call, and nobody else uses it meanwhile.
pub(crate) unsafe fn output<'a, T: Default>(to: *mut T, what: &str) -> Outcome<&'a mut T> {
    check_pointer(to, what)?;
    // SAFETY: writable, aligned; what stands there before needs no drop as it may be uninitialised.
    unsafe { to.write(T::default()) };
    // SAFETY: initialised just now, and ours until the call returns.
    Ok(unsafe { &mut *to })
}

/// Whether [`fill`] would do its work.
///
/// # Safety
/// As [`fill`].
pub(crate) unsafe fn check_fill<T: Described>(to: *mut T, what: &str) -> Outcome<()> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_given(to.cast_const(), what) }?;
    check_size::<T>(size)
}

/// Fills a struct of the host behind its size, with zeros where it is longer than ours. Only its size is looked at.
///
/// # Safety
/// `to` is null or writable for the size that its first field says.
pub(crate) unsafe fn fill<T: Described>(to: *mut T, what: &str, value: &T) -> Outcome<()> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_given(to.cast_const(), what) }?;
    check_size::<T>(size)?;
    let start = size_of::<u32>();
    let known = size.min(size_of::<T>());
    let from = std::ptr::from_ref(value).cast::<u8>().wrapping_add(start);
    let target = to.cast::<u8>().wrapping_add(start);
    // SAFETY: `known` is at most the size of either struct; ours is not the host's.
    unsafe { std::ptr::copy_nonoverlapping(from, target, known - start) };
    // SAFETY: from the end of what was written to the end of the host's struct, at most.
    unsafe { std::ptr::write_bytes(to.cast::<u8>().wrapping_add(known), 0, size - known) };
    Ok(())
}

/// A buffer of the host of exactly `wanted` values.
///
/// # Safety
/// `to` is null or writable for `bytes` bytes for the length of the call.
pub(crate) unsafe fn buffer<'a, T>(
    to: *mut T,
    bytes: usize,
    wanted: usize,
    what: &str,
) -> Outcome<&'a mut [MaybeUninit<T>]> {
    check_pointer(to.cast_const(), what)?;
    let needed = wanted.saturating_mul(size_of::<T>());
    if bytes != needed {
        return Err(Failure::invalid(format!("{what} has room for {bytes} bytes; it must be {needed}")));
    }
    // SAFETY: not null, aligned and writable for `needed` bytes; values need not be initialised.
    Ok(unsafe { std::slice::from_raw_parts_mut(to.cast(), wanted) })
}

/// The bytes of the host at `from`.
///
/// # Safety
/// `from` is null or readable for `len` bytes for the length of the call.
pub(crate) unsafe fn bytes<'a>(from: *const u8, len: u64, what: &str) -> Outcome<&'a [u8]> {
    check_pointer(from, what)?;
    let len = usize::try_from(len).ok().filter(|&len| isize::try_from(len).is_ok());
    let len = len.ok_or_else(|| Failure::invalid(format!("{what} is longer than memory")))?;
    // SAFETY: not null and readable, as the caller promises; the length fits.
    Ok(unsafe { std::slice::from_raw_parts(from, len) })
}

/// Refuses bits of `flags` that are not in `known`.
pub(crate) fn check_flags(flags: u32, known: u32, what: &str) -> Outcome<()> {
    let unknown = flags & !known;
    if unknown == 0 {
        return Ok(());
    }
    Err(Failure::invalid(format!("{what} has bits that this version does not know: {unknown:#x}")))
}
