//! Pictures and depth maps as files: PNG with 8 bits and straight alpha, `NumPy` arrays of f32.
//!
//! The array format is version 1.0 of the `.npy` layout (the numpy documentation, `numpy.lib.format`): a magic, the
//! length of a text header that is padded so that the data starts at a multiple of 64 bytes, then little-endian
//! values, last axis fastest.

use std::fs;
use std::io::{BufWriter, Cursor, Write};
use std::path::Path;

use super::Image;
use crate::error::{Error, Result};

/// The most memory a PNG may ask for while it is decoded: a picture of 8192 × 8192 pixels.
const DECODED_BYTES_MAX: usize = 256 << 20;

/// The picture as PNG: 8-bit RGBA, straight alpha, marked as sRGB.
///
/// # Errors
/// [`Error::InvalidArgument`] when the picture has no pixels or not as many as its size says.
pub fn encode_png(image: &Image) -> Result<Vec<u8>> {
    let failed = |why: png::EncodingError| {
        Error::invalid(format!("a picture of {} × {} pixels is no PNG: {why}", image.width, image.height))
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width, image.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::RelativeColorimetric);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&image.to_straight_rgba8()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// A picture from a PNG of any kind; 16 bits are cut to 8, grey and palettes become colours.
///
/// # Errors
/// [`Error::Malformed`] when `bytes` is no PNG or asks for more than 256 MiB; `name` is the file in the message.
pub fn decode_png(bytes: &[u8], name: &str) -> Result<Image> {
    let failed = |why: png::DecodingError| Error::malformed(name, "PNG", 0, why.to_string());
    let limits = png::Limits { bytes: DECODED_BYTES_MAX };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(failed)?;
    let needed = reader.output_buffer_size().filter(|&size| size <= DECODED_BYTES_MAX);
    let Some(needed) = needed else {
        return Err(Error::malformed(name, "PNG", 0, "the picture is larger than 256 MiB"));
    };
    let mut buffer = vec![0; needed];
    let info = reader.next_frame(&mut buffer).map_err(failed)?;
    let samples = &buffer[..info.buffer_size()];
    let premultiplied = |[r, g, b, a]: [u8; 4]| {
        let alpha = f32::from(a) / 255.0;
        let [r, g, b] = [r, g, b].map(|value| f32::from(value) / 255.0 * alpha);
        [r, g, b, alpha]
    };
    let pixels = match info.color_type {
        png::ColorType::Rgba => samples.as_chunks().0.iter().map(|&rgba| premultiplied(rgba)).collect(),
        png::ColorType::GrayscaleAlpha => {
            samples.as_chunks().0.iter().map(|&[grey, a]| premultiplied([grey, grey, grey, a])).collect()
        }
        other => return Err(Error::malformed(name, "PNG", 25, format!("colours of kind {other:?}"))),
    };
    Ok(Image { width: info.width, height: info.height, pixels })
}

/// Writes [`encode_png`] to a file.
///
/// # Errors
/// As [`encode_png`], and [`Error::Io`].
pub fn save_png(image: &Image, path: impl AsRef<Path>) -> Result<()> {
    let bytes = encode_png(image)?;
    fs::write(&path, bytes).map_err(|why| Error::io(path, "cannot write", why))
}

/// Reads a file through [`decode_png`].
///
/// # Errors
/// As [`decode_png`], and [`Error::Io`].
pub fn load_png(path: impl AsRef<Path>) -> Result<Image> {
    let bytes = fs::read(&path).map_err(|why| Error::io(&path, "cannot read", why))?;
    decode_png(&bytes, &path.as_ref().display().to_string())
}

/// Writes an f32 array in `NumPy`'s format, last axis fastest: `shape` is `[views, height, width]` for depth maps.
///
/// # Errors
/// [`Error::InvalidArgument`] when `values` does not fill `shape`; [`Error::Io`] from `writer`, under `name`.
pub fn write_npy(writer: &mut impl Write, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
    let size = shape.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis));
    if size != Some(values.len()) {
        return Err(Error::invalid(format!("{} values do not fill an array of {shape:?}", values.len())));
    }
    // As Python writes a tuple: a comma behind the only axis, none behind the last of several.
    let axes = match shape {
        [only] => format!("{only},"),
        axes => axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let fields = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes}), }}");
    // Magic, version and length are 10 bytes, the header ends in a line feed, and the sum is a multiple of 64.
    let padded = (10 + fields.len() + 1).next_multiple_of(64) - 10 - 1;
    let Ok(header_length) = u16::try_from(padded + 1) else {
        return Err(Error::invalid(format!("an array of {} axes has no header", shape.len())));
    };
    let mut write = || {
        writer.write_all(b"\x93NUMPY\x01\x00")?;
        writer.write_all(&header_length.to_le_bytes())?;
        writeln!(writer, "{fields:padded$}")?;
        values.iter().try_for_each(|value| writer.write_all(&value.to_le_bytes()))?;
        writer.flush()
    };
    write().map_err(|why| Error::io(name, "cannot write", why))
}

/// Writes [`write_npy`] to a file.
///
/// # Errors
/// As [`write_npy`].
pub fn save_npy(path: impl AsRef<Path>, shape: &[usize], values: &[f32]) -> Result<()> {
    let file = fs::File::create(&path).map_err(|why| Error::io(&path, "cannot create", why))?;
    write_npy(&mut BufWriter::new(file), &path.as_ref().display().to_string(), shape, values)
}
