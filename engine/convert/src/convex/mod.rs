//! 3D Convex Splatting: `point_cloud_state_dict.pt`, baked to splats.
//!
//! A convex is six points and two numbers that say how round its corners and how soft its edges are ([`kernel`]). It is
//! drawn by the hull of its projected points, which no splat can be: so each becomes a few Gaussians ([`bake`]), and the
//! error that remains is measured and told. The look depends on the trainer's focal length, which the file does not hold:
//! `cameras.json`, which the trainer leaves two folders above, does.

mod bake;
mod hull;
mod kernel;

use std::path::Path;

use glam::{DMat3, DVec3};
use rayon::prelude::*;
use vivant::splat::{SH_C0, Splat, Splats, sh_rest_len};
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::options::Options;
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::torch::{self, Checkpoint, Tensor, Value};
use crate::{Axes, gaussian4, still};
use kernel::{Convex, Optics};

/// What is read of convexes.
pub(crate) const FORMAT: Format = Format {
    name: "convex",
    system: "3D Convex Splatting: point_cloud_state_dict.pt",
    fidelity: Fidelity::Baked,
    limits: "eight splats a convex; the error of opacity is printed; cameras.json beside it tells the focal length",
    detect: |probe| {
        let all = probe.checkpoint.as_ref().map(Value::tensors).unwrap_or_default();
        all.iter().any(|(name, _)| name.ends_with("convex_points"))
    },
    open: Open::Still(Still { probe, read, settle: settled }),
};

/// Points of a convex.
const CORNERS: usize = 6;
/// What a trainer's camera is taken for where no `cameras.json` is at hand: 1000 px at four units.
const OPTICS: Optics = Optics { focal_px: 1000.0, distance: 4.0 };
/// Longest `cameras.json` that is read.
const MAX_CAMERAS: u64 = 64 << 20;

/// The tensors of a file, their shapes held against one another.
struct File {
    checkpoint: Checkpoint,
    count: usize,
    degree: u8,
}

impl File {
    fn open(path: &Path) -> Result<Self> {
        let checkpoint = torch::open(path)?;
        let points = checkpoint.tensor("convex_points")?;
        let &[count, CORNERS, 3] = points.shape() else {
            return Err(wrong(&checkpoint, "convex_points", points, "[N, 6, 3]"));
        };
        for (name, width) in [("delta", 1), ("sigma", 1), ("opacity", 1), ("features_dc", 3)] {
            let tensor = checkpoint.tensor(name)?;
            if tensor.count() != count.saturating_mul(width) {
                return Err(wrong(
                    &checkpoint,
                    name,
                    tensor,
                    &format!("{width} numbers for each of {count}"),
                ));
            }
        }
        let rest = checkpoint.tensor("features_rest")?;
        let degree = (0..=3).find(|&degree| rest.count() == count.saturating_mul(sh_rest_len(degree) * 3));
        let degree = degree.ok_or_else(|| wrong(&checkpoint, "features_rest", rest, "degree 0 to 3"))?;
        let splats = (count as u64).saturating_mul(bake::PIECES as u64);
        still::check_count(checkpoint.file(), splats)?;
        Ok(Self { checkpoint, count, degree })
    }

    fn read(&self, name: &str) -> Result<Vec<f32>> {
        self.checkpoint.read(self.checkpoint.tensor(name)?)
    }

    fn convexes(&self) -> Result<Vec<Convex>> {
        let (points, delta, sigma) = (self.read("convex_points")?, self.read("delta")?, self.read("sigma")?);
        let opacity = self.read("opacity")?;
        let convex = |index: usize| Convex {
            points: points[index * CORNERS * 3..(index + 1) * CORNERS * 3]
                .as_chunks::<3>()
                .0
                .iter()
                .map(|&point| DVec3::from_array(point.map(f64::from)))
                .collect(),
            smoothness: f64::from(delta[index]).exp(),
            sharpness: f64::from(sigma[index]).exp(),
            opacity: 1.0 / (1.0 + (-f64::from(opacity[index])).exp()),
        };
        Ok((0..self.count).map(convex).collect())
    }
}

fn wrong(checkpoint: &Checkpoint, name: &str, tensor: &Tensor, wanted: &str) -> Error {
    let why = format!("its shape is {:?}, not {wanted}; save the model again", tensor.shape());
    Error::malformed(checkpoint.file(), name, 0, why)
}

fn probe(path: &Path) -> Result<Summary> {
    let file = File::open(path)?;
    let splats = file.count as u64 * bake::PIECES as u64;
    Ok(Summary::gaussians(splats, file.degree))
}

fn read(path: &Path, options: &Options) -> Result<Imported> {
    let file = File::open(path)?;
    let mut report = Report { files: 1, read: file.count as u64, ..Report::default() };
    let optics = optics(path, &mut report);
    let convexes = file.convexes()?;
    let sound: Vec<Convex> = convexes.iter().filter(|convex| is_sound(convex)).cloned().collect();
    let (recipe, left) = bake::recipe(&sound, optics);
    report.note(format!(
        "each convex became {} splats; the rms error of opacity over what either covers is {left:.3}",
        bake::PIECES
    ));
    let baked: Vec<Vec<Splat>> = convexes
        .par_iter()
        .map(|convex| bake::bake(convex, recipe, optics).iter().map(splat_of).collect())
        .collect();
    let (base, rest) = (file.read("features_dc")?, file.read("features_rest")?);
    let mut splats = Splats::new(file.degree);
    let stride = splats.sh_stride();
    for (index, baked) in baked.iter().enumerate() {
        let colour = std::array::from_fn(|channel| 0.5 + SH_C0 * base[index * 3 + channel]);
        for splat in baked {
            splats.push(&Splat { colour, ..*splat }, &rest[index * stride..(index + 1) * stride]);
        }
    }
    let axes = options.axes.unwrap_or(Axes::RDF);
    still::finish(file.checkpoint.file(), "convex_points", 0, splats, report, axes)
}

fn is_sound(convex: &Convex) -> bool {
    let numbers = [convex.smoothness, convex.sharpness, convex.opacity];
    convex.points.iter().all(|point| point.is_finite()) && numbers.iter().all(|number| number.is_finite())
}

#[expect(clippy::cast_possible_truncation, reason = "the model is f32")]
fn splat_of(piece: &bake::Piece) -> Splat {
    let (scale, rotation) = gaussian4::principal_axes(&cholesky(&piece.covariance));
    Splat {
        mean: piece.mean.as_vec3().to_array(),
        rotation: rotation.map(|part| part as f32),
        scale: scale.map(|scale| scale as f32),
        opacity: piece.opacity as f32,
        ..Splat::DEFAULT
    }
}

/// The lower triangle whose square a covariance is (Cholesky).
fn cholesky(covariance: &DMat3) -> [[f64; 3]; 3] {
    let at = |row: usize, column: usize| covariance.col(column)[row];
    let mut lower = [[0.0_f64; 3]; 3];
    for row in 0..3 {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
            let left = at(row, column) - known;
            let pivot = lower[column][column];
            lower[row][column] = if row == column {
                left.max(0.0).sqrt()
            } else if pivot > 0.0 {
                left / pivot
            } else {
                0.0
            };
        }
    }
    lower
}

/// How the trainer's cameras saw, by the `cameras.json` in the file's folder or up to three above.
fn optics(path: &Path, report: &mut Report) -> Optics {
    let folders = path.ancestors().skip(1).take(4);
    let found = folders.map(|folder| folder.join("cameras.json")).find(|file| file.is_file());
    if let Some(optics) = found.as_deref().and_then(optics_of) {
        return optics;
    }
    report.note(format!(
        "no cameras.json was found: a focal length of {} px at {} units is assumed, on which the softness of edges depends",
        OPTICS.focal_px, OPTICS.distance
    ));
    OPTICS
}

/// The mean focal length of the cameras of a `cameras.json`, and their mean distance from the middle of them all.
fn optics_of(file: &Path) -> Option<Optics> {
    if std::fs::metadata(file).ok()?.len() > MAX_CAMERAS {
        return None;
    }
    let cameras: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let mut places = Vec::new();
    let mut focal = 0.0;
    for camera in cameras.as_array()? {
        let place = camera.get("position")?.as_array()?;
        let axis = |number: usize| place.get(number)?.as_f64();
        places.push(DVec3::new(axis(0)?, axis(1)?, axis(2)?));
        focal += camera.get("fx")?.as_f64()?;
    }
    let count = places.len().max(1) as f64;
    let middle = places.iter().sum::<DVec3>() / count;
    let distance = places.iter().map(|place| place.distance(middle)).sum::<f64>() / count;
    let optics = Optics { focal_px: focal / count, distance };
    let sane = optics.focal_px.is_finite() && optics.focal_px > 1.0 && optics.distance > 1e-6;
    (sane && optics.distance.is_finite()).then_some(optics)
}
