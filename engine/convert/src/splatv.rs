//! `.splatv`, which splaTV shows: Spacetime Gaussians (lite) in half floats, 64 bytes a splat.
//!
//! ```text
//! u32 0x674b   u32 length of the JSON   JSON: [{type, size, …}, …]   for each of these `size` bytes
//! ```
//! The bytes of the entry of type `splat` are a texture of `texwidth × texheight` texels of four u32; a splat takes four
//! texels, the rest of the last row is zero:
//!
//! ```text
//! 0–2 f32 xyz   3–4 half rotation wxyz   5–6 half scale xyz, linear   7 u8 red green blue opacity
//! 8–12 half motion: the factors of dt, dt² and dt³   13–14 half what is added to the rotation   15 half centre, width
//! ```
//! `dt = t − centre`, opacity · exp(−(dt/width)²), and a splat whose exponential is below 0.02 is left out. The viewer
//! adds nothing to an ellipse that is smaller than a pixel, and swings between 0 and 1.

use std::path::Path;

use half::f16;
use serde::Deserialize;
use vivant::splat::{Antialias, Appearance};
use vivant::{Error, Result};

use crate::Axes;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::report::Report;
use crate::temporal::{self, Clock, Temporal};
use crate::whole::Whole;

/// The first four bytes, as a number.
const MAGIC: u32 = 0x674b;
/// Bytes of a splat.
const RECORD: usize = 64;
/// Longest JSON: cameras may be in it.
const MAX_JSON: usize = 16 << 20;
/// Share of the peak below which the viewer leaves a splat out.
const LEAST: f64 = 0.02;
/// Frames from 0 to 1: those of the trainer whose models these are.
const FRAMES: u32 = 50;

/// What is read of these files.
pub(crate) const FORMAT: Format = Format {
    name: "splatv",
    system: "splaTV (.splatv): Spacetime Gaussians, lite, in half floats",
    fidelity: Fidelity::Exact,
    limits: "the length is not in the file: 50 frames unless said; the cameras are not used",
    detect: |probe| probe.starts_with(&MAGIC.to_le_bytes()),
    open: Open::Whole(open),
};

/// One entry of the JSON.
#[derive(Debug, Deserialize)]
struct Entry {
    r#type: String,
    size: u64,
    texwidth: Option<u64>,
    texheight: Option<u64>,
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "cannot read", source))?;
    let (offset, records) = records(&file, &bytes)?;
    // What fills the last row of the texture is no splat.
    let used =
        records.iter().rposition(|record| record.iter().any(|&byte| byte != 0)).map_or(0, |last| last + 1);
    if used == 0 {
        let why = "no splat in it; export the file with its splats";
        return Err(Error::malformed(&file, "texture", offset, why));
    }
    let mut report = Report::default();
    let clock = Clock::normalised(options, FRAMES, "as Spacetime Gaussians are trained", &mut report)?;
    let splats = temporal::build(used, 0, &clock, |index, _| temporal_of(&records[index]));
    let info = clock.info(0, Appearance { antialias: Antialias::None, ..Appearance::default() });
    temporal::finish(path, offset, splats, info, options.axes.unwrap_or(Axes::RDF), report)
}

/// The records of a file, and where they stand in it.
fn records<'a>(file: &str, bytes: &'a [u8]) -> Result<(u64, &'a [[u8; RECORD]])> {
    let wrong = |field: &str, offset: u64, why: String| Error::malformed(file, field, offset, why);
    let Some((head, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(wrong("header", 0, "the file ends within it; copy or export it again".to_owned()));
    };
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
    let json = rest.get(..length).filter(|_| length <= MAX_JSON).ok_or_else(|| {
        let why = format!("promises {length} bytes where {} follow; copy or export it again", rest.len());
        wrong("length of the JSON", 4, why)
    })?;
    let entries: Vec<Entry> = serde_json::from_slice(json)
        .map_err(|source| wrong("JSON", 8, format!("{source}; export the file again")))?;
    let mut at = 8 + length as u64;
    for entry in &entries {
        if entry.r#type == "splat" {
            return Ok((at, texture(file, bytes, at, entry)?));
        }
        at = at
            .checked_add(entry.size)
            .ok_or_else(|| wrong("size", 8, "beyond any file; export it again".to_owned()))?;
    }
    Err(wrong("JSON", 8, "no entry of type splat; export the file again".to_owned()))
}

/// The texture of an entry whose bytes begin at `at`.
fn texture<'a>(file: &str, bytes: &'a [u8], at: u64, entry: &Entry) -> Result<&'a [[u8; RECORD]]> {
    let wrong = |why: String| Error::malformed(file, "entry splat", at, why);
    let texels = match (entry.texwidth, entry.texheight) {
        (Some(width), Some(height)) => width.checked_mul(height).and_then(|texels| texels.checked_mul(16)),
        _ => Some(entry.size),
    };
    if texels != Some(entry.size) {
        let why = "its size is not that of its texture of texwidth × texheight texels; export the file again";
        return Err(wrong(why.to_owned()));
    }
    let end = at.checked_add(entry.size).and_then(|end| usize::try_from(end).ok());
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let texture = end.and_then(|end| bytes.get(start..end)).ok_or_else(|| {
        let left = bytes.len().saturating_sub(start);
        wrong(format!("promises {} bytes where {left} follow; copy or export it again", entry.size))
    })?;
    Ok(texture.as_chunks().0)
}

/// One record.
fn temporal_of(record: &[u8; RECORD]) -> Temporal {
    let word = |index: usize| u32::from_le_bytes(std::array::from_fn(|byte| record[index * 4 + byte]));
    let single = |index: usize| f64::from(f32::from_bits(word(index)));
    // Halves stand two in a word, the first in its lower part.
    let half = |index: usize| f64::from(f16::from_le_bytes([record[index * 2], record[index * 2 + 1]]));
    let [red, green, blue, opacity] = word(7).to_le_bytes().map(|byte| f64::from(byte) / 255.0);
    let quaternion = |first: usize| [half(first + 1), half(first + 2), half(first + 3), half(first)];
    Temporal {
        mean: [single(0), single(1), single(2)],
        motion: [16, 19, 22].map(|first| [half(first), half(first + 1), half(first + 2)]),
        rotation: quaternion(6),
        spin: quaternion(26),
        scale: [half(10), half(11), half(12)],
        opacity,
        colour: [red, green, blue],
        t0: half(30),
        sigma: half(31) / std::f64::consts::SQRT_2,
        least: LEAST,
        ..Temporal::DEFAULT
    }
}
