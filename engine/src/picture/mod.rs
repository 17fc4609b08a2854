//! Pictures on the CPU: what the reference renders, what a GPU target is read back into, what is written as PNG, and
//! how two of them are compared.
//!
//! Colours are premultiplied by alpha and sRGB-encoded throughout (the space splats are trained and blended in); no
//! conversion happens here beyond 8 bits and straight alpha for files. May touch `error` only: no GPU, no clip.

mod compare;
mod files;
mod sheet;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, compare, psnr, psnr_covered};
pub use files::{decode_png, encode_png, load_png, save_npy, save_png, write_npy};
pub use sheet::{contact_sheet, side_by_side};

use crate::error::{Error, Result};

/// A picture in f32, premultiplied; rows from the top, pixels from the left.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Premultiplied red, green, blue and alpha, `width · height` of them; values above 1 are kept.
    pub pixels: Vec<[f32; 4]>,
}

impl Image {
    /// A picture of one colour (premultiplied); `[0.0; 4]` is nothing at all.
    #[must_use]
    pub fn filled(width: u32, height: u32, pixel: [f32; 4]) -> Self {
        Self { width, height, pixels: vec![pixel; width as usize * height as usize] }
    }

    /// A picture whose pixel in column `x` of row `y` is `pixel(x, y)`, premultiplied.
    #[must_use]
    pub fn from_fn(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [f32; 4]) -> Self {
        let pixel = &pixel;
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect();
        Self { width, height, pixels }
    }

    /// From what a GPU target holds: four bytes a pixel, tightly packed, premultiplied.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when `bytes` is not `width · height · 4` long.
    pub fn from_premultiplied_rgba8(width: u32, height: u32, bytes: &[u8]) -> Result<Self> {
        let pixels = width as usize * height as usize;
        if bytes.len() != pixels * 4 {
            return Err(Error::invalid(format!(
                "{width} × {height} pixels of RGBA8 are {} bytes, not {}",
                pixels * 4,
                bytes.len()
            )));
        }
        let (quads, _) = bytes.as_chunks::<4>();
        let pixels = quads.iter().map(|quad| quad.map(|byte| f32::from(byte) / 255.0)).collect();
        Ok(Self { width, height, pixels })
    }

    /// Four bytes a pixel, premultiplied, rounded to nearest and clamped.
    #[must_use]
    pub fn to_premultiplied_rgba8(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|pixel| pixel.map(byte)).collect()
    }

    /// Four bytes a pixel with straight alpha, as PNG has it; rounded to nearest and clamped.
    #[must_use]
    pub fn to_straight_rgba8(&self) -> Vec<u8> {
        let straight = |&[r, g, b, a]: &[f32; 4]| {
            let unit = if a > 0.0 { 1.0 / a } else { 0.0 };
            [byte(r * unit), byte(g * unit), byte(b * unit), byte(a)]
        };
        self.pixels.iter().flat_map(straight).collect()
    }

    /// The picture over an opaque background: `C + (1 − A)·background`, alpha 1.
    #[must_use]
    pub fn over(&self, background: [f32; 3]) -> Self {
        let flatten = |&[r, g, b, a]: &[f32; 4]| {
            let through = 1.0 - a;
            [r + through * background[0], g + through * background[1], b + through * background[2], 1.0]
        };
        Self { width: self.width, height: self.height, pixels: self.pixels.iter().map(flatten).collect() }
    }

    /// The pixel in column `x` of row `y`; `None` outside.
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> Option<[f32; 4]> {
        let inside = x < self.width && y < self.height;
        inside.then(|| self.pixels.get(y as usize * self.width as usize + x as usize).copied()).flatten()
    }
}

/// 0..1 as 0..255, nearest; what is no number is 0.
fn byte(value: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; a float to int cast saturates and maps NaN to 0"
    )]
    let byte = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    byte
}
