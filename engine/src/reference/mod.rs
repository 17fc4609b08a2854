//! The reference renderer: slow, plain, f64, and right by inspection. Tests hold every faster picture against it,
//! and `vivant render --reference` shows it.
//!
//! It reads [`Splats`] as the importers make them and shares no code with the GPU kernels or their CPU twins, so an
//! error in those cannot hide here. It may touch `splat`, `time`, `view` and `picture`, nothing else.
//!
//! The method is EWA splatting (Zwicker et al., *EWA Splatting*, TVCG 2002) with the conventions of INRIA's 3D
//! Gaussian splatting (Kerbl et al., TOG 2023), on the motion model of [`crate::splat`]:
//!
//! 1. `project`: every splat that shows at the moment gets a place in the picture, a colour and a depth, and a shape
//!    there as its clip's [`Appearance`] says (`footprint`).
//! 2. Sort by the radial distance of the mean from the view (or from [`Options::order_from`]), nearest first, ties
//!    by index.
//! 3. Each pixel, at its centre: `alpha = min(0.99, …)` by the shape's formula, skipped below 1/255; front to back
//!    `C += T·alpha·colour`, `T *= 1 − alpha`, in the colour domain of the first set.
//!
//! Splats outside a tile of 16 × 16 pixels are left out of its list by the extent of `alpha ≥ 1/255`, which
//! changes no bit of the result (a test renders without the lists and compares).

mod colour;
mod footprint;
mod project;
#[cfg(test)]
mod tests;

use glam::{DMat4, DVec3};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::picture::Image;
use crate::splat::{Appearance, ColourDomain, Splats};
use crate::time::TickRate;
use crate::view::View;
pub(crate) use colour::towards as colour_towards;
use project::{Camera, Projected};

/// A splat's part in a pixel is skipped below this: what one step of an 8-bit target can show.
pub const ALPHA_MIN: f64 = 1.0 / 255.0;

/// No splat hides more than this, so that the one behind it always shows a little; as INRIA's.
pub const ALPHA_MAX: f64 = 0.99;

/// Splats whose mean is nearer than this, along the view axis in metres, are not drawn.
pub const NEAR_METRES: f64 = 0.05;

/// A pixel is done when less than this shines through: far below the last bit of any picture format.
const TRANSMITTANCE_MIN: f64 = 1e-9;

/// Side of the tiles that have a list of their own; only speed depends on it.
const TILE_PX: usize = 16;

/// The largest picture side.
const SIDE_MAX: u32 = 16_384;

/// The media time, both ways it is used: windows are tested in ticks, motion and envelopes in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// The nearest tick.
    pub tick: i64,
    /// Seconds from the start of the clip, unrounded.
    pub seconds: f64,
}

impl Moment {
    /// The moment `seconds` after the start of a clip with this tick rate.
    #[must_use]
    pub fn at_seconds(rate: TickRate, seconds: f64) -> Self {
        Self { tick: rate.ticks_from_seconds(seconds), seconds }
    }

    /// The moment `nanos` after the start of a clip with this tick rate.
    #[must_use]
    pub fn at_nanos(rate: TickRate, nanos: i64) -> Self {
        Self { tick: rate.ticks_from_nanos(nanos), seconds: nanos as f64 * 1e-9 }
    }
}

/// What a reference picture depends on beyond the splats, the moment and the view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How all sets are drawn, where they do not say so themselves.
    pub appearance: Appearance,
    /// Where the clip stands in the world; any invertible affine transform.
    pub world_from_object: DMat4,
    /// The point, in the world, by distance from which splats are ordered; the view's own position if `None`. A
    /// renderer that sorts once for both eyes is matched by giving the point it sorts from.
    pub order_from: Option<DVec3>,
    /// An opaque background, sRGB-encoded like the splats; without one the picture keeps its alpha.
    pub background: Option<[f64; 3]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            appearance: Appearance::default(),
            world_from_object: DMat4::IDENTITY,
            order_from: None,
            background: None,
        }
    }
}

/// What [`render`] returns; rows from the top, pixels from the left.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Premultiplied colour (sRGB-encoded values, not clamped) and alpha, `width · height` of them.
    pub rgba: Vec<[f64; 4]>,
    /// Metres along the view axis, averaged with the weights of the colours; infinity where nothing was drawn.
    pub depth: Vec<f64>,
}

impl Rendering {
    /// The colours and alpha as a picture.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a picture is f32: the rounding is what is asked for"
    )]
    pub fn image(&self) -> Image {
        let pixels = self.rgba.iter().map(|pixel| pixel.map(|value| value as f32)).collect();
        Image { width: self.width, height: self.height, pixels }
    }

    /// The depths as f32, in the order of the pixels.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "depth maps are exchanged as f32")]
    pub fn depth_f32(&self) -> Vec<f32> {
        self.depth.iter().map(|&metres| metres as f32).collect()
    }
}

/// Draws what `sets` show at `moment`, as one scene, into `width` × `height` pixels. Indices count through the sets.
///
/// # Errors
/// [`Error::InvalidArgument`] when the size is 0, the view's angles or the transform make no picture;
/// [`Error::LimitExceeded`] when a side is longer than 16384 pixels.
pub fn render(
    sets: &[&Splats],
    moment: Moment,
    view: &View,
    width: u32,
    height: u32,
    options: &Options,
) -> Result<Rendering> {
    let sets: Vec<_> = sets.iter().map(|set| (*set, options.appearance)).collect();
    render_mixed(&sets, moment, view, width, height, options)
}

/// [`render`], with each set in its own appearance; colours are blended in the domain of the first.
///
/// # Errors
/// As [`render`].
pub fn render_mixed(
    sets: &[(&Splats, Appearance)],
    moment: Moment,
    view: &View,
    width: u32,
    height: u32,
    options: &Options,
) -> Result<Rendering> {
    let splats = visible(sets, moment, view, width, height, options)?;
    let finish = Finish { domain: domain_of(sets), background: options.background };
    let (columns, rows) = (width as usize, height as usize);
    let mut rgba = vec![[0.0; 4]; columns * rows];
    let mut depth = vec![0.0; columns * rows];
    let bands = rgba.par_chunks_mut(columns * TILE_PX).zip(depth.par_chunks_mut(columns * TILE_PX));
    bands.enumerate().for_each(|(band, (rgba, depth))| {
        let top = band * TILE_PX;
        let in_band: Vec<&Projected> =
            splats.iter().filter(|splat| splat.touches(1, top, top + TILE_PX)).collect();
        for left in (0..columns).step_by(TILE_PX) {
            let right = (left + TILE_PX).min(columns);
            let in_tile: Vec<&Projected> =
                in_band.iter().copied().filter(|splat| splat.touches(0, left, right)).collect();
            for row in 0..rgba.len() / columns {
                for column in left..right {
                    let pixel = row * columns + column;
                    (rgba[pixel], depth[pixel]) = shade(&in_tile, column, top + row, finish);
                }
            }
        }
    });
    Ok(Rendering { width, height, rgba, depth })
}

/// The domain that colours are blended in.
fn domain_of(sets: &[(&Splats, Appearance)]) -> ColourDomain {
    sets.first().map(|(_, appearance)| appearance.colour_domain).unwrap_or_default()
}

/// The projected splats that can show, nearest first.
fn visible(
    sets: &[(&Splats, Appearance)],
    moment: Moment,
    view: &View,
    width: u32,
    height: u32,
    options: &Options,
) -> Result<Vec<Projected>> {
    for side in [width, height] {
        if side == 0 {
            return Err(Error::invalid(format!("a picture of {width} × {height} pixels has no pixels")));
        }
        if side > SIDE_MAX {
            return Err(Error::LimitExceeded {
                what: "the side of the reference picture, in pixels".to_owned(),
                value: u64::from(side),
                limit: u64::from(SIDE_MAX),
            });
        }
    }
    let camera = Camera::new(view, width, height, options, domain_of(sets))?;
    let order_from = options.order_from.unwrap_or(DVec3::from_array(view.position));
    let mut ordered: Vec<(f64, Projected)> = Vec::new();
    for (set, appearance) in sets {
        let projected = (0..set.len()).into_par_iter().filter_map(|index| {
            let (splat, mean_in_world) = camera.project(set, index, moment, *appearance)?;
            Some((mean_in_world.distance(order_from), splat))
        });
        ordered.par_extend(projected);
    }
    // Stable, so that equal distances keep the order of their indices.
    ordered.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    Ok(ordered.into_iter().map(|(_, splat)| splat).collect())
}

/// What becomes of a pixel's colour once all its splats are blended.
#[derive(Debug, Clone, Copy)]
struct Finish {
    domain: ColourDomain,
    background: Option<[f64; 3]>,
}

/// One pixel: premultiplied colour, alpha and depth of the splats in `ordered`, nearest first.
fn shade(ordered: &[&Projected], column: usize, row: usize, finish: Finish) -> ([f64; 4], f64) {
    let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
    let mut colour = DVec3::ZERO;
    let mut transmittance = 1.0;
    let (mut weights, mut weighted_depth) = (0.0, 0.0);
    for splat in ordered {
        let (alpha, depth) = splat.at(x, y);
        if alpha < ALPHA_MIN {
            continue;
        }
        let weight = transmittance * alpha;
        colour += weight * splat.colour;
        weighted_depth += weight * depth;
        weights += weight;
        transmittance *= 1.0 - alpha;
        if transmittance < TRANSMITTANCE_MIN {
            break;
        }
    }
    let mut alpha = 1.0 - transmittance;
    if finish.domain == ColourDomain::Linear && alpha > 0.0 {
        colour = alpha * (colour / alpha).map(colour::encoded);
    }
    if let Some(background) = finish.background {
        colour += transmittance * DVec3::from_array(background);
        alpha = 1.0;
    }
    let depth = if weights > 0.0 { weighted_depth / weights } else { f64::INFINITY };
    ([colour.x, colour.y, colour.z, alpha], depth)
}
