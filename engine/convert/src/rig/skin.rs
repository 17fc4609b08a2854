//! Linear blend skinning: every vertex where the weighted mean of its joints takes it. Pure, f32, parallel.
//!
//! The matrices are multiplied in f64 and rounded once; a vertex is then a sum of four products, as a GPU would do it.

use glam::{Affine3A, DAffine3, Mat3A, Vec3, Vec3A};
use rayon::prelude::*;

use super::model::{Model, Vertex};
use super::skeleton::Placed;

/// Vertices a task: enough to hide the scheduling.
const TASK: usize = 4096;

/// From the mesh to the world, one for each bind, raised by `lift` metres.
pub(crate) fn palette(model: &Model, placed: &[Placed], lift: f64) -> Vec<Affine3A> {
    let raise = DAffine3::from_translation(glam::DVec3::new(0.0, lift, 0.0));
    let matrix = |bind: &super::model::Bind| {
        let world = raise * placed[bind.joint].world * bind.joint_from_mesh;
        Affine3A {
            matrix3: Mat3A::from_cols_array(&world.matrix3.to_cols_array().map(narrow)),
            translation: Vec3A::from_array(world.translation.to_array().map(narrow)),
        }
    };
    model.binds.iter().map(matrix).collect()
}

fn narrow(value: f64) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places within kilometres: f32 is what splats are kept in"
    )]
    let narrow = value as f32;
    narrow
}

/// Where `vertices` come to be.
pub(crate) fn skin(vertices: &[Vertex], palette: &[Affine3A]) -> Vec<Vec3> {
    vertices.par_iter().with_min_len(TASK).map(|vertex| place(vertex, palette)).collect()
}

fn place(vertex: &Vertex, palette: &[Affine3A]) -> Vec3 {
    let place = Vec3A::from_array(vertex.place);
    let pulled = vertex.binds.iter().zip(vertex.weights).filter(|(_, weight)| *weight > 0.0);
    let sum: Vec3A = pulled
        .filter_map(|(&bind, weight)| Some(palette.get(bind as usize)?.transform_point3a(place) * weight))
        .sum();
    Vec3::from(sum)
}
