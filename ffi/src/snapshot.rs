//! The snapshot: everything about a player in one struct, polled.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use vivant::playback::LoopMode;

use crate::guard::guard;
use crate::handle::{self, lock};
use crate::memory::{Described, Growing, fill};
use crate::player::{Player, PlayerState, VVT_LOOP_ONCE, VVT_LOOP_PING_PONG, VVT_LOOP_REPEAT, vvt_player};
use crate::result::{VVT_OK, vvt_result};

/// Media time stands.
pub const VVT_STATE_PAUSED: i32 = 0;
/// It runs.
pub const VVT_STATE_PLAYING: i32 = 1;
/// It has run to the end of a clip that plays once.
pub const VVT_STATE_ENDED: i32 = 2;

/// There is a picture to show.
pub const VVT_SNAPSHOT_READY: u32 = 1;
/// The last update showed an older picture than the one asked for.
pub const VVT_SNAPSHOT_HOLDING: u32 = 2;

/// A player at one host time.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct vvt_player_snapshot {
    /// sizeof(vvt_player_snapshot), set by the host.
    pub struct_size: u32,
    /// One of VVT_STATE_.
    pub state: i32,
    /// Media time, 0 to `duration_ns`.
    pub position_ns: i64,
    /// Length of the clip; 0 for a still one.
    pub duration_ns: i64,
    /// Lower corner of the box around the means of all splats over their lives, metres in the clip's own space.
    pub bounds_min: [f32; 3],
    /// Upper corner.
    pub bounds_max: [f32; 3],
    /// Splats stored in the clip.
    pub splats: u64,
    /// Media seconds a host second.
    pub rate: f64,
    /// One of VVT_LOOP_.
    pub loop_mode: i32,
    /// VVT_SNAPSHOT_ flags, as of the last update or draw.
    pub flags: u32,
    /// Times that playback ran into a part that was not in memory, seeks aside.
    pub underruns: u64,
    /// Updates that showed an older picture than asked for, seeks included.
    pub held_updates: u64,
    /// Decoded bytes in memory.
    pub held_bytes: u64,
    /// Segments ready to show.
    pub resident_segments: u32,
    /// The newest error of loading, or VVT_OK; vvt_player_last_error has the sentence.
    pub last_error: vvt_result,
    /// Since 0.3: the level of detail shown, of the coarsest part: 3 for all splats, 2, 1 and 0 for a half, a quarter and
    /// an eighth.
    pub lod: u32,
    /// The level of detail that the budget is enough for.
    pub playable_lod: u32,
}

// SAFETY: repr(C), numbers only; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_player_snapshot {
    const NAME: &str = "vvt_player_snapshot";
    const FIRST_BYTES: usize = std::mem::offset_of!(Self, lod);
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_player_snapshot {}

fn snapshot_of(player: &mut PlayerState, host_time_ns: i64) -> vvt_player_snapshot {
    player.collect();
    let (clip, clock, stats) = (player.inner.clip(), player.inner.clock(), player.inner.stats());
    let [bounds_min, bounds_max] = clip.bounds();
    let ready = if player.ready { VVT_SNAPSHOT_READY } else { 0 };
    let holding = if player.ready && stats.holding { VVT_SNAPSHOT_HOLDING } else { 0 };
    vvt_player_snapshot {
        struct_size: 0,
        state: match (clock.is_playing(), clock.has_ended(host_time_ns)) {
            (false, _) => VVT_STATE_PAUSED,
            (true, false) => VVT_STATE_PLAYING,
            (true, true) => VVT_STATE_ENDED,
        },
        position_ns: clock.media_nanos(host_time_ns),
        duration_ns: clip.duration_nanos(),
        bounds_min,
        bounds_max,
        splats: clip.splats(),
        rate: clock.rate(),
        loop_mode: match clock.loop_mode() {
            LoopMode::Once => VVT_LOOP_ONCE,
            LoopMode::Loop => VVT_LOOP_REPEAT,
            LoopMode::PingPong => VVT_LOOP_PING_PONG,
        },
        flags: ready | holding,
        underruns: stats.underruns,
        held_updates: stats.held_updates,
        held_bytes: stats.held_bytes,
        resident_segments: u32::try_from(stats.resident_segments).unwrap_or(u32::MAX),
        last_error: player.error.as_ref().map_or(VVT_OK, |failure| failure.code),
        lod: u32::from(stats.lod),
        playable_lod: u32::from(stats.playable_lod),
    }
}

/// Fills a snapshot for a host time. Changes nothing: vvt_player_update or a draw moves the player on.
///
/// Thread: any.
///
/// # Safety
/// `out` is writable and has its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_player_snapshot_get(
    player: vvt_player,
    host_time_ns: i64,
    out: *mut vvt_player_snapshot,
) -> vvt_result {
    guard(|| {
        let player = handle::get::<Player>(player)?;
        let snapshot = snapshot_of(&mut *lock(&player.state)?, host_time_ns);
        // SAFETY: this function's contract.
        unsafe { fill(out, "out", &snapshot) }?;
        Ok(VVT_OK)
    })
}
