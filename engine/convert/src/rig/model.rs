//! What a glTF scene shows, flattened: one tree of joints, one list of bound vertices, one list of triangles.
//!
//! A vertex follows up to four binds; a bind is a joint with the matrix that takes the mesh to the joint's axes
//! (section 3.7.3). A mesh without a skin follows its node alone, so that everything is skinned alike. Where the file
//! names more than four joints, the four heaviest are kept. Morph targets are left at their rest.

use std::collections::HashMap;

use glam::{DAffine3, DMat4, DQuat, DVec3};
use gltf_json::mesh::{Mode, Primitive, Semantic};
use gltf_json::validation::Checked;
use gltf_json::{Index, Node, mesh, skin};
use vivant::{Error, Result};

use super::document::Document;
use super::material::{self, Material};
use super::skeleton::{Joint, Local, Skeleton};

/// Most vertices, corners of triangles and binds of a scene: a file may name one array many times.
const MAX_ELEMENTS: u64 = 1 << 24;

/// Most joints and other nodes.
const MAX_NODES: usize = 1 << 16;

/// How a joint moves what is bound to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bind {
    pub(crate) joint: usize,
    /// From the mesh's axes to the joint's at rest.
    pub(crate) joint_from_mesh: DAffine3,
}

/// A vertex in its mesh's axes, and what it follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Vertex {
    pub(crate) place: [f32; 3],
    /// Indices of binds.
    pub(crate) binds: [u32; 4],
    /// Sum to 1.
    pub(crate) weights: [f32; 4],
}

/// What a vertex looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    pub(crate) uv: [f32; 2],
    /// Linear, with alpha.
    pub(crate) colour: [f32; 4],
}

/// Three vertices and a material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Triangle {
    pub(crate) corners: [u32; 3],
    pub(crate) material: u32,
}

/// A scene, flattened.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) skeleton: Skeleton,
    pub(crate) binds: Vec<Bind>,
    pub(crate) vertices: Vec<Vertex>,
    pub(crate) looks: Vec<Look>,
    pub(crate) triangles: Vec<Triangle>,
    pub(crate) materials: Vec<Material>,
    /// What was left out, one line each.
    pub(crate) notes: Vec<String>,
    /// Where each node of the file stands in the skeleton.
    pub(crate) joint_of_node: HashMap<usize, usize>,
}

impl Model {
    /// Flattens the default scene of a file, or its first.
    ///
    /// # Errors
    /// What is wrong with the file, naming the field.
    pub(crate) fn read(document: &Document) -> Result<Self> {
        let mut model = Self { materials: material::read_all(document)?, ..Self::default() };
        let order = model.gather_nodes(document)?;
        let mut bound_skins: HashMap<usize, u32> = HashMap::new();
        for node_index in order {
            let Some(node) = document.root.nodes.get(node_index) else { continue };
            let Some(mesh) = node.mesh else { continue };
            let (first, binds) = match node.skin {
                Some(skin) => model.bind_skin(document, skin, &mut bound_skins)?,
                None => model.bind_node(node_index),
            };
            model.push_mesh(document, mesh, node.skin.is_some(), first, binds)?;
        }
        if model.triangles.is_empty() {
            return Err(document.wrong("scene", "shows no triangle; export the model with its meshes"));
        }
        Ok(model)
    }

    /// Lists the scene's nodes, parents first; returns their numbers in the file, in the skeleton's order.
    fn gather_nodes(&mut self, document: &Document) -> Result<Vec<usize>> {
        let root = &document.root;
        let scene = root.scene.map_or(0, |scene| scene.value());
        let roots: Vec<usize> = match root.scenes.get(scene) {
            Some(scene) => scene.nodes.iter().map(Index::value).collect(),
            None => return Err(document.wrong("scenes", "there is none; export the file with its scene")),
        };
        let mut order = Vec::new();
        let mut waiting: Vec<(usize, Option<usize>)> =
            roots.into_iter().rev().map(|node| (node, None)).collect();
        while let Some((node_index, parent)) = waiting.pop() {
            let field = format!("nodes[{node_index}]");
            let node = root.nodes.get(node_index).ok_or_else(|| document.wrong(&field, "is not there"))?;
            let joint = self.skeleton.joints.len();
            if self.joint_of_node.insert(node_index, joint).is_some() {
                return Err(document.wrong(&field, "has two parents, or is above itself"));
            }
            if joint == MAX_NODES {
                let what = format!("{}: nodes of the scene", document.name);
                return Err(Error::LimitExceeded { what, value: joint as u64 + 1, limit: MAX_NODES as u64 });
            }
            let rest = local(node).ok_or_else(|| document.wrong(&field, "its place is not finite"))?;
            let name = node.name.clone().unwrap_or_default();
            self.skeleton.joints.push(Joint { name, parent, rest });
            order.push(node_index);
            let children = node.children.as_deref().unwrap_or_default();
            waiting.extend(children.iter().rev().map(|child| (child.value(), Some(joint))));
        }
        Ok(order)
    }

    /// Binds to every joint of a skin, once however many meshes share it; returns where its binds start and their number.
    fn bind_skin(
        &mut self,
        document: &Document,
        index: Index<skin::Skin>,
        bound: &mut HashMap<usize, u32>,
    ) -> Result<(u32, u32)> {
        let field = format!("skins[{}]", index.value());
        let skin = document.root.get(index).ok_or_else(|| document.wrong(&field, "is not there"))?;
        let count = u32::try_from(skin.joints.len()).unwrap_or(u32::MAX);
        if let Some(&first) = bound.get(&index.value()) {
            return Ok((first, count));
        }
        let inverse: Vec<[f32; 16]> = match skin.inverse_bind_matrices {
            Some(accessor) => document.floats(accessor, &format!("{field}.inverseBindMatrices"))?,
            None => Vec::new(),
        };
        if !inverse.is_empty() && inverse.len() < skin.joints.len() {
            let why = format!("{} matrices for {count} joints", inverse.len());
            return Err(document.wrong(format_args!("{field}.inverseBindMatrices"), why));
        }
        let first = self.next_bind(document, u64::from(count))?;
        for (number, node) in skin.joints.iter().enumerate() {
            let joint = self.joint_of_node.get(&node.value()).copied();
            let joint = joint.ok_or_else(|| {
                document.wrong(
                    format_args!("{field}.joints[{number}]"),
                    "is not in the scene; export the armature too",
                )
            })?;
            let matrix =
                inverse.get(number).map_or(DMat4::IDENTITY, |m| DMat4::from_cols_array(&m.map(f64::from)));
            if !matrix.is_finite() {
                let matrix = format!("{field}.inverseBindMatrices[{number}]");
                return Err(document.wrong(matrix, "is not finite"));
            }
            self.binds.push(Bind { joint, joint_from_mesh: DAffine3::from_mat4(matrix) });
        }
        bound.insert(index.value(), first);
        Ok((first, count))
    }

    /// Binds to a node as it is.
    fn bind_node(&mut self, node: usize) -> (u32, u32) {
        let joint = self.joint_of_node.get(&node).copied().unwrap_or(0);
        self.binds.push(Bind { joint, joint_from_mesh: DAffine3::IDENTITY });
        (u32::try_from(self.binds.len() - 1).unwrap_or(0), 1)
    }

    /// The number of the next bind, if `more` are allowed.
    fn next_bind(&self, document: &Document, more: u64) -> Result<u32> {
        limited(document, "joints of all skins", self.binds.len() as u64 + more)?;
        Ok(u32::try_from(self.binds.len()).unwrap_or(0))
    }

    fn push_mesh(
        &mut self,
        document: &Document,
        index: Index<mesh::Mesh>,
        skinned: bool,
        first_bind: u32,
        binds: u32,
    ) -> Result<()> {
        let field = format!("meshes[{}]", index.value());
        let mesh = document.root.get(index).ok_or_else(|| document.wrong(&field, "is not there"))?;
        for (number, primitive) in mesh.primitives.iter().enumerate() {
            let field = format!("{field}.primitives[{number}]");
            if primitive.mode != Checked::Valid(Mode::Triangles) {
                self.note(format!("{field}: left out, as it is not a list of triangles"));
                continue;
            }
            if primitive.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
                self.note("morph targets stay at rest".to_owned());
            }
            let part = Part { document, primitive, field };
            let vertices = part.vertices(skinned, first_bind, binds)?;
            limited(document, "vertices", (self.vertices.len() + vertices.len()) as u64)?;
            let corners = part.corners(vertices.len())?;
            limited(document, "triangles", (self.triangles.len() + corners.len()) as u64)?;
            let base = u32::try_from(self.vertices.len()).unwrap_or(0);
            // The materials end with the default one, for primitives that name none.
            let last = self.materials.len().saturating_sub(1);
            let material = primitive.material.map_or(last, |material| material.value());
            let material = u32::try_from(material).unwrap_or(0);
            self.looks.extend(part.looks(vertices.len(), self.materials.get(material as usize))?);
            self.vertices.extend(vertices);
            let based = corners.into_iter().map(|corners| corners.map(|corner| corner + base));
            self.triangles.extend(based.map(|corners| Triangle { corners, material }));
        }
        Ok(())
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

fn limited(document: &Document, what: &str, value: u64) -> Result<()> {
    if value <= MAX_ELEMENTS {
        return Ok(());
    }
    Err(Error::LimitExceeded { what: format!("{}: {what}", document.name), value, limit: MAX_ELEMENTS })
}

/// Where a node stands against its parent; `None` if that is no finite place.
fn local(node: &Node) -> Option<Local> {
    let vector = |values: [f32; 3]| DVec3::from_array(values.map(f64::from));
    let local = if let Some(matrix) = node.matrix {
        let matrix = DMat4::from_cols_array(&matrix.map(f64::from));
        let (scale, rotation, translation) = matrix.to_scale_rotation_translation();
        Local { translation, rotation, scale }
    } else {
        let [x, y, z, w] = node.rotation.unwrap_or_default().0.map(f64::from);
        let rotation = DQuat::from_xyzw(x, y, z, w);
        Local {
            translation: vector(node.translation.unwrap_or_default()),
            rotation: if rotation.length_squared() > 1e-12 { rotation.normalize() } else { DQuat::IDENTITY },
            scale: vector(node.scale.unwrap_or([1.0; 3])),
        }
    };
    (local.translation.is_finite() && local.rotation.is_finite() && local.scale.is_finite()).then_some(local)
}

/// One primitive of a mesh while it is read.
struct Part<'a> {
    document: &'a Document,
    primitive: &'a Primitive,
    field: String,
}

impl Part<'_> {
    /// Reads an attribute if the primitive has it; it must have `count` elements.
    fn attribute<T>(
        &self,
        semantic: Semantic,
        count: Option<usize>,
        read: impl Fn(Index<gltf_json::Accessor>, &str) -> Result<Vec<T>>,
    ) -> Result<Option<Vec<T>>> {
        let field = format!("{}.attributes.{}", self.field, semantic.to_string());
        let Some(&index) = self.primitive.attributes.get(&Checked::Valid(semantic)) else { return Ok(None) };
        limited(self.document, &field, self.document.count(index))?;
        let values = read(index, &field)?;
        if let Some(count) = count.filter(|&count| count != values.len()) {
            let why = format!("{} elements for {count} vertices", values.len());
            return Err(self.document.wrong(field, why));
        }
        Ok(Some(values))
    }

    fn vertices(&self, skinned: bool, first_bind: u32, binds: u32) -> Result<Vec<Vertex>> {
        let document = self.document;
        let places =
            self.attribute(Semantic::Positions, None, |index, field| document.floats::<3>(index, field))?;
        let places = places.ok_or_else(|| document.wrong(&self.field, "has no POSITION"))?;
        if let Some(at) = places.iter().position(|place| place.iter().any(|value| !value.is_finite())) {
            let field = format!("{}.attributes.POSITION", self.field);
            return Err(document.wrong(field, format_args!("element {at} is not finite")));
        }
        let mut vertices: Vec<Vertex> = places
            .into_iter()
            .map(|place| Vertex { place, binds: [first_bind; 4], weights: [1.0, 0.0, 0.0, 0.0] })
            .collect();
        if skinned {
            self.weigh(&mut vertices, first_bind, binds)?;
        }
        Ok(vertices)
    }

    /// Gives vertices the joints and weights of the primitive.
    fn weigh(&self, vertices: &mut [Vertex], first_bind: u32, binds: u32) -> Result<()> {
        let document = self.document;
        let count = Some(vertices.len());
        let mut sets = Vec::new();
        for set in 0..2 {
            let joints = self
                .attribute(Semantic::Joints(set), count, |index, field| document.wholes::<4>(index, field))?;
            let weights = self.attribute(Semantic::Weights(set), count, |index, field| {
                document.floats::<4>(index, field)
            })?;
            match (joints, weights) {
                (Some(joints), Some(weights)) => sets.push((joints, weights)),
                (None, None) if set > 0 => {}
                _ => {
                    let why = format!("a skinned mesh needs JOINTS_{set} and WEIGHTS_{set}");
                    return Err(document.wrong(&self.field, why));
                }
            }
        }
        for (at, vertex) in vertices.iter_mut().enumerate() {
            let mut pulls: Vec<(f32, u32)> = Vec::with_capacity(8);
            for (joints, weights) in &sets {
                for (&joint, &weight) in joints[at].iter().zip(&weights[at]) {
                    // NaN compares false: it pulls nothing.
                    if weight > 0.0 && weight.is_finite() {
                        pulls.push((weight, joint));
                    }
                }
            }
            pulls.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            pulls.truncate(4);
            if let Some(&(_, joint)) = pulls.iter().find(|(_, joint)| *joint >= binds) {
                let field = format!("{}.attributes.JOINTS", self.field);
                let why = format!("element {at} names joint {joint} of a skin of {binds}");
                return Err(document.wrong(field, why));
            }
            let sum: f32 = pulls.iter().map(|(weight, _)| weight).sum();
            if sum > 0.0 && sum.is_finite() {
                vertex.weights = [0.0; 4];
                for (slot, (weight, joint)) in pulls.into_iter().enumerate() {
                    vertex.weights[slot] = weight / sum;
                    vertex.binds[slot] = first_bind + joint;
                }
            }
        }
        Ok(())
    }

    fn looks(&self, count: usize, material: Option<&Material>) -> Result<Vec<Look>> {
        let document = self.document;
        let set = material.map_or(0, |material| material.uv_set);
        let uvs = self.attribute(Semantic::TexCoords(set), Some(count), |index, field| {
            document.floats::<2>(index, field)
        })?;
        let semantic = Semantic::Colors(0);
        let rgba = self.primitive.attributes.get(&Checked::Valid(semantic.clone())).is_some_and(|&index| {
            let kind = document.root.get(index).map(|accessor| accessor.type_);
            kind == Some(Checked::Valid(gltf_json::accessor::Type::Vec4))
        });
        let colours = self.attribute(semantic, Some(count), |index, field| {
            if rgba {
                return document.floats::<4>(index, field);
            }
            let rgb = document.floats::<3>(index, field)?;
            Ok(rgb.into_iter().map(|[r, g, b]| [r, g, b, 1.0]).collect())
        })?;
        let look = |at: usize| Look {
            uv: uvs.as_ref().and_then(|uvs| uvs.get(at)).copied().unwrap_or_default(),
            colour: colours.as_ref().and_then(|colours| colours.get(at)).copied().unwrap_or([1.0; 4]),
        };
        Ok((0..count).map(look).collect())
    }

    /// The triangles, as indices below `count`.
    fn corners(&self, count: usize) -> Result<Vec<[u32; 3]>> {
        let field = format!("{}.indices", self.field);
        let flat: Vec<u32> = match self.primitive.indices {
            Some(index) => {
                limited(self.document, &field, self.document.count(index))?;
                self.document.wholes::<1>(index, &field)?.into_iter().map(|[corner]| corner).collect()
            }
            None => (0..u32::try_from(count).unwrap_or(u32::MAX)).collect(),
        };
        if let Some(corner) = flat.iter().find(|&&corner| corner as usize >= count) {
            return Err(self.document.wrong(field, format_args!("names vertex {corner} of {count}")));
        }
        Ok(flat.as_chunks().0.to_vec())
    }
}
