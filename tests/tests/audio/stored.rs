//! What goes into a clip comes out of it, in its place.

use vivant::audio::{Decoder, Pcm, Placement, Wav, export_wav, push_audio};
use vivant::clip::{Clip, PACKET_SAMPLES, Writer, WriterOptions, verify};

use super::support::{Random, still};
use super::{Onsets, SECOND, click_at, click_track, clip_bytes, clip_with};

/// All samples of a track, left channel, the codec's lead-in dropped.
fn decoded(clip: &Clip) -> Vec<f32> {
    let mut decoder = Decoder::new(clip, 0).unwrap();
    let audio = *decoder.track();
    let mut out = Vec::new();
    let mut frames = [[0.0; 2]; PACKET_SAMPLES];
    for packet in 0..audio.packets() {
        decoder.decode(clip, packet, &mut frames).unwrap();
        out.extend(frames.iter().map(|frame| frame[0]));
    }
    out.drain(..audio.pre_skip as usize);
    out.truncate(audio.samples as usize);
    out
}

/// Signal to noise in decibels, and the shift in samples at which the two agree best.
fn likeness(a: &[f32], b: &[f32]) -> (f64, i64) {
    let inner = 2000..a.len() - 2000;
    let dot = |shift: i64| -> f64 {
        inner.clone().map(|at| f64::from(a[at]) * f64::from(b[(at as i64 + shift) as usize])).sum()
    };
    let best = (-60..=60).max_by(|x, y| dot(*x).total_cmp(&dot(*y))).unwrap();
    let power: f64 = inner.clone().map(|at| f64::from(a[at]).powi(2)).sum();
    let noise: f64 = inner.map(|at| (f64::from(a[at]) - f64::from(b[at])).powi(2)).sum();
    (10.0 * (power / noise).log10(), best)
}

/// Noise through a resonance, its level going up and down four times a second: what a voice is to a codec.
fn voice(frames: usize) -> Vec<f32> {
    let mut random = Random::new(7);
    let mut past = [0.0_f32; 2];
    let value = |frame: usize| {
        let pulse = if frame.is_multiple_of(400) { 3.0 } else { 0.0 };
        let now = random.float(-0.3, 0.3) + pulse + 1.84 * past[0] - 0.95 * past[1];
        past = [now, past[0]];
        now * 0.03 * (0.5 + 0.5 * (frame as f32 * 25.0 / 48_000.0).sin())
    };
    (0..frames).map(value).collect()
}

#[test]
fn tones_and_voices_come_back_in_place() {
    let tone = |frame: usize| (frame as f32 * 440.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.5;
    let (tone, voice) = ((0..96_000).map(tone).collect::<Vec<_>>(), voice(96_000));
    for (samples, channels, least) in
        [(&tone, 1, 30.0), (&tone, 2, 30.0), (&voice, 1, 10.0), (&voice, 2, 10.0)]
    {
        let spread = samples.iter().flat_map(|&value| std::iter::repeat_n(value, channels));
        let mut source = Pcm::new(48_000, channels as u8, spread.collect()).unwrap();
        let clip = clip_with(2, &mut source, &Placement::default());
        let out = decoded(&clip);
        assert_eq!(out.len(), samples.len());
        let (decibels, shift) = likeness(samples, &out);
        eprintln!("{channels} channels: {decibels:.1} dB, shift {shift}");
        assert!(shift == 0 && decibels > least, "{channels} channels: {decibels:.1} dB, shift {shift}");
    }
}

#[test]
fn clicks_come_back_where_they_were_at_every_rate() {
    for (rate, channels) in [(48_000, 1), (44_100, 2), (96_000, 1), (22_050, 2), (8_000, 1)] {
        let clip = clip_with(6, &mut click_track(6, rate, channels), &Placement::default());
        let out = decoded(&clip);
        assert_eq!(out.len(), 6 * 48_000, "{rate}");
        let mut onsets = Onsets::new(48_000);
        let heard: Vec<f64> = out
            .iter()
            .enumerate()
            .filter_map(|(frame, &value)| onsets.hear(value).then_some(frame as f64 / 48_000.0))
            .collect();
        assert_eq!(heard.len(), 6, "{rate}: {heard:?}");
        for (number, at) in heard.iter().enumerate() {
            assert!((at - click_at(number)).abs() < 0.0005, "{rate}: click {number} at {at}");
        }
    }
}

#[test]
fn any_order_of_packets_gives_the_same_sound() {
    let mut source = Pcm::new(48_000, 1, voice(48_000 * 3)).unwrap();
    let clip = clip_with(3, &mut source, &Placement::default());
    let straight = decoded(&clip);
    let mut decoder = Decoder::new(&clip, 0).unwrap();
    let pre_skip = decoder.track().pre_skip as usize;
    let mut frames = [[0.0; 2]; PACKET_SAMPLES];
    for packet in [100_u64, 7, 140, 50, 51, 3] {
        decoder.decode(&clip, packet, &mut frames).unwrap();
        let at = packet as usize * PACKET_SAMPLES - pre_skip;
        let worst = frames
            .iter()
            .zip(&straight[at..])
            .map(|(frame, value)| (frame[0] - value).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.02, "packet {packet}: {worst}");
    }
    assert!(decoder.decode(&clip, clip.tracks()[0].audio.packets(), &mut frames).is_err());
}

#[test]
fn a_track_says_what_it_is_and_the_clip_stays_whole() {
    let placement = Placement {
        start_nanos: -SECOND / 2,
        position: Some([0.0, 1.6, -0.5]),
        gain: 0.5,
        ..Placement::default()
    };
    let bytes = clip_bytes(4, &mut click_track(5, 44_100, 2), &placement);
    assert_eq!(bytes, clip_bytes(4, &mut click_track(5, 44_100, 2), &placement), "equal input, equal bytes");
    let silent = clip_bytes(4, &mut click_track(4, 44_100, 2), &placement);
    assert_ne!(bytes[0xb8..0xc8], silent[0xb8..0xc8], "another sound is another clip");
    let clip = Clip::from_bytes("clip", bytes).unwrap();
    assert!(clip.notices().is_empty() && verify(&clip).unwrap().is_whole());
    let audio = clip.tracks()[0].audio;
    assert_eq!((audio.channels, audio.start_nanos, audio.samples), (2, -SECOND / 2, 240_000));
    assert_eq!((audio.position, audio.gain, audio.duration_nanos()), (placement.position, 0.5, 5 * SECOND));
    let rate = clip.tracks()[0].stored_bytes() as f64 * 8.0 / 5.0;
    assert!(rate < 140_000.0, "{rate} bits a second");
}

#[test]
fn what_cannot_sound_is_refused() {
    let picture = still(1, 10, 0);
    let mut writer = Writer::in_memory(&picture.info, &WriterOptions::default()).unwrap();
    let error = push_audio(&mut writer, &mut click_track(1, 48_000, 1), &Placement::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("static scene"), "{error}");
    let picture = super::sequence(1, 1, 30);
    for (field, placement) in [
        ("gain", Placement { gain: f32::NAN, ..Placement::default() }),
        ("position", Placement { position: Some([0.0, f32::INFINITY, 0.0]), ..Placement::default() }),
        ("start", Placement { start_nanos: i64::MIN, ..Placement::default() }),
        ("bits", Placement { channel_bits: 1, ..Placement::default() }),
    ] {
        let mut writer = Writer::in_memory(&picture.info, &WriterOptions::default()).unwrap();
        let error =
            push_audio(&mut writer, &mut click_track(1, 48_000, 1), &placement).unwrap_err().to_string();
        assert!(error.contains(field), "{field}: {error}");
    }
}

#[test]
fn an_exported_track_is_the_track() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.wav");
    let clip = clip_with(3, &mut click_track(3, 48_000, 2), &Placement::default());
    let report = export_wav(&clip, 0, &path).unwrap();
    assert_eq!((report.samples, report.damaged_packets), (144_000, 0));
    let mut wav = Wav::open(&path).unwrap();
    let mut frames = vec![[0.0; 2]; 144_000];
    assert_eq!(vivant::audio::PcmSource::read(&mut wav, &mut frames).unwrap(), 144_000);
    let worst = frames
        .iter()
        .zip(decoded(&clip))
        .map(|(frame, value)| (frame[0] - value.clamp(-1.0, 1.0)).abs())
        .fold(0.0, f32::max);
    assert!(worst < 4e-5, "{worst}");
    assert!(export_wav(&clip, 1, &path).is_err());
}
