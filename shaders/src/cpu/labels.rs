//! Twin of `include/labels.glsl`: what a look makes of a splat by its label.

use glam::Vec3;

use super::Buffers;
use crate::generated::{CLUSTER_SPLATS, LOOK_HIDDEN};
use crate::layout::Segment;

/// The word of the frame's table for splat `source`; 0 where its segment has no look.
pub(super) fn look_of(buffers: &Buffers, segment: &Segment, source: usize) -> u32 {
    let Some(look) = segment.label_look.checked_sub(1) else { return 0 };
    let splats = CLUSTER_SPLATS as usize;
    let splat = source - segment.first_cluster as usize * splats;
    let word = buffers.packed[segment.labels_first as usize * splats + splat / 4];
    let label = usize::from(word.to_le_bytes()[splat % 4]);
    buffers.block.looks[look as usize].as_flattened()[label]
}

/// Whether splats are not drawn.
pub(super) fn hides(look: u32) -> bool {
    look & LOOK_HIDDEN != 0
}

/// The colour with the look's mixed in.
pub(super) fn tinted(look: u32, colour: Vec3) -> Vec3 {
    let [r, g, b, part] = look.to_le_bytes().map(f32::from);
    let part = if part >= 128.0 { part - 128.0 } else { part };
    colour.lerp(Vec3::new(r, g, b) / 255.0, part / 127.0)
}
