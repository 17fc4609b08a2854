//! Shader sources on disk: finding them, expanding their includes, hashing the result. Reads files, nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every kernel below `root`, relative to it, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn list(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for stage in fs::read_dir(root)? {
        let stage = stage?.path();
        if !stage.is_dir() {
            continue;
        }
        for file in fs::read_dir(&stage)? {
            let path = file?.path();
            if matches!(path.extension().and_then(|e| e.to_str()), Some("comp" | "vert" | "frag")) {
                found.push(path.strip_prefix(root).map_err(io::Error::other)?.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of `path` (relative to `root`) with every `#include "…"` replaced by the file it names, each once.
///
/// # Errors
/// When a file cannot be read.
pub fn expand(root: &Path, path: &Path) -> io::Result<String> {
    let mut out = String::new();
    expand_into(&root.join(path), &mut Vec::new(), &mut out)?;
    Ok(out)
}

fn expand_into(path: &Path, seen: &mut Vec<PathBuf>, out: &mut String) -> io::Result<()> {
    let canonical =
        path.canonicalize().map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
    if seen.contains(&canonical) {
        return Ok(());
    }
    seen.push(canonical);
    let folder = path.parent().unwrap_or(Path::new("."));
    for line in fs::read_to_string(path)?.lines() {
        let included = line.trim().strip_prefix("#include \"").and_then(|rest| rest.strip_suffix('"'));
        match included {
            Some(name) => expand_into(&folder.join(name), seen, out)?,
            None if line.contains("GL_GOOGLE_include_directive") => {}
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    Ok(())
}

/// 64-bit FNV-1a of a text: enough to notice an edit, not a signature.
#[must_use]
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}
