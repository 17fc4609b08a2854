//! Twin of `composite/composite.vert` with `composite/composite.frag` and `composite/composite_depth.frag`.

use glam::{Vec3, Vec4};

use super::splat::Accumulated;
use crate::generated::{BLEND_LINEAR, ENCODE_LINEAR};
use crate::layout::Frame;

/// The accumulated picture in the target's encoding over the background, and its depth in metres (infinity where
/// nothing is).
#[must_use]
pub fn composite(frame: &Frame, accumulated: &Accumulated) -> (Vec<[f32; 4]>, Vec<f32>) {
    let background = Vec4::from_array(frame.background);
    let colour = accumulated.colour.iter().map(|pixel| {
        let mut c = Vec4::from_array(*pixel);
        let (wants_linear, is_linear) = (frame.flags & ENCODE_LINEAR != 0, frame.flags & BLEND_LINEAR != 0);
        if wants_linear != is_linear && c.w > 0.0 {
            let convert = if wants_linear { linear_from_srgb } else { srgb_from_linear };
            c = (convert(c.truncate() / c.w) * c.w).extend(c.w);
        }
        (c + background * (1.0 - c.w)).to_array()
    });
    let depth = accumulated
        .depth
        .iter()
        .map(|[sum, alpha]| if *alpha > 0.0 { frame.depth_reference + sum / alpha } else { f32::INFINITY });
    (colour.collect(), depth.collect())
}

pub(crate) fn linear_from_srgb(c: Vec3) -> Vec3 {
    c.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v.max(0.0) + 0.055) / 1.055).powf(2.4) })
}

pub(crate) fn srgb_from_linear(c: Vec3) -> Vec3 {
    c.map(|v| if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 })
}
