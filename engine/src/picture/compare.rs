//! How far two pictures are apart, in the one measure every table of this project uses.
//!
//! Both pictures are composited over the same background and clamped to 0..1, as a display would show them; then
//! `PSNR = 10·log₁₀(1 / MSE)` over red, green and blue, in sRGB-encoded values with a peak of 1. Over all pixels it
//! flatters small subjects, so the measure that counts is over *covered* pixels: those where either picture's alpha
//! exceeds 1/255.

use super::Image;
use crate::error::{Error, Result};

/// Alpha above which a pixel is covered: one step of an 8-bit target.
const COVERED_ALPHA: f32 = 1.0 / 255.0;

/// What [`compare`] finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Decibels over all pixels; infinite if they are equal, NaN if a value is no number.
    pub psnr: f64,
    /// Decibels over the covered pixels.
    pub psnr_covered: f64,
    /// How many pixels are covered.
    pub covered: usize,
    /// The largest difference of any channel, 0..1; NaN if a value is no number.
    pub worst: f64,
    /// Column and row of the pixel with the largest difference.
    pub worst_at: (u32, u32),
}

/// Compares two pictures over a background.
///
/// # Errors
/// [`Error::InvalidArgument`] when the sizes differ, or when neither picture covers a pixel: two empty pictures
/// agree on nothing.
pub fn compare(a: &Image, b: &Image, background: [f32; 3]) -> Result<Comparison> {
    if (a.width, a.height, a.pixels.len()) != (b.width, b.height, b.pixels.len()) {
        return Err(Error::invalid(format!(
            "pictures of {} × {} and {} × {} pixels cannot be compared",
            a.width, a.height, b.width, b.height
        )));
    }
    let (mut all, mut inside) = (0.0, 0.0);
    let mut covered = 0;
    let (mut worst, mut worst_index) = (0.0_f64, 0_usize);
    for (index, (left, right)) in a.pixels.iter().zip(&b.pixels).enumerate() {
        let differences: [f64; 3] = std::array::from_fn(|channel| {
            shown(left, channel, background) - shown(right, channel, background)
        });
        let error: f64 = differences.iter().map(|d| d * d).sum();
        all += error;
        if !(left[3] <= COVERED_ALPHA && right[3] <= COVERED_ALPHA) {
            inside += error;
            covered += 1;
        }
        let largest = differences
            .iter()
            .fold(0.0_f64, |most, d| if most.is_nan() || d.abs() <= most { most } else { d.abs() });
        // Neither comparison lets a NaN slip by: once there, it stays.
        if !(worst.is_nan() || largest <= worst) {
            (worst, worst_index) = (largest, index);
        }
    }
    if covered == 0 {
        return Err(Error::invalid("neither picture covers a pixel: there is nothing to compare"));
    }
    let worst_at = pixel_at(worst_index, a.width);
    Ok(Comparison {
        psnr: decibels(all, a.pixels.len()),
        psnr_covered: decibels(inside, covered),
        covered,
        worst,
        worst_at,
    })
}

/// [`Comparison::psnr`] alone.
///
/// # Errors
/// As [`compare`].
pub fn psnr(a: &Image, b: &Image, background: [f32; 3]) -> Result<f64> {
    compare(a, b, background).map(|found| found.psnr)
}

/// [`Comparison::psnr_covered`] alone.
///
/// # Errors
/// As [`compare`].
pub fn psnr_covered(a: &Image, b: &Image, background: [f32; 3]) -> Result<f64> {
    compare(a, b, background).map(|found| found.psnr_covered)
}

/// One channel as a display shows it.
fn shown(pixel: &[f32; 4], channel: usize, background: [f32; 3]) -> f64 {
    let value = f64::from(pixel[channel]) + (1.0 - f64::from(pixel[3])) * f64::from(background[channel]);
    value.clamp(0.0, 1.0)
}

fn decibels(squared_error: f64, pixels: usize) -> f64 {
    -10.0 * (squared_error / (3 * pixels) as f64).log10()
}

fn pixel_at(index: usize, width: u32) -> (u32, u32) {
    let width = width as usize;
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    (narrow(index % width), narrow(index / width))
}
