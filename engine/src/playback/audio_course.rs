//! Which packets the sound needs, by arithmetic that the reader and its decoder thread share.
//!
//! Three counts of samples at 48 kHz meet here: *media* samples from the start of the clip, which the clock knows;
//! *stream* samples from the first that the codec gives, which packets are made of; they differ by the track's start
//! and the codec's lead-in. Both are f64: eleven days of samples leave it a precision of 10⁻⁵ of one.

use crate::audio::kernel::MAX_REACH;
use crate::clip::{AUDIO_RATE, AudioTrack, PACKET_SAMPLES};
use crate::splat::ClipInfo;

/// Packets in memory at most: 1.28 s.
pub(super) const BLOCKS: usize = 64;
/// Media samples behind an end at which two sides are crossfaded: a fade of 128 frames at 24 samples a frame.
const SEAM: f64 = 3072.0;
/// Packets asked for at a time; the rest are on their way back.
const AHEAD: usize = BLOCKS - 8;
const PACKET: i64 = PACKET_SAMPLES as i64;

/// One decoded packet.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) packet: i64,
    pub(super) frames: [[f32; 2]; PACKET_SAMPLES],
}

/// How a track lies in its clip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline {
    /// The stream sample at media time 0.
    offset: f64,
    /// Stream samples that sound.
    begin: i64,
    end: i64,
    /// Media samples of the clip.
    pub(super) length: f64,
    /// Packets of the track.
    packets: i64,
}

impl Timeline {
    pub(super) fn new(info: &ClipInfo, audio: &AudioTrack) -> Self {
        let pre_skip = i64::from(audio.pre_skip);
        let samples = i64::try_from(audio.samples).unwrap_or(i64::MAX / 2);
        Self {
            offset: pre_skip as f64 - media_samples(audio.start_nanos),
            begin: pre_skip,
            end: pre_skip.saturating_add(samples),
            length: info.rate.seconds_from_ticks(info.duration) * f64::from(AUDIO_RATE),
            packets: i64::try_from(audio.packets()).unwrap_or(i64::MAX),
        }
    }

    /// The stream position of a media position.
    pub(super) fn stream(&self, media: f64) -> f64 {
        media + self.offset
    }

    /// Whether a stream sample is one of the track's.
    pub(super) fn sounds(&self, sample: i64) -> bool {
        (self.begin..self.end).contains(&sample)
    }

    /// Whether a media position is so near to the first sample that nothing before it could be cut off.
    pub(super) fn opens(&self, media: f64) -> bool {
        self.stream(media) <= self.begin as f64 + 1.0
    }

    /// Whether the track has this packet.
    pub(super) fn has(&self, packet: i64) -> bool {
        (0..self.packets).contains(&packet)
    }

    /// What is needed from a media position on, of the media samples `span` that play.
    pub(super) fn course(&self, media: f64, span: (f64, f64), wraps: bool) -> Course {
        let reach = MAX_REACH as f64;
        let packet = |media: f64| whole(self.stream(media)).div_euclid(PACKET);
        let seam = if wraps && span.1 < self.length { SEAM } else { 0.0 };
        Course {
            head: packet(media - reach),
            first: packet(span.0 - reach),
            last: packet(span.1 + reach + seam),
            wraps,
        }
    }
}

/// Media samples of a time.
pub(super) fn media_samples(nanos: i64) -> f64 {
    // Seconds and the rest apart: a nanosecond must not drown in eleven days.
    let (seconds, rest) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    seconds as f64 * f64::from(AUDIO_RATE) + rest as f64 * (f64::from(AUDIO_RATE) * 1e-9)
}

/// A sample number.
pub(super) fn whole(position: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "float to int casts saturate, which is wanted here")]
    let whole = position.floor() as i64;
    whole
}

/// Where playback is and where it goes: a list of packets, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) head: i64,
    first: i64,
    last: i64,
    pub(super) wraps: bool,
}

impl Course {
    /// The packets wanted; those before and after the track are among them.
    pub(super) fn ahead(self) -> impl Iterator<Item = i64> {
        let straight = (self.last - self.head).saturating_add(1).max(0);
        let around = if self.wraps { (self.head.min(self.last + 1) - self.first).max(0) } else { 0 };
        (self.head..).take(count(straight)).chain((self.first..).take(count(around))).take(AHEAD)
    }

    /// Whether a packet is one of [`Self::ahead`].
    pub(super) fn wants(self, packet: i64) -> bool {
        self.ahead().any(|wanted| wanted == packet)
    }
}

/// A count for `take`; more than [`AHEAD`] is never taken.
fn count(packets: i64) -> usize {
    usize::try_from(packets).unwrap_or(usize::MAX).min(AHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TickRate;

    fn timeline(frames: i64, start_nanos: i64) -> Timeline {
        let rate = TickRate::for_fps(25, 1).unwrap();
        let info = ClipInfo {
            rate,
            duration: frames * 1000,
            fps: (25, 1),
            sh_degree: 0,
            appearance: crate::splat::Appearance::default(),
        };
        let audio = AudioTrack {
            channels: 1,
            pre_skip: 312,
            start_nanos,
            samples: 480_000,
            gain: 1.0,
            position: None,
        };
        Timeline::new(&info, &audio)
    }

    #[test]
    fn a_course_runs_to_the_end_and_round() {
        let timeline = timeline(250, 0);
        let once: Vec<i64> = timeline.course(479_000.0, (0.0, timeline.length), false).ahead().collect();
        assert_eq!(once, [498, 499, 500]);
        let round: Vec<i64> = timeline.course(479_000.0, (0.0, timeline.length), true).ahead().collect();
        assert_eq!(round.len(), AHEAD);
        assert_eq!(round[..6], [498, 499, 500, -1, 0, 1]);
        assert!(
            timeline.course(479_000.0, (0.0, timeline.length), true).wants(3)
                && !timeline.course(479_000.0, (0.0, timeline.length), false).wants(3)
        );
        assert!(timeline.has(0) && timeline.has(500) && !timeline.has(-1) && !timeline.has(501));
    }

    #[test]
    fn a_range_has_its_start_ready_and_nothing_before_it() {
        let timeline = timeline(250, 0);
        let span = (96_000.0, 144_000.0);
        let round: Vec<i64> = timeline.course(143_000.0, span, true).ahead().collect();
        // The end, what a crossfade takes from behind it, and the start from just before its first sample.
        assert_eq!(round[..10], [148, 149, 150, 151, 152, 153, 154, 99, 100, 101]);
        assert!(round[7..].iter().all(|packet| (99..148).contains(packet)), "{round:?}");
        let once: Vec<i64> = timeline.course(143_000.0, span, false).ahead().collect();
        assert_eq!(once, [148, 149, 150]);
    }

    #[test]
    fn a_short_loop_wants_each_packet_once() {
        for frames in [1, 2, 20] {
            let timeline = timeline(frames, 0);
            for media in [0.0, timeline.length / 2.0, timeline.length] {
                let mut wanted: Vec<i64> =
                    timeline.course(media, (0.0, timeline.length), true).ahead().collect();
                let listed = wanted.len();
                wanted.sort_unstable();
                wanted.dedup();
                assert_eq!(wanted.len(), listed, "{frames} frames at {media}");
                assert_eq!(wanted.len(), usize::try_from(frames).unwrap() * 2 + 2);
            }
        }
    }

    #[test]
    fn places_out_of_this_world_do_not_panic() {
        for media in [-1e300, 1e300, f64::NAN, f64::INFINITY] {
            for start in [-1_000_000_000_000_000, 1_000_000_000_000_000] {
                assert!(timeline(250, start).course(media, (media, 4.8e5), true).ahead().count() <= AHEAD);
            }
        }
        assert!((media_samples(-1) + 4.8e-5).abs() < 1e-9);
    }
}
