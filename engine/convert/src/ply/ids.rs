//! `vertex_id`: the number by which a splat is known in every frame of a sequence, as QUEEN saves it.
//!
//! Slots are f32, which cannot hold every number, so the column is read by itself, in a second pass over the rows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use vivant::{Error, Result};

use super::header::{Element, Encoding, Header, Scalar, Shape};

/// The column's name.
pub(super) const NAME: &str = "vertex_id";

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

/// Where the column is in a row.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Number among the properties.
    property: usize,
    /// Bytes before it in a binary row.
    offset: usize,
    scalar: Scalar,
    /// Bytes of a binary row.
    stride: usize,
}

/// Whether the rows have numbers that can be read; rows with lists have not.
pub(super) fn has(header: &Header, vertex: &Element) -> bool {
    place(header, vertex).is_some()
}

fn place(header: &Header, vertex: &Element) -> Option<Place> {
    // What stands before the vertices would have to be passed over.
    if header.elements.first() != Some(vertex) {
        return None;
    }
    let stride = vertex.stride()?;
    let mut offset = 0;
    for (property, column) in vertex.properties.iter().enumerate() {
        let Shape::Scalar(scalar) = column.shape else { return None };
        if column.name == NAME {
            return Some(Place { property, offset, scalar, stride });
        }
        offset += scalar.size();
    }
    None
}

/// The number of every row, if they have some.
///
/// # Errors
/// [`Error::Io`]; [`Error::Malformed`] for a number that is none, or that two rows have.
pub(super) fn read(path: &Path, header: &Header, vertex: &Element) -> Result<Option<Vec<u32>>> {
    let Some(place) = place(header, vertex) else { return Ok(None) };
    let file = path.display().to_string();
    let failed = |source| Error::io(path, "cannot read", source);
    let mut handle = File::open(path).map_err(failed)?;
    handle.seek(SeekFrom::Start(header.length)).map_err(failed)?;
    let count = usize::try_from(vertex.count).unwrap_or(usize::MAX);
    let mut reader = BufReader::with_capacity(BLOCK, handle);
    let wrong = |row: usize, why: String| {
        let at = header.length + row as u64 * place.stride as u64;
        let at = if header.encoding == Encoding::Ascii { header.length } else { at };
        Error::malformed(&file, &format!("vertex {row}, property {NAME}"), at, why)
    };
    let mut ids = Vec::with_capacity(count);
    let mut line = Vec::new();
    for row in 0..count {
        let value = if header.encoding == Encoding::Ascii {
            line.clear();
            reader.by_ref().take(BLOCK as u64).read_until(b'\n', &mut line).map_err(failed)?;
            let word =
                line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(place.property);
            let text = word.and_then(|word| std::str::from_utf8(word).ok());
            text.and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
        } else {
            line.resize(place.stride, 0);
            reader.read_exact(&mut line).map_err(failed)?;
            place.scalar.read(&line[place.offset..], header.encoding == Encoding::BigEndian)
        };
        if value.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&value) {
            let why =
                format!("{value} is no number of a splat, which are whole and not negative; export it again");
            return Err(wrong(row, why));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        ids.push(value as u32);
    }
    let mut sorted: Vec<(u32, usize)> = ids.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    if let Some([(id, first), (_, second)]) = sorted.array_windows().find(|[a, b]| a.0 == b.0) {
        let why = format!(
            "{id} is the number of splat {first} too, so neither can be followed; number the splats of the whole sequence"
        );
        return Err(wrong(*second, why));
    }
    Ok(Some(ids))
}
