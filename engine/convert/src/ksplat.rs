//! `.ksplat`, the format of mkkellogg's GaussianSplats3D: a header, headers of sections, sections.
//!
//! ```text
//! header, 4096 B   0 u8 major (0), 1 u8 minor (1); 4 u32 sections there is room for; 20 u16 compression level 0..2;
//!                  36 f32 least harmonic, 40 f32 greatest (level 2); the counts of splats are not kept up by all writers
//! section header,  4 u32 splats; 8 u32 splats of a full bucket; 12 u32 buckets; 16 f32 side of a block; 20 u16 bytes of a
//! 1024 B each      bucket (12); 24 u32 range (32767); 32 u32 full buckets; 36 u32 part-filled ones; 40 u16 SH degree 0..2
//! section          u32 splats of each part-filled bucket; f32 × 3 centre of each bucket; splats, bucket by bucket
//! splat            level 0: f32 × 3 mean, × 3 scale, × 4 rotation w x y z; u8 × 4 colour and opacity; f32 harmonics
//!                  levels 1, 2: u16 × 3 mean, f16 × 3 scale, × 4 rotation; u8 × 4; harmonics f16 (1) or u8 (2)
//! ```
//! A mean of level 1 or 2 is `centre + (u16 − range) · side / 2 / range`. Harmonics of a degree stand red, green, blue,
//! one degree behind the other. The axes are those of the PLY it was made from. From the writer's source (MIT).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use half::f16;
use vivant::splat::{Splat, Splats};
use vivant::{Error, Result};

use crate::Axes;
use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::options::Options;
use crate::probe::Probe;
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::still::{bytes_of, check_count, finish, float_at, half_at, word_at};

/// What is read of it.
pub(crate) const FORMAT: Format = Format {
    name: "ksplat",
    system: ".ksplat: GaussianSplats3D, compression levels 0 to 2",
    fidelity: Fidelity::Exact,
    limits: "version 0.1; harmonics up to degree 2, as its writer saves",
    detect: |probe| is_one(probe) || probe.has_extension("ksplat"),
    open: Open::Still(Still { probe, read, settle: settled }),
};

/// Bytes of the header and of a section's.
const HEADER: usize = 4096;
const SECTION: usize = 1024;
/// Version that is read.
const VERSION: [u8; 2] = [0, 1];
/// Most sections: more have no room in any file that was ever written.
const MAX_SECTIONS: usize = 4096;
/// Bytes of a bucket: its centre.
const CENTRE: usize = 12;
/// The range of harmonics where the header has none.
const HARMONICS: f32 = 1.5;

/// Whether it has the version and a sensible level and number of sections: there is no magic.
fn is_one(probe: &Probe) -> bool {
    let start = probe.start.as_slice();
    let sections = word_at(start, 4).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    start.get(..4) == Some(&[VERSION[0], VERSION[1], 0, 0])
        && half_at(start, 20).is_some_and(|level| level <= 2)
        && (1..=MAX_SECTIONS).contains(&sections)
        && probe.length >= (HEADER + sections * SECTION) as u64
        // The rest of the header is empty.
        && start.get(64..HEADER).is_some_and(|rest| rest.iter().all(|&byte| byte == 0))
}

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Floats,
    Halves,
    HalvesAndBytes,
}

impl Level {
    /// Bytes of a splat before its harmonics, and of a harmonic.
    const fn bytes(self) -> (usize, usize) {
        match self {
            Self::Floats => (44, 4),
            Self::Halves => (24, 2),
            Self::HalvesAndBytes => (24, 1),
        }
    }
}

/// A run of splats.
#[derive(Debug, Clone)]
struct Section {
    splats: usize,
    sh_degree: u8,
    stride: usize,
    /// Splats of a full bucket, and the number of those.
    full: (usize, usize),
    /// Byte offsets: of the counts of part-filled buckets, of the centres, of the splats.
    partial: usize,
    centres: usize,
    records: usize,
    buckets: usize,
    part_filled: usize,
    /// Metres of a step of a mean, and the step of the centre.
    step: f64,
    range: f64,
}

/// A file taken apart.
struct Parsed<'a> {
    bytes: &'a [u8],
    level: Level,
    harmonics: [f32; 2],
    sections: Vec<Section>,
}

impl<'a> Parsed<'a> {
    /// Reads the headers from the start of a file of `length` bytes.
    fn new(file: &str, bytes: &'a [u8], length: u64) -> Result<Self> {
        let wrong = |field: &str, at: usize, why: String| Error::malformed(file, field, at as u64, why);
        let cut = || wrong("header", bytes.len(), "the file ends here; copy or export it again".to_owned());
        let word = |at: usize| word_at(bytes, at).ok_or_else(cut);
        if bytes.get(..2).ok_or_else(cut)? != VERSION {
            let why = format!("{}.{}: only 0.1 is read; export it again", bytes[0], bytes[1]);
            return Err(wrong("version", 0, why));
        }
        let level = match half_at(bytes, 20).ok_or_else(cut)? {
            0 => Level::Floats,
            1 => Level::Halves,
            2 => Level::HalvesAndBytes,
            level => {
                return Err(wrong("compression level", 20, format!("{level}; export it with 0, 1 or 2")));
            }
        };
        let count = usize::try_from(word(4)?).unwrap_or(usize::MAX);
        if !(1..=MAX_SECTIONS).contains(&count) || (HEADER + count * SECTION) as u64 > length {
            let why = format!("{count} sections in a file of {length} bytes; copy or export it again");
            return Err(wrong("section count", 4, why));
        }
        let end = |at: usize, least: f32| {
            float_at(bytes, at).filter(|value| value.is_finite() && *value != 0.0).unwrap_or(least)
        };
        let harmonics = [end(36, -HARMONICS), end(40, HARMONICS)];
        let mut sections = Vec::new();
        let mut at = HEADER + count * SECTION;
        for number in 0..count {
            let header = HEADER + number * SECTION;
            let (section, next) = Section::parse(file, bytes, header, level, at)?;
            if next as u64 > length {
                let why = format!(
                    "its {} splats reach to byte {next} of {length}; copy or export it again",
                    section.splats
                );
                return Err(wrong(&format!("section {number}"), header, why));
            }
            at = next;
            sections.push(section);
        }
        let splats = sections.iter().map(|section| section.splats as u64).sum();
        check_count(file, splats)?;
        Ok(Self { bytes, level, harmonics, sections })
    }

    fn splats(&self) -> u64 {
        self.sections.iter().map(|section| section.splats as u64).sum()
    }

    fn sh_degree(&self) -> u8 {
        self.sections.iter().map(|section| section.sh_degree).max().unwrap_or(0)
    }

    fn push(&self, section: &Section, out: &mut Splats) {
        let (full, full_count) = section.full;
        let lengths = (0..section.buckets).map(|bucket| match bucket.checked_sub(full_count) {
            None => full,
            Some(part) if part < section.part_filled => {
                let length = word_at(self.bytes, section.partial + part * 4);
                length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0)
            }
            Some(_) => 0,
        });
        let mut buckets =
            lengths.enumerate().flat_map(|(bucket, length)| std::iter::repeat_n(bucket, length));
        let last = section.buckets.saturating_sub(1);
        let mut rest = Vec::with_capacity(24);
        for index in 0..section.splats {
            let bucket = buckets.next().unwrap_or(last);
            let at = section.records + index * section.stride;
            rest.clear();
            self.harmonics_of(section, at + self.level.bytes().0, &mut rest);
            out.push(&self.splat(section, at, bucket), &rest);
        }
    }

    /// Number `number` of a splat at `at`, which is a mean's, a scale's or a rotation's.
    fn number(&self, at: usize, number: usize) -> f32 {
        match self.level {
            Level::Floats => float_at(self.bytes, at + number * 4),
            _ => half_at(self.bytes, at + number * 2).map(|bits| f16::from_bits(bits).to_f32()),
        }
        .unwrap_or_default()
    }

    fn splat(&self, section: &Section, at: usize, bucket: usize) -> Splat {
        let mean: [f32; 3] = std::array::from_fn(|axis| {
            if self.level == Level::Floats {
                return self.number(at, axis);
            }
            let centre = float_at(self.bytes, section.centres + bucket * CENTRE + axis * 4);
            let steps = f64::from(half_at(self.bytes, at + axis * 2).unwrap_or_default()) - section.range;
            #[expect(clippy::cast_possible_truncation, reason = "the model is f32")]
            let mean = (f64::from(centre.unwrap_or_default()) + steps * section.step) as f32;
            mean
        });
        let [w, x, y, z] = std::array::from_fn(|part| self.number(at, 6 + part));
        let colour_at = at + self.level.bytes().0 - 4;
        let byte = |number: usize| {
            f32::from(self.bytes.get(colour_at + number).copied().unwrap_or_default()) / 255.0
        };
        Splat {
            mean,
            rotation: [x, y, z, w],
            scale: std::array::from_fn(|axis| self.number(at, 3 + axis)),
            opacity: byte(3),
            colour: [byte(0), byte(1), byte(2)],
            ..Splat::DEFAULT
        }
    }

    /// Appends the harmonics at `at`, coefficient by coefficient.
    fn harmonics_of(&self, section: &Section, at: usize, rest: &mut Vec<f32>) {
        let mut first = 0;
        for degree in 1..=usize::from(section.sh_degree) {
            let coefficients = 2 * degree + 1;
            for coefficient in 0..coefficients {
                for channel in 0..3 {
                    rest.push(self.harmonic(at, first + channel * coefficients + coefficient));
                }
            }
            first += 3 * coefficients;
        }
    }

    fn harmonic(&self, at: usize, number: usize) -> f32 {
        let [least, most] = self.harmonics;
        match self.level {
            Level::HalvesAndBytes => {
                let byte = self.bytes.get(at + number).copied().unwrap_or_default();
                least + f32::from(byte) / 255.0 * (most - least)
            }
            _ => self.number(at, number),
        }
    }
}

impl Section {
    /// Reads the header at `header` of a section whose bytes begin at `base`; also where they end.
    fn parse(file: &str, bytes: &[u8], header: usize, level: Level, base: usize) -> Result<(Self, usize)> {
        let wrong = |field: &str, at: usize, why: &str| {
            Error::malformed(file, field, (header + at) as u64, why.to_owned())
        };
        let cut = || wrong("section header", 0, "the file ends here; copy or export it again");
        let word = |at: usize| {
            let value = word_at(bytes, header + at).ok_or_else(cut)?;
            usize::try_from(value).ok().ok_or_else(cut)
        };
        let sh_degree = half_at(bytes, header + 40).ok_or_else(cut)?;
        let (before, harmonic) = level.bytes();
        let (degree, harmonics) = match sh_degree {
            0 => (0, 0),
            1 => (1, 9),
            2 => (2, 24),
            _ => return Err(wrong("SH degree", 40, "harmonics come to degree 2; export it again")),
        };
        let splats = word(4)?;
        let (buckets, part_filled, full_count) = (word(12)?, word(36)?, word(32)?);
        let bucket_bytes = usize::from(half_at(bytes, header + 20).ok_or_else(cut)?);
        if buckets > 0 && bucket_bytes != CENTRE {
            return Err(wrong("bucket bytes", 20, "a bucket is 12 bytes, its centre; export it again"));
        }
        if level != Level::Floats && splats > 0 && buckets == 0 {
            return Err(wrong("bucket count", 12, "no bucket says where its splats are; export it again"));
        }
        if full_count > buckets || part_filled > buckets - full_count {
            return Err(wrong(
                "bucket count",
                12,
                "less than its full and part-filled ones; export it again",
            ));
        }
        let range = word(24)?;
        let range = if range == 0 { 32_767.0 } else { range as f64 };
        let side = f64::from(float_at(bytes, header + 16).ok_or_else(cut)?);
        let stride = before + harmonics * harmonic;
        let sizes = |_overflow: ()| {
            let centres = part_filled.checked_mul(4)?.checked_add(base)?;
            let records = buckets.checked_mul(bucket_bytes)?.checked_add(centres)?;
            let end = splats.checked_mul(stride)?.checked_add(records)?;
            Some((centres, records, end))
        };
        let (centres, records, end) =
            sizes(()).ok_or_else(|| wrong("splat count", 4, "more than any file holds; export it again"))?;
        let section = Self {
            splats,
            sh_degree: degree,
            stride,
            full: (word(8)?, full_count),
            partial: base,
            centres,
            records,
            buckets,
            part_filled,
            step: side * 0.5 / range,
            range,
        };
        Ok((section, end))
    }
}

fn probe(path: &Path) -> Result<Summary> {
    let mut file = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
    let length = file.metadata().map_err(|source| Error::io(path, "cannot open", source))?.len();
    let mut start = Vec::new();
    let most = (HEADER + MAX_SECTIONS * SECTION) as u64;
    file.by_ref()
        .take(most)
        .read_to_end(&mut start)
        .map_err(|source| Error::io(path, "cannot read", source))?;
    let parsed = Parsed::new(&path.display().to_string(), &start, length)?;
    Ok(Summary::gaussians(parsed.splats(), parsed.sh_degree()))
}

fn read(path: &Path, options: &Options) -> Result<Imported> {
    let bytes = bytes_of(path)?;
    let file = path.display().to_string();
    let parsed = Parsed::new(&file, &bytes, bytes.len() as u64)?;
    let mut splats = Splats::new(parsed.sh_degree());
    for section in &parsed.sections {
        parsed.push(section, &mut splats);
    }
    let report = Report { files: 1, read: parsed.splats(), ..Report::default() };
    let at = parsed.sections.first().map_or(0, |section| section.records as u64);
    finish(&file, "splats", at, splats, report, options.axes.unwrap_or(Axes::RDF))
}
