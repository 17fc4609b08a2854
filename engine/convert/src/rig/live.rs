//! A skinned model as a rig that plays: its splats at rest once, and where its joints stand in each frame.
//!
//! Canonical space is the model as it was bound. A vertex is carried by `now · joint_from_mesh` of its joints, so with the
//! rest of a joint set to `C · joint_from_mesh⁻¹`, C being any map of the mesh, a splat at `C · place` is carried to where
//! the skin takes it, exactly. C is chosen so that what was bound stands where the model's rest puts the topmost joint:
//! where a model rests as it was bound, that is its rest. Meshes that share joints share a C.
//!
//! A splat lies on a triangle whose corners may follow different joints. It gets their weights by its place between
//! them, and is skinned itself: within a triangle that differs from carrying the corners by less than a splat is wide.

use std::path::PathBuf;

use glam::{DAffine3, DVec3, Quat, Vec3};
use vivant::Result;
use vivant::rig::{Affine, Binding, Joint, Kind, narrow};
use vivant::splat::{ClipInfo, Splats};

use super::Rig;
use super::bake;
use crate::report::Report;
use crate::rigged::Rigged;

/// A model whose joints move.
#[derive(Debug)]
pub struct LiveRig {
    model: Rig,
    /// Binds in the order of the joints, parents first.
    order: Vec<usize>,
    /// For each bind, C.
    canonical: Vec<DAffine3>,
}

impl LiveRig {
    /// Of a model that was opened.
    #[must_use]
    pub fn new(model: Rig) -> Self {
        let binds = &model.model.binds;
        let mut order: Vec<usize> = (0..binds.len()).collect();
        // Joints of the skeleton stand behind their parents.
        order.sort_by_key(|&bind| (binds[bind].joint, bind));
        let roots = roots(&model);
        let canonical = roots
            .iter()
            .map(|&root| model.rest[binds[root].joint].world * binds[root].joint_from_mesh)
            .collect();
        Self { model, order, canonical }
    }

    /// The nearest joint above a bind's that is a bind too, as a number of the rig.
    fn parent(&self, place: usize) -> Option<u16> {
        let binds = &self.model.model.binds;
        let own = binds[self.order[place]].joint;
        let above = self.model.model.skeleton.upwards(own).skip(1);
        above.filter_map(|joint| self.order[..place].iter().position(|&bind| binds[bind].joint == joint)).next()
            .and_then(|place| u16::try_from(place).ok())
    }
}

/// For each bind the topmost of those with which it shares vertices, directly or through others.
fn roots(model: &Rig) -> Vec<usize> {
    let binds = &model.model.binds;
    let mut group: Vec<usize> = (0..binds.len()).collect();
    fn find(group: &mut [usize], mut at: usize) -> usize {
        while group[at] != at {
            group[at] = group[group[at]];
            at = group[at];
        }
        at
    }
    for vertex in &model.model.vertices {
        let pulled = vertex.binds.iter().zip(vertex.weights).filter(|(_, weight)| *weight > 0.0);
        let mut first = None;
        for (&bind, _) in pulled {
            let own = find(&mut group, bind as usize);
            let other = *first.get_or_insert(own);
            let other = find(&mut group, other);
            // The topmost joint leads.
            let (top, low) = if binds[own].joint < binds[other].joint { (own, other) } else { (other, own) };
            group[low] = top;
        }
    }
    (0..binds.len()).map(|at| find(&mut group, at)).collect()
}

impl Rigged for LiveRig {
    fn info(&self) -> ClipInfo {
        self.model.info()
    }

    fn frame_count(&self) -> usize {
        self.model.frames()
    }

    fn files(&self) -> &[PathBuf] {
        self.model.files()
    }

    fn rig(&self) -> Result<vivant::rig::Rig> {
        let (binds, joints) = (&self.model.model.binds, &self.model.model.skeleton.joints);
        let joint = |(place, &bind): (usize, &usize)| {
            let rest = self.canonical[bind] * binds[bind].joint_from_mesh.inverse();
            let name: String = joints[binds[bind].joint].name.chars().take(60).collect();
            Joint::new(&name, self.parent(place), narrow(&rest))
        };
        vivant::rig::Rig::new(Kind::Joints, self.order.iter().enumerate().map(joint).collect())
    }

    fn splats(&self) -> Result<(Splats, Vec<Binding>)> {
        let vertices: Vec<Vec3> = self.model.model.vertices.iter().map(|vertex| {
            let lead = vertex.binds.iter().zip(vertex.weights).max_by(|a, b| a.1.total_cmp(&b.1));
            let map = lead.map_or(DAffine3::IDENTITY, |(&bind, _)| self.canonical[bind as usize]);
            map.transform_point3(DVec3::from_array(vertex.place.map(f64::from))).as_vec3()
        }).collect();
        let turns = vec![Quat::IDENTITY; self.model.model.binds.len()];
        let splats = bake::splats(&self.model.discs, &vertices, &turns, &self.model.disc_rest);
        let mut place = vec![0_u16; self.order.len()];
        for (at, &bind) in self.order.iter().enumerate() {
            place[bind] = u16::try_from(at).unwrap_or(u16::MAX);
        }
        let binding = |disc: &super::Disc| {
            let corners = disc.corners.iter().zip(disc.weights.to_array());
            let pairs: Vec<(u16, f32)> = corners
                .flat_map(|(&corner, share)| {
                    let vertex = &self.model.model.vertices[corner as usize];
                    vertex.binds.into_iter().zip(vertex.weights).map(move |(bind, weight)| (bind, weight * share))
                })
                .map(|(bind, weight)| (place[bind as usize], weight))
                .collect();
            // A disc on vertices without any weight stays with its own bind.
            Binding::of(&pairs).unwrap_or_else(|| Binding::one(place[disc.bind as usize]))
        };
        let bindings = self.model.discs.iter().map(binding).collect();
        Ok((splats, bindings))
    }

    fn joints(&self, index: usize) -> Result<Vec<Affine>> {
        let placed = self.model.placed(index)?;
        let raise = DAffine3::from_translation(DVec3::new(0.0, self.model.lifts[index], 0.0));
        let place = |&bind: &usize| narrow(&(raise * placed[self.model.model.binds[bind].joint].world));
        Ok(self.order.iter().map(place).collect())
    }

    fn report(&self) -> Report {
        self.model.report()
    }
}
