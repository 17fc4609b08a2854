//! Hands on the bytes of a clip: an own CRC32C, fields by offset, and a source that shows a file with one bit flipped
//! or its end cut off. Written from FORMAT.md, not from the reader.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

use std::sync::Arc;

use vivant::clip::ByteSource;
use vivant::{Error, Result};

/// CRC32C bit by bit: reflected polynomial 0x82f63b78, all ones before and after.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Offset of node `number` in the file.
pub(crate) fn node_at(bytes: &[u8], number: usize) -> usize {
    u64_at(bytes, 0x30) as usize + 64 + 64 * number
}

/// Makes every checksum above the chunks hold again: segment headers, index, superblock, footer.
pub(crate) fn seal(bytes: &mut [u8]) {
    let index = u64_at(bytes, 0x30) as usize;
    let index_len = u64_at(bytes, 0x38) as usize;
    for number in 0..u32_at(bytes, index + 8) as usize {
        let node = index + 64 + 64 * number;
        if node + 64 > index + index_len {
            break;
        }
        let header = u64_at(bytes, node + 0x10) as usize;
        let header_bytes = u32_at(bytes, node + 0x28) as usize;
        if header_bytes >= 128 && header.checked_add(header_bytes).is_some_and(|end| end <= bytes.len()) {
            let crc = crc32c(&bytes[header..header + 0x7c]);
            put(bytes, header + 0x7c, &crc.to_le_bytes());
            let crc = crc32c(&bytes[header..header + header_bytes]);
            put(bytes, node + 0x2c, &crc.to_le_bytes());
        }
    }
    let crc = crc32c(&bytes[index..index + index_len]);
    put(bytes, 0xc8, &crc.to_le_bytes());
    seal_blocks(bytes);
}

/// Makes the superblock's checksum hold and the footer its copy.
pub(crate) fn seal_blocks(bytes: &mut [u8]) {
    let footer = bytes.len() - 4096;
    let crc = crc32c(&bytes[..0xffc]);
    put(bytes, 0xffc, &crc.to_le_bytes());
    bytes.copy_within(..4096, footer);
    bytes[footer + 4] = b'E';
    let crc = crc32c(&bytes[footer..footer + 0xffc]);
    put(bytes, footer + 0xffc, &crc.to_le_bytes());
}

/// A file as it is but for flipped bits, or shorter.
pub(crate) struct Tampered {
    pub(crate) bytes: Arc<Vec<u8>>,
    /// Byte and mask.
    pub(crate) flips: Vec<(usize, u8)>,
    pub(crate) len: usize,
}

impl Tampered {
    pub(crate) fn flipped(bytes: &Arc<Vec<u8>>, flips: &[(usize, u8)]) -> Box<dyn ByteSource> {
        Box::new(Self { bytes: bytes.clone(), flips: flips.to_vec(), len: bytes.len() })
    }

    pub(crate) fn cut(bytes: &Arc<Vec<u8>>, len: usize) -> Box<dyn ByteSource> {
        Box::new(Self { bytes: bytes.clone(), flips: Vec::new(), len })
    }
}

impl ByteSource for Tampered {
    fn len(&self) -> u64 {
        self.len as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let at = usize::try_from(offset).unwrap();
        let end = at.checked_add(buffer.len()).filter(|&end| end <= self.len);
        let end = end
            .ok_or_else(|| Error::io("tampered", "cannot read", std::io::ErrorKind::UnexpectedEof.into()))?;
        buffer.copy_from_slice(&self.bytes[at..end]);
        for &(flip, mask) in &self.flips {
            if (at..end).contains(&flip) {
                buffer[flip - at] ^= mask;
            }
        }
        Ok(())
    }

    fn name(&self) -> &str {
        "tampered"
    }
}
