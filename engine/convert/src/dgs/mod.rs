//! `.dgs`, version 1.1: `DualGS` performances (Jiang et al. 2024) as its Unity player takes them.
//!
//! ```text
//! NAME.dgs            {"version":"1.1","fps":30,"frame_count":F,"block_size":20,"data_path":"Data","ply_offset":0}
//! Data/Block0.dgsblk  a zip archive with all that the frames of a block need
//! ```
//! The same splats in the same order in every frame. A block is decoded from its start, so a frame costs the replay of those
//! before it in its block ([`block`]); the blocks last used are kept, two at most. The last block may be short.

mod block;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use vivant::splat::ClipInfo;
use vivant::{Error, Result};

use crate::Fps;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::probe::Probe;
use crate::recent::Recent;
use crate::report::Report;
use crate::sequence::{self, Sequence};
use crate::source::Imported;

use block::Block;

/// What is read of `DualGS`.
pub(crate) const FORMAT: Format = Format {
    name: "dgs",
    system: "DualGS (.dgs with its blocks)",
    fidelity: Fidelity::Exact,
    limits: "",
    detect: is_dgs,
    open: Open::Sequence(open),
};

/// Most bytes of the `.dgs` file.
const MAX_MANIFEST: u64 = 1 << 20;
/// Most frames, as of any sequence.
const MAX_FRAMES: u64 = 1 << 20;
/// Most frames of a block; the writer's default is 20.
const MAX_BLOCK: u64 = 4096;

/// A JSON object with these two keys, or a folder with one such file.
fn is_dgs(probe: &Probe) -> bool {
    if probe.folder {
        return probe.names.iter().filter(|name| name.ends_with(".dgs")).count() == 1;
    }
    let text = String::from_utf8_lossy(&probe.start);
    text.trim_start().starts_with('{')
        && ["\"block_size\"", "\"data_path\""].iter().all(|key| text.contains(key))
}

#[derive(Debug, Deserialize)]
struct Manifest {
    version: String,
    #[serde(default)]
    fps: Option<f64>,
    frame_count: u64,
    block_size: u64,
    data_path: String,
}

#[derive(Debug)]
struct Dgs {
    /// The manifest, then the blocks.
    files: Vec<PathBuf>,
    frames: usize,
    block_size: usize,
    /// Splats of every block.
    splats: Vec<u64>,
    fps: Fps,
    options: Options,
    recent: Recent<Block>,
}

fn open(path: &Path, options: &Options) -> Result<Box<dyn Sequence>> {
    let path = &if path.is_dir() { manifest_in(path)? } else { path.to_owned() };
    let file = path.display().to_string();
    let manifest = read_manifest(path, &file)?;
    let wrong =
        |field: &str, why: String| Error::malformed(&file, field, 0, format!("{why}; export it again"));
    if !manifest.version.starts_with("1.") {
        return Err(Error::unsupported(format!("{file}: version {}; 1.1 is read", manifest.version)));
    }
    for (field, value, limit) in
        [("frame_count", manifest.frame_count, MAX_FRAMES), ("block_size", manifest.block_size, MAX_BLOCK)]
    {
        if value == 0 {
            return Err(wrong(field, "0".to_owned()));
        }
        if value > limit {
            return Err(Error::LimitExceeded { what: format!("{file}: {field}"), value, limit });
        }
    }
    let data = Path::new(&manifest.data_path);
    if !data.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(wrong("data_path", format!("'{}' leads out of the folder", data.display())));
    }
    let folder = path.parent().unwrap_or(Path::new("")).join(data);
    let count = usize::try_from(manifest.frame_count.div_ceil(manifest.block_size)).unwrap_or(usize::MAX);
    let blocks: Vec<PathBuf> =
        (0..count).map(|number| folder.join(format!("Block{number}.dgsblk"))).collect();
    let splats = blocks.iter().map(|block| block::splats_in(block)).collect::<Result<Vec<u64>>>()?;
    // The user's own rate comes first; the default is nobody's wish.
    let fps = match manifest.fps.filter(|_| options.fps == Fps::default()) {
        Some(fps) => fps.to_string().parse().map_err(|error: Error| wrong("fps", error.to_string()))?,
        None => options.fps,
    };
    let files = std::iter::once(path.clone()).chain(blocks).collect();
    Ok(Box::new(Dgs {
        files,
        frames: usize::try_from(manifest.frame_count).unwrap_or(usize::MAX),
        block_size: usize::try_from(manifest.block_size).unwrap_or(usize::MAX),
        splats,
        fps,
        options: options.clone(),
        recent: Recent::default(),
    }))
}

fn manifest_in(folder: &Path) -> Result<PathBuf> {
    let names = crate::probe::names_in(folder)?;
    let found = names.into_iter().find(|name| name.ends_with(".dgs"));
    let found = found.ok_or_else(|| Error::invalid(format!("{}: no .dgs file in it", folder.display())))?;
    Ok(folder.join(found))
}

fn read_manifest(path: &Path, file: &str) -> Result<Manifest> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
    if metadata.len() > MAX_MANIFEST {
        let what = format!("{file}: bytes of the description");
        return Err(Error::LimitExceeded { what, value: metadata.len(), limit: MAX_MANIFEST });
    }
    let text = std::fs::read(path).map_err(|source| Error::io(path, "cannot read", source))?;
    serde_json::from_slice(&text).map_err(|error| {
        let why = format!("line {}: {error}; export it again", error.line());
        Error::malformed(file, "description", error.column() as u64, why)
    })
}

impl Dgs {
    /// The block of this number, read unless it is at hand.
    fn block(&self, number: usize) -> Result<Arc<Block>> {
        let frames = self.block_size.min(self.frames - number * self.block_size);
        self.recent.get(number, || Block::read(&self.files[number + 1], frames))
    }
}

impl Sequence for Dgs {
    fn info(&self) -> ClipInfo {
        sequence::info_of(self.frames, self.fps, 3)
    }

    fn frame_count(&self) -> usize {
        self.frames
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn splats_in(&self, index: usize) -> u64 {
        self.splats.get(index / self.block_size).copied().unwrap_or(0)
    }

    fn read_frame(&self, index: usize) -> Result<Imported> {
        if index >= self.frames {
            return Err(Error::invalid(format!("frame {index} of a sequence of {}", self.frames)));
        }
        let block = self.block(index / self.block_size)?;
        let splats = block.frame(index % self.block_size)?;
        sequence::finish(block.file(), 0, splats, &self.options)
    }

    fn keeps_identity(&self) -> Result<bool> {
        Ok(self.frames > 1 && self.splats.windows(2).all(|pair| pair[0] == pair[1]))
    }

    fn report(&self) -> Report {
        Report { files: self.files.len() as u64, ..Report::default() }
    }
}
