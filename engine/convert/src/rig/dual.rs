//! `DualGS`: a dense body of splats that some thousands of free joints carry, each moved by an affine map of its own.
//!
//! Named is `joint_opt`, in the folder of a training: `ckt/point_cloud_S.ply`, the splats at the start S; `track/ckt/point_cloud_S.ply`, the joints
//! there; `joint_opt/joint_RT_F.npz`, for each later frame F the maps `arr_0` [J, 3, 4] from the start. A splat follows
//! the eight joints nearest to it with the weights exp(−d²/l²), l = 2 cm (Jiang et al. 2024, `warp_utils.py`). What each frame
//! was optimised by beyond that (colours, opacities, sizes) is in no map: the warp is the coarse motion, and the PLYs of
//! `ckt/` are the truth, which naming the training's folder gives.

use std::path::{Path, PathBuf};

use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;
use vivant::rig::{Affine, Binding, Harmonics, Joint, Kind, MAX_JOINTS, narrow, wide};
use vivant::splat::{ClipInfo, Splats};
use vivant::{Error, Result};

use super::avatars::info_of;
use crate::axes::Axes;
use crate::formats::{Fidelity, Format, Open};
use crate::npz::Npz;
use crate::options::Options;
use crate::ply::{self, Raw};
use crate::probe::names_in;
use crate::report::Report;
use crate::rigged::Rigged;
use crate::source::Imported;

/// What is read of it.
pub(crate) const FORMAT: Format = Format {
    name: "dualgs",
    system: "DualGS: the joint_opt of a training, beside its ckt and track",
    fidelity: Fidelity::Baked,
    limits: "the motion of joints; what is optimised a frame besides is in the PLYs of ckt, which the training's folder gives",
    detect: |probe| probe.folder && probe.names.iter().any(|name| number_of(name, MAPS).is_some()),
    open: Open::Rigged(|path, _, options| Ok(Box::new(Dual::open(path, options)?))),
};

/// How the files of maps and of splats are called, round their number.
const MAPS: (&str, &str) = ("joint_RT_", ".npz");
const CLOUDS: (&str, &str) = ("point_cloud_", ".ply");

/// How far a joint reaches, metres.
const REACH: f64 = 0.02;

/// A body that joints carry.
#[derive(Debug)]
pub(crate) struct Dual {
    files: Vec<PathBuf>,
    /// The maps of each frame behind the first.
    maps: Vec<PathBuf>,
    joints: Vec<DVec3>,
    turn: DMat3,
    splats: Splats,
    bindings: Vec<Binding>,
    info: ClipInfo,
    report: Report,
}

impl Dual {
    /// Opens the folder of the maps, with what stands beside it.
    ///
    /// # Errors
    /// Whatever is wrong with a file; [`Error::InvalidArgument`] where one is missing.
    pub(crate) fn open(motion: &Path, options: &Options) -> Result<Self> {
        let maps = numbered(motion, MAPS)?;
        let Some(&(first, _)) = maps.first() else {
            return Err(Error::invalid(format!("{}: has no joint_RT_*.npz", motion.display())));
        };
        let folder = motion.parent().unwrap_or(motion);
        let starts = numbered(&folder.join("ckt"), CLOUDS)?;
        // The start is the last frame before the first that has maps.
        let start = starts.iter().rev().find(|(number, _)| *number < first).or(starts.first());
        let Some((number, body)) = start else {
            return Err(Error::invalid(format!("{}: ckt has no point_cloud_*.ply", folder.display())));
        };
        let bones = folder.join("track").join("ckt").join(format!("point_cloud_{number}.ply"));
        let axes = options.axes.unwrap_or(Axes::RDF);
        let turn = DMat3::from_cols_array_2d(&axes.columns());
        let joints: Vec<DVec3> = Raw::read(&bones, &[])?
            .splats
            .mean
            .into_iter()
            .map(|place| turn * DVec3::from_array(place.map(f64::from)))
            .collect();
        let wrong = |why: String| Error::malformed(&bones.display().to_string(), "element vertex", 0, why);
        if !(1..=MAX_JOINTS).contains(&joints.len()) {
            return Err(wrong(format!("{} joints: there are 1 to {MAX_JOINTS}", joints.len())));
        }
        if let Some(bad) = joints.iter().position(|place| !place.is_finite()) {
            return Err(wrong(format!("joint {bad} is nowhere; export the file again")));
        }
        let Imported { splats, mut report, .. } = ply::read(body, options)?;
        let bindings = splats.mean.par_iter().map(|mean| bound(*mean, &joints)).collect();
        let files = [body.clone(), bones].into_iter().chain(maps.iter().map(|(_, path)| path.clone()));
        let files: Vec<PathBuf> = files.collect();
        report.files = files.len() as u64;
        let info = info_of(maps.len() + 1, options, splats.sh_degree);
        let maps = maps.into_iter().map(|(_, path)| path).collect();
        Ok(Self { files, maps, joints, turn, splats, bindings, info, report })
    }
}

/// The number in a name that starts and ends so.
fn number_of(name: &str, (start, end): (&str, &str)) -> Option<u64> {
    name.strip_prefix(start)?.strip_suffix(end)?.parse().ok()
}

/// The files of a folder whose names start and end so, by their number.
fn numbered(folder: &Path, ends: (&str, &str)) -> Result<Vec<(u64, PathBuf)>> {
    let names = names_in(folder)?;
    let mut found: Vec<(u64, PathBuf)> =
        names.iter().filter_map(|name| Some((number_of(name, ends)?, folder.join(name)))).collect();
    found.sort();
    Ok(found)
}

/// The joints nearest to a place by how near they are.
fn bound(mean: [f32; 3], joints: &[DVec3]) -> Binding {
    let place = DVec3::from_array(mean.map(f64::from));
    let mut nearest = [(f64::INFINITY, 0_usize); Binding::MOST];
    for (number, joint) in joints.iter().enumerate() {
        let away = joint.distance_squared(place);
        if away < nearest[Binding::MOST - 1].0 {
            nearest[Binding::MOST - 1] = (away, number);
            nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
    }
    let found = nearest.iter().filter(|(away, _)| away.is_finite());
    #[expect(clippy::cast_possible_truncation, reason = "joints are fewer than 65536, weights at most 1")]
    let pairs: Vec<(u16, f32)> = found
        // Against the nearest: far from all, the same ratios without vanishing.
        .map(|&(away, joint)| (joint as u16, (-(away - nearest[0].0) / (REACH * REACH)).exp() as f32))
        .collect();
    #[expect(clippy::cast_possible_truncation, reason = "joints are fewer than 65536")]
    Binding::of(&pairs).unwrap_or_else(|| Binding::one(nearest[0].1 as u16))
}

impl Rigged for Dual {
    fn info(&self) -> ClipInfo {
        self.info
    }

    fn frame_count(&self) -> usize {
        self.maps.len() + 1
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn rig(&self) -> Result<vivant::rig::Rig> {
        let rest = |place: &DVec3| Joint::new("", None, narrow(&DAffine3::from_translation(*place)));
        let rig = vivant::rig::Rig::new(Kind::Joints, self.joints.iter().map(rest).collect())?;
        Ok(rig.with_harmonics(Harmonics::Stay))
    }

    fn splats(&self) -> Result<(Splats, Vec<Binding>)> {
        Ok((self.splats.clone(), self.bindings.clone()))
    }

    fn joints(&self, index: usize) -> Result<Vec<Affine>> {
        let rests = self.joints.iter().map(|place| DAffine3::from_translation(*place));
        let Some(path) = index.checked_sub(1).and_then(|at| self.maps.get(at)) else {
            return Ok(rests.map(|rest| narrow(&rest)).collect());
        };
        let array = Npz::open(path)?.array("arr_0")?;
        array.expect_shape(&[Some(self.joints.len()), Some(3), Some(4)])?;
        let numbers = array.read::<f32>()?;
        // Told along the file's axes.
        let turn = DAffine3 { matrix3: self.turn, translation: DVec3::ZERO };
        let back = DAffine3 { matrix3: self.turn.transpose(), translation: DVec3::ZERO };
        let maps = numbers.as_chunks::<12>().0.iter().map(|map| {
            let rows: Affine = std::array::from_fn(|row| std::array::from_fn(|column| map[row * 4 + column]));
            wide(&rows)
        });
        Ok(maps.zip(rests).map(|(map, rest)| narrow(&(turn * map * back * rest))).collect())
    }

    fn report(&self) -> Report {
        self.report.clone()
    }
}
