//! Sound on the command line: the arguments that put a track into a clip, and how a track is described.

use std::path::{Path, PathBuf};

use anyhow::bail;
use vivant::audio::{Placement, Wav, push_audio};
use vivant::clip::{AUDIO_RATE, AudioTrack, Track, Writer};

/// A sound track for the clip.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Sound")]
pub(crate) struct AudioArgs {
    /// A WAV file, mono or stereo, to go into the clip as Opus
    #[arg(long, value_name = "TAKE.wav")]
    audio: Option<PathBuf>,
    /// Seconds from the start of the clip to that of the sound; negative when it starts before
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0.0,
        requires = "audio",
        allow_negative_numbers = true
    )]
    audio_offset: f64,
    /// Where in the scene it sounds from, metres, +Y up [default: nowhere]
    #[arg(long, value_name = "X,Y,Z", requires = "audio", value_parser = position, allow_hyphen_values = true)]
    audio_position: Option<[f32; 3]>,
}

/// A sound that is to go into a clip.
pub(crate) struct Audio {
    wav: Wav,
    placement: Placement,
}

impl AudioArgs {
    /// The file, if one was named.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.audio.as_deref()
    }

    /// Opens it, so that what is wrong with it is said before anything is converted.
    pub(crate) fn open(&self) -> anyhow::Result<Option<Audio>> {
        let Some(path) = self.path() else { return Ok(None) };
        let start = (self.audio_offset * 1e9).round();
        if !start.is_finite() || start.abs() > 1e15 {
            bail!("--audio-offset {}: must lie within eleven days", self.audio_offset);
        }
        #[expect(clippy::cast_possible_truncation, reason = "limited above")]
        let start_nanos = start as i64;
        let placement = Placement { start_nanos, position: self.audio_position, ..Placement::default() };
        Ok(Some(Audio { wav: Wav::open(path)?, placement }))
    }
}

impl Audio {
    /// Encodes it into a clip.
    pub(crate) fn push(&mut self, writer: &mut Writer) -> vivant::Result<AudioTrack> {
        push_audio(writer, &mut self.wav, &self.placement)
    }
}

/// Three numbers.
fn position(text: &str) -> Result<[f32; 3], String> {
    let numbers: Result<Vec<f32>, _> = text.split(',').map(|number| number.trim().parse::<f32>()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, z]) if [x, y, z].iter().all(|value| value.is_finite()) => Ok([x, y, z]),
        _ => Err("three numbers of metres are due, such as 0,1.6,-0.5".to_owned()),
    }
}

/// A track in a few words.
pub(crate) fn as_text(audio: &AudioTrack) -> String {
    let layout = if audio.channels == 1 { "mono" } else { "stereo" };
    let place = audio.position.map_or("no position".to_owned(), |at| format!("at {at:?} m"));
    let gain = if (audio.gain - 1.0).abs() > f32::EPSILON {
        format!(", gain {:.2}", audio.gain)
    } else {
        String::new()
    };
    format!(
        "Opus, {layout}, {:.3} s from {:.3} s on, {place}{gain}",
        audio.samples as f64 / f64::from(AUDIO_RATE),
        audio.start_nanos as f64 * 1e-9
    )
}

/// A stored track in a few words.
pub(crate) fn line(track: &Track) -> String {
    let seconds = track.audio.samples as f64 / f64::from(AUDIO_RATE);
    let rate = track.stored_bytes() as f64 * 8e-3 / seconds;
    format!("{}, {rate:.0} kb/s", as_text(&track.audio))
}

/// A track for programs.
pub(crate) fn as_json(audio: &AudioTrack) -> serde_json::Value {
    serde_json::json!({
        "codec": "opus",
        "channels": audio.channels,
        "sample_rate": AUDIO_RATE,
        "pre_skip": audio.pre_skip,
        "samples": audio.samples,
        "start_nanos": audio.start_nanos,
        "duration_nanos": audio.duration_nanos(),
        "gain": audio.gain,
        "position": audio.position,
    })
}

/// A stored track for programs.
pub(crate) fn track_json(track: &Track) -> serde_json::Value {
    let mut value = as_json(&track.audio);
    value["stored_bytes"] = track.stored_bytes().into();
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_three_numbers() {
        assert_eq!(position("0,1.6, -0.5"), Ok([0.0, 1.6, -0.5]));
        for wrong in ["", "1,2", "1,2,3,4", "a,b,c", "nan,0,0", "1e99,0,0"] {
            assert!(position(wrong).is_err(), "{wrong}");
        }
    }
}
