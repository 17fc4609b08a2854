//! Damaged and lying files of rigs: cut, flipped, absurd under valid checksums; and what a repair keeps.

use std::panic::catch_unwind;

use vivant::clip::{Clip, Compression, Repair, WriterOptions, verify};
use vivant::codec::{binding_of, decode_segment};
use vivant::frame::{CLUSTER_SPLATS, LiveSet};
use vivant_tests::random::Random;
use vivant_tests::rigged;

use super::bytes::{crc32c, node_at, put, seal, u32_at, u64_at};

fn small(compression: Compression) -> Vec<u8> {
    let options = WriterOptions { compression, ..WriterOptions::default() };
    rigged::bent_ball(700, 1, 5, 40, true).bytes(&options).0
}

/// Reads all there is and plays a few moments of it; what was read must be safe for a kernel.
fn use_all(bytes: Vec<u8>) -> vivant::Result<usize> {
    let clip = Clip::from_bytes("rig.vvt", bytes)?;
    verify(&clip)?;
    let mut splats = 0;
    for node in 0..clip.nodes().len() {
        let data = decode_segment(&clip, u32::try_from(node).unwrap())?;
        let joints = clip.rig().map_or(0, |rig| rig.joints().len());
        assert!(!data.drives() || data.splats == joints);
        for index in 0..if data.keys.joints > 0 { data.splats } else { 0 } {
            let binding = binding_of(&data, index).unwrap();
            assert!(binding.joints.iter().all(|&joint| usize::from(joint) < joints));
        }
        splats += if data.drives() { 0 } else { data.splats };
    }
    for part in 0..5 {
        let LiveSet { joints, .. } = vivant::playback::live_at(&clip, clip.duration_nanos() / 4 * part)?;
        assert!(joints.as_flattened().as_flattened().iter().all(|value| value.is_finite()));
    }
    Ok(splats)
}

#[test]
fn cut_and_flipped_files_are_errors_or_whole() {
    for compression in [Compression::Raw, Compression::Zstd(3)] {
        let whole = small(compression);
        let wanted = use_all(whole.clone()).unwrap();
        assert_eq!(wanted, 700);
        for place in 0..100 {
            let cut = whole[..whole.len() * place / 100].to_vec();
            assert!(use_all(cut).is_err(), "cut at {place} %");
        }
        let mut random = Random::new(11);
        let mut refused = 0;
        for _ in 0..1000 {
            let mut bytes = whole.clone();
            let bit = random.below(u32::try_from(bytes.len() * 8).unwrap());
            bytes[bit as usize / 8] ^= 1 << (bit % 8);
            match catch_unwind(|| use_all(bytes)) {
                Ok(Ok(splats)) => assert_eq!(splats, wanted, "bit {bit}"),
                Ok(Err(error)) => {
                    refused += 1;
                    assert!(error.to_string().starts_with("rig.vvt"), "{error}");
                }
                Err(_) => panic!("bit {bit}: panicked"),
            }
        }
        // The rest fell into zeros between the parts, or into one of the two superblocks.
        eprintln!("{compression:?}: {refused} of 1000 flips refused");
        assert!(refused > 100);
    }
}

/// Where the rig's entry stands in the index, and the rig.
fn places(bytes: &[u8]) -> (usize, usize) {
    let entry = node_at(bytes, u32_at(bytes, 0xb4) as usize);
    assert_eq!(u32_at(bytes, entry), 2, "the rig's entry stands behind the nodes");
    (entry, u64_at(bytes, entry + 0x08) as usize)
}

/// Makes the checksums of the rig that stands at `at` hold, and all above.
fn seal_rig(bytes: &mut [u8], (entry, at): (usize, usize)) {
    let crc = crc32c(&bytes[at..at + 0x3c]);
    put(bytes, at + 0x3c, &crc.to_le_bytes());
    let len = u64_at(bytes, entry + 0x10) as usize;
    // A length that cannot be has no checksum that could hold.
    if let Some(part) = at.checked_add(len).and_then(|end| bytes.get(at..end)) {
        let crc = crc32c(part);
        put(bytes, entry + 0x18, &crc.to_le_bytes());
    }
    seal(bytes);
}

#[test]
fn lies_under_valid_checksums_are_refused() {
    let whole = small(Compression::Raw);
    assert_eq!(u64_at(&whole, 0x10), 4, "the feature bit of rigs");
    let (entry, rig) = places(&whole);
    assert_eq!(&whole[rig..rig + 4], b"RIG1");
    let nan = f32::NAN.to_le_bytes();
    let lies: [(&str, usize, &[u8]); 13] = [
        ("index.global[0].joints", entry + 4, &0_u32.to_le_bytes()),
        ("index.global[0].joints", entry + 4, &u32::MAX.to_le_bytes()),
        ("index.global[0].stored_bytes", entry + 4, &65_536_u32.to_le_bytes()),
        ("index.global[0].stored_bytes", entry + 0x10, &u64::MAX.to_le_bytes()),
        ("index.global", entry + 8, &u64::MAX.to_le_bytes()),
        ("rig.header", entry + 4, &4_u32.to_le_bytes()),
        ("rig.header", rig + 0x0c, &6_u32.to_le_bytes()),
        ("rig.kind", rig + 8, &7_u32.to_le_bytes()),
        ("rig.joints", rig + 64, &nan),
        ("rig.joints", rig + 64 + 48, &nan),
        ("rig.joints", rig + 64 + 64, &0_u32.to_le_bytes()),
        ("rig.joints", rig + 64 + 72 + 64, &70_000_u32.to_le_bytes()),
        ("rig.name", rig + 64 + 68, &u32::MAX.to_le_bytes()),
    ];
    for (field, at, lie) in lies {
        let mut bytes = whole.clone();
        put(&mut bytes, at, lie);
        seal_rig(&mut bytes, (entry, rig));
        let error = use_all(bytes).unwrap_err().to_string();
        assert!(error.contains(field), "{field} at {at}: {error}");
    }
    // Two rigs.
    let mut bytes = whole.clone();
    put(&mut bytes, entry, &9_u32.to_le_bytes());
    seal(&mut bytes);
    let error = use_all(bytes).unwrap_err().to_string();
    assert!(error.contains("segment[0].splats"), "splats without the joints they name: {error}");
}

/// Rewrites the chunk of `kind` in segment `node` and makes every checksum above it hold.
fn with_chunk(whole: &[u8], node: usize, kind: u8, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let record = node_at(&bytes, node);
    let (segment, head) = (u64_at(&bytes, record + 0x10) as usize, u32_at(&bytes, record + 0x28) as usize);
    let entries = (segment + 256..segment + head).step_by(48);
    let entry = entries.into_iter().find(|&at| bytes[at] == kind).unwrap();
    let at = segment + u64_at(&bytes, entry + 0x10) as usize;
    let len = u32_at(&bytes, entry + 0x18) as usize;
    assert_eq!(bytes[entry + 2], 0, "stored as it is");
    change(&mut bytes[at..at + len]);
    let crc = crc32c(&bytes[at..at + len]).to_le_bytes();
    put(&mut bytes, entry + 0x20, &crc);
    put(&mut bytes, entry + 0x24, &crc);
    let crc = crc32c(&bytes[segment..segment + head]);
    put(&mut bytes, record + 0x2c, &crc.to_le_bytes());
    seal(&mut bytes);
    bytes
}

#[test]
fn words_that_cannot_be_never_reach_a_kernel() {
    let whole = small(Compression::Raw);
    for (kind, node, lie) in [
        ("a joint that is not there", 0, 5_u32 | 65_535 << 16),
        ("weights of more than one", 0, u32::MAX << 16),
        ("no turn", 1, 0),
    ] {
        let plane = if node == 0 { 19 } else { 20 };
        let bytes = with_chunk(&whole, node, plane, |chunk| {
            let at = if node == 0 { 5 * 4 * 40 } else { 16 * 3 };
            chunk[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            if node == 1 {
                chunk[at + 4..at + 8].copy_from_slice(&0_u32.to_le_bytes());
            }
        });
        let error = use_all(bytes).unwrap_err().to_string();
        assert!(error.contains("cannot be right") && error.contains("page 0"), "{kind}: {error}");
    }
    // The same change without a lie is read.
    assert_eq!(use_all(with_chunk(&whole, 1, 20, |_| ())).unwrap(), 700);
    const { assert!(700 > CLUSTER_SPLATS, "splat 40 is not the last") };
}

#[test]
fn a_repair_finds_the_rig() {
    let whole = small(Compression::Zstd(3));
    let shown = |bytes: &[u8]| {
        let clip = Clip::from_bytes("rig.vvt", bytes.to_vec()).unwrap();
        let live = vivant::playback::live_at(&clip, 700_000_000).unwrap();
        (clip.rig().cloned(), live.joints, clip.splats(), clip.bounds())
    };
    let index = u64_at(&whole, 0x30) as usize;
    let mut bytes = whole.clone();
    bytes[index + 70] ^= 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rig.vvt");
    std::fs::write(&path, &bytes).unwrap();
    let (repaired, report) = Repair::open(&path).unwrap().into_bytes().unwrap();
    assert!(report.left_out.is_empty(), "{report:?}");
    assert_eq!(shown(&repaired), shown(&whole));
    // With the rig lost as well there is nothing to save: its splats have no place.
    let (_, rig) = places(&whole);
    bytes[rig + 70] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = Repair::open(&path).unwrap_err().to_string();
    assert!(error.contains("nothing can be saved"), "{error}");
}
