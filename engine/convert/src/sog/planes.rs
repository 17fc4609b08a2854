//! Pictures into splats: the arithmetic that SOG and TSOG share. Reads the pictures of a [`Layout`].
//!
//! ```text
//! mean  = sign(n)·(e^|n| − 1),  n between the ends of its axis by low + 256·high
//! q     = three components (2·byte/255 − 1)/√2, the fourth from their length; which it is: alpha − 252, wxyz
//! sh    = row low + 256·high of the palette, 64 rows side by side
//! ```

use std::f64::consts::FRAC_1_SQRT_2;

use rayon::prelude::*;
use vivant::splat::{Splats, sh_rest_len};
use vivant::{Error, Result};

use super::meta::{Layout, Palette};
use crate::bundle::Bundle;
use crate::rows::{self, Rows};
use crate::webp::{self, Picture};

/// Most splats of one scene.
const MAX_SPLATS: u64 = 1 << 26;

/// Splats that a scene may have for a byte of its pictures, beside [`FREE`]. Trained scenes take five bytes a splat and more;
/// pictures of one colour, which take none, are no scene.
const SPLATS_A_BYTE: u64 = 2;

/// Splats that a scene may have, however few bytes it takes; and pixels beyond its splats.
const FREE: u64 = 1 << 16;

/// Rows of the palette that stand side by side.
const ROWS_ABREAST: usize = 64;

/// Most rows: a label has two bytes.
const MAX_ROWS: u64 = 1 << 16;

/// Most bytes of one picture; more than any picture of [`MAX_SPLATS`] takes.
const MAX_PICTURE: u64 = 512 << 20;

/// Holds the number of splats against the bytes of the pictures.
pub(crate) fn check_count(bundle: &mut Bundle, layout: &Layout) -> Result<()> {
    let mut bytes = 0_u64;
    for name in layout.means.iter().chain(&layout.singles) {
        bytes = bytes.saturating_add(bundle.stored_bytes(name)?);
    }
    let limit = MAX_SPLATS.min(FREE + bytes.saturating_mul(SPLATS_A_BYTE));
    if layout.count > limit {
        let what = format!("{}: count: splats in pictures of {bytes} bytes", bundle.manifest());
        return Err(Error::LimitExceeded { what, value: layout.count, limit });
    }
    if layout.count == 0 {
        let why = "0 splats; export the file with its splats";
        return Err(Error::malformed(&bundle.manifest(), "count", 0, why));
    }
    Ok(())
}

/// The SH degree; for version 1 by the header of a picture.
pub(crate) fn degree(bundle: &mut Bundle, palette: &Palette) -> Result<u8> {
    if let Some(degree) = palette.degree {
        return Ok(degree);
    }
    let name = &palette.files[0];
    let bytes = bundle.read(name, MAX_PICTURE)?;
    let called = bundle.called(name);
    let (width, _) = webp::size(&called, &bytes)?;
    (1..=3).find(|&degree| width == ROWS_ABREAST * sh_rest_len(degree)).ok_or_else(|| {
        let why = format!("{width} pixels wide, where palettes are 192, 512 or 960; export the file again");
        Error::malformed(&called, "width", 0, why)
    })
}

/// Reads pictures of `count` splats or more, in parallel.
pub(crate) fn pictures(bundle: &mut Bundle, names: &[&str], count: u64) -> Result<Vec<Picture>> {
    let mut packed = Vec::with_capacity(names.len());
    for name in names {
        packed.push((bundle.called(name), bundle.read(name, MAX_PICTURE)?));
    }
    let decoded: Vec<Result<Picture>> = packed
        .into_par_iter()
        .map(|(called, bytes)| {
            let picture = webp::decode(&called, &bytes, count.saturating_mul(2).saturating_add(FREE))?;
            let (width, height) = (picture.width, picture.height);
            if (picture.rgba.len() as u64) < count {
                let why = format!("{width}x{height} pixels for {count} splats; export the file again");
                return Err(Error::malformed(&called, "size", 0, why));
            }
            Ok(picture)
        })
        .collect();
    decoded.into_iter().collect()
}

/// The splats as they stand in the file: activated, on its own axes, not cleansed.
pub(crate) fn splats(bundle: &mut Bundle, layout: &Layout) -> Result<Splats> {
    check_count(bundle, layout)?;
    let degree = layout.palette.as_ref().map_or(Ok(0), |palette| degree(bundle, palette))?;
    let [low, high] = &layout.means;
    let [scales, quats, sh0] = &layout.singles;
    let mut names = vec![low.as_str(), high, scales, quats, sh0];
    let shared = layout.palette.as_ref().map(|palette| shared(bundle, palette, degree)).transpose()?;
    names.extend(layout.palette.iter().map(|palette| palette.files[1].as_str()));
    let pictures = pictures(bundle, &names, layout.count)?;
    let count = usize::try_from(layout.count).unwrap_or(usize::MAX);
    let mut splats = rows::zeroed(count, degree);
    rows::all(&mut splats).into_par_iter().for_each(|mut rows| {
        fill(&mut rows, layout, &pictures, shared.as_deref());
    });
    Ok(splats)
}

/// The rows of the palette, one after another, each coefficient-major RGB.
fn shared(bundle: &mut Bundle, palette: &Palette, degree: u8) -> Result<Vec<f32>> {
    let name = &palette.files[0];
    let bytes = bundle.read(name, MAX_PICTURE)?;
    let called = bundle.called(name);
    let coefficients = sh_rest_len(degree);
    let row_pixels = ROWS_ABREAST * coefficients;
    let picture = webp::decode(&called, &bytes, MAX_ROWS * coefficients as u64)?;
    let needed = palette.count.unwrap_or(0).div_ceil(ROWS_ABREAST as u64);
    if picture.width != row_pixels || (picture.height as u64) < needed {
        let why = format!(
            "{}x{} pixels, where {} rows of degree {degree} take {row_pixels}x{needed}; export the file again",
            picture.width,
            picture.height,
            palette.count.unwrap_or(0)
        );
        return Err(Error::malformed(&called, "size", 0, why));
    }
    let values = |pixel: &[u8; 4]| [0, 1, 2].map(|channel| palette.table[usize::from(pixel[channel])]);
    Ok(picture.rgba.iter().flat_map(values).collect())
}

/// Decodes a window.
fn fill(rows: &mut Rows<'_>, layout: &Layout, pictures: &[Picture], shared: Option<&[f32]>) {
    let [low, high, scales, quats, sh0, ..] = pictures else { return };
    let look = |table: &[[f32; 256]; 3], pixel: [u8; 4]| {
        [0, 1, 2].map(|channel: usize| table[channel][usize::from(pixel[channel])])
    };
    for index in 0..rows.len() {
        let at = rows.first + index;
        let (low, high) = (low.rgba[at], high.rgba[at]);
        rows.mean[index] = [0, 1, 2].map(|axis: usize| {
            let share = f64::from(u16::from_le_bytes([low[axis], high[axis]])) / 65535.0;
            let [start, end] = layout.mean_ends[axis];
            unlog(start + (end - start) * share)
        });
        rows.scale[index] = look(&layout.scale, scales.rgba[at]);
        rows.rotation[index] = quaternion(quats.rgba[at]);
        rows.colour[index] = look(&layout.colour, sh0.rgba[at]);
        rows.opacity[index] = layout.opacity[usize::from(sh0.rgba[at][3])];
        if let (Some(shared), Some(labels)) = (shared, pictures.get(5)) {
            let [low, high, ..] = labels.rgba[at];
            let label = usize::from(u16::from_le_bytes([low, high]));
            let stride = rows.sh_stride;
            // A label beyond the palette names nothing: without harmonics, as their own reader has it.
            if let Some(row) = shared.get(label * stride..(label + 1) * stride) {
                rows.sh_rest[index * stride..(index + 1) * stride].copy_from_slice(row);
            }
        }
    }
}

/// Undoes `sign(x)·ln(1 + |x|)`.
#[expect(clippy::cast_possible_truncation, reason = "splats are f32")]
pub(crate) fn unlog(logarithm: f64) -> f32 {
    (logarithm.abs().exp_m1().copysign(logarithm)) as f32
}

/// The quaternion of a pixel, xyzw; zeros, which turn nothing, where the tag is none.
pub(crate) fn quaternion([red, green, blue, tag]: [u8; 4]) -> [f32; 4] {
    let Some(omitted) = tag.checked_sub(252) else { return [0.0; 4] };
    let kept = [red, green, blue].map(|byte| (f64::from(byte) / 255.0 * 2.0 - 1.0) * FRAC_1_SQRT_2);
    let missing = (1.0 - kept.iter().map(|part| part * part).sum::<f64>()).max(0.0).sqrt();
    let [a, b, c] = kept;
    let [w, x, y, z] = match omitted {
        0 => [missing, a, b, c],
        1 => [a, missing, b, c],
        2 => [a, b, missing, c],
        _ => [a, b, c, missing],
    };
    [x, y, z, w].map(|part| {
        #[expect(clippy::cast_possible_truncation, reason = "quaternions are stored as f32")]
        let narrow = part as f32;
        narrow
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_says_which_component_is_missing() {
        let near = |got: [f32; 4], wanted: [f32; 4]| {
            assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{got:?} {wanted:?}");
        };
        // Half a step off the middle, over √2.
        let none = 0.002_772_968;
        near(quaternion([128, 128, 128, 252]), [none, none, none, 0.999_988_5]);
        let [x, y, z, w] = quaternion([255, 128, 128, 253]);
        near([w, y, z, x * x], [std::f32::consts::FRAC_1_SQRT_2, none, none, 0.499_984_6]);
        assert_eq!(quaternion([255, 255, 255, 251]), [0.0; 4]);
    }

    #[test]
    fn the_logarithm_is_undone_on_both_sides_of_zero() {
        assert!((unlog(1.0) - 1.718_281_8).abs() < 1e-6);
        assert!((unlog(-1.0) + 1.718_281_8).abs() < 1e-6);
        assert_eq!(unlog(0.0).to_bits(), 0);
        assert!((unlog(1e-9) - 1e-9).abs() < 1e-15);
    }
}
