//! Opens whatever the user names as a clip: a clip from its file, anything else imported into memory.

use std::io::Read;
use std::path::Path;

use vivant::clip::{Access, Clip, Writer, WriterOptions};
use vivant::{Error, Result};
use vivant_convert::Report;

use crate::import::ImportArgs;
use crate::progress::Progress;

/// What an input turned out to be.
pub(crate) struct Opened {
    /// The clip.
    pub(crate) clip: Clip,
    /// What importing it did; `None` for a clip that needed none.
    pub(crate) report: Option<Report>,
}

/// Opens `path`: a clip, or a file, folder or pattern that can be imported.
pub(crate) fn open(path: &Path, import: &ImportArgs) -> Result<Opened> {
    open_with(path, import, Access::Auto)
}

/// [`open`], reading a clip's file in a given way.
pub(crate) fn open_with(path: &Path, import: &ImportArgs, access: Access) -> Result<Opened> {
    if looks_like_clip(path) {
        if import.motion().is_some() {
            return Err(Error::invalid(format!(
                "{}: is a clip already: --motion moves a glTF model",
                path.display()
            )));
        }
        let mut clip = Clip::open(path, access)?;
        clip.set_appearance(import.drawn(clip.info()).appearance);
        return Ok(Opened { clip, report: None });
    }
    let source = import.open(&[path.to_owned()])?;
    let mut progress = Progress::new("importing", source.frames() as u64);
    let options = WriterOptions::default();
    let mut writer = Writer::in_memory(&import.drawn(source.info()), &options)?;
    let report = source.push_frames(&mut writer, &options, &mut |frames| progress.set(frames as u64))?;
    let (bytes, _) = writer.finish_bytes()?;
    Ok(Opened { clip: Clip::from_bytes(&path.display().to_string(), bytes)?, report: Some(report) })
}

/// Whether a file is a clip by its first bytes, or else by its name, so that a damaged clip is reported as such.
fn looks_like_clip(path: &Path) -> bool {
    if !path.is_file() {
        return is_named_clip(path) && !path.exists();
    }
    let mut start = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    (read.is_ok() && start == [0x89, b'V', b'V', b'T']) || is_named_clip(path)
}

fn is_named_clip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("vvt"))
}

/// Whether two paths name one file.
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
