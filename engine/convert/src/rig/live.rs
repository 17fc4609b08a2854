//! A skinned model as a rig that plays: its splats at rest once, and where its joints stand in each frame.
//!
//! Canonical space is the model as it was bound. A vertex is carried by `now · joint_from_mesh` of its joints, so with the
//! rest of a joint set to `C · joint_from_mesh⁻¹`, C being any map of the mesh, a splat at `C · place` is carried to where
//! the skin takes it, exactly. C is chosen so that what was bound stands where the model's rest puts the topmost joint:
//! where a model rests as it was bound, that is its rest. Vertices that share joints share a C. Skins that bind a joint alike
//! share one joint of the rig.
//!
//! A splat lies on a triangle whose corners may follow different joints. It gets their weights by its place between
//! them, and is skinned itself: within a triangle that differs from carrying the corners by less than a splat is wide.

use std::path::PathBuf;

use glam::{DAffine3, DVec3, Quat, Vec3};
use vivant::rig::{Affine, Binding, Joint, Kind, MAX_JOINTS, narrow};
use vivant::splat::{ClipInfo, Splats};
use vivant::{Error, Result};

use super::Rig;
use super::bake;
use crate::report::Report;
use crate::rigged::Rigged;

/// A model whose joints move.
#[derive(Debug)]
pub struct LiveRig {
    model: Rig,
    /// The joints of the rig, parents first.
    joints: Vec<Told>,
    /// For each bind, the joint that stands for it.
    place: Vec<u16>,
    /// For each bind, C.
    canonical: Vec<DAffine3>,
}

/// A joint of the rig.
#[derive(Debug)]
struct Told {
    /// The same in the model's skeleton.
    joint: usize,
    rest: DAffine3,
}

/// How far two rests may be apart, in metres and in their axes, that stand for one.
const ALIKE: f64 = 1e-4;

impl LiveRig {
    /// Of a model that was opened.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] for more joints than a rig may have.
    pub fn new(model: Rig) -> Result<Self> {
        let binds = &model.model.binds;
        let mut order: Vec<usize> = (0..binds.len()).collect();
        // Joints of the skeleton stand behind their parents.
        order.sort_by_key(|&bind| (binds[bind].joint, bind));
        let roots = roots(&model);
        let canonical: Vec<DAffine3> = roots
            .iter()
            .map(|&root| model.rest[binds[root].joint].world * binds[root].joint_from_mesh)
            .collect();
        let mut joints: Vec<Told> = Vec::new();
        let mut place = vec![0_u16; binds.len()];
        for bind in order {
            let joint = binds[bind].joint;
            let rest = canonical[bind] * binds[bind].joint_from_mesh.inverse();
            let known =
                joints.iter().rposition(|told| told.joint == joint && told.rest.abs_diff_eq(rest, ALIKE));
            let at = known.unwrap_or(joints.len());
            if known.is_none() {
                joints.push(Told { joint, rest });
            }
            place[bind] = u16::try_from(at).map_err(|_beyond| Error::LimitExceeded {
                what: "joints of a model".to_owned(),
                value: at as u64 + 1,
                limit: MAX_JOINTS as u64,
            })?;
        }
        Ok(Self { model, joints, place, canonical })
    }

    /// The nearest joint above the one at `place` that is in the rig too.
    fn parent(&self, place: usize) -> Option<u16> {
        let mut above = self.model.model.skeleton.upwards(self.joints[place].joint).skip(1);
        let found = above.find_map(|joint| self.joints[..place].iter().position(|told| told.joint == joint));
        found.and_then(|place| u16::try_from(place).ok())
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
        let joint = |(place, told): (usize, &Told)| {
            // Of at most 4 bytes each, so that they fit a name.
            let name: String = self.model.model.skeleton.joints[told.joint].name.chars().take(60).collect();
            Joint::new(&name, self.parent(place), narrow(&told.rest))
        };
        vivant::rig::Rig::new(Kind::Joints, self.joints.iter().enumerate().map(joint).collect())
    }

    fn splats(&self) -> Result<(Splats, Vec<Binding>)> {
        let vertices: Vec<Vec3> = self
            .model
            .model
            .vertices
            .iter()
            .map(|vertex| {
                let lead = vertex.binds.iter().zip(vertex.weights).max_by(|a, b| a.1.total_cmp(&b.1));
                let map = lead.map_or(DAffine3::IDENTITY, |(&bind, _)| self.canonical[bind as usize]);
                map.transform_point3(DVec3::from_array(vertex.place.map(f64::from))).as_vec3()
            })
            .collect();
        let turns = vec![Quat::IDENTITY; self.model.model.binds.len()];
        let splats = bake::splats(&self.model.discs, &vertices, &turns, &self.model.disc_rest);
        let place = &self.place;
        let binding = |disc: &super::Disc| {
            let corners = disc.corners.iter().zip(disc.weights.to_array());
            let pairs: Vec<(u16, f32)> = corners
                .flat_map(|(&corner, share)| {
                    let vertex = &self.model.model.vertices[corner as usize];
                    vertex
                        .binds
                        .into_iter()
                        .zip(vertex.weights)
                        .map(move |(bind, weight)| (bind, weight * share))
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
        Ok(self.joints.iter().map(|told| narrow(&(raise * placed[told.joint].world))).collect())
    }

    fn report(&self) -> Report {
        self.model.report()
    }
}
