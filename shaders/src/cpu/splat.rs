//! Twin of `raster/splat.vert` with `raster/splat.frag` and `raster/splat_depth.frag`.

use glam::{Mat2, Vec2};

use super::{Buffers, pack};
use crate::generated::{ALPHA_CUT, ALPHA_MAX};

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
        let major = Vec2::from_array(splat.major);
        let axes = Mat2::from_cols(major, major.perp() * (splat.minor / major.length().max(1e-6)));
        let reach = (2.0 * (255.0 * opacity).ln()).max(0.0).sqrt();
        let extent = (axes.x_axis * axes.x_axis + axes.y_axis * axes.y_axis).map(f32::sqrt) * reach;
        let centre = Vec2::from_array(splat.centre);
        let low = (centre - extent).clamp(Vec2::ZERO, size);
        let high = (centre + extent + 1.0).clamp(Vec2::ZERO, size);
        let deviations_from_px = axes.inverse();
        for y in pixel(low.y)..pixel(high.y) {
            for x in pixel(low.x)..pixel(high.x) {
                let deviations = deviations_from_px * (Vec2::new(x as f32 + 0.5, y as f32 + 0.5) - centre);
                let alpha = (opacity * (-0.5 * deviations.length_squared()).exp()).min(ALPHA_MAX);
                if alpha < ALPHA_CUT {
                    continue;
                }
                let index = y * columns + x;
                let source = (rgb * alpha).extend(alpha);
                let target = &mut out.colour[index];
                for (t, s) in target.iter_mut().zip(source.to_array()) {
                    *t = s + *t * (1.0 - alpha);
                }
                let sum = [(splat.depth - frame.depth_reference) * alpha, alpha];
                for (t, s) in out.depth[index].iter_mut().zip(sum) {
                    *t = s + *t * (1.0 - alpha);
                }
            }
        }
    }
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a pixel coordinate, clamped to the screen"
)]
fn pixel(coordinate: f32) -> usize {
    coordinate as usize
}
