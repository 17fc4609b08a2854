//! Twin of `raster/splat.vert` with `raster/splat.frag` and `raster/splat_depth.frag`.

use glam::{Mat2, Vec2};

use super::look::{Surfel, pixel_window, surfel_box};
use super::{Buffers, pack};
use crate::generated::{ALPHA_CUT, ALPHA_MAX, NEAR_METRES};
use crate::layout::Projected;

/// One view's accumulation: premultiplied colour and the depth sum, row by row from the upper left.
#[derive(Debug, Clone, PartialEq)]
pub struct Accumulated {
    /// Width, px.
    pub width: usize,
    /// Premultiplied colour and alpha.
    pub colour: Vec<[f32; 4]>,
    /// Depth less the frame's reference, and alpha, weighted as colour is.
    pub depth: Vec<[f32; 2]>,
}

/// Draws the projected splats of `view`, in order, over nothing.
#[must_use]
pub fn splat(buffers: &Buffers, view: usize) -> Accumulated {
    let frame = &buffers.block.frame;
    let [_, _, width, height] = buffers.block.views[view].screen;
    let size = Vec2::new(width, height);
    let columns = pixel(width);
    let mut out = Accumulated {
        width: columns,
        colour: vec![[0.0; 4]; columns * pixel(height)],
        depth: vec![[0.0; 2]; columns * pixel(height)],
    };
    for place in 0..buffers.counts.visible as usize {
        let splat = buffers.projected[view * frame.slots as usize + place];
        let (rgb, opacity) = pack::colour_opacity(splat.colour);
        if opacity < ALPHA_CUT {
            continue;
        }
        let shape = Shape::of(&splat, opacity, frame.depth_reference);
        let centre = Vec2::from_array(splat.centre);
        let low = (centre - shape.extent).clamp(Vec2::ZERO, size);
        let high = (centre + shape.extent + 1.0).clamp(Vec2::ZERO, size);
        for y in pixel(low.y)..pixel(high.y) {
            for x in pixel(low.x)..pixel(high.x) {
                let (alpha, depth) = shape.at(Vec2::new(x as f32 + 0.5, y as f32 + 0.5) - centre);
                let alpha = (opacity * alpha).min(ALPHA_MAX);
                if alpha < ALPHA_CUT {
                    continue;
                }
                let index = y * columns + x;
                let source = (rgb * alpha).extend(alpha);
                let target = &mut out.colour[index];
                for (t, s) in target.iter_mut().zip(source.to_array()) {
                    *t = s + *t * (1.0 - alpha);
                }
                let sum = [depth * alpha, alpha];
                for (t, s) in out.depth[index].iter_mut().zip(sum) {
                    *t = s + *t * (1.0 - alpha);
                }
            }
        }
    }
    out
}

/// What a record covers of its view.
struct Shape {
    /// From px to deviations along the half axes.
    deviations_from_px: Mat2,
    /// px on each side of the centre outside of which nothing shows.
    extent: Vec2,
    kind: Kind,
    /// Of the mean, metres, and what the frame subtracts of it.
    depth: f32,
    depth_reference: f32,
}

enum Kind {
    Gaussian,
    Integral(Vec2),
    Surfel(Vec2),
}

impl Shape {
    fn of(splat: &Projected, opacity: f32, depth_reference: f32) -> Self {
        let reach = (2.0 * (255.0 * opacity).ln()).max(0.0).sqrt();
        let axes = |along: Vec2, lengths: Vec2| Mat2::from_cols(along * lengths.x, along.perp() * lengths.y);
        let made = |axes: Mat2, extent: Vec2, kind: Kind| Self {
            deviations_from_px: axes.inverse(),
            extent,
            kind,
            depth: splat.depth.abs(),
            depth_reference,
        };
        if splat.depth < 0.0 {
            let surfel = Surfel::unpack(splat);
            let axes = axes(surfel.along, surfel.lengths.max(Vec2::splat(1e-6)));
            let nearest = NEAR_METRES / -splat.depth;
            let [low, high] = surfel_box(surfel.tilt, reach, nearest);
            let half = low.abs().max(high.abs());
            let extent = (axes.x_axis.abs() * half.x + axes.y_axis.abs() * half.y).max(Vec2::splat(reach));
            return made(axes, extent, Kind::Surfel(surfel.tilt));
        }
        let major = Vec2::from_array(splat.major);
        let lengths = Vec2::new(major.length().max(1e-6), splat.minor.abs().max(1e-6));
        let axes = axes(major / lengths.x, lengths);
        let side = (axes.x_axis * axes.x_axis + axes.y_axis * axes.y_axis).map(f32::sqrt);
        if splat.minor < 0.0 {
            return made(axes, side * (reach + 0.1) + 1.0, Kind::Integral(lengths));
        }
        made(axes, side * reach, Kind::Gaussian)
    }

    /// What is left of the opacity, and the depth less the reference, at `px` from the centre.
    fn at(&self, px: Vec2) -> (f32, f32) {
        let q = self.deviations_from_px * px;
        let depth = self.depth - self.depth_reference;
        match self.kind {
            Kind::Gaussian => ((-0.5 * q.length_squared()).exp(), depth),
            Kind::Integral(sigma) => {
                (pixel_window(q.x * sigma.x, sigma.x) * pixel_window(q.y * sigma.y, sigma.y), depth)
            }
            Kind::Surfel(tilt) => {
                let in_filter = 2.0 * px.length_squared();
                let nearer = 1.0 - tilt.dot(q);
                let met = nearer > 0.0 && self.depth >= NEAR_METRES * nearer;
                let in_disc = if met { q.length_squared() / (nearer * nearer) } else { f32::INFINITY };
                let deeper = if in_disc <= in_filter { self.depth / nearer - self.depth } else { 0.0 };
                ((-0.5 * in_disc.min(in_filter)).exp(), depth + deeper)
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a pixel coordinate, clamped to the screen"
)]
fn pixel(coordinate: f32) -> usize {
    coordinate as usize
}
