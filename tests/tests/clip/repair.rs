//! What is saved of a damaged clip: exactly the segments that are whole, byte for byte, in a clip that verifies clean.

use std::ops::Range;
use std::sync::Arc;

use vivant::Error;
use vivant::clip::{
    Access, ByteSource, Clip, Compression, Repair, RepairReport, Segment, Writer, WriterOptions, verify,
};
use vivant::codec::decode_segment;
use vivant::frame::SegmentData;

use super::bytes_of;
use super::support::bytes::{Tampered, crc32c, node_at, put, seal, u32_at, u64_at};
use super::support::{Random, performance, sequence, still};

/// A clip with several levels, and one without level 0 whose segments follow one another.
fn originals() -> [Vec<u8>; 2] {
    let options = WriterOptions {
        metadata: r#"{"generator":"a test","source":"seed"}"#.to_owned(),
        min_node_splats: 1,
        ..WriterOptions::default()
    };
    let frames = sequence(5, 60, 24);
    [
        bytes_of(&performance(41, 500, 60, 2), Compression::Zstd(3)),
        vivant::codec::performance_to_bytes(&frames, &options).unwrap().0,
    ]
}

/// Where each segment lies in the file.
fn places(bytes: &[u8]) -> Vec<Range<usize>> {
    let nodes = 0..u32_at(bytes, 0xb4) as usize;
    let mut places: Vec<Range<usize>> = nodes
        .map(|number| {
            let node = node_at(bytes, number);
            let at = u64_at(bytes, node + 0x10) as usize;
            at..at + u64_at(bytes, node + 0x18) as usize
        })
        .collect();
    places.sort_by_key(|place| place.start);
    places
}

fn decoded(clip: &Clip) -> Vec<SegmentData> {
    let nodes = 0..clip.nodes().len() as u32;
    nodes.map(|node| SegmentData { id: (0, node), ..decode_segment(clip, node).unwrap() }).collect()
}

/// Repairs and holds the result to its promises: it opens, verifies clean, decodes, and its segments are the bytes of
/// the `kept` places of the original, in order.
fn repaired(original: &[u8], source: Box<dyn ByteSource>, kept: &[Range<usize>]) -> (Clip, RepairReport) {
    let (bytes, report) = Repair::from_source(source).unwrap().into_bytes().unwrap();
    let saved = places(&bytes);
    assert_eq!((saved.len(), report.kept as usize), (kept.len(), kept.len()), "{report:?}");
    for (new, old) in saved.iter().zip(kept) {
        assert!(bytes[new.clone()] == original[old.clone()], "{old:?} changed");
    }
    assert_eq!(report.written.file_bytes, bytes.len() as u64);
    let clip = Clip::from_bytes("repaired", bytes).unwrap();
    assert_eq!((clip.notices(), verify(&clip).unwrap().damages), (&[][..], Vec::new()));
    assert_eq!(decoded(&clip).len(), kept.len());
    (clip, report)
}

#[test]
fn a_whole_clip_is_repaired_into_itself() {
    for original in originals() {
        let (bytes, report) = Repair::from_source(Tampered::flipped(&Arc::new(original.clone()), &[]))
            .unwrap()
            .into_bytes()
            .unwrap();
        assert!(bytes == original);
        assert!(report.left_out.is_empty() && report.notes.is_empty() && report.missing == 0, "{report:?}");
    }
}

#[test]
fn a_cut_file_gives_all_its_whole_segments() {
    for original in originals() {
        let bytes = Arc::new(original.clone());
        let places = places(&original);
        let whole = Clip::from_bytes("whole", original.clone()).unwrap();
        let edges = places.iter().flat_map(|place| [place.start, place.end]);
        let near = edges.flat_map(|edge| [edge - 1, edge, edge + 1]);
        let mut random = Random::new(300);
        let anywhere = (0..300).map(|_| random.below(original.len() as u32) as usize);
        let mut results = [0; 2];
        for len in near.chain(anywhere.collect::<Vec<_>>()) {
            let kept: Vec<Range<usize>> = places.iter().filter(|place| place.end <= len).cloned().collect();
            if kept.is_empty() {
                let error = Repair::from_source(Tampered::cut(&bytes, len)).unwrap_err();
                assert!(matches!(error, Error::Malformed { .. }), "{len}: {error}");
                results[0] += 1;
                continue;
            }
            let (clip, report) = repaired(&original, Tampered::cut(&bytes, len), &kept);
            assert_eq!(report.left_out.len() + report.missing as usize, places.len() - kept.len(), "{len}");
            assert_eq!((clip.info().rate, clip.info().fps), (whole.info().rate, whole.info().fps));
            let last = clip.nodes().iter().map(|node| node.end).max().unwrap();
            assert_eq!(clip.info().duration, last, "{len}");
            results[1] += 1;
        }
        assert!(results.iter().all(|&count| count > 5) && results[1] > 150, "{results:?}");
    }
}

#[test]
fn a_clip_that_was_never_finished_gives_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let performance = sequence(7, 3000, 40);
    let options = WriterOptions { compression: Compression::Raw, ..WriterOptions::default() };
    let mut writer = Writer::create(&folder.path().join("take.vvt"), &performance.info, &options).unwrap();
    for frame in 0..30_u16 {
        let indices: Vec<usize> = (0..3000).map(|splat| usize::from(frame) * 3000 + splat).collect();
        writer
            .push_segment(
                2,
                i64::from(frame) * 1000,
                i64::from(frame) * 1000 + 1000,
                &performance.splats.select(&indices),
            )
            .unwrap();
    }
    // As after a crash: what lies there was not flushed to its end.
    let partial = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let left = std::fs::read(&partial).unwrap();
    drop(writer);
    let error = Clip::from_bytes("left", left.clone()).unwrap_err().to_string();
    assert!(error.contains("never finished") && error.contains("--repair"), "{error}");
    let (bytes, report) =
        Repair::from_source(Tampered::flipped(&Arc::new(left), &[])).unwrap().into_bytes().unwrap();
    let clip = Clip::from_bytes("saved", bytes).unwrap();
    assert!((20..=30).contains(&report.kept), "{report:?}");
    assert_eq!(clip.info().duration, i64::from(report.kept) * 1000);
    assert_eq!((clip.info().rate, clip.info().fps), (performance.info.rate, (30, 1)));
    assert!(verify(&clip).unwrap().is_whole());
    let first = &decoded(&clip)[0];
    assert_eq!((first.start, first.end), (0, 1000));
}

/// The parts of a clip by name, with bytes to flip in each.
fn parts(bytes: &[u8]) -> Vec<(&'static str, Vec<usize>)> {
    let (index, meta) = (u64_at(bytes, 0x30) as usize, u64_at(bytes, 0x40) as usize);
    let footer = bytes.len() - 4096;
    vec![
        ("superblock", vec![0, 0x28, 0x58, 0x800]),
        ("footer", vec![footer, footer + 0x50, footer + 0xfff]),
        ("both superblocks", vec![0x50, footer + 0x50]),
        ("index", vec![index, index + 70, index + 64 + 0x10]),
        ("metadata", vec![meta, meta + 5]),
    ]
}

#[test]
fn damage_outside_the_segments_costs_no_segment() {
    for original in originals() {
        let bytes = Arc::new(original.clone());
        let whole = Clip::from_bytes("whole", original.clone()).unwrap();
        for (name, flips) in parts(&original) {
            let singly = flips.iter().map(|&at| vec![(at, 0x20)]);
            let together = [flips.iter().map(|&at| (at, 0x20)).collect::<Vec<_>>()];
            for flips in singly.chain(together) {
                let (clip, report) =
                    repaired(&original, Tampered::flipped(&bytes, &flips), &places(&original));
                assert_eq!((clip.info(), clip.nodes()), (whole.info(), whole.nodes()), "{name}");
                assert_eq!((report.missing, report.notes.is_empty()), (0, false), "{name}: {report:?}");
                assert!(decoded(&clip) == decoded(&whole), "{name}");
                let kept_metadata = clip.meta_json() == whole.meta_json();
                assert_eq!(
                    kept_metadata,
                    !(name == "metadata" || (name.starts_with("both") && flips.len() > 1)),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_damaged_segment_is_left_out_and_named_and_the_others_stay() {
    for original in originals() {
        let bytes = Arc::new(original.clone());
        let index = u64_at(&original, 0x30) as usize;
        let clip = Clip::from_bytes("whole", original.clone()).unwrap();
        let places = places(&original);
        for (number, node) in clip.nodes().iter().enumerate().step_by(3) {
            let at = node.offset as usize;
            let kept: Vec<Range<usize>> = places.iter().filter(|place| place.start != at).cloned().collect();
            let chunks = Segment::read(&clip, number as u32).unwrap().chunks;
            let chunk = chunks[chunks.len() / 2];
            let in_chunk = (chunk.offset + u64::from(chunk.stored_len) / 2) as usize;
            for (part, flip) in [("header", at + 9), ("directory", at + 256 + 0x21), ("chunk", in_chunk)] {
                // With the index, and without it.
                for lost in [&[][..], &[(index + 9, 1)]] {
                    let flips = [&[(flip, 0x40)][..], lost].concat();
                    let (saved, report) = repaired(&original, Tampered::flipped(&bytes, &flips), &kept);
                    let unseen = part == "header" && !lost.is_empty();
                    assert_eq!(report.missing, u32::from(unseen), "{part}: {report:?}");
                    assert_eq!(report.left_out.len(), usize::from(!unseen), "{part}: {report:?}");
                    if let Some(left) = report.left_out.first() {
                        let named = (left.level, left.start, left.end, left.offset);
                        assert_eq!(named, (node.level, node.start, node.end, node.offset), "{part}");
                    }
                    assert_eq!(saved.info(), clip.info(), "the clip keeps its length");
                }
            }
        }
    }
}

#[test]
fn damaged_tails_and_padding_are_written_anew() {
    let [original, _] = originals();
    let bytes = Arc::new(original.clone());
    let places = places(&original);
    let index = u64_at(&original, 0x30) as usize;
    for lost in [&[][..], &[(index + 9, 1)]] {
        for place in &places {
            let flips = [&[(place.end - 3, 0x40)][..], lost].concat();
            let (_, report) = repaired(&original, Tampered::flipped(&bytes, &flips), &places);
            assert!(report.notes.iter().any(|note| note.contains("tail")), "{report:?}");
        }
        let padding = places[1].start - 1;
        assert_eq!(original[padding], 0);
        repaired(&original, Tampered::flipped(&bytes, &[&[(padding, 7)][..], lost].concat()), &places);
    }
}

#[test]
fn a_header_older_than_its_description_is_still_found() {
    for (mut original, fps) in
        [(originals()[1].clone(), 30), (bytes_of(&still(2, 900, 1), Compression::Raw), 0)]
    {
        for place in places(&original) {
            original[place.start + 0x50..place.start + 0x7c].fill(0);
        }
        seal(&mut original);
        let footer = original.len() - 4096;
        let bytes = Arc::new(original.clone());
        let lost = Tampered::flipped(&bytes, &[(0x50, 1), (footer + 0x50, 1)]);
        let (clip, report) = repaired(&original, lost, &places(&original));
        assert_eq!(clip.info().fps.0, fps);
        assert!(report.notes.iter().any(|note| note.contains("assumed")), "{report:?}");
    }
}

#[test]
fn copies_of_a_segment_and_foreign_ones_are_left_out() {
    let [_, original] = originals();
    let places = places(&original);
    // The first segment again in place of the second, where it fits: the index is lost, so only its time tells.
    let mut doubled = original.clone();
    let (first, second) = (places[0].clone(), places[1].clone());
    let len = first.len().min(second.end.next_multiple_of(4096) - second.start);
    doubled.copy_within(first.start..first.start + len, second.start);
    let index = u64_at(&doubled, 0x30) as usize;
    doubled[index] ^= 1;
    let kept: Vec<Range<usize>> = places.iter().filter(|place| **place != second).cloned().collect();
    let (_, report) = repaired(&original, Tampered::flipped(&Arc::new(doubled), &[]), &kept);
    assert_eq!(report.left_out.len(), 1);
    assert_eq!(report.left_out[0].offset, second.start as u64);
    // A segment that does not lie within the clip.
    let mut foreign = original.clone();
    put(&mut foreign, second.start + 0x18, &900_000_000_u64.to_le_bytes());
    let crc = crc32c(&foreign[second.start..second.start + 0x7c]);
    put(&mut foreign, second.start + 0x7c, &crc.to_le_bytes());
    foreign[index] ^= 1;
    let (_, report) = repaired(&original, Tampered::flipped(&Arc::new(foreign), &[]), &kept);
    assert!(report.left_out[0].why.contains("leaves the clip"), "{report:?}");
}

#[test]
fn what_is_no_clip_or_newer_is_refused() {
    let [original, _] = originals();
    let refused = |bytes: Vec<u8>| Repair::from_source(Tampered::flipped(&Arc::new(bytes), &[])).unwrap_err();
    for bytes in [Vec::new(), b"ply\nformat".to_vec(), vec![0; 100_000], original[..4096].to_vec()] {
        assert!(matches!(refused(bytes), Error::Malformed { .. }));
    }
    for at in [0x08, 0x10, 0x18] {
        let mut newer = original.clone();
        newer[at] |= 0x80;
        seal(&mut newer);
        assert!(matches!(refused(newer), Error::Unsupported { .. }), "{at:#x}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Repair::open(&folder.path().join("gone.vvt")), Err(Error::Io { .. })));
}

/// Any single byte wrong anywhere, and lies under valid checksums: a clean clip or an error, never less than the
/// segments beside the damage.
#[test]
fn one_wrong_byte_costs_at_most_one_segment() {
    let [original, _] = originals();
    let bytes = Arc::new(original.clone());
    let all = places(&original).len() as u32;
    let mut random = Random::new(9);
    for _ in 0..300 {
        let flip = (random.below(original.len() as u32) as usize, 1 << random.below(8));
        let (saved, report) =
            Repair::from_source(Tampered::flipped(&bytes, &[flip])).unwrap().into_bytes().unwrap();
        assert!(report.kept >= all - 1, "{flip:?}: {report:?}");
        assert!(verify(&Clip::from_bytes("saved", saved).unwrap()).unwrap().is_whole());
    }
    let header = places(&original)[0].start;
    for at in (0..0x78).step_by(4).chain((128..256 + 96).step_by(4)) {
        for value in [0, 1, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            let mut lie = original.clone();
            put(&mut lie, header + at, &value.to_le_bytes());
            let directory = 256 + 48 * u32_at(&original, header + 0x30) as usize;
            let crc = crc32c(&lie[header + 128..header + directory]);
            put(&mut lie, header + 0x68, &crc.to_le_bytes());
            let crc = crc32c(&lie[header..header + 0x7c]);
            put(&mut lie, header + 0x7c, &crc.to_le_bytes());
            // Everything but the segments is lost, so that every lie is believed as far as it can be.
            let flips = [(0x50, 1), (lie.len() - 1, 1)];
            if let Ok(repair) = Repair::from_source(Tampered::flipped(&Arc::new(lie), &flips)) {
                let clip = Clip::from_bytes("lie", repair.into_bytes().unwrap().0).unwrap();
                assert!(verify(&clip).unwrap().is_whole(), "{at:#x} {value:#x}");
            }
        }
    }
}

#[test]
fn files_are_repaired_into_files() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("damaged.vvt"), folder.path().join("saved.vvt"));
    let [original, _] = originals();
    std::fs::write(&from, &original[..original.len() * 2 / 3]).unwrap();
    let report = Repair::open(&from).unwrap().write(&to).unwrap();
    let clip = Clip::open(&to, Access::Auto).unwrap();
    assert_eq!((clip.nodes().len(), clip.file_bytes()), (report.kept as usize, report.written.file_bytes));
    assert!(verify(&clip).unwrap().is_whole());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
