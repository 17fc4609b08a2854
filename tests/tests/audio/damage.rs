//! Damage and lies: what is damaged is silent and counted, what lies is refused, and nothing panics.

use std::sync::Arc;

use vivant::Error;
use vivant::audio::{Decoder, Pcm, Placement, export_wav};
use vivant::clip::{AudioTrack, Clip, PACKET_SAMPLES, PacketReader, Repair, Writer, WriterOptions, verify};
use vivant::playback::{AudioOptions, AudioReader, Clock};

use super::support::bytes::{Tampered, crc32c, put, seal, u32_at, u64_at};
use super::support::{Random, sequence};
use super::{SECOND, click_track, clip_bytes};

/// Offset of the first track's entry in the file.
fn track_at(bytes: &[u8]) -> usize {
    let index = u64_at(bytes, 0x30) as usize;
    assert_eq!((u32_at(bytes, index + 0x10), u32_at(bytes, index + 0x14)), (1, 96), "as FORMAT.md says");
    index + 64 + 64 * u32_at(bytes, index + 8) as usize
}

/// Offset of packet `number` of the first track in the file, and its length.
fn packet_at(bytes: &[u8], number: usize) -> (usize, usize) {
    let chunk = track_at(bytes) + 96 + 32 * (number / 50);
    let offset = u64_at(bytes, chunk) as usize;
    let count = u32_at(bytes, chunk + 0x0c) as usize;
    let len = |packet: usize| u32_at(bytes, offset + 8 * packet) as usize;
    let before: usize = (0..number % 50).map(len).sum();
    (offset + 8 * count + before, len(number % 50))
}

/// Decodes every packet; the numbers of those that failed.
fn failures(clip: &Clip) -> Vec<u64> {
    let mut decoder = Decoder::new(clip, 0).unwrap();
    let mut frames = [[0.0; 2]; PACKET_SAMPLES];
    let fails = |packet: &u64| {
        let failed = decoder.decode(clip, *packet, &mut frames).is_err();
        assert!(!failed || frames.iter().flatten().all(|value| value.abs() < f32::MIN_POSITIVE), "silence");
        failed
    };
    (0..clip.tracks()[0].audio.packets()).filter(fails).collect()
}

#[test]
fn a_damaged_packet_is_silent_and_its_neighbours_are_not() {
    let bytes = Arc::new(clip_bytes(4, &mut click_track(4, 48_000, 1), &Placement::default()));
    let (at, len) = packet_at(&bytes, 71);
    for flip in [at, at + len / 2, at + len - 1] {
        let clip = Clip::from_source(Tampered::flipped(&bytes, &[(flip, 0x10)])).unwrap();
        assert_eq!(failures(&clip), [71]);
        let report = verify(&clip).unwrap();
        assert_eq!(report.damages.len(), 1, "{report:?}");
        assert_eq!(report.damages[0].part, "track[0].packet[71]");
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(export_wav(&clip, 0, &folder.path().join("o.wav")).unwrap().damaged_packets, 1);
    }
    // The table of the second chunk: its second is silent, the others are whole.
    let (first, _) = packet_at(&bytes, 50);
    let clip = Clip::from_source(Tampered::flipped(&bytes, &[(first - 9, 1)])).unwrap();
    assert_eq!(failures(&clip), (50..100).collect::<Vec<_>>());
    // The file shortened while it is open is damage too, of another kind.
    let whole = Clip::from_source(Tampered::flipped(&bytes, &[])).unwrap();
    assert!(failures(&whole).is_empty());
}

#[test]
fn playback_goes_on_over_damage_and_counts_it() {
    let bytes = Arc::new(clip_bytes(4, &mut click_track(4, 48_000, 1), &Placement::default()));
    let flips: Vec<(usize, u8)> =
        [60, 61, 130].iter().map(|&number| (packet_at(&bytes, number).0 + 2, 0xff)).collect();
    let clip = Arc::new(Clip::from_source(Tampered::flipped(&bytes, &flips)).unwrap());
    let mut reader = AudioReader::open(clip.clone(), 0, AudioOptions::default()).unwrap();
    let mut clock = Clock::new(&clip.info());
    clock.play(0);
    reader.follow(&clock);
    let mut frames = [0.0; 960];
    for block in 0..400 {
        let host = block * SECOND / 100;
        assert!(reader.settle(host, std::time::Duration::from_secs(20)));
        assert_eq!(reader.read(host, &mut frames).missing_frames, 0);
    }
    assert_eq!(reader.stats().damaged_packets, 3);
    let told: Vec<String> = std::iter::from_fn(|| reader.error()).map(|error| error.to_string()).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("track[0].packet[60]"), "{told:?}");
}

#[test]
fn lies_in_the_track_table_are_refused_by_name() {
    let good = clip_bytes(2, &mut click_track(2, 48_000, 1), &Placement::default());
    let entry = track_at(&good);
    let chunk = entry + 96;
    let index = u64_at(&good, 0x30) as usize;
    let nan = f32::NAN.to_le_bytes();
    let lies: [(&str, usize, &[u8]); 22] = [
        ("index.tracks", index + 0x10, &u32::MAX.to_le_bytes()),
        ("index.tracks", index + 0x10, &65_u32.to_le_bytes()),
        ("index.tracks", index + 0x14, &95_u32.to_le_bytes()),
        ("index.tracks", index + 0x14, &u32::MAX.to_le_bytes()),
        ("index.track[0].chunks", entry + 0x08, &u32::MAX.to_le_bytes()),
        ("index.track[0].chunks", entry + 0x0c, &31_u32.to_le_bytes()),
        ("index.track[0].samples", entry + 0x08, &1_u32.to_le_bytes()),
        ("index.track[0].start", entry + 0x10, &i64::MIN.to_le_bytes()),
        ("index.track[0].samples", entry + 0x18, &0_u64.to_le_bytes()),
        ("index.track[0].samples", entry + 0x18, &u64::MAX.to_le_bytes()),
        ("index.track[0].samples", entry + 0x18, &100_000_u64.to_le_bytes()),
        ("index.track[0].sample_rate", entry + 0x20, &44_100_u32.to_le_bytes()),
        ("index.track[0].channels", entry + 0x24, &[3]),
        ("index.track[0].sample_rate", entry + 0x28, &5760_u32.to_le_bytes()),
        ("index.track[0].pre_skip", entry + 0x2c, &u32::MAX.to_le_bytes()),
        ("index.track[0].gain", entry + 0x30, &nan),
        ("index.track[0].chunk[0]", chunk + 0x08, &u32::MAX.to_le_bytes()),
        ("index.track[0].chunk[0]", chunk + 0x08, &8_u32.to_le_bytes()),
        ("index.track[0].chunk[0]", chunk + 0x0c, &0_u32.to_le_bytes()),
        ("index.track[0].chunk[1]", chunk + 32 + 0x10, &u64::MAX.to_le_bytes()),
        ("index.track", chunk, &u64::MAX.to_le_bytes()),
        ("index.track", chunk, &4096_u64.to_le_bytes()),
    ];
    for (field, at, value) in lies {
        let mut bytes = good.clone();
        put(&mut bytes, at, value);
        seal(&mut bytes);
        match Clip::from_bytes("liar", bytes) {
            // A lie about a place may be found from its neighbour's side.
            Err(Error::Malformed { field: found, .. }) if field == "index.track" => {
                assert!(found.starts_with("index"), "{found}");
            }
            Err(Error::Malformed { field: found, .. }) => assert_eq!(found, field, "{value:?}"),
            other => panic!("{field} at {at}: {other:?}"),
        }
    }
    let mut bytes = clip_bytes(
        2,
        &mut click_track(2, 48_000, 1),
        &Placement { position: Some([1.0; 3]), ..Placement::default() },
    );
    let entry = track_at(&bytes);
    put(&mut bytes, entry + 0x34, &nan);
    seal(&mut bytes);
    let error = Clip::from_bytes("liar", bytes).unwrap_err().to_string();
    assert!(error.contains("index.track[0].position"), "{error}");
}

#[test]
fn a_track_of_the_future_is_left_out_with_a_word() {
    let good = clip_bytes(2, &mut click_track(2, 48_000, 1), &Placement::default());
    for field in [0x00, 0x04] {
        let mut bytes = good.clone();
        let entry = track_at(&bytes);
        put(&mut bytes, entry + field, &9_u32.to_le_bytes());
        seal(&mut bytes);
        let clip = Clip::from_bytes("future", bytes).unwrap();
        assert!(clip.tracks().is_empty() && clip.notices()[0].contains("newer version"));
        assert!(verify(&clip).unwrap().is_whole());
        assert!(AudioReader::open(Arc::new(clip), 0, AudioOptions::default()).is_err());
    }
}

/// A reader of version 1.0 that knew no tracks: it looks at neither field, and what it looks at is as it was.
#[test]
fn a_reader_that_knows_no_tracks_finds_everything_it_knows() {
    let mut bytes = clip_bytes(2, &mut click_track(2, 48_000, 1), &Placement::default());
    assert_eq!((u64_at(&bytes, 0x10), u64_at(&bytes, 0x18)), (0, 1), "incompat and ro-compat features");
    let index = u64_at(&bytes, 0x30) as usize;
    put(&mut bytes, index + 0x10, &[0; 8]);
    seal(&mut bytes);
    let clip = Clip::from_bytes("old", bytes).unwrap();
    assert_eq!((clip.nodes().len(), clip.tracks().len(), clip.notices().len()), (1, 0, 0));
}

#[test]
fn hostile_packets_under_valid_checksums_are_silence() {
    let mut random = Random::new(3);
    let picture = sequence(1, 1, 120);
    for channels in [1, 2] {
        let mut writer = Writer::in_memory(&picture.info, &WriterOptions::default()).unwrap();
        let audio = AudioTrack {
            channels,
            pre_skip: 312,
            start_nanos: 0,
            samples: 960 * 200 - 312,
            gain: 1.0,
            position: None,
        };
        let mut left = 200;
        let push = writer.push_track(&audio, &mut |packet| {
            left -= 1;
            let len = random.below(300) as usize;
            packet.extend((0..len).map(|_| random.word() as u8));
            Ok(left >= 0)
        });
        push.unwrap();
        let clip = Clip::from_bytes("hostile", writer.finish_bytes().unwrap().0).unwrap();
        assert!(verify(&clip).unwrap().is_whole(), "its bytes are what was written");
        let failed = failures(&clip).len();
        assert!(failed > 100, "most are no packets of 20 ms: {failed}");
    }
    // Lengths in a chunk's table that lie, under the right checksum of the table.
    let good = clip_bytes(2, &mut click_track(2, 48_000, 1), &Placement::default());
    let chunk = track_at(&good) + 96;
    let (offset, packets) = (u64_at(&good, chunk) as usize, u32_at(&good, chunk + 0x0c) as usize);
    for lie in [0, u32::MAX, u32::MAX - 1000] {
        let mut bytes = good.clone();
        put(&mut bytes, offset + 8 * 3, &lie.to_le_bytes());
        let crc = crc32c(&bytes[offset..offset + 8 * packets]);
        put(&mut bytes, chunk + 0x18, &crc.to_le_bytes());
        seal(&mut bytes);
        let clip = Clip::from_bytes("liar", bytes).unwrap();
        assert_eq!(failures(&clip), (0..50).collect::<Vec<_>>(), "{lie}");
        assert!(PacketReader::new().read(&clip, 0, 50).is_ok());
    }
}

#[test]
fn random_damage_never_panics() {
    let bytes = Arc::new(clip_bytes(2, &mut click_track(2, 48_000, 2), &Placement::default()));
    let mut random = Random::new(11);
    let from = packet_at(&bytes, 0).0 - 400;
    for _ in 0..60 {
        let flips: Vec<(usize, u8)> = (0..1 + random.below(20))
            .map(|_| (from + random.below((bytes.len() - from) as u32) as usize, 1 << random.below(8)))
            .collect();
        if let Ok(clip) = Clip::from_source(Tampered::flipped(&bytes, &flips))
            && !clip.tracks().is_empty()
        {
            failures(&clip);
            verify(&clip).unwrap();
        }
    }
}

#[test]
fn sound_is_repaired_packet_by_packet() {
    for channels in [1, 2] {
        let placement =
            Placement { position: Some([1.0, 2.0, 3.0]), start_nanos: 40_000_000, ..Placement::default() };
        let value = |at: usize| ((at % 100) as f32 * 0.02 * std::f32::consts::PI).sin() * 0.5;
        let samples = (0..4 * 48_000).flat_map(|at| std::iter::repeat_n(value(at), usize::from(channels)));
        let mut tone = Pcm::new(48_000, channels, samples.collect()).unwrap();
        let good = Arc::new(clip_bytes(4, &mut tone, &placement));
        // A whole clip is repaired into itself, sound and all.
        let (bytes, report) =
            Repair::from_source(Tampered::flipped(&good, &[])).unwrap().into_bytes().unwrap();
        assert!(bytes == *good && report.notes.is_empty(), "{report:?}");
        assert_eq!((report.tracks.len(), report.tracks[0].silent_packets), (1, 0));
        // Two packets and the table of a chunk.
        let (table, _) = packet_at(&good, 100);
        let flips = [(packet_at(&good, 30).0 + 1, 0x40), (packet_at(&good, 31).0, 1), (table - 9, 1)];
        let damaged = |packet: &u64| [30, 31].contains(packet) || (100..150).contains(packet);
        let (bytes, report) =
            Repair::from_source(Tampered::flipped(&good, &flips)).unwrap().into_bytes().unwrap();
        assert_eq!((report.tracks[0].packets, report.tracks[0].silent_packets), (201, 52), "{report:?}");
        assert!((report.tracks[0].silent_seconds() - 1.04).abs() < 1e-9);
        let (old, new) =
            (Clip::from_bytes("good", good.to_vec()).unwrap(), Clip::from_bytes("new", bytes).unwrap());
        assert!(verify(&new).unwrap().is_whole());
        assert_eq!(new.tracks()[0].audio, old.tracks()[0].audio);
        let (mut from, mut to) = (PacketReader::new(), PacketReader::new());
        let mut decoder = Decoder::new(&new, 0).unwrap();
        let mut frames = [[0.0; 2]; PACKET_SAMPLES];
        for packet in 0..201 {
            let same = from.read(&old, 0, packet).unwrap() == to.read(&new, 0, packet).unwrap();
            assert_eq!(same, !damaged(&packet), "{packet}");
            decoder.decode(&new, packet, &mut frames).unwrap();
            if damaged(&packet) {
                // The packet before rings on for a moment.
                let loudest =
                    frames[240..].iter().flatten().fold(0.0_f32, |most, value| most.max(value.abs()));
                assert!(loudest < 1e-3, "{packet}: {loudest}");
            }
        }
    }
}

#[test]
fn sound_that_cannot_be_saved_is_said() {
    let good = Arc::new(clip_bytes(2, &mut click_track(2, 48_000, 1), &Placement::default()));
    let index = u64_at(&good, 0x30) as usize;
    let lost = Repair::from_source(Tampered::flipped(&good, &[(index + 70, 1)])).unwrap();
    assert!(lost.report().tracks.is_empty());
    assert!(lost.report().notes.iter().any(|note| note.contains("its sound cannot be found")), "{lost:?}");
    let cut = Repair::from_source(Tampered::cut(&good, index)).unwrap();
    assert!(cut.report().notes.iter().any(|note| note.contains("its sound cannot be found")), "{cut:?}");
    let silent = Clip::from_bytes("good", good.to_vec()).unwrap();
    let packets = silent.tracks()[0].audio.packets() as usize;
    let flips: Vec<(usize, u8)> = (0..packets).map(|packet| (packet_at(&good, packet).0, 4)).collect();
    let (bytes, report) =
        Repair::from_source(Tampered::flipped(&good, &flips)).unwrap().into_bytes().unwrap();
    assert!(report.notes[0].contains("sound track 0 is left out"), "{report:?}");
    assert!(report.tracks.is_empty() && Clip::from_bytes("silent", bytes).unwrap().tracks().is_empty());
}
