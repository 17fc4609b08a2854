//! `params.npz` of `Dynamic3DGaussians` (Luiten et al. 2024): one set of splats and where each is in every frame.
//!
//! ```text
//! means3D [T,N,3]   unnorm_rotations [T,N,4] wxyz   rgb_colors [T,N,3] raw RGB   logit_opacities [N,1]   log_scales [N,3]
//! ```
//! All of these may also stand once, `[N,…]`, or for every frame, `[T,N,…]` (the places always do); and `sh_rest`
//! `[N,K,3]` or `[T,N,K,3]` may follow, harmonics of degree 1, 2 or 3 (K = 3, 8, 15) as trainers keep them in
//! `features_rest`: that is how `guides/export_frames.py` hands on what a network deforms. A stored archive is read frame by
//! frame; what is deflated is held whole, within a bound.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use vivant::splat::ClipInfo;
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open};
use crate::npz::{Array, Npz};
use crate::options::Options;
use crate::ply::MAX_SPLATS;
use crate::report::Report;
use crate::rows;
use crate::sequence::{self, Sequence};
use crate::source::Imported;

/// What is read of `Dynamic3DGaussians`.
pub(crate) const FORMAT: Format = Format {
    name: "params",
    system: "Dynamic3DGaussians (params.npz); what guides/export_frames.py saves of deformation networks",
    fidelity: Fidelity::Exact,
    limits: "seg_colors and the exposures of the cameras (cam_m, cam_c) are left out",
    detect: |probe| probe.holds("means3D.npy") && probe.holds("unnorm_rotations.npy"),
    open: Open::Sequence(open),
};

/// Most frames, as of any sequence.
const MAX_FRAMES: usize = 1 << 20;
/// Most bytes of arrays that are held because they cannot be read frame by frame.
const MAX_HELD: u64 = 8 << 30;

/// The arrays that are read.
const READ: [&str; 6] =
    ["means3D", "unnorm_rotations", "rgb_colors", "logit_opacities", "log_scales", "sh_rest"];

#[derive(Debug)]
struct Params {
    file: String,
    files: [PathBuf; 1],
    frames: usize,
    splats: usize,
    sh_degree: u8,
    mean: Attribute,
    rotation: Attribute,
    colour: Attribute,
    opacity: Attribute,
    scale: Attribute,
    harmonics: Option<Attribute>,
    options: Options,
    report: Report,
}

/// An attribute of all splats, once or for every frame.
#[derive(Debug)]
struct Attribute {
    array: Array,
    /// Numbers a frame.
    each: usize,
    per_frame: bool,
    /// All of it, unless it can be read frame by frame.
    held: Option<Vec<f32>>,
}

fn open(path: &Path, options: &Options) -> Result<Box<dyn Sequence>> {
    let npz = Npz::open(path)?;
    let file = path.display().to_string();
    let means = npz.array("means3D")?;
    let shape = means.expect_shape(&[None, None, Some(3)])?;
    let (frames, splats) = (shape[0], shape[1]);
    if frames == 0 || splats == 0 {
        let why = format!("{frames} frames of {splats} splats; export the file with its splats");
        return Err(Error::malformed(&file, "array means3D", 0, why));
    }
    for (what, value, limit) in
        [("frames", frames as u64, MAX_FRAMES as u64), ("splats in one frame", splats as u64, MAX_SPLATS)]
    {
        if value > limit {
            return Err(Error::LimitExceeded {
                what: format!("{file}: array means3D: {what}"),
                value,
                limit,
            });
        }
    }
    let mut held = 0;
    let mut take =
        |name: &str, tail: &[usize]| Attribute::open(&npz, name, frames, splats, tail, (&mut held, &file));
    let (harmonics, sh_degree) = if npz.holds("sh_rest") {
        let (coefficients, degree) = harmonics_of(&npz.array("sh_rest")?, &file)?;
        (Some(take("sh_rest", &[coefficients, 3])?), degree)
    } else {
        (None, 0)
    };
    let mut report = Report { files: 1, ..Report::default() };
    let unused: Vec<&str> = npz.names().filter(|name| !READ.contains(name)).collect();
    if !unused.is_empty() {
        report.note(format!("arrays not used: {}", unused.join(" ")));
    }
    Ok(Box::new(Params {
        mean: take("means3D", &[3])?,
        rotation: take("unnorm_rotations", &[4])?,
        colour: take("rgb_colors", &[3])?,
        opacity: take("logit_opacities", &[1])?,
        scale: take("log_scales", &[3])?,
        harmonics,
        file,
        files: [path.to_owned()],
        frames,
        splats,
        sh_degree,
        options: options.clone(),
        report,
    }))
}

/// How many coefficients above the base colour there are, and the degree they make.
fn harmonics_of(array: &Array, file: &str) -> Result<(usize, u8)> {
    let coefficients = array.shape().iter().rev().nth(1).copied().unwrap_or(0);
    let degree = match coefficients {
        3 => 1,
        8 => 2,
        15 => 3,
        _ => {
            let why = format!("{coefficients} coefficients; harmonics come as 3, 8 or 15 (degree 1, 2 or 3)");
            return Err(Error::malformed(file, "array sh_rest", 0, why));
        }
    };
    Ok((coefficients, degree))
}

impl Attribute {
    fn open(
        npz: &Npz,
        name: &str,
        frames: usize,
        splats: usize,
        tail: &[usize],
        (held, file): (&mut u64, &str),
    ) -> Result<Self> {
        let array = npz.array(name)?;
        let mut wanted = vec![Some(splats)];
        wanted.extend(tail.iter().copied().map(Some));
        let per_frame = array.shape().len() > wanted.len();
        if per_frame {
            wanted.insert(0, Some(frames));
        }
        array.expect_shape(&wanted)?;
        let each = splats * tail.iter().product::<usize>();
        if per_frame && array.is_seekable() {
            return Ok(Self { array, each, per_frame, held: None });
        }
        *held += array.count() as u64 * 4;
        if *held > MAX_HELD {
            let what = format!(
                "{file}: array {name}: bytes held, as it is compressed and cannot be read frame by frame; save it with np.savez"
            );
            return Err(Error::LimitExceeded { what, value: *held, limit: MAX_HELD });
        }
        let values = array.read()?;
        Ok(Self { array, each, per_frame, held: Some(values) })
    }

    /// Its numbers in frame `index`.
    fn frame(&self, index: usize) -> Result<Cow<'_, [f32]>> {
        match &self.held {
            None => self.array.read_rows(index, 1).map(Cow::Owned),
            Some(all) if self.per_frame => {
                Ok(Cow::Borrowed(&all[index * self.each..(index + 1) * self.each]))
            }
            Some(all) => Ok(Cow::Borrowed(all)),
        }
    }
}

impl Sequence for Params {
    fn info(&self) -> ClipInfo {
        sequence::info_of(self.frames, self.options.fps, self.sh_degree)
    }

    fn frame_count(&self) -> usize {
        self.frames
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn splats_in(&self, _index: usize) -> u64 {
        self.splats as u64
    }

    fn read_frame(&self, index: usize) -> Result<Imported> {
        if index >= self.frames {
            return Err(Error::invalid(format!("frame {index} of a sequence of {}", self.frames)));
        }
        let mut splats = rows::zeroed(self.splats, self.sh_degree);
        splats.mean.as_flattened_mut().copy_from_slice(&self.mean.frame(index)?);
        splats.colour.as_flattened_mut().copy_from_slice(&self.colour.frame(index)?);
        if let Some(harmonics) = &self.harmonics {
            splats.sh_rest.copy_from_slice(&harmonics.frame(index)?);
        }
        let (scale, opacity) = (self.scale.frame(index)?, self.opacity.frame(index)?);
        for (to, log) in splats.scale.as_flattened_mut().iter_mut().zip(scale.iter()) {
            *to = log.exp();
        }
        for (to, logit) in splats.opacity.iter_mut().zip(opacity.iter()) {
            *to = 1.0 / (1.0 + (-logit).exp());
        }
        let rotation = self.rotation.frame(index)?;
        for (to, [w, x, y, z]) in splats.rotation.iter_mut().zip(rotation.as_chunks::<4>().0) {
            *to = [*x, *y, *z, *w];
        }
        sequence::finish(&self.file, 0, splats, &self.options)
    }

    fn keeps_identity(&self) -> Result<bool> {
        Ok(self.frames > 1)
    }

    fn report(&self) -> Report {
        self.report.clone()
    }
}
