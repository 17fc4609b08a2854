//! The log: what a person should read, handed to the host as it happens.

#![expect(unsafe_code, reason = "a callback of the host")]

use std::ffi::{CStr, c_char, c_void};

/// Takes one line of the log. `target` says who speaks and `message` what; both are UTF-8, end in NUL and are valid for
/// the call; `length` is that of `message` without its NUL. Called on threads that are inside a call of the library,
/// several at once if several are. Must not call the library: every vvt function that returns a vvt_result would
/// answer VVT_ERR_STATE.
pub type vvt_log_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        level: i32,
        target: *const c_char,
        message: *const c_char,
        length: usize,
    ),
>;

/// Something failed.
pub const VVT_LOG_ERROR: i32 = 1;
/// Something is not as it should be, and work goes on.
pub const VVT_LOG_WARN: i32 = 2;
/// What was chosen: the GPU, a clip.
pub const VVT_LOG_INFO: i32 = 3;

/// Where lines go, if anywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    pub(crate) call: vvt_log_fn,
    pub(crate) user: *mut c_void,
    /// The most talkative level that is wanted.
    pub(crate) level: i32,
}

// SAFETY: the pointer is the host's own and only handed back to it; vvt_engine_desc makes the host promise that its
// callback takes calls on any thread, several at once.
unsafe impl Send for Log {}
// SAFETY: as above.
unsafe impl Sync for Log {}

impl Log {
    /// Hands a line to the host.
    pub(crate) fn line(&self, level: i32, target: &CStr, message: &str) {
        let Some(call) = self.call else { return };
        if level > self.level {
            return;
        }
        let mut bytes = Vec::with_capacity(message.len() + 1);
        bytes.extend_from_slice(message.as_bytes());
        bytes.push(0);
        // SAFETY: the host's function, with text that is valid for the call.
        unsafe { call(self.user, level, target.as_ptr(), bytes.as_ptr().cast(), message.len()) };
    }
}
