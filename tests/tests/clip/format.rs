//! FORMAT.md held against the writer: a second reader made from it, and its worked example.

use vivant::clip::{Clip, Compression, WriterOptions};
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
