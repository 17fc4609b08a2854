//! From what the user named to the files it means: files, folders, patterns, lists. Looks at names, opens nothing.
//!
//! A folder means the PLY files in it; or, where it has none, those of its subfolders that hold exactly one
//! (`frame_0001/point_cloud.ply`). A name with a wildcard that is no file itself is a pattern, any component of it.
//! The result is in natural order, as shells hand `frames/*.ply` over in another.

use std::path::{Component, Path, PathBuf};

use vivant::{Error, Result};

use crate::natural;
use crate::pattern::Pattern;
use crate::probe::names_in as names;

/// Most frames: ten hours at 30 a second.
const MAX_FRAMES: usize = 1 << 20;

/// The files meant by `inputs`, each once, in natural order.
pub(crate) fn resolve(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        if input.is_dir() {
            files.extend(in_folder(input)?);
        } else if input.exists() || !has_pattern(input) {
            // A file that does not exist is kept: opening it makes the error that names it.
            files.push(input.clone());
        } else {
            let found = expand(input)?;
            if found.is_empty() {
                return Err(Error::invalid(format!("{}: no file matches this pattern", input.display())));
            }
            files.extend(found);
        }
        if files.len() > MAX_FRAMES {
            let (value, limit) = (files.len() as u64, MAX_FRAMES as u64);
            return Err(Error::LimitExceeded { what: "frames of one sequence".to_owned(), value, limit });
        }
    }
    if files.is_empty() {
        return Err(Error::invalid("no input: give a file, a folder or a pattern such as frames/*.ply"));
    }
    files.sort_by(|a, b| natural::compare_paths(a, b));
    files.dedup();
    Ok(files)
}

fn has_pattern(path: &Path) -> bool {
    path.components().any(|part| component_pattern(part).is_some())
}

fn component_pattern(part: Component<'_>) -> Option<Pattern> {
    match part {
        Component::Normal(name) => Pattern::parse(name.to_str()?),
        _ => None,
    }
}

/// The files that match a path whose components may be patterns.
fn expand(path: &Path) -> Result<Vec<PathBuf>> {
    let mut reached = vec![PathBuf::new()];
    for part in path.components() {
        let Some(pattern) = component_pattern(part) else {
            reached.iter_mut().for_each(|prefix| prefix.push(part));
            continue;
        };
        let mut next = Vec::new();
        for prefix in &reached {
            let folder = if prefix.as_os_str().is_empty() { Path::new(".") } else { prefix.as_path() };
            // A match of an earlier component may be a file: it has nothing below it.
            if !folder.is_dir() {
                continue;
            }
            for name in names(folder)? {
                if pattern.matches(&name) {
                    next.push(prefix.join(name));
                }
            }
        }
        reached = next;
    }
    reached.retain(|path| path.is_file());
    Ok(reached)
}

/// The frames a folder holds.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let direct = ply_files(folder)?;
    if !direct.is_empty() {
        return Ok(direct);
    }
    let mut nested = Vec::new();
    for name in names(folder)? {
        let below = folder.join(name);
        if below.is_dir()
            && let [only] = ply_files(&below)?.as_slice()
        {
            nested.push(only.clone());
        }
    }
    if nested.is_empty() {
        return Err(Error::invalid(format!(
            "{}: no PLY file in this folder; give the folder with the frames or a pattern",
            folder.display()
        )));
    }
    Ok(nested)
}

fn ply_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_ply = |name: &String| {
        name.len() > 4 && name.to_ascii_lowercase().ends_with(".ply") && !name.starts_with('.')
    };
    let files = names(folder)?.into_iter().filter(is_ply).map(|name| folder.join(name));
    Ok(files.filter(|path| path.is_file()).collect())
}
