//! The player: one clip that plays, driven by the host's clock.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use std::collections::VecDeque;
use std::ffi::c_char;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vivant::clip::{Access, Clip};
use vivant::frame::LiveSet;
use vivant::playback::{self, LoopMode, PlayerOptions};

use crate::budget::{Budget, vvt_budget};
use crate::engine::{Engine, vvt_engine};
use crate::guard::guard;
use crate::handle::{self, Object, lock};
use crate::log::{Log, VVT_LOG_ERROR, VVT_LOG_INFO, VVT_LOG_WARN};
use crate::memory::{Described, Growing, bytes, check_flags, output, read, read_or_default, vvt_chain};
use crate::result::{
    Failure, Outcome, VVT_ERR_OUT_OF_MEMORY, VVT_NOT_READY, VVT_OK, VVT_STALE_FRAME, VVT_TRUNCATED, code_of,
    vvt_result,
};
use crate::strings::{copy_out, text_of, vvt_str};

/// A player. 0 is none.
pub type vvt_player = u64;

/// Playback stops at the ends of the clip.
pub const VVT_LOOP_ONCE: i32 = 0;
/// It goes on from the other end.
pub const VVT_LOOP_REPEAT: i32 = 1;
/// It turns round.
pub const VVT_LOOP_PING_PONG: i32 = 2;

/// Errors that wait to be told as events; the first ones tell.
const MAX_UNTOLD: usize = 32;
/// How long to sleep between two looks at whether a picture has come.
const WAIT_STEP: Duration = Duration::from_millis(1);

/// Where a clip comes from: a file, or memory of the host.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_source {
    /// sizeof(vvt_source).
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// NULL.
    pub next: *const vvt_chain,
    /// The file; with `data`, only what messages call it.
    pub path: vvt_str,
    /// The clip's bytes, copied before the call returns; NULL to read the file.
    pub data: *const u8,
    /// How many.
    pub data_len: u64,
}

// SAFETY: repr(C), every field may be zero; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_source {
    const NAME: &str = "vvt_source";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_source {
    fn next(&self) -> *const vvt_chain {
        self.next
    }
}

/// How to play. Everything but `struct_size` may be zero.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_player_desc {
    /// sizeof(vvt_player_desc).
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// NULL.
    pub next: *const vvt_chain,
    /// Decoded bytes to hold in memory, never exceeded; 0 is 512 MiB. Creating fails with the bytes needed if that is
    /// more.
    pub budget_bytes: u64,
    /// How far ahead to load, nanoseconds of playback; 0 is two seconds.
    pub lookahead_ns: i64,
    /// Media seconds a host second, -4 to 4, negative for backwards; 0 is 1. (vvt_player_set_rate takes 0 as 0.)
    pub rate: f64,
    /// One of VVT_LOOP_.
    pub loop_mode: i32,
    /// 0.
    pub reserved: u32,
    /// Since 0.2: a budget shared with other players, in place of `budget_bytes`; 0 for one of its own.
    pub budget: vvt_budget,
}

// SAFETY: repr(C), every field may be zero; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_player_desc {
    const NAME: &str = "vvt_player_desc";
    const FIRST_BYTES: usize = std::mem::offset_of!(Self, budget);
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_player_desc {
    fn next(&self) -> *const vvt_chain {
        self.next
    }
}

/// What a `vvt_player` names.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) state: Mutex<PlayerState>,
}

impl Object for Player {
    const KIND: u8 = 2;
    const NAME: &str = "vvt_player";
}

/// A player with what the host has not heard yet.
#[derive(Debug)]
pub(crate) struct PlayerState {
    pub(crate) inner: playback::Player,
    /// Whether there is any picture to show.
    pub(crate) ready: bool,
    /// The newest error of its loader.
    pub(crate) error: Option<Failure>,
    /// How many there were.
    errors: u64,
    untold: VecDeque<vvt_result>,
    log: Log,
}

impl PlayerState {
    /// Picks up what the loader failed at.
    pub(crate) fn collect(&mut self) {
        while let Some(error) = self.inner.error() {
            let failure = Failure { code: code_of(&error), text: error.to_string() };
            self.log.line(VVT_LOG_ERROR, c"player", &failure.text);
            if self.untold.len() < MAX_UNTOLD {
                self.untold.push_back(failure.code);
            }
            self.error = Some(failure);
            self.errors += 1;
        }
    }

    /// The next error that was not told as an event.
    pub(crate) fn take_error(&mut self) -> Option<vvt_result> {
        self.collect();
        self.untold.pop_front()
    }

    /// Brings the player to a host time: a note, and what `take` takes of what to show.
    pub(crate) fn update<T>(
        &mut self,
        host_time_ns: i64,
        take: impl FnOnce(&LiveSet) -> T,
    ) -> (vvt_result, Option<T>) {
        self.collect();
        let taken = self.inner.update(host_time_ns).map(take);
        self.ready = taken.is_some();
        let note = match (self.ready, self.inner.stats().holding) {
            (false, _) => VVT_NOT_READY,
            (true, true) => VVT_STALE_FRAME,
            (true, false) => VVT_OK,
        };
        (note, taken)
    }
}

fn loop_mode(mode: i32) -> Outcome<LoopMode> {
    match mode {
        VVT_LOOP_ONCE => Ok(LoopMode::Once),
        VVT_LOOP_REPEAT => Ok(LoopMode::Loop),
        VVT_LOOP_PING_PONG => Ok(LoopMode::PingPong),
        other => Err(Failure::invalid(format!("a loop mode of {other}: it is one of VVT_LOOP_"))),
    }
}

/// Opens what a source names.
///
/// # Safety
/// The pointers of `source` are valid as its fields say.
pub(crate) unsafe fn open(source: &vvt_source) -> Outcome<Clip> {
    check_flags(source.flags, 0, "vvt_source.flags")?;
    // SAFETY: the caller's promise.
    let path = unsafe { text_of(source.path, "vvt_source.path") }?;
    if source.data.is_null() && source.data_len == 0 {
        let path = path.ok_or_else(|| Failure::invalid("a vvt_source names neither a path nor data"))?;
        return Ok(Clip::open(Path::new(path), Access::Auto)?);
    }
    // SAFETY: the caller's promise.
    let given = unsafe { bytes(source.data, source.data_len, "vvt_source.data") }?;
    let mut copy = Vec::new();
    copy.try_reserve_exact(given.len()).map_err(|_cause| {
        Failure::new(VVT_ERR_OUT_OF_MEMORY, format!("out of memory: {} bytes of a clip", given.len()))
    })?;
    copy.extend_from_slice(given);
    Ok(Clip::from_bytes(path.unwrap_or("memory"), copy)?)
}

fn options_of(desc: &vvt_player_desc) -> Outcome<PlayerOptions> {
    check_flags(desc.flags, 0, "vvt_player_desc.flags")?;
    check_flags(desc.reserved, 0, "vvt_player_desc.reserved")?;
    let default = PlayerOptions::default();
    Ok(PlayerOptions {
        budget_bytes: if desc.budget_bytes == 0 { default.budget_bytes } else { desc.budget_bytes },
        lookahead_nanos: if desc.lookahead_ns == 0 { default.lookahead_nanos } else { desc.lookahead_ns },
        loop_mode: loop_mode(desc.loop_mode)?,
        rate: if desc.rate == 0.0 { default.rate } else { desc.rate },
    })
}

/// Opens a clip and starts to load it from its start; paused. A thread of the library reads and decodes.
///
/// Thread: any; reads the head of the file, so not on the frame path. Owner: the host, until vvt_player_destroy or
/// vvt_engine_destroy.
///
/// # Safety
/// `source` is a valid struct for the call, `desc` too or NULL for the defaults; `out` is writable and gets the player, 0
/// on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_player_create(
    engine: vvt_engine,
    source: *const vvt_source,
    desc: *const vvt_player_desc,
    out: *mut vvt_player,
) -> vvt_result {
    guard(|| {
        // SAFETY: this function's contract.
        let out = unsafe { output(out, "out") }?;
        // SAFETY: this function's contract.
        let source = unsafe { read(source, "source") }?;
        // SAFETY: this function's contract.
        let desc = unsafe { read_or_default(desc, "desc") }?;
        let log = handle::get::<Engine>(engine)?.log;
        let options = options_of(&desc)?;
        // SAFETY: this function's contract.
        let clip = Arc::new(unsafe { open(&source) }?);
        for notice in clip.notices() {
            log.line(VVT_LOG_WARN, c"clip", &format!("{}: {notice}", clip.name()));
        }
        log.line(VVT_LOG_INFO, c"clip", &format!("{}: {} splats", clip.name(), clip.splats()));
        let inner = match desc.budget {
            0 => playback::Player::open(clip, options)?,
            budget => playback::Player::open_within(clip, options, &handle::get::<Budget>(budget)?.inner)?,
        };
        let untold = VecDeque::new();
        let state = PlayerState { inner, ready: false, error: None, errors: 0, untold, log };
        *out = handle::insert(engine, Player { state: Mutex::new(state) })?;
        Ok(VVT_OK)
    })
}

/// Destroys a player. Waits for a read in progress.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_destroy(player: vvt_player) -> vvt_result {
    guard(|| {
        drop(handle::remove::<Player>(player)?);
        Ok(VVT_OK)
    })
}

/// Runs `body` on a player's state.
pub(crate) fn with(
    player: vvt_player,
    body: impl FnOnce(&mut PlayerState) -> Outcome<vvt_result>,
) -> vvt_result {
    guard(|| body(&mut *lock(&handle::get::<Player>(player)?.state)?))
}

/// Runs from here; from the end of a clip that plays once, from the other end. `host_time_ns` is the present time of any
/// clock that the host keeps to for this player.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_play(player: vvt_player, host_time_ns: i64) -> vvt_result {
    with(player, |player| {
        player.inner.play(host_time_ns);
        Ok(VVT_OK)
    })
}

/// Stands here.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_pause(player: vvt_player, host_time_ns: i64) -> vvt_result {
    with(player, |player| {
        player.inner.pause(host_time_ns);
        Ok(VVT_OK)
    })
}

/// Goes to a media time, clamped to the clip, and keeps running or standing.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_seek(player: vvt_player, host_time_ns: i64, media_time_ns: i64) -> vvt_result {
    with(player, |player| {
        player.inner.seek(host_time_ns, media_time_ns);
        Ok(VVT_OK)
    })
}

/// Changes the speed from here on: media seconds a host second, -4 to 4; negative plays backwards, 0 holds.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_set_rate(player: vvt_player, host_time_ns: i64, rate: f64) -> vvt_result {
    with(player, |player| {
        player.inner.set_rate(host_time_ns, rate)?;
        Ok(VVT_OK)
    })
}

/// Changes what happens at the ends of the clip, to one of VVT_LOOP_, from the last host time the player was given.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_set_loop(player: vvt_player, mode: i32) -> vvt_result {
    with(player, |player| {
        player.inner.set_loop(loop_mode(mode)?);
        Ok(VVT_OK)
    })
}

/// Brings the player to a host time: VVT_OK when the picture of that time is in memory, VVT_STALE_FRAME when an older
/// one is shown meanwhile, VVT_NOT_READY before the first. Drawing does this by itself; call it when nothing is drawn.
/// Never blocks on reading or decoding.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_update(player: vvt_player, host_time_ns: i64) -> vvt_result {
    with(player, |player| Ok(player.update(host_time_ns, |_| ()).0))
}

/// Waits until the picture of a host time is in memory, in all the detail that the budget is enough for, at most `timeout_ns`: VVT_OK when it is, VVT_NOT_READY or
/// VVT_STALE_FRAME when the time ran out. An error as soon as part of the clip cannot be loaded, or when the time ran
/// out after that. For tools that render to files; never on the frame path.
///
/// Thread: any; blocks this one, and others for moments only.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_wait(player: vvt_player, host_time_ns: i64, timeout_ns: i64) -> vvt_result {
    guard(|| {
        let player = handle::get::<Player>(player)?;
        let timeout = Duration::from_nanos(u64::try_from(timeout_ns).unwrap_or(0));
        let begun = Instant::now();
        let errors_before = lock(&player.state)?.errors;
        loop {
            let mut state = lock(&player.state)?;
            let (note, _) = state.update(host_time_ns, |_| ());
            let left = timeout.saturating_sub(begun.elapsed());
            match &state.error {
                _ if note == VVT_OK && (left.is_zero() || !state.inner.stats().refining) => return Ok(note),
                Some(failure) if left.is_zero() || state.errors > errors_before => {
                    return Err(Failure::new(failure.code, failure.text.clone()));
                }
                None if left.is_zero() => return Ok(note),
                _ => {}
            }
            drop(state);
            std::thread::sleep(left.min(WAIT_STEP));
        }
    })
}

/// Copies the sentence about the newest part of the clip that could not be loaded into `buf`: at most `cap` bytes,
/// always ending in NUL. VVT_OK, VVT_TRUNCATED if it did not fit, VVT_NOT_READY with an empty text if all is well.
///
/// Thread: any.
///
/// # Safety
/// `buf` has room for `cap` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_player_last_error(
    player: vvt_player,
    buf: *mut c_char,
    cap: usize,
) -> vvt_result {
    with(player, |player| {
        if buf.is_null() || cap == 0 {
            return Err(Failure::invalid("buf is NULL or has no room"));
        }
        player.collect();
        let text = player.error.as_ref().map_or("", |failure| failure.text.as_str());
        // SAFETY: this function's contract.
        let whole = unsafe { copy_out(text, buf, cap) };
        Ok(match (text.is_empty(), whole) {
            (true, _) => VVT_NOT_READY,
            (false, true) => VVT_OK,
            (false, false) => VVT_TRUNCATED,
        })
    })
}
