//! A glTF animation: curves of translation, rotation and scale, and the pose they give at a time. Pure.
//!
//! Interpolation as in appendix C of the specification: steps, lines (the shorter arc for rotations) and cubic
//! splines, whose keys are three values: tangent in, value, tangent out.

use glam::{DQuat, DVec3, DVec4};
use gltf_json::animation::{Interpolation, Property, Sampler};
use gltf_json::validation::Checked;
use vivant::Result;

use super::document::Document;
use super::model::Model;
use super::skeleton::Local;

/// What a curve drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Translation,
    Rotation,
    Scale,
}

/// One property of one joint over time.
#[derive(Debug, Clone, PartialEq)]
struct Curve {
    joint: usize,
    target: Target,
    kind: Interpolation,
    /// Seconds, ascending.
    times: Vec<f32>,
    /// One a key; three for a spline.
    values: Vec<DVec4>,
}

/// All curves of one animation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Animation {
    curves: Vec<Curve>,
    /// Seconds of the last key.
    pub(crate) seconds: f64,
}

impl Animation {
    /// Reads the first animation of a file; `None` if it has none that moves a joint of the scene.
    ///
    /// # Errors
    /// What is wrong with it, naming the field.
    pub(crate) fn read(document: &Document, model: &Model) -> Result<Option<Self>> {
        let Some(animation) = document.root.animations.first() else { return Ok(None) };
        let mut curves = Vec::new();
        for (number, channel) in animation.channels.iter().enumerate() {
            let target = match channel.target.path {
                Checked::Valid(Property::Translation) => Target::Translation,
                Checked::Valid(Property::Rotation) => Target::Rotation,
                Checked::Valid(Property::Scale) => Target::Scale,
                _ => continue,
            };
            let Some(&joint) = model.joint_of_node.get(&channel.target.node.value()) else { continue };
            let index = channel.sampler.value();
            let field = format!("animations[0].channels[{number}].sampler");
            let sampler =
                animation.samplers.get(index).ok_or_else(|| document.wrong(&field, "is not there"))?;
            curves.push(curve(document, sampler, index, joint, target)?);
        }
        let seconds =
            curves.iter().filter_map(|curve| curve.times.last()).fold(0.0_f32, |most, &t| most.max(t));
        Ok((!curves.is_empty()).then_some(Self { curves, seconds: f64::from(seconds) }))
    }

    /// Moves a pose, which starts as the rest, to a time.
    pub(crate) fn apply(&self, seconds: f64, pose: &mut [Local]) {
        for curve in &self.curves {
            let Some(local) = pose.get_mut(curve.joint) else { continue };
            let value = curve.at(seconds);
            match curve.target {
                Target::Translation => local.translation = value.truncate(),
                Target::Scale => local.scale = value.truncate(),
                Target::Rotation => local.rotation = rotation(value),
            }
        }
    }
}

fn rotation(value: DVec4) -> DQuat {
    let turn = DQuat::from_vec4(value);
    if turn.length_squared() > 1e-12 { turn.normalize() } else { DQuat::IDENTITY }
}

fn curve(
    document: &Document,
    sampler: &Sampler,
    index: usize,
    joint: usize,
    target: Target,
) -> Result<Curve> {
    let field = format!("animations[0].samplers[{index}]");
    let times: Vec<f32> =
        document.floats::<1>(sampler.input, &format!("{field}.input"))?.into_iter().map(|[t]| t).collect();
    let ascend = times.is_sorted_by(|a, b| a < b);
    if times.is_empty() || !ascend || times.iter().any(|t| !(0.0..1e5).contains(t)) {
        return Err(document.wrong(format_args!("{field}.input"), "its times do not ascend from 0"));
    }
    let output = format!("{field}.output");
    let values: Vec<DVec4> = if target == Target::Rotation {
        let four = document.floats::<4>(sampler.output, &output)?;
        four.into_iter().map(|value| DVec4::from_array(value.map(f64::from))).collect()
    } else {
        let three = document.floats::<3>(sampler.output, &output)?;
        three.into_iter().map(|value| DVec3::from_array(value.map(f64::from)).extend(0.0)).collect()
    };
    let kind = match sampler.interpolation {
        Checked::Valid(kind) => kind,
        Checked::Invalid => Interpolation::Linear,
    };
    let a_key = if kind == Interpolation::CubicSpline { 3 } else { 1 };
    if values.len() != times.len() * a_key || values.iter().any(|value| !value.is_finite()) {
        let why = format!("{} finite values are needed for {} keys", times.len() * a_key, times.len());
        return Err(document.wrong(output, why));
    }
    Ok(Curve { joint, target, kind, times, values })
}

impl Curve {
    /// The value at a time; before the first key the first, after the last the last.
    fn at(&self, seconds: f64) -> DVec4 {
        let after = self.times.partition_point(|&time| f64::from(time) <= seconds);
        let low = after.saturating_sub(1);
        let high = after.min(self.times.len() - 1);
        let (start, end) = (f64::from(self.times[low]), f64::from(self.times[high]));
        let length = end - start;
        let part = if length > 0.0 { ((seconds - start) / length).clamp(0.0, 1.0) } else { 0.0 };
        match self.kind {
            Interpolation::Step => self.values[low],
            Interpolation::Linear => self.line(low, high, part),
            Interpolation::CubicSpline => {
                let (a, b) = (self.values[low * 3 + 1], self.values[high * 3 + 1]);
                let (out, into) = (self.values[low * 3 + 2] * length, self.values[high * 3] * length);
                let (t, t2, t3) = (part, part * part, part * part * part);
                a * (2.0 * t3 - 3.0 * t2 + 1.0)
                    + out * (t3 - 2.0 * t2 + t)
                    + b * (3.0 * t2 - 2.0 * t3)
                    + into * (t3 - t2)
            }
        }
    }

    fn line(&self, low: usize, high: usize, part: f64) -> DVec4 {
        let (a, b) = (self.values[low], self.values[high]);
        if self.target == Target::Rotation {
            return DVec4::from(rotation(a).slerp(rotation(b), part));
        }
        a.lerp(b, part)
    }
}
