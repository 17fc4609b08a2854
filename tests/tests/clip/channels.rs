//! Channels against damage and lies: they are verified, kept by a repair, never in the way of playing, and no number in
//! them makes a reader panic or allocate what the file does not support.

use std::sync::Arc;

use vivant::Error;
use vivant::channel::Channel;
use vivant::clip::{ChannelReader, ChunkKind, Clip, Compression, Repair, Segment, verify};
use vivant::codec::decode_segment;
use vivant::splat::Performance;

use super::support::bytes::{Tampered, crc32c, node_at, put, seal, u32_at, u64_at};
use super::support::performance;
use super::{LARGEST, bytes_of};

fn carrying() -> Performance {
    let mut performance = performance(31, 900, 60, 1);
    let count = performance.splats.len() as u32;
    performance.splats.channels = vec![
        Channel::labels("part", (0..count).map(|index| index % 5).collect()),
        Channel::labels("sam", (0..count).map(|index| index.wrapping_mul(2_654_435_761)).collect()),
        Channel::numbers("trust", &(0..count).map(|index| index as f32 * 0.5).collect::<Vec<_>>()),
    ];
    performance
}

fn open(bytes: &[u8]) -> Clip {
    Clip::from_bytes("carrying", bytes.to_vec()).unwrap()
}

fn all(clip: &Clip) -> Vec<Vec<Channel>> {
    let mut reader = ChannelReader::new().unwrap();
    (0..clip.nodes().len() as u32).map(|node| reader.read(clip, node).unwrap()).collect()
}

/// The entry of a chunk in the directory of node 0, and the chunk.
fn entry_of(bytes: &[u8], kind: ChunkKind) -> (usize, vivant::clip::Chunk) {
    let segment = Segment::read(&open(bytes), 0).unwrap();
    let number = segment.chunks.iter().position(|chunk| chunk.kind == kind).unwrap();
    let header = u64_at(bytes, node_at(bytes, 0) + 0x10) as usize;
    (header + 256 + 48 * number, segment.chunks[number])
}

#[test]
fn the_file_is_as_the_format_says() {
    let bytes = bytes_of(&carrying(), Compression::Raw);
    let (entry, table) = entry_of(&bytes, ChunkKind::Channels);
    assert_eq!((bytes[entry], u32_at(&bytes, entry + 0x0c), table.raw_len), (64, 3, 3 * 72));
    let record = &bytes[table.offset as usize + 72..][..72];
    assert_eq!((record[0], record[1], &record[2..8], &record[8..11]), (0, 3, &[0; 6][..], &b"sam"[..]));
    assert!(record[11..].iter().all(|&byte| byte == 0));
    assert_eq!(bytes[table.offset as usize + 144], 1, "numbers");
    let (entry, words) = entry_of(&bytes, ChunkKind::Channel(2));
    let splats = open(&bytes).nodes()[0].splats;
    assert_eq!((bytes[entry], u32_at(&bytes, entry + 0x0c)), (67, splats));
    let first = f32::from_bits(u32_at(&bytes, words.offset as usize));
    assert_eq!(first.to_bits(), all(&open(&bytes))[0][2].words[0]);
    assert!(verify(&open(&bytes)).unwrap().is_whole());
    // A reader that knows nothing of them: kinds that it passes over, and the planes are those of a clip without.
    let mut older = bytes.clone();
    let header = u64_at(&older, node_at(&older, 0) + 0x10) as usize;
    for number in 0..Segment::read(&open(&bytes), 0).unwrap().chunks.len() {
        let kind = &mut older[header + 256 + 48 * number];
        *kind = if *kind >= 64 { *kind + 100 } else { *kind };
    }
    seal(&mut older);
    let [with, without] = [&bytes, &older].map(|bytes| decode_segment(&open(bytes), 0).unwrap());
    assert!(with.planes == without.planes && with.clusters == without.clusters);
    assert_eq!(all(&open(&older))[0], []);
}

#[test]
fn damage_to_channels_is_found_and_keeps_nothing_from_playing() {
    let bytes = bytes_of(&carrying(), Compression::Zstd(3));
    let whole = decode_segment(&open(&bytes), 0).unwrap();
    for kind in [ChunkKind::Channels, ChunkKind::Channel(1)] {
        let (_, chunk) = entry_of(&bytes, kind);
        for byte in 0..chunk.stored_len as usize {
            let mut damaged = bytes.clone();
            damaged[chunk.offset as usize + byte] ^= 1 << (byte % 8);
            let clip = open(&damaged);
            assert_eq!(decode_segment(&clip, 0).unwrap().planes, whole.planes);
            let mut reader = ChannelReader::new().unwrap();
            let error = reader.read(&clip, 0).unwrap_err().to_string();
            assert!(error.contains(&format!("{kind:?} page 0")) && error.contains("another copy"), "{error}");
            if byte % 64 == 0 {
                let found = verify(&clip).unwrap().damages;
                assert_eq!((found.len(), found[0].kind), (1, Some(kind)));
                assert_eq!(clip.channels().unwrap().1, 1, "one segment cannot be told of");
            }
        }
    }
}

#[test]
fn a_repair_keeps_what_splats_carry() {
    let bytes = bytes_of(&carrying(), Compression::Zstd(3));
    let wanted = all(&open(&bytes));
    assert!(wanted.len() > 3 && wanted.iter().all(|channels| channels.len() == 3));
    // Whole, without its index, and cut off.
    let index = u64_at(&bytes, 0x30) as usize;
    let shared = Arc::new(bytes.clone());
    let sources = [
        Tampered::flipped(&shared, &[]),
        Tampered::flipped(&shared, &[(index, 1), (bytes.len() - 2000, 1)]),
        Tampered::cut(&shared, index),
    ];
    for source in sources {
        let (saved, _) = Repair::from_source(source).unwrap().into_bytes().unwrap();
        assert_eq!(all(&open(&saved)), wanted);
        assert!(verify(&open(&saved)).unwrap().is_whole());
    }
    // A segment whose channels are damaged is not whole.
    let (_, chunk) = entry_of(&bytes, ChunkKind::Channel(0));
    let source = Tampered::flipped(&shared, &[(chunk.offset as usize, 4)]);
    let repair = Repair::from_source(source).unwrap();
    assert_eq!(repair.report().left_out.len(), 1);
    assert!(repair.report().left_out[0].why.contains("Channel(0)"), "{:?}", repair.report().left_out);
}

#[test]
fn tables_that_cannot_be_are_refused_with_words() {
    let bytes = bytes_of(&carrying(), Compression::Raw);
    let (entry, table) = entry_of(&bytes, ChunkKind::Channels);
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        put(&mut bytes, table.offset as usize + at, value);
        let crc = crc32c(&bytes[table.offset as usize..][..table.raw_len as usize]).to_le_bytes();
        put(&mut bytes, entry + 0x20, &crc);
        put(&mut bytes, entry + 0x24, &crc);
        seal(&mut bytes);
        let clip = open(&bytes);
        decode_segment(&clip, 0).unwrap();
        match ChannelReader::new().unwrap().read(&clip, 0) {
            Err(error @ Error::Malformed { .. }) => error.to_string(),
            other => panic!("{at}: {other:?}"),
        }
    };
    assert!(with(0, &[9]).contains("kind 9"));
    for (at, value) in [(1, &[0][..]), (1, &[65]), (1, &[255]), (8, &[0xff]), (8, b"\n")] {
        assert!(with(at, value).contains("channel 0 has a name that is none"), "{at}");
    }
    assert!(
        with(72 + 1, &[4, 0, 0, 0, 0, 0, 0, b'p', b'a', b'r', b't'])
            .contains("channel 1 has the name of another")
    );
}

#[test]
fn absurd_directories_are_refused_before_anything_is_allocated() {
    let original = bytes_of(&carrying(), Compression::Zstd(3));
    let mut refused = 0;
    for kind in [ChunkKind::Channels, ChunkKind::Channel(0), ChunkKind::Channel(2)] {
        let (entry, _) = entry_of(&original, kind);
        for at in (0..48).step_by(4) {
            for value in [0, 1, 2, 9, 66, 255, 0x7fff_ffff, u32::MAX] {
                let mut bytes = original.clone();
                put(&mut bytes, entry + at, &u32::to_le_bytes(value));
                seal(&mut bytes);
                let Ok(clip) = Clip::from_source(Tampered::flipped(&Arc::new(bytes), &[])) else { continue };
                LARGEST.with(|largest| largest.set(0));
                let read = ChannelReader::new().unwrap().read(&clip, 0);
                let played = decode_segment(&clip, 0);
                let largest = LARGEST.with(std::cell::Cell::get);
                assert!(largest <= 1 << 20, "{kind:?} {at:#x} {value:#x}: {largest} bytes at once");
                refused += usize::from(read.is_err());
                // Whatever is wrong with a directory is wrong with its segment.
                assert!(read.is_ok() || played.is_ok() || Segment::read(&clip, 0).is_err());
            }
        }
    }
    assert!(refused > 150, "{refused}");
    // A file that ends within them.
    let shared = Arc::new(original.clone());
    let (_, chunk) = entry_of(&original, ChunkKind::Channel(2));
    let clip = Clip::from_source(Tampered::flipped(&shared, &[])).unwrap();
    drop(clip);
    assert!(Clip::from_source(Tampered::cut(&shared, chunk.offset as usize + 5)).is_err());
}
