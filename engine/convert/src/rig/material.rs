//! What a glTF surface is made of, as far as splats show it: base colour, texture, transparency. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use gltf_json::Index;
use gltf_json::material::AlphaMode;
use gltf_json::texture::{Info, WrappingMode};
use gltf_json::validation::Checked;
use vivant::{Error, Result};

use super::document::Document;
use super::texture::{Texture, Wrap};

/// Most pixels of all textures together: 1 GiB.
const PIXELS_MAX: usize = 1 << 28;

/// How alpha is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Alpha {
    /// Not at all.
    Opaque,
    /// There from this value up, and not there below it.
    Mask(f32),
    /// As it is.
    Blend,
}

/// A base colour with its texture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Material {
    /// Linear, with alpha.
    factor: [f32; 4],
    alpha: Alpha,
    texture: Option<Arc<Texture>>,
    wrap: [Wrap; 2],
    /// Which of the vertices' texture coordinates it takes.
    pub(crate) uv_set: u32,
    /// Scale, rotation (radians) and offset of texture coordinates (`KHR_texture_transform`).
    transform: ([f32; 2], f32, [f32; 2]),
}

impl Material {
    /// What a primitive without a material shows: white.
    const DEFAULT: Self = Self {
        factor: [1.0; 4],
        alpha: Alpha::Opaque,
        texture: None,
        wrap: [Wrap::Repeat; 2],
        uv_set: 0,
        transform: ([1.0; 2], 0.0, [0.0; 2]),
    };

    /// Linear colour at a texture coordinate, and how opaque the surface is there, 0..=1.
    pub(crate) fn at(&self, uv: [f32; 2]) -> ([f32; 3], f32) {
        let [r, g, b, a] = self.texture.as_ref().map_or([1.0; 4], |texture| {
            let (scale, turn, offset) = self.transform;
            let (sin, cos) = turn.sin_cos();
            let (x, y) = (uv[0] * scale[0], uv[1] * scale[1]);
            let place = [cos * x + sin * y + offset[0], cos * y - sin * x + offset[1]];
            texture.linear_at(place, self.wrap)
        });
        let [fr, fg, fb, fa] = self.factor;
        ([r * fr, g * fg, b * fb], (a * fa).clamp(0.0, 1.0))
    }

    /// The opacity that an alpha, averaged over a piece of surface, stands for.
    pub(crate) fn opacity(&self, alpha: f32) -> f32 {
        match self.alpha {
            Alpha::Opaque => 1.0,
            Alpha::Mask(cutoff) => f32::from(u8::from(alpha >= cutoff)),
            Alpha::Blend => alpha,
        }
    }
}

/// The materials of a file in order, and the default one behind them.
///
/// # Errors
/// What is wrong with one, naming the field.
pub(crate) fn read_all(document: &Document) -> Result<Vec<Material>> {
    let mut materials = Vec::new();
    let mut decoded = Decoded::default();
    for (index, material) in document.root.materials.iter().enumerate() {
        let field = format!("materials[{index}]");
        let pbr = &material.pbr_metallic_roughness;
        let factor = pbr.base_color_factor.0;
        if factor.iter().any(|value| !value.is_finite()) {
            return Err(document.wrong(format_args!("{field}.baseColorFactor"), "is not finite"));
        }
        let cutoff = material.alpha_cutoff.map_or(0.5, |cutoff| cutoff.0);
        let alpha = match material.alpha_mode {
            Checked::Valid(AlphaMode::Mask) => Alpha::Mask(cutoff),
            Checked::Valid(AlphaMode::Blend) => Alpha::Blend,
            _ => Alpha::Opaque,
        };
        let mut read = Material { factor, alpha, ..Material::DEFAULT };
        if let Some(info) = &pbr.base_color_texture {
            read_texture(document, info, &mut decoded, &mut read)?;
        }
        materials.push(read);
    }
    materials.push(Material::DEFAULT);
    Ok(materials)
}

/// Decodes the texture that `info` names into `material`.
fn read_texture(
    document: &Document,
    info: &Info,
    decoded: &mut Decoded,
    material: &mut Material,
) -> Result<()> {
    let field = format!("textures[{}]", info.index.value());
    let texture = document.root.get(info.index).ok_or_else(|| document.wrong(&field, "is not there"))?;
    if let Some(sampler) = texture.sampler.and_then(|index| document.root.get(index)) {
        material.wrap = [sampler.wrap_s, sampler.wrap_t].map(|mode| match mode {
            Checked::Valid(WrappingMode::ClampToEdge) => Wrap::Clamp,
            Checked::Valid(WrappingMode::MirroredRepeat) => Wrap::Mirror,
            _ => Wrap::Repeat,
        });
    }
    material.uv_set = info.tex_coord;
    let moved = info.extensions.as_ref().and_then(|extensions| extensions.texture_transform.as_ref());
    if let Some(moved) = moved {
        material.transform = (moved.scale.0, moved.rotation.0, moved.offset.0);
        material.uv_set = moved.tex_coord.unwrap_or(info.tex_coord);
    }
    material.texture = Some(decoded.get(document, texture.source)?);
    Ok(())
}

/// The pictures of a file that were decoded, each once.
#[derive(Default)]
struct Decoded {
    by_image: HashMap<usize, Arc<Texture>>,
    pixels: usize,
}

impl Decoded {
    fn get(&mut self, document: &Document, index: Index<gltf_json::Image>) -> Result<Arc<Texture>> {
        if let Some(texture) = self.by_image.get(&index.value()) {
            return Ok(Arc::clone(texture));
        }
        let texture = Arc::new(decode(document, index)?);
        self.pixels += texture.pixels();
        if self.pixels > PIXELS_MAX {
            let what = format!("{}: pixels of all textures", document.name);
            return Err(Error::LimitExceeded { what, value: self.pixels as u64, limit: PIXELS_MAX as u64 });
        }
        self.by_image.insert(index.value(), Arc::clone(&texture));
        Ok(texture)
    }
}

fn decode(document: &Document, index: Index<gltf_json::Image>) -> Result<Texture> {
    let field = format!("images[{}]", index.value());
    let image = document.root.get(index).ok_or_else(|| document.wrong(&field, "is not there"))?;
    let named = format!("{}: {field}", document.name);
    match (image.buffer_view, &image.uri) {
        (Some(view), _) => Texture::decode(document.view(view)?.0, &named),
        (None, Some(uri)) => Texture::decode(&document.resolve(&field, uri)?, &named),
        (None, None) => Err(document.wrong(field, "has neither bufferView nor uri")),
    }
}
