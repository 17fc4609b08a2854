//! The budget: a limit on decoded bytes that several players keep together.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use vivant::playback;

use crate::engine::{Engine, vvt_engine};
use crate::guard::guard;
use crate::handle::{self, Object};
use crate::memory::output;
use crate::result::{VVT_OK, vvt_result};

/// A budget. 0 is none.
pub type vvt_budget = u64;

/// What a `vvt_budget` names.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) inner: playback::Budget,
}

impl Object for Budget {
    const KIND: u8 = 8;
    const NAME: &str = "vvt_budget";
}

/// Creates a budget of decoded bytes, to be named in the vvt_player_desc of the players that share it. Each player is
/// sure of what it needs to show any moment while it still holds another, and vvt_player_create fails with the number
/// of bytes where that no longer fits; what is left over is shared out in equal parts.
///
/// Thread: any. Owner: the host, until vvt_budget_destroy or vvt_engine_destroy.
///
/// # Safety
/// `out` is writable and gets the budget, 0 on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_budget_create(
    engine: vvt_engine,
    limit_bytes: u64,
    out: *mut vvt_budget,
) -> vvt_result {
    guard(|| {
        // SAFETY: this function's contract.
        let out = unsafe { output(out, "out") }?;
        handle::get::<Engine>(engine)?;
        *out = handle::insert(engine, Budget { inner: playback::Budget::new(limit_bytes) })?;
        Ok(VVT_OK)
    })
}

/// Destroys a budget's name; players that share it go on to.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_budget_destroy(budget: vvt_budget) -> vvt_result {
    guard(|| {
        drop(handle::remove::<Budget>(budget)?);
        Ok(VVT_OK)
    })
}
