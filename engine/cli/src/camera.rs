//! Where pictures are taken from: camera files, and the stereo pair that frames a performer when there is none.

use std::path::Path;

use anyhow::{Context, bail};
use glam::{DVec3, Vec3};
use serde::Deserialize;
use vivant::clip::Clip;
use vivant::codec::splats_at;
use vivant::playback::live_at;
use vivant::view::View;

/// Distance between the eyes, metres.
pub(crate) const EYE_DISTANCE: f64 = 0.063;
/// Full vertical angle of a framing view, radians: about what a person takes in without turning the eyes.
const VERTICAL: f64 = 0.8;
/// Space left around a framed performer.
const MARGIN: f64 = 1.06;
/// Share of the splats that may lie outside the frame on each side: captures have stray ones.
const STRAY: f64 = 0.002;
/// Times at which a clip is measured.
const SAMPLES: i64 = 8;

/// A camera file: `{"views":[{"position":[x,y,z],"orientation":[x,y,z,w],"fov":{"left":…,"right":…,"up":…,"down":…}}]}`.
#[derive(Deserialize)]
struct CameraFile {
    views: Vec<View>,
}

/// Reads a camera file and checks that each view can be looked through.
pub(crate) fn load(path: &Path) -> anyhow::Result<Vec<View>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{name}: cannot read the camera"))?;
    let file: CameraFile = serde_json::from_str(&text)
        .with_context(|| format!("{name}: not a camera as the README describes it"))?;
    if file.views.is_empty() || file.views.len() > 6 {
        bail!("{name}: views: there are {}, 1 to 6 can be drawn at once", file.views.len());
    }
    for (index, view) in file.views.iter().enumerate() {
        let fov = view.fov;
        let angles = [fov.left, fov.right, fov.up, fov.down];
        if !view.position.iter().chain(&view.orientation).chain(&angles).all(|v| v.is_finite()) {
            bail!("{name}: views[{index}]: every number must be finite");
        }
        if view.orientation.iter().map(|v| v * v).sum::<f64>() < 1e-12 {
            bail!("{name}: views[{index}].orientation: a quaternion of length 0 has no direction");
        }
        let inside = angles.iter().all(|a| a.abs() < std::f64::consts::FRAC_PI_2);
        if !inside || fov.right <= fov.left || fov.up <= fov.down {
            bail!(
                "{name}: views[{index}].fov: angles are radians within ±1.57, right above left and up above down"
            );
        }
    }
    Ok(file.views)
}

/// The box of what a clip shows, without the stray few: measured at several times, so that all of a performance is
/// framed alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    low: DVec3,
    high: DVec3,
}

impl Subject {
    /// Measures a clip.
    pub(crate) fn of(clip: &Clip) -> vivant::Result<Self> {
        let duration = clip.duration_nanos();
        let mut axes: [Vec<f32>; 3] = Default::default();
        let samples = if duration > 0 { SAMPLES } else { 1 };
        for sample in 0..samples {
            let nanos = duration / samples * sample + duration / samples / 2;
            let live = live_at(clip, nanos)?;
            for segment in &live.segments {
                let splats = splats_at(segment, clip.info().rate, live.seconds);
                for index in 0..splats.len() {
                    let splat = splats.get(index);
                    if live.tick < splat.life.start || live.tick >= splat.life.end {
                        continue;
                    }
                    #[expect(clippy::cast_possible_truncation, reason = "seconds within a segment fit f32")]
                    let dt = (live.seconds - splat.life.t0) as f32;
                    let [v, q, c] = [splat.motion.velocity, splat.motion.quadratic, splat.motion.cubic]
                        .map(Vec3::from_array);
                    let mean = Vec3::from_array(splat.mean) + (v + (q + c * dt) * dt) * dt;
                    axes.iter_mut().zip(mean.to_array()).for_each(|(axis, value)| axis.push(value));
                }
            }
        }
        let edges = axes.map(|axis| percentiles(axis, STRAY));
        Ok(Self {
            low: DVec3::from_array(edges.map(|(low, _)| low)),
            high: DVec3::from_array(edges.map(|(_, high)| high)),
        })
    }

    /// Its middle, metres.
    pub(crate) fn middle(&self) -> DVec3 {
        (self.low + self.high) * 0.5
    }

    /// A view from the front (+Z), turned by `yaw` radians around the subject, `distance` metres from its middle or,
    /// without one, as far as it takes to see all of it.
    pub(crate) fn view(&self, aspect: f64, distance: Option<f64>, yaw: f64) -> View {
        let middle = self.middle();
        let half = (self.high - self.low) * 0.5;
        let width = (half.x * yaw.cos()).abs() + (half.z * yaw.sin()).abs();
        let depth = (half.x * yaw.sin()).abs() + (half.z * yaw.cos()).abs();
        let tan = (VERTICAL * 0.5).tan();
        let fit = (half.y / tan).max(width / (tan * aspect)) * MARGIN + depth;
        let reach = distance.unwrap_or(fit.max(0.2));
        let eye = middle + DVec3::new(yaw.sin(), 0.0, yaw.cos()) * reach;
        View::looking_at(eye, middle, VERTICAL, aspect)
    }
}

/// The values below and above which `share` of `values` lie; 0 for none.
fn percentiles(mut values: Vec<f32>, share: f64) -> (f64, f64) {
    if values.is_empty() {
        return (-0.5, 0.5);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let stray = (values.len() as f64 * share) as usize;
    let last = values.len() - 1;
    let low = *values.select_nth_unstable_by(stray, f32::total_cmp).1;
    let high = *values.select_nth_unstable_by(last - stray, f32::total_cmp).1;
    (f64::from(low), f64::from(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_do_not_count() {
        let mut values: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        values[7] = 1e6;
        values[8] = -1e6;
        let (low, high) = percentiles(values, 0.01);
        assert!(low.abs() < 0.02 && (high - 1.0).abs() < 0.02, "{low} {high}");
    }

    #[test]
    fn the_front_is_plus_z_and_all_is_seen() {
        let subject = Subject { low: DVec3::new(-0.3, 0.0, -0.2), high: DVec3::new(0.3, 1.7, 0.2) };
        let view = subject.view(1.0, None, 0.0);
        assert!(view.position[2] > 1.0 && view.position[0].abs() < 1e-9);
        let near_top = view.view_from_world().transform_point3(DVec3::new(0.3, 1.7, 0.2));
        assert!(near_top.y / -near_top.z < view.fov.up.tan(), "the head is cut off");
        let side = subject.view(1.0, Some(2.0), std::f64::consts::FRAC_PI_2);
        assert!((side.position[0] - 2.0).abs() < 1e-9);
    }
}
