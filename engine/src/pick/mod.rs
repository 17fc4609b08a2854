//! What lies under a pixel or a pointer: the splat that makes most of what is seen along a ray, and what it carries.
//!
//! No GPU and no picture is needed, only the live set. It allocates and may read the file, so it is not for the frame path.
//!
//! 1. Clusters that the ray passes by are rejected by their box and interval; of the others the splats are decoded.
//! 2. A splat shows along the ray with `alpha = min(0.99, opacity · exp(−½ dᵀ C⁻¹ d))`, where `d` is how far its mean lies
//!    beside the ray and `C` its covariance across it. That is the greatest value of the Gaussian along the ray; with a
//!    pixel's footprint added it is what the projection of Zwicker et al. (*EWA Splatting*, TVCG 2002) shows at the
//!    centre of the pixel, without its linearisation.
//! 3. Front to back, by the distance of the mean from the ray's origin: a splat's part is `T · alpha`, and `T` falls to
//!    `T · (1 − alpha)`, until nothing shines through.
//! 4. The greatest part wins; of equal ones the nearer, then the performer, segment and splat that comes first.

mod ray;
mod values;

use std::sync::Arc;

use glam::{DAffine3, DMat3, DMat4, DQuat, DVec3};

pub use ray::Ray;
pub use values::{Carried, ChannelValues};

use crate::codec::{binding_of, splats_in};
use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, LiveSet, SegmentData};
use crate::reference::{ALPHA_MAX, ALPHA_MIN, NEAR_METRES, colour_towards};
use crate::rig::{Harmonics, blended, polar};
use crate::splat::Splat;
use crate::time::TickRate;

/// Less than this shining through ends the search: the rest could not win, nor move a mean by a millimetre.
const TRANSMITTANCE_MIN: f64 = 1e-5;
/// Variance that a renderer adds to a projected splat, in pixels squared.
const LOW_PASS: f64 = 0.3;
/// Standard deviations at which an opaque splat falls below [`ALPHA_MIN`]: √(2 ln 255), rounded up.
const REACH: f64 = 3.33;

/// One performer that may be met.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// What it shows.
    pub live: &'a LiveSet,
    /// The clip's tick rate.
    pub rate: TickRate,
    /// Where it stands; an invertible affine transform.
    pub world_from_object: DMat4,
}

/// What a ray meets.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick {
    /// Which of the targets.
    pub performer: usize,
    /// Number of the segment in its clip.
    pub segment: u32,
    /// Number of the splat in the segment.
    pub splat: usize,
    /// Where the splat's mean is, in the world, metres.
    pub position: [f64; 3],
    /// Metres along the ray to where it passes the mean.
    pub distance: f64,
    /// Its colour towards the ray's origin, sRGB-encoded as trained.
    pub colour: [f64; 3],
    /// Its part in what is seen, 0 to 1.
    pub part: f64,
    /// How much of what is behind all splats is hidden, 0 to 1: the alpha of the picture.
    pub alpha: f64,
    /// Mean of the positions of all splats along the ray by their parts: its depth is that of the picture.
    pub surface: [f64; 3],
}

/// A splat that shows along the ray.
struct Met {
    performer: usize,
    segment: usize,
    splat: usize,
    mean_in_world: DVec3,
    distance: f64,
    alpha: f64,
}

/// The splat that makes most of what is seen along a ray; `None` where it meets nothing.
///
/// # Errors
/// [`Error::InvalidArgument`] for a ray without direction or a transform that cannot be inverted.
pub fn pick(targets: &[Target<'_>], ray: &Ray) -> Result<Option<Pick>> {
    let mut met = Vec::new();
    for (performer, target) in targets.iter().enumerate() {
        let seeker = Seeker::new(target, ray)?;
        for (segment, data) in target.live.segments.iter().enumerate() {
            seeker.search(data, |splat, (mean_in_world, distance, alpha)| {
                met.push(Met { performer, segment, splat, mean_in_world, distance, alpha });
            });
        }
    }
    let origin = DVec3::from_array(ray.origin);
    // Stable, so that equal distances keep the order of performers, segments and splats.
    met.sort_by(|a, b| a.mean_in_world.distance(origin).total_cmp(&b.mean_in_world.distance(origin)));
    let mut transmittance = 1.0;
    let (mut surface, mut parts) = (DVec3::ZERO, 0.0);
    let mut best: Option<(f64, &Met)> = None;
    for met in &met {
        let part = transmittance * met.alpha;
        if best.is_none_or(|(most, _)| part > most) {
            best = Some((part, met));
        }
        surface += part * met.mean_in_world;
        parts += part;
        transmittance *= 1.0 - met.alpha;
        if transmittance < TRANSMITTANCE_MIN {
            break;
        }
    }
    Ok(best.and_then(|(part, met)| {
        let target = targets.get(met.performer)?;
        let data = target.live.segments.get(met.segment)?;
        Some(Pick {
            performer: met.performer,
            segment: data.id.1,
            splat: met.splat,
            position: met.mean_in_world.to_array(),
            distance: met.distance,
            colour: colour_of(target, data, met, origin),
            part,
            alpha: 1.0 - transmittance,
            surface: (surface / parts).to_array(),
        })
    }))
}

fn colour_of(target: &Target<'_>, data: &Arc<SegmentData>, met: &Met, origin: DVec3) -> [f64; 3] {
    let (splats, _) = splats_in(data, target.rate, target.live.seconds, met.splat..met.splat + 1);
    let object_from_world = target.world_from_object.inverse();
    let mut direction = object_from_world.transform_vector3(met.mean_in_world - origin).normalize_or_zero();
    if let (Some(by), Some(rig)) = (carried_by(target.live, data, met.splat), &data.rig)
        && rig.harmonics() == Harmonics::Turn
    {
        direction = polar(by.matrix3).0.transpose() * direction;
    }
    colour_towards(&splats, 0, direction).map_or([0.0; 3], |colour| colour.to_array())
}

/// The map by which joints carry a splat; `None` where none do.
fn carried_by(live: &LiveSet, data: &SegmentData, splat: usize) -> Option<DAffine3> {
    (data.keys.joints > 0).then(|| binding_of(data, splat).map(|binding| blended(&binding, &live.joints)))?
}

/// Looks along a ray through one target.
struct Seeker<'a> {
    target: &'a Target<'a>,
    ray: &'a Ray,
    origin: DVec3,
    /// Of length one.
    direction: DVec3,
    /// Two more, across the ray.
    across: [DVec3; 2],
    /// Where the ray begins and leads in the clip's own space; the direction is as long as it comes.
    origin_in_object: DVec3,
    direction_in_object: DVec3,
    /// Object units that a metre of the world is at most.
    most_scale: f64,
}

impl<'a> Seeker<'a> {
    fn new(target: &'a Target<'a>, ray: &'a Ray) -> Result<Self> {
        let (origin, direction) = (DVec3::from_array(ray.origin), DVec3::from_array(ray.direction));
        let Some(direction) = direction.try_normalize().filter(|_| origin.is_finite()) else {
            return Err(Error::invalid("a ray needs an origin and a direction that are finite and not zero"));
        };
        let object_from_world = target.world_from_object.inverse();
        if !object_from_world.is_finite() {
            return Err(Error::invalid("world_from_object must be invertible"));
        }
        let linear = DMat3::from_mat4(object_from_world);
        let (first, second) = direction.any_orthonormal_pair();
        Ok(Self {
            target,
            ray,
            origin,
            direction,
            across: [first, second],
            origin_in_object: object_from_world.transform_point3(origin),
            direction_in_object: object_from_world.transform_vector3(direction),
            // The Frobenius norm is never less than what a vector can grow by.
            most_scale: linear.to_cols_array().iter().map(|value| value * value).sum::<f64>().sqrt(),
        })
    }

    /// Gives `found` every splat of a segment that shows along the ray.
    fn search(&self, data: &SegmentData, mut found: impl FnMut(usize, (DVec3, f64, f64))) {
        let live = self.target.live;
        let joints = data.rig.as_ref().map_or(0, |rig| rig.joints().len());
        if data.keys.joints > 0 && (joints == 0 || live.joints.len() < joints) {
            // Without its joints a splat has no place, and is not drawn either.
            return;
        }
        for (number, cluster) in data.clusters.iter().enumerate() {
            if !self.may_meet(data, cluster) {
                continue;
            }
            let first = number * CLUSTER_SPLATS;
            let range = first..(first + CLUSTER_SPLATS).min(data.splats);
            let (splats, sources) = splats_in(data, self.target.rate, live.seconds, range);
            for (at, &source) in sources.iter().enumerate() {
                let by = carried_by(live, data, source).unwrap_or(DAffine3::IDENTITY);
                if let Some(met) = self.meet(&splats.get(at), &by, f64::from(data.gain())) {
                    found(source, met);
                }
            }
        }
    }

    /// Whether any splat of a cluster may show along the ray.
    fn may_meet(&self, data: &SegmentData, cluster: &Cluster) -> bool {
        let tick = self.target.live.tick - data.start;
        if tick < i64::from(cluster.start) || tick >= i64::from(cluster.end) {
            return false;
        }
        if data.keys.joints > 0 {
            // A host may move joints out of any box.
            return true;
        }
        let [low, high] = [cluster.box_min, cluster.box_max].map(vector);
        // A pixel is widest where the box is farthest.
        let farthest = (self.origin_in_object - low).abs().max((self.origin_in_object - high).abs()).length();
        let pixel = self.ray.footprint * farthest * LOW_PASS.sqrt();
        let splat = f64::from(cluster.max_scale) * f64::from(data.gain());
        // Metres of the world are object units times what the transform can stretch; the box is in object units.
        let reach = DVec3::splat(REACH * (splat + pixel * self.pixel_scale()));
        hits_box(self.origin_in_object, self.direction_in_object, low - reach, high + reach)
    }

    /// What a footprint in the world, told by a distance in object units, can be in object units.
    fn pixel_scale(&self) -> f64 {
        let world = DMat3::from_mat4(self.target.world_from_object);
        let most = world.to_cols_array().iter().map(|value| value * value).sum::<f64>().sqrt();
        self.most_scale * most
    }

    /// Where a splat's mean is, how far along the ray, and with how much of it it shows; `None` where not.
    fn meet(&self, splat: &Splat, by: &DAffine3, gain: f64) -> Option<(DVec3, f64, f64)> {
        let live = self.target.live;
        if live.tick < splat.life.start || live.tick >= splat.life.end {
            return None;
        }
        let dt = live.seconds - splat.life.t0;
        let mean = by.transform_point3(mean_at(splat, dt));
        let mean_in_world = self.target.world_from_object.transform_point3(mean);
        let offset = mean_in_world - self.origin;
        let distance = offset.dot(self.direction);
        if distance.is_nan() || distance < NEAR_METRES {
            return None;
        }
        let deviations = dt / f64::from(splat.life.sigma_t);
        let opacity = f64::from(splat.opacity) * (-0.5 * deviations * deviations).exp();
        let axes = DMat3::from_mat4(self.target.world_from_object)
            * by.matrix3
            * DMat3::from_quat(rotation_at(splat, dt))
            * DMat3::from_diagonal(vector(splat.scale) * gain);
        // The rows of what takes the splat's unit ball to the plane across the ray.
        let [x, y] = self.across.map(|across| axes.transpose() * across);
        let pixel = LOW_PASS * (self.ray.footprint * distance).powi(2);
        let [xx, xy, yy] = [x.dot(x) + pixel, x.dot(y), y.dot(y) + pixel];
        let determinant = xx * yy - xy * xy;
        let [dx, dy] = self.across.map(|across| across.dot(offset));
        let power = (yy * dx * dx - 2.0 * xy * dx * dy + xx * dy * dy) / determinant;
        let alpha = ALPHA_MAX.min(opacity * (-0.5 * power).exp());
        (determinant > 0.0 && alpha >= ALPHA_MIN).then_some((mean_in_world, distance, alpha))
    }
}

/// The formulas of [`crate::splat`].
fn mean_at(splat: &Splat, dt: f64) -> DVec3 {
    let motion = &splat.motion;
    let [velocity, quadratic, cubic] = [motion.velocity, motion.quadratic, motion.cubic].map(vector);
    vector(splat.mean) + (velocity + (quadratic + cubic * dt) * dt) * dt
}

fn rotation_at(splat: &Splat, dt: f64) -> DQuat {
    let [x, y, z, w] =
        std::array::from_fn(|i| f64::from(splat.rotation[i]) + f64::from(splat.motion.spin[i]) * dt);
    let length = [x, y, z, w].iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 { DQuat::from_array([x, y, z, w].map(|value| value / length)) } else { DQuat::IDENTITY }
}

fn vector(v: [f32; 3]) -> DVec3 {
    DVec3::from_array(v.map(f64::from))
}

/// Whether the ray passes through a box, ahead of its origin.
fn hits_box(origin: DVec3, direction: DVec3, low: DVec3, high: DVec3) -> bool {
    let (mut enter, mut leave) = (0.0_f64, f64::INFINITY);
    for axis in 0..3 {
        if direction[axis] == 0.0 {
            if origin[axis] < low[axis] || origin[axis] > high[axis] {
                return false;
            }
            continue;
        }
        let [a, b] = [low, high].map(|side| (side[axis] - origin[axis]) / direction[axis]);
        enter = enter.max(a.min(b));
        leave = leave.min(a.max(b));
    }
    enter <= leave
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_hit_ahead_only() {
        let (low, high) = (DVec3::new(-1.0, -1.0, -3.0), DVec3::new(1.0, 1.0, -2.0));
        assert!(hits_box(DVec3::ZERO, DVec3::NEG_Z, low, high));
        assert!(!hits_box(DVec3::ZERO, DVec3::Z, low, high), "behind");
        assert!(!hits_box(DVec3::X * 1.5, DVec3::NEG_Z, low, high), "beside");
        assert!(hits_box(DVec3::X * 1.5, DVec3::new(-0.4, 0.0, -1.0), low, high), "at a slant");
        assert!(hits_box(DVec3::new(0.0, 0.0, -2.5), DVec3::Y, low, high), "from inside");
    }
}
