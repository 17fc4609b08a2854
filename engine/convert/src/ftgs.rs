//! `.ftgs.ply`: `FreeTimeGS` (Wang et al., CVPR 2025) as its open re-implementation exports it, version 1.
//!
//! The INRIA layout with a centre, a length and a velocity in time that runs from 0 to 1; comments of the header say how
//! it is to be understood:
//!
//! ```text
//! dt = t − time                  duration = max(exp(log_duration), min_duration)
//! position = xyz + velocity·dt   alpha = max(sigmoid(opacity)·exp(−½ (dt/duration)²), opacity_floor)
//! ```
//! Frame i of n is at i/(n−1). A floor that is below what a rasteriser draws (1/255) means nothing; above, a splat never
//! vanishes: then it becomes three, one with the envelope and one of constant opacity before and after it.

use std::path::Path;

use vivant::splat::{Appearance, SH_C0};
use vivant::{Error, Result};

use crate::Axes;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::Raw;
use crate::report::Report;
use crate::temporal::{self, Clock, Temporal, sigmoid};
use crate::whole::Whole;

/// The columns beyond the INRIA layout's.
const COLUMNS: [&str; 5] = ["time", "log_duration", "velocity_0", "velocity_1", "velocity_2"];
/// Opacity that a rasteriser draws at all.
const DRAWN: f64 = 1.0 / 255.0;
/// Frames of a file that does not say how many it has: what its own player takes.
const FRAMES: u32 = 300;
/// Most frames: ten hours at 30 a second.
const MAX_FRAMES: u32 = 1 << 20;

/// What is read of these files.
pub(crate) const FORMAT: Format = Format {
    name: "ftgs",
    system: "FreeTimeGS (.ftgs.ply, version 1)",
    fidelity: Fidelity::Exact,
    limits: "the frame rate is not in the file: 30 unless said",
    detect: |probe| probe.has_vertex("log_duration"),
    open: Open::Whole(open),
};

/// What the comments say.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Meaning {
    moves: bool,
    least_duration: f64,
    floor: f64,
    frames: Option<u32>,
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let raw = Raw::read(path, &COLUMNS)?;
    let meaning = Meaning::of(&raw)?;
    let mut report = Report { notes: raw.notes.clone(), ..Report::default() };
    let clock = clock(options, meaning.frames, &mut report)?;
    let lasting = meaning.floor >= DRAWN;
    let (pieces, degree) = (if lasting { 3 } else { 1 }, raw.splats.sh_degree);
    if lasting {
        report.note(format!("no splat is ever fainter than {}: each became three", meaning.floor));
    }
    let splats = temporal::build(raw.len() * pieces, degree, &clock, |index, sh_rest| {
        let row = index / pieces;
        sh_rest.copy_from_slice(raw.splats.sh_rest_of(row));
        let whole = meaning.temporal(&raw, row);
        if lasting { meaning.piece(&whole, index % pieces) } else { whole }
    });
    let info = clock.info(degree, Appearance::default());
    let mut whole =
        temporal::finish(path, raw.offset, splats, info, options.axes.unwrap_or(Axes::RDF), report)?;
    whole.report.read = raw.len() as u64;
    Ok(whole)
}

/// The last frame is at 1, and shows for as long as the others.
fn clock(options: &Options, frames: Option<u32>, report: &mut Report) -> Result<Clock> {
    let count = f64::from(frames.unwrap_or(FRAMES));
    let seconds = options.seconds.unwrap_or(count / temporal::per_second(options));
    if options.seconds.is_none() {
        let said = if frames.is_some() {
            ""
        } else {
            " (the file does not say how many; its own player takes so many)"
        };
        report.note(format!("{count} frames{said} at {} a second: {seconds:.3} s", options.fps));
    }
    Clock::new(options, seconds, seconds * (count - 1.0).max(1.0) / count)
}

impl Meaning {
    fn of(raw: &Raw) -> Result<Self> {
        let wrong = |key: &str, why: String| {
            Error::malformed(&raw.file, &format!("comment {key}"), 0, format!("{why}; export the file again"))
        };
        let find = |key: &str| {
            let value =
                |comment: &String| Some(comment.strip_prefix(key)?.strip_prefix(' ')?.trim().to_owned());
            raw.comments.iter().find_map(value)
        };
        let said = |key: &str| find(key).ok_or_else(|| wrong(key, "missing".to_owned()));
        let version = said("ftgs_version")?;
        if version != "1" {
            let shown: String = version.chars().take(16).collect();
            return Err(Error::unsupported(format!("{}: ftgs_version {shown}: 1 is read", raw.file)));
        }
        let number = |key: &str, sound: fn(f64) -> bool| {
            let text = said(key)?;
            let shown: String = text.chars().take(32).collect();
            text.parse()
                .ok()
                .filter(|&value| sound(value))
                .ok_or_else(|| wrong(key, format!("'{shown}' cannot be")))
        };
        if said("time_units")? != "normalized" {
            return Err(wrong("time_units", "only normalized is known".to_owned()));
        }
        let degree = number("sh_degree", |degree| (0.0..=3.0).contains(&degree))?;
        if (degree - f64::from(raw.splats.sh_degree)).abs() > 0.0 {
            let why = format!("{degree}, but the properties f_rest_* are of degree {}", raw.splats.sh_degree);
            return Err(wrong("sh_degree", why));
        }
        let frames = |text: String| {
            let count = text.parse().ok().filter(|count| (1..=MAX_FRAMES).contains(count));
            count.ok_or_else(|| wrong("n_frames", format!("no number from 1 to {MAX_FRAMES}")))
        };
        Ok(Self {
            moves: number("use_velocity", |value| value.abs() < 0.5 || (value - 1.0).abs() < 0.5)? > 0.5,
            least_duration: number("min_duration", |value| value > 0.0 && value.is_finite())?,
            floor: number("opacity_floor", |value| (0.0..1.0).contains(&value))?,
            frames: find("n_frames").map(frames).transpose()?,
        })
    }

    /// Row `index`, but for the floor.
    fn temporal(&self, raw: &Raw, index: usize) -> Temporal {
        let (splats, extra) = (&raw.splats, raw.extra_of(index));
        let at = |column: usize| f64::from(extra[column]);
        let velocity = if self.moves { [at(2), at(3), at(4)] } else { [0.0; 3] };
        Temporal {
            mean: splats.mean[index].map(f64::from),
            motion: [velocity, [0.0; 3], [0.0; 3]],
            rotation: splats.rotation[index].map(f64::from),
            scale: splats.scale[index].map(|log| f64::from(log).exp()),
            opacity: sigmoid(f64::from(splats.opacity[index])),
            colour: splats.colour[index].map(|dc| 0.5 + f64::from(SH_C0) * f64::from(dc)),
            t0: at(0),
            // A length that is no number must not become the least.
            sigma: if at(1).is_nan() { f64::NAN } else { at(1).exp().max(self.least_duration) },
            ..Temporal::DEFAULT
        }
    }

    /// One of the three pieces of a splat that never vanishes: before, amid, after.
    fn piece(&self, whole: &Temporal, number: usize) -> Temporal {
        // A splat whose peak is below the floor has no amid.
        let reach = if whole.opacity > self.floor { whole.reach(self.floor / whole.opacity) } else { 0.0 };
        let edges = [f64::NEG_INFINITY, whole.t0 - reach, whole.t0 + reach, f64::INFINITY];
        let window = [edges[number], edges[number + 1]];
        if number == 1 {
            return Temporal { window, ..*whole };
        }
        Temporal { window, opacity: self.floor, sigma: f64::INFINITY, ..*whole }
    }
}
