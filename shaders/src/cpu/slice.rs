//! Twin of `slice/slice.comp`.

use glam::{Mat4, Quat, Vec3, Vec4};

use super::{Buffers, pack};
use crate::generated::{CLUSTER_SPLATS, PLANE_CURVE, PLANE_LIFE, PLANE_VELOCITY};
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
    let triple = |plane: usize| {
        let words = buffers.plane(plane, source, 3);
        Vec3::new(f32::from_bits(words[0]), f32::from_bits(words[1]), f32::from_bits(words[2]))
    };
    let mut mean = triple(0);
    let mut rotation = pack::quaternion(buffers.plane(1, source, 2));
    let mut opacity = pack::opacity(buffers.plane(2, source, 2));
    let mut dt = segment.seconds;
    if segment.planes & PLANE_LIFE != 0 {
        let life = buffers.plane(4, source, 4);
        dt -= f32::from_bits(life[0]);
        let deviations = dt * f32::from_bits(life[1]);
        opacity *= (-0.5 * deviations * deviations).exp();
        if segment.tick < life[2] || segment.tick >= life[3] {
            opacity = 0.0;
        }
    }
    if segment.planes & PLANE_VELOCITY != 0 {
        mean += triple(5) * dt;
    }
    if segment.planes & PLANE_CURVE != 0 {
        let words = buffers.plane(6, source, 5);
        let [a, b, c] = [words[0], words[1], words[2]].map(pack::halves);
        let quadratic = Vec3::new(a.x, a.y, b.x);
        let cubic = Vec3::new(b.y, c.x, c.y);
        mean += (quadratic + cubic * dt) * (dt * dt);
        let spin = Vec4::from((pack::halves(words[3]), pack::halves(words[4])));
        let turned = Vec4::from(rotation) + spin * dt;
        if turned.length_squared() > 0.0 {
            rotation = Quat::from_vec4(turned / turned.length());
        }
    }
    let world = Mat4::from_cols_array_2d(&segment.world_from_object).transform_point3(mean);
    let placed = Quat::from_array(segment.rotation) * rotation;
    Sliced {
        mean_opacity: world.extend(opacity).to_array(),
        rotation: pack::pack_quaternion(placed),
        ..empty
    }
}
