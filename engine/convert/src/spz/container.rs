//! The frame of an SPZ file: header, gzip or zstd, extension records. No file access; the bytes are untrusted.
//!
//! ```text
//! versions 1..3, gzip of:  0 "NGSP"; 4 u32 version; 8 u32 splats; 12 u8 SH degree; 13 u8 fraction bits; 14 u8 flags; 15 0
//!                          then the arrays, then extension records if flag 2 is set
//! version 4:               the same 15 bytes; 15 u8 arrays; 16 u32 offset of the table; 12 zeros; extension records;
//!                          table of u64 packed and u64 unpacked size; a zstd frame an array; arrays of no bytes lack
//! extension record:        u32 type; u32 bytes; what it says
//! ```
//! Flag 1 says that the splats were trained with Mip-Splatting's filter. What the header implies is held against what
//! the packed bytes can hold at most before anything is unpacked, and every array against its exact size after.

use std::io::Read;

use flate2::read::GzDecoder;
use vivant::{Error, Result};

use super::{Header, MAGIC, Unpacked, wrong};
use crate::Axes;
use crate::still::{check_count, word_at};

/// Bytes of the header of versions 1 to 3, and of version 4.
const HEADER: usize = 16;
const HEADER_4: usize = 32;
/// Most unpacked bytes for a packed one: what deflate can reach, and more than the writer's own reader believes.
const MOST_PACKED: u64 = 1032;
/// Most bytes of extension records behind the arrays.
const MAX_EXTENSIONS: u64 = 1 << 20;
/// The record that names the axes (`SPZ_ADOBE_coordinate_system`), and what its numbers from 1 mean.
const AXES_RECORD: u32 = 0xadbe_0003;
const AXES: [&str; 16] = [
    "ldb", "rdb", "lub", "rub", "ldf", "rdf", "luf", "ruf", "lfd", "rfd", "lfu", "rfu", "lbd", "rbd", "lbu",
    "rbu",
];

/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Whether these first bytes of a file are gzip with the magic inside.
pub(super) fn starts_packed(start: &[u8]) -> bool {
    let mut magic = [0; 4];
    start.starts_with(&GZIP) && GzDecoder::new(start).read_exact(&mut magic).is_ok() && magic == *MAGIC
}

/// What the header of a file says, held against the length of the file.
pub(super) fn header(file: &str, bytes: &[u8]) -> Result<Header> {
    if !bytes.starts_with(&GZIP) {
        return parse(file, bytes, bytes.len() as u64);
    }
    let mut start = Vec::new();
    let read = GzDecoder::new(bytes).take(HEADER as u64).read_to_end(&mut start);
    read.map_err(|why| unpacking(file, &why))?;
    parse(file, &start, bytes.len() as u64)
}

fn unpacking(file: &str, why: &std::io::Error) -> Error {
    wrong(file, "gzip stream", 0, format!("{why}; copy or export it again"))
}

/// Reads a header from the unpacked start of a file of `packed` bytes.
fn parse(file: &str, start: &[u8], packed: u64) -> Result<Header> {
    if !start.starts_with(MAGIC) {
        return Err(wrong(file, "magic", 0, "no SPZ file, which begins with NGSP; export it again"));
    }
    let cut = || wrong(file, "header", start.len() as u64, "the file ends here; copy or export it again");
    let word = |at| word_at(start, at).ok_or_else(cut);
    let byte = |at: usize| start.get(at).copied().ok_or_else(cut);
    let version = word(4)?;
    if !(1..=4).contains(&version) {
        return Err(wrong(
            file,
            "version",
            4,
            format!("{version}: 1 to 4 are read; export it as one of these"),
        ));
    }
    let splats = word(8)?;
    check_count(file, u64::from(splats))?;
    let sh_degree = byte(12)?;
    if sh_degree > 4 {
        return Err(wrong(file, "SH degree", 12, format!("{sh_degree}; 0 to 4 are read: export it again")));
    }
    let (fraction_bits, flags) = (byte(13)?, byte(14)?);
    // A mean has 24 bits.
    if fraction_bits > 24 {
        let why = format!("{fraction_bits} of 24 bits; export it again");
        return Err(wrong(file, "fraction bits", 13, why));
    }
    let header = Header {
        version,
        splats: usize::try_from(splats).unwrap_or(usize::MAX),
        sh_degree,
        fraction_bits,
        antialiased: flags & 1 != 0,
        extended: flags & 2 != 0,
    };
    let unpacked: u64 = header.sizes().iter().map(|&size| size as u64).sum();
    if unpacked > packed.saturating_mul(MOST_PACKED) {
        let why = format!(
            "promises {splats} splats, {unpacked} bytes that {packed} cannot hold packed; copy or export it again"
        );
        return Err(wrong(file, "splat count", 8, why));
    }
    Ok(header)
}

/// The arrays of a file.
pub(super) fn unpack(file: &str, bytes: &[u8]) -> Result<Unpacked> {
    let header = header(file, bytes)?;
    match (bytes.starts_with(&GZIP), header.version) {
        (true, 1..=3) => of_gzip(file, bytes, header),
        (false, 4) => of_zstd(file, bytes, header),
        (true, version) => {
            Err(wrong(file, "version", 4, format!("{version} in gzip, which is for 1 to 3; export it again")))
        }
        (false, version) => {
            Err(wrong(file, "version", 4, format!("{version} outside gzip, which is for 4; export it again")))
        }
    }
}

fn of_gzip(file: &str, bytes: &[u8], header: Header) -> Result<Unpacked> {
    let mut stream = GzDecoder::new(bytes);
    let mut skipped = [0; HEADER];
    stream.read_exact(&mut skipped).map_err(|why| unpacking(file, &why))?;
    let mut at = HEADER as u64;
    let mut arrays = <[Vec<u8>; 6]>::default();
    for (array, size) in arrays.iter_mut().zip(header.sizes()) {
        // Grows as bytes come, so that what is promised and not there costs nothing.
        let read = stream.by_ref().take(size as u64).read_to_end(array);
        read.map_err(|why| unpacking(file, &why))?;
        at += array.len() as u64;
        if array.len() < size {
            let why =
                format!("the stream ends although {} splats are promised; export it again", header.splats);
            return Err(wrong(file, "splats", at, why));
        }
    }
    let mut rest = Vec::new();
    stream.take(MAX_EXTENSIONS + 1).read_to_end(&mut rest).map_err(|why| unpacking(file, &why))?;
    if rest.len() as u64 > if header.extended { MAX_EXTENSIONS } else { 0 } {
        return Err(wrong(file, "end", at, "more bytes than the splats take; copy or export it again"));
    }
    let axes = axes_in(file, &rest, at)?;
    Ok(Unpacked { header, arrays, axes })
}

fn of_zstd(file: &str, bytes: &[u8], header: Header) -> Result<Unpacked> {
    let cut = |at: usize| wrong(file, "table", at as u64, "the file ends here; copy or export it again");
    let (Some(&streams), Some(table)) = (bytes.get(15), word_at(bytes, 16)) else {
        return Err(cut(bytes.len()));
    };
    let table = usize::try_from(table).unwrap_or(usize::MAX);
    let records = bytes.get(HEADER_4..table).ok_or_else(|| {
        wrong(
            file,
            "table offset",
            16,
            format!("{table} in a file of {} bytes; export it again", bytes.len()),
        )
    })?;
    let axes = if header.extended { axes_in(file, records, HEADER_4 as u64)? } else { None };
    let sizes = header.sizes();
    let wanted = sizes.iter().filter(|&&size| size > 0).count();
    if usize::from(streams) != wanted {
        let why =
            format!("{streams}; splats of SH degree {} have {wanted}: export it again", header.sh_degree);
        return Err(wrong(file, "array count", 15, why));
    }
    let mut at = table.checked_add(16 * wanted).filter(|&at| at <= bytes.len()).ok_or_else(|| cut(table))?;
    let mut arrays = <[Vec<u8>; 6]>::default();
    let there = arrays.iter_mut().zip(sizes).filter(|(_, size)| *size > 0);
    for (number, (array, size)) in there.enumerate() {
        let entry = table + number * 16;
        let long = |at: usize| {
            bytes
                .get(at..)
                .and_then(|rest| rest.first_chunk())
                .map_or(u64::MAX, |raw| u64::from_le_bytes(*raw))
        };
        let (packed, unpacked) = (long(entry), long(entry + 8));
        if unpacked != size as u64 {
            let why =
                format!("array {number} of {unpacked} bytes, but its splats take {size}; export it again");
            return Err(wrong(file, "table", entry as u64 + 8, why));
        }
        let end = usize::try_from(packed).ok().and_then(|packed| at.checked_add(packed));
        let stream = end.and_then(|end| bytes.get(at..end)).ok_or_else(|| {
            let why = format!("array {number} of {packed} bytes reaches beyond the file; copy it again");
            wrong(file, "table", entry as u64, why)
        })?;
        let field = format!("array {number}");
        *array = zstd::bulk::decompress(stream, size)
            .map_err(|why| wrong(file, &field, at as u64, format!("{why}; copy or export it again")))?;
        if array.len() != size {
            let why = format!("{} bytes where {size} were promised; export it again", array.len());
            return Err(wrong(file, &field, at as u64, why));
        }
        at += stream.len();
    }
    if at != bytes.len() {
        return Err(wrong(
            file,
            "end",
            at as u64,
            "more bytes than the splats take; copy or export it again",
        ));
    }
    Ok(Unpacked { header, arrays, axes })
}

/// The axes that extension records name; all others are passed over.
fn axes_in(file: &str, mut records: &[u8], mut at: u64) -> Result<Option<Axes>> {
    let mut axes = None;
    while !records.is_empty() {
        let cut = || wrong(file, "extension record", at, "reaches beyond its place; export it again");
        let (kind, length) = word_at(records, 0).zip(word_at(records, 4)).ok_or_else(cut)?;
        let end = usize::try_from(length).ok().and_then(|length| length.checked_add(8)).ok_or_else(cut)?;
        let said = records.get(8..end).ok_or_else(cut)?;
        if kind == AXES_RECORD {
            let number = word_at(said, 0).ok_or_else(cut)?;
            // 0 is "not said".
            if let Some(index) = number.checked_sub(1) {
                let code = usize::try_from(index).ok().and_then(|index| AXES.get(index));
                let why = format!("coordinate system {number} is not known; say the axes with --axes");
                axes = Some(code.ok_or_else(|| wrong(file, "extension record", at, why))?.parse()?);
            }
        }
        records = records.get(end..).unwrap_or_default();
        at += end as u64;
    }
    Ok(axes)
}
