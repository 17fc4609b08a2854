//! Rigs: a skinned glTF model, moved by its own animation or by a BVH motion, as splats that keep their identity.
//!
//! ```text
//! document → model ─────────────────────┐            one tree of joints, bound vertices, triangles, materials
//! bvh → motion → reference → retarget ──┤→ pose(t)   or animation, or the rest
//! model → scatter → surface ────────────┤            once: N discs on triangles
//! pose(t) → skin → bake ────────────────┘→ Splats    each frame: the same N splats in the same order
//! ```
//!
//! A model may also stay a rig that plays (`live`), as splats that other systems bind to joints and faces do (`avatars`,
//! `dual`): then its joints move in the clip, or as the host says.
//!
//! Nothing is fitted: a splat is a place on a triangle, so that splat i of one frame and splat i of the next are the
//! same piece of skin or cloth. Colours and opacities do not change over time; means, rotations and scales do.

mod accessor;
mod anatomy;
mod animation;
pub(crate) mod avatars;
mod bake;
mod bvh;
pub(crate) mod document;
pub(crate) mod dual;
pub mod faces;
mod floor;
mod frames;
mod live;
mod material;
mod model;
mod motion;
mod names;
mod reference;
mod retarget;
mod scatter;
mod skeleton;
mod skin;
mod surface;
mod texture;

use std::fmt;
use std::path::{Path, PathBuf};

use glam::{Quat, Vec3};
use rayon::prelude::*;
use vivant::splat::{Appearance, ClipInfo, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open};
use crate::fps::Fps;
use crate::report::Report;
use animation::Animation;
use bvh::Bvh;
use document::Document;
pub use live::LiveRig;
use model::Model;
use retarget::Retarget;
use skeleton::{Local, Placed};
use surface::Disc;

/// What is read of glTF models.
pub(crate) const FORMAT: Format = Format {
    name: "gltf",
    system: "glTF: a skinned model, moved by its own animation or a BVH",
    fidelity: Fidelity::Baked,
    limits: "the first animation; no morph targets, no sparse accessors",
    detect: |probe| probe.starts_with(b"glTF") || probe.has_extension("glb") || probe.has_extension("gltf"),
    open: Open::Rig,
};

/// Splats of a model unless the caller says otherwise: a person at arm's length.
pub const DEFAULT_SPLATS: usize = 200_000;

/// Most splats.
pub const MAX_SPLATS: usize = 4_000_000;

/// Most frames: ten hours at 30 a second.
const MAX_FRAMES: usize = 1 << 20;

/// Poses from which the stretch of the surface is learnt.
const STRETCH_POSES: usize = 12;

/// Vertices by which the floor is found, at most: the lowest at rest, and a sample of all.
const FLOOR_VERTICES: usize = 4096;

/// How to make splats of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct RigOptions {
    /// How many splats.
    pub splats: usize,
    /// Frames a second of the result; the motion's own if `None`, and 30 for an animation.
    pub fps: Option<Fps>,
    /// Whether its joints are kept and move the splats when it plays, and may be driven by the host; else every frame is
    /// baked.
    pub live: bool,
}

impl Default for RigOptions {
    fn default() -> Self {
        Self { splats: DEFAULT_SPLATS, fps: None, live: false }
    }
}

/// What moves a model.
enum Mover {
    Nothing,
    Animation(Animation),
    Motion(Box<Retarget>),
}

/// A model, its motion and its splats.
pub struct Rig {
    files: Vec<PathBuf>,
    model: Model,
    mover: Mover,
    fps: Fps,
    frames: usize,
    /// Added to the heights of each frame.
    lifts: Vec<f64>,
    /// For each frame and bind, whether the quaternion of the joint's turn is negated to go on from the frame before.
    negated: Vec<bool>,
    rest: Vec<Placed>,
    discs: Vec<Disc>,
    /// Each disc's orientation at rest.
    disc_rest: Vec<Quat>,
    notes: Vec<String>,
}

impl Rig {
    /// Reads a glTF model and what moves it: a BVH motion if one is given, else the model's first animation, else
    /// nothing. Strews the splats.
    ///
    /// # Errors
    /// What is wrong with a file, naming the field or line; [`Error::InvalidArgument`] when motion and model have no
    /// body in common.
    pub fn open(model: &Path, motion: Option<&Path>, options: &RigOptions) -> Result<Self> {
        if !(1..=MAX_SPLATS).contains(&options.splats) {
            return Err(Error::invalid(format!("{} splats: give 1 to {MAX_SPLATS}", options.splats)));
        }
        let document = Document::open(model)?;
        let scene = Model::read(&document)?;
        let mut notes = scene.notes.clone();
        let mover = match motion {
            Some(path) => {
                let fitted = Retarget::new(Bvh::open(path)?, &scene.skeleton);
                let why =
                    |why: String| Error::invalid(format!("{} on {}: {why}", path.display(), model.display()));
                Mover::Motion(Box::new(fitted.map_err(why)?))
            }
            None => Animation::read(&document, &scene)?.map_or(Mover::Nothing, Mover::Animation),
        };
        if let Mover::Motion(fitted) = &mover {
            notes.extend_from_slice(&fitted.notes);
        }
        let fps = options.fps.unwrap_or(mover.fps());
        let rest = scene.skeleton.place(&scene.skeleton.rest());
        let files = [Some(model), motion].into_iter().flatten().map(Path::to_owned).collect();
        let frames = frames_of(mover.seconds(), fps)?;
        let mut rig = Self {
            files,
            model: scene,
            mover,
            fps,
            frames,
            lifts: vec![0.0; frames],
            negated: Vec::new(),
            rest,
            discs: Vec::new(),
            disc_rest: Vec::new(),
            notes,
        };
        rig.find_floor();
        rig.follow_signs();
        rig.strew(options.splats)?;
        Ok(rig)
    }

    /// What the clip will be: a model that nothing moves is a static scene.
    #[must_use]
    pub fn info(&self) -> ClipInfo {
        if self.frames == 1 {
            return ClipInfo {
                rate: TickRate { num: 1000, den: 1 },
                duration: 0,
                fps: (0, 1),
                sh_degree: 0,
                appearance: Appearance::default(),
            };
        }
        let ticks = i64::try_from(self.frames).unwrap_or(i64::MAX).saturating_mul(i64::from(TICKS_PER_FRAME));
        ClipInfo {
            rate: self.fps.tick_rate(),
            duration: ticks,
            fps: self.fps.fraction(),
            sh_degree: 0,
            appearance: Appearance::default(),
        }
    }

    /// Number of frames, at least 1.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Number of splats, the same in every frame.
    #[must_use]
    pub fn splats(&self) -> usize {
        self.discs.len()
    }

    /// The files it came from: the model, and the motion if there is one.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Names of the motion's joints that have no counterpart in the model.
    #[must_use]
    pub fn unmapped(&self) -> &[String] {
        if let Mover::Motion(fitted) = &self.mover { &fitted.unmapped } else { &[] }
    }

    /// What was read and assumed.
    #[must_use]
    pub fn report(&self) -> Report {
        let files = self.files.len() as u64;
        Report { files, read: self.discs.len() as u64, notes: self.notes.clone(), ..Report::default() }
    }

    /// The splats at the instant of frame `index`, always there: the caller gives them windows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there is no such frame.
    pub fn frame(&self, index: usize) -> Result<Splats> {
        let placed = self.placed(index)?;
        let vertices = self.skinned(&placed, self.lifts[index]);
        let mut turns = self.turns(&placed);
        let binds = turns.len();
        for (turn, &negated) in turns.iter_mut().zip(&self.negated[index * binds..(index + 1) * binds]) {
            *turn = if negated { -*turn } else { *turn };
        }
        Ok(bake::splats(&self.discs, &vertices, &turns, &self.disc_rest))
    }

    /// Where the model's vertices are in frame `index`, metres, in the order of the file's meshes.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn vertices(&self, index: usize) -> Result<Vec<[f32; 3]>> {
        let placed = self.placed(index)?;
        Ok(self.skinned(&placed, self.lifts[index]).into_iter().map(|place| place.to_array()).collect())
    }

    /// Where each joint of the model is in frame `index`, metres, with its name.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn joints(&self, index: usize) -> Result<Vec<(&str, [f64; 3])>> {
        let placed = self.placed(index)?;
        let raise = glam::DVec3::new(0.0, self.lifts[index], 0.0);
        let names = self.model.skeleton.joints.iter().map(|joint| joint.name.as_str());
        Ok(names.zip(placed).map(|(name, placed)| (name, (placed.position() + raise).to_array())).collect())
    }

    fn placed(&self, index: usize) -> Result<Vec<Placed>> {
        if index >= self.frames {
            return Err(Error::invalid(format!("frame {index} of a motion of {}", self.frames)));
        }
        let (num, den) = self.fps.fraction();
        let seconds = index as f64 * f64::from(den) / f64::from(num.max(1));
        Ok(self.model.skeleton.place(&self.pose(seconds)))
    }

    fn pose(&self, seconds: f64) -> Vec<Local> {
        let skeleton = &self.model.skeleton;
        match &self.mover {
            Mover::Nothing => skeleton.rest(),
            Mover::Motion(fitted) => fitted.pose(seconds, skeleton),
            Mover::Animation(animation) => {
                let mut pose = skeleton.rest();
                animation.apply(seconds, &mut pose);
                pose
            }
        }
    }

    fn skinned(&self, placed: &[Placed], lift: f64) -> Vec<Vec3> {
        skin::skin(&self.model.vertices, &skin::palette(&self.model, placed, lift))
    }

    /// How each bind's joint has turned since the rest.
    fn turns(&self, placed: &[Placed]) -> Vec<Quat> {
        let turn = |bind: &model::Bind| {
            (placed[bind.joint].rotation * self.rest[bind.joint].rotation.inverse()).as_quat()
        };
        self.model.binds.iter().map(turn).collect()
    }

    /// Puts the feet on the floor. An animation was made for its model and stays where it is.
    fn find_floor(&mut self) {
        if !matches!(self.mover, Mover::Motion(_)) {
            return;
        }
        let heights: Vec<f32> = self.skinned(&self.rest, 0.0).iter().map(|place| place.y).collect();
        let mut lowest: Vec<usize> = (0..heights.len()).collect();
        lowest.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]).then(a.cmp(&b)));
        let every = lowest.len().div_ceil(FLOOR_VERTICES).max(1);
        let sampled = (0..heights.len()).step_by(every);
        let chosen: Vec<model::Vertex> = lowest
            .iter()
            .copied()
            .take(FLOOR_VERTICES)
            .chain(sampled)
            .map(|at| self.model.vertices[at])
            .collect();
        let low = |index: usize| {
            let Ok(placed) = self.placed(index) else { return 0.0 };
            let places = skin::skin(&chosen, &skin::palette(&self.model, &placed, 0.0));
            f64::from(places.iter().map(|place| place.y).fold(f32::INFINITY, f32::min))
        };
        let lows: Vec<f64> = (0..self.frames).into_par_iter().map(low).collect();
        let (num, den) = self.fps.fraction();
        self.lifts = floor::lifts(&lows, f64::from(num) / f64::from(den.max(1)));
    }

    /// Follows the sign of every joint's quaternion from frame to frame.
    fn follow_signs(&mut self) {
        let mut before = vec![Quat::IDENTITY; self.model.binds.len()];
        let mut negated = Vec::with_capacity(self.frames * before.len());
        for index in 0..self.frames {
            let Ok(placed) = self.placed(index) else { return };
            for (before, turn) in before.iter_mut().zip(self.turns(&placed)) {
                let negate = turn.dot(*before) < 0.0;
                negated.push(negate);
                *before = if negate { -turn } else { turn };
            }
        }
        self.negated = negated;
    }

    /// Strews the splats over the model at rest.
    fn strew(&mut self, splats: usize) -> Result<()> {
        let rest = self.skinned(&self.rest, 0.0);
        let poses = (0..self.frames.min(STRETCH_POSES))
            .map(|pose| self.vertices_at(pose * self.frames / STRETCH_POSES.min(self.frames)))
            .collect::<Result<Vec<_>>>()?;
        self.discs = surface::cover(&self.model, &rest, &poses, splats);
        if self.discs.is_empty() {
            let file = self.files.first().map(|file| file.display().to_string()).unwrap_or_default();
            return Err(Error::invalid(format!("{file}: meshes: nothing of the model can be seen")));
        }
        self.disc_rest = self.discs.par_iter().map(|disc| bake::carried(disc, &rest).rotation).collect();
        Ok(())
    }

    fn vertices_at(&self, index: usize) -> Result<Vec<Vec3>> {
        Ok(self.skinned(&self.placed(index)?, 0.0))
    }
}

/// The files and the counts: the tables are long.
impl fmt::Debug for Rig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rig = f.debug_struct("Rig");
        rig.field("files", &self.files).field("fps", &self.fps).field("frames", &self.frames);
        rig.field("splats", &self.discs.len()).finish_non_exhaustive()
    }
}

impl Mover {
    /// Seconds from the first frame to the last.
    fn seconds(&self) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Animation(animation) => animation.seconds,
            Self::Motion(fitted) => fitted.seconds(),
        }
    }

    /// The frame rate it was made for. Frame times are written with few digits: 0.016667 means 60.
    fn fps(&self) -> Fps {
        let Self::Motion(fitted) = self else { return Fps::default() };
        let rate = 1.0 / fitted.frame_seconds();
        let near = [(24_000, 1001), (30_000, 1001), (60_000, 1001)];
        let whole = rate.round().clamp(1.0, 1000.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
        let (whole_num, milli) = (whole as u32, (rate * 1000.0).round().clamp(1.0, 1_000_000.0) as u32);
        let exact = if (rate / whole - 1.0).abs() < 5e-4 {
            (whole_num, 1)
        } else {
            let close =
                |&(num, den): &(u32, u32)| (rate * f64::from(den) / f64::from(num) - 1.0).abs() < 5e-4;
            near.into_iter().find(close).unwrap_or((milli, 1000))
        };
        Fps::new(exact.0, exact.1).unwrap_or_default()
    }
}

/// Number of frames at a rate, from the first instant to the last.
fn frames_of(seconds: f64, fps: Fps) -> Result<usize> {
    let (num, den) = fps.fraction();
    // A frame time that was rounded must not lose the last frame.
    let last = (seconds * f64::from(num) / f64::from(den.max(1)) + 0.01).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before it is used")]
    let frames = last as usize + 1;
    if last.is_finite() && (0.0..MAX_FRAMES as f64).contains(&last) {
        return Ok(frames);
    }
    let limit = MAX_FRAMES as u64;
    Err(Error::LimitExceeded { what: "frames of the motion".to_owned(), value: frames as u64, limit })
}
