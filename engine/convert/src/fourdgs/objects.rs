//! Objects that move as rigid bodies: the pose of each is applied to its splats, `R(t)·x + T(t)`. No I/O.
//!
//! Poses are told by samples with straight lines and great arcs between them. Where an object does not turn between two
//! samples, its splats move in straight lines and the result is exact. Where it turns they move on arcs: each becomes
//! pieces, one window after the other, on cubic paths that agree with the arc and its speed at both ends (Hermite). A
//! stretch is halved until the arc's middle parts are within the bound. A turn of a splat is its quaternion at both ends
//! with a straight line between.

use std::collections::HashMap;

use ::fourdgs::{ObjectTrack, pose_at};
use glam::{DQuat, DVec3};
use vivant::{Error, Result};

use super::{Contents, refused};
use crate::options::Options;
use crate::report::Report;
use crate::temporal::Temporal;

/// How far a splat may be from its path, metres, unless the user says otherwise.
const BOUND: f64 = 1e-3;
/// How far a rotation may be off, radians.
const TURN_BOUND: f64 = 2e-3;
/// Most halvings of a stretch between two samples.
const MOST_HALVINGS: u32 = 10;
/// Most pieces of all splats.
const MOST_PIECES: usize = 1 << 26;

/// The splats with the poses of their objects, each with the row of the population that it comes from.
pub(super) fn apply(
    file: &str,
    contents: &Contents,
    options: &Options,
    report: &mut Report,
) -> Result<Vec<(usize, Temporal)>> {
    let population = &contents.population;
    let tracks: HashMap<u32, &ObjectTrack> = contents
        .layer
        .tracks
        .iter()
        .filter(|track| track.sample_count() > 0)
        .map(|track| (track.object_id, track))
        .collect();
    let bound = options.bound.map_or(BOUND, f64::from);
    let mut pieces = Vec::with_capacity(population.splats.len());
    let mut worst = 0.0_f64;
    for (row, splat) in population.splats.iter().enumerate() {
        let object = population.objects.get(row).copied().unwrap_or(0);
        match tracks.get(&object).filter(|_| object != 0) {
            None => pieces.push((row, *splat)),
            Some(track) => {
                let carried = Carried { file, track, splat, bound };
                let far = carried.pieces(contents.seconds, &mut |piece| pieces.push((row, piece)))?;
                worst = worst.max(far);
            }
        }
        if pieces.len() > MOST_PIECES {
            let what = format!("{file}: splats of objects that turn");
            return Err(Error::LimitExceeded { what, value: pieces.len() as u64, limit: MOST_PIECES as u64 });
        }
    }
    if pieces.len() > population.splats.len() {
        report.note(format!(
            "splats of moving objects became {} pieces, at most {:.3} mm from their paths",
            pieces.len(),
            worst * 1e3
        ));
    }
    Ok(pieces)
}

/// A splat that its object carries.
struct Carried<'a> {
    file: &'a str,
    track: &'a ObjectTrack,
    splat: &'a Temporal,
    bound: f64,
}

/// Where it is at a moment.
#[derive(Debug, Clone, Copy)]
struct Placed {
    mean: DVec3,
    rotation: DQuat,
}

impl Carried<'_> {
    /// Gives all pieces in which it may show; returns how far the worst is off.
    fn pieces(&self, seconds: f64, each: &mut dyn FnMut(Temporal)) -> Result<f64> {
        let splat = self.splat;
        let reach = splat.reach(splat.least);
        let from = splat.window[0].max(splat.t0 - reach).max(0.0);
        let to = splat.window[1].min(splat.t0 + reach).min(seconds);
        // The edges are those of the splat's own life: it decides there, not a sample.
        let inner = self.track.times.iter().copied().filter(|&time| from < time && time < to);
        let edges: Vec<f64> = [from].into_iter().chain(inner).chain([to]).collect();
        let mut worst = 0.0_f64;
        for (number, pair) in edges.windows(2).enumerate() {
            let (first, last) = (number == 0, number + 2 == edges.len());
            let mut give = |mut piece: Temporal| {
                if first && piece.window[0] <= from {
                    piece.window[0] = splat.window[0];
                }
                if last && piece.window[1] >= to {
                    piece.window[1] = splat.window[1];
                }
                each(piece);
            };
            worst = worst.max(self.stretch(pair[0], pair[1], MOST_HALVINGS, &mut give)?);
        }
        Ok(worst)
    }

    /// Where the splat is at `time`, told by the samples about `inside`: at a step the two sides differ.
    fn at(&self, time: f64, inside: f64) -> Result<Placed> {
        let step = self.track.interpolation == 1;
        let moment = if step { inside } else { time };
        let pose = pose_at(self.track, moment).map_err(|error| refused(self.file, error))?;
        let splat = self.splat;
        let base = DVec3::from_array(splat.mean) + DVec3::from_array(splat.motion[0]) * (time - splat.t0);
        let (turn, shift) = pose.map_or((DQuat::IDENTITY, DVec3::ZERO), |pose| {
            (DQuat::from_array(pose.rotation), DVec3::from_array(pose.translation))
        });
        Ok(Placed { mean: turn * base + shift, rotation: turn * DQuat::from_array(splat.rotation) })
    }

    /// One stretch without a sample within it, halved as often as it takes.
    fn stretch(&self, start: f64, end: f64, halvings: u32, each: &mut dyn FnMut(Temporal)) -> Result<f64> {
        let length = end - start;
        if !(length > 0.0 && length.is_finite()) {
            each(Temporal { window: [start, end], ..*self.splat });
            return Ok(0.0);
        }
        let inside = start + 0.5 * length;
        // Speeds at the ends, from inside the stretch: a sample is a corner.
        let tiny = length * 1e-4;
        let place = |time: f64| self.at(time, inside);
        let (a, b) = (place(start)?, place(end)?);
        let speed_a =
            (place(start + tiny)?.mean * 4.0 - place(start + 2.0 * tiny)?.mean - a.mean * 3.0) / (2.0 * tiny);
        let speed_b =
            (b.mean * 3.0 - place(end - tiny)?.mean * 4.0 + place(end - 2.0 * tiny)?.mean) / (2.0 * tiny);
        let path = Hermite::new(length, [a.mean, b.mean], [speed_a, speed_b]);
        let turned = if a.rotation.dot(b.rotation) < 0.0 { -b.rotation } else { b.rotation };
        let (mut far, mut off) = (0.0_f64, 0.0_f64);
        for part in [0.25, 0.5, 0.75] {
            let real = place(start + part * length)?;
            far = far.max(real.mean.distance(path.at(part * length)));
            let straight = (a.rotation * (1.0 - part) + turned * part).normalize();
            off = off.max(2.0 * straight.dot(real.rotation).abs().min(1.0).acos());
        }
        if halvings > 0 && (far > self.bound || off > TURN_BOUND) {
            let first = self.stretch(start, inside, halvings - 1, each)?;
            return Ok(first.max(self.stretch(inside, end, halvings - 1, each)?));
        }
        let spin = (turned - a.rotation) * (1.0 / length);
        each(self.piece(start, end, &path, a.rotation, spin));
        Ok(far)
    }

    /// The piece, told from the splat's own centre in time where it fades, else from the middle of the stretch.
    fn piece(&self, start: f64, end: f64, path: &Hermite, rotation: DQuat, spin: DQuat) -> Temporal {
        let splat = self.splat;
        let t0 = if splat.sigma.is_finite() { splat.t0 } else { 0.5 * (start + end) };
        let [mean, velocity, quadratic, cubic] = path.about(t0 - start);
        Temporal {
            mean: mean.to_array(),
            motion: [velocity, quadratic, cubic].map(|term| term.to_array()),
            rotation: (rotation + spin * (t0 - start)).to_array(),
            spin: spin.to_array(),
            t0,
            window: [start, end],
            ..*splat
        }
    }
}

/// A cubic from 0 to a length, by its ends and its speeds there.
struct Hermite([DVec3; 4]);

impl Hermite {
    fn new(length: f64, [a, b]: [DVec3; 2], [speed_a, speed_b]: [DVec3; 2]) -> Self {
        let mean = (b - a) / length;
        let quadratic = (mean * 3.0 - speed_a * 2.0 - speed_b) / length;
        let cubic = (speed_a + speed_b - mean * 2.0) / (length * length);
        Self([a, speed_a, quadratic, cubic])
    }

    fn at(&self, time: f64) -> DVec3 {
        let [a, b, c, d] = self.0;
        a + (b + (c + d * time) * time) * time
    }

    /// The same told from `time` on.
    fn about(&self, time: f64) -> [DVec3; 4] {
        let [_, b, c, d] = self.0;
        [self.at(time), b + (c * 2.0 + d * 3.0 * time) * time, c + d * 3.0 * time, d]
    }
}
