//! Splats as a GLB with `KHR_gaussian_splatting`: one primitive of points, its attributes as floats.
//!
//! Scales and opacities are linear, as the ratified extension has them. `COLOR_0` is for viewers that know only points:
//! the base colour in linear light, as glTF's colours are, and the opacity.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};
use vivant::splat::{Appearance, ColourDomain, SH_C0, Splats};
use vivant::{Error, Result};

const EXTENSION: &str = "KHR_gaussian_splatting";
/// glTF's numbers for a byte and a float.
const BYTE: u32 = 5121;
const FLOAT: u32 = 5126;

/// An array of the file.
struct Array {
    name: String,
    component: u32,
    kind: &'static str,
    bytes: Vec<u8>,
}

/// Writes the file.
pub(super) fn write(path: &Path, splats: &Splats, appearance: &Appearance) -> Result<()> {
    let arrays = arrays(splats, appearance);
    let mut json = document(splats, appearance, &arrays).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    let binary: usize = arrays.iter().map(|array| array.bytes.len()).sum();
    let too_large = |_overflow| Error::invalid(format!("{} splats: more than a .glb holds", splats.len()));
    let length = |bytes: usize| u32::try_from(bytes).map_err(too_large);
    let total = length(28 + json.len() + binary)?;
    let (json_length, binary_length) = (length(json.len())?, length(binary)?);
    let file = File::create(path).map_err(|source| Error::io(path, "cannot create", source))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut body = || -> std::io::Result<()> {
        out.write_all(b"glTF")?;
        out.write_all(&2_u32.to_le_bytes())?;
        out.write_all(&total.to_le_bytes())?;
        out.write_all(&json_length.to_le_bytes())?;
        out.write_all(b"JSON")?;
        out.write_all(&json)?;
        out.write_all(&binary_length.to_le_bytes())?;
        out.write_all(b"BIN\0")?;
        arrays.iter().try_for_each(|array| out.write_all(&array.bytes))?;
        out.flush()
    };
    body().map_err(|source| Error::io(path, "cannot write", source))
}

fn arrays(splats: &Splats, appearance: &Appearance) -> Vec<Array> {
    let own = |name: &str| format!("{EXTENSION}:{name}");
    let floats = |name: String, kind: &'static str, values: &[f32]| Array {
        name,
        component: FLOAT,
        kind,
        bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    let encoded = appearance.colour_domain == ColourDomain::Encoded;
    let points = splats.colour.iter().zip(&splats.opacity).flat_map(|(colour, opacity)| {
        let light = |value: f32| if encoded { linear(value.clamp(0.0, 1.0)) } else { value };
        [light(colour[0]), light(colour[1]), light(colour[2]), *opacity].map(byte)
    });
    let base: Vec<f32> = splats.colour.as_flattened().iter().map(|channel| (channel - 0.5) / SH_C0).collect();
    let mut arrays = vec![
        floats("POSITION".to_owned(), "VEC3", splats.mean.as_flattened()),
        Array { name: "COLOR_0".to_owned(), component: BYTE, kind: "VEC4", bytes: points.collect() },
        floats(own("ROTATION"), "VEC4", splats.rotation.as_flattened()),
        floats(own("SCALE"), "VEC3", splats.scale.as_flattened()),
        floats(own("OPACITY"), "SCALAR", &splats.opacity),
        floats(own("SH_DEGREE_0_COEF_0"), "VEC3", &base),
    ];
    let stride = splats.sh_stride();
    let names = (1..=splats.sh_degree).flat_map(|degree| (0..=2 * degree).map(move |order| (degree, order)));
    for (number, (degree, order)) in names.enumerate() {
        let rows = splats.sh_rest.chunks_exact(stride);
        let values: Vec<f32> = rows.flat_map(|row| row[number * 3..number * 3 + 3].iter().copied()).collect();
        arrays.push(floats(own(&format!("SH_DEGREE_{degree}_COEF_{order}")), "VEC3", &values));
    }
    arrays
}

fn document(splats: &Splats, appearance: &Appearance, arrays: &[Array]) -> Value {
    let mut offset = 0;
    let (mut views, mut accessors) = (Vec::new(), Vec::new());
    let mut attributes = serde_json::Map::new();
    for (number, array) in arrays.iter().enumerate() {
        views.push(json!({ "buffer": 0, "byteOffset": offset, "byteLength": array.bytes.len() }));
        let mut accessor = json!({
            "bufferView": number,
            "componentType": array.component,
            "normalized": array.component == BYTE,
            "count": splats.len(),
            "type": array.kind,
        });
        if array.name == "POSITION" {
            let (least, most) = bounds(&splats.mean);
            accessor["min"] = json!(least);
            accessor["max"] = json!(most);
        }
        accessors.push(accessor);
        attributes.insert(array.name.clone(), json!(number));
        offset += array.bytes.len();
    }
    let space = match appearance.colour_domain {
        ColourDomain::Encoded => "srgb_rec709_display",
        ColourDomain::Linear => "lin_rec709_display",
    };
    json!({
        "asset": { "version": "2.0", "generator": concat!("vivant ", env!("CARGO_PKG_VERSION")) },
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0 }],
        "meshes": [{ "primitives": [{
            "mode": 0,
            "attributes": attributes,
            "extensions": { EXTENSION: {
                "kernel": "ellipse",
                "colorSpace": space,
                "projection": "perspective",
                "sortingMethod": "cameraDistance",
            } },
        }] }],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{ "byteLength": offset }],
    })
}

/// Least and greatest of each axis.
fn bounds(points: &[[f32; 3]]) -> ([f32; 3], [f32; 3]) {
    points.iter().fold(([f32::MAX; 3], [f32::MIN; 3]), |(mut least, mut most), point| {
        for axis in 0..3 {
            least[axis] = least[axis].min(point[axis]);
            most[axis] = most[axis].max(point[axis]);
        }
        (least, most)
    })
}

/// sRGB to linear light.
fn linear(encoded: f32) -> f32 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

fn byte(value: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = (value * 255.0).round().clamp(0.0, 255.0) as u8;
    byte
}
