//! The palette in the file: what a hostile one can say, what damage to it costs, and what a repair keeps of it.

use std::sync::Arc;

use vivant::clip::{Clip, Compression, Profile, Repair, WriterOptions, verify};
use vivant::codec::{decode_segment, performance_to_bytes};
use vivant::frame::{Palette, Plane};

use super::support::Random;
use super::support::bytes::{Tampered, crc32c, node_at, put, seal, u32_at, u64_at};
use vivant_tests::performances;

fn with_palette(compression: Compression) -> Vec<u8> {
    let options = WriterOptions { compression, profile: Profile::Local, ..WriterOptions::default() };
    performance_to_bytes(&performances::glossy(3000), &options).unwrap().0
}

/// Where the entry of the index stands, and the palette.
fn places(bytes: &[u8]) -> (usize, usize) {
    let entry = node_at(bytes, u32_at(bytes, 0xb4) as usize);
    assert_eq!(u32_at(bytes, entry), 1, "the palette's entry stands behind the nodes");
    (entry, u64_at(bytes, entry + 0x08) as usize)
}

/// Makes the checksums of the palette's header and directory hold, and all above.
fn seal_palette(bytes: &mut [u8]) {
    let (entry, palette) = places(bytes);
    let head = u32_at(bytes, entry + 0x1c) as usize;
    let crc = crc32c(&bytes[palette + 64..palette + head]);
    put(bytes, palette + 0x20, &crc.to_le_bytes());
    let crc = crc32c(&bytes[palette..palette + 0x3c]);
    put(bytes, palette + 0x3c, &crc.to_le_bytes());
    let crc = crc32c(&bytes[palette..palette + head]);
    put(bytes, entry + 0x20, &crc.to_le_bytes());
    seal(bytes);
}

fn opened(bytes: Vec<u8>) -> Clip {
    Clip::from_bytes("palette.vvt", bytes).unwrap()
}

#[test]
fn splats_name_entries_of_the_clips_palette() {
    let bytes = with_palette(Compression::Zstd(3));
    assert_eq!(u64_at(&bytes, 0x10), 3, "feature bits of packed planes and of the palette");
    let clip = opened(bytes.clone());
    let palette = clip.palette().unwrap();
    assert!(palette.entries > 100 && palette.entries < 1000 && palette.harmonics().count() == 3);
    assert!(verify(&clip).unwrap().is_whole());
    let data = decode_segment(&clip, 0).unwrap();
    assert!(Arc::ptr_eq(data.palette.as_ref().unwrap(), palette));
    assert_eq!(data.plane_mask() & Plane::HARMONICS.iter().map(|p| p.bit()).sum::<u32>(), 0);
    // The first entry, read by hand from a file without compression.
    let raw = with_palette(Compression::Raw);
    let (entry, at) = places(&raw);
    assert_eq!(&raw[at..at + 4], b"PAL1");
    assert_eq!((u32_at(&raw, at + 8), u32_at(&raw, at + 12)), (3, u32_at(&raw, entry + 0x18)));
    let first = at + 64;
    assert_eq!((raw[first], raw[first + 2], u32_at(&raw, first + 12)), (8, 0, palette.entries as u32));
    let words = at + u64_at(&raw, first + 0x10) as usize;
    assert_eq!((0..5).map(|word| u32_at(&raw, words + word * 4)).collect::<Vec<_>>(), palette.planes[0][..5]);
}

#[test]
fn hostile_palettes_are_refused_by_name() {
    let good = with_palette(Compression::Raw);
    let (entry, _) = places(&good);
    let size = good.len() as u64;
    for (field, at, value) in [
        ("degree", 0x04, 0_u64),
        ("degree", 0x04, 4),
        ("entries", 0x18, 0),
        ("entries", 0x18, 65_537),
        ("entries", 0x18, u64::from(u32::MAX)),
        ("header_bytes", 0x18, 65_536),
        ("header_bytes", 0x04, 2),
        ("header_bytes", 0x1c, 0),
    ] {
        let mut bytes = good.clone();
        put(&mut bytes, entry + at, &(value as u32).to_le_bytes());
        seal(&mut bytes);
        let line = Clip::from_bytes("bad.vvt", bytes).unwrap_err().to_string();
        assert!(line.contains(&format!("index.global[0].{field}")), "{field} {value}: {line}");
    }
    for (field, at, value) in [
        ("stored_bytes", 0x10, 0_u64),
        ("index.global", 0x10, size),
        ("index.global", 0x08, u64::MAX - 7),
        ("index.", 0x08, 0),
    ] {
        let mut bytes = good.clone();
        put(&mut bytes, entry + at, &value.to_le_bytes());
        seal(&mut bytes);
        let line = Clip::from_bytes("bad.vvt", bytes).unwrap_err().to_string();
        assert!(line.contains(field), "{field} {value}: {line}");
    }
    // Absurd numbers of entries in the index.
    for (at, value) in [(0x18, u32::MAX), (0x18, 1000), (0x1c, 0), (0x1c, u32::MAX)] {
        let mut bytes = good.clone();
        let index = u64_at(&bytes, 0x30) as usize;
        put(&mut bytes, index + at, &value.to_le_bytes());
        seal(&mut bytes);
        let line = Clip::from_bytes("bad.vvt", bytes).unwrap_err().to_string();
        assert!(line.contains("index.globals"), "{at:#x} {value}: {line}");
    }
    let mut bytes = good;
    put(&mut bytes, 0x10, &1_u64.to_le_bytes());
    seal(&mut bytes);
    let line = Clip::from_bytes("bad.vvt", bytes).unwrap_err().to_string();
    assert!(line.contains("feature bit"), "{line}");
}

#[test]
fn a_label_beyond_the_palette_is_refused() {
    let mut bytes = with_palette(Compression::Raw);
    let entries = opened(bytes.clone()).palette().unwrap().entries as u32;
    let segment = u64_at(&bytes, node_at(&bytes, 0) + 0x10) as usize;
    let directory = segment + u32_at(&bytes, segment + 4) as usize;
    let chunk = (0..u32_at(&bytes, segment + 0x30) as usize)
        .map(|number| directory + 48 * number)
        .find(|&at| bytes[at] == 18)
        .unwrap();
    let words = segment + u64_at(&bytes, chunk + 0x10) as usize;
    for (label, right) in [(entries - 1, true), (entries, false), (0x1_0000, false)] {
        put(&mut bytes, words + 4 * 7, &label.to_le_bytes());
        let crc = crc32c(&bytes[words..words + u32_at(&bytes, chunk + 0x18) as usize]);
        put(&mut bytes, chunk + 0x20, &crc.to_le_bytes());
        put(&mut bytes, chunk + 0x24, &crc.to_le_bytes());
        seal(&mut bytes);
        match decode_segment(&opened(bytes.clone()), 0) {
            Ok(_) => assert!(right, "{label}"),
            Err(error) => {
                let line = error.to_string();
                let wanted = format!("splat 7 of the segment names entry {label} of a palette of {entries}");
                assert!(!right && line.contains(&wanted), "{label}: {line}");
            }
        }
    }
}

/// A part of the palette, and what is done to it.
type Harm<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>));

#[test]
fn a_damaged_palette_costs_the_harmonics_and_nothing_else() {
    let good = with_palette(Compression::Raw);
    let whole = decode_segment(&opened(good.clone()), 0).unwrap();
    let (_, at) = places(&good);
    let chunk_at = at + u64_at(&good, at + 64 + 0x10) as usize;
    let chunk = |bytes: &mut Vec<u8>, field: usize, value: u32| {
        put(bytes, at + 64 + field, &value.to_le_bytes());
        seal_palette(bytes);
    };
    let cases: [Harm<'_>; 8] = [
        ("palette.header", &|bytes| bytes[at + 9] ^= 1),
        ("palette.header", &|bytes| bytes[at + 64 + 0x20] ^= 1),
        ("palette.Plane(Sh1) page 0", &|bytes| bytes[chunk_at + 5] ^= 1),
        ("palette.chunk[0]", &|bytes| chunk(bytes, 0x10, 64)),
        ("palette.chunk[0]", &|bytes| chunk(bytes, 0x0c, 7)),
        ("palette.chunk[0]", &|bytes| chunk(bytes, 0x1c, u32::MAX)),
        ("palette.chunk[0]", &|bytes| chunk(bytes, 0x00, 9)),
        ("palette.Sh1", &|bytes| {
            put(bytes, chunk_at, &0x7c00_u32.to_le_bytes());
            let crc = crc32c(&bytes[chunk_at..chunk_at + u32_at(bytes, at + 64 + 0x18) as usize]);
            put(bytes, at + 64 + 0x20, &crc.to_le_bytes());
            chunk(bytes, 0x24, crc);
        }),
    ];
    for (part, harm) in cases {
        let mut bytes = good.clone();
        harm(&mut bytes);
        let clip = opened(bytes);
        assert!(clip.palette().is_none());
        let [notice] = clip.notices() else { panic!("{part}: {:?}", clip.notices()) };
        assert!(notice.starts_with(part) && notice.contains("plays without"), "{notice}");
        let data = decode_segment(&clip, 0).unwrap();
        assert_eq!(data.palette, None);
        assert_eq!(data.planes, whole.planes);
        assert_eq!(data.shown_planes() & Plane::PackedHarmonics.bit(), 0);
        assert_eq!(vivant::codec::splats_of(&data, clip.info().rate).sh_degree, 0);
        assert!(!verify(&clip).unwrap().is_whole(), "{part}");
    }
}

#[test]
fn a_repair_keeps_the_palette_where_it_can_be_found() {
    let good = Arc::new(with_palette(Compression::Zstd(3)));
    let wanted = opened(good.to_vec()).palette().cloned().unwrap();
    let index = u64_at(&good, 0x30) as usize;
    let (_, at) = places(&good);
    let repaired = |flips: &[(usize, u8)]| {
        let repair = Repair::from_source(Tampered::flipped(&good, flips)).unwrap();
        let (bytes, report) = repair.into_bytes().unwrap();
        (opened(bytes), report)
    };
    for flips in [&[][..], &[(index + 70, 1)], &[(index + 70, 1), (100, 1), (good.len() - 4000, 1)]] {
        let (clip, report) = repaired(flips);
        assert!(verify(&clip).unwrap().is_whole() && clip.notices().is_empty(), "{flips:?}: {report:?}");
        assert_eq!(clip.palette().map(|palette| &**palette), Some(&*wanted), "{flips:?}");
        assert_eq!(clip.info().sh_degree, 3);
        assert_eq!(report.kept, 1);
    }
    for flips in [&[(at + 70, 1)][..], &[(index + 70, 1), (at + 70, 1)], &[(index + 70, 1), (at + 2000, 1)]] {
        let (clip, report) = repaired(flips);
        let said = report.notes.iter().any(|note| note.contains("plays without colour"));
        assert!(said && report.kept == 1, "{flips:?}: {report:?}");
        assert_eq!((clip.palette(), clip.notices().len()), (None, 1));
        assert_eq!(decode_segment(&clip, 0).unwrap().palette, None);
    }
}

/// Any single byte of palette, entry or directory wrong: found, and the splats are there all the same or the file says no.
#[test]
fn every_wrong_byte_of_a_palette_is_found() {
    let good = Arc::new(with_palette(Compression::Zstd(3)));
    let (entry, at) = places(&good);
    let len = u64_at(&good, entry + 0x10) as usize;
    let mut random = Random::new(6);
    let inside = |random: &mut Random, from: usize, len: usize| from + random.below(len as u32) as usize;
    for round in 0..400 {
        let byte = match round % 3 {
            0 => inside(&mut random, at, 64 + 48 * 3),
            1 => inside(&mut random, at, len),
            _ => inside(&mut random, entry, 64),
        };
        let source = Tampered::flipped(&good, &[(byte, 1 << random.below(8))]);
        match Clip::from_source(source) {
            Ok(clip) => {
                assert!(!verify(&clip).unwrap().is_whole(), "byte {byte}");
                assert!(decode_segment(&clip, 0).is_ok(), "byte {byte}");
            }
            Err(error) => assert!(byte >= entry, "byte {byte}: {error}"),
        }
    }
}

#[test]
fn a_writer_takes_one_sound_palette() {
    let performance = performances::glossy(1000);
    let mut writer = vivant::clip::Writer::in_memory(&performance.info, &WriterOptions::default()).unwrap();
    let words = |entries: usize| Plane::HARMONICS.map(|plane| vec![0; entries * plane.words()]);
    let none = Palette::default();
    let uneven = Palette { entries: 2, planes: words(3) };
    let mut gap = Palette { entries: 2, planes: words(2) };
    gap.planes[0].clear();
    let large = Palette { entries: 65_537, planes: words(65_537) };
    for wrong in [none, uneven, gap, large] {
        assert!(writer.push_palette(wrong).is_err());
    }
    let good = Palette { entries: 2, planes: words(2) };
    writer.push_palette(good.clone()).unwrap();
    assert!(writer.push_palette(good).is_err());
}
