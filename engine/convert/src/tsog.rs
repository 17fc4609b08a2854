//! TSOG (Gmira et al., ICIP 2026), the playback profile 1 of its open player: SOG with time, sound and a clock of its own.
//!
//! The pictures of version 4 are those of SOG; two more say when a splat is there, and one or two how it moves:
//!
//! ```text
//! continuous   centre, sigma between their ends      opacity · exp(−½ ((t − centre)/sigma)²)
//!              velocity between its ends             mean + velocity·(t − centre)
//! discrete     frame = min(N − 1, code / ⌊65536/N⌋)  there in that frame alone
//! ```
//! t runs from 0 to 1 over the clip's length, which the file says.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use vivant::audio::Placement;
use vivant::splat::{Life, Motion, Splats};
use vivant::time::TickRate;
use vivant::{Error, Result};

use crate::bundle::Bundle;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::report::Report;
use crate::sog::meta::{Fault, Layout, Meta};
use crate::sog::{self, MANIFEST, planes};
use crate::sound::Sound;
use crate::temporal::{self, Clock, narrow, per_second};
use crate::webp::Picture;
use crate::whole::Whole;
use crate::{Axes, Fps};

/// The base encoding that is read.
const VERSION: u64 = 4;
/// The profile that is read, and its version.
const PROFILE: (&str, u64) = ("org.opsiclear.tsog-playback", 1);
/// Frames of a continuous scene that does not say how long it lasts.
const FRAMES: f64 = 300.0;
/// Most frames of a discrete one.
const MAX_FRAMES: u64 = 1 << 16;
/// Most bytes of sound.
const MAX_SOUND: u64 = 128 << 20;

/// What is read of these files.
pub(crate) const FORMAT: Format = Format {
    name: "tsog",
    system: "TSOG, version 4, playback profile 1 (.tsog)",
    fidelity: Fidelity::Exact,
    limits: "sound as WAV only; its own rate and loop are left to the player",
    detect: |probe| sog::version(probe) == Some(VERSION),
    open: Open::Whole(open),
};

/// What the manifest says beyond SOG's.
#[derive(Debug, Deserialize)]
struct Timing {
    profile: Option<Profile>,
    timeline: Option<Timeline>,
    temporal: Option<BTreeMap<String, serde_json::Value>>,
    fps: Option<f64>,
    #[serde(default)]
    playback: Playback,
    audio: Option<Audio>,
}

#[derive(Debug, Deserialize)]
struct Profile {
    id: String,
    version: u64,
}

#[derive(Debug, Deserialize)]
struct Timeline {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(rename = "N")]
    frames: Option<u64>,
    mins: Option<[f64; 2]>,
    maxs: Option<[f64; 2]>,
    files: [String; 2],
}

#[derive(Debug, Deserialize)]
struct Velocity {
    mins: [[f64; 3]; 1],
    maxs: [[f64; 3]; 1],
    files: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Playback {
    duration: Option<f64>,
    fps: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Audio {
    file: String,
    #[serde(rename = "mimeType")]
    kind: Option<String>,
    volume: Option<f64>,
}

/// When splats are there.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Course {
    Still,
    /// So many frames.
    Discrete(u64),
    /// The ends of centre and deviation.
    Continuous([[f64; 2]; 2]),
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let mut bundle = Bundle::open(path, MANIFEST)?;
    let meta: Meta = bundle.read_manifest()?;
    let timing: Timing = bundle.read_manifest()?;
    let manifest = bundle.manifest();
    let wrong = |(field, why): Fault| Error::malformed(&manifest, field, 0, why);
    timing.check_profile(&manifest)?;
    let layout = meta.layout().map_err(wrong)?;
    let course = timing.course().map_err(wrong)?;
    let velocity = timing.velocity(&manifest)?;
    let mut report = Report::default();
    report.notes.extend(layout.note.clone());
    let (options, seconds) = timing.clock(course, options).map_err(wrong)?;
    // A still scene with a length has one for its sound.
    let clock = Clock::new(&options, seconds.unwrap_or(1.0), 1.0)?;
    let mut splats = planes::splats(&mut bundle, &layout)?;
    let mut info = clock.info(splats.sh_degree, layout.appearance);
    if let Some(seconds) = seconds {
        animate(&mut bundle, &layout, &timing, course, velocity, (seconds, info.rate), &mut splats)?;
    } else {
        (info.duration, info.fps) = (0, (0, 1));
    }
    let sound = timing.audio.map(|audio| audio.sound(&mut bundle, &mut report)).transpose()?.flatten();
    let mut whole = temporal::finish(path, 0, splats, info, options.axes.unwrap_or(Axes::RUB), report)?;
    whole.sound = sound;
    Ok(whole)
}

impl Timing {
    fn check_profile(&self, manifest: &str) -> Result<()> {
        match &self.profile {
            Some(profile) if (profile.id.as_str(), profile.version) != PROFILE => {
                let id: String = profile.id.chars().filter(|c| !c.is_control()).take(48).collect();
                Err(Error::unsupported(format!(
                    "{manifest}: profile {id} version {}: {} version {} is read",
                    profile.version, PROFILE.0, PROFILE.1
                )))
            }
            _ => Ok(()),
        }
    }

    fn course(&self) -> std::result::Result<Course, Fault> {
        let Some(timeline) = &self.timeline else { return Ok(Course::Still) };
        match (timeline.kind, timeline.frames, timeline.mins, timeline.maxs) {
            (0, Some(frames), ..) if (1..=MAX_FRAMES).contains(&frames) => Ok(Course::Discrete(frames)),
            (0, ..) => Err(("timeline.N", format!("is not 1 to {MAX_FRAMES}; export the file again"))),
            (1, _, Some(low), Some(high)) => {
                if low[1] <= 0.0 || high[1] < low[1] || high[0] < low[0] {
                    return Err(("timeline.mins", "are above the maxs, or a deviation of 0".to_owned()));
                }
                Ok(Course::Continuous([[low[0], high[0]], [low[1], high[1]]]))
            }
            (1, ..) => Err(("timeline.mins", "are missing; export the file again".to_owned())),
            (kind, ..) => Err(("timeline.type", format!("{kind} is not known: 0 and 1 are"))),
        }
    }

    /// What moves. Whatever else does would change the picture, so it is refused.
    fn velocity(&self, manifest: &str) -> Result<Option<Velocity>> {
        let Some(temporal) = &self.temporal else { return Ok(None) };
        if let Some(other) = temporal.keys().find(|key| *key != "means") {
            let shown: String = other.chars().filter(|c| !c.is_control()).take(32).collect();
            let why = "only means are read: export it with straight motion";
            return Err(Error::unsupported(format!("{manifest}: temporal.{shown}: {why}")));
        }
        let Some(means) = temporal.get("means") else { return Ok(None) };
        let velocity: Velocity = serde_json::from_value(means.clone()).map_err(|why| {
            Error::malformed(manifest, "temporal.means", 0, format!("{why}; export it again"))
        })?;
        if !(1..=2).contains(&velocity.files.len()) {
            let why = "names not one or two pictures; export the file again";
            return Err(Error::malformed(manifest, "temporal.means.files", 0, why));
        }
        Ok(Some(velocity))
    }

    /// The options with the file's own frame rate, and how long it lasts; `None` for what has no time.
    fn clock(&self, course: Course, options: &Options) -> std::result::Result<(Options, Option<f64>), Fault> {
        let mut options = options.clone();
        if let Some(rate) = self.playback.fps.or(self.fps) {
            // To a thousandth, as rates are written.
            let parsed = format!("{rate:.3}").parse::<Fps>();
            options.fps = parsed.map_err(|error| ("playback.fps", error.to_string()))?;
        }
        let own = self.playback.duration;
        if own.is_some_and(|seconds| seconds.is_nan() || seconds <= 0.0) {
            return Err(("playback.duration", "is not above 0; export the file again".to_owned()));
        }
        let rate = per_second(&options);
        let seconds = options.seconds.or(own).or(match course {
            Course::Still => None,
            Course::Discrete(frames) => Some(frames as f64 / rate),
            Course::Continuous(_) => Some((FRAMES - 1.0) / rate),
        });
        Ok((options, seconds))
    }
}

/// Gives splats their lives and motions.
fn animate(
    bundle: &mut Bundle,
    layout: &Layout,
    timing: &Timing,
    course: Course,
    velocity: Option<Velocity>,
    (seconds, rate): (f64, TickRate),
    splats: &mut Splats,
) -> Result<()> {
    let Some(timeline) = &timing.timeline else { return Ok(()) };
    let mut names: Vec<&str> = timeline.files.iter().map(String::as_str).collect();
    names.extend(velocity.iter().flat_map(|velocity| velocity.files.iter().map(String::as_str)));
    let pictures = planes::pictures(bundle, &names, layout.count)?;
    let [low, high, moving @ ..] = pictures.as_slice() else { return Ok(()) };
    let code =
        |at: usize, channel: usize| u16::from_le_bytes([low.rgba[at][channel], high.rgba[at][channel]]);
    let count = splats.len();
    match course {
        Course::Still => {}
        Course::Discrete(frames) => {
            let step = (MAX_FRAMES / frames).max(1);
            let edge = |frame: u64| rate.ticks_from_seconds(frame as f64 / frames as f64 * seconds);
            splats.life = (0..count)
                .map(|at| {
                    let frame = (u64::from(code(at, 0)) / step).min(frames - 1);
                    let (start, end) = (edge(frame), edge(frame + 1));
                    Life { t0: rate.seconds_from_ticks(start), sigma_t: f32::INFINITY, start, end }
                })
                .collect();
        }
        Course::Continuous(ends) => {
            let value = |at: usize, channel: usize| {
                let [low, high] = ends[channel];
                (low + (high - low) * (f64::from(code(at, channel)) / 65535.0)) * seconds
            };
            let life = |at| Life { t0: value(at, 0), sigma_t: narrow(value(at, 1)), ..Life::ALWAYS };
            splats.life = (0..count).map(life).collect();
            if let Some(velocity) = velocity {
                splats.motion = (0..count).map(|at| velocity.motion(moving, at, seconds)).collect();
            }
        }
    }
    Ok(())
}

impl Velocity {
    /// The motion of one splat, by pictures of low bytes and, if there are two, high bytes.
    fn motion(&self, pictures: &[Picture], at: usize, seconds: f64) -> Motion {
        let bytes = |axis: usize| pictures.iter().map(move |picture| f64::from(picture.rgba[at][axis]));
        let most = if pictures.len() > 1 { 65535.0 } else { 255.0 };
        let velocity = [0, 1, 2].map(|axis: usize| {
            let code: f64 = bytes(axis).zip([1.0, 256.0]).map(|(byte, worth)| byte * worth).sum();
            let [low, high] = [self.mins[0][axis], self.maxs[0][axis]];
            narrow((low + (high - low) * (code / most)) / seconds)
        });
        Motion { velocity, ..Motion::default() }
    }
}

impl Audio {
    /// The sound, if it can be read; what cannot is said.
    fn sound(&self, bundle: &mut Bundle, report: &mut Report) -> Result<Option<Sound>> {
        let bytes = bundle.read(&self.file, MAX_SOUND)?;
        let kind = self.kind.as_deref().unwrap_or_default();
        let wav = kind.eq_ignore_ascii_case("audio/wav") || bytes.starts_with(b"RIFF");
        let placement =
            Placement { gain: narrow(self.volume.unwrap_or(1.0).clamp(0.0, 1.0)), ..Placement::default() };
        let read = if wav {
            Sound::from_wav(&bundle.called(&self.file), bytes, placement).map_err(|error| error.to_string())
        } else {
            Err("only WAV is read; give it as WAV with --audio".to_owned())
        };
        match read {
            Ok(sound) => Ok(Some(sound)),
            Err(why) => {
                report.note(format!("its sound is left out: {why}"));
                Ok(None)
            }
        }
    }
}
