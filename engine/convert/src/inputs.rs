//! From what the user named to the files it means: files, folders, patterns, lists. Looks at names, opens nothing.
//!
//! A folder means the frames in it, files of the first ending that it holds; or, where it has none, those of its subfolders
//! that hold exactly one (`frame_0001/point_cloud.ply`) or are one (`frame_0001/meta.json`); and what trainers make of
//! folders, as [`conventions`] has it. A name with a wildcard that is no file itself is a pattern, any component of it.
//! The result is in natural order, as shells hand `frames/*.ply` over in another.

use std::path::{Component, Path, PathBuf};

use vivant::{Error, Result};

use crate::pattern::Pattern;
use crate::probe::names_in as names;
use crate::{conventions, natural};

/// Endings of files that are a frame each. The first that a folder holds is meant; the others are something else of it.
const ENDINGS: &[&str] = &[".ply", ".sog", ".spz", ".splat", ".ksplat"];

/// Files that make their folder one frame.
const MANIFESTS: &[&str] = &["meta.json", "compression_info.csv"];

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
    let plies = ending_in(folder, &names(folder)?, ENDINGS[0]).len();
    let folder = &conventions::folder_of(folder, plies);
    if let Some(scene) = conventions::last_iteration(folder)? {
        return Ok(vec![scene]);
    }
    let own = names(folder)?;
    for ending in ENDINGS {
        let direct = ending_in(folder, &own, ending);
        if !direct.is_empty() {
            return Ok(direct);
        }
    }
    if is_frame(&own) {
        return Ok(vec![folder.to_owned()]);
    }
    let mut below = Vec::new();
    for folder in own.iter().map(|name| folder.join(name)).filter(|path| path.is_dir()) {
        let own = names(&folder)?;
        below.push((folder, own));
    }
    let trained = |(folder, own): &(PathBuf, Vec<String>)| -> Result<Option<PathBuf>> {
        let plain =
            || own.iter().any(|name| name == "point_cloud.ply").then(|| folder.join("point_cloud.ply"));
        Ok(conventions::last_iteration(folder)?.or_else(plain))
    };
    let found: Vec<Option<PathBuf>> = below.iter().map(trained).collect::<Result<_>>()?;
    let found: Vec<PathBuf> = found.into_iter().flatten().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    for ending in ENDINGS {
        let only = |(folder, own): &(PathBuf, Vec<String>)| match ending_in(folder, own, ending).as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let nested: Vec<PathBuf> = below.iter().filter_map(only).collect();
        if !nested.is_empty() {
            return Ok(nested);
        }
    }
    below.retain(|(_, own)| is_frame(own));
    if below.is_empty() {
        return Err(Error::invalid(format!(
            "{}: no frames in this folder ({}, or folders with {}); give the folder with the frames or a pattern",
            folder.display(),
            ENDINGS.join(", "),
            MANIFESTS.join(" or ")
        )));
    }
    Ok(below.into_iter().map(|(folder, _)| folder).collect())
}

/// Whether the names of a folder tell that it is one frame.
fn is_frame(names: &[String]) -> bool {
    names.iter().any(|name| MANIFESTS.contains(&name.as_str()))
}

/// The files among `names` of a folder that end so.
fn ending_in(folder: &Path, names: &[String], ending: &str) -> Vec<PathBuf> {
    let ends = |name: &&String| {
        let at = name.len().checked_sub(ending.len()).filter(|&at| at > 0 && name.is_char_boundary(at));
        at.is_some_and(|at| name[at..].eq_ignore_ascii_case(ending)) && !name.starts_with('.')
    };
    let files = names.iter().filter(ends).map(|name| folder.join(name));
    files.filter(|path| path.is_file()).collect()
}
