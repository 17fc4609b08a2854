//! Splats as an SPZ file of version 3: one gzip stream. No file access.
//!
//! Harmonics keep 5 bits at degree 1 and 4 bits above, as Niantic's own writer does: the other bits are noise that does
//! not pack. Means have 12 binary places, so a step is a quarter of a millimetre and the farthest place 2048 m.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use vivant::splat::{Antialias, Appearance, SH_C0, Splats};
use vivant::{Error, Result};

use super::MAGIC;
use super::splats::COLOUR_SCALE;

/// Version that is written.
const VERSION: u32 = 3;
/// Binary places of a mean.
const FRACTION_BITS: u8 = 12;
/// Least and greatest whole number of 24 bits.
const MEAN_RANGE: (f32, f32) = (-8_388_608.0, 8_388_607.0);
/// Steps of a harmonic's byte that become one: of degree 1, and above.
const STEPS: [f32; 2] = [8.0, 16.0];

/// The bytes of a file with these splats as they are: on our axes, which are the format's.
///
/// # Errors
/// [`Error::InvalidArgument`] for more splats than the header can count.
pub(crate) fn bytes_of_splats(splats: &Splats, appearance: &Appearance) -> Result<Vec<u8>> {
    let count = u32::try_from(splats.len())
        .map_err(|_overflow| Error::invalid(format!("{} splats: more than a .spz holds", splats.len())))?;
    let mut body = Vec::with_capacity(16 + splats.len() * (20 + splats.sh_stride()));
    body.extend(MAGIC);
    body.extend(VERSION.to_le_bytes());
    body.extend(count.to_le_bytes());
    let flags = u8::from(appearance.antialias == Antialias::Mip);
    body.extend([splats.sh_degree, FRACTION_BITS, flags, 0]);
    let unit = (1_u32 << FRACTION_BITS) as f32;
    for value in splats.mean.as_flattened() {
        #[expect(clippy::cast_possible_truncation, reason = "clamped to 24 bits")]
        let whole = (value * unit).round().clamp(MEAN_RANGE.0, MEAN_RANGE.1) as i32;
        body.extend(&whole.to_le_bytes()[..3]);
    }
    body.extend(splats.opacity.iter().map(|opacity| byte(opacity * 255.0)));
    let colours = splats.colour.as_flattened().iter();
    body.extend(colours.map(|colour| byte((COLOUR_SCALE * (colour - 0.5) / SH_C0 + 0.5) * 255.0)));
    body.extend(splats.scale.as_flattened().iter().map(|scale| byte((scale.ln() + 10.0) * 16.0)));
    splats.rotation.iter().for_each(|rotation| body.extend(smallest_three(*rotation).to_le_bytes()));
    let stride = splats.sh_stride().max(1);
    let harmonics = splats.sh_rest.iter().enumerate();
    body.extend(harmonics.map(|(at, value)| {
        let step = STEPS[usize::from(at % stride >= 9)];
        // Whole steps about the middle byte, which is 0.
        byte((value * 128.0 / step).round() * step + 128.0)
    }));
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&body).and_then(|()| packed.finish()).map_err(|why| Error::io("spz", "cannot pack", why))
}

/// The nearest byte; NaN becomes 0.
fn byte(value: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = value.round().clamp(0.0, 255.0) as u8;
    byte
}

/// Which part is largest, then sign and size of the others.
fn smallest_three(rotation: [f32; 4]) -> u32 {
    let mut largest = 0;
    for part in 1..4 {
        if rotation[part].abs() > rotation[largest].abs() {
            largest = part;
        }
    }
    let length = rotation.iter().map(|part| part * part).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    let sign = if rotation[largest] < 0.0 { -1.0 } else { 1.0 };
    let others = (0..4).filter(|part| *part != largest);
    let word = u32::try_from(largest).unwrap_or(0);
    others.fold(word, |word, part| {
        let value = sign * rotation[part] / length;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 511")]
        let size = (value.abs() * std::f32::consts::SQRT_2 * 511.0).round().min(511.0) as u32;
        word << 10 | u32::from(value < 0.0) << 9 | size
    })
}
