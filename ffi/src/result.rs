//! The codes that exports answer with, the sentence that goes with a failure, and how the engine's errors map to both.

#![expect(unsafe_code, reason = "exported names")]

use std::cell::RefCell;
use std::ffi::{CStr, c_char};

use vivant::Error;

use crate::guard::shield;
use crate::strings::copy_out;

/// How a call went: VVT_OK, a note above it (the call did its work), or an error below it (it did nothing).
pub type vvt_result = i32;

/// Done.
pub const VVT_OK: i32 = 0;
/// Done, but there is nothing to show or tell yet.
pub const VVT_NOT_READY: i32 = 1;
/// Done, but the text did not fit and was cut.
pub const VVT_TRUNCATED: i32 = 2;
/// Done, with an older picture than the one asked for, which is not in memory yet.
pub const VVT_STALE_FRAME: i32 = 3;
/// An argument cannot be right.
pub const VVT_ERR_INVALID_ARG: i32 = -1;
/// A handle is null, of another kind, or of something destroyed.
pub const VVT_ERR_BAD_HANDLE: i32 = -2;
/// A struct_size or stride is wrong, or sets what this version does not know.
pub const VVT_ERR_BAD_STRUCT_SIZE: i32 = -3;
/// The call belongs on another thread.
pub const VVT_ERR_WRONG_THREAD: i32 = -4;
/// Memory ran out, or a hard limit would be passed.
pub const VVT_ERR_OUT_OF_MEMORY: i32 = -5;
/// Memory of the GPU ran out. This version answers VVT_ERR_OUT_OF_MEMORY for both.
pub const VVT_ERR_OUT_OF_DEVICE_MEMORY: i32 = -6;
/// The GPU was lost: destroy what draws and create it again. Players live on.
pub const VVT_ERR_DEVICE_LOST: i32 = -7;
/// Reading failed: check the path, the disk, the permissions.
pub const VVT_ERR_IO: i32 = -8;
/// The clip is damaged, or no clip.
pub const VVT_ERR_BAD_CONTENT: i32 = -9;
/// Well formed, but beyond this version.
pub const VVT_ERR_UNSUPPORTED: i32 = -10;
/// The system or its GPU lacks what the library cannot do without.
pub const VVT_ERR_MISSING_FEATURE: i32 = -11;
/// Not now: the object is not in the state for it, or a callback of the library made the call.
pub const VVT_ERR_STATE: i32 = -12;
/// A bug in the library; the object that was used answers VVT_ERR_STATE from now on.
pub const VVT_ERR_PANIC: i32 = -100;

/// A code with its sentence.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: vvt_result,
    pub(crate) text: String,
}

/// What the inside of an export returns.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: vvt_result, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(VVT_ERR_INVALID_ARG, text)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(code_of(&error), error.to_string())
    }
}

/// The code of an engine error.
pub(crate) fn code_of(error: &Error) -> vvt_result {
    match error {
        Error::Io { .. } => VVT_ERR_IO,
        Error::Malformed { .. } => VVT_ERR_BAD_CONTENT,
        Error::LimitExceeded { .. } | Error::OutOfMemory { .. } => VVT_ERR_OUT_OF_MEMORY,
        Error::DeviceLost { .. } => VVT_ERR_DEVICE_LOST,
        Error::MissingFeature { .. } => VVT_ERR_MISSING_FEATURE,
        Error::InvalidArgument { .. } => VVT_ERR_INVALID_ARG,
        // Unsupported, and whatever the engine may learn to say after this was written.
        _ => VVT_ERR_UNSUPPORTED,
    }
}

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the sentence of a failure for `vvt_last_error`.
pub(crate) fn remember(text: &str) {
    LAST.with_borrow_mut(|last| {
        last.clear();
        last.push_str(text);
    });
}

/// What `vvt_last_error` says on this thread.
#[cfg(test)]
pub(crate) fn last() -> String {
    LAST.with_borrow(Clone::clone)
}

fn name_of(code: vvt_result) -> &'static CStr {
    match code {
        VVT_OK => c"done",
        VVT_NOT_READY => c"not ready yet",
        VVT_TRUNCATED => c"the text was cut",
        VVT_STALE_FRAME => c"an older picture was shown",
        VVT_ERR_INVALID_ARG => c"invalid argument",
        VVT_ERR_BAD_HANDLE => c"bad handle",
        VVT_ERR_BAD_STRUCT_SIZE => c"bad struct size",
        VVT_ERR_WRONG_THREAD => c"wrong thread",
        VVT_ERR_OUT_OF_MEMORY => c"out of memory",
        VVT_ERR_OUT_OF_DEVICE_MEMORY => c"out of device memory",
        VVT_ERR_DEVICE_LOST => c"device lost",
        VVT_ERR_IO => c"reading failed",
        VVT_ERR_BAD_CONTENT => c"bad content",
        VVT_ERR_UNSUPPORTED => c"unsupported",
        VVT_ERR_MISSING_FEATURE => c"missing feature",
        VVT_ERR_STATE => c"not in this state",
        VVT_ERR_PANIC => c"a bug in the library",
        _ => c"unknown result",
    }
}

/// A code in a few words. Static text: valid for ever, not to be freed; never NULL.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_result_string(result: vvt_result) -> *const c_char {
    shield(c"".as_ptr(), || name_of(result).as_ptr())
}

/// Copies the sentence about the last call on this thread that failed, empty if none did, into `buf`: at most `cap`
/// bytes, always ending in NUL, cut between characters. Returns the length of the whole sentence without its NUL.
/// `buf` may be NULL to ask for the length.
///
/// Thread: any; each has its own sentence.
///
/// # Safety
/// `buf` has room for `cap` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_last_error(buf: *mut c_char, cap: usize) -> usize {
    shield(0, || {
        LAST.with_borrow(|last| {
            // SAFETY: the caller's promise is the one asked for.
            unsafe { copy_out(last, buf, cap) };
            last.len()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_engine_has_its_code() {
        let io = Error::io("a.vvt", "cannot open", std::io::ErrorKind::NotFound.into());
        let failure = Failure::from(io);
        assert_eq!(failure.code, VVT_ERR_IO);
        assert!(failure.text.starts_with("a.vvt: cannot open"));
        assert_eq!(code_of(&Error::malformed("a", "b", 0, "c")), VVT_ERR_BAD_CONTENT);
        assert_eq!(code_of(&Error::unsupported("a")), VVT_ERR_UNSUPPORTED);
        assert_eq!(code_of(&Error::invalid("a")), VVT_ERR_INVALID_ARG);
        assert_eq!(code_of(&Error::DeviceLost { doing: "a" }), VVT_ERR_DEVICE_LOST);
        assert_eq!(code_of(&Error::MissingFeature { what: String::new() }), VVT_ERR_MISSING_FEATURE);
        assert_eq!(code_of(&Error::OutOfMemory { what: String::new() }), VVT_ERR_OUT_OF_MEMORY);
        let limit = Error::LimitExceeded { what: String::new(), value: 2, limit: 1 };
        assert_eq!(code_of(&limit), VVT_ERR_OUT_OF_MEMORY);
    }

    #[test]
    fn codes_have_different_names() {
        let codes = (-12..=3).chain([-100, 77]);
        let names: std::collections::BTreeSet<_> = codes.map(name_of).collect();
        assert_eq!(names.len(), 18);
    }
}
