//! Playback: what to show when, and having it in memory by then.
//!
//! A [`Player`] joins three parts. [`Clock`] turns the host's time into media time, exactly. A loader thread has
//! the segments decoded that are live and those that come next, within a [`Budget`] of bytes. [`Player::update`] runs on the
//! host's frame path and only picks up what is ready: it never blocks, reads no file, and allocates nothing once
//! playing. [`AudioReader`] gives the sound of the same clock to whatever thread plays it, or leads the clock
//! ([`Player::audio_as_master`]). [`live_at`] is the other way in, blocking and exact, for rendering a given time to a file.

mod audio;
mod audio_course;
mod audio_decode;
mod audio_feed;
mod audio_voice;
mod budget;
mod clock;
mod controls;
mod decoders;
mod joints;
mod labels;
mod loader;
mod needs;
mod player;
mod pressure;
mod resident;
mod schedule;

pub use audio::{AudioBlock, AudioOptions, AudioReader, AudioStats};
pub use budget::Budget;
pub use clock::{Clock, LoopMode, MAX_RATE};
pub use controls::{MAX_QUEUED, SeekMode};
pub use labels::{Labeller, labels_of};
pub use player::{Event, PlayState, Player, PlayerOptions, PlayerStats};

use std::sync::Arc;

use crate::clip::Clip;
use crate::codec::Decoder;
use crate::error::Result;
use crate::frame::{LiveSet, SegmentData};

/// The tick that is shown at a media time: the nearest one, inside the clip.
fn tick_of(clip: &Clip, media_nanos: i64) -> i64 {
    clip.info().rate.ticks_from_nanos(media_nanos).clamp(0, clip.span() - 1)
}

/// Reads everything that shows at a media time, now. A time outside the clip is taken as its first or last.
///
/// # Errors
/// As [`Decoder::decode`].
pub fn live_at(clip: &Clip, media_nanos: i64) -> Result<LiveSet> {
    let media_nanos = media_nanos.clamp(0, clip.duration_nanos());
    let tick = tick_of(clip, media_nanos);
    let mut decoder = Decoder::new()?;
    let live = clip.live_nodes(tick);
    let segments: Vec<Arc<SegmentData>> =
        live.iter().map(|&node| decoder.decode(clip, node).map(Arc::new)).collect::<Result<_>>()?;
    let seconds = media_nanos as f64 * 1e-9;
    let joints = joints::joints_of(clip, &segments, seconds);
    Ok(LiveSet { segments, tick, seconds, coming: Vec::new(), joints })
}
