//! Twin of `include/look.glsl`: surfels on a screen and the integral of a splat over a pixel.

use glam::{Vec2, Vec3};

use super::pack;
use crate::layout::Projected;

/// A surfel on a screen; see the shader for the formula that rays meet it by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surfel {
    /// Direction of the longer half axis.
    pub along: Vec2,
    /// Lengths of that and of the one across, px.
    pub lengths: Vec2,
    /// How much deeper a deviation along each is, in depths of the centre.
    pub tilt: Vec2,
}

impl Surfel {
    pub(crate) fn new(rows: [Vec3; 2], deeper: Vec2, major: Vec2, minor: f32) -> Self {
        let [x, y] = rows.map(Vec3::truncate);
        let reach = major.length().max(1e-6);
        let along = major / reach;
        let along = if along.y < 0.0 { -along } else { along };
        let first = (along.x * x + along.y * y).try_normalize().unwrap_or(Vec2::X);
        let second = if x.perp_dot(y) < 0.0 { -first.perp() } else { first.perp() };
        Self {
            along,
            lengths: Vec2::new(reach, minor),
            tilt: Vec2::new(first.dot(deeper), second.dot(deeper)),
        }
    }

    /// What a record of a surfel says; other records have a positive depth.
    #[must_use]
    pub fn unpack(record: &Projected) -> Self {
        let bits = record.major[1].to_bits();
        let place = (bits & 0xffff) as f32 / 65535.0 * 2.0 - 1.0;
        let along = Vec2::new(place, 1.0 - place.abs()).normalize_or(Vec2::X);
        let lengths = Vec2::new(record.major[0], pack::halves(bits >> 16).x);
        Self { along, lengths, tilt: pack::halves(record.minor.to_bits()) }
    }

    pub(crate) fn pack(&self, record: &mut Projected) {
        let place = self.along.x / (self.along.x.abs() + self.along.y);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 65535.5")]
        let direction = ((place * 0.5 + 0.5) * 65535.0 + 0.5) as u32;
        let across = pack::pack_halves(Vec2::new(self.lengths.y.min(65504.0), 0.0));
        let tilt = self.tilt.clamp(Vec2::splat(-65504.0), Vec2::splat(65504.0));
        record.major = [self.lengths.x, f32::from_bits(direction | across << 16)];
        record.minor = f32::from_bits(pack::pack_halves(tilt));
        record.depth = -record.depth;
    }
}

/// Least and greatest place along and across, in half axes, from which a ray can meet the disc within `reach` deviations.
pub(crate) fn surfel_box(tilt: Vec2, reach: f32, nearest: f32) -> [Vec2; 2] {
    let square = reach * reach;
    let left = 1.0 - square * tilt.length_squared();
    if left < 0.02 {
        return [Vec2::splat(-reach / nearest), Vec2::splat(reach / nearest)];
    }
    let middle = -square / left * tilt;
    let crossed = Vec2::new(tilt.y, tilt.x);
    let side = (Vec2::ONE - square * crossed * crossed).map(f32::sqrt) * (reach / left);
    [middle - side, middle + side]
}

/// The integral of `exp(−½ (x/sigma)²)` over the pixel about `u`.
pub(crate) fn pixel_window(u: f32, sigma: f32) -> f32 {
    let curve = |x: f32| (x * (1.6 + 0.07 * x * x)).clamp(-60.0, 60.0);
    let (far, near) = (curve((u + 0.5) / sigma), curve((u - 0.5) / sigma));
    let rise = far - near;
    let grown = if rise < 0.1 { rise * (1.0 - rise * (0.5 - rise / 6.0)) } else { 1.0 - (-rise).exp() };
    2.506_628_3 * sigma * grown / ((1.0 + (-far).exp()) * (1.0 + near.exp()))
}
