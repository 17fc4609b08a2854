//! A rig → a clip: canonical splats with their bindings, and where the joints stand, frame by frame, in constant memory.
//!
//! The splats go into one segment over the whole clip, the frames into segments of about a second behind it, so that a
//! player loads the splats once and reads the motion ahead as it does any other. The order of the splats, and how much
//! their coarser levels of detail grow, are found where the first frame carries them: canonical places of splats bound
//! to faces say nothing of who is whose neighbour.

use std::sync::Arc;

use rayon::prelude::*;

use super::encode::{Encoded, check_lengths, encode};
use super::packed::quantise;
use super::palette::{PaletteSampler, with_palette};
use super::{binding, cluster, colour, drive, mean, rotation, scale_opacity};
use crate::channel::Channel;
use crate::clip::{Profile, Writer};
use crate::error::{Error, Result};
use crate::frame::{Keys, Plane, SegmentData};
use crate::rig::{self, Affine, Binding, Rig};
use crate::splat::Splats;

/// The level of the segments that drive joints.
const DRIVE_LEVEL: u8 = 1;
/// Splats by which the box of a clip is found in each frame, at most.
const SAMPLE: usize = 4096;
/// The least a splat's scale is taken for when the order is found: a face may have no area in the first frame.
const LEAST_SCALE: f32 = 1e-6;

/// What became of a rig.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RigReport {
    /// Frames stored.
    pub frames: u64,
    /// The farthest that rounding the joints moves any place at which they carry a splat, over all joints and frames,
    /// metres: a bound, see the joint's ball.
    pub joint_error_metres: f64,
}

/// Writes a rig into a clip: give it every frame in order, then [`Self::finish`]. A clip without duration has one frame, or
/// none: then it shows the rest.
#[derive(Debug)]
pub struct RigWriter<'w> {
    writer: &'w mut Writer,
    rig: Arc<Rig>,
    canonical: Splats,
    bindings: Vec<Binding>,
    /// Ticks of a frame, and frames of a segment.
    frame_ticks: i64,
    segment_frames: usize,
    /// The frames of the segment that is being gathered; its first has this number.
    frames: Vec<Vec<Affine>>,
    first: i64,
    /// What the first frame of all does to canonical space.
    carried: Vec<Affine>,
    /// Every so many splats, the box is looked at.
    every: usize,
    bounds: [[f32; 3]; 2],
    report: RigReport,
}

impl<'w> RigWriter<'w> {
    /// Starts with the canonical splats, which always show and do not move by themselves, and a binding for each.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when their numbers differ, a binding names a joint that is not there or has no weight,
    /// or the clip's frames do not fall on ticks; [`Error::Io`].
    pub fn new(
        writer: &'w mut Writer,
        mut rig: Rig,
        canonical: Splats,
        bindings: Vec<Binding>,
    ) -> Result<Self> {
        check_lengths(&canonical)?;
        if bindings.len() != canonical.len() {
            return Err(Error::invalid(format!(
                "{} bindings for {} splats: give each one",
                bindings.len(),
                canonical.len()
            )));
        }
        if !canonical.life.is_empty() || !canonical.motion.is_empty() {
            return Err(Error::invalid("splats of a rig always show, and move by their joints only"));
        }
        let joints = rig.joints().len();
        let bad = bindings.iter().position(|binding| {
            let mut terms = binding.terms();
            terms.next().is_none() || binding.terms().any(|(joint, _)| usize::from(joint) >= joints)
        });
        if let Some(at) = bad {
            return Err(Error::invalid(format!(
                "the binding of splat {at} names none of the {joints} joints"
            )));
        }
        rig.set_balls(&balls(joints, &canonical, &bindings));
        writer.push_rig(rig.clone())?;
        let (frame_ticks, segment_frames) = frames_of(writer)?;
        let mut carried = Vec::new();
        rig.carry_rest(&mut carried);
        let every = canonical.len().div_ceil(SAMPLE).max(1);
        Ok(Self {
            writer,
            rig: Arc::new(rig),
            canonical,
            bindings,
            frame_ticks,
            segment_frames,
            frames: Vec::new(),
            first: 0,
            carried,
            every,
            bounds: [[f32::INFINITY; 3], [f32::NEG_INFINITY; 3]],
            report: RigReport::default(),
        })
    }

    /// The next frame: `object_from_joint` of every joint.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for another number of joints, a value that is not finite, or a frame too many;
    /// [`Error::Io`].
    pub fn push_frame(&mut self, joints: &[Affine]) -> Result<()> {
        let wanted = self.rig.joints().len();
        if joints.len() != wanted || !joints.iter().all(rig::is_sound) {
            return Err(Error::invalid(format!(
                "frame {}: give {wanted} finite transforms, one a joint",
                self.report.frames
            )));
        }
        if self.report.frames >= self.expected() {
            return Err(Error::invalid(format!("the clip has {} frames: one too many", self.expected())));
        }
        let mut carried = Vec::with_capacity(wanted);
        self.rig.carry(joints, &mut carried);
        self.widen(&carried, self.every);
        if self.report.frames == 0 {
            self.carried = carried;
        }
        self.frames.push(joints.to_vec());
        self.report.frames += 1;
        if self.frames.len() > self.segment_frames {
            self.push_drive(self.segment_frames)?;
            // The last of a segment is the first of the next.
            self.frames.drain(..self.segment_frames);
        }
        Ok(())
    }

    /// Frames that the clip's duration is for.
    fn expected(&self) -> u64 {
        let duration = self.writer.info().duration;
        u64::try_from(duration / self.frame_ticks).unwrap_or(0).max(1)
    }

    /// Writes the frames gathered so far as a segment of so many intervals.
    fn push_drive(&mut self, intervals: usize) -> Result<()> {
        let span = self.writer.info().duration.max(1);
        let start = self.first * self.frame_ticks;
        self.first += i64::try_from(intervals).unwrap_or(0);
        let end = (self.first * self.frame_ticks).min(span);
        let data = drive::encode(&self.frames, start, end);
        self.measure(&data);
        self.writer.push_data(DRIVE_LEVEL, &SegmentData { rig: Some(self.rig.clone()), ..data })
    }

    /// Notes how far the stored joints are from those given.
    fn measure(&mut self, data: &SegmentData) {
        let intervals = self.frames.len().saturating_sub(1).max(1);
        let mut found = Vec::new();
        for (at, frame) in self.frames.iter().enumerate() {
            drive::joints_at(data, at as f64 / intervals as f64, &mut found);
            for ((joint, wanted), found) in self.rig.joints().iter().zip(frame).zip(&found) {
                let [x, y, z, radius] = joint.ball.map(f64::from);
                if radius < 0.0 {
                    continue;
                }
                // The ball in the joint's own space, in which a joint's place is told.
                let rest = rig::wide(&joint.rest).inverse();
                let centre = rest.transform_point3(glam::DVec3::new(x, y, z));
                let stretch = rest.matrix3.to_cols_array().iter().map(|value| value * value).sum::<f64>();
                let ball = [centre.x, centre.y, centre.z, radius * (stretch / 3.0).sqrt()];
                let error = drive::error_metres(wanted, found, ball);
                self.report.joint_error_metres = self.report.joint_error_metres.max(error);
            }
        }
    }

    /// Widens the clip's box by where every so many splats are carried.
    fn widen(&mut self, carried: &[Affine], every: usize) {
        for (mean, binding) in self.canonical.mean.iter().zip(&self.bindings).step_by(every.max(1)) {
            let place = rig::blended(binding, carried)
                .transform_point3(glam::DVec3::from_array(mean.map(f64::from)))
                .as_vec3();
            if place.is_finite() {
                for axis in 0..3 {
                    self.bounds[0][axis] = self.bounds[0][axis].min(place[axis]);
                    self.bounds[1][axis] = self.bounds[1][axis].max(place[axis]);
                }
            }
        }
    }

    /// Writes what is left, and the splats.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when frames are missing; [`Error::Io`].
    pub fn finish(mut self) -> Result<RigReport> {
        let still = self.writer.info().duration == 0;
        if self.report.frames < self.expected() && !(still && self.report.frames == 0) {
            return Err(Error::invalid(format!(
                "{} frames for a clip of {}",
                self.report.frames,
                self.expected()
            )));
        }
        if let Some(last) = self.frames.last().cloned() {
            // The last frame stands until the clip ends.
            self.frames.push(last);
            self.push_drive(self.frames.len() - 1)?;
        }
        let first = std::mem::take(&mut self.carried);
        self.widen(&first, 1);
        let (data, channels) = self.splats(&first)?;
        if data.splats == 0 {
            return Err(Error::invalid("nothing of the rig can be shown"));
        }
        self.writer.push_data_with(0, &data, &channels)?;
        Ok(self.report)
    }

    /// The segment of the splats, and what they carry besides.
    fn splats(&mut self, carried: &[Affine]) -> Result<(SegmentData, Vec<Channel>)> {
        let span = self.writer.info().duration.max(1);
        let (rate, degree) = (self.writer.info().rate, self.writer.info().sh_degree);
        let profile = self.writer.options().profile;
        if self.canonical.sh_degree > degree {
            return Err(Error::invalid(format!(
                "splats of SH degree {} do not fit a clip of degree {degree}",
                self.canonical.sh_degree
            )));
        }
        let count = self.canonical.len() as u64;
        let mut sampler = PaletteSampler::new(self.canonical.sh_degree, count);
        if profile != Profile::Raw {
            sampler.add(&self.canonical);
        }
        if let Some(palette) = sampler.palette(profile, count) {
            self.writer.push_palette(palette)?;
        }
        let Encoded { data: mut placed, channels, dropped, sources } =
            encode(&self.placed(carried), 0, span, rate)?;
        self.writer.report.dropped_unseen += dropped.unseen;
        self.writer.report.dropped_out_of_range += dropped.out_of_range;
        let told = &self.canonical;
        let fill = |words: &dyn Fn(usize) -> Vec<u32>| sources.iter().flat_map(|&at| words(at)).collect();
        placed.planes[Plane::Mean.index()] = fill(&|at| mean::pack(told.mean[at]).to_vec());
        placed.planes[Plane::Rotation.index()] = fill(&|at| rotation::pack(unit(told.rotation[at])).to_vec());
        placed.planes[Plane::ScaleOpacity.index()] =
            fill(&|at| scale_opacity::pack(told.scale[at], told.opacity[at]).to_vec());
        placed.clusters = cluster::clusters(&placed, rate);
        let mut data = quantise(placed, rate, profile);
        if let Some(palette) = self.writer.palette() {
            data = with_palette(data, palette);
        }
        let joints = binding::most(&self.bindings);
        data.planes[Plane::Binding.index()] = fill(&|at| binding::pack(&self.bindings[at], joints));
        data.keys = Keys { joints, ..data.keys };
        data.rig = Some(self.rig.clone());
        for cluster in &mut data.clusters {
            [cluster.box_min, cluster.box_max] = self.bounds;
        }
        Ok((data, channels))
    }

    /// The splats where the joints carry them, for their order. What cannot be stored as it is told is left out: it
    /// becomes a splat that cannot be stored either.
    fn placed(&self, carried: &[Affine]) -> Splats {
        let mut out = self.canonical.clone();
        let told = &self.canonical;
        let places: Vec<_> = (0..told.len())
            .into_par_iter()
            .map(|at| {
                let fits = mean::fits(told.mean[at])
                    && scale_opacity::fits(told.scale[at], told.opacity[at])
                    && colour::fits(told.colour[at])
                    && told.rotation[at].iter().all(|value| value.is_finite());
                let by = rig::blended(&self.bindings[at], carried);
                let placed = rig::carried(told.mean[at], unit(told.rotation[at]), told.scale[at], &by);
                fits.then(|| (placed.mean.as_vec3(), placed.rotation.as_quat(), placed.scale.as_vec3()))
            })
            .collect();
        for (at, place) in places.into_iter().enumerate() {
            match place {
                Some((mean, rotation, scale)) => {
                    out.mean[at] = mean.to_array();
                    out.rotation[at] = rotation.to_array();
                    out.scale[at] = scale.max(glam::Vec3::splat(LEAST_SCALE)).to_array();
                }
                None => out.mean[at] = [f32::NAN; 3],
            }
        }
        out
    }
}

/// A quaternion of length 1; none where it has no length.
fn unit(q: [f32; 4]) -> [f32; 4] {
    rotation::unit(q).map_or([0.0, 0.0, 0.0, 1.0], |(unit, _)| unit)
}

/// Ticks of a frame and frames of a segment: a second, as far as keys go.
fn frames_of(writer: &Writer) -> Result<(i64, usize)> {
    let info = writer.info();
    if info.duration == 0 {
        return Ok((1, 1));
    }
    let (num, den) = info.fps;
    let ticks = u64::from(info.rate.num) * u64::from(den);
    let frames = u64::from(info.rate.den) * u64::from(num);
    let whole = ticks.checked_div(frames).filter(|each| each * frames == ticks && *each > 0);
    let each = whole.and_then(|each| i64::try_from(each).ok()).filter(|each| info.duration % each == 0);
    let Some(each) = each else {
        return Err(Error::invalid(
            "frames of a rig must be whole numbers of ticks, and the clip whole frames",
        ));
    };
    let second = writer.options().segment_ticks.map_or(info.rate.ticks_from_seconds(1.0), i64::from);
    let frames = usize::try_from(second / each).unwrap_or(1);
    Ok((each, frames.clamp(1, usize::from(Keys::MOST_FRAMES) - 1)))
}

/// For each joint a ball round the canonical means that it moves.
fn balls(joints: usize, canonical: &Splats, bindings: &[Binding]) -> Vec<[f32; 4]> {
    let mut boxes = vec![[[f32::INFINITY; 3], [f32::NEG_INFINITY; 3]]; joints];
    let moved = || canonical.mean.iter().zip(bindings).filter(|(mean, _)| mean::fits(**mean));
    for (mean, binding) in moved() {
        for (joint, _) in binding.terms() {
            let corners = &mut boxes[usize::from(joint)];
            for axis in 0..3 {
                corners[0][axis] = corners[0][axis].min(mean[axis]);
                corners[1][axis] = corners[1][axis].max(mean[axis]);
            }
        }
    }
    let mut balls: Vec<[f32; 4]> = boxes
        .iter()
        .map(|[low, high]| {
            let middle: [f32; 3] = std::array::from_fn(|axis| 0.5 * (low[axis] + high[axis]));
            if low[0] > high[0] { [0.0, 0.0, 0.0, -1.0] } else { [middle[0], middle[1], middle[2], 0.0] }
        })
        .collect();
    for (mean, binding) in moved() {
        for (joint, _) in binding.terms() {
            let ball = &mut balls[usize::from(joint)];
            let away = (0..3).map(|axis| (mean[axis] - ball[axis]).powi(2)).sum::<f32>().sqrt();
            // A little more than f32 may lose.
            ball[3] = ball[3].max(away * (1.0 + 1e-5) + 1e-6);
        }
    }
    balls
}
