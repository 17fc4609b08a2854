//! The sound of a player, for the host's audio callback.
//!
//! Reading waits for nobody: what other threads ask or set meanwhile goes through atomic numbers, and two threads that
//! read the same sound at once are told so instead of being made to wait for each other.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use vivant::clip::{AUDIO_RATE, AudioTrack};
use vivant::playback::{AudioOptions, AudioReader};

use crate::guard::guard;
use crate::handle::{self, Object, lock};
use crate::memory::{
    Described, Growing, buffer, check_fill, check_flags, fill, output, read_or_default, vvt_chain,
};
use crate::player::{Player, vvt_player, with};
use crate::result::{Failure, Outcome, VVT_ERR_STATE, VVT_NOT_READY, VVT_OK, vvt_result};

/// A player's sound. 0 is none.
pub type vvt_audio = u64;

/// The sound leads: it runs at the sound card's own pace, and the player's picture follows it. Without, the sound
/// follows the host's clock.
pub const VVT_AUDIO_MASTER: u32 = 1;

/// `position` is set: the sound comes from there. Without, it is everywhere.
pub const VVT_AUDIO_POSITIONED: u32 = 1;

/// Loudest gain: 24 dB.
const MAX_GAIN: f32 = 16.0;

/// How to give out sound. Everything but `struct_size` may be zero.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_audio_desc {
    /// sizeof(vvt_audio_desc).
    pub struct_size: u32,
    /// VVT_AUDIO_MASTER or 0.
    pub flags: u32,
    /// NULL.
    pub next: *const vvt_chain,
    /// Which of the clip's tracks, from 0.
    pub track: u32,
    /// Frames a second that the host plays, 8000 to 192000; 0 is 48000.
    pub sample_rate: u32,
    /// 1, or 2 for left and right; 0 is 2.
    pub channels: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), every field may be zero; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_audio_desc {
    const NAME: &str = "vvt_audio_desc";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_audio_desc {
    fn next(&self) -> *const vvt_chain {
        self.next
    }
}

/// What a sound is and what became of it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct vvt_audio_info {
    /// sizeof(vvt_audio_info), set by the host.
    pub struct_size: u32,
    /// VVT_AUDIO_POSITIONED or 0.
    pub flags: u32,
    /// Media time of its first sample; it may begin before the picture.
    pub start_ns: i64,
    /// Its length.
    pub duration_ns: i64,
    /// Where it comes from, metres in the clip's own space.
    pub position: [f32; 3],
    /// The gain that the clip gives it, which is applied already.
    pub track_gain: f32,
    /// Channels that it was recorded in.
    pub track_channels: u32,
    /// Channels that vvt_audio_read gives.
    pub channels: u32,
    /// Frames a second that it gives.
    pub sample_rate: u32,
    /// The gain of vvt_audio_set_gain.
    pub gain: f32,
    /// Frames read so far.
    pub read_frames: u64,
    /// Of these, silence because they were not decoded in time; seeks make some.
    pub missing_frames: u64,
    /// Packets that are silence because they are damaged, counted each time they are decoded.
    pub damaged_packets: u64,
    /// Times that the sound jumped to the clock: seeks, and holes that the sound card left.
    pub jumps: u64,
}

// SAFETY: repr(C), numbers only; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_audio_info {
    const NAME: &str = "vvt_audio_info";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_audio_info {}

/// What one read gave.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct vvt_audio_block {
    /// sizeof(vvt_audio_block), set by the host.
    pub struct_size: u32,
    /// Frames that are silence because they were not decoded in time.
    pub missing_frames: u32,
    /// Media time of the first frame.
    pub media_time_ns: i64,
    /// Media seconds a second of sound; 0 where it is silence because media time stands or runs backwards.
    pub rate: f64,
}

// SAFETY: repr(C), numbers only; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_audio_block {
    const NAME: &str = "vvt_audio_block";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_audio_block {}

/// The reader, and the gain at which its last frame left.
#[derive(Debug)]
struct Reading {
    reader: AudioReader,
    gain: f32,
}

/// What a `vvt_audio` names.
#[derive(Debug)]
struct Audio {
    reading: Mutex<Reading>,
    track: AudioTrack,
    options: AudioOptions,
    /// As the bits of an f32.
    gain: AtomicU32,
    read_frames: AtomicU64,
    missing_frames: AtomicU64,
    damaged_packets: AtomicU64,
    jumps: AtomicU64,
}

impl Object for Audio {
    const KIND: u8 = 9;
    const NAME: &str = "vvt_audio";
}

impl Audio {
    fn new(reader: AudioReader, options: AudioOptions) -> Self {
        Self {
            track: *reader.track(),
            reading: Mutex::new(Reading { reader, gain: 1.0 }),
            options,
            gain: AtomicU32::new(1.0_f32.to_bits()),
            read_frames: AtomicU64::new(0),
            missing_frames: AtomicU64::new(0),
            damaged_packets: AtomicU64::new(0),
            jumps: AtomicU64::new(0),
        }
    }

    /// Fills `samples` and says what they are.
    fn read(&self, host_time_ns: i64, samples: &mut [f32]) -> Outcome<vvt_audio_block> {
        let mut reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(VVT_ERR_STATE, "this sound is being read on another thread"));
            }
            Err(TryLockError::Poisoned(_)) => lock(&self.reading)?,
        };
        let block = reading.reader.read(host_time_ns, samples);
        let channels = usize::from(self.options.channels);
        let frames = samples.len() / channels;
        let (from, to) = (reading.gain, f32::from_bits(self.gain.load(Ordering::Relaxed)));
        if from != 1.0 || to != 1.0 {
            // From one gain to the other over the block: a step would click.
            for (number, frame) in samples.chunks_exact_mut(channels).enumerate() {
                let gain = from + (to - from) * ((number + 1) as f32 / frames as f32);
                frame.iter_mut().for_each(|value| *value *= gain);
            }
        }
        if frames > 0 {
            reading.gain = to;
        }
        let stats = reading.reader.stats();
        self.read_frames.fetch_add(frames as u64, Ordering::Relaxed);
        self.missing_frames.store(stats.missing_frames, Ordering::Relaxed);
        self.damaged_packets.store(stats.damaged_packets, Ordering::Relaxed);
        self.jumps.store(stats.jumps, Ordering::Relaxed);
        Ok(vvt_audio_block {
            struct_size: 0,
            missing_frames: block.missing_frames,
            media_time_ns: block.media_nanos,
            rate: block.rate,
        })
    }

    fn info(&self) -> vvt_audio_info {
        let track = &self.track;
        let nanos = i128::from(track.samples) * 1_000_000_000 / i128::from(AUDIO_RATE);
        vvt_audio_info {
            struct_size: 0,
            flags: if track.position.is_some() { VVT_AUDIO_POSITIONED } else { 0 },
            start_ns: track.start_nanos,
            duration_ns: i64::try_from(nanos).unwrap_or(i64::MAX),
            position: track.position.unwrap_or_default(),
            track_gain: track.gain,
            track_channels: u32::from(track.channels),
            channels: u32::from(self.options.channels),
            sample_rate: self.options.sample_rate,
            gain: f32::from_bits(self.gain.load(Ordering::Relaxed)),
            read_frames: self.read_frames.load(Ordering::Relaxed),
            missing_frames: self.missing_frames.load(Ordering::Relaxed),
            damaged_packets: self.damaged_packets.load(Ordering::Relaxed),
            jumps: self.jumps.load(Ordering::Relaxed),
        }
    }
}

fn options_of(desc: &vvt_audio_desc) -> Outcome<AudioOptions> {
    check_flags(desc.flags, VVT_AUDIO_MASTER, "vvt_audio_desc.flags")?;
    check_flags(desc.reserved, 0, "vvt_audio_desc.reserved")?;
    let default = AudioOptions::default();
    Ok(AudioOptions {
        sample_rate: if desc.sample_rate == 0 { default.sample_rate } else { desc.sample_rate },
        channels: match desc.channels {
            0 => default.channels,
            // What does not fit the engine refuses.
            channels => u8::try_from(channels).unwrap_or(u8::MAX),
        },
    })
}

/// Tells how many sound tracks the clip has that the player plays.
///
/// Thread: any.
///
/// # Safety
/// `out` is writable and gets the number, 0 on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_player_audio_tracks(player: vvt_player, out: *mut u32) -> vvt_result {
    with(player, |player| {
        // SAFETY: this function's contract.
        let out = unsafe { output(out, "out") }?;
        *out = u32::try_from(player.inner.clip().tracks().len()).unwrap_or(u32::MAX);
        Ok(VVT_OK)
    })
}

/// Opens a track of the clip that the player plays. It follows the player, or leads it, until the player goes on to the
/// next clip of its queue; it outlives the player, running on by the clock it last heard of. A thread of the library
/// decodes ahead.
///
/// Thread: any; reads the file, so neither on the frame path nor in the audio callback. Owner: the host, until
/// vvt_audio_close or vvt_engine_destroy.
///
/// # Safety
/// `desc` is a valid struct for the call or NULL for the defaults; `out` is writable and gets the sound, 0 on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_audio_open(
    player: vvt_player,
    desc: *const vvt_audio_desc,
    out: *mut vvt_audio,
) -> vvt_result {
    guard(|| {
        // SAFETY: this function's contract.
        let out = unsafe { output(out, "out") }?;
        // SAFETY: this function's contract.
        let desc = unsafe { read_or_default(desc, "desc") }?;
        let options = options_of(&desc)?;
        let track = usize::try_from(desc.track).unwrap_or(usize::MAX);
        let (engine, player) = (handle::owner_of(player), handle::get::<Player>(player)?);
        let reader = {
            let inner = &mut lock(&player.state)?.inner;
            match desc.flags & VVT_AUDIO_MASTER {
                0 => inner.audio(track, options)?,
                _ => inner.audio_as_master(track, options)?,
            }
        };
        *out = handle::insert(engine, Audio::new(reader, options))?;
        Ok(VVT_OK)
    })
}

/// Ends a sound. Its audio callback must have ended before, or its last vvt_audio_read does what this would have done.
///
/// Thread: any; waits for the decoding thread, so not in the audio callback.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_audio_close(audio: vvt_audio) -> vvt_result {
    guard(|| {
        drop(handle::remove::<Audio>(audio)?);
        Ok(VVT_OK)
    })
}

/// Fills `frame_count` frames of interleaved samples with what is to be heard from `host_time_ns` on: the time, of the
/// clock that the player is driven by, at which the first of them leaves the loudspeaker. Silence while media time
/// stands or runs backwards, and on failure. VVT_OK, or VVT_NOT_READY where frames are silence because they were not
/// decoded in time. For the audio callback: neither blocks, reads nor allocates.
///
/// Thread: any, one at a time; another that reads the same sound meanwhile is answered VVT_ERR_STATE.
///
/// # Safety
/// `samples` has room for `frame_count` times the channels, `samples_bytes` bytes in all; `out` is NULL or writable and
/// has its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_audio_read(
    audio: vvt_audio,
    host_time_ns: i64,
    frame_count: u32,
    samples: *mut f32,
    samples_bytes: usize,
    out: *mut vvt_audio_block,
) -> vvt_result {
    guard(|| {
        let audio = handle::get::<Audio>(audio)?;
        let wanted = usize::try_from(frame_count).unwrap_or(usize::MAX);
        let wanted = wanted.saturating_mul(usize::from(audio.options.channels));
        // SAFETY: this function's contract.
        let room = unsafe { buffer(samples, samples_bytes, wanted, "samples") }?;
        room.iter_mut().for_each(|sample| {
            sample.write(0.0);
        });
        // SAFETY: as many samples as `room` has, all written just now.
        let samples = unsafe { std::slice::from_raw_parts_mut(samples, wanted) };
        if !out.is_null() {
            // SAFETY: this function's contract.
            unsafe { check_fill(out, "out") }?;
        }
        let block = audio.read(host_time_ns, samples)?;
        if !out.is_null() {
            // SAFETY: this function's contract.
            unsafe { fill(out, "out", &block) }?;
        }
        Ok(if block.missing_frames > 0 { VVT_NOT_READY } else { VVT_OK })
    })
}

/// Waits until the next 320 ms of media time from a host time on are decoded, at most `timeout_ns`: VVT_OK, or
/// VVT_NOT_READY when the time ran out. For tools that write sound to files; never in the audio callback.
///
/// Thread: any; blocks this one, and vvt_audio_read on another is answered VVT_ERR_STATE meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_audio_wait(audio: vvt_audio, host_time_ns: i64, timeout_ns: i64) -> vvt_result {
    guard(|| {
        let audio = handle::get::<Audio>(audio)?;
        let timeout = Duration::from_nanos(u64::try_from(timeout_ns).unwrap_or(0));
        let settled = lock(&audio.reading)?.reader.settle(host_time_ns, timeout);
        Ok(if settled { VVT_OK } else { VVT_NOT_READY })
    })
}

/// Makes the sound so many times as loud, 0 to 16; 1 at the start. The next read gets there over its frames.
///
/// Thread: any; waits for nothing.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_audio_set_gain(audio: vvt_audio, gain: f32) -> vvt_result {
    guard(|| {
        let audio = handle::get::<Audio>(audio)?;
        if !(0.0..=MAX_GAIN).contains(&gain) {
            return Err(Failure::invalid(format!("a gain of {gain}: it must lie between 0 and {MAX_GAIN}")));
        }
        audio.gain.store(gain.to_bits(), Ordering::Relaxed);
        Ok(VVT_OK)
    })
}

/// Fills what a sound is, where it comes from, and what became of it so far.
///
/// Thread: any; waits for nothing.
///
/// # Safety
/// `out` is writable and has its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_audio_info_get(audio: vvt_audio, out: *mut vvt_audio_info) -> vvt_result {
    guard(|| {
        let audio = handle::get::<Audio>(audio)?;
        // SAFETY: this function's contract.
        unsafe { fill(out, "out", &audio.info()) }?;
        Ok(VVT_OK)
    })
}
