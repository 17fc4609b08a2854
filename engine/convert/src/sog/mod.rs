//! SOG of `PlayCanvas` (Spatially Ordered Gaussians): attributes as lossless WebP pictures, told by a `meta.json`; versions 1
//! and 2, in a folder or bundled in a zip archive.
//!
//! `meta` makes all versions one; `planes` decodes. The specification says y up, but its writer puts splats on the axes of
//! the trainer, y down, as a PLY has them, and so does every public file: that is the custom here.

pub(crate) mod meta;
pub(crate) mod planes;

use std::path::Path;

use serde::Deserialize;
use vivant::{Error, Result};

use crate::bundle::Bundle;
use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::options::Options;
use crate::ply::Kind;
use crate::probe::Probe;
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::{Axes, cleanse};
use meta::{Layout, Meta};

/// Name of the manifest in a folder or archive.
pub(crate) const MANIFEST: &str = "meta.json";

/// Name of what tells the parts of a streamed scene.
const STREAMED: &str = "lod-meta.json";

/// What is read of SOG.
pub(crate) const FORMAT: Format = Format {
    name: "sog",
    system: "SOG 1 and 2 (PlayCanvas, SuperSplat): .sog, a folder with meta.json, or that file; in sequence too",
    fidelity: Fidelity::Exact,
    limits: "not streamed SOG (lod-meta.json)",
    detect,
    open: Open::Still(Still { probe, read, settle: settled }),
};

/// What tells a manifest apart.
#[derive(Debug, Deserialize)]
struct Sketch {
    version: Option<u64>,
    means: Option<serde_json::Map<String, serde_json::Value>>,
    quats: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The version by the manifest of an input, 1 where none is said; `None` for what holds no such manifest.
pub(crate) fn version(probe: &Probe) -> Option<u64> {
    let json = probe.start.trim_ascii_start().starts_with(b"{");
    if !probe.holds(MANIFEST) && !json {
        return None;
    }
    let sketch: Sketch = Bundle::open(&probe.path, MANIFEST).ok()?.read_manifest().ok()?;
    (sketch.means.is_some() && sketch.quats.is_some()).then_some(sketch.version.unwrap_or(1))
}

fn detect(probe: &Probe) -> bool {
    is_streamed(&probe.path, probe.holds(STREAMED)) || version(probe).is_some_and(|version| version != 4)
}

fn is_streamed(path: &Path, holds: bool) -> bool {
    holds || path.file_name().is_some_and(|name| name == STREAMED)
}

/// Opens the manifest.
fn open(path: &Path) -> Result<(Bundle, Layout)> {
    if is_streamed(path, path.join(STREAMED).is_file()) {
        return Err(Error::unsupported(format!(
            "{}: a streamed SOG scene in many parts; save it as one .sog",
            path.display()
        )));
    }
    let mut bundle = Bundle::open(path, MANIFEST)?;
    let meta: Meta = bundle.read_manifest()?;
    if let Some(version) = meta.version.filter(|version| *version != 2) {
        let file = bundle.manifest();
        return Err(Error::unsupported(format!("{file}: SOG version {version}; save it as version 2")));
    }
    let layout = meta.layout().map_err(|(field, why)| Error::malformed(&bundle.manifest(), field, 0, why))?;
    Ok((bundle, layout))
}

/// What a manifest says.
fn probe(path: &Path) -> Result<Summary> {
    let (mut bundle, layout) = open(path)?;
    planes::check_count(&mut bundle, &layout)?;
    let sh_degree = layout.palette.as_ref().map_or(Ok(0), |palette| planes::degree(&mut bundle, palette))?;
    let appearance = layout.appearance;
    Ok(Summary { kind: Kind::Gaussians, splats: layout.count, sh_degree, appearance })
}

/// Reads a scene.
fn read(path: &Path, options: &Options) -> Result<Imported> {
    let (mut bundle, layout) = open(path)?;
    let mut report = Report { files: 1, read: layout.count, ..Report::default() };
    report.notes.extend(layout.note.clone());
    let mut splats = planes::splats(&mut bundle, &layout)?;
    let dropped = cleanse::cleanse(bundle.file(), 0, &mut splats, &mut report)?;
    options.axes.unwrap_or(Axes::RDF).apply(&mut splats);
    let ids = cleanse::kept(splats.len() + dropped.len(), &dropped);
    Ok(Imported { splats, ids, report })
}
