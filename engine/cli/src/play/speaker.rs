//! The loudspeaker: plays a clip's sound through the PulseAudio protocol, which PipeWire speaks too. In Rust to the
//! socket, so nothing of C is linked; where no server answers, the picture plays on in silence and says so.
//!
//! The server asks for bytes when it wants them; when they will be heard is known from its own account, asked for ten
//! times a second: its sink's delay, and how far it has read. From that comes the host time of the stream's first
//! frame, and with it that of every later one. The sound leads: it runs at the sound card's pace and the picture follows
//! it, which evens out what jitters.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::executor::block_on;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{ChannelMap, ChannelVolume, PlaybackStreamParams, SampleFormat, SampleSpec};
use pulseaudio::{AsPlaybackSource, Client, PlaybackStream};
use vivant::playback::{AudioOptions, AudioReader, Player};

const RATE: u32 = 48_000;
/// Stereo f32.
const FRAME_BYTES: usize = 8;
/// Between the reader and the ear: short enough that a seek is heard at once, long enough for a busy machine.
const LATENCY_FRAMES: u32 = RATE / 20;
const COOKIE_BYTES: usize = 256;
/// How long a server may take to greet.
const PATIENCE: Duration = Duration::from_secs(2);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Sound that plays until this is dropped.
pub(super) struct Speaker {
    /// Held because the stream ends with it.
    _client: Client,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Plays the first track of the player's clip, if it has one. `begun` is where its host time starts.
    pub(super) fn open(player: &mut Player, begun: Instant) -> anyhow::Result<Option<Self>> {
        if player.clip().tracks().is_empty() {
            return Ok(None);
        }
        let client = connect().context("a PulseAudio or PipeWire server is needed")?;
        let mut reader = player.audio_as_master(0, AudioOptions { sample_rate: RATE, channels: 2 })?;
        let first = Arc::new(AtomicI64::new(nanos(begun.elapsed()) + nanos_of(i64::from(LATENCY_FRAMES))));
        let (heard, mut frames, mut samples) = (first.clone(), 0, Vec::new());
        let source = move |bytes: &mut [u8]| {
            let host = heard.load(Ordering::Relaxed) + nanos_of(frames);
            frames += fill(&mut reader, host, &mut samples, bytes);
            bytes.len()
        };
        let stream = block_on(client.create_playback_stream(params(), source.as_playback_source()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("vivant-speaker".to_owned());
        let thread = thread.spawn(move || keep_time(&stream, begun, &first, &stopped))?;
        Ok(Some(Self { _client: client, stop, thread: Some(thread) }))
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A thread that panicked has nothing left to say that matters now.
            thread.join().ok();
        }
    }
}

/// Connects to the user's server. One that lets everybody in still wants a cookie of the right length, so that without
/// a cookie file zeros are sent.
fn connect() -> anyhow::Result<Client> {
    let path = pulseaudio::socket_path_from_env().context("none is named in the environment")?;
    let socket = UnixStream::connect(path)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok());
    let cookie =
        cookie.filter(|cookie| cookie.len() == COOKIE_BYTES).unwrap_or_else(|| vec![0; COOKIE_BYTES]);
    Ok(Client::new_unix(c"vivant", socket, Some(cookie))?)
}

fn params() -> PlaybackStreamParams {
    let latency_bytes = LATENCY_FRAMES * 8;
    PlaybackStreamParams {
        sample_spec: SampleSpec { format: SampleFormat::Float32Le, channels: 2, sample_rate: RATE },
        channel_map: ChannelMap::stereo(),
        cvolume: Some(ChannelVolume::norm(2)),
        buffer_attr: BufferAttr { target_length: latency_bytes, ..BufferAttr::default() },
        flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
        ..PlaybackStreamParams::default()
    }
}

/// Writes sound from a host time on; the frames written.
fn fill(reader: &mut AudioReader, host: i64, samples: &mut Vec<f32>, bytes: &mut [u8]) -> i64 {
    let frames = bytes.len() / FRAME_BYTES;
    // Grows to the largest request once, and then no more.
    samples.resize(frames * 2, 0.0);
    reader.read(host, samples);
    bytes.fill(0);
    for (to, from) in bytes.chunks_exact_mut(4).zip(samples.iter()) {
        to.copy_from_slice(&from.to_le_bytes());
    }
    i64::try_from(frames).unwrap_or(0)
}

/// Asks the server where it is, and notes when its first frame was heard, until told to stop.
fn keep_time(stream: &PlaybackStream, begun: Instant, first: &AtomicI64, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let asked = begun.elapsed();
        let Ok(info) = block_on(stream.timing_info()) else { return };
        // The answer is as of some moment between the question and its coming.
        let now = (asked + begun.elapsed()) / 2;
        if info.playing {
            let delay = i64::try_from(info.sink_usec).unwrap_or(0).saturating_mul(1000);
            first.store(first_heard(nanos(now), delay, info.read_offset), Ordering::Relaxed);
        }
        std::thread::park_timeout(ASK_EVERY);
    }
}

/// When the first frame was heard, if the server reads byte `read` now and it is heard `delay` nanoseconds later.
fn first_heard(now: i64, delay: i64, read: i64) -> i64 {
    now + delay - nanos_of(read / FRAME_BYTES as i64)
}

fn nanos_of(frames: i64) -> i64 {
    let nanos = i128::from(frames) * 1_000_000_000 / i128::from(RATE);
    i64::try_from(nanos).unwrap_or(i64::MAX / 2)
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_plays_keeps_its_first_moment() {
        let second = 1_000_000_000;
        for now in 5..9 {
            let read = (now - 5) * 48_000 * 8;
            assert_eq!(first_heard(now * second, 20_000_000, read), 5 * second + 20_000_000);
        }
        assert_eq!(nanos_of(48_000 * 100_000), 100_000 * second);
    }
}
