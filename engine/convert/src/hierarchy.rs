//! Temporal Gaussian Hierarchy (Xu et al., SIGGRAPH Asia 2024), the `.npz` that its open re-implementations dump: exact.
//!
//! Splats are Gaussians in four dimensions, turned by two quaternions (not Yang's signs), in time that runs from 0 to 1. Each
//! stands in a segment of a level of a hierarchy of time, and is drawn only while that segment is; those of level −1
//! always. Without a hierarchy a splat is drawn while its envelope is at least 0.05, by which it would be placed.

use std::path::Path;

use vivant::splat::{Appearance, SH_C0};
use vivant::{Error, Result};

use crate::Axes;
use crate::checkpoint::{degree_of, least_share, row};
use crate::formats::{Fidelity, Format, Open};
use crate::gaussian4::{self, Slice};
use crate::npz::Npz;
use crate::options::Options;
use crate::ply::MAX_SPLATS;
use crate::report::Report;
use crate::temporal::{self, Clock, Temporal, sigmoid};
use crate::whole::Whole;

/// The share of its peak by which a splat is placed into the hierarchy.
const PLACED: f64 = 0.05;
/// Least variance in time.
const LEAST: f64 = 1e-12;
/// Frames of a file that does not say how many it has: ten seconds.
const FRAMES: u32 = 300;
/// What tells these archives.
const TOLD_BY: &str = "gaussians._rotation_l";

/// What is read of these archives.
pub(crate) const FORMAT: Format = Format {
    name: "tgh",
    system: "Temporal Gaussian Hierarchy (.npz dump)",
    fidelity: Fidelity::Exact,
    limits: "the length only where the dump has volulab.meta; else --seconds",
    detect: |probe| probe.names.iter().any(|name| name.trim_end_matches(".npy").ends_with(TOLD_BY)),
    open: Open::Whole(open),
};

/// An archive, the names in it, and how many splats it has.
struct Dump {
    npz: Npz,
    file: String,
    prefix: String,
    rows: usize,
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let dump = Dump::open(path)?;
    let (means, centres) = (dump.read("gaussians._xyz", 3)?, dump.read("gaussians._t", 1)?);
    let (scales, lengths) = (dump.read("gaussians._scaling", 3)?, dump.read("gaussians._scaling_t", 1)?);
    let (left, right) = (dump.read("gaussians._rotation_l", 4)?, dump.read("gaussians._rotation_r", 4)?);
    let (base, opacities) = (dump.read("gaussians._features_dc", 3)?, dump.read("gaussians._opacity", 1)?);
    let rest = dump.read_any("gaussians._features_rest")?;
    let stored = rest.len() / dump.rows;
    let degree = degree_of(stored / 3);
    let windows = dump.windows()?;
    let mut report = Report::default();
    let clock = dump.clock(options, &mut report)?;
    let splats = temporal::build(dump.rows, degree, &clock, |index, sh_rest| {
        let count = sh_rest.len();
        sh_rest.copy_from_slice(&rest[index * stored..index * stored + count]);
        let [sx, sy, sz] = row(&scales, index).map(f64::exp);
        let rotation = gaussian4::rotation_of_hierarchy(row(&left, index), row(&right, index));
        let slice = Slice::new(&rotation, [sx, sy, sz, f64::from(lengths[index]).exp()], LEAST);
        let opacity = sigmoid(f64::from(opacities[index]));
        let window = windows.as_ref().map(|windows| windows[index]);
        Temporal {
            mean: row(&means, index),
            opacity,
            colour: row(&base, index).map(|dc| 0.5 + f64::from(SH_C0) * dc),
            t0: f64::from(centres[index]),
            least: least_share(if window.is_some() { 0.0 } else { PLACED }, opacity),
            window: window.unwrap_or(Temporal::DEFAULT.window),
            ..Temporal::of_slice(&slice)
        }
    });
    let info = clock.info(degree, Appearance::default());
    temporal::finish(path, 0, splats, info, options.axes.unwrap_or(Axes::RDF), report)
}

impl Dump {
    fn open(path: &Path) -> Result<Self> {
        let npz = Npz::open(path)?;
        let file = path.display().to_string();
        let prefix =
            npz.ending(TOLD_BY).and_then(|name| name.strip_suffix(TOLD_BY)).unwrap_or_default().to_owned();
        let rows = npz.array(&format!("{prefix}gaussians._xyz"))?.expect_shape(&[None, Some(3)])?[0];
        if rows as u64 > MAX_SPLATS {
            let what = format!("{file}: splats in one file");
            return Err(Error::LimitExceeded { what, value: rows as u64, limit: MAX_SPLATS });
        }
        if rows == 0 {
            return Err(Error::malformed(&file, "gaussians._xyz", 0, "0 rows; save it with splats"));
        }
        Ok(Self { npz, file, prefix, rows })
    }

    /// All values of an array that has a row for every splat.
    fn read_any(&self, name: &str) -> Result<Vec<f32>> {
        let array = self.npz.array(&format!("{}{name}", self.prefix))?;
        if array.shape().first() != Some(&self.rows) {
            let why = format!(
                "its shape is {:?}, but there are {} splats; save it again",
                array.shape(),
                self.rows
            );
            return Err(Error::malformed(&self.file, name, 0, why));
        }
        array.read()
    }

    /// [`Self::read_any`] with `columns` numbers a row.
    fn read(&self, name: &str, columns: usize) -> Result<Vec<f32>> {
        let values = self.read_any(name)?;
        if values.len() != self.rows * columns {
            let why = format!(
                "{} numbers for {} splats; {columns} each belong; save it again",
                values.len(),
                self.rows
            );
            return Err(Error::malformed(&self.file, name, 0, why));
        }
        Ok(values)
    }

    /// The stretch of time in which each splat is drawn, where there is a hierarchy. Segments are cut in f64.
    fn windows(&self) -> Result<Option<Vec<[f64; 2]>>> {
        let Some(lengths) = self.npz.ending("hierarchy.seg_len") else { return Ok(None) };
        let lengths: Vec<f64> = self.npz.array(lengths)?.read()?;
        let numbers = |end: &str| -> Result<Vec<i64>> {
            let name = self.npz.ending(end).unwrap_or(end);
            let values: Vec<i64> = self.npz.array(name)?.read()?;
            if values.len() != self.rows {
                let why = format!("{} numbers for {} splats; save it again", values.len(), self.rows);
                return Err(Error::malformed(&self.file, end, 0, why));
            }
            Ok(values)
        };
        let (levels, segments) = (numbers("hierarchy.level")?, numbers("hierarchy.segment")?);
        let window = |(&level, &segment): (&i64, &i64)| {
            if level < 0 {
                return Ok(Temporal::DEFAULT.window);
            }
            let length = usize::try_from(level).ok().and_then(|level| lengths.get(level));
            let Some(length) = length.filter(|length| length.is_finite() && **length > 0.0) else {
                let why = format!("level {level} has no length among {}; save it again", lengths.len());
                return Err(Error::malformed(&self.file, "hierarchy.level", 0, why));
            };
            Ok([segment as f64 * length, (segment as f64 + 1.0) * length])
        };
        levels.iter().zip(&segments).map(window).collect::<Result<Vec<_>>>().map(Some)
    }

    /// By what the user says, or `volulab.meta` (frames, frames a second), or else ten seconds.
    fn clock(&self, options: &Options, report: &mut Report) -> Result<Clock> {
        if let (None, Some(name)) = (options.seconds, self.npz.ending("volulab.meta"))
            && let [frames, fps, ..] = self.npz.array(name)?.read::<f64>()?[..]
            && frames > 0.0
            && fps > 0.0
        {
            return Clock::new(options, frames / fps, frames / fps);
        }
        Clock::normalised(options, FRAMES, "the dump does not say how many", report)
    }
}
