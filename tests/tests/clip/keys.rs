//! Keys, poses and patches that cannot be right: each is refused, and says what is wrong; a second reader made from
//! FORMAT.md joins keys and poses as ours does.

#![expect(clippy::cast_sign_loss, reason = "places in a table are small")]

use vivant::clip::{Clip, Compression, Profile, Writer, WriterOptions};
use vivant::codec::{SequenceWriter, decode_segment, splats_at};
use vivant_tests::limb;

use super::support::bytes::{crc32c, node_at, put, seal, u32_at, u64_at};

fn tracks(compression: Compression) -> Vec<u8> {
    let options = WriterOptions { compression, profile: Profile::Network, ..WriterOptions::default() };
    let frames = limb::frames(3000, 30);
    let mut writer = Writer::in_memory(&limb::info(30), &options).unwrap();
    let mut sequence = SequenceWriter::new(&mut writer, 3000, 1024).unwrap();
    frames.into_iter().for_each(|frame| sequence.push(frame, None).unwrap());
    sequence.finish().unwrap();
    writer.finish_bytes().unwrap().0
}

/// The number of a node with poses.
fn posed(bytes: &[u8]) -> usize {
    let clip = Clip::from_bytes("good.vvt", bytes.to_vec()).unwrap();
    clip.nodes().iter().position(|node| node.keys.poses > 0).unwrap()
}

fn refusal(mut bytes: Vec<u8>, node: usize) -> String {
    seal(&mut bytes);
    match Clip::from_bytes("bad.vvt", bytes) {
        Ok(clip) => decode_segment(&clip, u32::try_from(node).unwrap()).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}

/// Where the first chunk of `kind` stands: its directory entry, its bytes.
fn chunk(bytes: &[u8], node: usize, kind: u8) -> (usize, std::ops::Range<usize>) {
    let segment = u64_at(bytes, node_at(bytes, node) + 0x10) as usize;
    let entries = (0..u32_at(bytes, segment + 0x30) as usize)
        .map(|number| segment + u32_at(bytes, segment + 4) as usize + 48 * number);
    let entry = entries.into_iter().find(|&entry| bytes[entry] == kind).unwrap();
    let at = segment + u64_at(bytes, entry + 0x10) as usize;
    (entry, at..at + u32_at(bytes, entry + 0x18) as usize)
}

#[test]
fn hostile_keys_and_poses_are_refused_by_name() {
    let good = tracks(Compression::Raw);
    let number = posed(&good);
    let node = node_at(&good, number);
    let segment = u64_at(&good, node + 0x10) as usize;
    for (at, value) in [(0, 0), (0, 2), (0, 17), (1, 3), (2, 0), (3, 17), (4, 1), (4, 65)] {
        let mut bytes = good.clone();
        bytes[node + 0x38 + at] = value;
        let line = refusal(bytes, number);
        assert!(line.contains(&format!("index.node[{number}].keys")), "{at} {value}: {line}");
    }
    // Other numbers than the writer's, which there may be: the segment says so itself.
    let mut bytes = good.clone();
    bytes[node + 0x3b] ^= 2;
    let line = refusal(bytes, number);
    assert!(line.contains("superblock") || line.contains("segment"), "{line}");
    for (field, at, value) in [
        ("pose_step", 0xc0, f32::NAN),
        ("pose_step", 0xcc, 0.0),
        ("pose_step", 0xcc, f32::INFINITY),
        ("lod_gains", 0xb0, 0.5),
        ("lod_gains", 0xb4, f32::NAN),
    ] {
        let mut bytes = good.clone();
        put(&mut bytes, segment + at, &value.to_le_bytes());
        let line = refusal(bytes, number);
        assert!(line.contains(&format!("segment[{number}].{field}")), "{field} {value}: {line}");
    }
    // A patch that there is not.
    let (entry, range) = chunk(&good, number, 11);
    let mut bytes = good.clone();
    put(&mut bytes, range.start + 6, &0xffff_u16.to_le_bytes());
    let crc = crc32c(&bytes[range]).to_le_bytes();
    put(&mut bytes, entry + 0x20, &crc);
    put(&mut bytes, entry + 0x24, &crc);
    let line = refusal(bytes, number);
    assert!(line.contains("splat 0 of the segment"), "{line}");
}

/// Means at a moment from FORMAT.md alone: cluster table, packed means with their keys, poses.
#[test]
fn tracks_can_be_read_from_their_description() {
    let bytes = tracks(Compression::Raw);
    let number = posed(&bytes);
    let clip = Clip::from_bytes("ours", bytes.clone()).unwrap();
    let node = clip.nodes()[number];
    let f32_at = |at: usize| f64::from(f32::from_bits(u32_at(&bytes, at)));
    let i16_at = |at: usize| f64::from(i16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let u16_at = |at: usize| f64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let segment = node.offset as usize;
    let (clusters, means, poses) = (
        chunk(&bytes, number, 32).1.start,
        chunk(&bytes, number, 11).1.start,
        chunk(&bytes, number, 33).1.start,
    );
    let basis = |keys: usize, fraction: f64| {
        let along = fraction * (keys - 3) as f64;
        let first = (along as usize).min(keys - 4);
        let u = along - first as f64;
        let v = 1.0 - u;
        let third = -3.0 * u.powi(3) + 3.0 * u * u + 3.0 * u + 1.0;
        (first, [v.powi(3), 3.0 * u.powi(3) - 6.0 * u * u + 4.0, third, u.powi(3)].map(|w| w / 6.0))
    };
    let (keys, pose_keys) = (usize::from(node.keys.mean), usize::from(node.keys.poses));
    assert!(keys >= 4, "the test needs keys");
    for fraction in [0.0, 0.37, 0.999] {
        let ticks = node.start as f64 + fraction * (node.end - node.start) as f64;
        let seconds = ticks / 30_000.0;
        let ours = splats_at(&decode_segment(&clip, number as u32).unwrap(), clip.info().rate, seconds);
        for splat in (0..node.splats as usize).step_by(37).take_while(|&splat| splat < 2048) {
            let cluster = clusters + splat / 256 * 64;
            let record = means + splat * keys * 8;
            let (first, weights) = basis(keys, fraction);
            let local: [f64; 3] = std::array::from_fn(|axis| {
                let sum: f64 =
                    (0..4).map(|key| weights[key] * u16_at(record + (first + key) * 8 + axis * 2)).sum();
                f32_at(cluster + 0x28 + axis * 4) + sum * f32_at(cluster + 0x34)
            });
            let patch = u16_at(record + 6) as usize;
            let (first, weights) = basis(pose_keys, fraction);
            let joined = |word: usize| -> f64 {
                (0..4)
                    .map(|key| {
                        weights[key] * i16_at(poses + (patch * pose_keys + first + key) * 16 + word * 2)
                    })
                    .sum()
            };
            let q = glam::DQuat::from_xyzw(joined(0), joined(1), joined(2), joined(3)).normalize();
            let shift = glam::DVec3::from_array(std::array::from_fn(|axis| {
                f32_at(segment + 0xc0 + axis * 4) + f32_at(segment + 0xcc) * joined(4 + axis)
            }));
            let mean = q * glam::DVec3::from_array(local) + shift;
            let off = (mean - glam::Vec3::from_array(ours.mean[splat]).as_dvec3()).length();
            assert!(off < 1e-6, "splat {splat} at {fraction}: {off}");
        }
    }
}
