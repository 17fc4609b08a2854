//! Base colour textures: JPEG and PNG to pixels, and what a small disc of surface sees of them. Pure.
//!
//! Texels are sRGB-encoded with straight alpha; averaging is done in linear light, weighted by alpha, and the result
//! is encoded again, since our colours are what a display shows (`house`: blended as trained).

use std::io::Cursor;

use vivant::{Error, Result};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The largest side of a texture.
const SIDE_MAX: usize = 16_384;

/// The most pixels of a texture: 8192 × 8192, 256 MiB.
const PIXELS_MAX: usize = 1 << 26;

/// How a coordinate beyond 0..1 is brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrap {
    Clamp,
    Mirror,
    Repeat,
}

/// A decoded picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Texture {
    width: usize,
    height: usize,
    rgba: Vec<[u8; 4]>,
}

impl Texture {
    /// Decodes a JPEG or PNG; `field` is what errors call it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when it is damaged or too large, [`Error::Unsupported`] when it is of another kind.
    pub(crate) fn decode(bytes: &[u8], field: &str) -> Result<Self> {
        let texture = if bytes.starts_with(&[0xFF, 0xD8]) {
            Self::from_jpeg(bytes, field)?
        } else if bytes.starts_with(b"\x89PNG") {
            Self::from_png(bytes, field)?
        } else {
            return Err(Error::unsupported(format!("{field}: is neither JPEG nor PNG; convert the picture")));
        };
        if texture.rgba.is_empty() || texture.rgba.len() != texture.width * texture.height {
            return Err(Error::invalid(format!("{field}: the picture is not complete")));
        }
        Ok(texture)
    }

    /// Number of pixels.
    pub(crate) fn pixels(&self) -> usize {
        self.rgba.len()
    }

    fn from_jpeg(bytes: &[u8], field: &str) -> Result<Self> {
        let failed = |why: String| Error::invalid(format!("{field}: JPEG: {why}"));
        let options = DecoderOptions::default()
            .set_max_width(SIDE_MAX)
            .set_max_height(SIDE_MAX)
            .jpeg_set_out_colorspace(ColorSpace::RGBA);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(|why| failed(why.to_string()))?;
        let info = decoder.info().ok_or_else(|| failed("no size".to_owned()))?;
        let (width, height) = (usize::from(info.width), usize::from(info.height));
        check_size(width, height, field)?;
        let samples = decoder.decode().map_err(|why| failed(why.to_string()))?;
        Ok(Self { width, height, rgba: samples.as_chunks().0.to_vec() })
    }

    fn from_png(bytes: &[u8], field: &str) -> Result<Self> {
        let failed = |why: png::DecodingError| Error::invalid(format!("{field}: PNG: {why}"));
        let limits = png::Limits { bytes: PIXELS_MAX * 4 };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder
            .set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().map_err(failed)?;
        let info = reader.info();
        let (width, height) = (info.width as usize, info.height as usize);
        check_size(width, height, field)?;
        let mut samples = vec![0; reader.output_buffer_size().unwrap_or(0).min(PIXELS_MAX * 4)];
        let frame = reader.next_frame(&mut samples).map_err(failed)?;
        samples.truncate(frame.buffer_size());
        let rgba = match frame.color_type {
            png::ColorType::Rgba => samples.as_chunks().0.to_vec(),
            png::ColorType::GrayscaleAlpha => {
                samples.as_chunks().0.iter().map(|&[grey, alpha]| [grey, grey, grey, alpha]).collect()
            }
            other => return Err(Error::unsupported(format!("{field}: PNG of kind {other:?}"))),
        };
        Ok(Self { width, height, rgba })
    }

    /// Linear red, green, blue and alpha at a place, bilinear (texel centres at half-integers, v down).
    pub(crate) fn linear_at(&self, [u, v]: [f32; 2], wrap: [Wrap; 2]) -> [f32; 4] {
        let (x0, x1, fx) = neighbours(u, self.width, wrap[0]);
        let (y0, y1, fy) = neighbours(v, self.height, wrap[1]);
        let mut sum = [0.0; 4];
        for (x, y, weight) in [
            (x0, y0, (1.0 - fx) * (1.0 - fy)),
            (x1, y0, fx * (1.0 - fy)),
            (x0, y1, (1.0 - fx) * fy),
            (x1, y1, fx * fy),
        ] {
            let [r, g, b, a] = self.rgba.get(y * self.width + x).copied().unwrap_or_default();
            let alpha = f32::from(a) / 255.0;
            for (sum, value) in sum.iter_mut().zip([r, g, b]) {
                *sum += weight * alpha * linear(f32::from(value) / 255.0);
            }
            sum[3] += weight * alpha;
        }
        let unit = if sum[3] > 0.0 { 1.0 / sum[3] } else { 0.0 };
        [sum[0] * unit, sum[1] * unit, sum[2] * unit, sum[3]]
    }
}

fn check_size(width: usize, height: usize, field: &str) -> Result<()> {
    let pixels = width.saturating_mul(height);
    if width.max(height) > SIDE_MAX || pixels > PIXELS_MAX {
        let what = format!("{field}: pixels of the picture");
        return Err(Error::LimitExceeded { what, value: pixels as u64, limit: PIXELS_MAX as u64 });
    }
    Ok(())
}

/// The two texels beside a coordinate along one axis, and how far it lies towards the second.
fn neighbours(coordinate: f32, size: usize, wrap: Wrap) -> (usize, usize, f32) {
    // A texture repeats often, but a coordinate of a billion says nothing any more.
    let coordinate = if coordinate.abs() < 1e6 { coordinate } else { 0.0 };
    let place = coordinate * size as f32 - 0.5;
    let low = place.floor();
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let low_texel = low as i64;
    let size = i64::try_from(size).unwrap_or(1).max(1);
    let wrapped = |texel: i64| {
        let texel = match wrap {
            Wrap::Clamp => texel.clamp(0, size - 1),
            Wrap::Repeat => texel.rem_euclid(size),
            Wrap::Mirror => {
                let texel = texel.rem_euclid(2 * size);
                if texel < size { texel } else { 2 * size - 1 - texel }
            }
        };
        usize::try_from(texel).unwrap_or(0)
    };
    (wrapped(low_texel), wrapped(low_texel + 1), place - low)
}

/// sRGB-encoded to linear (IEC 61966-2-1).
pub(crate) fn linear(encoded: f32) -> f32 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// Linear to sRGB-encoded.
pub(crate) fn encoded(linear: f32) -> f32 {
    let linear = linear.clamp(0.0, 1.0);
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_texture_is_averaged_in_linear_light_and_wrapped() {
        let texture = Texture { width: 2, height: 1, rgba: vec![[0, 0, 0, 255], [255, 255, 255, 255]] };
        let wrap = [Wrap::Repeat; 2];
        let grey = |u: f32| texture.linear_at([u, 0.5], wrap)[0];
        assert!((grey(0.25)).abs() < 1e-6 && (grey(0.75) - 1.0).abs() < 1e-6);
        // Half of the light is 188 of 255, not 128.
        assert!((grey(0.5) - 0.5).abs() < 1e-6 && (encoded(0.5) - 0.735).abs() < 1e-3);
        assert!((grey(1.25) - grey(0.25)).abs() < 1e-6);
        let mirrored = texture.linear_at([1.25, 0.5], [Wrap::Mirror; 2])[0];
        assert!((mirrored - 1.0).abs() < 1e-6);
        let clamped = texture.linear_at([9.0, 0.5], [Wrap::Clamp; 2])[0];
        assert!((clamped - 1.0).abs() < 1e-6);
        assert!((linear(encoded(0.3)) - 0.3).abs() < 1e-6);
        assert!(texture.linear_at([f32::NAN, f32::INFINITY], wrap)[0].is_finite());
    }

    #[test]
    fn what_is_clear_has_no_colour() {
        let texture = Texture { width: 2, height: 1, rgba: vec![[255, 0, 0, 255], [0, 255, 0, 0]] };
        let [r, g, _, a] = texture.linear_at([0.5, 0.5], [Wrap::Clamp; 2]);
        assert!((r - 1.0).abs() < 1e-6 && g.abs() < 1e-6 && (a - 0.5).abs() < 1e-6);
    }
}
