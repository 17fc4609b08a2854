//! Text across the border: UTF-8, by pointer and length, in both directions.

#![expect(unsafe_code, reason = "pointers of the host")]

use std::ffi::c_char;

use crate::result::{Failure, Outcome};

/// The longest text taken from a host; also bounds the search for a NUL.
const MAX_BYTES: usize = 64 << 10;

/// UTF-8 text of the host, copied before a call returns. All zero is no text; a `len` of SIZE_MAX means that the text
/// ends in NUL. At most 65536 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_str {
    /// The bytes.
    pub ptr: *const c_char,
    /// How many, or SIZE_MAX.
    pub len: usize,
}

/// The text of a `vvt_str`; `None` where there is none. `what` names it in the failure.
///
/// # Safety
/// `text.ptr` is null or readable for `text.len` bytes, or up to its NUL.
pub(crate) unsafe fn text_of<'a>(text: vvt_str, what: &str) -> Outcome<Option<&'a str>> {
    if text.ptr.is_null() {
        let empty = text.len == 0;
        return if empty { Ok(None) } else { Err(Failure::invalid(format!("{what} is NULL with a length"))) };
    }
    let too_long = || Failure::invalid(format!("{what} is longer than {MAX_BYTES} bytes"));
    let len = if text.len == usize::MAX {
        // SAFETY: the text is readable up to its NUL, and the search stops there.
        let ends = |&at: &usize| unsafe { text.ptr.wrapping_add(at).read() } == 0;
        (0..=MAX_BYTES).find(ends).ok_or_else(too_long)?
    } else {
        text.len
    };
    if len > MAX_BYTES {
        return Err(too_long());
    }
    // SAFETY: readable for this many bytes, as the caller promises.
    let bytes = unsafe { std::slice::from_raw_parts(text.ptr.cast::<u8>(), len) };
    let text = std::str::from_utf8(bytes)
        .map_err(|why| Failure::invalid(format!("{what} is not UTF-8 at byte {}", why.valid_up_to())))?;
    Ok((!text.is_empty()).then_some(text))
}

/// Copies `text` to `buf`, cut between characters to end in NUL within `cap` bytes. Returns whether all of it fitted.
///
/// # Safety
/// `buf` is null or writable for `cap` bytes.
pub(crate) unsafe fn copy_out(text: &str, buf: *mut c_char, cap: usize) -> bool {
    if buf.is_null() || cap == 0 {
        return false;
    }
    let fits = text.len().min(cap - 1);
    let fits = (0..=fits).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    // SAFETY: `fits` is less than `cap`; the host's buffer cannot overlap our text.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr().cast(), buf, fits) };
    // SAFETY: `fits` is less than `cap`.
    let end = unsafe { buf.add(fits) };
    // SAFETY: inside the buffer, see above.
    unsafe { end.write(0) };
    fits == text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], len: usize) -> Outcome<Option<String>> {
        let text = vvt_str { ptr: bytes.as_ptr().cast(), len };
        // SAFETY: every case below is readable for `len` bytes or up to its NUL.
        unsafe { text_of(text, "text") }.map(|text| text.map(str::to_owned))
    }

    #[test]
    fn text_is_read_by_length_or_to_its_nul() {
        assert_eq!(read(b"clip.vvt", 4).unwrap().unwrap(), "clip");
        assert_eq!(read(b"clip\0vvt", usize::MAX).unwrap().unwrap(), "clip");
        assert_eq!(read("Γ\0".as_bytes(), usize::MAX).unwrap().unwrap(), "Γ");
        assert_eq!(read(b"", 0).unwrap(), None);
        assert!(read(b"ab\xff", 3).unwrap_err().text.contains("byte 2"));
        let long = vec![b'a'; MAX_BYTES + 1];
        assert!(read(&long, long.len()).unwrap_err().text.contains("longer"));
        assert!(read(&long, usize::MAX).unwrap_err().text.contains("longer"));
        assert!(read(&long, MAX_BYTES).is_ok());
    }

    #[test]
    fn text_is_cut_between_characters() {
        for (cap, wanted) in [(0, ""), (1, ""), (2, "a"), (3, "a"), (4, "aΓ"), (9, "aΓ")] {
            let mut buf = [0x55_u8; 9];
            // SAFETY: the buffer has nine bytes.
            let whole = unsafe { copy_out("aΓ", buf.as_mut_ptr().cast(), cap) };
            assert_eq!(whole, cap >= 4);
            let end = wanted.len();
            assert_eq!(&buf[..end], wanted.as_bytes());
            assert!(buf[end + usize::from(cap > 0)..].iter().all(|b| *b == 0x55), "cap {cap}");
        }
    }
}
