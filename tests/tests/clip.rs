//! The container against everything a file can do to it: truncation, flipped bits, lies with valid checksums, newer
//! formats; and the promises of the writer.
//!
//! The bar: never a panic, never an allocation the file's length does not support, an error that names the field and
//! the byte, and every flipped bit either harmless by construction or found.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use support::bytes::{Tampered, crc32c, node_at, put, seal, seal_blocks, u32_at, u64_at};
use support::{performance, sequence, still};
use vivant::clip::{Access, ByteSource, Clip, Compression, Writer, WriterOptions, verify};
use vivant::codec::{decode_segment, encode, performance_to_bytes, splats_of, write_performance};
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
            for chunk in vivant::clip::Segment::read(&whole, node).unwrap().chunks {
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
    refused(newer(&|bytes| bytes[0x10] = 1));
    refused(newer(&|bytes| bytes[0x08] = 2));
    // Bits that say "readable without knowing", and a newer minor version.
    newer(&|bytes| (bytes[0x18], bytes[0x20], bytes[0x0a]) = (1, 1, 9)).unwrap();
    // A codec and a prediction of the future, in the first chunk of the first segment.
    let bytes = small();
    let entry = u64_at(&bytes, node_at(&bytes, 0) + 0x10) as usize + 128;
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
    let last = header + 128 + 48 * (u32_at(&bytes, header + 0x30) as usize - 1);
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
    let headers = (0..128 + 48 * 3).step_by(4).map(|at| (header + at, 2));
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
    let segment = vivant::clip::Segment::read(&whole, 0).unwrap();
    let header = u64_at(&original, node_at(&original, 0) + 0x10) as usize;
    for (number, chunk) in segment.chunks.iter().enumerate() {
        let bad: u32 = match chunk.kind {
            vivant::clip::ChunkKind::Plane(Plane::Rotation) => continue,
            vivant::clip::ChunkKind::Plane(Plane::ScaleOpacity) => continue,
            vivant::clip::ChunkKind::Plane(Plane::Mean | Plane::Life) => f32::NAN.to_bits(),
            vivant::clip::ChunkKind::Clusters => f32::INFINITY.to_bits(),
            vivant::clip::ChunkKind::Plane(_) => 0x7c00,
        };
        let mut bytes = original.clone();
        let record = if chunk.count > 7 { 7 } else { 0 };
        let at = chunk.offset as usize;
        put(&mut bytes, at + record * chunk.record_bytes(), &bad.to_le_bytes());
        let crc = crc32c(&bytes[at..at + chunk.stored_len as usize]).to_le_bytes();
        let entry = header + 128 + 48 * number;
        put(&mut bytes, entry + 0x20, &crc);
        put(&mut bytes, entry + 0x24, &crc);
        seal(&mut bytes);
        let clip = Clip::from_bytes("bad", bytes).unwrap();
        let error = decode_segment(&clip, 0).unwrap_err().to_string();
        let names = format!("{} {record}", if record == 7 { "splat" } else { "cluster" });
        assert!(error.contains(&names), "{error}");
    }
}

#[test]
fn a_frame_that_expands_beyond_its_length_is_refused() {
    let mut bytes = bytes_of(&still(3, 4096, 0), Compression::Zstd(3));
    let node = node_at(&bytes, 0);
    let entry = u64_at(&bytes, node + 0x10) as usize + 128;
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

#[test]
fn the_writer_shows_nothing_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.vvt");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    std::fs::write(&path, b"what was there before").unwrap();
    let performance = sequence(1, 300, 3);
    let writer = {
        let mut writer = Writer::create(&path, &performance.info, &WriterOptions::default()).unwrap();
        writer.push_segment(1, 0, 3000, &performance.splats).unwrap();
        assert_eq!(names().len(), 2, "the partial file stands beside");
        writer
    };
    drop(writer);
    assert_eq!(names(), ["take.vvt"], "and is removed");
    assert_eq!(std::fs::read(&path).unwrap(), b"what was there before");
    write_performance(&path, &performance, &WriterOptions::default()).unwrap();
    assert_eq!(names(), ["take.vvt"]);
    assert_eq!(Clip::open(&path, Access::Auto).unwrap().splats(), 900);
    let nowhere = folder.path().join("no/such/folder.vvt");
    assert!(matches!(
        write_performance(&nowhere, &performance, &WriterOptions::default()),
        Err(Error::Io { .. })
    ));
}

#[test]
fn segments_that_do_not_fit_are_refused_by_the_writer() {
    let performance = sequence(1, 300, 3);
    let encoded = encode(&performance.splats, 0, 1000, performance.info.rate).unwrap().data;
    let push = |level: u8, change: &dyn Fn(&mut vivant::frame::SegmentData)| {
        let mut writer = Writer::in_memory(&performance.info, &WriterOptions::default()).unwrap();
        writer.push_data(1, &encoded).unwrap();
        let mut data = encoded.clone();
        change(&mut data);
        writer.push_data(level, &data)
    };
    assert!(push(2, &|_| {}).is_ok());
    assert!(push(1, &|data| (data.start, data.end) = (1000, 2000)).is_ok());
    assert!(push(1, &|_| {}).is_err(), "overlap");
    assert!(push(0, &|_| {}).is_err(), "level 0 spans the clip");
    assert!(push(8, &|_| {}).is_err());
    assert!(push(2, &|data| data.end = 3001).is_err());
    assert!(push(2, &|data| data.planes[0].truncate(3)).is_err());
    assert!(push(2, &|data| data.clusters.clear()).is_err());
    let bad = WriterOptions { metadata: "{".to_owned(), ..WriterOptions::default() };
    assert!(Writer::in_memory(&performance.info, &bad).is_err());
}

/// A second reader, from FORMAT.md alone: finds the live set of a time and the means in it.
#[test]
fn the_format_can_be_read_from_its_description() {
    let performance = performance(31, 2000, 30, 0);
    let bytes = bytes_of(&performance, Compression::Raw);
    let tick = 12_345_u64;
    let mut means: Vec<[u32; 3]> = Vec::new();
    let index = u64_at(&bytes, 0x30) as usize;
    for number in 0..u32_at(&bytes, index + 8) as usize {
        let node = index + u32_at(&bytes, index + 4) as usize + number * u32_at(&bytes, index + 12) as usize;
        if u64_at(&bytes, node) > tick || u64_at(&bytes, node + 8) <= tick {
            continue;
        }
        let segment = u64_at(&bytes, node + 0x10) as usize;
        for entry in 0..u32_at(&bytes, segment + 0x30) as usize {
            let entry = segment
                + u32_at(&bytes, segment + 4) as usize
                + entry * u32_at(&bytes, segment + 0x34) as usize;
            if bytes[entry] != 1 || bytes[entry + 2] != 0 {
                continue;
            }
            let at = segment + u64_at(&bytes, entry + 0x10) as usize;
            let len = u32_at(&bytes, entry + 0x18) as usize;
            assert_eq!(at % 4096, 0);
            assert_eq!(crc32c(&bytes[at..at + len]), u32_at(&bytes, entry + 0x20));
            for record in (at..at + len).step_by(12) {
                means.push([0, 4, 8].map(|word| u32_at(&bytes, record + word)));
            }
        }
    }
    let clip = Clip::from_bytes("ours", bytes).unwrap();
    let mut wanted: Vec<[u32; 3]> = Vec::new();
    for &node in &*clip.live_nodes(tick as i64) {
        let splats = splats_of(&decode_segment(&clip, node).unwrap(), clip.info().rate);
        wanted.extend(splats.mean.iter().map(|mean| mean.map(f32::to_bits)));
    }
    assert!(wanted.len() > 500);
    assert_eq!(means, wanted);
}

/// The worked example at the end of FORMAT.md, number by number.
#[test]
fn the_worked_example_is_true() {
    let options = WriterOptions { compression: Compression::Raw, ..WriterOptions::default() };
    let (bytes, _) = performance_to_bytes(&still(1, 300, 0), &options).unwrap();
    assert_eq!(bytes.len(), 40_960);
    let superblock = [(0x58, 0), (0xd0, 300), (0x30, 32_768), (0x38, 128), (0x40, 28_672), (0x28, 40_960)];
    assert!(superblock.iter().all(|&(at, value)| u64_at(&bytes, at) == value));
    assert!([(0xb4, 1), (0x70, 1), (0x48, 2)].iter().all(|&(at, value)| u32_at(&bytes, at) == value));
    assert_eq!(&bytes[28_672..28_674], b"{}");
    let node = node_at(&bytes, 0);
    let long = |at: usize| u64_at(&bytes, node + at);
    assert_eq!([long(0), long(8), long(0x10), long(0x18)], [0, 1, 4096, 22_896]);
    assert_eq!((u32_at(&bytes, node + 0x28), u32_at(&bytes, node + 0x30), bytes[node + 0x24]), (368, 15, 0));
    let chunks = [(32, 4096, 128), (1, 8192, 3600), (2, 12_288, 2400), (3, 16_384, 2400), (4, 20_480, 2400)];
    for (number, (kind, offset, raw_len)) in chunks.into_iter().enumerate() {
        let entry = 4224 + 48 * number;
        let found = (bytes[entry], u64_at(&bytes, entry + 0x10), u32_at(&bytes, entry + 0x1c));
        assert_eq!(found, (kind, offset, raw_len));
    }
    assert_eq!(&bytes[26_976..26_980], b"GES1");
    assert_eq!(&bytes[36_864..36_872], b"\x89VVTE\r\n\x1a");
}
