//! glTF with splats, written from the text of the extension.

use serde_json::{Value, json};
use vivant::splat::{ColourDomain, SH_C0, Splats, sh_rest_len};
use vivant_convert::{Options, Source};
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::Cut;

use crate::scene::{
    Place, assert_near, assert_pictured, assert_survives, ball, difference, error_of, format_of, print_speed,
    put, read, read_bytes, turned, turned_about_y,
};
use crate::spz;

/// A document and its binary part.
#[derive(Clone)]
pub(crate) struct Model {
    json: Value,
    binary: Vec<u8>,
}

impl Model {
    fn new() -> Self {
        let json = json!({
            "asset": { "version": "2.0" },
            "extensionsUsed": ["KHR_gaussian_splatting"],
            "scene": 0,
            "scenes": [{ "nodes": [0] }],
            "nodes": [{ "mesh": 0 }],
            "meshes": [{ "primitives": [{
                "mode": 0,
                "attributes": {},
                "extensions": { "KHR_gaussian_splatting": {
                    "kernel": "ellipse", "colorSpace": "srgb_rec709_display",
                } },
            }] }],
            "accessors": [],
            "bufferViews": [],
        });
        Self { json, binary: Vec::new() }
    }

    fn extension(&mut self) -> &mut Value {
        &mut self.json["meshes"][0]["primitives"][0]["extensions"]["KHR_gaussian_splatting"]
    }

    /// Appends bytes as a buffer view.
    fn view(&mut self, bytes: &[u8]) -> usize {
        self.binary.resize(self.binary.len().next_multiple_of(4), 0);
        let view = json!({ "buffer": 0, "byteOffset": self.binary.len(), "byteLength": bytes.len() });
        self.binary.extend(bytes);
        let views = self.json["bufferViews"].as_array_mut().unwrap();
        views.push(view);
        views.len() - 1
    }

    /// Appends an attribute.
    fn attribute(&mut self, name: &str, kind: &str, component: u32, count: usize, bytes: &[u8]) {
        let view = self.view(bytes);
        let accessors = self.json["accessors"].as_array_mut().unwrap();
        accessors.push(json!({
            "bufferView": view, "componentType": component, "normalized": component != 5126,
            "count": count, "type": kind,
        }));
        let number = accessors.len() - 1;
        self.json["meshes"][0]["primitives"][0]["attributes"][name] = json!(number);
    }

    fn floats(&mut self, name: &str, kind: &str, values: &[f32]) {
        let parts = [("SCALAR", 1), ("VEC3", 3), ("VEC4", 4)].iter().find(|(own, _)| *own == kind).unwrap().1;
        let mut bytes = Vec::new();
        put(&mut bytes, values.iter().copied());
        self.attribute(name, kind, 5126, values.len() / parts, &bytes);
    }

    fn glb(&self) -> Vec<u8> {
        let mut json = self.json.clone();
        json["buffers"] = json!([{ "byteLength": self.binary.len() }]);
        let mut text = json.to_string().into_bytes();
        text.resize(text.len().next_multiple_of(4), b' ');
        let mut binary = self.binary.clone();
        binary.resize(binary.len().next_multiple_of(4), 0);
        let word = |value: usize| (value as u32).to_le_bytes().to_vec();
        [
            b"glTF".to_vec(),
            word(2),
            word(28 + text.len() + binary.len()),
            word(text.len()),
            b"JSON".to_vec(),
            text,
            word(binary.len()),
            b"BIN\0".to_vec(),
            binary,
        ]
        .concat()
    }
}

fn own(name: &str) -> String {
    format!("KHR_gaussian_splatting:{name}")
}

/// The whole scene in floats.
fn plain(scene: &Splats) -> Model {
    let mut model = Model::new();
    model.floats("POSITION", "VEC3", scene.mean.as_flattened());
    model.floats(&own("ROTATION"), "VEC4", scene.rotation.as_flattened());
    model.floats(&own("SCALE"), "VEC3", scene.scale.as_flattened());
    model.floats(&own("OPACITY"), "SCALAR", &scene.opacity);
    let base: Vec<f32> = scene.colour.as_flattened().iter().map(|channel| (channel - 0.5) / SH_C0).collect();
    model.floats(&own("SH_DEGREE_0_COEF_0"), "VEC3", &base);
    let stride = sh_rest_len(scene.sh_degree) * 3;
    let mut number = 0;
    for degree in 1..=scene.sh_degree {
        for order in 0..=2 * degree {
            let rows = scene.sh_rest.chunks(stride);
            let values: Vec<f32> = rows.flat_map(|row| row[number * 3..][..3].to_vec()).collect();
            model.floats(&own(&format!("SH_DEGREE_{degree}_COEF_{order}")), "VEC3", &values);
            number += 1;
        }
    }
    model
}

#[test]
fn floats_are_read_back() {
    for degree in [0, 1, 3] {
        let scene = ball(400, degree);
        let place = Place::new("a.glb", &plain(&scene).glb());
        assert_eq!(format_of(&place.path()), "gltf-splats");
        assert_near(&read(&place.path(), &Options::default()).unwrap().splats, &scene, 1e-6);
    }
    let bytes = plain(&ball(400, 1)).glb();
    assert_fails("turned", || {
        assert_near(&read_bytes("a.glb", &bytes).unwrap().splats, &turned(&ball(400, 1)), 1e-6);
    });
}

#[test]
fn whole_numbers_are_read_back() {
    let scene = ball(300, 0);
    let mut wanted = scene.clone();
    let mut model = plain(&scene);
    let mut bytes = Vec::new();
    for q in &mut wanted.rotation {
        for part in q.iter_mut() {
            let whole = (*part * 32_767.0).round();
            bytes.extend((whole as i16).to_le_bytes());
            *part = whole / 32_767.0;
        }
        let length = q.iter().map(|part| part * part).sum::<f32>().sqrt();
        *q = q.map(|part| part / length);
    }
    model.attribute(&own("ROTATION"), "VEC4", 5122, 300, &bytes);
    let mut bytes = Vec::new();
    for scale in wanted.scale.as_flattened_mut() {
        let whole = (*scale * 65_535.0).round();
        bytes.extend((whole as u16).to_le_bytes());
        *scale = whole / 65_535.0;
    }
    // Rows of six bytes stand eight apart.
    let bytes: Vec<u8> = bytes.chunks(6).flat_map(|row| [row, &[0, 0]].concat()).collect();
    model.attribute(&own("SCALE"), "VEC3", 5123, 300, &bytes);
    let last = model.json["bufferViews"].as_array().unwrap().len() - 1;
    model.json["bufferViews"][last]["byteStride"] = json!(8);
    let bytes: Vec<u8> = scene.opacity.iter().map(|opacity| (opacity * 255.0).round() as u8).collect();
    wanted.opacity = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    model.attribute(&own("OPACITY"), "SCALAR", 5121, 300, &bytes);
    assert_near(&read_bytes("a.glb", &model.glb()).unwrap().splats, &wanted, 2e-6);
}

#[test]
fn drafts_are_read_back() {
    let scene = ball(300, 0);
    let mut model = plain(&scene);
    let logs: Vec<f32> = scene.scale.as_flattened().iter().map(|scale| scale.ln()).collect();
    model.floats(&own("SCALE"), "VEC3", &logs);
    let imported = read_bytes("a.glb", &model.glb()).unwrap();
    assert_near(&imported.splats, &scene, 2e-6);
    assert!(imported.report.notes[0].contains("logarithms"), "{:?}", imported.report.notes);
    // Base colour and opacity in COLOR_0.
    let mut model = plain(&scene);
    let attributes = model.json["meshes"][0]["primitives"][0]["attributes"].as_object_mut().unwrap();
    attributes.remove(&own("OPACITY"));
    attributes.remove(&own("SH_DEGREE_0_COEF_0"));
    let colours: Vec<f32> = (0..300)
        .flat_map(|index| [scene.colour[index].to_vec(), vec![scene.opacity[index]]].concat())
        .collect();
    model.floats("COLOR_0", "VEC4", &colours);
    assert_near(&read_bytes("a.glb", &model.glb()).unwrap().splats, &scene, 1e-6);
}

#[test]
fn spz_in_a_view_is_read_on_its_own_axes() {
    let scene = ball(300, 1);
    for (version, name) in
        [(2, "KHR_gaussian_splatting_compression_spz_2"), (3, "KHR_gaussian_splatting_compression_spz")]
    {
        let (bytes, wanted) = spz::write(&scene, version, 0);
        let mut model = Model::new();
        let view = model.view(&bytes);
        model.extension()["extensions"] = json!({ name: { "bufferView": view } });
        model.json["extensionsRequired"] = json!(["KHR_gaussian_splatting", name]);
        let place = Place::new("a.glb", &model.glb());
        assert_near(&read(&place.path(), &Options::default()).unwrap().splats, &wanted, 4e-6);
        let options = Options { axes: Some("luf".parse().unwrap()), ..Options::default() };
        assert_near(&read(&place.path(), &options).unwrap().splats, &turned_about_y(&wanted), 4e-6);
    }
}

#[test]
fn nodes_place_their_splats() {
    let scene = ball(300, 3);
    let mut model = plain(&scene);
    // Half a turn about x below a scale and a move; and the same splats once more, as they are.
    model.json["scenes"] = json!([{ "nodes": [1, 2] }]);
    model.json["nodes"] = json!([
        { "mesh": 0, "rotation": [1.0, 0.0, 0.0, 0.0] },
        { "children": [0], "translation": [1.0, 2.0, 3.0], "scale": [2.0, 2.0, 2.0] },
        { "mesh": 0, "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] },
    ]);
    let mut first = turned(&scene);
    first.mean.iter_mut().for_each(|mean| *mean = [0, 1, 2].map(|at| mean[at] * 2.0 + [1.0, 2.0, 3.0][at]));
    first.scale.as_flattened_mut().iter_mut().for_each(|scale| *scale *= 2.0);
    first.append(&scene).unwrap();
    assert_near(&read_bytes("a.glb", &model.glb()).unwrap().splats, &first, 1e-5);
    for (node, wanted) in [
        (json!({ "mesh": 0, "scale": [1.0, 2.0, 1.0] }), "mirrors it or scales it unevenly"),
        (json!({ "mesh": 0, "scale": [-1.0, 1.0, 1.0] }), "mirrors it or scales it unevenly"),
        (json!({ "mesh": 0, "rotation": [0.0, 0.0, 0.0, 0.0] }), "its place is no place"),
        (json!({ "mesh": 0, "children": [0] }), "has two parents"),
        (json!({ "mesh": 7 }), "meshes[7]: is not there"),
    ] {
        let mut model = plain(&scene);
        model.json["nodes"] = json!([node]);
        let said = error_of("a.glb", &model.glb());
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn what_is_not_read_is_said() {
    let scene = ball(100, 1);
    let error = |change: &dyn Fn(&mut Model)| {
        let mut model = plain(&scene);
        change(&mut model);
        error_of("a.glb", &model.glb())
    };
    let sparse = |model: &mut Model| {
        model.json["accessors"][2]["sparse"] = json!({
            "count": 1, "indices": { "bufferView": 0, "componentType": 5123 }, "values": { "bufferView": 0 },
        });
    };
    assert!(error(&sparse).contains("accessors[2]: is sparse, which is not read"), "{}", error(&sparse));
    let fewer = error(&|model| model.json["accessors"][3]["count"] = json!(99));
    assert!(fewer.contains("99 values for 100 splats"), "{fewer}");
    let gone = error(&|model| {
        let attributes = model.json["meshes"][0]["primitives"][0]["attributes"].as_object_mut().unwrap();
        attributes.remove(&own("ROTATION"));
    });
    assert!(gone.contains("has no attribute ROTATION"), "{gone}");
    let vast = error(&|model| model.json["accessors"][0]["count"] = json!(u64::from(u32::MAX)));
    assert!(vast.contains("exceeds the limit"), "{vast}");
    let crowd = error(&|model| {
        model.json["scenes"] = json!([{ "nodes": (0..17).collect::<Vec<_>>() }]);
        model.json["nodes"] = json!(vec![json!({ "mesh": 0 }); 17]);
    });
    assert!(crowd.contains("times it is shown: 17 exceeds the limit of 16"), "{crowd}");
    let mut model = plain(&scene);
    model.extension()["kernel"] = json!("box");
    model.json["meshes"][0]["primitives"].as_array_mut().unwrap().push(json!({ "attributes": {} }));
    let notes = read_bytes("a.glb", &model.glb()).unwrap().report.notes;
    assert_eq!(
        notes,
        ["kernel 'box' is not known: drawn as ellipses", "primitives without splats are left out: 1"]
    );
}

#[test]
fn linear_light_is_asked_for() {
    let mut model = plain(&ball(100, 0));
    model.extension()["colorSpace"] = json!("lin_rec709_display");
    let place = Place::new("a.glb", &model.glb());
    let source = Source::open(&[place.path()], &Options::default()).unwrap();
    assert_eq!(source.info().appearance.colour_domain, ColourDomain::Linear);
}

#[test]
fn text_with_a_buffer_beside_it_is_read() {
    let scene = ball(200, 1);
    let model = plain(&scene);
    let mut json = model.json.clone();
    json["buffers"] = json!([{ "byteLength": model.binary.len(), "uri": "a.bin" }]);
    // What it uses stands far behind the start.
    json["asset"]["extras"] = json!({ "x": "x".repeat(10_000) });
    let place = Place::new("a.gltf", json.to_string().as_bytes());
    std::fs::write(place.folder().join("a.bin"), &model.binary).unwrap();
    assert_eq!(format_of(&place.path()), "gltf-splats");
    let splats = read(&place.path(), &Options::default()).unwrap().splats;
    assert!(difference(&splats, &scene) < 1e-6);
}

#[test]
fn it_shows_what_it_holds() {
    let scene = ball(3000, 1);
    assert_pictured("glb", &Place::new("a.glb", &plain(&scene).glb()).path(), &scene);
}

#[test]
fn it_survives() {
    assert_survives("a.glb", &plain(&ball(50, 1)).glb(), Cut::Fails);
}

#[test]
#[ignore = "prints figures"]
fn speed() {
    print_speed("a.glb", &plain(&ball(200_000, 1)).glb());
}
