//! Twin of `slice/slice.comp` with `include/told.glsl`.

use glam::{Mat4, Quat, Vec3, Vec4};

use super::{Buffers, attributes, labels, pack, rig};
use crate::generated::{CLUSTER_SPLATS, PLANE_CURVE, PLANE_PACKED_CURVE};
use crate::layout::{Segment, Sliced};

/// Every splat of the referenced clusters at its segment's media time, in the world; but those that joints carry.
pub fn slice(buffers: &mut Buffers) {
    slice_some(buffers, false, |buffers, segment, empty| {
        let (mean, rotation, opacity) = told(buffers, segment, empty.source as usize);
        let world = Mat4::from_cols_array_2d(&segment.world_from_object).transform_point3(mean);
        let rotation = pack::pack_quaternion(Quat::from_array(segment.rotation) * rotation);
        Sliced { mean_opacity: world.extend(opacity).to_array(), rotation, ..empty }
    });
}

/// Writes the slots of clusters that joints carry, or those of the others.
pub(crate) fn slice_some(
    buffers: &mut Buffers,
    carried: bool,
    splat: impl Fn(&Buffers, &Segment, Sliced) -> Sliced,
) {
    let mut out = buffers.sliced.clone();
    out.resize(buffers.references.len() * CLUSTER_SPLATS as usize, Sliced::default());
    for (slots, reference) in out.chunks_mut(CLUSTER_SPLATS as usize).zip(&buffers.references) {
        let segment = &buffers.segments[reference.segment as usize];
        if rig::is_carried(segment) != carried {
            continue;
        }
        for (lane, slot) in (0..).zip(slots) {
            let source = reference.cluster * CLUSTER_SPLATS + lane;
            let empty = Sliced { source, segment: reference.segment, ..Sliced::default() };
            *slot = if lane < reference.count { splat(buffers, segment, empty) } else { empty };
        }
    }
    buffers.sliced = out;
}

/// Mean, rotation and opacity of a splat as it is told.
pub(crate) fn told(buffers: &Buffers, segment: &Segment, source: usize) -> (Vec3, Quat, f32) {
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
    (mean, rotation, opacity)
}
