//! The container against everything a file can do to it: truncation, flipped bits, lies with valid checksums, newer
//! formats; and the promises of the writer.
//!
//! The bar: never a panic, never an allocation the file's length does not support, an error that names the field and
//! the byte, and every flipped bit either harmless by construction or found.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

mod appearance;
mod channels;
mod damage;
mod format;
mod grids;
mod keys;
mod palette;
mod repair;
#[path = "../support/mod.rs"]
mod support;
mod writer;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use support::bytes::{Tampered, crc32c, node_at, put, seal, u32_at, u64_at};
use support::{performance, still};
use vivant::clip::{Access, ByteSource, Clip, Compression, WriterOptions, verify};
use vivant::codec::{decode_segment, performance_to_bytes, write_performance};
use vivant::frame::Plane;
use vivant::{Error, Result};

thread_local! {
    /// Largest single allocation of this thread since it was last set to zero.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which notes the largest request of each thread.
struct Watching;

// SAFETY: every call is passed on to `System` unchanged; the note is a thread-local cell that never allocates.
#[expect(unsafe_code, reason = "an allocator cannot be written without it")]
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

fn bytes_of(performance: &vivant::splat::Performance, compression: Compression) -> Vec<u8> {
    let options = WriterOptions {
        compression,
        metadata: r#"{"generator":"a test","source":"seed"}"#.to_owned(),
        min_node_splats: 50,
        ..WriterOptions::default()
    };
    performance_to_bytes(performance, &options).unwrap().0
}

/// A small clip with several levels, several pages of nothing, all planes.
fn small() -> Vec<u8> {
    bytes_of(&performance(21, 600, 60, 3), Compression::Zstd(3))
}

/// Opens and decodes everything; the first error, if any.
fn use_all(source: Box<dyn ByteSource>) -> Result<()> {
    let clip = Clip::from_source(source)?;
    for node in 0..clip.nodes().len() {
        decode_segment(&clip, node as u32)?;
    }
    Ok(())
}

/// The field and byte of a `Malformed`; anything else is a failed test.
fn malformed<T: std::fmt::Debug>(result: Result<T>) -> (String, u64) {
    match result {
        Err(Error::Malformed { field, offset, why, .. }) => {
            assert!(!field.is_empty() && why.len() > 10, "{field}: {why}");
            (field, offset)
        }
        other => panic!("expected Malformed, got {other:?}"),
    }
}

#[test]
fn the_crc_is_the_standard_one() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn a_clip_says_what_it_is() {
    let bytes = small();
    let clip = Clip::from_bytes("small.vvt", bytes.clone()).unwrap();
    assert_eq!(clip.info(), performance(21, 600, 60, 3).info);
    assert_eq!(clip.file_bytes(), bytes.len() as u64);
    assert_eq!(clip.duration_nanos(), 2_000_000_000);
    assert!(clip.meta_json().contains("a test"));
    assert!(clip.notices().is_empty());
    assert_ne!(clip.id(), Clip::from_bytes("again", bytes).unwrap().id());
    let [low, high] = clip.bounds();
    assert!((0..3).all(|axis| low[axis] < -0.9 && high[axis] > 0.9));
    let levels: Vec<u8> = clip.nodes().iter().map(|node| node.level).collect();
    assert!(levels.is_sorted() && levels[0] == 0 && levels.len() > 3, "{levels:?}");
    let sum: u64 = clip.nodes().iter().map(|node| u64::from(node.splats)).sum();
    assert_eq!(sum, clip.splats());
}

#[test]
fn live_nodes_are_those_whose_interval_holds_the_tick() {
    let clip = Clip::from_bytes("live", bytes_of(&performance(3, 3000, 90, 0), Compression::Raw)).unwrap();
    let (mut most_splats, mut most_bytes) = (0, 0);
    for tick in (0..90_000).step_by(97) {
        let live = clip.live_nodes(tick);
        let expected: Vec<u32> = (0..clip.nodes().len() as u32)
            .filter(|&node| {
                (clip.nodes()[node as usize].start..clip.nodes()[node as usize].end).contains(&tick)
            })
            .collect();
        assert_eq!(live.to_vec(), expected);
        let nodes = || live.iter().map(|&node| clip.nodes()[node as usize]);
        assert!(nodes().map(|node| node.level).is_sorted_by(|a, b| a < b));
        most_splats = most_splats.max(nodes().map(|node| node.splats).sum());
        most_bytes = most_bytes.max(nodes().map(|node| node.raw_bytes()).sum());
    }
    assert_eq!((clip.limits().max_live_splats, clip.limits().max_live_bytes), (most_splats, most_bytes));
    assert_eq!(clip.live_nodes(-5), clip.live_nodes(0));
    assert_eq!(clip.live_nodes(1 << 40), clip.live_nodes(89_999));
}

#[test]
fn every_access_gives_the_same_segments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.vvt");
    let performance = performance(4, 5000, 30, 2);
    let report = write_performance(&path, &performance, &WriterOptions::default()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), report.file_bytes);
    let all = |access| {
        let clip = Clip::open(&path, access).unwrap();
        let nodes = 0..clip.nodes().len() as u32;
        let segments: Vec<_> = nodes
            .map(|node| vivant::frame::SegmentData { id: (0, node), ..decode_segment(&clip, node).unwrap() })
            .collect();
        assert!(verify(&clip).unwrap().is_whole());
        (segments, clip.uuid())
    };
    let wanted = all(Access::Memory);
    for access in [Access::Auto, Access::Mapped, Access::Pread] {
        assert!(all(access) == wanted, "{access:?}");
    }
}

#[test]
fn what_is_no_clip_is_told_apart() {
    for (bytes, says) in [
        (Vec::new(), "empty"),
        (b"ply\nformat".to_vec(), "not a .vvt"),
        (vec![0; 100_000], "not a .vvt"),
        (b"\x89VVT1\r\n\x1a".to_vec(), "truncated"),
    ] {
        let error = Clip::from_bytes("some.file", bytes).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(malformed::<()>(Err(error)), ("superblock.magic".to_owned(), 0));
    }
    assert!(matches!(Clip::open(Path::new("/nonexistent.vvt"), Access::Auto), Err(Error::Io { .. })));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Clip::open(folder.path(), Access::Auto), Err(Error::InvalidArgument { .. })));
}

#[test]
fn newer_files_are_refused_by_name_and_newer_chunks_skipped() {
    let newer = |patch: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = small();
        patch(&mut bytes);
        seal(&mut bytes);
        use_all(Tampered::flipped(&Arc::new(bytes), &[]))
    };
    let refused = |result: Result<()>| match result {
        Err(Error::Unsupported { what }) => assert!(what.contains("needs a newer version"), "{what}"),
        other => panic!("{other:?}"),
    };
    refused(newer(&|bytes| bytes[0x10] = 0x80));
    refused(newer(&|bytes| bytes[0x08] = 2));
    // Bits that say "readable without knowing", and a newer minor version.
    newer(&|bytes| (bytes[0x18], bytes[0x20], bytes[0x0a]) = (1, 1, 9)).unwrap();
    // A codec and a prediction of the future, in the first chunk of the first segment.
    let bytes = small();
    let entry = u64_at(&bytes, node_at(&bytes, 0) + 0x10) as usize + 256;
    refused(newer(&|bytes| bytes[entry + 2] = 16));
    refused(newer(&|bytes| bytes[entry + 3] = 1));
    // A kind of chunk that is not known is passed over; here it replaces a plane, and so that is what is missing.
    let (field, _) = malformed(newer(&|bytes| bytes[entry] = 200));
    assert_eq!(field, "segment[0].chunks");
}

#[test]
fn an_unknown_chunk_beside_the_known_ones_changes_nothing() {
    // Room for one more directory entry is found by making a segment whose last plane is dropped from the masks.
    let mut bytes = bytes_of(&still(3, 100, 1), Compression::Raw);
    let node = node_at(&bytes, 0);
    let header = u64_at(&bytes, node + 0x10) as usize;
    let mask = u32_at(&bytes, node + 0x30) & !Plane::Sh1.bit();
    put(&mut bytes, node + 0x30, &mask.to_le_bytes());
    put(&mut bytes, header + 0x2c, &mask.to_le_bytes());
    let last = header + 256 + 48 * (u32_at(&bytes, header + 0x30) as usize - 1);
    assert_eq!(bytes[last], Plane::Sh1 as u8);
    bytes[last] = 77;
    // The sums of the superblock: five words a splat less.
    for at in [0x88, 0x90] {
        let sum = u64_at(&bytes, at) - 100 * 5 * 4;
        put(&mut bytes, at, &sum.to_le_bytes());
    }
    seal(&mut bytes);
    let clip = Clip::from_bytes("newer", bytes).unwrap();
    let data = decode_segment(&clip, 0).unwrap();
    assert_eq!((data.splats, data.planes[Plane::Sh1.index()].len()), (100, 0));
    assert!(verify(&clip).unwrap().is_whole());
}
