//! What every export runs inside: no panic leaves, no callback comes back in.
//!
//! [`guard`] turns the outcome of a call into its code and leaves the sentence for `vvt_last_error`. A panic is a bug
//! of ours: it becomes `VVT_ERR_PANIC` with its message and place, and what it left half done stays locked (see
//! [`crate::handle::lock`]). While a call runs, its thread may not start another, which could wait for itself.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use crate::result::{Failure, Outcome, VVT_ERR_PANIC, VVT_ERR_STATE, remember, vvt_result};

thread_local! {
    /// Whether this thread is inside an export.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Takes the mark off again, whichever way the call ends.
struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        (!INSIDE.replace(true)).then_some(Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// Runs the body of an export that returns a code.
pub(crate) fn guard(body: impl FnOnce() -> Outcome<vvt_result>) -> vvt_result {
    let Some(inside) = Inside::enter() else {
        remember("a callback of the library may not call the library");
        return VVT_ERR_STATE;
    };
    listen();
    // What a panic leaves half done is behind a lock that it poisons.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    drop(inside);
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(Failure { code, text })) => {
            remember(&text);
            code
        }
        // The hook has remembered what and where.
        Err(_) => VVT_ERR_PANIC,
    }
}

/// Runs the body of an export that cannot fail and answers something else than a code.
pub(crate) fn shield<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// Makes panics inside exports tell `vvt_last_error` what happened, instead of the host's terminal.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if INSIDE.get() {
                remember(&describe(panic));
            } else {
                before(panic);
            }
        }));
    });
}

fn describe(panic: &PanicHookInfo<'_>) -> String {
    let what = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    format!("a bug in the library{place}: {what}; destroy the object that was used and report this")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{VVT_OK, last};

    #[test]
    fn a_panic_becomes_a_code_and_a_sentence() {
        assert_eq!(guard(|| panic!("the number {}", 7)), VVT_ERR_PANIC);
        let text = last();
        assert!(text.contains("the number 7") && text.contains("guard.rs:"), "{text}");
        assert_eq!(guard(|| Ok(VVT_OK)), VVT_OK, "the thread goes on");
        assert_eq!(shield(3, || panic!("again")), 3);
    }

    #[test]
    fn a_call_from_inside_a_call_is_refused() {
        let mut inner = VVT_OK;
        assert_eq!(
            guard(|| {
                inner = guard(|| Ok(VVT_OK));
                Ok(VVT_OK)
            }),
            VVT_OK
        );
        assert_eq!(inner, VVT_ERR_STATE);
        assert!(last().contains("callback"));
    }
}
