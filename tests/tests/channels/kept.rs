//! Channels stay with their splats: through order, levels of detail, cutting, quantising, tracks, rest.

use vivant::channel::{Channel, ChannelKind};
use vivant::clip::{ChannelReader, Clip, Profile, Writer, WriterOptions};
use vivant::codec::{SequenceWriter, decode_segment, performance_of, performance_to_bytes, splats_at};
use vivant::splat::{Performance, Splats};
use vivant_tests::{limb, performances};

fn options(profile: Profile) -> WriterOptions {
    WriterOptions { profile, ..WriterOptions::default() }
}

fn clip_of(performance: &Performance, profile: Profile) -> Clip {
    let (bytes, _) = performance_to_bytes(performance, &options(profile)).unwrap();
    Clip::from_bytes("carrying.vvt", bytes).unwrap()
}

/// Gives every splat its number, and what tells a splat apart: the product of its scales.
fn numbered(mut performance: Performance) -> Performance {
    let splats = &mut performance.splats;
    let sizes: Vec<f32> = splats.scale.iter().map(|[x, y, z]| x * y * z).collect();
    splats.channels =
        vec![Channel::labels("number", (0..splats.len() as u32).collect()), Channel::numbers("size", &sizes)];
    performance
}

#[test]
fn every_splat_keeps_what_it_carries() {
    for (name, performance) in [
        ("still", numbered(performances::still(6000, 1))),
        ("moving", numbered(performances::moving(6000))),
        ("windows", numbered(performances::sequence(12))),
    ] {
        for profile in [Profile::Raw, Profile::Local, Profile::Network] {
            let back = performance_of(&clip_of(&performance, profile)).unwrap().splats;
            assert!(back.len() > 3000, "{name}: {}", back.len());
            let [number, size] = &back.channels[..] else { panic!("{name}: {:?}", back.channels.len()) };
            assert_eq!((number.name.as_str(), number.kind), ("number", ChannelKind::Label));
            assert_eq!((size.name.as_str(), size.kind), ("size", ChannelKind::Number));
            // The profiles round a log-scale by 2 % at most.
            let mut off = 0;
            for index in 0..back.len() {
                let original = number.words[index] as usize;
                let wanted: f32 = performance.splats.scale[original].iter().product();
                assert_eq!(size.words[index], wanted.to_bits(), "{name}: the two channels disagree");
                let found: f32 = back.scale[index].iter().product();
                assert!(
                    (found / wanted).ln().abs() < 0.08,
                    "{name} {profile:?}: splat {index} is not {original}"
                );
                off += usize::from(original != index);
            }
            assert!(off > back.len() / 2, "{name}: nothing was put into another order");
        }
    }
}

#[test]
fn nothing_is_stored_for_what_carries_nothing() {
    let plain = performances::still(3000, 0);
    let mut empty = ChannelReader::new().unwrap();
    let clip = clip_of(&plain, Profile::Local);
    assert_eq!(empty.read(&clip, 0).unwrap(), []);
    assert_eq!(clip.channels().unwrap(), (Vec::new(), 0));
    // Two labels over a surface cost little.
    let mut labelled = plain.clone();
    let part = |mean: &[f32; 3]| u32::from(mean[1] > 0.0);
    labelled.splats.channels = vec![Channel::labels("part", plain.splats.mean.iter().map(part).collect())];
    let bytes = |performance: &Performance| clip_of(performance, Profile::Local).nodes()[0].stored_bytes;
    let more = bytes(&labelled) - bytes(&plain);
    assert!((500..1600).contains(&more), "{more} bytes for 3000 labels");
}

/// Frames of a limb whose splats carry their number, and a label that changes at a frame.
fn frames(count: usize, frames: usize, changes: usize) -> Vec<Splats> {
    let mut out = limb::frames(count, frames);
    for (number, frame) in out.iter_mut().enumerate() {
        let numbers: Vec<f32> = (0..count).map(|index| index as f32).collect();
        frame.channels = vec![
            Channel::numbers("number", &numbers),
            Channel::labels("half", vec![if number < changes { 7 } else { 9 }; count]),
        ];
    }
    out
}

fn tracks_of(frames: &[Splats], ids: Option<&[u32]>) -> Clip {
    let mut writer = Writer::in_memory(&limb::info(frames.len()), &options(Profile::Local)).unwrap();
    let mut sequence = SequenceWriter::new(&mut writer, frames[0].len(), 256).unwrap();
    for frame in frames {
        sequence.push(frame.clone(), ids).unwrap();
    }
    sequence.finish().unwrap();
    Clip::from_bytes("tracks.vvt", writer.finish_bytes().unwrap().0).unwrap()
}

#[test]
fn tracks_keep_what_they_carry() {
    let (count, length) = (4000, 90);
    let frames = frames(count, length, 45);
    let ids: Vec<u32> = (0..count as u32).map(|index| index * 3 + 5).collect();
    for ids in [None, Some(ids.as_slice())] {
        let clip = tracks_of(&frames, ids);
        let mut reader = ChannelReader::new().unwrap();
        let rate = clip.info().rate;
        let (mut looked_at, mut before, mut after) = (0, 0, 0);
        for node in 0..clip.nodes().len() as u32 {
            let data = decode_segment(&clip, node).unwrap();
            let channels = reader.read(&clip, node).unwrap();
            let [number, half] = &channels[..] else { panic!("{}", channels.len()) };
            assert_eq!((number.words.len(), half.words.len()), (data.splats, data.splats));
            let middle = rate.seconds_from_ticks(data.start + data.end) * 0.5;
            let splats = splats_at(&data, rate, middle);
            for index in 0..splats.len() {
                let life = splats.get(index).life;
                if life.start >= life.end {
                    // A track that went to shorter segments.
                    continue;
                }
                // Where the original is at a time at which this one shows.
                let seconds =
                    middle.clamp(rate.seconds_from_ticks(life.start), rate.seconds_from_ticks(life.end - 1));
                let frame = (seconds * 30.0 + 1e-6) as usize;
                let original = f32::from_bits(number.words[index]) as usize;
                let wanted = frames[frame.min(length - 1)].mean[original];
                let off =
                    (0..3).map(|axis| (splats.mean[index][axis] - wanted[axis]).powi(2)).sum::<f32>().sqrt();
                // In a frame the limb's end moves by 5 cm and its neighbours are 2 cm away.
                assert!(off < 0.12, "segment {node}, splat {index}: {off} m from splat {original}");
                looked_at += 1;
                let early = (data.start + data.end) / 2 < 45_000 - 500;
                match half.words[index] {
                    7 => before += 1,
                    9 => after += 1,
                    other => panic!("label {other}"),
                }
                // What rests has the label that it had when its run began, and a run ends where the label changes.
                if life.end - life.start < 20_000 {
                    assert_eq!(half.words[index], if early { 7 } else { 9 }, "{node} {index} {life:?}");
                }
            }
        }
        assert!(looked_at > count && before > count / 2 && after > count / 2, "{looked_at} {before} {after}");
    }
}

#[test]
fn a_floor_that_changes_its_label_is_another_floor() {
    let frames = frames(4000, 90, 45);
    let clip = tracks_of(&frames, None);
    // At each time, every splat of the floor has one label, and late in the clip it is the new one.
    let mut reader = ChannelReader::new().unwrap();
    let labels_at = |reader: &mut ChannelReader, tick: i64| -> Vec<u32> {
        let mut out = Vec::new();
        for &node in &*clip.live_nodes(tick) {
            let data = decode_segment(&clip, node).unwrap();
            let splats = splats_at(&data, clip.info().rate, clip.info().rate.seconds_from_ticks(tick));
            let half = reader.read_named(&clip, node, "half").unwrap().unwrap();
            let shows = |index: &usize| {
                let life = splats.get(*index).life;
                (life.start..life.end).contains(&tick)
            };
            out.extend((0..splats.len()).filter(shows).map(|index| half.words[index]));
        }
        out
    };
    let (early, late) = (labels_at(&mut reader, 2_000), labels_at(&mut reader, 85_000));
    assert_eq!((early.len(), late.len()), (4000, 4000));
    assert!(early.iter().all(|&label| label == 7));
    assert!(late.iter().all(|&label| label == 9), "{}", late.iter().filter(|&&label| label == 7).count());
    assert_eq!(reader.read_named(&clip, 0, "whole").unwrap(), None);
}

#[test]
fn what_cannot_be_is_refused_before_it_is_written() {
    let mut performance = performances::still(300, 0);
    performance.splats.channels = vec![Channel::labels("part", vec![0; 299])];
    let error = performance_to_bytes(&performance, &options(Profile::Raw)).unwrap_err().to_string();
    assert!(error.contains("299 values for 300 splats"), "{error}");
    performance.splats.channels =
        (0..9).map(|number| Channel::labels(&format!("c{number}"), vec![0; 300])).collect();
    assert!(performance_to_bytes(&performance, &options(Profile::Raw)).is_err());
}
