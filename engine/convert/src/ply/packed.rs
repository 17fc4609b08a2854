//! PlayCanvas' compressed PLY: four words a splat, measured against the range of its chunk of 256. No file access.
//!
//! ```text
//! element chunk N     min_x … max_z, min_scale_x … max_scale_z, and since 2024 min_r … max_b: floats
//! element vertex M    packed_position  11 x, 10 y, 11 z bits, from the chunk's least to its greatest
//!                     packed_rotation  2 bits: which of w x y z is largest; then 10 bits each for the others, ±√½
//!                     packed_scale     as the position, logarithms of metres
//!                     packed_color     8 bits each of r, g, b and opacity; r, g, b from least to greatest of the
//!                                      chunk, or of 0..1 where it has none
//! element sh M        uchar f_rest_0 …: −4..4 in 256 steps, red, green, blue, as in the INRIA layout
//! ```
//! From the writer's source (PlayCanvas splat-transform, MIT). The first fields stand in the highest bits.

use rayon::prelude::*;
use vivant::splat::Splats;
use vivant::{Error, Result};

use super::header::{Element, Encoding, Header, Scalar, Shape};
use crate::rows::{self, Rows};

/// Splats that share a range.
const CHUNK: usize = 256;
/// Columns of a chunk, least and greatest of a vector behind one another; those of the colour may lack.
const RANGES: [[[&str; 3]; 2]; 3] = [
    [["min_x", "min_y", "min_z"], ["max_x", "max_y", "max_z"]],
    [["min_scale_x", "min_scale_y", "min_scale_z"], ["max_scale_x", "max_scale_y", "max_scale_z"]],
    [["min_r", "min_g", "min_b"], ["max_r", "max_g", "max_b"]],
];
/// Columns of a vertex.
const WORDS: [&str; 4] = ["packed_position", "packed_rotation", "packed_scale", "packed_color"];

/// Where a vector of a splat lies between, in a chunk.
type Range = [[f32; 3]; 2];

/// How a compressed file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    /// Elements by their number in the file.
    chunk: usize,
    vertex: usize,
    sh: Option<usize>,
    pub(super) sh_degree: u8,
    /// Byte offsets in a row of a chunk; those of the colour may lack.
    ranges: Vec<[[usize; 3]; 2]>,
    /// Byte offsets in a row of a vertex.
    words: [usize; 4],
    big_endian: bool,
}

impl Packed {
    /// The layout, if the header is one of a compressed file.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Unsupported`] where it is one that does not hold together.
    pub(super) fn new(file: &str, header: &Header) -> Result<Option<Self>> {
        let place = |name: &str| header.elements.iter().position(|element| element.name == name);
        let (Some(chunk), Some(vertex)) = (place("chunk"), place("vertex")) else { return Ok(None) };
        let element = &header.elements[vertex];
        if !element.properties.iter().any(|property| property.name.starts_with("packed_")) {
            return Ok(None);
        }
        if header.encoding == Encoding::Ascii {
            return Err(Error::unsupported(format!(
                "{file}: a compressed PLY written as text; export it as binary"
            )));
        }
        let rows = element.count.div_ceil(CHUNK as u64);
        let chunks = &header.elements[chunk];
        if chunks.count < rows {
            let why = format!(
                "{} of them for {} splats, which need {rows}; export it again",
                chunks.count, element.count
            );
            return Err(Error::malformed(file, "element chunk", chunks.offset, why));
        }
        let mut words = [0; 4];
        for (offset, name) in words.iter_mut().zip(WORDS) {
            *offset = column(file, element, name, Scalar::U32)?;
        }
        let coloured = chunks.properties.iter().any(|property| property.name == RANGES[2][0][0]);
        let mut ranges = Vec::new();
        for names in &RANGES[..if coloured { 3 } else { 2 }] {
            let mut range = [[0; 3]; 2];
            for (offset, name) in range.as_flattened_mut().iter_mut().zip(names.as_flattened()) {
                *offset = column(file, chunks, name, Scalar::F32)?;
            }
            ranges.push(range);
        }
        let sh = place("sh").filter(|&sh| !header.elements[sh].properties.is_empty());
        let sh_degree = sh.map_or(Ok(0), |sh| harmonics(file, &header.elements[sh], element.count))?;
        let big_endian = header.encoding == Encoding::BigEndian;
        Ok(Some(Self { chunk, vertex, sh, sh_degree, ranges, words, big_endian }))
    }

    /// The splats, activated, from the bytes behind the header, which [`Header::check_length`] has measured.
    pub(super) fn splats(&self, header: &Header, body: &[u8]) -> Splats {
        let rows_of = |wanted: usize| {
            let bytes = |element: &Element| {
                let count = usize::try_from(element.count).unwrap_or(usize::MAX);
                count.saturating_mul(element.stride().unwrap_or(0))
            };
            let start: usize = header.elements[..wanted].iter().map(bytes).sum();
            let element = &header.elements[wanted];
            Table {
                bytes: body.get(start..).unwrap_or_default(),
                stride: element.stride().unwrap_or(0),
                big_endian: self.big_endian,
            }
        };
        let (chunks, words) = (rows_of(self.chunk), rows_of(self.vertex));
        let harmonics = self.sh.map(rows_of);
        let count = usize::try_from(header.elements[self.vertex].count).unwrap_or(0);
        let mut splats = rows::zeroed(count, self.sh_degree);
        rows::all(&mut splats).into_par_iter().for_each(|mut rows| {
            let mut ranges = [[[0.0; 3], [1.0; 3]]; 3];
            for at in 0..rows.len() {
                let index = rows.first + at;
                if at == 0 || index % CHUNK == 0 {
                    for (range, offsets) in ranges.iter_mut().zip(&self.ranges) {
                        *range = offsets.map(|ends| ends.map(|offset| chunks.float(index / CHUNK, offset)));
                    }
                }
                let [position, rotation, scale, colour] = self.words.map(|offset| words.word(index, offset));
                rows.mean[at] = between(&ranges[0], thirds(position));
                rows.rotation[at] = turned(rotation);
                rows.scale[at] = between(&ranges[1], thirds(scale)).map(f32::exp);
                let [r, g, b, opacity] = [24, 16, 8, 0].map(|shift| unorm(colour >> shift, 8));
                rows.colour[at] = between(&ranges[2], [r, g, b]);
                rows.opacity[at] = opacity;
                if let Some(table) = &harmonics {
                    tint(&mut rows, at, table.row(index));
                }
            }
        });
        splats
    }
}

/// Rows of one element.
struct Table<'a> {
    bytes: &'a [u8],
    stride: usize,
    big_endian: bool,
}

impl Table<'_> {
    fn row(&self, index: usize) -> &[u8] {
        self.bytes.get(index * self.stride..).and_then(|rest| rest.get(..self.stride)).unwrap_or_default()
    }

    fn four(&self, index: usize, offset: usize) -> [u8; 4] {
        self.row(index).get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
    }

    fn word(&self, index: usize, offset: usize) -> u32 {
        let bytes = self.four(index, offset);
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn float(&self, index: usize, offset: usize) -> f32 {
        f32::from_bits(self.word(index, offset))
    }
}

/// The byte offset of a column of this type.
fn column(file: &str, element: &Element, name: &str, scalar: Scalar) -> Result<usize> {
    let wrong = |why: &str| {
        let field = format!("element {}, property {name}", element.name);
        Error::malformed(file, &field, element.offset, why)
    };
    let mut offset = 0;
    for property in &element.properties {
        let Shape::Scalar(own) = property.shape else {
            return Err(wrong("stands with a list, which a compressed PLY has not; export it again"));
        };
        if property.name == name {
            let expected = "is of another type than a compressed PLY has; export it again";
            return if own == scalar { Ok(offset) } else { Err(wrong(expected)) };
        }
        offset += own.size();
    }
    Err(wrong("is missing although the splats are packed; export it again"))
}

/// The degree that the element `sh` makes.
fn harmonics(file: &str, sh: &Element, splats: u64) -> Result<u8> {
    let wrong = |why: String| Error::malformed(file, "element sh", sh.offset, why);
    if sh.count != splats {
        return Err(wrong(format!("{} rows for {splats} splats; export it again", sh.count)));
    }
    for number in 0..sh.properties.len() {
        if column(file, sh, &format!("f_rest_{number}"), Scalar::U8)? != number {
            return Err(wrong(format!("f_rest_{number} is not number {number} of them; export it again")));
        }
    }
    match sh.properties.len() {
        9 => Ok(1),
        24 => Ok(2),
        45 => Ok(3),
        count => Err(wrong(format!("{count} harmonics; they come as 9, 24 or 45: export it again"))),
    }
}

/// The lowest `bits` bits as 0..=1.
fn unorm(word: u32, bits: u32) -> f32 {
    let most = (1_u32 << bits) - 1;
    (word & most) as f32 / most as f32
}

/// 11, 10 and 11 bits.
fn thirds(word: u32) -> [f32; 3] {
    [unorm(word >> 21, 11), unorm(word >> 11, 10), unorm(word, 11)]
}

fn between([least, most]: &Range, part: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|axis| least[axis] * (1.0 - part[axis]) + most[axis] * part[axis])
}

/// The quaternion xyzw.
fn turned(word: u32) -> [f32; 4] {
    let parts = [20, 10, 0].map(|shift| (unorm(word >> shift, 10) - 0.5) * std::f32::consts::SQRT_2);
    let largest = (1.0 - parts.iter().map(|part| part * part).sum::<f32>()).max(0.0).sqrt();
    let [a, b, c] = parts;
    let [w, x, y, z] = match word >> 30 {
        0 => [largest, a, b, c],
        1 => [a, largest, b, c],
        2 => [a, b, largest, c],
        _ => [a, b, c, largest],
    };
    [x, y, z, w]
}

/// Harmonics: the middle of the step, but for the ends, which are what they say.
fn tint(rows: &mut Rows<'_>, at: usize, steps: &[u8]) {
    let stride = rows.sh_stride;
    let coefficients = stride / 3;
    for (index, value) in rows.sh_rest[at * stride..(at + 1) * stride].iter_mut().enumerate() {
        let step = steps.get(index % 3 * coefficients + index / 3).copied().unwrap_or(128);
        let part = match step {
            0 => 0.0,
            u8::MAX => 1.0,
            step => (f32::from(step) + 0.5) / 256.0,
        };
        *value = (part - 0.5) * 8.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_they_are_said_to() {
        assert_eq!(thirds(0xffe0_0000), [1.0, 0.0, 0.0]);
        assert_eq!(thirds(0x001f_f800), [0.0, 1.0, 0.0]);
        assert_eq!(thirds(0x0000_07ff), [0.0, 0.0, 1.0]);
        let near = |word: u32, wanted: [f32; 4]| {
            let got = turned(word);
            assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 2e-3), "{got:?} for {wanted:?}");
        };
        let half = (512 << 20) | (512 << 10) | 512;
        near(half, [0.0, 0.0, 0.0, 1.0]);
        near(half | 1 << 30, [1.0, 0.0, 0.0, 0.0]);
        near(half | 3 << 30, [0.0, 0.0, 1.0, 0.0]);
        near((1023 << 20) | (512 << 10) | 512, [0.707, 0.0, 0.0, 0.707]);
    }
}
