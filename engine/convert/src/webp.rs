//! Lossless WebP pictures as what they are in splat files: tables of bytes, four a pixel. No I/O.
//!
//! A picture of any size compresses to nothing where it has one colour, so its length bounds no memory: whoever asks says
//! how many pixels make sense, and a picture with more is refused by its header, before anything is allocated. Lossy and
//! animated pictures are refused too: their bytes are not what was meant.

use std::io::Cursor;

use image_webp::WebPDecoder;
use vivant::{Error, Result};

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Number of rows.
    pub(crate) height: usize,
    /// The pixels, row by row from the top left.
    pub(crate) rgba: Vec<[u8; 4]>,
}

/// Width and height by the header of a picture.
pub(crate) fn size(file: &str, bytes: &[u8]) -> Result<(usize, usize)> {
    open(file, bytes).map(|decoder| dimensions(&decoder))
}

/// Decodes a lossless picture of at most `most_pixels`.
pub(crate) fn decode(file: &str, bytes: &[u8], most_pixels: u64) -> Result<Picture> {
    let mut decoder = open(file, bytes)?;
    if decoder.is_animated() || decoder.is_lossy() {
        return Err(Error::unsupported(format!(
            "{file}: a lossy or animated WebP picture, whose numbers are not those that were saved; save it lossless"
        )));
    }
    let (width, height) = dimensions(&decoder);
    let pixels = width as u64 * height as u64;
    if pixels > most_pixels {
        let what = format!("{file}: pixels of a {width}x{height} picture for this many splats");
        return Err(Error::LimitExceeded { what, value: pixels, limit: most_pixels });
    }
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut raw = vec![0; width * height * channels];
    decoder.read_image(&mut raw).map_err(|why| damaged(file, &why))?;
    let rgba = match channels {
        4 => raw.as_chunks().0.to_vec(),
        _ => raw.as_chunks().0.iter().map(|&[red, green, blue]| [red, green, blue, 255]).collect(),
    };
    Ok(Picture { width, height, rgba })
}

fn open<'a>(file: &str, bytes: &'a [u8]) -> Result<WebPDecoder<Cursor<&'a [u8]>>> {
    WebPDecoder::new(Cursor::new(bytes)).map_err(|why| damaged(file, &why))
}

fn dimensions(decoder: &WebPDecoder<Cursor<&[u8]>>) -> (usize, usize) {
    let (width, height) = decoder.dimensions();
    (width as usize, height as usize)
}

fn damaged(file: &str, why: &image_webp::DecodingError) -> Error {
    Error::malformed(file, "WebP picture", 0, format!("{why}; export the file again"))
}
