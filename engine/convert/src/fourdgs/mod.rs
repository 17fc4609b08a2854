//! `.4dgs`, the open container of temporal Gaussians (avala-ai/4dgs, version 1): splats that are born, move in straight
//! lines, fade as Gaussians and have windows; or a population that changes step by step; with objects that move as rigid
//! bodies, and sound. The crate `fourdgs` reads its records; here they become the model.
//!
//! ```text
//! shows while win_lo ≤ t < win_hi and exp(−½ ((t − mu_t)/sigma_t)²) ≥ cutoff      position + motion·(t − mu_t)
//! opacity = a · that exponential     harmonics: −4 + 8·byte/255     then, once, the pose of its object: R(t)·x + T(t)
//! ```
//!
//! - `birth`: what the model *gaussian-birth* holds. `states`: *keyframe-delta*, each splat from change to change.
//! - `objects`: poses of objects, which make lines into curves: cut where a cubic would miss them.
//! - `frame`: where the file's axes point, and its unit.
//!
//! Colours are blended as the file says (`color_space`): the format's own description calls values without a declaration
//! sRGB in practice, as those that its converter makes of trained splats are.

mod birth;
mod frame;
mod objects;
mod sound;
mod states;

use std::path::Path;

use ::fourdgs::serialization::{MAGIC, Records};
use ::fourdgs::{ObjectLayer, opcode};
use vivant::splat::{Appearance, ColourDomain};
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::report::Report;
use crate::temporal::{self, Clock, Temporal};
use crate::whole::Whole;

/// Splats a byte of the file, at most: compressed streams of equal values take less than a byte a splat, but what holds
/// a capture does not.
const SPLATS_PER_BYTE: u64 = 64;

/// What is read of these files.
pub(crate) const FORMAT: Format = Format {
    name: "4dgs",
    system: "4dgs container (.4dgs), gaussian-birth and keyframe-delta",
    fidelity: Fidelity::Exact,
    limits: "objects that turn are fitted to 1 mm; one source of sound is kept, where it is at the start",
    detect: |probe| probe.starts_with(&MAGIC[..5]),
    open: Open::Whole(open),
};

/// What both models come to.
#[derive(Debug, Default)]
struct Population {
    /// The splats in seconds, without the poses of their objects.
    splats: Vec<Temporal>,
    /// Bytes of harmonics, all of red, then green, then blue; [`Self::coefficients`] × 3 a splat.
    harmonics: Vec<u8>,
    /// Coefficients a colour above the base.
    coefficients: usize,
    /// The object of each, 0 for none; empty where nothing belongs to any.
    objects: Vec<u32>,
}

/// What a file says besides its splats.
#[derive(Debug)]
struct Contents {
    population: Population,
    seconds: f64,
    layer: ObjectLayer,
    frame: Option<::fourdgs::CoordinateFrame>,
    /// `coordinate_system` and `color_space`, where they are declared.
    system: Option<String>,
    colours: Option<String>,
    sources: Vec<::fourdgs::AudioSource>,
    notes: Vec<String>,
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "cannot read", source))?;
    let contents = read(&file, &bytes)?;
    let mut report = Report { notes: contents.notes.clone(), ..Report::default() };
    let population = &contents.population;
    if population.splats.is_empty() {
        let why = "the file is sound but holds no splat: nothing would be shown";
        return Err(Error::malformed(&file, "Header gaussian_count", 0, why));
    }
    let clock = Clock::new(options, contents.seconds, 1.0)
        .map_err(|error| Error::malformed(&file, "Header duration_sec", 0, error.to_string()))?;
    let pieces = objects::apply(&file, &contents, options, &mut report)?;
    let degree = degree(population.coefficients);
    let mut splats = temporal::build(pieces.len(), degree, &clock, |index, sh_rest| {
        let (row, piece) = &pieces[index];
        spread(population, *row, sh_rest);
        *piece
    });
    let (axes, metres) = frame::of(&contents, options.axes, &mut report);
    frame::scale(&mut splats, metres);
    let info = clock.info(degree, appearance(&contents, &mut report));
    let mut whole = temporal::finish(path, 0, splats, info, axes, report)?;
    whole.report.read = population.splats.len() as u64;
    whole.sound = sound::of(&contents.sources, axes, metres, &mut whole.report);
    Ok(whole)
}

fn read(file: &str, bytes: &[u8]) -> Result<Contents> {
    let failed = |error| refused(file, error);
    let model = ::fourdgs::keyframe_delta_file::peek_temporal_model(bytes).map_err(failed)?;
    bound(file, bytes)?;
    match model.as_str() {
        "keyframe-delta" => states::read(file, bytes),
        // What is neither is refused by name by the reader of the other.
        _ => birth::read(file, bytes),
    }
}

/// Refuses counts of splats that no file of this length can mean, before anything is unpacked.
fn bound(file: &str, bytes: &[u8]) -> Result<()> {
    let limit = SPLATS_PER_BYTE.saturating_mul(bytes.len() as u64);
    let mut total = 0_u64;
    for record in Records::new(bytes, MAGIC.len()) {
        let record = record.map_err(|error| refused(file, error))?;
        // Two times and the level stand before the count of a Chunk.
        if record.opcode == opcode::CHUNK
            && let Some(count) = record.content.get(20..24).and_then(|count| count.first_chunk())
        {
            total += u64::from(u32::from_le_bytes(*count));
        }
    }
    if total > limit {
        return Err(Error::LimitExceeded {
            what: format!("{file}: splats of all Chunks"),
            value: total,
            limit,
        });
    }
    Ok(())
}

/// An error of the format's own reader.
fn refused(file: &str, error: ::fourdgs::Error) -> Error {
    if error.is_unsupported_version() || error.is_unsupported_feature() {
        return Error::unsupported(format!("{file}: {error}"));
    }
    match error {
        ::fourdgs::Error::Io(source) => Error::io(file, "cannot read", source),
        error => {
            let why = format!("{}; copy or export it again", error.to_string().replace('\n', " "));
            Error::malformed(file, "record", 0, why)
        }
    }
}

fn degree(coefficients: usize) -> u8 {
    match coefficients {
        0..3 => 0,
        3..8 => 1,
        8..15 => 2,
        _ => 3,
    }
}

/// The harmonics of a row: ours are coefficient-major.
fn spread(population: &Population, row: usize, sh_rest: &mut [f32]) {
    let count = population.coefficients;
    let bytes = &population.harmonics[row * count * 3..(row + 1) * count * 3];
    for (coefficient, rgb) in sh_rest.chunks_exact_mut(3).enumerate() {
        for (channel, value) in rgb.iter_mut().enumerate() {
            let byte = bytes[channel * count + coefficient];
            *value = temporal::narrow(::fourdgs::quantization::sh_coefficient(byte));
        }
    }
}

fn appearance(contents: &Contents, report: &mut Report) -> Appearance {
    let colour_domain = match contents.colours.as_deref() {
        Some("linear-rec709-display") => ColourDomain::Linear,
        Some("srgb-rec709-display") => ColourDomain::Encoded,
        Some(other) => {
            let shown: String = other.chars().take(64).collect();
            report.note(format!("color_space '{shown}' is not known; colours are taken as sRGB"));
            ColourDomain::Encoded
        }
        None => {
            report.note("the file declares no color_space; colours are taken as sRGB");
            ColourDomain::Encoded
        }
    };
    Appearance { colour_domain, ..Appearance::default() }
}

/// What a key is declared as: in the header, or else in the first record of metadata that has it.
fn declared(header: &::fourdgs::Header, metadata: &[::fourdgs::Metadata], key: &str) -> Option<String> {
    let in_records = || metadata.iter().find_map(|record| record.entries.get(key));
    header.attributes.get(key).or_else(in_records).cloned()
}
