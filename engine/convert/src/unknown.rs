//! What is said of a file that is of no format: what it looks like, and where to look. No file access.

use vivant::Error;

use crate::probe::Probe;

/// The error for an input that no format knows.
pub(crate) fn error(probe: &Probe) -> Error {
    let file = probe.path.display().to_string();
    if !probe.folder && probe.length == 0 && !probe.path.is_file() {
        return Error::invalid(format!("{file}: not an ordinary file; give a file or a folder of frames"));
    }
    let why = match looks_like(&probe.start) {
        None => "the file is empty; copy or export it again".to_owned(),
        Some(guess) => format!("{guess}; 'vivant formats' lists what is read"),
    };
    Error::malformed(&file, "magic", 0, why)
}

/// What the first bytes of a file seem to be; `None` where there are none.
pub(crate) fn looks_like(start: &[u8]) -> Option<&'static str> {
    Some(match start {
        [] => return None,
        [0x89, b'V', b'V', b'T', ..] => "a Vivant clip, which needs no conversion",
        [b'P', b'K', 3 | 5, 4 | 6, ..] => "a zip archive without anything that is known",
        [0x1f, 0x8b, ..] => "gzip data that are no splats",
        [b'g', b'l', b'T', b'F', ..] => "a glTF binary",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd data",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => "a picture",
        [0x80, 2..=5, ..] => "a Python pickle",
        [b'#', b'u', b's', b'd', ..] | [b'P', b'X', b'R', b'-', ..] => "a USD scene",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "a video",
        [b'{' | b'[', ..] => "JSON text of no known format",
        [b'H', b'I', b'E', b'R', b'A', b'R', b'C', b'H', b'Y', ..] => {
            "a BVH file: a motion moves a glTF model, which is the input ('convert model.glb --motion dance.bvh')"
        }
        [b'<', ..] => "a web page or XML",
        [b'R', b'I', b'F', b'F', ..] => "a WebP or WAV file",
        _ => "something unknown",
    })
}
