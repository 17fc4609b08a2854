//! Twin of `raster/splat.vert` with `raster/splat.frag` and `raster/splat_depth.frag`.

use glam::{Mat2, Vec2, Vec3};

use super::{Buffers, pack};
use crate::generated::{ALPHA_CUT, ALPHA_MAX};

/// One view's accumulation: premultiplied colour and the depth sum, row by row from the upper left.
#[derive(Debug, Clone, PartialEq)]
pub struct Accumulated {
    /// Width, px.
    pub width: usize,
    /// Premultiplied colour and alpha.
    pub colour: Vec<[f32; 4]>,
    /// Depth less the frame's reference, weighted as colour is.
    pub depth: Vec<f32>,
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
        depth: vec![0.0; columns * pixel(height)],
    };
    for place in 0..buffers.counts.visible as usize {
        let splat = buffers.projected[view * frame.slots as usize + place];
        let blue_opacity = pack::halves(splat.colour[1]);
        let rgb = Vec3::from((pack::halves(splat.colour[0]), blue_opacity.x));
        let opacity = blue_opacity.y;
        if opacity < ALPHA_CUT {
            continue;
        }
        let axes = Mat2::from_cols(pack::halves(splat.axes[0]), pack::halves(splat.axes[1]));
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
                out.depth[index] =
                    (splat.depth - frame.depth_reference) * alpha + out.depth[index] * (1.0 - alpha);
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
