//! The luma of a video, through an installed `ffmpeg`: run with arguments and no shell, on the named file alone, its output
//! bounded by what must come.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use vivant::{Error, Result};

use crate::options::Options;

/// Most bytes of its complaints that are repeated.
const MAX_COMPLAINT: u64 = 4096;

/// The program: the user's, or the one on the path.
fn program(options: &Options) -> OsString {
    options.ffmpeg.as_ref().map_or_else(|| "ffmpeg".into(), |path| path.clone().into_os_string())
}

/// Makes sure that there is a decoder.
///
/// # Errors
/// [`Error::MissingFeature`] where there is none.
pub(super) fn check(options: &Options) -> Result<()> {
    let mut command = Command::new(program(options));
    command.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().map(drop).map_err(|source| missing(options, &source))
}

fn missing(options: &Options, source: &std::io::Error) -> Error {
    let program = program(options);
    let what = format!(
        "{}: {source}: the videos need ffmpeg to be decoded; install it (4.0 or later) so that it is on the PATH",
        program.display()
    );
    Error::MissingFeature { what }
}

/// A decoder that does not outlive its reader.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, or nobody wants what it has to say: either is fine.
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

/// All luma planes of a video, which must be `bytes` in all.
///
/// # Errors
/// [`Error::MissingFeature`] without a decoder; [`Error::Malformed`] for a video that cannot be decoded or is of another
/// size.
pub(super) fn luma(video: &Path, bytes: u64, options: &Options) -> Result<Vec<u8>> {
    let file = video.display().to_string();
    // Whatever the name looks like, it is a file; and the file can name no other.
    let mut input = OsString::from("file:");
    input.push(video);
    let mut command = Command::new(program(options));
    command.args(["-nostdin", "-v", "error", "-protocol_whitelist", "file", "-i"]).arg(input);
    command.args([
        "-map",
        "0:v:0",
        "-an",
        "-vf",
        "extractplanes=y",
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
        "pipe:1",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().map_err(|source| missing(options, &source))?);
    let (output, complaint) = (running.0.stdout.take(), running.0.stderr.take());
    // Complaints are taken in beside the pictures: a full pipe would stop it.
    let listener = std::thread::Builder::new().name("vivant-ffmpeg".to_owned()).spawn(move || {
        let mut text = Vec::new();
        if let Some(mut complaint) = complaint {
            complaint.by_ref().take(MAX_COMPLAINT).read_to_end(&mut text).ok();
            std::io::copy(&mut complaint, &mut std::io::sink()).ok();
        }
        String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ")
    });
    let listener = listener.map_err(|source| Error::io(video, "cannot start a thread for", source))?;
    let mut planes = Vec::new();
    let read = output.map_or(Ok(0), |output| output.take(bytes + 1).read_to_end(&mut planes));
    let got = planes.len() as u64;
    let ended = if got > bytes { None } else { Some(running.0.wait()) };
    drop(running);
    let complaint = listener.join().unwrap_or_default();
    read.map_err(|source| Error::io(video, "cannot read what ffmpeg makes of", source))?;
    let wrong = |why: String| Error::malformed(&file, "video", 0, format!("{why}; copy or export it again"));
    match ended {
        Some(status) if !status.as_ref().is_ok_and(std::process::ExitStatus::success) => {
            let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            Err(wrong(format!("ffmpeg cannot decode it ({status}): {complaint}")))
        }
        _ if got != bytes => {
            let more = if got > bytes { "more than " } else { "" };
            Err(wrong(format!("{more}{} bytes of luma where {bytes} belong", got.min(bytes))))
        }
        _ => Ok(planes),
    }
}
