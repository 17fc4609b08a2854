//! More of a player's controls: scrubbing, ranges, the queue, an external clock.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use std::sync::Arc;

use vivant::playback::SeekMode;

use crate::guard::guard;
use crate::handle;
use crate::memory::read;
use crate::player::{Player, open, vvt_player, vvt_source, with};
use crate::result::{VVT_OK, vvt_result};

/// Goes to a media time as vvt_player_seek, and until its picture is in memory shows at once the moment nearest to it
/// that is, then nearer ones as they come: for scrubbing.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_scrub(player: vvt_player, host_time_ns: i64, media_time_ns: i64) -> vvt_result {
    with(player, |player| {
        player.inner.seek_with(host_time_ns, media_time_ns, SeekMode::Nearest);
        Ok(VVT_OK)
    })
}

/// Plays only a range of the clip: media nanoseconds, the second excluded, both taken to the nearest frame edge or the
/// like. The loop mode works on its ends; VVT_LOOP_REPEAT repeats it without a seam. A time outside is moved inside.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_set_range(
    player: vvt_player,
    host_time_ns: i64,
    first_ns: i64,
    end_ns: i64,
) -> vvt_result {
    with(player, |player| {
        player.inner.set_range(host_time_ns, Some((first_ns, end_ns)))?;
        Ok(VVT_OK)
    })
}

/// Plays the whole clip again.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_clear_range(player: vvt_player, host_time_ns: i64) -> vvt_result {
    with(player, |player| {
        player.inner.set_range(host_time_ns, None)?;
        Ok(VVT_OK)
    })
}

/// Queues a clip, which goes on exactly where the one before it ends, if that plays once and forwards; its first parts
/// load beforehand, within the budget. VVT_EVENT_ADVANCED tells when. At most 16 wait.
///
/// Thread: any; reads the head of the file, so not on the frame path.
///
/// # Safety
/// `source` is a valid struct for the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_player_enqueue(player: vvt_player, source: *const vvt_source) -> vvt_result {
    guard(|| {
        // Asked first, so that no file is read in vain.
        handle::get::<Player>(player)?;
        // SAFETY: this function's contract.
        let source = unsafe { read(source, "source") }?;
        // SAFETY: this function's contract.
        let clip = Arc::new(unsafe { open(&source) }?);
        handle::lock(&handle::get::<Player>(player)?.state)?.inner.enqueue(clip)?;
        Ok(VVT_OK)
    })
}

/// Takes all clips out of the queue; what plays goes on to its end.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_clear_queue(player: vvt_player) -> vvt_result {
    with(player, |player| {
        player.inner.clear_queue();
        Ok(VVT_OK)
    })
}

/// Follows an external clock, for example of the host's audio: at `host_time_ns` its media time is `media_time_ns`,
/// running at `rate`, -4 to 4. To be called now and then, such as ten times a second; from the first call on the player
/// runs. Jitter is smoothed, and the player never runs backwards by it; more than 100 ms off is followed as a seek.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_set_external_clock(
    player: vvt_player,
    host_time_ns: i64,
    media_time_ns: i64,
    rate: f64,
) -> vvt_result {
    with(player, |player| {
        player.inner.set_external_clock(host_time_ns, media_time_ns, rate)?;
        Ok(VVT_OK)
    })
}

/// Goes on by the host's time alone, from here, at the rate last reported.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_player_clear_external_clock(player: vvt_player, host_time_ns: i64) -> vvt_result {
    with(player, |player| {
        player.inner.clear_external_clock(host_time_ns);
        Ok(VVT_OK)
    })
}
