//! Compact 3D Gaussians (Lee et al., CVPR 2024), static: positions and opacities as halves, scales and rotations as codes of
//! a residual vector quantiser, colours as a network over a hash grid.
//!
//! `.npz` with `xyz`, `opacity` (activated), `scale` and `rotation` (six codes of six bits a splat, least bit first, packed
//! greatest bit first), `codebook_scale` and `codebook_rotation` (pickled state dictionaries), `rvq_info`, `hash`, `mlp`. The
//! codes' vectors add up to a linear scale and to a quaternion wxyz. `grid` and `colour` evaluate the network.

mod colour;
mod grid;

use std::path::Path;

use rayon::prelude::*;
use vivant::splat::Appearance;
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::npz::Npz;
use crate::options::Options;
use crate::ply::Kind;
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::{Axes, cleanse, rows, torch};
use colour::{Colours, SAMPLES, WEIGHTS};
use grid::HashGrid;

/// Most splats.
const MAX_SPLATS: usize = 1 << 26;
/// Most features of a hash grid: sixteen full tables of 2²⁴.
const MAX_FEATURES: usize = 1 << 29;

/// What is read of these files.
pub(crate) const FORMAT: Format = Format {
    name: "compact-3dgs",
    system: "Compact 3D Gaussians, static (.npz)",
    fidelity: Fidelity::Baked,
    limits: "colours are fitted with harmonics of degree 3, the residual is said; not _pp.npz, not the dynamic model",
    detect: |probe| ["codebook_scale.npy", "hash.npy", "mlp.npy"].iter().all(|name| probe.holds(name)),
    open: Open::Still(Still { probe, read, settle: settled }),
};

/// An archive of the static model.
fn open(path: &Path) -> Result<(Npz, usize)> {
    let npz = Npz::open(path)?;
    let file = path.display();
    if npz.holds("huftable_scale") {
        return Err(Error::unsupported(format!(
            "{file}: the Huffman-coded form (_pp.npz); give the .npz beside it, or save with save_npz"
        )));
    }
    if npz.holds("tcen") || npz.holds("tfea") {
        return Err(Error::unsupported(format!(
            "{file}: the dynamic model of Compact 3D Gaussians, of which the static one is read; export it as PLY"
        )));
    }
    let xyz = npz.array("xyz")?;
    let count = xyz.expect_shape(&[None, Some(3)])?[0];
    if count > MAX_SPLATS {
        let what = format!("{file}: array xyz: splats");
        return Err(Error::LimitExceeded { what, value: count as u64, limit: MAX_SPLATS as u64 });
    }
    Ok((npz, count))
}

fn probe(path: &Path) -> Result<Summary> {
    let (_, count) = open(path)?;
    let appearance = Appearance::default();
    Ok(Summary { kind: Kind::Gaussians, splats: count as u64, sh_degree: 3, appearance })
}

fn read(path: &Path, options: &Options) -> Result<Imported> {
    let (npz, count) = open(path)?;
    let file = path.display().to_string();
    let wrong = |field: &str, why: String| Error::malformed(&file, field, 0, format!("{why}; save it again"));
    let xyz: Vec<f32> = npz.array("xyz")?.read()?;
    let opacity: Vec<f32> = npz.array("opacity")?.read()?;
    if opacity.len() != count {
        return Err(wrong("array opacity", format!("{} numbers for {count} splats", opacity.len())));
    }
    let coder = Coder::new(&npz, &file, count)?;
    let scale = coder.values::<3>(&npz, "scale")?;
    let rotation = coder.values::<4>(&npz, "rotation")?;
    let hash = npz.array("hash")?;
    if hash.count() > MAX_FEATURES {
        let what = format!("{file}: array hash: features");
        return Err(Error::LimitExceeded { what, value: hash.count() as u64, limit: MAX_FEATURES as u64 });
    }
    let features = hash.count();
    let grid = HashGrid::new(hash.read()?).ok_or_else(|| {
        let why = "features, which is no grid of 16 levels from 16 vertices, each 1.447 times finer";
        wrong("array hash", format!("{features} {why}"))
    })?;
    let weights: Vec<f32> = npz.array("mlp")?.read()?;
    let colours = Colours::new(&weights).ok_or_else(|| {
        wrong("array mlp", format!("{} weights, where two layers of 64 have {WEIGHTS}", weights.len()))
    })?;
    let mut splats = rows::zeroed(count, 3);
    splats.mean = xyz.as_chunks().0.to_vec();
    splats.opacity = opacity;
    splats.scale = scale;
    splats.rotation = rotation.into_iter().map(|[w, x, y, z]| [x, y, z, w]).collect();
    let residuals: Vec<(f64, f64)> =
        rows::all(&mut splats).into_par_iter().map(|rows| paint(rows, &grid, &colours)).collect();
    let mut report = Report { files: 1, read: count as u64, ..Report::default() };
    let (sum, worst) = residuals.iter().fold((0.0, 0.0_f64), |(a, b), &(c, d)| (a + c, b.max(d)));
    let [mean, worst] = [sum / count.max(1) as f64, worst].map(|sum| (sum / SAMPLES as f64).sqrt());
    report.note(format!(
        "colours by direction come from a network and were fitted with harmonics of degree 3 over 64 directions: \
         off by {mean:.4} of 1 (root mean square), {worst:.4} for the worst splat"
    ));
    let dropped = cleanse::cleanse(&file, 0, &mut splats, &mut report)?;
    options.axes.unwrap_or(Axes::RDF).apply(&mut splats);
    let ids = cleanse::kept(count, &dropped);
    Ok(Imported { splats, ids, report })
}

/// Colours a window; gives the sum and the greatest of the residuals.
fn paint(rows: rows::Rows<'_>, grid: &HashGrid, colours: &Colours) -> (f64, f64) {
    let (mut sum, mut worst) = (0.0, 0.0_f64);
    for index in 0..rows.len() {
        let fitted = colours.fit(&grid.at(contracted(rows.mean[index])));
        rows.colour[index] = fitted.colour;
        rows.sh_rest[index * 45..(index + 1) * 45].copy_from_slice(&fitted.sh_rest);
        // A splat that is no number is dropped later.
        if fitted.residual.is_finite() {
            sum += fitted.residual;
            worst = worst.max(fitted.residual);
        }
    }
    (sum, worst)
}

/// All of space into a ball, and the ball into 0..1.
fn contracted(place: [f32; 3]) -> [f32; 3] {
    let length = place.iter().map(|x| x * x).sum::<f32>().sqrt();
    let factor = if length > 1.0 { (2.0 - length.recip()) / length } else { 1.0 };
    place.map(|x| x * factor / 4.0 + 0.5)
}

/// How codes are packed.
struct Coder<'a> {
    file: &'a str,
    count: usize,
    stages: usize,
    bits: usize,
}

impl<'a> Coder<'a> {
    fn new(npz: &Npz, file: &'a str, count: usize) -> Result<Self> {
        let info: Vec<i64> = npz.array("rvq_info")?.read()?;
        let sizes = match info.as_slice() {
            &[stages, bits] => usize::try_from(stages).ok().zip(usize::try_from(bits).ok()),
            _ => None,
        };
        match sizes {
            Some((stages @ 1..=16, bits @ 1..=8)) => Ok(Self { file, count, stages, bits }),
            _ => Err(Error::malformed(
                file,
                "array rvq_info",
                0,
                "is not 1 to 16 stages and 1 to 8 bits; save it again",
            )),
        }
    }

    /// The vectors of `N` that an array's codes add up to.
    fn values<const N: usize>(&self, npz: &Npz, name: &str) -> Result<Vec<[f32; N]>> {
        let packed: Vec<u8> = npz.array(name)?.read()?;
        let needed = (self.count * self.stages * self.bits).div_ceil(8);
        if packed.len() != needed {
            let why =
                format!("{} bytes, where {} splats take {needed}; save it again", packed.len(), self.count);
            return Err(Error::malformed(self.file, &format!("array {name}"), 0, why));
        }
        let books = self.books::<N>(npz, name)?;
        let value = |splat: usize| {
            let mut sum = [0.0; N];
            for (stage, book) in books.iter().enumerate() {
                let first = (splat * self.stages + stage) * self.bits;
                let bit = |bit: usize| usize::from(packed[(first + bit) / 8] >> (7 - (first + bit) % 8) & 1);
                let code: usize = (0..self.bits).map(|at| bit(at) << at).sum();
                sum.iter_mut().zip(&book[code]).for_each(|(sum, part)| *sum += part);
            }
            sum
        };
        Ok((0..self.count).into_par_iter().map(value).collect())
    }

    /// The codebooks of all stages.
    fn books<const N: usize>(&self, npz: &Npz, name: &str) -> Result<Vec<Vec<[f32; N]>>> {
        let field = format!("codebook_{name}");
        let called = format!("{}: {field}", self.file);
        let checkpoint = torch::pickle(&called, &npz.array(&field)?.pickle()?, 0)?;
        let entries = 1_usize << self.bits;
        let read = |stage: usize| {
            let key = format!("layers.{stage}._codebook.embed");
            let values: Vec<f32> = checkpoint.read(checkpoint.tensor(&key)?)?;
            if values.len() != entries * N {
                let why =
                    format!("{} numbers, where {entries} vectors of {N} belong; save it again", values.len());
                return Err(Error::malformed(&called, &key, 0, why));
            }
            Ok(values.as_chunks().0.to_vec())
        };
        (0..self.stages).map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_becomes_a_ball() {
        assert_eq!(contracted([0.0; 3]), [0.5; 3]);
        assert_eq!(contracted([0.5, 0.0, 0.0]), [0.625, 0.5, 0.5]);
        let far = contracted([0.0, 4.0, 0.0]);
        assert!((far[1] - (1.75 / 4.0 + 0.5)).abs() < 1e-6);
        assert!(contracted([1e6, 0.0, 0.0])[0] <= 1.0);
    }
}
