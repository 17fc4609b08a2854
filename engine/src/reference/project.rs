//! One splat at one moment, seen by one view: where it is, how it is turned, and the 2D Gaussian it makes in the
//! picture.
//!
//! The covariance in view space `V = W Σ Wᵀ` goes through the Jacobian `J` of the perspective at the mean:
//! `Σ2D = J V Jᵀ`. In `J` the tangents `x/z` and `y/z` are held inside the field of view widened 1.3 times about its own
//! centre, as INRIA's rasteriser does: beyond it the linearisation explodes. Discs are projected as they are.

use glam::{DMat3, DMat4, DQuat, DVec3};

use super::footprint::Footprint;
use super::{ALPHA_MIN, Moment, NEAR_METRES, Options, colour};
use crate::error::{Error, Result};
use crate::splat::{Appearance, ColourDomain, Kernel, ShOrigin, Splats};
use crate::view::View;

/// How far beyond the edge of the field of view the Jacobian follows the mean, relative to its half-extent.
const CLAMP_WIDENING: f64 = 1.3;

/// A splat as a pixel sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Projected {
    /// Centre in pixels; (0, 0) is the upper left corner of the upper left pixel.
    centre: [f64; 2],
    shape: Footprint,
    /// Half the sides of a box about the centre outside of which `alpha < 1/255`, px.
    extent: [f64; 2],
    /// Opacity at this moment, as the shape takes it.
    opacity: f64,
    /// Colour towards this view, in the domain that is blended in.
    pub(super) colour: DVec3,
    /// Of the mean, metres along the view axis.
    depth: f64,
}

impl Projected {
    /// Alpha and depth at a point of the picture, px and metres.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (alpha, depth) = self.shape.at([x, y], self.centre, self.opacity);
        (alpha, depth.unwrap_or(self.depth))
    }

    /// Whether the splat can show in a pixel with `from ≤ coordinate < to` on `axis`. Pixel centres lie half a pixel
    /// inside, which leaves room for any rounding of the extent.
    pub(super) fn touches(&self, axis: usize, from: usize, to: usize) -> bool {
        let (centre, extent) = (self.centre[axis], self.extent[axis]);
        centre + extent >= from as f64 && centre - extent <= to as f64
    }
}

/// A view with everything that does not depend on the splat worked out.
#[derive(Debug)]
pub(super) struct Camera {
    view_from_world: DMat4,
    world_from_object: DMat4,
    position_in_object: DVec3,
    /// Tangent of the left and of the upper edge.
    origin: [f64; 2],
    /// Pixels a unit of tangent.
    focal: [f64; 2],
    /// Middle of the tangents, horizontal and vertical.
    middle: [f64; 2],
    /// How far from the middle the Jacobian follows.
    reach: [f64; 2],
    /// What the picture is blended in.
    domain: ColourDomain,
}

impl Camera {
    pub(super) fn new(
        view: &View,
        width: u32,
        height: u32,
        options: &Options,
        domain: ColourDomain,
    ) -> Result<Self> {
        let fov = &view.fov;
        let [left, right, up, down] = [fov.left, fov.right, fov.up, fov.down].map(f64::tan);
        let angles = [fov.left, fov.right, fov.up, fov.down];
        let in_front = angles.iter().all(|angle| angle.abs() < std::f64::consts::FRAC_PI_2);
        if !(in_front && right > left && up > down) {
            return Err(Error::invalid(format!(
                "a field of view from {} to {} and from {} to {} radians makes no picture: left < right, down < up, \
                 all within a right angle",
                fov.left, fov.right, fov.down, fov.up
            )));
        }
        let object_from_world = options.world_from_object.inverse();
        if !object_from_world.is_finite() {
            return Err(Error::invalid("world_from_object must be invertible"));
        }
        Ok(Self {
            view_from_world: view.view_from_world(),
            world_from_object: options.world_from_object,
            position_in_object: object_from_world.transform_point3(DVec3::from_array(view.position)),
            origin: [left, up],
            focal: [f64::from(width) / (right - left), f64::from(height) / (up - down)],
            middle: [(left + right) / 2.0, (down + up) / 2.0],
            reach: [CLAMP_WIDENING * (right - left) / 2.0, CLAMP_WIDENING * (up - down) / 2.0],
            domain,
        })
    }

    /// What the splat makes of the picture, and its mean in the world; `None` if it does not show.
    pub(super) fn project(
        &self,
        splats: &Splats,
        index: usize,
        moment: Moment,
        appearance: Appearance,
    ) -> Option<(Projected, DVec3)> {
        let Placed { mean, rest, axes, opacity } = place(splats, index, moment)?;
        let mean_in_world = self.world_from_object.transform_point3(mean);
        let mean_in_view = self.view_from_world.transform_point3(mean_in_world);
        let depth = -mean_in_view.z;
        // Written so that a mean that is no number does not show either.
        if !(depth >= NEAR_METRES && opacity >= ALPHA_MIN) {
            return None;
        }
        let view_from_object =
            DMat3::from_mat4(self.view_from_world) * DMat3::from_mat4(self.world_from_object);
        let axes = view_from_object * axes;
        let (tan_x, tan_y) = (mean_in_view.x / depth, mean_in_view.y / depth);
        let centre = [(tan_x - self.origin[0]) * self.focal[0], (self.origin[1] - tan_y) * self.focal[1]];
        let (shape, opacity, extent) = match appearance.kernel {
            Kernel::Gaussian => {
                let flat = self.flatten(axes * axes.transpose(), tan_x, tan_y, depth);
                Footprint::gaussian(flat, opacity, appearance.antialias)?
            }
            Kernel::Surfel => Footprint::disc(self.rows(mean_in_view, axes), centre, opacity)?,
        };
        let seen = if appearance.sh_origin == ShOrigin::Rest { rest } else { mean };
        let direction = (seen - self.position_in_object).normalize_or_zero();
        let colour = colour::towards(splats, index, direction)?;
        let colour = match (appearance.colour_domain, self.domain) {
            (ColourDomain::Encoded, ColourDomain::Linear) => colour.map(colour::linear),
            (ColourDomain::Linear, ColourDomain::Encoded) => colour.map(colour::encoded),
            _ => colour,
        };
        let projected = Projected { centre, shape, extent, opacity, colour, depth };
        let finite = projected.centre.iter().all(|value| value.is_finite());
        finite.then_some((projected, mean_in_world))
    }

    /// The rows of the matrix from a disc with these axes to the picture: x and y times the depth, and the depth.
    fn rows(&self, mean: DVec3, axes: DMat3) -> [DVec3; 3] {
        let across = |of: fn(DVec3) -> f64| DVec3::new(of(axes.x_axis), of(axes.y_axis), of(mean));
        let depth = -across(|v| v.z);
        [
            self.focal[0] * (across(|v| v.x) - self.origin[0] * depth),
            self.focal[1] * (self.origin[1] * depth - across(|v| v.y)),
            depth,
        ]
    }

    /// xx, xy, yy of the covariance in the picture, px², of a covariance in view space.
    fn flatten(&self, in_view: DMat3, tan_x: f64, tan_y: f64, depth: f64) -> [f64; 3] {
        let hold = |tangent: f64, axis: usize| {
            let (low, high) = (self.middle[axis] - self.reach[axis], self.middle[axis] + self.reach[axis]);
            tangent.max(low).min(high)
        };
        let (tan_x, tan_y) = (hold(tan_x, 0), hold(tan_y, 1));
        // The rows of J: how the picture's x (to the right) and y (down) change with view-space x, y, z, where the
        // depth is −z.
        let x_row = self.focal[0] / depth * DVec3::new(1.0, 0.0, tan_x);
        let y_row = self.focal[1] / depth * DVec3::new(0.0, -1.0, -tan_y);
        [x_row.dot(in_view * x_row), x_row.dot(in_view * y_row), y_row.dot(in_view * y_row)]
    }
}

/// A splat at one moment, in the clip's own space.
struct Placed {
    mean: DVec3,
    /// The mean at t0.
    rest: DVec3,
    /// The axes, each as long as its standard deviation.
    axes: DMat3,
    opacity: f64,
}

/// The formulas of [`crate::splat`]; `None` outside the window.
fn place(splats: &Splats, index: usize, moment: Moment) -> Option<Placed> {
    let splat = splats.get(index);
    let (life, motion) = (splat.life, splat.motion);
    if moment.tick < life.start || moment.tick >= life.end {
        return None;
    }
    let dt = moment.seconds - life.t0;
    let deviations = dt / f64::from(life.sigma_t);
    let opacity = f64::from(splat.opacity) * (-0.5 * deviations * deviations).exp();
    let mean = vector(splat.mean)
        + vector(motion.velocity) * dt
        + vector(motion.quadratic) * (dt * dt)
        + vector(motion.cubic) * (dt * dt * dt);
    let [x, y, z, w] = std::array::from_fn(|i| f64::from(splat.rotation[i]) + f64::from(motion.spin[i]) * dt);
    let quaternion = DQuat::from_xyzw(x, y, z, w);
    let none = [x, y, z, w] == [0.0; 4];
    let quaternion = if none { DQuat::IDENTITY } else { quaternion.normalize() };
    let axes = DMat3::from_quat(quaternion) * DMat3::from_diagonal(vector(splat.scale));
    Some(Placed { mean, rest: vector(splat.mean), axes, opacity })
}

fn vector(v: [f32; 3]) -> DVec3 {
    DVec3::from_array(v.map(f64::from))
}
