//! Twin of `project/project.comp` with `include/covariance.glsl`.

use glam::{Mat3, Mat4, Quat, Vec2, Vec3};

use super::{Buffers, attributes, labels, pack, rig, sh};
use crate::generated::{BINDING_TURNS, NEAR_METRES, PLANE_SH1, PLANE_SH2, PLANE_SH3};
use crate::layout::{Projected, Segment, Sliced, View};

/// Every visible splat, in drawing order, onto every view: `[view][place]`.
pub fn project(buffers: &mut Buffers) {
    let frame = &buffers.block.frame;
    let slots = frame.slots as usize;
    let mut out = vec![Projected::default(); slots * frame.views as usize];
    for place in 0..buffers.counts.visible as usize {
        let splat = buffers.sliced[buffers.order[place] as usize];
        for (index, view) in buffers.block.views[..frame.views as usize].iter().enumerate() {
            out[index * slots + place] = onto(buffers, &splat, view);
        }
    }
    buffers.projected = out;
}

fn onto(buffers: &Buffers, splat: &Sliced, view: &View) -> Projected {
    let segment = &buffers.segments[rig::segment_of(splat)];
    let source = splat.source as usize;
    let [x, y, z, opacity] = splat.mean_opacity;
    let mean = Vec3::new(x, y, z);
    let view_from_world = Mat4::from_cols_array_2d(&view.view_from_world);
    let p = view_from_world.transform_point3(mean);
    let depth = -p.z;
    if depth < NEAR_METRES {
        return Projected { depth, ..Projected::default() };
    }
    let low_pass = buffers.block.frame.low_pass;
    let (rotation, scale) = if rig::is_carried(segment) {
        rig::unpack_shape(splat)
    } else {
        (pack::quaternion(&splat.rotation), attributes::scale(buffers, segment, source))
    };
    let axes = Mat3::from_mat4(view_from_world)
        * Mat3::from_quat(rotation)
        * Mat3::from_diagonal(scale * segment.scale);
    let (major, minor) = ellipse(covariance(view, p, axes, low_pass), low_pass);
    let [ex, ey, ez, _] = view.position_in_world;
    let along = mean - Vec3::new(ex, ey, ez);
    let mut direction =
        Quat::from_array(segment.rotation).inverse() * along.try_normalize().unwrap_or(Vec3::Z);
    if segment.binding & BINDING_TURNS != 0 && segment.planes & (PLANE_SH1 | PLANE_SH2 | PLANE_SH3) != 0 {
        let map = rig::carrying_map(buffers, segment, source);
        direction = rig::nearest_orthogonal(map.linear).transpose() * direction;
    }
    let colour = colour(buffers, segment, source, direction).min(Vec3::splat(65504.0));
    let [left, _, up, _] = view.tangents;
    Projected {
        centre: [(p.x / depth - left) * view.screen[0], (up - p.y / depth) * view.screen[1]],
        major: major.to_array(),
        colour: pack::pack_colour_opacity(colour, opacity),
        minor,
        depth,
    }
}

/// xx, xy, yy of the screen covariance, px².
fn covariance(view: &View, p: Vec3, axes: Mat3, low_pass: f32) -> Vec3 {
    let depth = -p.z;
    let [left, right, up, down] = view.tangents;
    let middle = Vec2::new(left + right, up + down) * 0.5;
    let limit = Vec2::new(right - left, up - down) * (1.3 * 0.5);
    let ratio = (Vec2::new(p.x, p.y) / depth).clamp(middle - limit, middle + limit);
    let (fx, fy) = (view.screen[0] / depth, view.screen[1] / depth);
    let across = axes.transpose() * Vec3::new(fx, 0.0, fx * ratio.x);
    let downwards = axes.transpose() * Vec3::new(0.0, -fy, -fy * ratio.y);
    Vec3::new(across.dot(across) + low_pass, across.dot(downwards), downwards.dot(downwards) + low_pass)
}

/// The major half axis of one standard deviation and the length of the minor, px.
fn ellipse(c: Vec3, low_pass: f32) -> (Vec2, f32) {
    let mid = 0.5 * (c.x + c.z);
    let spread = Vec2::new(0.5 * (c.x - c.z), c.y).length();
    let (major, minor) = (mid + spread, (mid - spread).max(low_pass));
    let direction = if c.x >= c.z { Vec2::new(major - c.z, c.y) } else { Vec2::new(c.y, major - c.x) };
    let direction = direction.try_normalize().unwrap_or(Vec2::X);
    (direction * major.sqrt(), minor.sqrt())
}

fn colour(buffers: &Buffers, segment: &Segment, source: usize, d: Vec3) -> Vec3 {
    let (planes, entry) = (segment.planes, attributes::harmonics_at(buffers, segment, source));
    let mut colour = attributes::colour(buffers, segment, source);
    if planes & PLANE_SH1 != 0 {
        colour += sh::degree1(buffers.plane(7, entry, 5), d);
    }
    if planes & PLANE_SH2 != 0 {
        colour += sh::degree2(buffers.plane(8, entry, 8), d);
    }
    if planes & PLANE_SH3 != 0 {
        colour += sh::degree3(buffers.plane(9, entry, 11), d);
    }
    labels::tinted(labels::look_of(buffers, segment, source), colour.max(Vec3::ZERO))
}
