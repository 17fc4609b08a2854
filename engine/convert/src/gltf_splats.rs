//! glTF and GLB with `KHR_gaussian_splatting`: primitives of points whose attributes are splats.
//!
//! Attributes come by accessors (floats, or whole numbers that are normalised), or as an SPZ file in a buffer view
//! (`KHR_gaussian_splatting_compression_spz` and `…_spz_2`). Opacities and scales are linear, quaternions xyzw, harmonics
//! those of INRIA. Drafts before the ratified text had scales as logarithms: where one is negative, all are. Nodes place
//! their splats by translation, rotation and even scale. The axes are ours.
//!
//! SPZ data are taken on the axes they are stored in, as Cesium does, who writes them; the draft would have them turned
//! half about y (`--axes luf`).
//!
//! The library that reads glTF for [`crate::rig`] knows neither these names nor these extensions, so they are looked up
//! in the JSON itself; buffers and accessors are its.

use std::path::Path;

use glam::{DAffine3, DMat4, DQuat, DVec3};
use gltf_json::Index;
use serde_json::Value;
use vivant::splat::{ColourDomain, SH_C0, Splats, sh_rest_len};
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::options::{Options, Stored};
use crate::ply::Kind;
use crate::report::Report;
use crate::rig::document::Document;
use crate::sh_rotate::ShRotation;
use crate::source::{Imported, Summary, join};
use crate::still::{check_count, finish};
use crate::{Axes, rows, spz};

/// What is read of it.
pub(crate) const FORMAT: Format = Format {
    name: "gltf-splats",
    system: "glTF, GLB with KHR_gaussian_splatting, plain or SPZ-compressed (Khronos; Cesium, PlayCanvas)",
    fidelity: Fidelity::Exact,
    limits: "no sparse accessors, no uneven scale of a node; animations and meshes in it are left out",
    detect: |probe| {
        let may = probe.starts_with(b"glTF") || probe.start.first() == Some(&b'{');
        may && probe.mentions(b"\"KHR_gaussian_splatting\"")
    },
    open: Open::Still(Still { probe, read, settle: settled }),
};

const EXTENSION: &str = "KHR_gaussian_splatting";
/// SPZ in a buffer view, by the names it had.
const COMPRESSED: [&str; 2] =
    ["KHR_gaussian_splatting_compression_spz_2", "KHR_gaussian_splatting_compression_spz"];
/// How often one file may show the same splats.
const MOST_SHOWN: usize = 16;
/// Most nodes below one another.
const MAX_DEPTH: usize = 256;
/// Most splats for a byte of the file: what SPZ can pack.
const MOST_SPLATS_A_BYTE: u64 = 64;
/// How far the axes of a node may be from a rotation and one scale.
const EVENNESS: f64 = 1e-3;

/// A set of splats in a file.
struct Part<'a> {
    /// What errors call it.
    field: String,
    attributes: Option<&'a Value>,
    extension: &'a Value,
    world: DAffine3,
}

/// What was found on the way through the scene.
struct Walk<'a> {
    parts: Vec<Part<'a>>,
    /// How often each mesh was met, and whether each node was.
    shown: Vec<usize>,
    seen: Vec<bool>,
}

/// A file taken apart.
struct Model {
    document: Document,
    json: Value,
    bytes: u64,
}

impl Model {
    fn open(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
        let (document, json) = Document::open_with_json(path)?;
        Ok(Self { document, json, bytes: metadata.len() })
    }

    /// The primitives of splats, each as often as a node shows it.
    fn parts(&self) -> Result<Vec<Part<'_>>> {
        let meshes = list(&self.json, "meshes").len();
        let seen = vec![false; list(&self.json, "nodes").len()];
        let mut walk = Walk { parts: Vec::new(), shown: vec![0; meshes], seen };
        let scene = self.json.get("scene").and_then(Value::as_u64).unwrap_or(0);
        let scene = usize::try_from(scene).ok().and_then(|scene| list(&self.json, "scenes").get(scene));
        if let Some(scene) = scene {
            for root in list(scene, "nodes") {
                self.node(root, DAffine3::IDENTITY, 0, &mut walk)?;
            }
        } else {
            // A library of meshes without a scene: each once, where it is.
            for mesh in 0..meshes {
                self.mesh(mesh, DAffine3::IDENTITY, &mut walk)?;
            }
        }
        if walk.parts.is_empty() {
            let why = format!("no primitive of the scene has {EXTENSION}; export the file with its splats");
            return Err(self.document.wrong("meshes", why));
        }
        Ok(walk.parts)
    }

    fn node<'a>(&'a self, node: &Value, above: DAffine3, depth: usize, walk: &mut Walk<'a>) -> Result<()> {
        let number = node.as_u64().and_then(|node| usize::try_from(node).ok()).unwrap_or(usize::MAX);
        let field = format!("nodes[{number}]");
        let node = list(&self.json, "nodes").get(number);
        let node = node.ok_or_else(|| self.document.wrong(&field, "is not there"))?;
        if depth > MAX_DEPTH || std::mem::replace(&mut walk.seen[number], true) {
            return Err(self.document.wrong(&field, "has two parents, or is deeper than any scene"));
        }
        let world =
            above * local(node).ok_or_else(|| self.document.wrong(&field, "its place is no place"))?;
        if let Some(mesh) = index(node, "mesh") {
            self.mesh(mesh, world, walk)?;
        }
        for child in list(node, "children") {
            self.node(child, world, depth + 1, walk)?;
        }
        Ok(())
    }

    fn mesh<'a>(&'a self, mesh: usize, world: DAffine3, walk: &mut Walk<'a>) -> Result<()> {
        let field = format!("meshes[{mesh}]");
        let (Some(value), Some(times)) = (list(&self.json, "meshes").get(mesh), walk.shown.get_mut(mesh))
        else {
            return Err(self.document.wrong(&field, "is not there"));
        };
        *times += 1;
        if *times > MOST_SHOWN {
            let what = format!("{}: {field}: times it is shown", self.document.name);
            return Err(Error::LimitExceeded { what, value: *times as u64, limit: MOST_SHOWN as u64 });
        }
        for (number, primitive) in list(value, "primitives").iter().enumerate() {
            if let Some(extension) = primitive.get("extensions").and_then(|all| all.get(EXTENSION)) {
                let field = format!("{field}.primitives[{number}]");
                walk.parts.push(Part { field, attributes: primitive.get("attributes"), extension, world });
            }
        }
        Ok(())
    }

    /// How many splats there are, of which degree, and how they ask to be drawn.
    fn summary(&self, parts: &[Part<'_>]) -> Result<Summary> {
        let mut all = Summary::gaussians(0, 0);
        for part in parts {
            let own = match self.packed(part)? {
                Some((name, bytes)) => spz::summary(&name, bytes)?,
                None => {
                    let splats = self.document.count(self.accessor(part, "POSITION")?);
                    Summary::gaussians(splats, self.degree(part))
                }
            };
            all.splats = all.splats.saturating_add(own.splats);
            all.sh_degree = all.sh_degree.max(own.sh_degree);
            all.appearance = own.appearance;
            if part.extension.get("colorSpace").and_then(Value::as_str) == Some("lin_rec709_display") {
                all.appearance.colour_domain = ColourDomain::Linear;
            }
        }
        check_count(&self.document.name, all.splats)?;
        let most = self.bytes.saturating_mul(MOST_SPLATS_A_BYTE);
        if all.splats > most && self.document.root.buffers.iter().all(|buffer| buffer.uri.is_none()) {
            let what = format!("{}: splats that all primitives show together", self.document.name);
            return Err(Error::LimitExceeded { what, value: all.splats, limit: most });
        }
        Ok(Summary { kind: Kind::Gaussians, ..all })
    }

    /// The SPZ file of a primitive, if it has one, with what errors call it.
    fn packed(&self, part: &Part<'_>) -> Result<Option<(String, &[u8])>> {
        let extensions = part.extension.get("extensions");
        let packed = COMPRESSED.iter().find_map(|name| extensions?.get(name));
        let Some(packed) = packed else { return Ok(None) };
        let view = index(packed, "bufferView").and_then(|view| u32::try_from(view).ok());
        let view = view.ok_or_else(|| self.document.wrong(&part.field, "its SPZ data have no bufferView"))?;
        let (bytes, _) = self.document.view(Index::new(view))?;
        Ok(Some((format!("{}: bufferViews[{view}]", self.document.name), bytes)))
    }

    /// The accessor of an attribute; drafts of the extension began their names with `_`.
    fn find(part: &Part<'_>, name: &str) -> Option<Index<gltf_json::Accessor>> {
        let attributes = part.attributes?;
        let number = ["", "KHR_gaussian_splatting:", "_"]
            .iter()
            .find_map(|prefix| attributes.get(format!("{prefix}{name}"))?.as_u64())?;
        u32::try_from(number).ok().map(Index::new)
    }

    fn accessor(&self, part: &Part<'_>, name: &str) -> Result<Index<gltf_json::Accessor>> {
        Self::find(part, name).ok_or_else(|| {
            self.document.wrong(&part.field, format!("has no attribute {name}; export it again"))
        })
    }

    /// The values of an attribute that must be there, as many as there are splats.
    fn values<const N: usize>(
        &self,
        part: &Part<'_>,
        name: &str,
        count: Option<usize>,
    ) -> Result<Vec<[f32; N]>> {
        let field = format!("{}.attributes.{name}", part.field);
        let values: Vec<[f32; N]> = self.document.floats(self.accessor(part, name)?, &field)?;
        match count {
            Some(count) if count != values.len() => {
                let why = format!("{} values for {count} splats; export it again", values.len());
                Err(self.document.wrong(field, why))
            }
            _ => Ok(values),
        }
    }

    /// The highest degree of which every coefficient is there.
    fn degree(&self, part: &Part<'_>) -> u8 {
        let whole = |degree: u8| {
            (0..=2 * degree).all(|order| Self::find(part, &coefficient(degree, order)).is_some())
        };
        (1..=3).take_while(|&degree| whole(degree)).last().unwrap_or(0)
    }

    /// The splats of one primitive, where its node puts them.
    fn splats(&self, part: &Part<'_>, options: &Options, report: &mut Report) -> Result<(Splats, Axes)> {
        let kernel = part.extension.get("kernel").and_then(Value::as_str);
        if let Some(kernel) = kernel.filter(|kernel| *kernel != "ellipse") {
            let kernel: String = kernel.chars().take(32).collect();
            report.note(format!("kernel '{kernel}' is not known: drawn as ellipses"));
        }
        let (mut splats, axes) = match self.packed(part)? {
            Some((name, bytes)) => {
                let stored = spz::decode(&name, bytes)?;
                stored.note.into_iter().for_each(|note| report.note(note));
                (stored.splats, stored.axes)
            }
            None => (self.plain(part, options, report)?, Axes::RUB),
        };
        let placed = Placement::of(part.world).ok_or_else(|| {
            let why =
                "its node mirrors it or scales it unevenly; apply the node's transform before the export";
            Error::unsupported(format!("{}: {}: {why}", self.document.name, part.field))
        })?;
        placed.apply(&mut splats);
        Ok((splats, axes))
    }

    /// The splats of a primitive's own attributes.
    fn plain(&self, part: &Part<'_>, options: &Options, report: &mut Report) -> Result<Splats> {
        let mean: Vec<[f32; 3]> = self.values(part, "POSITION", None)?;
        let count = mean.len();
        let rotation = self.values(part, "ROTATION", Some(count))?;
        let mut scale: Vec<[f32; 3]> = self.values(part, "SCALE", Some(count))?;
        let negative = scale.as_flattened().iter().any(|value| *value < 0.0);
        if options.scale == Stored::Raw || (options.scale == Stored::Detect && negative) {
            report.note("scales are taken as logarithms, as drafts of the extension had them");
            scale.as_flattened_mut().iter_mut().for_each(|value| *value = value.exp());
        }
        let bright = |part: &Part<'_>| -> Result<Option<Vec<[f32; 4]>>> {
            Self::find(part, "COLOR_0").map(|_| self.values(part, "COLOR_0", Some(count))).transpose()
        };
        // Drafts had base colour and opacity in COLOR_0.
        let opacity = match Self::find(part, "OPACITY") {
            Some(_) => self.values::<1>(part, "OPACITY", Some(count))?.into_iter().map(|[one]| one).collect(),
            None => match bright(part)? {
                Some(colours) => colours.into_iter().map(|[.., opacity]| opacity).collect(),
                None => {
                    return Err(self
                        .document
                        .wrong(&part.field, "has no attribute OPACITY; export it again"));
                }
            },
        };
        let colour = match Self::find(part, &coefficient(0, 0)) {
            Some(_) => {
                let base: Vec<[f32; 3]> = self.values(part, &coefficient(0, 0), Some(count))?;
                base.into_iter().map(|rgb| rgb.map(|channel| 0.5 + SH_C0 * channel)).collect()
            }
            None => match bright(part)? {
                Some(colours) => colours.into_iter().map(|[r, g, b, _]| [r, g, b]).collect(),
                None => {
                    let why = "has no attribute SH_DEGREE_0_COEF_0; export it again";
                    return Err(self.document.wrong(&part.field, why));
                }
            },
        };
        let sh_degree = self.degree(part);
        let stride = sh_rest_len(sh_degree) * 3;
        let mut sh_rest = vec![0.0; count * stride];
        let names =
            (1..=sh_degree).flat_map(|degree| (0..=2 * degree).map(move |order| coefficient(degree, order)));
        for (number, name) in names.enumerate() {
            let values: Vec<[f32; 3]> = self.values(part, &name, Some(count))?;
            for (own, value) in sh_rest.chunks_exact_mut(stride).zip(values) {
                own[number * 3..number * 3 + 3].copy_from_slice(&value);
            }
        }
        Ok(Splats { mean, rotation, scale, opacity, colour, sh_degree, sh_rest, ..Splats::default() })
    }
}

/// The name of a harmonic.
fn coefficient(degree: u8, order: u8) -> String {
    format!("SH_DEGREE_{degree}_COEF_{order}")
}

/// A list in an object; empty where there is none.
fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn index(value: &Value, name: &str) -> Option<usize> {
    value.get(name)?.as_u64().and_then(|index| usize::try_from(index).ok())
}

/// The transform of a node against its parent; `None` where it is none.
fn local(node: &Value) -> Option<DAffine3> {
    let numbers = |name: &str| -> Option<Vec<f64>> { list(node, name).iter().map(Value::as_f64).collect() };
    let given = |name: &str| node.get(name).is_some();
    let transform = if given("matrix") {
        DAffine3::from_mat4(DMat4::from_cols_array(&numbers("matrix")?.try_into().ok()?))
    } else {
        let vector = |name: &str, rest: DVec3| -> Option<DVec3> {
            if !given(name) {
                return Some(rest);
            }
            numbers(name)?.try_into().ok().map(DVec3::from_array)
        };
        let rotation = if given("rotation") {
            let [x, y, z, w]: [f64; 4] = numbers("rotation")?.try_into().ok()?;
            let rotation = DQuat::from_xyzw(x, y, z, w);
            if rotation.length_squared() > 1e-12 { rotation.normalize() } else { return None }
        } else {
            DQuat::IDENTITY
        };
        let (scale, translation) = (vector("scale", DVec3::ONE)?, vector("translation", DVec3::ZERO)?);
        DAffine3::from_scale_rotation_translation(scale, rotation, translation)
    };
    transform.is_finite().then_some(transform)
}

/// Where a node puts splats: even scale, rotation, translation.
struct Placement {
    scale: f64,
    rotation: DQuat,
    translation: DVec3,
}

impl Placement {
    /// What `world` does, if it is that.
    fn of(world: DAffine3) -> Option<Self> {
        let matrix = world.matrix3;
        let scale = matrix.x_axis.length();
        if !(scale.is_finite() && scale > 1e-12) {
            return None;
        }
        let even = matrix * (1.0 / scale);
        let gram = even.transpose() * even - glam::DMat3::IDENTITY;
        let uneven = gram.to_cols_array().iter().any(|value| value.abs() > EVENNESS);
        if uneven || even.determinant() < 0.0 {
            return None;
        }
        let rotation = DQuat::from_mat3(&even).normalize();
        Some(Self { scale, rotation, translation: world.translation })
    }

    #[expect(clippy::cast_possible_truncation, reason = "the model is f32")]
    fn apply(&self, splats: &mut Splats) {
        let still = DQuat::IDENTITY.dot(self.rotation).abs() > 1.0 - 1e-15;
        if still && self.translation == DVec3::ZERO && (self.scale - 1.0).abs() < 1e-12 {
            return;
        }
        for mean in &mut splats.mean {
            let moved =
                self.rotation * DVec3::from_array(mean.map(f64::from)) * self.scale + self.translation;
            *mean = moved.to_array().map(|value| value as f32);
        }
        for rotation in &mut splats.rotation {
            let [x, y, z, w] = rotation.map(f64::from);
            let turned = self.rotation * DQuat::from_xyzw(x, y, z, w);
            *rotation = turned.to_array().map(|value| value as f32);
        }
        for scale in splats.scale.as_flattened_mut() {
            *scale = (f64::from(*scale) * self.scale) as f32;
        }
        let stride = splats.sh_stride();
        if !still && stride > 0 {
            let columns = glam::DMat3::from_quat(self.rotation).to_cols_array_2d();
            let harmonics = ShRotation::new(columns);
            splats.sh_rest.chunks_exact_mut(stride).for_each(|rest| harmonics.apply(rest));
        }
    }
}

fn probe(path: &Path) -> Result<Summary> {
    let model = Model::open(path)?;
    let parts = model.parts()?;
    model.summary(&parts)
}

fn read(path: &Path, options: &Options) -> Result<Imported> {
    let model = Model::open(path)?;
    let parts = model.parts()?;
    let summary = model.summary(&parts)?;
    let mut report = Report { files: 1, read: summary.splats, ..Report::default() };
    let mut all = Splats::new(summary.sh_degree);
    let mut axes = Axes::RUB;
    for part in &parts {
        let (mut splats, own) = model.splats(part, options, &mut report)?;
        rows::raise_degree(&mut splats, summary.sh_degree);
        join(&mut all, splats);
        axes = own;
    }
    let meshes = list(&model.json, "meshes").iter().flat_map(|mesh| list(mesh, "primitives"));
    let others = meshes.filter(|one| one.get("extensions").is_none_or(|all| all.get(EXTENSION).is_none()));
    match others.count() {
        0 => {}
        count => report.note(format!("primitives without splats are left out: {count}")),
    }
    finish(&model.document.name, "splats", 0, all, report, options.axes.unwrap_or(axes))
}
