//! The superblock: 4096 bytes at the start of the file, repeated at its end, that say what the clip is and where
//! its index lies. Pure parsing and writing of one block; [`super::Clip`] decides which of the two copies to trust.
//!
//! Order of checks: magic, checksum, version, feature words, then every field. Nothing here is believed before the
//! checksum holds, and nothing is used for an allocation before it was compared with the length of the file.

use super::bytes::{array_at, box_at, i64_at, put, put_box, u16_at, u32_at, u64_at, word};
use super::track::FEATURE_TRACKS;
use crate::error::{Error, Result};
use crate::frame::CLUSTER_SPLATS;
use crate::splat::{Appearance, ClipInfo};
use crate::time::TickRate;

/// Bytes of the superblock and of the footer.
pub(super) const SUPERBLOCK_BYTES: usize = 4096;
/// Splats a page: what one stored chunk holds of one plane.
pub const PAGE_SPLATS: usize = 4096;
/// Levels of the temporal hierarchy, at most.
pub const MAX_LEVELS: usize = 8;
/// Bytes of one chunk before compression, at most.
pub const MAX_CHUNK_BYTES: u32 = 262_144;
/// Bytes of the metadata, at most.
pub const MAX_METADATA_BYTES: u32 = 1 << 20;
/// Nodes of the index, at most: four hours of the finest hierarchy, and an index of 64 MiB.
pub const MAX_NODES: u32 = 1 << 20;

/// First bytes of the file. The high bit finds 7-bit transfers, the line ends find text-mode ones.
pub(super) const MAGIC: [u8; 8] = [0x89, b'V', b'V', b'T', b'1', 0x0d, 0x0a, 0x1a];
/// First bytes of the footer.
pub(super) const FOOTER_MAGIC: [u8; 8] = [0x89, b'V', b'V', b'T', b'E', 0x0d, 0x0a, 0x1a];

const MAJOR: u16 = 1;
const MINOR: u16 = 0;
/// Feature without which a clip cannot be read: segments have packed planes.
pub(super) const PACKED_PLANES: u64 = 1;
/// Feature without which a clip cannot be read: splats refer to a palette of harmonics.
pub(super) const PALETTE: u64 = 2;
/// Feature without which a clip cannot be read: splats are carried by the joints of a rig.
pub(super) const RIG: u64 = 4;
/// Feature bits this version understands.
const KNOWN_INCOMPAT: u64 = PACKED_PLANES | PALETTE | RIG;

/// Offsets of the fields; the meaning of each is in FORMAT.md.
mod at {
    pub(super) const MAJOR: usize = 0x08;
    pub(super) const MINOR: usize = 0x0a;
    pub(super) const LENGTH: usize = 0x0c;
    pub(super) const INCOMPAT: usize = 0x10;
    pub(super) const RO_COMPAT: usize = 0x18;
    pub(super) const COMPAT: usize = 0x20;
    pub(super) const FILE_LEN: usize = 0x28;
    pub(super) const INDEX_OFFSET: usize = 0x30;
    pub(super) const INDEX_LEN: usize = 0x38;
    pub(super) const META_OFFSET: usize = 0x40;
    pub(super) const META_LEN: usize = 0x48;
    pub(super) const TICK_NUM: usize = 0x50;
    pub(super) const TICK_DEN: usize = 0x54;
    pub(super) const DURATION: usize = 0x58;
    pub(super) const FPS_NUM: usize = 0x60;
    pub(super) const FPS_DEN: usize = 0x64;
    pub(super) const ALIGN: usize = 0x68;
    pub(super) const PAGE_SPLATS: usize = 0x6c;
    pub(super) const LEVELS: usize = 0x70;
    pub(super) const LODS: usize = 0x74;
    pub(super) const SH_DEGREE: usize = 0x78;
    pub(super) const COLOUR_SPACE: usize = 0x7c;
    pub(super) const MAX_LIVE_SPLATS: usize = 0x80;
    pub(super) const MAX_CHUNK_RAW: usize = 0x84;
    pub(super) const MAX_SEGMENT_BYTES: usize = 0x88;
    pub(super) const MAX_LIVE_BYTES: usize = 0x90;
    pub(super) const BOUNDS: usize = 0x98;
    pub(super) const CLUSTER_SPLATS: usize = 0xb0;
    pub(super) const NODES: usize = 0xb4;
    pub(super) const UUID: usize = 0xb8;
    pub(super) const INDEX_CRC: usize = 0xc8;
    pub(super) const META_CRC: usize = 0xcc;
    pub(super) const SPLATS: usize = 0xd0;
    /// Four bytes.
    pub(super) const APPEARANCE: usize = 0xd8;
    pub(super) const CRC: usize = 0xffc;
}

/// A run of bytes of the file with its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extent {
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) crc: u32,
}

/// What the clip may ask of memory at most; the index is checked against it when the file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Most splats in the live set of any tick.
    pub max_live_splats: u32,
    /// Most decoded bytes in the live set of any tick.
    pub max_live_bytes: u64,
    /// Most decoded bytes of one segment.
    pub max_segment_bytes: u64,
}

/// The parsed superblock.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Superblock {
    pub(super) incompat: u64,
    pub(super) ro_compat: u64,
    pub(super) compat: u64,
    pub(super) file_len: u64,
    pub(super) index: Extent,
    pub(super) metadata: Extent,
    pub(super) info: ClipInfo,
    pub(super) levels: u32,
    pub(super) nodes: u32,
    pub(super) splats: u64,
    pub(super) limits: Limits,
    pub(super) bounds: [[f32; 3]; 2],
    pub(super) uuid: [u8; 16],
}

/// What a block says of the clip apart from where its parts lie: enough to save segments by, even when the file was cut
/// or never finished.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Description {
    pub(super) info: ClipInfo,
    /// Segments that the finished clip has; 0 while it is being written.
    pub(super) nodes: u32,
    /// Length of the finished clip; 0 while it is being written.
    pub(super) file_len: u64,
    /// Where the metadata should be; unchecked.
    pub(super) metadata: Extent,
    /// Whether the finished clip has tracks; unknown while it is being written.
    pub(super) tracks: bool,
}

/// Which of its two copies a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    First,
    Footer,
}

impl Which {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::First => "superblock",
            Self::Footer => "footer",
        }
    }

    const fn magic(self) -> [u8; 8] {
        match self {
            Self::First => MAGIC,
            Self::Footer => FOOTER_MAGIC,
        }
    }
}

/// Names the fields of one block in errors.
struct Block<'a> {
    bytes: &'a [u8; SUPERBLOCK_BYTES],
    copy: Which,
    offset: u64,
    file: &'a str,
}

impl Block<'_> {
    fn wrong(&self, field: &str, at: usize, why: impl Into<String>) -> Error {
        let name = format!("{}.{field}", self.copy.name());
        Error::malformed(self.file, &name, self.offset.saturating_add(at as u64), why)
    }

    fn u32(&self, at: usize) -> u32 {
        u32_at(self.bytes, at)
    }

    fn u64(&self, at: usize) -> u64 {
        u64_at(self.bytes, at)
    }

    /// Magic and checksum: is this a superblock at all, and is it whole?
    fn check_identity(&self) -> Result<()> {
        if array_at::<8>(self.bytes, 0) != self.copy.magic() {
            let why = "this is not a .vvt clip; convert the source with `vivant convert`";
            return Err(self.wrong("magic", 0, why));
        }
        let crc = crc32c::crc32c(&self.bytes[..at::CRC]);
        if crc != self.u32(at::CRC) {
            let why = format!(
                "the checksum is {:#010x} but the bytes give {crc:#010x}: the block is damaged; get another copy",
                self.u32(at::CRC)
            );
            return Err(self.wrong("crc", at::CRC, why));
        }
        Ok(())
    }

    /// Version and feature words: may this reader go on?
    fn check_version(&self) -> Result<()> {
        let major = u16_at(self.bytes, at::MAJOR);
        let unknown = self.u64(at::INCOMPAT) & !KNOWN_INCOMPAT;
        if major != MAJOR || unknown != 0 {
            return Err(Error::unsupported(format!(
                "{}: needs a newer version of vivant (format {major}.{}, unknown features {unknown:#x}); update vivant, \
                 or convert the source again with this version",
                self.file,
                u16_at(self.bytes, at::MINOR),
            )));
        }
        if self.u32(at::LENGTH) as usize != SUPERBLOCK_BYTES {
            return Err(self.wrong("superblock_len", at::LENGTH, "must be 4096; get another copy"));
        }
        Ok(())
    }

    fn extent(&self, name: &str, offset_at: usize, len: u64, crc_at: usize, file_len: u64) -> Result<Extent> {
        let offset = self.u64(offset_at);
        let block = SUPERBLOCK_BYTES as u64;
        let end = offset.checked_add(len).filter(|&end| offset >= block && end <= file_len - block);
        if end.is_none() {
            let why = format!("{len} bytes there do not lie inside the file's {file_len}; get another copy");
            return Err(self.wrong(name, offset_at, why));
        }
        Ok(Extent { offset, len, crc: self.u32(crc_at) })
    }

    fn info(&self) -> Result<ClipInfo> {
        let rate = TickRate { num: self.u32(at::TICK_NUM), den: self.u32(at::TICK_DEN) };
        if rate.num == 0 || rate.den == 0 {
            return Err(self.wrong("tick_rate", at::TICK_NUM, "must not be zero; convert the source again"));
        }
        let duration = i64_at(self.bytes, at::DURATION);
        if !(0..=i64::from(u32::MAX)).contains(&duration) || rate.nanos_from_ticks(duration) == i64::MAX {
            let why =
                format!("{duration} ticks is not a length this format can have; convert the source again");
            return Err(self.wrong("duration", at::DURATION, why));
        }
        let fps = (self.u32(at::FPS_NUM), self.u32(at::FPS_DEN));
        if fps.1 == 0 {
            return Err(self.wrong("fps_den", at::FPS_DEN, "must not be zero; convert the source again"));
        }
        match u8::try_from(self.u32(at::SH_DEGREE)) {
            Ok(sh_degree @ 0..=3) => {
                Ok(ClipInfo { rate, duration, fps, sh_degree, appearance: self.appearance()? })
            }
            _ => Err(self.wrong("sh_degree", at::SH_DEGREE, "must be 0 to 3; convert the source again")),
        }
    }

    /// What this version cannot draw as it asks is refused: it would look like something else.
    fn appearance(&self) -> Result<Appearance> {
        let bytes = array_at::<4>(self.bytes, at::APPEARANCE);
        Appearance::from_bytes(bytes).map_err(|field| {
            let why = format!(
                "is {}, which this version of vivant does not know; update vivant, or convert the source again",
                bytes[field]
            );
            self.wrong(Appearance::FIELDS[field], at::APPEARANCE + field, why)
        })
    }

    /// The fixed parameters: version 1 has one value for each, a later one will raise a feature bit to change it.
    fn check_constants(&self) -> Result<()> {
        let expected = [
            ("page_splats", at::PAGE_SPLATS, PAGE_SPLATS as u64),
            ("cluster_splats", at::CLUSTER_SPLATS, CLUSTER_SPLATS as u64),
            ("lods", at::LODS, 1),
            ("colour_space", at::COLOUR_SPACE, 0),
        ];
        for (name, at, value) in expected {
            if u64::from(self.u32(at)) != value {
                let why =
                    format!("is {} where version 1 has {value}; convert the source again", self.u32(at));
                return Err(self.wrong(name, at, why));
            }
        }
        if !self.u32(at::ALIGN).is_power_of_two() || self.u32(at::ALIGN) < 4096 {
            return Err(self.wrong(
                "align",
                at::ALIGN,
                "must be a power of two from 4096; convert the source again",
            ));
        }
        if !(1..=word(MAX_LEVELS)).contains(&self.u32(at::LEVELS)) {
            return Err(self.wrong("levels", at::LEVELS, "must be 1 to 8; convert the source again"));
        }
        if self.u32(at::MAX_CHUNK_RAW) > MAX_CHUNK_BYTES {
            return Err(self.wrong(
                "max_chunk_raw",
                at::MAX_CHUNK_RAW,
                "must not exceed 262144; convert again",
            ));
        }
        if self.u32(at::NODES) > MAX_NODES {
            return Err(self.wrong("nodes", at::NODES, "must not exceed 1048576; convert the source again"));
        }
        Ok(())
    }
}

impl Description {
    /// Reads what a whole block says, wherever the file it is in ends.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a block of a newer format or one that must not be rewritten, otherwise
    /// [`Error::Malformed`].
    pub(super) fn read(bytes: &[u8; SUPERBLOCK_BYTES], copy: Which, offset: u64, file: &str) -> Result<Self> {
        let block = Block { bytes, copy, offset, file };
        block.check_identity()?;
        block.check_version()?;
        check_rewritable(block.u64(at::RO_COMPAT), file)?;
        block.check_constants()?;
        let metadata = Extent {
            offset: block.u64(at::META_OFFSET),
            len: u64::from(block.u32(at::META_LEN)),
            crc: block.u32(at::META_CRC),
        };
        Ok(Self {
            info: block.info()?,
            nodes: block.u32(at::NODES),
            file_len: block.u64(at::FILE_LEN),
            metadata,
            tracks: block.u64(at::RO_COMPAT) & FEATURE_TRACKS != 0,
        })
    }
}

/// Refuses to write a clip anew that has features this version would lose.
///
/// # Errors
/// [`Error::Unsupported`].
pub(super) fn check_rewritable(ro_compat: u64, file: &str) -> Result<()> {
    if ro_compat & !FEATURE_TRACKS == 0 {
        return Ok(());
    }
    let what =
        format!("{file}: needs a newer version of vivant to be written anew (features {ro_compat:#x})");
    Err(Error::unsupported(what + "; update vivant"))
}

impl Superblock {
    /// Parses the block that stands at `offset` of a file of `actual_len` bytes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a whole block of a newer format, otherwise [`Error::Malformed`].
    pub(super) fn parse(
        bytes: &[u8; SUPERBLOCK_BYTES],
        copy: Which,
        offset: u64,
        actual_len: u64,
        file: &str,
    ) -> Result<Self> {
        let block = Block { bytes, copy, offset, file };
        block.check_identity()?;
        block.check_version()?;
        let file_len = block.u64(at::FILE_LEN);
        if file_len == 0 {
            let why = "the file was never finished by its writer; write it again, or save what is there with `vivant verify --repair`";
            return Err(block.wrong("file_len", at::FILE_LEN, why));
        }
        if file_len > actual_len || file_len < 2 * SUPERBLOCK_BYTES as u64 {
            let why = format!(
                "the file should have {file_len} bytes and has {actual_len}: truncated; copy it again, or save what is \
                 there with `vivant verify --repair`"
            );
            return Err(block.wrong("file_len", at::FILE_LEN, why));
        }
        block.check_constants()?;
        let meta_len = block.u32(at::META_LEN);
        if meta_len > MAX_METADATA_BYTES {
            return Err(block.wrong(
                "meta_len",
                at::META_LEN,
                "must not exceed 1 MiB; convert the source again",
            ));
        }
        let bounds = box_at(bytes, at::BOUNDS);
        if (0..3).any(|axis| {
            !(bounds[0][axis] <= bounds[1][axis] && (bounds[1][axis] - bounds[0][axis]).is_finite())
        }) {
            return Err(block.wrong("bounds", at::BOUNDS, "is not a box; convert the source again"));
        }
        let index_len = block.u64(at::INDEX_LEN);
        let metadata_len = u64::from(meta_len);
        Ok(Self {
            incompat: block.u64(at::INCOMPAT),
            ro_compat: block.u64(at::RO_COMPAT),
            compat: block.u64(at::COMPAT),
            file_len,
            index: block.extent("index_offset", at::INDEX_OFFSET, index_len, at::INDEX_CRC, file_len)?,
            metadata: block.extent("meta_offset", at::META_OFFSET, metadata_len, at::META_CRC, file_len)?,
            info: block.info()?,
            levels: block.u32(at::LEVELS),
            nodes: block.u32(at::NODES),
            splats: block.u64(at::SPLATS),
            limits: Limits {
                max_live_splats: block.u32(at::MAX_LIVE_SPLATS),
                max_live_bytes: block.u64(at::MAX_LIVE_BYTES),
                max_segment_bytes: block.u64(at::MAX_SEGMENT_BYTES),
            },
            bounds,
            uuid: array_at(bytes, at::UUID),
        })
    }

    /// The block's bytes.
    pub(super) fn bytes(&self, copy: Which, align: u32) -> [u8; SUPERBLOCK_BYTES] {
        let mut out = [0; SUPERBLOCK_BYTES];
        put(&mut out, 0, &copy.magic());
        put(&mut out, at::MAJOR, &MAJOR.to_le_bytes());
        put(&mut out, at::MINOR, &MINOR.to_le_bytes());
        let metadata_len = u32::try_from(self.metadata.len).unwrap_or(u32::MAX);
        let words = [
            (at::LENGTH, word(SUPERBLOCK_BYTES)),
            (at::META_LEN, metadata_len),
            (at::TICK_NUM, self.info.rate.num),
            (at::TICK_DEN, self.info.rate.den),
            (at::FPS_NUM, self.info.fps.0),
            (at::FPS_DEN, self.info.fps.1),
            (at::ALIGN, align),
            (at::PAGE_SPLATS, word(PAGE_SPLATS)),
            (at::LEVELS, self.levels),
            (at::LODS, 1),
            (at::SH_DEGREE, u32::from(self.info.sh_degree)),
            (at::MAX_LIVE_SPLATS, self.limits.max_live_splats),
            (at::MAX_CHUNK_RAW, MAX_CHUNK_BYTES),
            (at::CLUSTER_SPLATS, word(CLUSTER_SPLATS)),
            (at::NODES, self.nodes),
            (at::INDEX_CRC, self.index.crc),
            (at::META_CRC, self.metadata.crc),
        ];
        for (at, value) in words {
            put(&mut out, at, &value.to_le_bytes());
        }
        let longs = [
            (at::INCOMPAT, self.incompat),
            (at::RO_COMPAT, self.ro_compat),
            (at::COMPAT, self.compat),
            (at::FILE_LEN, self.file_len),
            (at::INDEX_OFFSET, self.index.offset),
            (at::INDEX_LEN, self.index.len),
            (at::META_OFFSET, self.metadata.offset),
            (at::MAX_SEGMENT_BYTES, self.limits.max_segment_bytes),
            (at::MAX_LIVE_BYTES, self.limits.max_live_bytes),
            (at::SPLATS, self.splats),
        ];
        for (at, value) in longs {
            put(&mut out, at, &value.to_le_bytes());
        }
        put(&mut out, at::DURATION, &self.info.duration.to_le_bytes());
        put_box(&mut out, at::BOUNDS, &self.bounds);
        put(&mut out, at::UUID, &self.uuid);
        put(&mut out, at::APPEARANCE, &self.info.appearance.bytes());
        let crc = crc32c::crc32c(&out[..at::CRC]);
        put(&mut out, at::CRC, &crc.to_le_bytes());
        out
    }
}
