//! What importers of `PyTorch` checkpoints share: columns of equal length, the time they count in, and the settings that the
//! trainer left beside the file. Also the door for checkpoints that no format knows.
//!
//! A checkpoint holds what was optimised and little of what it means: the stretch of time, and the factors by which a
//! trainer shifts it, stand in its settings. Those are looked for in text files beside the checkpoint and one folder up
//! (YAML, Python, or the `Namespace(…)` of `cfg_args`), by name: `time_duration: [0.0, 10.0]`. What is not found is taken
//! from the custom of the system, and the report says so.

use std::path::Path;

use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::MAX_SPLATS;
use crate::report::Report;
use crate::temporal::{self, Clock};
use crate::torch::{self, Checkpoint, Value};
use crate::whole::Whole;

/// Longest text that is looked through for settings.
const MAX_SETTINGS: u64 = 1 << 20;
/// Most files that are looked through.
const MAX_FILES: usize = 64;
/// Frames for which time runs from 0 to 1, if nothing says: most synthetic scenes have 100 to 200.
const FRAMES: u32 = 150;
/// Opacity below which no rasteriser draws.
const DRAWN: f64 = 1.0 / 255.0;

/// A checkpoint of nothing that is read.
pub(crate) const FORMAT: Format = Format {
    name: "torch",
    system: "a PyTorch checkpoint of no known system",
    fidelity: Fidelity::Exact,
    limits: "refused, saying what it holds",
    detect: |probe| torch::is_checkpoint(&probe.names) || torch::is_old(&probe.start),
    open: Open::Whole(refuse),
};

fn refuse(path: &Path, _options: &Options) -> Result<Whole> {
    let checkpoint = torch::open(path)?;
    let all = checkpoint.value().tensors();
    let some: Vec<String> = all.iter().take(12).map(|(name, _)| torch::shown(name)).collect();
    Err(Error::unsupported(format!(
        "{}: a checkpoint of {} tensors ({}) of no system that is known; `vivant formats` lists those that are",
        path.display(),
        all.len(),
        some.join(", ")
    )))
}

/// Tensors that have a row for every splat.
#[derive(Debug)]
pub(crate) struct Columns {
    checkpoint: Checkpoint,
    rows: usize,
}

impl Columns {
    /// Of a checkpoint whose splats are as many as `means` has rows of three.
    pub(crate) fn new(checkpoint: Checkpoint, means: Option<&Value>) -> Result<Self> {
        let shape = means.and_then(Value::tensor).map(|tensor| tensor.shape().to_vec());
        let Some([rows, 3]) = shape.as_deref() else {
            let why = format!("its shape is {:?} where [any, 3] belongs", shape.unwrap_or_default());
            return Err(Error::malformed(checkpoint.file(), "means", 0, why));
        };
        let rows = *rows;
        if rows as u64 > MAX_SPLATS {
            let what = format!("{}: splats in one file", checkpoint.file());
            return Err(Error::LimitExceeded { what, value: rows as u64, limit: MAX_SPLATS });
        }
        if rows == 0 {
            return Err(Error::malformed(
                checkpoint.file(),
                "means",
                0,
                "0 rows; train longer, or save with splats",
            ));
        }
        Ok(Self { checkpoint, rows })
    }

    /// Number of splats.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// The checkpoint.
    pub(crate) const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The values of `field`, `columns` for each splat, whatever the dimensions after the first.
    pub(crate) fn read(&self, field: &str, value: Option<&Value>, columns: usize) -> Result<Vec<f32>> {
        let found = self.columns_of(field, value)?;
        if found != columns {
            return Err(self.wrong(field, &format!("{found} numbers a splat where {columns} belong")));
        }
        self.read_any(field, value)
    }

    /// How many numbers `field` has for each splat.
    pub(crate) fn columns_of(&self, field: &str, value: Option<&Value>) -> Result<usize> {
        let Some(tensor) = value.and_then(Value::tensor) else {
            let kind = value.map_or("missing", Value::kind);
            return Err(self.wrong(field, &format!("is {kind} where a tensor belongs")));
        };
        let shape = tensor.shape();
        if shape.first() != Some(&self.rows) {
            return Err(
                self.wrong(field, &format!("its shape is {shape:?}, but there are {} splats", self.rows))
            );
        }
        Ok(tensor.count() / self.rows)
    }

    /// All values of `field`.
    pub(crate) fn read_any(&self, field: &str, value: Option<&Value>) -> Result<Vec<f32>> {
        self.columns_of(field, value)?;
        match value.and_then(Value::tensor) {
            Some(tensor) => self.checkpoint.read(tensor),
            None => Err(self.wrong(field, "is missing")),
        }
    }

    fn wrong(&self, field: &str, why: &str) -> Error {
        Error::malformed(self.checkpoint.file(), field, 0, format!("{why}; save the checkpoint again"))
    }
}

/// Three numbers of a splat, as f64.
pub(crate) fn row<const N: usize>(values: &[f32], index: usize) -> [f64; N] {
    std::array::from_fn(|column| f64::from(values[index * N + column]))
}

/// The degree of harmonics that `coefficients` above the base make up, at most 3.
pub(crate) fn degree_of(coefficients: usize) -> u8 {
    match coefficients {
        0..=2 => 0,
        3..=7 => 1,
        8..=14 => 2,
        _ => 3,
    }
}

/// The share of its peak below which a splat of this opacity is not drawn: by its own renderer, or because nothing draws what
/// is that faint.
pub(crate) fn least_share(own: f64, opacity: f64) -> f64 {
    own.max(DRAWN / opacity.max(DRAWN))
}

/// The time that a file counts in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    /// Its first moment.
    pub(crate) start: f64,
    /// How long it is, in units of the file.
    pub(crate) length: f64,
}

impl Span {
    /// From the settings beside the file (`time_duration`), or from where the splats' centres lie in time.
    pub(crate) fn find(path: &Path, centres: &[f32], report: &mut Report) -> Self {
        if let Some((numbers, name)) = setting(path, &["time_duration"])
            && let [start, end] = numbers[..]
            && end > start
        {
            report.note(format!("time runs from {start} to {end}, says {name}"));
            return Self { start, length: end - start };
        }
        let mut sorted: Vec<f32> = centres.iter().copied().filter(|time| time.is_finite()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let share = |share: usize| sorted.get(sorted.len() * share / 100).copied().unwrap_or(0.0);
        let (low, high) = (share(2), share(97));
        let span = if high > 1.6 {
            Self { start: 0.0, length: if high < 13.0 { 10.0 } else { f64::from(high).ceil() } }
        } else if low < -0.25 {
            Self { start: -0.5, length: 1.0 }
        } else {
            Self { start: 0.0, length: 1.0 }
        };
        let end = span.start + span.length;
        report.note(format!(
            "no time_duration beside the file; its splats lie from {low:.2} to {high:.2}: time is taken to run from {} to {end}",
            span.start
        ));
        span
    }

    /// The clock of a clip that this is all of. A length that is not 1 is in seconds, unless the user says what it is.
    pub(crate) fn clock(&self, options: &Options, report: &mut Report) -> Result<Clock> {
        if (self.length - 1.0).abs() < 1e-9 {
            return Clock::normalised(options, FRAMES, "nothing says how many there are", report);
        }
        let seconds = options.seconds.unwrap_or(self.length);
        Clock::new(options, seconds, seconds / self.length)
    }

    /// How long a frame is, in units of the file.
    pub(crate) fn frame(&self, options: &Options, clock: &Clock) -> f64 {
        1.0 / (temporal::per_second(options) * clock.unit())
    }
}

/// The numbers of the first setting of one of these names, and the file that has it.
pub(crate) fn setting(path: &Path, names: &[&str]) -> Option<(Vec<f64>, String)> {
    let folder = path.parent()?;
    for folder in [Some(folder), folder.parent()].into_iter().flatten() {
        // The folder of a bare file name is empty.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut files: Vec<_> =
            std::fs::read_dir(folder).ok()?.take(4096).flatten().map(|entry| entry.path()).collect();
        files.retain(|file| {
            let end = file.extension().and_then(|end| end.to_str()).unwrap_or_default();
            matches!(end, "yaml" | "yml" | "py") || file.file_name().is_some_and(|name| name == "cfg_args")
        });
        files.sort_unstable();
        for file in files.into_iter().take(MAX_FILES) {
            let fits =
                std::fs::metadata(&file).is_ok_and(|data| data.is_file() && data.len() <= MAX_SETTINGS);
            let text = if fits { std::fs::read_to_string(&file).unwrap_or_default() } else { String::new() };
            if let Some(numbers) = names.iter().find_map(|name| numbers_of(&text, name)) {
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
                return Some((numbers, name.unwrap_or_default()));
            }
        }
    }
    None
}

/// The numbers after `name`, which stands alone and is followed by `:` or `=`; truth values are 0 and 1.
fn numbers_of(text: &str, name: &str) -> Option<Vec<f64>> {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    for (at, _) in text.match_indices(name) {
        let rest = text[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
        if text[..at].ends_with(part_of_name) {
            continue;
        }
        let Some(rest) = rest.strip_prefix([':', '=']) else { continue };
        let mut numbers = Vec::new();
        // A list in brackets, or one entry a line after a dash; else what stands on the line.
        let rest = rest.trim_start_matches(' ');
        let words: Vec<&str> = if let Some(list) = rest.strip_prefix(['[', '(']) {
            list.split([']', ')']).next().unwrap_or_default().split(',').collect()
        } else if rest.trim_start().starts_with("- ") {
            rest.trim_start().lines().map_while(|line| line.trim().strip_prefix("- ")).collect()
        } else {
            rest.split([',', '\n', ')', '#', ' ']).take(1).collect()
        };
        for word in words.into_iter().take(16) {
            match word.trim() {
                "True" | "true" => numbers.push(1.0),
                "False" | "false" => numbers.push(0.0),
                word => numbers.extend(word.parse::<f64>().ok().filter(|number| number.is_finite())),
            }
        }
        if !numbers.is_empty() {
            return Some(numbers);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_however_they_are_written() {
        let cases = [
            ("gaussian_dim: 4\ntime_duration: [0.0, 10.0]\nnum_pts: 300_000\n", vec![0.0, 10.0]),
            ("Model:\n  time_duration:\n  - -0.5\n  - 0.5\n  other: 1\n", vec![-0.5, 0.5]),
            ("Namespace(sh_degree=3, time_duration=[0.0, 1.0], x=2)", vec![0.0, 1.0]),
            ("'time_duration': (0, 5)", vec![0.0, 5.0]),
            ("time_duration = True  # yes", vec![1.0]),
            ("time_duration: 2.5 # seconds", vec![2.5]),
        ];
        for (text, wanted) in cases {
            assert_eq!(numbers_of(text, "time_duration").as_deref(), Some(&wanted[..]), "{text}");
        }
        for text in [
            "max_time_duration: 3",
            "time_durations: 3",
            "time_duration",
            "time_duration: none",
            "",
            "time_duration:",
        ] {
            assert_eq!(numbers_of(text, "time_duration"), None, "{text}");
        }
    }

    #[test]
    fn faint_splats_show_as_long_as_anything_draws_them() {
        assert!((least_share(0.05, 1.0) - 0.05).abs() < 1e-12);
        assert!((least_share(1e-9, 1.0) - 1.0 / 255.0).abs() < 1e-12);
        assert!((least_share(0.05, 0.01) - 0.392).abs() < 1e-3);
        assert!((least_share(0.05, 0.0) - 1.0).abs() < 1e-12);
    }
}
