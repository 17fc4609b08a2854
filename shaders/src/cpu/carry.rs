//! Twin of `slice/carry.comp`.

use glam::{Mat4, Quat};

use super::slice::{slice_some, told};
use super::{Buffers, attributes, rig};
use crate::layout::Sliced;

/// Every splat of the referenced clusters that joints carry, at its segment's media time, in the world.
pub fn carry(buffers: &mut Buffers) {
    slice_some(buffers, true, |buffers, segment, empty| {
        let source = empty.source as usize;
        let (mean, rotation, opacity) = told(buffers, segment, source);
        let map = rig::carrying_map(buffers, segment, source);
        let scale = attributes::scale(buffers, segment, source);
        let (carried, scale) = rig::carried_shape(map.linear, rotation, scale);
        let placed = Quat::from_array(segment.rotation) * carried;
        let (rotation, number) = rig::pack_shape(placed, scale, empty.segment);
        let world = Mat4::from_cols_array_2d(&segment.world_from_object)
            .transform_point3(map.linear * mean + map.shift);
        Sliced { mean_opacity: world.extend(opacity).to_array(), rotation, segment: number, ..empty }
    });
}
