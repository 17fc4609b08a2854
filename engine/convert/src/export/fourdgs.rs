//! `.4dgs`: a whole clip with its motion, for players of the open container (avala-ai/4dgs, *gaussian-birth*).
//!
//! What a clip has beyond that model is brought to it: curves and turns become straight parts one after the other
//! (`straight`), within a bound. Envelopes, windows, harmonics, one track of sound and the meaning of colours go over; colours are cut to
//! 0..1 and harmonics to ±4, as that container holds no others. How a clip asks to be drawn beyond its colours is left out.
//! Numbers are on grids: the container's profile *fine*, a fiftieth of the middle scale for places, half a step of 255 for
//! colours.

use std::path::Path;

use ::fourdgs::quantization::Profile;
use ::fourdgs::{AudioSource, CoordinateFrame, GaussianSet, SceneExtras, WriteOptions, write_to_vec};
use vivant::audio::Decoder;
use vivant::clip::{AUDIO_RATE, Clip, PACKET_SAMPLES};
use vivant::codec::performance_of;
use vivant::splat::{ColourDomain, Performance, Splat, sh_rest_len};
use vivant::{Error, Result};

use super::straight::{LEAST_OPACITY, Straight, shown, straight};
use crate::temporal::narrow;

/// How far a splat may be from its path, metres, unless said otherwise.
pub const BOUND: f32 = 1e-3;
/// Length of a clip that has none, seconds.
const STILL_SECONDS: f64 = 1.0;

/// What went over.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Exported {
    /// Gaussians in the file.
    pub gaussians: usize,
    /// Splats they come from.
    pub splats: usize,
    /// How far the worst is from its path, metres.
    pub off: f64,
    /// Colours and harmonics that were cut to what the container holds.
    pub cut: usize,
    /// Whether the first track of sound went over, and damaged packets of it.
    pub sound: Option<u64>,
}

/// Writes all of `clip` to `path`, splats within [`BOUND`] of their paths.
pub(super) fn write(path: &Path, clip: &Clip) -> Result<Exported> {
    let (bytes, exported) = to_bytes(clip, BOUND)?;
    std::fs::write(path, bytes).map_err(|source| Error::io(path, "cannot write", source))?;
    Ok(exported)
}

/// The bytes of a file that holds all of `clip`, splats within `bound` metres of their paths.
///
/// # Errors
/// Whatever is wrong with a segment; [`Error::Unsupported`] for a clip whose splats joints carry, and when the container's writer refuses the clip, as one that is
/// larger than its format holds.
pub fn to_bytes(clip: &Clip, bound: f32) -> Result<(Vec<u8>, Exported)> {
    super::refuse_rig(clip)?;
    let performance = performance_of(clip)?;
    let info = &performance.info;
    let seconds =
        if info.duration == 0 { STILL_SECONDS } else { info.rate.seconds_from_ticks(info.duration) };
    let (set, mut exported) = gaussians(&performance, seconds, f64::from(bound));
    let mut extras = SceneExtras::default();
    extras.provenance.frames.push(frame());
    if !clip.tracks().is_empty() {
        let (source, damaged) = sound(clip)?;
        extras.audio_sources.push(source);
        exported.sound = Some(damaged);
    }
    let space = match info.appearance.colour_domain {
        ColourDomain::Encoded => "srgb-rec709-display",
        ColourDomain::Linear => "linear-rec709-display",
    };
    let options = WriteOptions {
        profile: Profile::Fine,
        // Fainter than this no splat is drawn.
        cutoff: LEAST_OPACITY,
        // Its check has no room for the rounding of f32: a value half a step from the grid fails by a part in 10⁵.
        verify: false,
        library: concat!("vivant ", env!("CARGO_PKG_VERSION")).to_owned(),
        metadata: [("color_space".to_owned(), space.to_owned())].into(),
        ..WriteOptions::default()
    };
    let bytes = write_to_vec(&set, seconds, &options, &extras)
        .map_err(|error| Error::unsupported(format!("{}: cannot become .4dgs: {error}", clip.name())))?;
    Ok((bytes, exported))
}

/// Ours: x right, y up, z back, metres.
fn frame() -> CoordinateFrame {
    const RIGHT_HANDED: u8 = 1;
    const PLUS_Y: u8 = 1;
    const MINUS_Z: u8 = 5;
    const METRE: u8 = 1;
    CoordinateFrame {
        name: String::new(),
        handedness: RIGHT_HANDED,
        up_axis: PLUS_Y,
        forward_axis: MINUS_Z,
        length_unit: METRE,
        metres_per_unit: 1.0,
    }
}

fn gaussians(performance: &Performance, seconds: f64, bound: f64) -> (GaussianSet, Exported) {
    let (info, splats) = (&performance.info, &performance.splats);
    let coefficients = sh_rest_len(info.sh_degree);
    let mut set = GaussianSet {
        sh: (coefficients > 0).then(Vec::new),
        sh_coefficients: coefficients,
        sh_degree: info.sh_degree,
        ..GaussianSet::default()
    };
    let mut exported = Exported { splats: splats.len(), ..Exported::default() };
    for index in 0..splats.len() {
        let splat = splats.get(index);
        let own = [splat.life.start, splat.life.end]
            .map(|tick| if info.duration == 0 { tick as f64 } else { info.rate.seconds_from_ticks(tick) });
        let mut window = [own[0].max(0.0), own[1].min(seconds)];
        // A window that reaches beyond its envelope says nothing: so most splats share one.
        let alone = shown(&splat, [f64::NEG_INFINITY, f64::INFINITY]);
        if window[0] <= alone[0].max(0.0) && window[1] >= alone[1].min(seconds) {
            window = [0.0, seconds];
        }
        if alone[0] >= alone[1] {
            continue;
        }
        if window[0] >= window[1] {
            continue;
        }
        let bytes = harmonics(splats.sh_rest_of(index), coefficients, &mut exported.cut);
        let off = straight(&splat, window, bound, &mut |part| {
            push(&mut set, &splat, &part, &mut exported.cut);
            set.sh.iter_mut().for_each(|sh| sh.extend_from_slice(&bytes));
        });
        exported.off = exported.off.max(off);
    }
    exported.gaussians = set.count();
    (set, exported)
}

fn push(set: &mut GaussianSet, splat: &Splat, part: &Straight, cut: &mut usize) {
    set.positions.extend(part.mean.map(narrow));
    set.scales.extend(splat.scale);
    set.rotations.extend(part.rotation.map(narrow));
    let colour = splat.colour.map(|channel| channel.clamp(0.0, 1.0));
    *cut += usize::from(colour != splat.colour);
    set.colors.extend(colour);
    set.colors.push(splat.opacity.clamp(0.0, 1.0));
    set.motions.extend(part.velocity.map(narrow));
    set.mu_t.push(narrow(part.t0));
    set.sigma_t.push(splat.life.sigma_t);
    set.win_lo.push(narrow(part.window[0]));
    set.win_hi.push(narrow(part.window[1]));
}

/// Bytes of harmonics, all of red, then green, then blue.
fn harmonics(sh_rest: &[f32], coefficients: usize, cut: &mut usize) -> Vec<u8> {
    let mut bytes = vec![128; coefficients * 3];
    for (coefficient, rgb) in sh_rest.chunks_exact(3).take(coefficients).enumerate() {
        for (channel, value) in rgb.iter().enumerate() {
            *cut += usize::from(value.abs() > 4.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates, which is wanted"
            )]
            let byte = ((value + 4.0) * 255.0 / 8.0).round() as u8;
            bytes[channel * coefficients + coefficient] = byte;
        }
    }
    bytes
}

/// The first track as a WAV of 16 bits, and how many of its packets were damaged.
fn sound(clip: &Clip) -> Result<(AudioSource, u64)> {
    let mut decoder = Decoder::new(clip, 0)?;
    let audio = *decoder.track();
    let channels = usize::from(audio.channels);
    let too_long = || Error::unsupported(format!("{}: a sound too long for a WAV file", clip.name()));
    let frames = usize::try_from(audio.samples).map_err(|_overflow| too_long())?;
    let bytes = frames.checked_mul(channels * 2).and_then(|bytes| u32::try_from(bytes).ok());
    let bytes = bytes.filter(|bytes| *bytes < u32::MAX - 36).ok_or_else(too_long)?;
    let mut wav = wav_header(u16::from(audio.channels), bytes);
    let mut skip = u64::from(audio.pre_skip);
    let mut block = [[0.0; 2]; PACKET_SAMPLES];
    let mut damaged = 0;
    for packet in 0..audio.packets() {
        match decoder.decode(clip, packet, &mut block) {
            Err(error @ Error::Io { .. }) => return Err(error),
            Err(_) => damaged += 1,
            Ok(()) => {}
        }
        for frame in &block {
            if skip > 0 {
                skip -= 1;
            } else if wav.len() < bytes as usize + 44 {
                for sample in &frame[..channels] {
                    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is wanted")]
                    let level = (sample * 32_767.0).round() as i16;
                    wav.extend(level.to_le_bytes());
                }
            }
        }
    }
    let source = AudioSource {
        name: "track 0".to_owned(),
        codec: "wav".to_owned(),
        channel_layout: if channels == 1 { "mono" } else { "stereo" }.to_owned(),
        start_sec: audio.start_nanos as f64 * 1e-9,
        duration_sec: audio.duration_nanos() as f64 * 1e-9,
        gain: f64::from(audio.gain),
        // The container wants what comes from a place to be mono.
        spatial: audio.position.is_some() && channels == 1,
        position: audio.position.unwrap_or_default().map(f64::from),
        data: wav,
        ..AudioSource::default()
    };
    Ok((source, damaged))
}

/// The 44 bytes before samples of 16 bits at the rate of a clip's sound.
fn wav_header(channels: u16, bytes: u32) -> Vec<u8> {
    let width = channels * 2;
    let mut out = Vec::with_capacity(44 + bytes as usize);
    out.extend(b"RIFF");
    out.extend((bytes + 36).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(AUDIO_RATE.to_le_bytes());
    out.extend((AUDIO_RATE * u32::from(width)).to_le_bytes());
    out.extend(width.to_le_bytes());
    out.extend(16_u16.to_le_bytes());
    out.extend(b"data");
    out.extend(bytes.to_le_bytes());
    out
}
