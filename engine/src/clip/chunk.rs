//! One chunk: a page of one plane as it stands in the file, and the codecs that put it there.
//!
//! Codec 0 stores the words as they are, 4 KiB aligned. Codec 1 transposes the records' bytes (all first bytes, then
//! all second bytes, …: neighbours in Morton order share their high bytes, measured 17 % smaller than records in a
//! row) and compresses them as one independent zstd frame. Codec 2
//! ([`super::fields`]) does so with the numbers of packed planes. Decoding goes into a buffer of exactly the length the
//! directory states, so a hostile frame cannot expand beyond it.

use std::io::Write;

use super::fields;
use super::header::MAX_CHUNK_BYTES;
use super::segment::{Chunk, ChunkKind};
use super::{ByteSource, Clip};
use crate::error::{Error, Result};
use crate::frame::Keys;

/// How the writer stores chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are: largest and fastest to read.
    Raw,
    /// zstd at this level, 1 to 19, over transposed bytes; raw where that is not smaller.
    Zstd(i32),
}

pub(super) const CODEC_RAW: u8 = 0;
pub(super) const CODEC_ZSTD: u8 = 1;
pub(super) const CODEC_FIELDS: u8 = 2;

/// A chunk's bytes as they go into the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) codec: u8,
    pub(super) prediction: u8,
    pub(super) bytes: Vec<u8>,
}

/// The stored form of `raw`, made of records of `kind` with so many keys.
///
/// # Errors
/// [`Error::Io`] when the compressor fails.
pub(super) fn pack(
    raw: &[u8],
    kind: ChunkKind,
    keys: Keys,
    compression: Compression,
) -> std::io::Result<Packed> {
    let mut best = Packed { codec: CODEC_RAW, prediction: 0, bytes: raw.to_vec() };
    let Compression::Zstd(level) = compression else { return Ok(best) };
    let Some(shape) = kind.shape(keys) else {
        let mut columns = vec![0; raw.len()];
        transpose(raw, kind.record_bytes(keys), &mut columns);
        let bytes = zstd::bulk::compress(&columns, level)?;
        if bytes.len() < best.bytes.len() {
            best = Packed { codec: CODEC_ZSTD, prediction: 0, bytes };
        }
        return Ok(best);
    };
    let words: Vec<u32> = raw.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    for &prediction in shape.predictions() {
        let (columns, ends) = fields::split(&words, &shape, prediction);
        let bytes = compress_columns(&columns, &ends, level)?;
        if bytes.len() < best.bytes.len() {
            best = Packed { codec: CODEC_FIELDS, prediction, bytes };
        }
    }
    Ok(best)
}

/// One zstd frame with a block for each column: columns differ in their statistics, and a block has its own tables.
fn compress_columns(columns: &[u8], ends: &[usize], level: i32) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::with_capacity(columns.len()), level)?;
    encoder.set_pledged_src_size(Some(columns.len() as u64))?;
    encoder.include_contentsize(true)?;
    let mut from = 0;
    for &end in ends {
        encoder.write_all(&columns[from..end])?;
        encoder.flush()?;
        from = end;
    }
    encoder.finish()
}

/// Records in a row → byte columns.
fn transpose(records: &[u8], record_bytes: usize, columns: &mut [u8]) {
    let count = records.len() / record_bytes.max(1);
    for (byte, column) in columns.chunks_exact_mut(count.max(1)).enumerate() {
        for (to, record) in column.iter_mut().zip(records.chunks_exact(record_bytes.max(1))) {
            *to = record[byte];
        }
    }
}

/// Byte columns → records in a row.
fn untranspose(columns: &[u8], record_bytes: usize, records: &mut [u8]) {
    let count = records.len() / record_bytes.max(1);
    for (byte, column) in columns.chunks_exact(count.max(1)).enumerate() {
        for (record, from) in records.chunks_exact_mut(record_bytes.max(1)).zip(column) {
            record[byte] = *from;
        }
    }
}

/// Reads chunks; keeps its buffers from one to the next.
pub struct ChunkReader {
    stored: Vec<u8>,
    columns: Vec<u8>,
    raw: Vec<u8>,
    zstd: zstd::bulk::Decompressor<'static>,
}

impl std::fmt::Debug for ChunkReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkReader").field("buffer_bytes", &self.raw.capacity()).finish_non_exhaustive()
    }
}

impl ChunkReader {
    /// A reader with its three buffers of 256 KiB.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new() -> Result<Self> {
        let zstd = zstd::bulk::Decompressor::new()
            .map_err(|error| Error::OutOfMemory { what: format!("a zstd decoder ({error})") })?;
        let buffer = || Vec::with_capacity(MAX_CHUNK_BYTES as usize);
        Ok(Self { stored: buffer(), columns: buffer(), raw: buffer(), zstd })
    }

    /// The decoded bytes of a chunk, after both checksums.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Malformed`] when it is damaged, [`Error::Unsupported`] when it
    /// uses a codec of a newer format.
    pub fn read(&mut self, clip: &Clip, chunk: &Chunk) -> Result<&[u8]> {
        self.read_from(clip.source(), chunk)
    }

    /// [`Self::read`] of a clip that is still being opened.
    pub(super) fn read_from(&mut self, source: &dyn ByteSource, chunk: &Chunk) -> Result<&[u8]> {
        // Both lengths were limited to MAX_CHUNK_BYTES when the directory was parsed.
        let raw_len = chunk.raw_len as usize;
        self.stored.resize(chunk.stored_len as usize, 0);
        let damaged = |why: String| Err(chunk.damaged(source.name(), why));
        source.read_at(chunk.offset, &mut self.stored)?;
        let crc = crc32c::crc32c(&self.stored);
        if crc != chunk.stored_crc {
            let why = format!("its checksum is {crc:#010x}, not {:#010x}: damaged", chunk.stored_crc);
            return damaged(why);
        }
        match chunk.codec {
            CODEC_RAW if chunk.stored_len == chunk.raw_len => std::mem::swap(&mut self.raw, &mut self.stored),
            CODEC_ZSTD | CODEC_FIELDS => {
                // Limited too: the columns take at most twice the records' bytes.
                let columns_len = chunk.columns_bytes();
                self.columns.resize(columns_len, 0);
                let decoded = self.zstd.decompress_to_buffer(&self.stored, self.columns.as_mut_slice());
                let why = match decoded {
                    Ok(len) if len == columns_len => None,
                    Ok(len) => Some(format!("it decodes to {len} bytes, not {columns_len}")),
                    Err(error) => Some(format!("it does not decode to {columns_len} bytes ({error})")),
                };
                if let Some(why) = why {
                    return damaged(why);
                }
                self.raw.resize(raw_len, 0);
                match chunk.kind.shape(chunk.keys) {
                    Some(shape) if chunk.codec == CODEC_FIELDS => {
                        fields::join(&self.columns, &shape, chunk.prediction, &mut self.raw);
                    }
                    _ => untranspose(&self.columns, chunk.record_bytes(), &mut self.raw),
                }
            }
            CODEC_RAW => return damaged("raw, but its two lengths differ".to_owned()),
            codec => {
                return Err(Error::unsupported(format!(
                    "{}: needs a newer version of vivant (chunk codec {codec} at byte {})",
                    source.name(),
                    chunk.offset
                )));
            }
        }
        let crc = crc32c::crc32c(&self.raw);
        if crc != chunk.raw_crc {
            let why = format!("its decoded checksum is {crc:#010x}, not {:#010x}: damaged", chunk.raw_crc);
            return damaged(why);
        }
        Ok(&self.raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Plane;

    #[test]
    fn transposing_twice_gives_the_same_bytes() {
        let records: Vec<u8> = (0..12 * 7).map(|value| u8::try_from(value).unwrap()).collect();
        let mut columns = vec![0; records.len()];
        transpose(&records, 12, &mut columns);
        assert_eq!(columns[..7], [0, 12, 24, 36, 48, 60, 72]);
        let mut back = vec![0; records.len()];
        untranspose(&columns, 12, &mut back);
        assert_eq!(back, records);
    }

    #[test]
    fn noise_stays_raw_and_order_is_compressed() {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            state.to_le_bytes()[3] ^ state.to_le_bytes()[1]
        })
        .take(4096)
        .collect();
        let level = Compression::Zstd(3);
        for plane in [Plane::Colour, Plane::PackedMean] {
            let kind = ChunkKind::Plane(plane);
            assert_eq!(
                pack(&noise, kind, Keys::ONE, level).unwrap(),
                Packed { codec: CODEC_RAW, prediction: 0, bytes: noise.clone() }
            );
            let packed = pack(&[7; 4096], kind, Keys::ONE, level).unwrap();
            assert_eq!(packed.codec, if plane == Plane::Colour { CODEC_ZSTD } else { CODEC_FIELDS });
            assert!(packed.bytes.len() < 128, "{} bytes", packed.bytes.len());
        }
    }
}
