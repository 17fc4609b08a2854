//! Self-Organizing Gaussians (Morgenstern et al., ECCV 2024): a folder with a picture an attribute, sorted into a square grid
//! so that neighbours look alike, and two texts that say how each was encoded.
//!
//! ```text
//! value = picture · (max − min) + min   where it was normalised;  sign·expm1|value| where it was contracted
//! mean  = sign·expm1|xyz|               unless disable_xyz_log_activation
//! scale = exp   opacity = sigmoid   rotation wxyz   colour = 0.5 + C0·dc   features_rest: coefficients, then RGB
//! ```
//! `config` reads the texts, `image` the pictures.

mod config;
mod image;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use vivant::splat::{Appearance, SH_C0, Splats, sh_rest_len};
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::options::Options;
use crate::ply::Kind;
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::temporal::narrow;
use crate::{Axes, cleanse, rows};
use config::{Attribute, Config, Fault};

const INFO: &str = "compression_info.csv";
const CONFIG: &str = "compression_config.yml";

/// The attributes every splat has, with their channels; harmonics may be absent.
const ATTRIBUTES: [(&str, usize); 5] =
    [("_xyz", 3), ("_features_dc", 3), ("_scaling", 3), ("_rotation", 4), ("_opacity", 1)];
const HARMONICS: &str = "_features_rest";

/// Most splats.
const MAX_SPLATS: u64 = 1 << 26;
/// Splats for a byte of the pictures, beside [`FREE`]; trained scenes take three bytes a splat and more.
const SPLATS_A_BYTE: u64 = 2;
/// Splats however few bytes there are.
const FREE: u64 = 1 << 16;
/// Most bytes of a text.
const MAX_TEXT: u64 = 1 << 20;
/// Most bytes of a picture.
const MAX_PICTURE: u64 = 1 << 32;

/// What is read of these folders.
pub(crate) const FORMAT: Format = Format {
    name: "self-organizing",
    system: "Self-Organizing Gaussians: a folder with compression_info.csv (jpeg-xl, exr, png or npz)",
    fidelity: Fidelity::Exact,
    limits: "EXR without DWA compression",
    detect: |probe| probe.folder && probe.holds(INFO) && probe.holds(CONFIG),
    open: Open::Still(Still { probe, read, settle: settled }),
};

/// A folder whose texts have been read.
struct Opened {
    folder: PathBuf,
    config: Config,
    /// Most splats that its pictures can hold.
    limit: u64,
}

impl Opened {
    fn new(folder: &Path) -> Result<Self> {
        let [config_path, info_path] = [CONFIG, INFO].map(|name| folder.join(name));
        let text = read_text(&config_path)?;
        let mut config = config::parse_config(&text).map_err(|fault| wrong(&config_path, &text, &fault))?;
        let text = read_text(&info_path)?;
        config::parse_info(&text, &mut config).map_err(|fault| wrong(&info_path, &text, &fault))?;
        let mut bytes = 0_u64;
        for (name, attribute) in &config.attributes {
            let file = Path::new(&attribute.file);
            if file.file_name().and_then(|own| own.to_str()) != Some(attribute.file.as_str()) {
                let fault = (1, format!("names '{}' for {name}, which is no file beside it", attribute.file));
                return Err(wrong(&info_path, "", &fault));
            }
            let path = folder.join(file);
            let metadata =
                std::fs::metadata(&path).map_err(|source| Error::io(&path, "cannot open", source))?;
            bytes = bytes.saturating_add(metadata.len());
        }
        let limit = MAX_SPLATS.min(FREE + bytes.saturating_mul(SPLATS_A_BYTE));
        Ok(Self { folder: folder.to_owned(), config, limit })
    }

    /// All values of an attribute of at most `channels`.
    fn values(&self, name: &str, channels: usize) -> Result<Vec<f32>> {
        let Some(attribute) = self.config.attributes.get(name) else {
            let path = self.folder.join(CONFIG);
            return Err(wrong(&path, "", &(1, format!("has no attribute {name}; compress the model again"))));
        };
        let path = self.folder.join(&attribute.file);
        let bytes = read_bytes(&path, MAX_PICTURE)?;
        let mut values = image::decode(&attribute.method, &path, &bytes, self.limit * channels as u64)?;
        attribute.restore(&mut values);
        Ok(values)
    }

    /// The harmonics and their degree, of `count` splats.
    fn harmonics(&self, count: usize) -> Result<(Vec<f32>, u8)> {
        if !self.config.attributes.contains_key(HARMONICS) {
            return Ok((Vec::new(), 0));
        }
        let values = self.values(HARMONICS, 45)?;
        let fits = |degree: &u8| values.len() == count * sh_rest_len(*degree) * 3;
        let degree = (0..=3).find(fits).ok_or_else(|| self.misfit(HARMONICS, values.len(), count))?;
        Ok((values, degree))
    }

    fn misfit(&self, name: &str, values: usize, count: usize) -> Error {
        let path = self.folder.join(self.config.attributes.get(name).map_or("", |own| own.file.as_str()));
        let why = format!("{values} numbers for {count} splats; compress the model again");
        Error::malformed(&path.display().to_string(), "size", 0, why)
    }
}

impl Attribute {
    /// From the picture's numbers to the trainer's.
    fn restore(&self, values: &mut [f32]) {
        let [low, high] = self.ends.filter(|_| self.normalize).unwrap_or([0.0, 1.0]);
        values.par_iter_mut().for_each(|value| {
            *value = narrow(f64::from(*value) * (high - low) + low);
            if self.contract {
                *value = unlog(*value);
            }
        });
    }
}

/// Undoes `sign(x)·ln(1 + |x|)`.
fn unlog(value: f32) -> f32 {
    narrow(f64::from(value).abs().exp_m1().copysign(f64::from(value)))
}

/// The positions say how many there are.
fn probe(folder: &Path) -> Result<Summary> {
    let opened = Opened::new(folder)?;
    let count = opened.values("_xyz", 3)?.len() / 3;
    let (_, sh_degree) = opened.harmonics(count)?;
    let appearance = Appearance::default();
    Ok(Summary { kind: Kind::Gaussians, splats: count as u64, sh_degree, appearance })
}

fn read(folder: &Path, options: &Options) -> Result<Imported> {
    let opened = Opened::new(folder)?;
    let decoded: Vec<Result<Vec<f32>>> =
        ATTRIBUTES.par_iter().map(|(name, channels)| opened.values(name, *channels)).collect();
    let decoded = decoded.into_iter().collect::<Result<Vec<_>>>()?;
    let [xyz, dc, scaling, rotation, opacity] = decoded.as_slice() else {
        return Err(Error::invalid(format!("{}: no attributes", folder.display())));
    };
    let count = opacity.len();
    for ((name, channels), values) in ATTRIBUTES.iter().zip(&decoded) {
        if values.len() != count.saturating_mul(*channels) || count == 0 {
            return Err(opened.misfit(name, values.len(), count));
        }
    }
    let (sh_rest, degree) = opened.harmonics(count)?;
    let mut splats = Splats { sh_rest, ..rows::zeroed(count, 0) };
    splats.sh_degree = degree;
    splats.mean = xyz.as_chunks().0.to_vec();
    if !opened.config.plain_positions {
        splats.mean.par_iter_mut().for_each(|mean| *mean = mean.map(unlog));
    }
    splats.colour = dc.as_chunks().0.iter().map(|dc: &[f32; 3]| dc.map(|dc| 0.5 + SH_C0 * dc)).collect();
    splats.scale = scaling.as_chunks().0.iter().map(|scale: &[f32; 3]| scale.map(f32::exp)).collect();
    splats.rotation = rotation.as_chunks().0.iter().map(|&[w, x, y, z]| [x, y, z, w]).collect();
    splats.opacity = opacity.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect();
    let mut report = Report { files: 1, read: count as u64, ..Report::default() };
    let dropped = cleanse::cleanse(&folder.display().to_string(), 0, &mut splats, &mut report)?;
    options.axes.unwrap_or(Axes::RDF).apply(&mut splats);
    let ids = cleanse::kept(count, &dropped);
    Ok(Imported { splats, ids, report })
}

fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
    if !metadata.is_file() {
        return Err(Error::invalid(format!("{}: not an ordinary file", path.display())));
    }
    if metadata.len() > limit {
        let what = format!("{}: bytes", path.display());
        return Err(Error::LimitExceeded { what, value: metadata.len(), limit });
    }
    std::fs::read(path).map_err(|source| Error::io(path, "cannot read", source))
}

fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read_bytes(path, MAX_TEXT)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to() as u64;
        let why = "is no text; get another copy of the file";
        Error::malformed(&path.display().to_string(), "text", at, why)
    })
}

/// A fault in a line of a text.
fn wrong(path: &Path, text: &str, (line, why): &Fault) -> Error {
    let at: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    Error::malformed(&path.display().to_string(), &format!("line {line}"), at as u64, why.clone())
}
