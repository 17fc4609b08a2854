//! Twin of `cull/cull.comp`.

use glam::{Mat4, Vec2, Vec3};

use super::{Buffers, attributes, rig};
use crate::generated::{ALPHA_CUT, CLUSTER_SPLATS, DEAD_KEY, KEY_MAX, LOOK_SURFEL, NEAR_METRES};
use crate::layout::{ClusterRef, Sliced, View};

/// Standard deviations at which the most opaque splat falls under 1/255.
const REACH: f32 = 3.34;

/// A key for every slot that any view can see, [`DEAD_KEY`] for the others.
pub fn cull(buffers: &mut Buffers) {
    let mut keys = Vec::with_capacity(buffers.sliced.len());
    for (reference, splats) in buffers.references.iter().zip(buffers.sliced.chunks(CLUSTER_SPLATS as usize)) {
        let visible = cluster_visible(buffers, reference);
        keys.extend(splats.iter().map(|splat| if visible { key(buffers, splat) } else { DEAD_KEY }));
    }
    buffers.keys = keys;
}

fn views(buffers: &Buffers) -> &[View] {
    &buffers.block.views[..buffers.block.frame.views as usize]
}

fn in_view(view: &View, world: Vec3) -> Vec3 {
    Mat4::from_cols_array_2d(&view.view_from_world).transform_point3(world)
}

fn cluster_visible(buffers: &Buffers, reference: &ClusterRef) -> bool {
    let cluster = &buffers.clusters[reference.cluster as usize];
    let segment = &buffers.segments[reference.segment as usize];
    if rig::is_carried(segment) {
        return true;
    }
    let (low, high) = (Vec3::from_array(cluster.box_min), Vec3::from_array(cluster.box_max));
    let centre = Mat4::from_cols_array_2d(&segment.world_from_object).transform_point3((low + high) * 0.5);
    let radius = segment.scale * (0.5 * (high - low).length() + REACH * segment.gain * cluster.max_scale);
    views(buffers).iter().any(|view| {
        let p = in_view(view, centre);
        let [left, right, up, down] = view.tangents;
        let reach = (radius - p.z).max(0.0) * REACH * 2.0;
        let planes = [
            (p.x + left * p.z, left, view.screen[0]),
            (-p.x - right * p.z, right, view.screen[0]),
            (-p.y - up * p.z, up, view.screen[1]),
            (p.y + down * p.z, down, view.screen[1]),
        ];
        let inside = planes
            .iter()
            .all(|(d, tangent, focal)| *d >= -(radius * (1.0 + tangent * tangent).sqrt() + reach / focal));
        radius - p.z >= NEAR_METRES && inside
    })
}

fn key(buffers: &Buffers, splat: &Sliced) -> u32 {
    let [x, y, z, opacity] = splat.mean_opacity;
    if opacity < ALPHA_CUT {
        return DEAD_KEY;
    }
    let frame = &buffers.block.frame;
    let mean = Vec3::new(x, y, z);
    let segment = &buffers.segments[rig::segment_of(splat)];
    let scale = if rig::is_carried(segment) {
        rig::unpack_shape(splat).1
    } else {
        attributes::scale(buffers, segment, splat.source as usize)
    };
    let sigma = scale.max_element() * segment.scale;
    let touches = |view: &View| {
        let p = in_view(view, mean);
        if -p.z < NEAR_METRES {
            return false;
        }
        let ratio = Vec2::new(p.x, p.y) / -p.z;
        let depth = if segment.look & LOOK_SURFEL != 0 { -p.z - REACH * sigma } else { -p.z };
        if depth < NEAR_METRES {
            return true;
        }
        let focal = view.screen[0].max(view.screen[1]) * sigma / depth;
        let reach = REACH * (focal * focal * (1.0 + ratio.length_squared()) + segment.low_pass).sqrt() + 1.0;
        let px = (ratio.x - view.tangents[0]) * view.screen[0];
        let py = (view.tangents[2] - ratio.y) * view.screen[1];
        px >= -reach && py >= -reach && px <= view.screen[2] + reach && py <= view.screen[3] + reach
    };
    if !views(buffers).iter().any(touches) {
        return DEAD_KEY;
    }
    let [hx, hy, hz, _] = frame.head_in_world;
    let steps = (mean.distance(Vec3::new(hx, hy, hz)) - frame.key_near) * frame.key_scale;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the keys' range")]
    let steps = steps.clamp(0.0, KEY_MAX as f32) as u32;
    KEY_MAX - steps
}
