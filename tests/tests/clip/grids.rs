//! Packed planes with grids, feature words and chunks that cannot be right: each is refused, and says what is wrong.

use vivant::clip::{Clip, Compression, Profile, WriterOptions};
use vivant::codec::{decode_segment, performance_to_bytes};

use super::support::bytes::{crc32c, node_at, put, seal, seal_blocks, u32_at, u64_at};
use super::support::performance;

fn packed(compression: Compression) -> Vec<u8> {
    let options = WriterOptions { compression, profile: Profile::Local, ..WriterOptions::default() };
    let mut performance = performance(33, 2000, 30, 1);
    // The turns of these splats are too odd for packed motion.
    performance.splats.motion.iter_mut().for_each(|motion| motion.spin = [0.0; 4]);
    performance_to_bytes(&performance, &options).unwrap().0
}

/// The first segment, and where its directory entry of `kind` stands.
fn entry_of(bytes: &[u8], kind: u8) -> (usize, usize) {
    let segment = u64_at(bytes, node_at(bytes, 0) + 0x10) as usize;
    let entries = (0..u32_at(bytes, segment + 0x30) as usize)
        .map(|number| segment + u32_at(bytes, segment + 4) as usize + 48 * number);
    (segment, entries.into_iter().find(|&entry| bytes[entry] == kind).unwrap())
}

fn refusal(mut bytes: Vec<u8>) -> String {
    seal(&mut bytes);
    let clip = match Clip::from_bytes("bad.vvt", bytes) {
        Ok(clip) => clip,
        Err(error) => return error.to_string(),
    };
    decode_segment(&clip, 0).unwrap_err().to_string()
}

#[test]
fn hostile_grids_are_refused_by_name() {
    let good = packed(Compression::Raw);
    assert!(decode_segment(&Clip::from_bytes("good.vvt", good.clone()).unwrap(), 0).is_ok());
    let (segment, _) = entry_of(&good, 11);
    let everything = 0x1_FC00_u32;
    assert_eq!(u32_at(&good, segment + 0x2c) & everything, everything, "the test needs every packed plane");
    let nan = f32::NAN;
    for (field, at, values) in [
        ("colour_step", 0x80, [nan, f32::INFINITY, 1e9]),
        ("colour_step", 0x84, [nan, 0.0, 1e3]),
        ("rotation_step", 0x88, [nan, 0.0, 0.6]),
        ("scale_step", 0x8c, [nan, -21.0, 20.0]),
        ("scale_step", 0x90, [nan, 0.0, 1.0]),
        ("velocity_step", 0x94, [nan, -1.0, 2.1]),
        ("velocity_step", 0x98, [nan, -1.0, f32::INFINITY]),
        ("velocity_step", 0x9c, [nan, -1.0, 1e30]),
        ("velocity_step", 0xa0, [nan, -1.0, 3.0]),
        ("window_step", 0xa4, [0_u32, 65_538, u32::MAX].map(f32::from_bits)),
    ] {
        for value in values {
            let mut bytes = good.clone();
            put(&mut bytes, segment + at, &value.to_bits().to_le_bytes());
            let line = refusal(bytes);
            assert!(line.contains(&format!("segment[0].{field}")), "{field} {value}: {line}");
        }
    }
}

/// Changes bytes of the first chunk of `kind`, stored raw, and makes its checksums hold.
fn with_chunk(mut bytes: Vec<u8>, kind: u8, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let (segment, entry) = entry_of(&bytes, kind);
    assert_eq!(bytes[entry + 2], 0, "a raw chunk");
    let at = segment + u64_at(&bytes, entry + 0x10) as usize;
    let len = u32_at(&bytes, entry + 0x18) as usize;
    change(&mut bytes[at..at + len]);
    let crc = crc32c(&bytes[at..at + len]).to_le_bytes();
    put(&mut bytes, entry + 0x20, &crc);
    put(&mut bytes, entry + 0x24, &crc);
    bytes
}

#[test]
fn hostile_clusters_and_lives_are_refused() {
    let good = packed(Compression::Raw);
    for (at, value) in [(0x28, f32::NAN), (0x30, 1e15), (0x34, 0.0), (0x34, 1e12), (0x34, f32::INFINITY)] {
        let line = refusal(with_chunk(good.clone(), 32, |chunk| put(chunk, at, &value.to_le_bytes())));
        assert!(line.contains("cluster 0 cannot be right"), "{at:#x} {value}: {line}");
    }
    for words in [[9_u32 | 3 << 16, 0], [0, 0x7c00], [0, 0x7c00_0000], [0, 0xbc00_0000]] {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let line = refusal(with_chunk(good.clone(), 15, |chunk| put(chunk, 0, &bytes)));
        assert!(line.contains("splat 0 of the segment"), "{words:x?}: {line}");
    }
}

#[test]
fn packed_planes_need_their_feature_bit_and_no_full_twin() {
    let good = packed(Compression::Raw);
    let mut bytes = good.clone();
    put(&mut bytes, 0x10, &0_u64.to_le_bytes());
    seal_blocks(&mut bytes);
    assert!(refusal(bytes).contains("without the feature bit"));
    let node = node_at(&good, 0);
    let mask = u32_at(&good, node + 0x30);
    for wrong in [mask | 1, mask & !(1 << 10), mask | 1 << 4, mask | 1 << 6] {
        let mut bytes = good.clone();
        put(&mut bytes, node + 0x30, &wrong.to_le_bytes());
        assert!(refusal(bytes).contains("plane_mask"), "{wrong:#x}");
    }
    let mut bytes = good;
    put(&mut bytes, 0x10, &0x80_u64.to_le_bytes());
    seal_blocks(&mut bytes);
    assert!(refusal(bytes).contains("needs a newer version"));
}

#[test]
fn codec_2_is_for_packed_planes_and_twelve_predictions() {
    let good = packed(Compression::Zstd(3));
    let (_, mean) = entry_of(&good, 11);
    assert_eq!(good[mean + 2], 2);
    let (_, clusters) = entry_of(&good, 32);
    for (entry, at, value, says) in [
        (mean, 3, 12, "needs a newer version"),
        (mean, 2, 3, "needs a newer version"),
        (mean, 2, 1, "needs a newer version"),
        (clusters, 2, 2, "packed planes and poses only"),
        (clusters, 3, 1, "needs a newer version"),
    ] {
        let mut bytes = good.clone();
        bytes[entry + at] = value;
        let line = refusal(bytes);
        assert!(line.contains(says), "{line}");
    }
    // The other prediction decodes, to something else: the checksum of the decoded bytes tells.
    let mut bytes = good;
    bytes[mean + 3] ^= 1;
    assert!(refusal(bytes).contains("decoded checksum"));
}
