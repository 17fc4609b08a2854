//! A body of boxes in a T-pose: as GLB with turned and scaled joints, and as BVH in several habits.

use std::fmt::Write as _;

use glam::{DMat4, DQuat, DVec3, EulerRot};
use serde_json::{Value, json};

/// A joint: its name as Mixamo has it, as Reallusion has it, its parent, and where it is in the T-pose.
pub(crate) type Row = (&'static str, &'static str, Option<usize>, [f64; 3]);

pub(crate) const JOINTS: &[Row] = &[
    ("Hips", "CC_Base_Hip", None, [0.0, 0.95, 0.0]),
    ("Spine", "CC_Base_Waist", Some(0), [0.0, 1.1, 0.01]),
    ("Neck", "CC_Base_NeckTwist01", Some(1), [0.0, 1.45, 0.02]),
    ("Head", "CC_Base_Head", Some(2), [0.0, 1.55, 0.03]),
    ("LeftShoulder", "CC_Base_L_Clavicle", Some(1), [0.03, 1.4, 0.0]),
    ("LeftArm", "CC_Base_L_Upperarm", Some(4), [0.18, 1.4, 0.0]),
    ("LeftForeArm", "CC_Base_L_Forearm", Some(5), [0.45, 1.4, 0.0]),
    ("LeftHand", "CC_Base_L_Hand", Some(6), [0.7, 1.4, 0.0]),
    ("RightShoulder", "CC_Base_R_Clavicle", Some(1), [-0.03, 1.4, 0.0]),
    ("RightArm", "CC_Base_R_Upperarm", Some(8), [-0.18, 1.4, 0.0]),
    ("RightForeArm", "CC_Base_R_Forearm", Some(9), [-0.45, 1.4, 0.0]),
    ("RightHand", "CC_Base_R_Hand", Some(10), [-0.7, 1.4, 0.0]),
    ("LeftUpLeg", "CC_Base_L_Thigh", Some(0), [0.1, 0.9, 0.0]),
    ("LeftLeg", "CC_Base_L_Calf", Some(12), [0.1, 0.5, 0.01]),
    ("LeftFoot", "CC_Base_L_Foot", Some(13), [0.1, 0.08, 0.0]),
    ("LeftToeBase", "CC_Base_L_ToeBase", Some(14), [0.1, 0.02, 0.13]),
    ("RightUpLeg", "CC_Base_R_Thigh", Some(0), [-0.1, 0.9, 0.0]),
    ("RightLeg", "CC_Base_R_Calf", Some(16), [-0.1, 0.5, 0.01]),
    ("RightFoot", "CC_Base_R_Foot", Some(17), [-0.1, 0.08, 0.0]),
    ("RightToeBase", "CC_Base_R_ToeBase", Some(18), [-0.1, 0.02, 0.13]),
];

pub(crate) fn index(name: &str) -> usize {
    JOINTS.iter().position(|row| row.0 == name).unwrap()
}

pub(crate) fn place(joint: usize) -> DVec3 {
    DVec3::from_array(JOINTS[joint].3)
}

/// The model's hips carry centimetres, as exporters leave them.
const HIPS_SCALE: f64 = 0.01;

/// How each joint's axes lie in the model's T-pose: every one differently.
pub(crate) fn rest_rotation(joint: usize) -> DQuat {
    let angle = joint as f64 * 0.7;
    DQuat::from_euler(EulerRot::XYZ, angle, 1.3 * angle.sin(), -2.0 * angle)
}

/// From a joint's axes to the world in the T-pose.
pub(crate) fn rest_world(joint: usize) -> DMat4 {
    DMat4::from_scale_rotation_translation(DVec3::splat(HIPS_SCALE), rest_rotation(joint), place(joint))
}

/// A vertex: where it is in the T-pose, and its joints with weights.
pub(crate) struct Vertex {
    pub(crate) place: DVec3,
    pub(crate) pulls: [(usize, f64); 2],
}

/// A box round every joint, pulled three quarters by it and a quarter by its parent. Toes touch the floor.
pub(crate) fn vertices() -> Vec<Vertex> {
    let mut out = Vec::new();
    for (joint, row) in JOINTS.iter().enumerate() {
        let half = if row.0.ends_with("ToeBase") { 0.02 } else { 0.04 };
        for corner in 0..8 {
            let side = |bit: i32| if corner >> bit & 1 == 1 { half } else { -half };
            let place = place(joint) + DVec3::new(side(0), side(1), side(2));
            out.push(Vertex { place, pulls: [(joint, 0.75), (row.2.unwrap_or(joint), 0.25)] });
        }
    }
    out
}

/// Triangles of one box, outward.
const BOX: [[u8; 3]; 12] = [
    [0, 2, 3],
    [0, 3, 1],
    [4, 5, 7],
    [4, 7, 6],
    [0, 1, 5],
    [0, 5, 4],
    [2, 6, 7],
    [2, 7, 3],
    [0, 4, 6],
    [0, 6, 2],
    [1, 3, 7],
    [1, 7, 5],
];

/// Joints by name, each with its turn against its rest at every key.
pub(crate) type Tracks = Vec<(&'static str, Vec<DQuat>)>;

/// What a GLB may hold besides the body.
#[derive(Default)]
pub(crate) struct Extras {
    /// Seconds of the keys, and what happens at them.
    pub(crate) animation: Option<(Vec<f32>, Tracks)>,
    /// A PNG as base colour, and whether it is a mask.
    pub(crate) png: Option<(Vec<u8>, bool)>,
    /// Joint numbers as floats, which exporters write though the format forbids it.
    pub(crate) float_joints: bool,
}

/// Gathers the binary chunk and its views.
struct Chunk {
    bytes: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
}

impl Chunk {
    fn view(&mut self, bytes: &[u8]) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.views.push(json!({"buffer": 0, "byteOffset": self.bytes.len(), "byteLength": bytes.len()}));
        self.bytes.extend_from_slice(bytes);
        self.views.len() - 1
    }

    fn accessor(&mut self, bytes: &[u8], component: u32, kind: &str, count: usize, more: Value) -> usize {
        let view = self.view(bytes);
        let mut accessor =
            json!({"bufferView": view, "componentType": component, "type": kind, "count": count});
        accessor.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }

    fn floats(&mut self, values: &[f32], kind: &str, count: usize, more: Value) -> usize {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.accessor(&bytes, 5126, kind, count, more)
    }
}

fn xyzw(turn: DQuat) -> [f32; 4] {
    turn.to_array().map(|part| part as f32)
}

fn nodes() -> Vec<Value> {
    let mut nodes: Vec<Value> = (0..JOINTS.len())
        .map(|joint| {
            let parent = JOINTS[joint].2;
            let local =
                parent.map_or(rest_world(joint), |parent| rest_world(parent).inverse() * rest_world(joint));
            let (_, rotation, translation) = local.to_scale_rotation_translation();
            let scale = if parent.is_none() { HIPS_SCALE } else { 1.0 };
            let children: Vec<usize> =
                (0..JOINTS.len()).filter(|&child| JOINTS[child].2 == Some(joint)).collect();
            let mut node = json!({
                "name": format!("mixamorig:{}", JOINTS[joint].0),
                "translation": translation.to_array(), "rotation": xyzw(rotation), "scale": [scale, scale, scale],
            });
            if !children.is_empty() {
                node["children"] = json!(children);
            }
            node
        })
        .collect();
    nodes.push(json!({"name": "boxes", "mesh": 0, "skin": 0}));
    nodes
}

/// The body as GLB.
pub(crate) fn glb(extras: &Extras) -> Vec<u8> {
    let mut chunk = Chunk { bytes: Vec::new(), views: Vec::new(), accessors: Vec::new() };
    let vertices = vertices();
    let count = vertices.len();
    let places: Vec<f32> = vertices.iter().flat_map(|v| v.place.to_array().map(|part| part as f32)).collect();
    let bounds = json!({"min": [-1.0, -1.0, -1.0], "max": [1.0, 2.0, 1.0]});
    let position = chunk.floats(&places, "VEC3", count, bounds);
    let binds: Vec<u8> =
        vertices.iter().flat_map(|v| [v.pulls[0].0 as u8, v.pulls[1].0 as u8, 0, 0]).collect();
    let joints = if extras.float_joints {
        let floats: Vec<f32> = binds.iter().map(|&bind| f32::from(bind)).collect();
        chunk.floats(&floats, "VEC4", count, json!({}))
    } else {
        chunk.accessor(&binds, 5121, "VEC4", count, json!({}))
    };
    let weights: Vec<f32> =
        vertices.iter().flat_map(|v| [v.pulls[0].1 as f32, v.pulls[1].1 as f32, 0.0, 0.0]).collect();
    let weights = chunk.floats(&weights, "VEC4", count, json!({}));
    let uv: Vec<f32> = (0..count).flat_map(|at| [(at & 1) as f32, (at >> 1 & 1) as f32]).collect();
    let uv = chunk.floats(&uv, "VEC2", count, json!({}));
    let corners: Vec<u8> = (0..count / 8)
        .flat_map(|number| {
            BOX.iter().flatten().flat_map(move |&c| ((number * 8) as u16 + u16::from(c)).to_le_bytes())
        })
        .collect();
    let indices = chunk.accessor(&corners, 5123, "SCALAR", corners.len() / 2, json!({}));
    let inverse: Vec<f32> = (0..JOINTS.len())
        .flat_map(|joint| rest_world(joint).inverse().to_cols_array().map(|part| part as f32))
        .collect();
    let inverse = chunk.floats(&inverse, "MAT4", JOINTS.len(), json!({}));
    let mut root = json!({
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0, JOINTS.len()]}], "nodes": nodes(),
        "skins": [{"joints": (0..JOINTS.len()).collect::<Vec<_>>(), "inverseBindMatrices": inverse}],
        "meshes": [{"primitives": [{"indices": indices, "attributes": {
            "POSITION": position, "JOINTS_0": joints, "WEIGHTS_0": weights, "TEXCOORD_0": uv}}]}],
    });
    if let Some((times, turns)) = &extras.animation {
        root["animations"] = json!([animation(&mut chunk, times, turns)]);
    }
    if let Some((png, mask)) = &extras.png {
        let view = chunk.view(png);
        root["images"] = json!([{"bufferView": view, "mimeType": "image/png"}]);
        root["textures"] = json!([{"source": 0}]);
        let mode = if *mask { "MASK" } else { "OPAQUE" };
        root["materials"] =
            json!([{"alphaMode": mode, "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]);
        root["meshes"][0]["primitives"][0]["material"] = json!(0);
    }
    root["accessors"] = json!(chunk.accessors);
    root["bufferViews"] = json!(chunk.views);
    root["buffers"] = json!([{"byteLength": chunk.bytes.len()}]);
    framed(&root, chunk.bytes)
}

fn animation(chunk: &mut Chunk, times: &[f32], turns: &[(&str, Vec<DQuat>)]) -> Value {
    let more = json!({"min": [times[0]], "max": [times[times.len() - 1]]});
    let input = chunk.floats(times, "SCALAR", times.len(), more);
    let (mut samplers, mut channels) = (Vec::new(), Vec::new());
    for (name, keys) in turns {
        let joint = index(name);
        let rest = nodes()[joint]["rotation"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part.as_f64().unwrap())
            .collect::<Vec<_>>();
        let rest = DQuat::from_xyzw(rest[0], rest[1], rest[2], rest[3]);
        let values: Vec<f32> = keys.iter().flat_map(|&turn| xyzw(rest * turn)).collect();
        let output = chunk.floats(&values, "VEC4", keys.len(), json!({}));
        channels.push(json!({"sampler": samplers.len(), "target": {"node": joint, "path": "rotation"}}));
        samplers.push(json!({"input": input, "output": output}));
    }
    json!({"samplers": samplers, "channels": channels})
}

/// JSON and binary in one file.
pub(crate) fn framed(root: &Value, mut binary: Vec<u8>) -> Vec<u8> {
    let mut text = serde_json::to_vec(root).unwrap();
    text.resize(text.len().next_multiple_of(4), b' ');
    binary.resize(binary.len().next_multiple_of(4), 0);
    let length = 12 + 8 + text.len() + 8 + binary.len();
    let mut file = b"glTF\x02\0\0\0".to_vec();
    file.extend((length as u32).to_le_bytes());
    for (kind, data) in [(b"JSON", text), (b"BIN\0", binary)] {
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(kind);
        file.extend(data);
    }
    file
}

/// How a BVH file of the body is written.
#[derive(Clone, Copy)]
pub(crate) struct Habit {
    /// Units a metre.
    pub(crate) scale: f64,
    /// Names as Reallusion has them.
    pub(crate) reallusion: bool,
    /// From the model's world to the file's.
    pub(crate) turn: DQuat,
    /// Every joint's own axes have y along its bone, so that all channels zero is a bundle and no pose.
    pub(crate) bundle: bool,
}

impl Habit {
    pub(crate) const PLAIN: Self =
        Self { scale: 1.0, reallusion: false, turn: DQuat::IDENTITY, bundle: false };

    /// How a joint's axes lie in the file's T-pose.
    fn axes(&self, joint: usize) -> DQuat {
        let child = (0..JOINTS.len()).find(|&child| JOINTS[child].2 == Some(joint));
        match child {
            Some(child) if self.bundle => {
                let roll = DQuat::from_rotation_y(joint as f64);
                let along = (place(child) - place(joint)).try_normalize().unwrap_or(DVec3::Y);
                DQuat::from_rotation_arc(DVec3::Y, along) * roll
            }
            _ if self.bundle => DQuat::IDENTITY,
            // At rest all channels are zero.
            _ => self.turn.inverse(),
        }
    }
}

/// A pose: where the hips are, and how each joint has turned in the world since the T-pose.
#[derive(Clone)]
pub(crate) struct Pose {
    pub(crate) hips: DVec3,
    pub(crate) turns: Vec<DQuat>,
}

impl Pose {
    pub(crate) fn rest() -> Self {
        Self { hips: place(0), turns: vec![DQuat::IDENTITY; JOINTS.len()] }
    }

    /// Turns a joint and all below it about axes of the world.
    pub(crate) fn turned(mut self, name: &str, turn: DQuat) -> Self {
        let top = index(name);
        for joint in 0..JOINTS.len() {
            let mut above = std::iter::successors(Some(joint), |&at| JOINTS[at].2);
            if above.any(|at| at == top) {
                self.turns[joint] = turn * self.turns[joint];
            }
        }
        self
    }

    /// Where every joint is.
    pub(crate) fn places(&self) -> Vec<DVec3> {
        let mut places: Vec<DVec3> = Vec::new();
        for (joint, row) in JOINTS.iter().enumerate() {
            places.push(row.2.map_or(self.hips, |parent| {
                places[parent] + self.turns[parent] * (place(joint) - place(parent))
            }));
        }
        places
    }
}

/// The body's motion as BVH.
pub(crate) fn bvh(habit: Habit, poses: &[Pose], frame_time: f64) -> String {
    let mut text = "HIERARCHY\n".to_owned();
    joint_text(&mut text, habit, 0);
    write!(text, "MOTION\nFrames: {}\nFrame Time: {frame_time}\n", poses.len()).unwrap();
    let mut order = Vec::new();
    walk(0, &mut order);
    for pose in poses {
        let world = |joint: usize| habit.turn * pose.turns[joint] * habit.axes(joint);
        let hips = habit.turn * pose.hips * habit.scale;
        write!(text, "{} {} {}", hips.x, hips.y, hips.z).unwrap();
        for &joint in &order {
            let above = JOINTS[joint].2.map_or(DQuat::IDENTITY, world);
            let (z, y, x) = (above.inverse() * world(joint)).to_euler(EulerRot::ZYX);
            write!(text, " {} {} {}", z.to_degrees(), y.to_degrees(), x.to_degrees()).unwrap();
        }
        text.push('\n');
    }
    text
}

fn walk(joint: usize, order: &mut Vec<usize>) {
    order.push(joint);
    (0..JOINTS.len()).filter(|&child| JOINTS[child].2 == Some(joint)).for_each(|child| walk(child, order));
}

fn joint_text(text: &mut String, habit: Habit, joint: usize) {
    let row = &JOINTS[joint];
    let name = if habit.reallusion { row.1 } else { row.0 };
    let word = if row.2.is_none() { "ROOT" } else { "JOINT" };
    let offset = row.2.map_or(DVec3::ZERO, |parent| {
        habit.axes(parent).inverse() * (place(joint) - place(parent)) * habit.scale
    });
    let channels = if row.2.is_none() { "6 Xposition Yposition Zposition" } else { "3" };
    write!(text, "{word} {name}\n{{\nOFFSET {} {} {}\n", offset.x, offset.y, offset.z).unwrap();
    writeln!(text, "CHANNELS {channels} Zrotation Yrotation Xrotation").unwrap();
    let children: Vec<usize> = (0..JOINTS.len()).filter(|&child| JOINTS[child].2 == Some(joint)).collect();
    if children.is_empty() {
        text.push_str("End Site\n{\nOFFSET 0 0 0\n}\n");
    }
    children.into_iter().for_each(|child| joint_text(text, habit, child));
    text.push_str("}\n");
}
