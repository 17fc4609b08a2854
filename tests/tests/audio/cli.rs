//! Sound on the command line, as a user meets it.

use std::path::Path;

use vivant::audio::{PcmSource, Wav};

use super::ply_sheet::{ENCODINGS, gaussians, write};
use super::vivant_binary::{run, stderr, stdout};
use super::{Onsets, click_at, click_track};

/// A folder with a take of 90 frames, a still, and a click track of three seconds.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("take")).unwrap();
    for number in 0..90 {
        write(&folder.path().join(format!("take/f{number}.ply")), ENCODINGS[0], &[gaussians(20, 0, number)]);
    }
    write(&folder.path().join("still.ply"), ENCODINGS[0], &[gaussians(20, 0, 1)]);
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.path().join("take.wav"), spec).unwrap();
    let mut source = click_track(3, 44_100, 2);
    let mut frames = vec![[0.0; 2]; 3 * 44_100];
    source.read(&mut frames).unwrap();
    for value in frames.iter().flatten() {
        wav.write_sample((value * 8_388_607.0) as i32).unwrap();
    }
    wav.finalize().unwrap();
    folder
}

fn ends(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
    (stdout(&output), stderr(&output))
}

#[test]
fn a_take_goes_in_is_described_and_comes_out() {
    let folder = workplace();
    let at = folder.path();
    let arguments = ["convert", "take", "-o", "take.vvt", "--audio", "take.wav"];
    let placed = [&arguments[..], &["--audio-offset", "-0.5", "--audio-position", "-0.5,1.6,0"]].concat();
    let (said, noted) = ends(at, &placed, 0);
    assert!(said.contains("sound: Opus, stereo, 3.000 s from -0.500 s on, at [-0.5, 1.6, 0.0] m"), "{said}");
    assert_eq!(noted, "");
    let (said, _) = ends(at, &["info", "take.vvt"], 0);
    assert!(said.contains("\nsound     Opus, stereo, 3.000 s"), "{said}");
    let (said, _) = ends(at, &["info", "take.vvt", "--json"], 0);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let sound = &json["audio"][0];
    assert_eq!((&sound["channels"], &sound["samples"]), (&2.into(), &144_000.into()));
    assert_eq!(sound["start_nanos"], -500_000_000);
    assert_eq!(sound["position"][0], -0.5);
    ends(at, &["verify", "take.vvt"], 0);
    let (said, _) = ends(at, &["audio", "take.vvt", "-o", "out.wav"], 0);
    assert!(said.starts_with("wrote out.wav: Opus, stereo, 3.000 s"), "{said}");
    let mut wav = Wav::open(&at.join("out.wav")).unwrap();
    let mut frames = vec![[0.0; 2]; 144_000];
    assert_eq!(wav.read(&mut frames).unwrap(), 144_000);
    let mut onsets = Onsets::new(48_000);
    let heard = frames.iter().enumerate().filter(|(_, frame)| onsets.hear(frame[0]));
    let heard: Vec<f64> = heard.map(|(frame, _)| frame as f64 / 48_000.0).collect();
    assert_eq!(heard.len(), 3);
    for (number, heard) in heard.iter().enumerate() {
        assert!((heard - click_at(number)).abs() < 0.0005, "click {number} at {heard}");
    }
}

#[test]
fn what_cannot_be_is_said_in_one_line() {
    let folder = workplace();
    let at = folder.path();
    std::fs::write(at.join("bad.wav"), b"RIFFnothing").unwrap();
    ends(at, &["convert", "take", "-o", "silent.vvt"], 0);
    let take = |more: &[&'static str]| [&["convert", "take", "-o", "out.vvt"], more].concat();
    for (arguments, expected) in [
        (take(&["--audio", "bad.wav"]), "bad.wav: header at byte"),
        (take(&["--audio", "none.wav"]), "none.wav: cannot open"),
        (take(&["--audio", "take.wav", "--audio-offset", "nan"]), "--audio-offset"),
        (take(&["--audio", "take.wav", "--audio-position", "1,2"]), "three numbers"),
        (take(&["--audio-offset", "1"]), "--audio"),
        (vec!["convert", "still.ply", "-o", "out.vvt", "--audio", "take.wav"], "static scene"),
        (vec!["convert", "take", "-o", "take.wav", "--audio", "take.wav"], "would replace"),
        (vec!["audio", "silent.vvt", "-o", "out.wav"], "0 sound tracks"),
        (vec!["audio", "silent.vvt", "-o", "silent.vvt"], "would replace"),
    ] {
        let (said, noted) = ends(at, &arguments, 2);
        assert_eq!((said.as_str(), noted.lines().count()), ("", 1), "{arguments:?}: {noted}");
        assert!(noted.contains(expected), "{arguments:?}: {noted}");
        assert!(!at.join("out.vvt").exists());
    }
}

#[test]
fn damage_is_silence_and_said() {
    let folder = workplace();
    let at = folder.path();
    ends(at, &["convert", "take", "-o", "take.vvt", "--audio", "take.wav"], 0);
    let mut bytes = std::fs::read(at.join("take.vvt")).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&ends(at, &["info", "take.vvt", "--json"], 0).0).unwrap();
    // The sound is the last thing before metadata, index and footer; its last byte is its last packet's.
    let index = u64::from_le_bytes(bytes[0x38 - 8..0x38].try_into().unwrap()) as usize;
    let metadata = u64::from_le_bytes(bytes[0x40..0x48].try_into().unwrap()) as usize;
    let last = bytes[..index.min(metadata)].iter().rposition(|&byte| byte != 0).unwrap();
    bytes[last] ^= 0x55;
    std::fs::write(at.join("hurt.vvt"), &bytes).unwrap();
    let packets = json["audio"][0]["samples"].as_u64().unwrap().div_ceil(960);
    let (said, _) = ends(at, &["verify", "hurt.vvt"], 1);
    assert!(said.contains(&format!("track[0].packet[{packets}]")), "{said}");
    let (_, noted) = ends(at, &["audio", "hurt.vvt", "-o", "out.wav"], 1);
    assert!(noted.contains("1 damaged packet"), "{noted}");
    assert!(at.join("out.wav").exists());
    let (said, _) = ends(at, &["verify", "hurt.vvt", "--repair", "saved.vvt"], 0);
    assert!(said.contains("sound track 0 saved, 0.02 s of it damaged and silent now"), "{said}");
    ends(at, &["verify", "saved.vvt"], 0);
    let (said, _) = ends(at, &["verify", "take.vvt", "--repair", "same.vvt"], 0);
    assert!(said.contains("sound track 0 saved whole"), "{said}");
}
