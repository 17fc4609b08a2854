//! Which interface and which release this library is.

#![expect(unsafe_code, reason = "exported names")]

use std::ffi::c_char;

use crate::guard::shield;

/// Version of this interface: major << 16 | minor. A minor version only adds; another major version is another
/// interface. Until major 1, a minor version may also change, and API_CHANGES.md says how.
pub const VVT_ABI_VERSION: u32 = 3;

/// The library's VVT_ABI_VERSION, to compare with the header's before anything else is called.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_abi_version() -> u32 {
    shield(0, || VVT_ABI_VERSION)
}

/// The release, for example "0.1.0". Static text: valid for ever, not to be freed; never NULL.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_version_string() -> *const c_char {
    shield(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}
