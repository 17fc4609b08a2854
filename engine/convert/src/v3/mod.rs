//! `VideoGS` (V3, Wang et al. 2024): the attributes of every frame as pixels of videos, which an installed `ffmpeg` decodes.
//!
//! ```text
//! viewer_min_max.json   {"100": {"num": N, "info": [min0, max0, min1, max1, …]}, …}     by frame
//! group_info.json       {"0": {"frame_index": [0, 19], "name_index": [100, 119]}, …}    which frames a group holds
//! group0/0.mp4 …        one video an 8-bit attribute; pixel i, row by row, is splat i
//! ```
//! The attributes are x y z (16 bits: video 2i the low byte, 2i+1 the high), nx ny nz (videos 6 to 8, of no use), from video
//! 9 on `f_dc` and harmonics (coefficient-major), opacity (0..1), scales (linear) and the quaternion, w first. Each is
//! `min + (max − min)·value/255` (65535). A picture is a square whose side is the least multiple of 8 that holds all splats.
//! Within a group a splat keeps its place; groups begin anew, so a splat is known by its group and its place.

mod video;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use vivant::splat::{ClipInfo, SH_C0, Splats};
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::MAX_SPLATS;
use crate::recent::Recent;
use crate::report::Report;
use crate::rows;
use crate::sequence::{self, Sequence};
use crate::source::Imported;

/// What is read of `VideoGS`.
pub(crate) const FORMAT: Format = Format {
    name: "v3",
    system: "VideoGS / V3 (a folder with viewer_min_max.json, group_info.json and the videos)",
    fidelity: Fidelity::Exact,
    limits: "needs ffmpeg installed, which decodes the videos",
    detect: |probe| probe.folder && probe.holds(RANGES) && probe.holds(GROUPS),
    open: Open::Sequence(open),
};

const RANGES: &str = "viewer_min_max.json";
const GROUPS: &str = "group_info.json";

/// Most bytes of a JSON file.
const MAX_JSON: u64 = 256 << 20;
/// Most bytes of a group's decoded videos.
const MAX_GROUP: u64 = 4 << 30;
/// The decoded videos of a group by number: a luma plane a frame, one after the other.
type Planes = Vec<Vec<u8>>;

/// Attributes of each SH degree: 6 + 3·(degree+1)² + 8.
const ATTRIBUTES: [usize; 4] = [17, 26, 41, 62];

#[derive(Debug, Deserialize)]
struct Range {
    num: u64,
    info: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Names {
    name_index: [i64; 2],
}

/// A run of frames whose videos belong together.
#[derive(Debug)]
struct Group {
    folder: PathBuf,
    /// First frame of the clip.
    first: usize,
    frames: usize,
    splats: usize,
    /// Number of the group's first splat among all groups' splats.
    first_id: Option<u32>,
}

#[derive(Debug)]
struct V3 {
    file: String,
    files: Vec<PathBuf>,
    groups: Vec<Group>,
    /// Group and ranges of every frame.
    frames: Vec<(usize, Vec<f64>)>,
    sh_degree: u8,
    options: Options,
    recent: Recent<Planes>,
}

fn open(path: &Path, options: &Options) -> Result<Box<dyn Sequence>> {
    let file = path.join(RANGES).display().to_string();
    let mut ranges: BTreeMap<i64, Range> = numbered(&path.join(RANGES))?;
    let names: BTreeMap<i64, Names> = numbered(&path.join(GROUPS))?;
    let mut groups: Vec<Group> = Vec::new();
    let mut frames = Vec::new();
    let mut attributes = None;
    let mut next_id = Some(0_u32);
    for (number, Names { name_index: [low, high] }) in names {
        let own: Vec<i64> =
            if low <= high { ranges.range(low..=high).map(|(&name, _)| name).collect() } else { Vec::new() };
        let group = Group {
            folder: path.join(format!("group{number}")),
            first: frames.len(),
            frames: own.len(),
            splats: 0,
            first_id: next_id,
        };
        let mut splats = None;
        for name in own {
            let Some(range) = ranges.remove(&name) else { continue };
            let wrong = |why: String| {
                Error::malformed(&file, &format!("frame {name}"), 0, format!("{why}; export it again"))
            };
            if range.num == 0 || range.num > MAX_SPLATS {
                return Err(wrong(format!("{} splats, where 1 to {MAX_SPLATS} are read", range.num)));
            }
            if *splats.get_or_insert(range.num) != range.num {
                return Err(wrong(format!("{} splats in a group of other frames", range.num)));
            }
            let count = range.info.len() / 2;
            if range.info.len() % 2 != 0 || *attributes.get_or_insert(count) != count {
                return Err(wrong(format!(
                    "{} limits of attributes, unlike the frames before",
                    range.info.len()
                )));
            }
            frames.push((groups.len(), range.info));
        }
        let Some(splats) = splats else { continue };
        next_id = next_id.and_then(|id| id.checked_add(u32::try_from(splats).ok()?));
        groups.push(Group { splats: usize::try_from(splats).unwrap_or(usize::MAX), ..group });
    }
    let attributes = attributes.unwrap_or(0);
    let Some(sh_degree) = (0..4).find(|&degree| ATTRIBUTES[usize::from(degree)] == attributes) else {
        let why = format!("{attributes} attributes a frame, where 17, 26, 41 or 62 belong; export it again");
        return Err(Error::malformed(&file, "info", 0, why));
    };
    let mut files = vec![path.join(RANGES), path.join(GROUPS)];
    for group in &groups {
        files.extend(channels(attributes).map(|channel| group.folder.join(format!("{channel}.mp4"))));
    }
    // A video that is missing is found now and not after an hour.
    for video in &files {
        std::fs::metadata(video).map_err(|source| Error::io(video, "cannot open", source))?;
    }
    video::check(options)?;
    let (options, recent) = (options.clone(), Recent::default());
    Ok(Box::new(V3 { file, files, groups, frames, sh_degree, options, recent }))
}

/// The videos that are read: all but the normals'.
fn channels(attributes: usize) -> impl Iterator<Item = usize> {
    (0..6).chain(9..attributes + 3)
}

/// A JSON object whose keys are numbers.
fn numbered<T: DeserializeOwned>(path: &Path) -> Result<BTreeMap<i64, T>> {
    let file = path.display().to_string();
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
    if metadata.len() > MAX_JSON {
        let what = format!("{file}: bytes");
        return Err(Error::LimitExceeded { what, value: metadata.len(), limit: MAX_JSON });
    }
    let text = std::fs::read(path).map_err(|source| Error::io(path, "cannot read", source))?;
    serde_json::from_slice(&text).map_err(|error| {
        let why = format!("line {}: {error}; copy or export it again", error.line());
        Error::malformed(&file, "JSON", error.column() as u64, why)
    })
}

/// The side of the picture that holds so many splats.
fn side_of(splats: usize) -> usize {
    let side = splats.isqrt() + usize::from(splats.isqrt().pow(2) < splats);
    side.div_ceil(8) * 8
}

impl V3 {
    /// The videos of a group, decoded unless they are at hand.
    fn planes(&self, number: usize) -> Result<Arc<Planes>> {
        self.recent.get(number, || self.decode(&self.groups[number]))
    }

    fn decode(&self, group: &Group) -> Result<Planes> {
        let attributes = ATTRIBUTES[usize::from(self.sh_degree)];
        let each = side_of(group.splats).pow(2) as u64 * group.frames as u64;
        let all = each.saturating_mul(attributes as u64);
        if all > MAX_GROUP {
            let what = format!("{}: bytes of its videos decoded", group.folder.display());
            return Err(Error::LimitExceeded { what, value: all, limit: MAX_GROUP });
        }
        let mut planes = vec![Vec::new(); attributes + 3];
        for channel in channels(attributes) {
            planes[channel] = video::luma(&group.folder.join(format!("{channel}.mp4")), each, &self.options)?;
        }
        Ok(planes)
    }

    /// The splats of a frame from its group's planes.
    fn splats(&self, group: &Group, local: usize, info: &[f64], planes: &[Vec<u8>]) -> Splats {
        let start = local * side_of(group.splats).pow(2);
        let byte = |channel: usize, row: usize| f64::from(planes[channel][start + row]);
        let between = |attribute: usize, share: f64| {
            let [low, high] = [info[2 * attribute], info[2 * attribute + 1]];
            #[expect(clippy::cast_possible_truncation, reason = "the model is f32")]
            let value = (low + (high - low) * share) as f32;
            value
        };
        let eight = |attribute: usize, row: usize| between(attribute, byte(attribute + 3, row) / 255.0);
        let place = |axis: usize, row: usize| {
            between(axis, (byte(2 * axis, row) + 256.0 * byte(2 * axis + 1, row)) / 65535.0)
        };
        let mut splats = rows::zeroed(group.splats, self.sh_degree);
        let stride = splats.sh_stride();
        // Behind x y z nx ny nz and the colours.
        let opacity = 9 + stride;
        for row in 0..group.splats {
            splats.mean[row] = [0, 1, 2].map(|axis| place(axis, row));
            splats.colour[row] = [6, 7, 8].map(|attribute| 0.5 + SH_C0 * eight(attribute, row));
            for (number, value) in splats.sh_rest[row * stride..(row + 1) * stride].iter_mut().enumerate() {
                *value = eight(9 + number, row);
            }
            splats.opacity[row] = eight(opacity, row);
            splats.scale[row] = [1, 2, 3].map(|part| eight(opacity + part, row));
            splats.rotation[row] = [5, 6, 7, 4].map(|part| eight(opacity + part, row));
        }
        splats
    }
}

impl Sequence for V3 {
    fn info(&self) -> ClipInfo {
        sequence::info_of(self.frames.len(), self.options.fps, self.sh_degree)
    }

    fn frame_count(&self) -> usize {
        self.frames.len()
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn splats_in(&self, index: usize) -> u64 {
        self.frames.get(index).map_or(0, |(group, _)| self.groups[*group].splats as u64)
    }

    fn read_frame(&self, index: usize) -> Result<Imported> {
        let Some((number, info)) = self.frames.get(index) else {
            return Err(Error::invalid(format!("frame {index} of a sequence of {}", self.frames.len())));
        };
        let group = &self.groups[*number];
        let planes = self.planes(*number)?;
        let splats = self.splats(group, index - group.first, info, &planes);
        let mut imported = sequence::finish(&self.file, 0, splats, &self.options)?;
        if let Some(first) = group.first_id {
            let count = u32::try_from(imported.splats.len()).unwrap_or(u32::MAX);
            let places = imported.ids.unwrap_or_else(|| (0..count).collect());
            imported.ids = Some(places.into_iter().map(|place| first + place).collect());
        }
        Ok(imported)
    }

    fn keeps_identity(&self) -> Result<bool> {
        Ok(self.frames.len() > 1 && self.groups.iter().all(|group| group.first_id.is_some()))
    }

    fn report(&self) -> Report {
        Report { files: self.files.len() as u64, ..Report::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_the_least_multiples_of_eight() {
        for (splats, side) in [(1, 8), (64, 8), (65, 16), (256, 16), (257, 24), (147_677, 392)] {
            assert_eq!(side_of(splats), side, "{splats}");
        }
    }
}
