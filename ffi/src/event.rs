//! Events: what happened in the players of an engine, polled.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use vivant::playback::Event;

use crate::engine::{Engine, vvt_engine};
use crate::guard::guard;
use crate::handle::{self, lock};
use crate::memory::{Described, Growing, check_fill, fill};
use crate::player::{Player, PlayerState, vvt_player};
use crate::result::{VVT_NOT_READY, VVT_OK, vvt_result};

/// Playback passed an end of the clip and went on.
pub const VVT_EVENT_LOOPED: i32 = 1;
/// Playback reached its end.
pub const VVT_EVENT_ENDED: i32 = 2;
/// A picture had to be held because the next was not in memory.
pub const VVT_EVENT_UNDERRUN: i32 = 3;
/// Part of the clip could not be loaded; `result` says why, vvt_player_last_error the sentence. Playback goes on and
/// holds its last picture where the part is missing.
pub const VVT_EVENT_ERROR: i32 = 4;

/// The first picture, or the one that a seek asked for, is there.
pub const VVT_EVENT_READY: i32 = 5;
/// The clip ended and the next of the queue goes on.
pub const VVT_EVENT_ADVANCED: i32 = 6;

/// Something that happened.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct vvt_event {
    /// sizeof(vvt_event), set by the host.
    pub struct_size: u32,
    /// One of VVT_EVENT_.
    pub kind: i32,
    /// The player it happened in.
    pub player: vvt_player,
    /// The error of a VVT_EVENT_ERROR, else VVT_OK.
    pub result: vvt_result,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), numbers only; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_event {
    const NAME: &str = "vvt_event";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_event {}

fn next_of(player: &mut PlayerState, name: vvt_player) -> Option<vvt_event> {
    let event = |kind, result| vvt_event { kind, player: name, result, ..vvt_event::default() };
    if let Some(code) = player.take_error() {
        return Some(event(VVT_EVENT_ERROR, code));
    }
    // Errors were told above, each with its code.
    let what = std::iter::from_fn(|| player.inner.poll_event()).find(|what| *what != Event::Error)?;
    let kind = match what {
        Event::Looped => VVT_EVENT_LOOPED,
        Event::Ended => VVT_EVENT_ENDED,
        Event::Underrun => VVT_EVENT_UNDERRUN,
        Event::Error => VVT_EVENT_ERROR,
        Event::Ready => VVT_EVENT_READY,
        Event::Advanced => VVT_EVENT_ADVANCED,
    };
    Some(event(kind, VVT_OK))
}

/// Takes the next event of any player of `engine`, oldest first within a player: VVT_OK with an event, VVT_NOT_READY
/// when there is none. Each player keeps its newest 32. Poll until VVT_NOT_READY, for example once a frame.
///
/// Thread: any.
///
/// # Safety
/// `out` is writable and has its struct_size set; it is filled only when VVT_OK is returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_engine_next_event(engine: vvt_engine, out: *mut vvt_event) -> vvt_result {
    guard(|| {
        // Asked first: an event that is taken and cannot be handed over would be lost.
        // SAFETY: this function's contract.
        unsafe { check_fill(out, "out") }?;
        handle::get::<Engine>(engine)?;
        for (name, player) in handle::all_of::<Player>(engine) {
            // A player that a bug broke says so itself; the others go on.
            let Ok(mut player) = lock(&player.state) else { continue };
            if let Some(event) = next_of(&mut player, name) {
                // SAFETY: this function's contract.
                unsafe { fill(out, "out", &event) }?;
                return Ok(VVT_OK);
            }
        }
        Ok(VVT_NOT_READY)
    })
}
