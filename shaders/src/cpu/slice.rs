//! Twin of `slice/slice.comp`.

use glam::{Mat4, Quat, Vec4};

use super::{Buffers, attributes, labels, pack, rig};
use crate::generated::{CLUSTER_SPLATS, PLANE_CURVE, PLANE_PACKED_CURVE};
use crate::layout::{Segment, Sliced};

/// Every splat of the referenced clusters at its segment's media time, in the world.
pub fn slice(buffers: &mut Buffers) {
    let mut out = Vec::with_capacity(buffers.references.len() * CLUSTER_SPLATS as usize);
    for reference in &buffers.references {
        let segment = &buffers.segments[reference.segment as usize];
        for lane in 0..CLUSTER_SPLATS {
            let source = reference.cluster * CLUSTER_SPLATS + lane;
            let empty = Sliced { source, segment: reference.segment, ..Sliced::default() };
            out.push(if lane < reference.count { splat_at(buffers, segment, empty) } else { empty });
        }
    }
    buffers.sliced = out;
}

fn splat_at(buffers: &Buffers, segment: &Segment, empty: Sliced) -> Sliced {
    let source = empty.source as usize;
    let mut mean = attributes::mean(buffers, segment, source);
    let mut rotation = attributes::rotation(buffers, segment, source);
    let (dt, presence, half) = attributes::moment(buffers, segment, source);
    let hidden = labels::hides(labels::look_of(buffers, segment, source));
    let opacity = if hidden { 0.0 } else { attributes::opacity(buffers, segment, source) * presence };
    mean += attributes::velocity(buffers, segment, source, half) * dt;
    if segment.planes & (PLANE_CURVE | PLANE_PACKED_CURVE) != 0 {
        let curve = attributes::curve(buffers, segment, source, rotation, half);
        mean += (curve.quadratic + curve.cubic * dt) * (dt * dt);
        let turned = Vec4::from(rotation) + curve.spin * dt;
        if turned.length_squared() > 0.0 {
            rotation = Quat::from_vec4(turned / turned.length());
        }
    }
    if let Some((turn, shift)) = attributes::pose(buffers, segment, source) {
        mean = turn * mean + shift;
        rotation = turn * rotation;
    }
    let turn = Quat::from_array(segment.rotation);
    let (rotation, number) = if rig::is_carried(segment) {
        let map = rig::carrying_map(buffers, segment, source);
        mean = map.linear * mean + map.shift;
        let scale = attributes::scale(buffers, segment, source);
        let (carried, scale) = rig::carried_shape(map.linear, rotation, scale);
        rig::pack_shape(turn * carried, scale, empty.segment)
    } else {
        (pack::pack_quaternion(turn * rotation), empty.segment)
    };
    let world = Mat4::from_cols_array_2d(&segment.world_from_object).transform_point3(mean);
    Sliced { mean_opacity: world.extend(opacity).to_array(), rotation, segment: number, ..empty }
}
