//! Twin of `project/project.comp` with `include/covariance.glsl`, for any look.

use glam::{Mat3, Mat4, Quat, Vec2, Vec3};

use super::composite::{linear_from_srgb, srgb_from_linear};
use super::look::Surfel;
use super::{Buffers, attributes, labels, pack, rig, sh};
use crate::generated::{
    BINDING_TURNS, BLEND_LINEAR, LOOK_INTEGRAL, LOOK_LINEAR, LOOK_MIP, LOOK_REST, LOOK_SURFEL, NEAR_METRES,
    PLANE_SH1, PLANE_SH2, PLANE_SH3,
};
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
    let (rotation, scale) = if rig::is_carried(segment) {
        rig::unpack_shape(splat)
    } else {
        (pack::quaternion(&splat.rotation), attributes::scale(buffers, segment, source))
    };
    let axes = Mat3::from_mat4(view_from_world)
        * Mat3::from_quat(rotation)
        * Mat3::from_diagonal(scale * segment.scale);
    let mut out = Projected { depth, ..Projected::default() };
    let left = ellipse(view, p, axes, segment, &mut out);
    let [ex, ey, ez, _] = view.position_in_world;
    let rest = if segment.look & LOOK_REST != 0 { attributes::rest(buffers, segment, source) } else { None };
    let placed = |rest| Mat4::from_cols_array_2d(&segment.world_from_object).transform_point3(rest);
    let along = rest.map_or(mean, placed) - Vec3::new(ex, ey, ez);
    let mut direction =
        Quat::from_array(segment.rotation).inverse() * along.try_normalize().unwrap_or(Vec3::Z);
    if segment.binding & BINDING_TURNS != 0 && segment.planes & (PLANE_SH1 | PLANE_SH2 | PLANE_SH3) != 0 {
        let map = rig::carrying_map(buffers, segment, source);
        direction = rig::nearest_orthogonal(map.linear).transpose() * direction;
    }
    let mut colour = colour(buffers, segment, source, direction);
    let blend_linear = buffers.block.frame.flags & BLEND_LINEAR != 0;
    if (segment.look & LOOK_LINEAR != 0) != blend_linear {
        colour = if blend_linear { linear_from_srgb(colour) } else { srgb_from_linear(colour) };
    }
    out.colour = pack::pack_colour_opacity(colour.min(Vec3::splat(65504.0)), opacity * left);
    out
}

/// The shape of a splat whose mean is at `p` of a view, into a record that has its depth; what of its opacity is left.
fn ellipse(view: &View, p: Vec3, axes: Mat3, segment: &Segment, out: &mut Projected) -> f32 {
    let surfel = segment.look & LOOK_SURFEL != 0;
    let depth = -p.z;
    let [left, right, up, down] = view.tangents;
    let exact = Vec2::new(p.x, p.y) / depth;
    let middle = Vec2::new(left + right, up + down) * 0.5;
    let limit = Vec2::new(right - left, up - down) * (1.3 * 0.5);
    let ratio = if surfel { exact } else { exact.clamp(middle - limit, middle + limit) };
    let (fx, fy) = (view.screen[0] / depth, view.screen[1] / depth);
    let counted = if surfel { Vec3::new(1.0, 1.0, 0.0) } else { Vec3::ONE };
    let across = axes.transpose() * Vec3::new(fx, 0.0, fx * ratio.x) * counted;
    let downwards = axes.transpose() * Vec3::new(0.0, -fy, -fy * ratio.y) * counted;
    let bare = across.cross(downwards).length_squared();
    let low_pass = segment.low_pass;
    let c =
        Vec3::new(across.dot(across) + low_pass, across.dot(downwards), downwards.dot(downwards) + low_pass);
    let determinant = bare + low_pass * (c.x + c.z - low_pass);
    let mid = 0.5 * (c.x + c.z);
    let major = mid + Vec2::new(0.5 * (c.x - c.z), c.y).length();
    let minor = if major > 0.0 { (determinant / major).sqrt() } else { 0.0 };
    let direction = if c.x >= c.z { Vec2::new(major - c.z, c.y) } else { Vec2::new(c.y, major - c.x) };
    let direction = direction.try_normalize().unwrap_or(Vec2::X) * major.sqrt();
    out.centre = [(exact.x - left) * view.screen[0], (up - exact.y) * view.screen[1]];
    (out.major, out.minor) = (direction.to_array(), minor);
    if surfel {
        let deeper = Vec2::new(axes.x_axis.z, axes.y_axis.z) / p.z;
        Surfel::new([across, downwards], deeper, direction, minor).pack(out);
    }
    if segment.look & LOOK_INTEGRAL != 0 {
        out.minor = -minor.max(1e-6);
    }
    if segment.look & LOOK_MIP != 0 { (bare / determinant).sqrt() } else { 1.0 }
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
