//! WAV files, through `hound`: in as a [`PcmSource`], out as 16 bits.
//!
//! A WAV file is hostile until read: its header's claim is compared with the length of the file before a sample is
//! asked for, and what is refused is named by field and byte.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::source::PcmSource;
use crate::clip::{AUDIO_RATE, AudioTrack};
use crate::error::{Error, Result};

/// Counts what is read, so that errors can name the byte.
struct Counting {
    file: Box<dyn Read + Send + Sync>,
    at: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.at.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A WAV file: 8, 16, 24 or 32 bits or 32-bit float, mono or stereo.
pub struct Wav {
    name: String,
    reader: WavReader<Counting>,
    at: Arc<AtomicU64>,
    spec: WavSpec,
    /// To full scale ±1.
    scale: f32,
    next: u64,
}

impl std::fmt::Debug for Wav {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wav").field("name", &self.name).field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl Wav {
    /// Opens a file and checks its header.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] naming the field; [`Error::Unsupported`] for another coding than PCM.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::io(path, "cannot open", source);
        // Asked before opening, because opening a named pipe would wait for a writer.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(Error::invalid(format!(
                "{}: is not a regular file; name a WAV file",
                path.display()
            )));
        }
        let file = File::open(path).map_err(failed)?;
        Self::read_from(path.display().to_string(), Box::new(BufReader::new(file)), metadata.len())
    }

    /// The same of the bytes of a file, whose `name` errors shall give.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self> {
        let length = bytes.len() as u64;
        Self::read_from(name.into(), Box::new(std::io::Cursor::new(bytes)), length)
    }

    fn read_from(name: String, file: Box<dyn Read + Send + Sync>, length: u64) -> Result<Self> {
        let at = Arc::new(AtomicU64::new(0));
        let counting = Counting { file, at: at.clone() };
        let reader = WavReader::new(counting)
            .map_err(|error| explain(&name, "header", at.load(Ordering::Relaxed), error))?;
        let spec = reader.spec();
        let wrong = |field: &str, why: String| Err(Error::malformed(&name, field, 0, why));
        if !(1..=2).contains(&spec.channels) {
            return wrong("fmt.channels", format!("{}: mix it to mono or stereo first", spec.channels));
        }
        if !(8_000..=384_000).contains(&spec.sample_rate) {
            return wrong("fmt.sample_rate", format!("{}: must lie in 8000 to 384000", spec.sample_rate));
        }
        let whole_bytes = matches!(spec.bits_per_sample, 8 | 16 | 24 | 32);
        if !whole_bytes || (spec.sample_format == SampleFormat::Float && spec.bits_per_sample != 32) {
            let why = format!("{}: must be 8, 16, 24 or 32, a float 32", spec.bits_per_sample);
            return wrong("fmt.bits_per_sample", why);
        }
        if reader.len() == 0 {
            return wrong("data.length", "there is no sound in it".to_owned());
        }
        let bytes = u64::from(reader.len()) * u64::from(spec.bits_per_sample / 8);
        let have = length.saturating_sub(at.load(Ordering::Relaxed));
        if bytes > have {
            let why =
                format!("{bytes} bytes of sound are due and the file has {have}: truncated; copy it again");
            return wrong("data.length", why);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a power of two")]
        let scale = (2.0_f64.powi(1 - i32::from(spec.bits_per_sample))) as f32;
        Ok(Self { name, reader, at, spec, scale, next: 0 })
    }
}

impl PcmSource for Wav {
    fn name(&self) -> &str {
        &self.name
    }

    fn rate(&self) -> u32 {
        self.spec.sample_rate
    }

    fn channels(&self) -> u8 {
        if self.spec.channels == 1 { 1 } else { 2 }
    }

    fn frames(&self) -> u64 {
        u64::from(self.reader.duration())
    }

    fn read(&mut self, frames: &mut [[f32; 2]]) -> Result<usize> {
        let channels = usize::from(self.spec.channels);
        let left = usize::try_from(self.frames() - self.next).unwrap_or(usize::MAX);
        let count = left.min(frames.len());
        for frame in &mut frames[..count] {
            for slot in &mut frame[..channels] {
                let sample = match self.spec.sample_format {
                    SampleFormat::Float => self.reader.samples::<f32>().next(),
                    SampleFormat::Int => {
                        let scale = self.scale;
                        let sample = self.reader.samples::<i32>().next();
                        sample.map(|sample| sample.map(|value| value as f32 * scale))
                    }
                };
                let at = self.at.load(Ordering::Relaxed);
                *slot = match sample {
                    Some(Ok(value)) if value.is_finite() => value.clamp(-4.0, 4.0),
                    Some(Ok(_)) => {
                        let why = "a sample is not finite; render the file again";
                        return Err(Error::malformed(&self.name, "data", at.saturating_sub(4), why));
                    }
                    Some(Err(error)) => return Err(explain(&self.name, "data", at, error)),
                    None => {
                        return Err(Error::malformed(&self.name, "data", at, "ends early; copy it again"));
                    }
                };
            }
            if channels == 1 {
                frame[1] = frame[0];
            }
        }
        self.next += count as u64;
        Ok(count)
    }
}

/// What hound says, in this crate's words.
fn explain(name: &str, field: &str, at: u64, error: hound::Error) -> Error {
    match error {
        hound::Error::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::malformed(
                name,
                field,
                at,
                "the file ends there: truncated, or not a WAV file; copy it again",
            )
        }
        // hound reports a file that ends as a failure of the read.
        hound::Error::IoError(source) if source.kind() == std::io::ErrorKind::Other => Error::malformed(
            name,
            field,
            at,
            format!("{source}: truncated, or not a WAV file; copy it again"),
        ),
        hound::Error::IoError(source) => Error::io(name, "cannot read", source),
        hound::Error::Unsupported => Error::unsupported(format!(
            "{name}: is coded in a way that is not read here; export it as PCM of 16 or 24 bits"
        )),
        other => Error::malformed(name, field, at, format!("{other}; export it again as a PCM WAV file")),
    }
}

/// Writes 16 bits a sample.
pub(super) struct WavSink {
    path: PathBuf,
    channels: usize,
    writer: WavWriter<BufWriter<File>>,
}

impl WavSink {
    /// # Errors
    /// [`Error::LimitExceeded`] when the track is longer than a WAV file can be; [`Error::Io`].
    pub(super) fn create(path: &Path, audio: &AudioTrack) -> Result<Self> {
        let bytes = audio.samples.saturating_mul(u64::from(audio.channels) * 2);
        let limit = u64::from(u32::MAX) - 1024;
        if bytes > limit {
            let what = format!("{}: bytes of sound in a WAV file", path.display());
            return Err(Error::LimitExceeded { what, value: bytes, limit });
        }
        let spec = WavSpec {
            channels: u16::from(audio.channels),
            sample_rate: AUDIO_RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let writer = WavWriter::create(path, spec).map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), channels: usize::from(audio.channels), writer })
    }

    pub(super) fn put(&mut self, frame: [f32; 2]) -> Result<()> {
        for value in &frame[..self.channels] {
            #[expect(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
            let sample = (value * 32768.0).round().clamp(-32768.0, 32767.0) as i16;
            self.writer.write_sample(sample).map_err(|error| failed(&self.path, error))?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        self.writer.finalize().map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, error: hound::Error) -> Error {
    match error {
        hound::Error::IoError(source) => Error::io(path, "cannot write", source),
        other => Error::invalid(format!("{}: {other}", path.display())),
    }
}
