//! WAV files, good and bad: what is refused is named by file and field.

use std::path::Path;

use vivant::audio::{PcmSource, Wav};
use vivant::{Error, Result};

/// A WAV file by hand: format tag, channels, rate, bits, and the bytes of its samples.
fn file(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let align = channels * bits.div_ceil(8);
    let mut out = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    out.extend(tag.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend(rate.wrapping_mul(u32::from(align)).to_le_bytes());
    out.extend(align.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

fn open(folder: &Path, bytes: &[u8]) -> Result<Wav> {
    let path = folder.join("take.wav");
    std::fs::write(&path, bytes).unwrap();
    Wav::open(&path)
}

fn samples(folder: &Path, bytes: &[u8]) -> Result<Vec<[f32; 2]>> {
    let mut wav = open(folder, bytes)?;
    let mut frames = vec![[9.0; 2]; wav.frames() as usize + 5];
    let read = wav.read(&mut frames)?;
    frames.truncate(read);
    Ok(frames)
}

#[test]
fn every_format_reads_at_full_scale() {
    let folder = tempfile::tempdir().unwrap();
    let near = |bytes: Vec<u8>, expected: &[[f32; 2]]| {
        let read = samples(folder.path(), &bytes).unwrap();
        assert_eq!(read.len(), expected.len());
        for (a, b) in read.iter().flatten().zip(expected.iter().flatten()) {
            assert!((a - b).abs() < 1e-6, "{read:?}");
        }
    };
    near(file(1, 1, 44_100, 8, &[0, 128, 192]), &[[-1.0; 2], [0.0; 2], [0.5; 2]]);
    near(file(1, 2, 44_100, 16, &[0, 0x80, 0, 0x40]), &[[-1.0, 0.5]]);
    near(file(1, 1, 44_100, 24, &[0, 0, 0xc0, 0, 0, 0x20]), &[[-0.5; 2], [0.25; 2]]);
    near(file(1, 2, 192_000, 32, &[0, 0, 0, 0x80, 0, 0, 0, 0x40]), &[[-1.0, 0.5]]);
    let floats: Vec<u8> = [0.125_f32, -0.75].iter().flat_map(|value| value.to_le_bytes()).collect();
    near(file(3, 2, 8_000, 32, &floats), &[[0.125, -0.75]]);
}

#[test]
fn bad_files_are_named_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(1, 1, 48_000, 16, &[1; 64]);
    let nan: Vec<u8> = f32::NAN.to_le_bytes().to_vec();
    let mut long = good.clone();
    let at = long.len() - 64 - 4;
    long[at..at + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    for (what, bytes, field) in [
        ("empty", vec![], "header"),
        ("text", b"this is no sound at all, is it?".to_vec(), "header"),
        ("cut header", good[..30].to_vec(), "header"),
        ("no data", good[..36].to_vec(), "header"),
        ("cut data", good[..good.len() - 10].to_vec(), "data.length"),
        ("a lie of a length", long, "data.length"),
        ("no channels", file(1, 0, 48_000, 16, &[0; 4]), "header"),
        ("six channels", file(1, 6, 48_000, 16, &[0; 24]), "fmt.channels"),
        ("no rate", file(1, 1, 0, 16, &[0; 4]), "fmt.sample_rate"),
        ("absurd rate", file(1, 1, 1_000_000, 16, &[0; 4]), "fmt.sample_rate"),
        ("no sound", file(1, 1, 48_000, 16, &[]), "data.length"),
        ("odd bits", file(1, 1, 48_000, 12, &[0; 4]), "header"),
        ("64-bit float", file(3, 1, 48_000, 64, &[0; 8]), "header"),
        ("not a number", file(3, 1, 48_000, 32, &nan), "data"),
    ] {
        match samples(folder.path(), &bytes) {
            Err(Error::Malformed { file, field: found, why, .. }) => {
                assert!(file.ends_with("take.wav"), "{what}: {file}");
                assert_eq!(found, field, "{what}: {why}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    let adpcm = samples(folder.path(), &file(2, 1, 48_000, 16, &[0; 4]));
    assert!(matches!(adpcm, Err(Error::Unsupported { .. })), "{adpcm:?}");
    assert!(matches!(Wav::open(&folder.path().join("none.wav")), Err(Error::Io { .. })));
    assert!(matches!(Wav::open(folder.path()), Err(Error::InvalidArgument { .. })));
}

#[test]
fn no_damage_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(1, 2, 44_100, 16, &[77; 400]);
    for at in 0..44 {
        for value in [0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            // Either is right; what counts is that it comes back.
            samples(folder.path(), &bytes).ok();
        }
    }
    for len in 0..good.len() {
        assert!(samples(folder.path(), &good[..len]).is_err(), "{len}");
    }
}
