//! `.spz`, Niantic's compressed splats, versions 1 to 4: a header, and six arrays of bytes one behind the other.
//!
//! Versions 1 to 3 are one gzip stream, version 4 a zstd frame an array with a table of their sizes (`container`). The
//! arrays hold, in this order, means, opacities, colours, scales, rotations and harmonics (`splats`). The axes are ours
//! (right, up, back) unless an extension record says otherwise. From the writer's source and description (MIT).
//! `write` is the way back, as version 3, which every reader of the format knows.

mod container;
mod splats;
mod write;

use std::path::Path;

use vivant::splat::{Antialias, Appearance, Splats};
use vivant::{Error, Result};

use crate::Axes;
use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::options::Options;
use crate::ply::Kind;
use crate::probe::Probe;
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::still::{bytes_of, finish};

pub(crate) use write::bytes_of_splats;

/// What is read of it.
pub(crate) const FORMAT: Format = Format {
    name: "spz",
    system: ".spz: Niantic's compressed splats, versions 1 to 4 (Scaniverse, and what converts)",
    fidelity: Fidelity::Exact,
    limits: "harmonics of degree 4 are cut to 3; extension records but the axes are passed over",
    detect: |probe| is_one(probe) || probe.has_extension("spz"),
    open: Open::Still(Still { probe, read, settle: settled }),
};

/// The first four bytes, of the file or of what is packed.
const MAGIC: &[u8; 4] = b"NGSP";

/// Harmonics of degree 4 that are read and left out.
const NOTE_DEGREE_4: &str = "harmonics of degree 4 are left out: 3 is the most that is played";

fn is_one(probe: &Probe) -> bool {
    probe.starts_with(MAGIC) || container::starts_packed(&probe.start)
}

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    version: u32,
    splats: usize,
    /// 0..=4.
    sh_degree: u8,
    /// Binary places of a mean.
    fraction_bits: u8,
    antialiased: bool,
    /// Whether extension records are there.
    extended: bool,
}

impl Header {
    /// Bytes of each array.
    fn sizes(&self) -> [usize; 6] {
        let mean = if self.version == 1 { 6 } else { 9 };
        let rotation = if self.version >= 3 { 4 } else { 3 };
        [mean, 1, 3, 3, rotation, self.harmonics()].map(|bytes| bytes * self.splats)
    }

    /// Harmonics of a splat.
    fn harmonics(&self) -> usize {
        let side = usize::from(self.sh_degree) + 1;
        3 * (side * side - 1)
    }

    fn played_degree(&self) -> u8 {
        self.sh_degree.min(3)
    }

    fn appearance(&self) -> Appearance {
        let antialias = if self.antialiased { Antialias::Mip } else { Antialias::default() };
        Appearance { antialias, ..Appearance::default() }
    }
}

/// A file unpacked.
struct Unpacked {
    header: Header,
    arrays: [Vec<u8>; 6],
    /// The axes that an extension record names.
    axes: Option<Axes>,
}

/// Splats of bytes that lie in a larger file, as they are stored: not cleansed, on the file's axes.
pub(crate) struct Stored {
    pub(crate) splats: Splats,
    pub(crate) axes: Axes,
    pub(crate) note: Option<&'static str>,
}

/// Decodes the bytes of a file; errors call it `file`.
///
/// # Errors
/// [`Error::Malformed`], [`Error::Unsupported`] and [`Error::LimitExceeded`].
pub(crate) fn decode(file: &str, bytes: &[u8]) -> Result<Stored> {
    let unpacked = container::unpack(file, bytes)?;
    let header = unpacked.header;
    Ok(Stored {
        splats: splats::splats(&unpacked),
        axes: unpacked.axes.unwrap_or(Axes::RUB),
        note: (header.sh_degree > 3).then_some(NOTE_DEGREE_4),
    })
}

/// What the first bytes of a file say.
///
/// # Errors
/// As [`decode`].
pub(crate) fn summary(file: &str, bytes: &[u8]) -> Result<Summary> {
    let header = container::header(file, bytes)?;
    Ok(Summary {
        kind: Kind::Gaussians,
        splats: header.splats as u64,
        sh_degree: header.played_degree(),
        appearance: header.appearance(),
    })
}

fn probe(path: &Path) -> Result<Summary> {
    summary(&path.display().to_string(), &bytes_of(path)?)
}

fn read(path: &Path, options: &Options) -> Result<Imported> {
    let file = path.display().to_string();
    let stored = decode(&file, &bytes_of(path)?)?;
    let mut report = Report { files: 1, read: stored.splats.len() as u64, ..Report::default() };
    stored.note.into_iter().for_each(|note| report.note(note));
    finish(&file, "splats", 0, stored.splats, report, options.axes.unwrap_or(stored.axes))
}

/// An error about a field.
fn wrong(file: &str, field: &str, at: u64, why: impl Into<String>) -> Error {
    Error::malformed(file, field, at, why)
}
