//! Damage and lies: truncation, flipped bits, extreme values under valid checksums.

use std::cell::Cell;
use std::sync::Arc;

use vivant::Error;
use vivant::clip::{Access, ChunkKind, Clip, Compression, Segment, verify};
use vivant::codec::decode_segment;
use vivant::frame::Plane;

use super::support::bytes::{Tampered, crc32c, node_at, put, seal, seal_blocks, u32_at, u64_at};
use super::support::{performance, still};
use super::{LARGEST, bytes_of, malformed, small, use_all};

#[test]
fn cut_files_are_refused_at_every_length() {
    let bytes = Arc::new(small());
    let steps = (0..200).map(|step| bytes.len() * step / 200);
    for len in steps.chain([1, 7, 8, 4095, 4096, 8191, 8192, bytes.len() - 4096, bytes.len() - 1]) {
        let (field, _) = malformed(use_all(Tampered::cut(&bytes, len)));
        assert!(field.starts_with("superblock"), "{len}: {field}");
    }
    assert!(use_all(Tampered::cut(&bytes, bytes.len())).is_ok());
}

#[test]
fn files_cut_while_open_are_errors_in_every_access() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shrinking.vvt");
    for access in [Access::Mapped, Access::Pread] {
        std::fs::write(&path, bytes_of(&performance(4, 5000, 30, 2), Compression::Raw)).unwrap();
        let clip = Clip::open(&path, access).unwrap();
        let last = clip.nodes().iter().enumerate().max_by_key(|(_, node)| node.offset).unwrap().0;
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10_000).unwrap();
        let error = decode_segment(&clip, last as u32).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{access:?}: {error}");
    }
}

#[test]
fn one_flipped_bit_in_the_superblock_is_survived_and_told() {
    let bytes = Arc::new(small());
    let whole = Clip::from_source(Tampered::flipped(&bytes, &[])).unwrap();
    for bit in 0..4096 * 8 {
        let flip = (bit / 8, 1 << (bit % 8));
        let clip = Clip::from_source(Tampered::flipped(&bytes, &[flip])).unwrap();
        assert_eq!((clip.info(), clip.nodes()), (whole.info(), whole.nodes()), "bit {bit}");
        assert_eq!(clip.notices().len(), 1);
        // The same damage in the footer, of which an open clip needs nothing; and in both, which is fatal.
        let footer = (bytes.len() - 4096 + bit / 8, flip.1);
        assert!(Clip::from_source(Tampered::flipped(&bytes, &[footer])).unwrap().notices().is_empty());
        let (field, offset) = malformed(Clip::from_source(Tampered::flipped(&bytes, &[flip, footer])));
        assert!(field.starts_with("superblock.") && offset < 4096, "bit {bit}: {field} at {offset}");
    }
}

#[test]
fn one_flipped_bit_in_the_index_is_found() {
    let bytes = Arc::new(small());
    let (at, len) = (u64_at(&bytes, 0x30) as usize, u64_at(&bytes, 0x38) as usize);
    for bit in 0..len * 8 {
        let flip = (at + bit / 8, 1 << (bit % 8));
        let found = malformed(Clip::from_source(Tampered::flipped(&bytes, &[flip])));
        assert_eq!(found, ("index".to_owned(), at as u64));
    }
}

#[test]
fn one_flipped_bit_in_a_segment_header_is_found() {
    let bytes = Arc::new(small());
    for node in 0..2 {
        let at = u64_at(&bytes, node_at(&bytes, node) + 0x10) as usize;
        let len = u32_at(&bytes, node_at(&bytes, node) + 0x28) as usize;
        for bit in 0..len * 8 {
            let flip = (at + bit / 8, 1 << (bit % 8));
            let clip = Clip::from_source(Tampered::flipped(&bytes, &[flip])).unwrap();
            let found = malformed(decode_segment(&clip, node as u32));
            assert_eq!(found, (format!("segment[{node}].header"), at as u64));
        }
    }
}

#[test]
fn every_flipped_byte_of_every_chunk_is_found_and_named() {
    for compression in [Compression::Raw, Compression::Zstd(3)] {
        let bytes = Arc::new(bytes_of(&performance(23, 200, 20, 1), compression));
        let whole = Clip::from_source(Tampered::flipped(&bytes, &[])).unwrap();
        let mut flips = 0;
        for node in 0..whole.nodes().len() as u32 {
            for chunk in Segment::read(&whole, node).unwrap().chunks {
                for byte in 0..u64::from(chunk.stored_len) {
                    let at = (chunk.offset + byte) as usize;
                    let clip = Clip::from_source(Tampered::flipped(&bytes, &[(at, 1 << (at % 8))])).unwrap();
                    let (field, offset) = malformed(decode_segment(&clip, node));
                    assert_eq!(offset, chunk.offset);
                    assert!(
                        field.starts_with(&format!("segment[{node}].")) && field.ends_with("page 0"),
                        "{field}"
                    );
                    flips += 1;
                }
            }
        }
        assert!(flips > 5000, "{flips}");
    }
}

#[test]
fn verify_names_every_flipped_byte_of_the_file() {
    let bytes = Arc::new(bytes_of(&performance(22, 120, 20, 1), Compression::Zstd(3)));
    let index = u64_at(&bytes, 0x30) as usize..u64_at(&bytes, 0x30) as usize + u64_at(&bytes, 0x38) as usize;
    // Every 13th byte, in each of the file's parts, padding included. The index is tested where it is opened.
    for at in (0..bytes.len()).step_by(13).filter(|at| !index.contains(at)) {
        let clip = Clip::from_source(Tampered::flipped(&bytes, &[(at, 0x10)])).unwrap();
        let report = verify(&clip).unwrap();
        assert_eq!(report.damages.len(), 1, "byte {at}: {:?}", report.damages);
        let damage = &report.damages[0];
        assert!(damage.offset <= at as u64 || damage.part.ends_with(".crc"), "byte {at}: {damage:?}");
        assert_eq!(report.bytes, bytes.len() as u64);
    }
}

#[test]
fn metadata_damage_is_told_and_does_not_stop_playback() {
    let bytes = Arc::new(small());
    let at = u64_at(&bytes, 0x40) as usize;
    let clip = Clip::from_source(Tampered::flipped(&bytes, &[(at + 3, 1)])).unwrap();
    assert_eq!(clip.meta_json(), "{}");
    assert!(clip.notices()[0].contains("metadata"));
}

/// Sets fields to extreme values under valid checksums and uses the file: whatever happens, it is an error or a
/// picture, it is quick, and no allocation is out of proportion.
#[test]
fn lies_under_valid_checksums_cost_nothing() {
    let original = small();
    let index = u64_at(&original, 0x30) as usize;
    let node = node_at(&original, 1);
    let header = u64_at(&original, node + 0x10) as usize;
    let blocks = (0x28..0xd8).step_by(4).map(|at| (at, 0));
    let nodes =
        (0..64).step_by(4).map(|at| (index + at, 1)).chain((0..64).step_by(4).map(|at| (node + at, 1)));
    let headers = (0..256 + 48 * 3).step_by(4).map(|at| (header + at, 2));
    let begun = std::time::Instant::now();
    let mut errors = 0;
    for (at, _) in blocks.chain(nodes).chain(headers) {
        for value in
            [0, 1, 2, 0x7f, 0xff, 0x1000, 0xffff, 0x10_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff_u32]
        {
            let mut bytes = original.clone();
            put(&mut bytes, at, &value.to_le_bytes());
            if at < 4096 {
                // The index may be anywhere now; only the blocks can be sealed.
                seal_blocks(&mut bytes);
            } else {
                seal(&mut bytes);
            }
            let bytes = Arc::new(bytes);
            LARGEST.with(|largest| largest.set(0));
            errors += usize::from(use_all(Tampered::flipped(&bytes, &[])).is_err());
            let largest = LARGEST.with(Cell::get);
            assert!(largest <= 2 << 20, "{value:#x} at {at:#x}: {largest} bytes at once");
        }
    }
    assert!(errors > 500, "{errors}");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn values_that_are_not_finite_are_refused_by_splat() {
    // The raw codec, so that a word can be changed in place; its checksums are then made right.
    let original = bytes_of(&performance(5, 300, 20, 1), Compression::Raw);
    let whole = Clip::from_bytes("whole", original.clone()).unwrap();
    let segment = Segment::read(&whole, 0).unwrap();
    let header = u64_at(&original, node_at(&original, 0) + 0x10) as usize;
    for (number, chunk) in segment.chunks.iter().enumerate() {
        let bad: u32 = match chunk.kind {
            // Nothing is decoded of channels with a segment.
            ChunkKind::Channels | ChunkKind::Channel(_) => continue,
            ChunkKind::Plane(Plane::Rotation) => continue,
            ChunkKind::Plane(Plane::ScaleOpacity) => continue,
            ChunkKind::Plane(Plane::Mean | Plane::Life | Plane::Velocity) => f32::NAN.to_bits(),
            ChunkKind::Clusters | ChunkKind::Poses => f32::INFINITY.to_bits(),
            ChunkKind::Plane(_) => 0x7c00,
        };
        let mut bytes = original.clone();
        let record = if chunk.count > 7 { 7 } else { 0 };
        let at = chunk.offset as usize;
        put(&mut bytes, at + record * chunk.record_bytes(), &bad.to_le_bytes());
        let crc = crc32c(&bytes[at..at + chunk.stored_len as usize]).to_le_bytes();
        let entry = header + 256 + 48 * number;
        put(&mut bytes, entry + 0x20, &crc);
        put(&mut bytes, entry + 0x24, &crc);
        seal(&mut bytes);
        let clip = Clip::from_bytes("bad", bytes).unwrap();
        let error = decode_segment(&clip, 0).map(|_| chunk.kind).unwrap_err().to_string();
        let names = format!("{} {record}", if record == 7 { "splat" } else { "cluster" });
        assert!(error.contains(&names), "{error}");
    }
}

#[test]
fn a_frame_that_expands_beyond_its_length_is_refused() {
    let mut bytes = bytes_of(&still(3, 4096, 0), Compression::Zstd(3));
    let node = node_at(&bytes, 0);
    let entry = u64_at(&bytes, node + 0x10) as usize + 256;
    // The directory of one chunk, told to be of fewer records than its frame holds; the index agrees.
    let shown = 100_u32;
    let header = u64_at(&bytes, node + 0x10) as usize;
    for number in 1..5 {
        let at = entry + 48 * number;
        let record = u32_at(&bytes, at + 0x1c) / u32_at(&bytes, at + 0x0c);
        put(&mut bytes, at + 0x0c, &shown.to_le_bytes());
        put(&mut bytes, at + 0x1c, &(shown * record).to_le_bytes());
    }
    put(&mut bytes, node + 0x20, &shown.to_le_bytes());
    put(&mut bytes, header + 0x28, &shown.to_le_bytes());
    put(&mut bytes, 0x80, &shown.to_le_bytes());
    put(&mut bytes, 0xd0, &u64::from(shown).to_le_bytes());
    seal(&mut bytes);
    assert!(use_all(Tampered::flipped(&Arc::new(bytes), &[])).is_err());
}
