//! Pictures of numbers, whatever they were saved as, back into the array that was saved: rows, columns, channels.
//!
//! PNG and EXR were written by `OpenCV`, which takes the channels of an array for blue, green, red and alpha: so the file's
//! red is the array's third. JPEG XL was written by imagecodecs, which takes three or four channels for red, green, blue and
//! alpha, and the rows of an array of any other depth for frames of an animation. NPZ is the array.
//!
//! Every decoder is told how many numbers make sense before it allocates any.

use std::io::Cursor;
use std::path::Path;

use exr::prelude::{FlatSamples, ReadChannels as _, ReadLayers as _, f16, read as read_exr_image};
use jxl_oxide::{AllocTracker, JxlImage};
use vivant::{Error, Result};

use crate::npz::Npz;

/// Most frames of an animation: a side of the largest grid.
const MAX_FRAMES: usize = 1 << 13;

/// Memory of a JPEG XL decoder for each number, beside [`JXL_FREE`]: it keeps floats, and copies of groups.
const JXL_BYTES: u64 = 64;

/// And whatever the picture.
const JXL_FREE: u64 = 32 << 20;

/// The numbers of a picture, by how it was saved; at most `most`.
pub(super) fn decode(method: &str, path: &Path, bytes: &[u8], most: u64) -> Result<Vec<f32>> {
    let file = path.display().to_string();
    match method {
        "png" => png(&file, bytes, most),
        "exr" => exr(&file, bytes, most),
        "jpeg-xl" => jpeg_xl(&file, bytes, most),
        "npz" => npz(path, most),
        _ => Err(Error::unsupported(format!(
            "{file}: saved by a method that is not known; save it as jpeg-xl, exr, png or npz"
        ))),
    }
}

fn damaged(file: &str, kind: &str, why: &dyn std::fmt::Display) -> Error {
    let why: String = why.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
    Error::malformed(file, kind, 0, format!("{why}; get another copy of the file"))
}

fn held(file: &str, numbers: u64, most: u64) -> Result<()> {
    if numbers > most {
        let what = format!("{file}: numbers of the picture");
        return Err(Error::LimitExceeded { what, value: numbers, limit: most });
    }
    Ok(())
}

/// Pixels whose channels `OpenCV` turned round, as the array had them.
fn turned<const N: usize>(pixels: &mut [f32]) {
    for pixel in pixels.as_chunks_mut::<N>().0 {
        pixel.swap(0, 2);
    }
}

fn png(file: &str, bytes: &[u8], most: u64) -> Result<Vec<f32>> {
    let decoder = png::Decoder::new(Cursor::new(bytes));
    let mut reader = decoder.read_info().map_err(|why| damaged(file, "PNG", &why))?;
    let (color, depth) = reader.output_color_type();
    let channels = color.samples();
    let info = reader.info();
    held(file, u64::from(info.width) * u64::from(info.height) * channels as u64, most)?;
    let size = reader.output_buffer_size().unwrap_or(usize::MAX);
    let mut raw = vec![0; size];
    reader.next_frame(&mut raw).map_err(|why| damaged(file, "PNG", &why))?;
    let mut values: Vec<f32> = match depth {
        png::BitDepth::Eight => raw.iter().map(|&byte| f32::from(byte) / 255.0).collect(),
        png::BitDepth::Sixteen => {
            let words = raw.as_chunks::<2>().0.iter();
            words.map(|&word| f32::from(u16::from_be_bytes(word)) / 65535.0).collect()
        }
        _ => {
            return Err(Error::unsupported(format!(
                "{file}: a PNG of fewer than 8 bits; save it with 8 or 16"
            )));
        }
    };
    match channels {
        3 => turned::<3>(&mut values),
        4 => turned::<4>(&mut values),
        _ => {}
    }
    Ok(values)
}

fn exr(file: &str, bytes: &[u8], most: u64) -> Result<Vec<f32>> {
    let failed = |why: exr::error::Error| damaged(file, "EXR", &why);
    let meta = exr::meta::MetaData::read_from_buffered(Cursor::new(bytes), true).map_err(failed)?;
    let [header] = meta.headers.as_slice() else {
        return Err(Error::unsupported(format!("{file}: an EXR of several layers; save it with one")));
    };
    let size = header.layer_size;
    held(file, size.0 as u64 * size.1 as u64 * header.channels.list.len() as u64, most)?;
    let image = read_exr_image()
        .no_deep_data()
        .largest_resolution_level()
        .all_channels()
        .first_valid_layer()
        .all_attributes()
        .non_parallel()
        .from_buffered(Cursor::new(bytes))
        .map_err(failed)?;
    let channels = &image.layer_data.channel_data.list;
    let find = |name: &str| channels.iter().find(|channel| channel.name.eq(name));
    let named: Vec<_> = match channels.len() {
        1 => channels.iter().collect(),
        3 => ["B", "G", "R"].into_iter().filter_map(find).collect(),
        4 => ["B", "G", "R", "A"].into_iter().filter_map(find).collect(),
        _ => Vec::new(),
    };
    if named.len() != channels.len() {
        return Err(damaged(file, "channels", &"are not Y, RGB or RGBA"));
    }
    let mut values = Vec::with_capacity(size.0 * size.1 * named.len());
    for pixel in 0..size.0 * size.1 {
        for channel in &named {
            values.push(match &channel.sample_data {
                FlatSamples::F16(samples) => samples.get(pixel).map_or(f32::NAN, |&half| f16::to_f32(half)),
                FlatSamples::F32(samples) => samples.get(pixel).copied().unwrap_or(f32::NAN),
                FlatSamples::U32(_) => f32::NAN,
            });
        }
    }
    Ok(values)
}

fn jpeg_xl(file: &str, bytes: &[u8], most: u64) -> Result<Vec<f32>> {
    let failed = |why: &dyn std::fmt::Display| damaged(file, "JPEG XL", why);
    let allowed =
        usize::try_from(JXL_FREE.saturating_add(most.saturating_mul(JXL_BYTES))).unwrap_or(usize::MAX);
    let image = JxlImage::builder()
        .alloc_tracker(AllocTracker::with_limit(allowed))
        .read(Cursor::new(bytes))
        .map_err(|why| failed(&why))?;
    if !image.is_loading_done() {
        return Err(failed(&"ends too soon"));
    }
    let frames = image.num_loaded_keyframes();
    let pixels = u64::from(image.width()) * u64::from(image.height());
    if frames > MAX_FRAMES {
        return Err(failed(&format!("{frames} frames")));
    }
    held(file, pixels.saturating_mul(frames as u64), most)?;
    let mut values = Vec::new();
    for frame in 0..frames {
        let render = image.render_frame(frame).map_err(|why| failed(&why))?;
        let buffer = render.image_all_channels();
        held(file, values.len() as u64 + buffer.buf().len() as u64, most)?;
        values.extend_from_slice(buffer.buf());
    }
    Ok(values)
}

fn npz(path: &Path, most: u64) -> Result<Vec<f32>> {
    let array = Npz::open(path)?.array("arr_0")?;
    held(&path.display().to_string(), array.count() as u64, most)?;
    array.read()
}
