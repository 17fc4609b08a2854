//! How a clip asks to be drawn: kept by the file and by a repair, in both of the file's blocks and in each segment; what
//! no version knows is refused by name and byte.

use std::sync::Arc;

use vivant::Error;
use vivant::clip::{Clip, Compression, Repair, Writer, WriterOptions};
use vivant::splat::{Antialias, Appearance, ColourDomain, Kernel, Performance, ShOrigin};

use super::bytes_of;
use super::support::bytes::{Tampered, crc32c, node_at, put, seal_blocks, u64_at};
use super::support::performance;

const AT: usize = 0xd8;

fn drawn(appearance: Appearance) -> Performance {
    let mut out = performance(51, 200, 30, 0);
    out.info.appearance = appearance;
    out
}

const ODD: Appearance = Appearance {
    antialias: Antialias::PixelIntegral,
    sh_origin: ShOrigin::Rest,
    kernel: Kernel::Surfel,
    colour_domain: ColourDomain::Linear,
};

#[test]
fn every_appearance_survives_the_file() {
    for &antialias in Antialias::ALL {
        for rest in 0..8_u8 {
            let bytes = [antialias.byte(), rest & 1, rest >> 1 & 1, rest >> 2];
            let appearance = Appearance::from_bytes(bytes).unwrap();
            let file = bytes_of(&drawn(appearance), Compression::Zstd(1));
            assert_eq!(file[AT..AT + 4], bytes);
            assert_eq!(Clip::from_bytes("ours", file).unwrap().info().appearance, appearance);
        }
    }
}

#[test]
fn an_appearance_of_another_version_is_refused() {
    let whole = bytes_of(&drawn(ODD), Compression::Zstd(1));
    for (number, field) in Appearance::FIELDS.into_iter().enumerate() {
        for value in [9_u8, 255] {
            let mut bytes = whole.clone();
            bytes[AT + number] = value;
            seal_blocks(&mut bytes);
            let said = match Clip::from_bytes("newer", bytes.clone()).unwrap_err() {
                error @ Error::Malformed { .. } => error.to_string(),
                other => panic!("{other}"),
            };
            assert!(said.contains(&format!("superblock.{field}")), "{said}");
            assert!(said.contains(&format!("is {value}")) && said.contains("update vivant"), "{said}");
            assert!(said.contains(&(AT + number).to_string()) || said.contains("0xd"), "{said}");
        }
    }
}

#[test]
fn a_repair_keeps_it_with_and_without_the_blocks() {
    let whole = bytes_of(&drawn(ODD), Compression::Zstd(1));
    let repaired = |bytes: Vec<u8>| {
        let (saved, report) =
            Repair::from_source(Tampered::flipped(&Arc::new(bytes), &[])).unwrap().into_bytes().unwrap();
        (Clip::from_bytes("saved", saved).unwrap().info(), report)
    };
    let (info, report) = repaired(whole.clone());
    assert_eq!((info.appearance, report.notes.len()), (ODD, 0));
    // Neither block: the segments say it.
    let mut lost = whole.clone();
    let footer = lost.len() - 4096;
    lost[20] ^= 1;
    lost[footer + 20] ^= 1;
    assert_eq!(repaired(lost.clone()).0.appearance, ODD);
    // Nor they: as usual, and said.
    for number in 0..Clip::from_bytes("ours", whole.clone()).unwrap().nodes().len() {
        let segment = u64_at(&whole, node_at(&whole, number) + 0x10) as usize;
        lost[segment + 0x6c] = 77;
        let crc = crc32c(&lost[segment..segment + 0x7c]);
        put(&mut lost, segment + 0x7c, &crc.to_le_bytes());
    }
    let (info, report) = repaired(lost);
    assert_eq!(info.appearance, Appearance::default());
    assert!(report.notes.iter().any(|note| note.contains("how the clip is to be drawn")), "{report:?}");
}

#[test]
fn a_clip_that_was_never_finished_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.vvt");
    let performance = drawn(ODD);
    let whole = bytes_of(&performance, Compression::Zstd(1));
    std::fs::write(&path, &whole[..whole.len() - 5000]).unwrap();
    assert_eq!(Repair::open(&path).unwrap().info().appearance, ODD);
    let writer = Writer::in_memory(&performance.info, &WriterOptions::default()).unwrap();
    assert_eq!(writer.info().appearance, ODD);
}
