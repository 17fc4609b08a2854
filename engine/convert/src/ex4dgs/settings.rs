//! What `Ex4DGS` keeps beside its splats: the trainer's `cfg_args`, a Python `Namespace(…)` as text, of which five numbers
//! and a name are read. What is not there is what the shipped configuration of Neural 3D Video has, and said.

use std::path::Path;

use vivant::{Error, Result};

use super::keyframes::Between;
use crate::report::Report;

/// Most bytes of the settings.
const MAX_BYTES: u64 = 1 << 20;
/// Most frames, and frames between keyframes.
const MAX_FRAMES: f64 = 1_048_576.0;

/// How a scene was trained.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    /// Frames between keyframes.
    pub(super) interval: f64,
    /// Frames before the first.
    pub(super) time_pad: f64,
    /// What envelopes are widened by, frames.
    pub(super) var_pad: f64,
    /// How positions lie between keyframes.
    pub(super) between: Between,
    /// Number of frames.
    pub(super) duration: f64,
}

impl Settings {
    /// Frames by which keyframes begin before the clip.
    pub(super) fn shift(&self) -> f64 {
        let more = if self.between == Between::Linear { 0.0 } else { self.interval };
        self.time_pad + more
    }

    /// Looks in `folder` and up to three above it; holds what it finds against the number of keyframes of `file`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for settings that cannot be, or need more keyframes than there are; [`Error::Io`].
    pub(super) fn find(folder: &Path, keyframes: usize, file: &str, report: &mut Report) -> Result<Self> {
        let found =
            folder.ancestors().take(4).map(|folder| folder.join("cfg_args")).find(|path| path.is_file());
        let Some(path) = found else {
            report.note("no cfg_args of the trainer near: settings of the Neural 3D Video scenes taken");
            return Self::parse("", keyframes, [file, file], report);
        };
        let length =
            std::fs::metadata(&path).map_err(|source| Error::io(&path, "cannot open", source))?.len();
        let named = path.display().to_string();
        if length > MAX_BYTES {
            let what = format!("{named}: bytes of the settings");
            return Err(Error::LimitExceeded { what, value: length, limit: MAX_BYTES });
        }
        let text = std::fs::read(&path).map_err(|source| Error::io(&path, "cannot read", source))?;
        Self::parse(&String::from_utf8_lossy(&text), keyframes, [&named, file], report)
    }

    /// `file` is where the settings are, `keyed` where the keyframes are.
    fn parse(text: &str, keyframes: usize, [file, keyed]: [&str; 2], report: &mut Report) -> Result<Self> {
        let number = |name: &str, usual: f64, least: f64| {
            let Some(said) = value(text, name) else { return Ok(usual) };
            let number = said.parse().ok().filter(|number| (least..=MAX_FRAMES).contains(number));
            number.ok_or_else(|| wrong(file, name, &format!("'{said}' cannot be")))
        };
        let between = match value(text, "interp_type").unwrap_or("'cube'").trim_matches(['\'', '"']) {
            "cube" => Between::Cube,
            "pchip" => Between::Pchip,
            "linear" => Between::Linear,
            other => {
                return Err(Error::unsupported(format!(
                    "{file}: interp_type {other}: cube, pchip, linear are read"
                )));
            }
        };
        let mut settings = Self {
            interval: number("time_interval", 10.0, 1.0)?,
            time_pad: number("time_pad", 2.0, 0.0)?,
            var_pad: number("var_pad", 3.0, 0.0)?,
            between,
            duration: number("duration", -1.0, -1.0)?,
        };
        // The trainer makes ⌈(duration + shift + 2·time_pad + 1)/interval⌉ + 5 keyframes.
        let beside = settings.shift() + 2.0 * settings.time_pad + 1.0;
        if settings.duration <= 0.0 {
            let most = (keyframes as f64 - 5.0) * settings.interval - beside;
            settings.duration = (most / settings.interval).floor() * settings.interval;
            report.note(format!(
                "cfg_args does not say how many frames there are: {} by its {keyframes} keyframes",
                settings.duration
            ));
        }
        // The last frame lies between two keyframes that have a neighbour each.
        let last = ((settings.duration + settings.shift()) / settings.interval).floor() + 2.0;
        if settings.duration < 1.0 || last > keyframes as f64 {
            let why = format!(
                "{} frames at {} a keyframe need more than the {keyframes} keyframes of {keyed}; give its own cfg_args",
                settings.duration, settings.interval
            );
            return Err(wrong(file, "duration", &why));
        }
        Ok(settings)
    }
}

fn wrong(file: &str, field: &str, why: &str) -> Error {
    Error::malformed(file, field, 0, format!("{why}; copy it from the trainer's output again"))
}

/// What stands after `name=` in a namespace, up to the next comma.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let found = text.match_indices(name).find(|(at, _)| {
        let before = text[..*at].chars().next_back();
        let fresh = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        fresh && text[at + name.len()..].starts_with('=')
    });
    let rest = &text[found?.0 + name.len() + 1..];
    Some(rest[..rest.find([',', ')']).unwrap_or(rest.len())].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, keyframes: usize) -> Result<Settings> {
        Settings::parse(text, keyframes, ["cfg_args", "dynamic.ply"], &mut Report::default())
    }

    #[test]
    fn a_namespace_is_read() {
        let text = "Namespace(start_duration=10, duration=50, time_interval=5, time_pad=3, var_pad=4, interp_type='pchip', x=1)";
        let wanted =
            Settings { interval: 5.0, time_pad: 3.0, var_pad: 4.0, between: Between::Pchip, duration: 50.0 };
        assert_eq!(parse(text, 18).unwrap(), wanted);
        assert!((wanted.shift() - 8.0).abs() < 1e-12);
        // The shipped configuration: 300 frames make 37 keyframes.
        assert!((parse("Namespace(duration=-1)", 37).unwrap().duration - 300.0).abs() < 1e-12);
        assert!((parse("", 37).unwrap().shift() - 12.0).abs() < 1e-12);
        for (text, keyframes) in [
            ("Namespace(duration=50, time_interval=0)", 37),
            ("Namespace(duration='x')", 37),
            ("Namespace(interp_type='cubic_diff')", 37),
            ("Namespace(duration=300)", 20),
            ("Namespace(duration=-1)", 5),
            ("Namespace(time_pad=-3)", 37),
        ] {
            assert!(parse(text, keyframes).is_err(), "{text}");
        }
    }
}
