//! Skips that show: a test that cannot run says why, and fails instead where `VIVANT_REQUIRE` lists what it lacks.

use std::path::PathBuf;

/// Whether `what` (`vulkan`, `openxr` or `content`) must be there.
#[must_use]
pub fn is_required(what: &str) -> bool {
    std::env::var("VIVANT_REQUIRE").is_ok_and(|list| list.split(',').any(|item| item.trim() == what))
}

/// Says that a test is skipped for want of `what`.
///
/// # Panics
/// When `VIVANT_REQUIRE` lists it.
pub fn skip(what: &str, why: &str) {
    assert!(!is_required(what), "{what} is required but missing: {why}");
    eprintln!("SKIP: {what}: {why}");
}

/// The folder of real captures, which lies beside the repository or where `VIVANT_CONTENT` says; `None`, said aloud,
/// where it is absent.
#[must_use]
pub fn content() -> Option<PathBuf> {
    let folder = std::env::var_os("VIVANT_CONTENT").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/content"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    skip("content", &format!("{} is not there", folder.display()));
    None
}
