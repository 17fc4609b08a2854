//! FORMAT.md held against the writer: a second reader made from it, and its worked example.

use vivant::clip::{Clip, Compression, Profile, WriterOptions};
use vivant::codec::{decode_segment, performance_to_bytes, splats_of};

use super::bytes_of;
use super::support::bytes::{crc32c, node_at, u32_at, u64_at};
use super::support::{performance, still};

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

/// Codec 2 from FORMAT.md alone: the numbers of `PackedMean`, 16 bits each, four a record.
fn number_columns(stored: &[u8], count: usize, prediction: u8) -> Vec<[u16; 4]> {
    let columns = zstd::bulk::decompress(stored, count * 8).unwrap();
    assert_eq!(columns.len(), count * 8);
    let mut out = vec![[0; 4]; count];
    for number in 0..4 {
        let mut before = 0_i32;
        for record in 0..count {
            let column = |byte: usize| i32::from(columns[(2 * number + byte) * count + record]);
            let code = column(0) + 256 * column(1);
            let difference = if code % 2 == 0 { code / 2 } else { -(code + 1) / 2 };
            let value = (before + difference).rem_euclid(65_536);
            before = if prediction == 1 { value } else { 0 };
            out[record][number] = u16::try_from(value).unwrap();
        }
    }
    out
}

/// The second reader on packed planes: means at t0 from their grids, raw and compressed, with and without prediction.
#[test]
fn packed_means_can_be_read_from_their_description() {
    let mut performance = performance(32, 3000, 30, 0);
    // The turns of these splats are too odd for packed motion.
    performance.splats.motion.iter_mut().for_each(|motion| motion.spin = [0.0; 4]);
    let mut ways = std::collections::BTreeSet::new();
    for compression in [Compression::Raw, Compression::Zstd(3)] {
        let options = WriterOptions { compression, profile: Profile::Local, ..WriterOptions::default() };
        let (bytes, _) = performance_to_bytes(&performance, &options).unwrap();
        assert_eq!(u64_at(&bytes, 0x10), 1, "the feature bit");
        let clip = Clip::from_bytes("ours", bytes.clone()).unwrap();
        for number in 0..clip.nodes().len() {
            let segment = u64_at(&bytes, node_at(&bytes, number) + 0x10) as usize;
            let (mut origins, mut means) = (Vec::new(), Vec::new());
            for entry in 0..u32_at(&bytes, segment + 0x30) as usize {
                let entry = segment + u32_at(&bytes, segment + 4) as usize + entry * 48;
                let at = segment + u64_at(&bytes, entry + 0x10) as usize;
                let (stored_len, raw_len) = (u32_at(&bytes, entry + 0x18), u32_at(&bytes, entry + 0x1c));
                let stored = &bytes[at..at + stored_len as usize];
                let count = u32_at(&bytes, entry + 0x0c) as usize;
                match (bytes[entry], bytes[entry + 2]) {
                    (32, codec) => {
                        let columns = if codec == 0 {
                            stored.to_vec()
                        } else {
                            zstd::bulk::decompress(stored, raw_len as usize).unwrap()
                        };
                        let byte = |record: usize, byte: usize| {
                            if codec == 0 {
                                columns[record * 64 + byte]
                            } else {
                                columns[byte * count + record]
                            }
                        };
                        origins.extend((0..count).map(|record| {
                            [0x28, 0x2c, 0x30, 0x34]
                                .map(|at| f32::from_le_bytes([0, 1, 2, 3].map(|b| byte(record, at + b))))
                        }));
                    }
                    (11, 0) => {
                        let word = |record: usize, at: usize| {
                            u16::from_le_bytes([stored[record * 8 + at], stored[record * 8 + at + 1]])
                        };
                        means.extend((0..count).map(|record| [0, 2, 4, 6].map(|at| word(record, at))));
                        ways.insert((0, 0));
                    }
                    (11, codec) => {
                        assert_eq!(codec, 2);
                        means.extend(number_columns(stored, count, bytes[entry + 3]));
                        ways.insert((2, bytes[entry + 3]));
                    }
                    _ => {}
                }
            }
            let data = decode_segment(&clip, u32::try_from(number).unwrap()).unwrap();
            assert_eq!(means.len(), data.splats);
            let start = clip.info().rate.seconds_from_ticks(data.start);
            let splats = splats_of(&data, clip.info().rate);
            for (index, bins) in means.iter().enumerate() {
                let [x, y, z, step] = origins[index / 256];
                let mean: [f32; 3] =
                    std::array::from_fn(|axis| [x, y, z][axis] + f32::from(bins[axis]) * step);
                let found = splats.get(index);
                // Where the splat has an envelope, ours tells the motion from its peak.
                if found.life.sigma_t.is_infinite() {
                    assert_eq!(mean.map(f32::to_bits), found.mean.map(f32::to_bits));
                    let ticks = [found.life.start, found.life.end]
                        .map(|tick| clip.info().rate.seconds_from_ticks(tick - data.start));
                    assert!((found.life.t0 - start - 0.5 * (ticks[0] + ticks[1])).abs() < 1e-5);
                }
            }
        }
    }
    assert!(ways.contains(&(0, 0)) && ways.contains(&(2, 1)), "{ways:?}");
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
    assert_eq!((u32_at(&bytes, node + 0x28), u32_at(&bytes, node + 0x30), bytes[node + 0x24]), (496, 15, 0));
    let chunks = [(32, 4096, 128), (1, 8192, 3600), (2, 12_288, 2400), (3, 16_384, 2400), (4, 20_480, 2400)];
    for (number, (kind, offset, raw_len)) in chunks.into_iter().enumerate() {
        let entry = 4352 + 48 * number;
        let found = (bytes[entry], u64_at(&bytes, entry + 0x10), u32_at(&bytes, entry + 0x1c));
        assert_eq!(found, (kind, offset, raw_len));
    }
    assert_eq!(&bytes[26_976..26_980], b"GES1");
    assert_eq!(&bytes[36_864..36_872], b"\x89VVTE\r\n\x1a");
}
