//! Where files are and how long they may be.

use std::collections::BTreeSet;

use super::tree::{Tree, extension};

/// What stands at the top, all of it.
pub(crate) const REQUIRED: &[&str] = &[
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "engine",
    "ffi",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "samples",
    "shaders",
    "tests",
];

/// What may stand there too: settings of git and of the spelling checker.
const ALLOWED: &[&str] = &[".gitattributes", "_typos.toml"];

/// Files that are written by a program: nobody reads them from end to end.
const GENERATED: &[&str] = &["shaders/src/generated.rs", "ffi/include/vivant.h", "Cargo.lock"];

/// Past this a file holds more than one idea.
const LINES_MAX: usize = 800;

/// Past this it is worth a look.
const LINES_LONG: usize = 500;

/// What a person writes and reads as code.
const CODE: &[&str] = &["rs", "comp", "vert", "frag", "glsl", "c", "cpp", "h", "hpp", "cs", "sh"];

/// Whether an entry of [`REQUIRED`] is a folder.
pub(crate) fn is_folder(name: &str) -> bool {
    matches!(name, ".ci" | "engine" | "ffi" | "samples" | "shaders" | "tests")
}

pub(crate) fn top_level(tree: &Tree) -> Vec<String> {
    let there: BTreeSet<&str> = tree.files().filter_map(|(path, _)| path.split('/').next()).collect();
    let missing =
        REQUIRED.iter().filter(|name| !there.contains(*name)).map(|name| format!("{name}: is not there"));
    let agreed = |name: &&str| REQUIRED.contains(name) || ALLOWED.contains(name);
    let extra =
        there.iter().filter(|name| !agreed(name)).map(|name| format!("{name}: has no place at the top"));
    missing.chain(extra).collect()
}

/// The code files a person wrote, with their line counts.
fn counted(tree: &Tree) -> impl Iterator<Item = (&str, usize)> {
    tree.of_kind(CODE)
        .filter(|(path, _)| !GENERATED.contains(path))
        .map(|(path, text)| (path, text.lines().count()))
}

pub(crate) fn lengths(tree: &Tree) -> Vec<String> {
    let long = counted(tree).filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(path, lines)| format!("{path}: {lines} lines, more than {LINES_MAX}")).collect()
}

/// The files that are allowed but long.
pub(crate) fn long_files(tree: &Tree) -> Vec<String> {
    let long = counted(tree).filter(|(_, lines)| (LINES_LONG + 1..=LINES_MAX).contains(lines));
    long.map(|(path, lines)| format!("{path}: {lines} lines")).collect()
}

pub(crate) fn scripts(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, file) in tree.files() {
        let shebang = file.text.starts_with("#!/");
        if shebang && !file.executable {
            found.push(format!("{path}: cannot be run: chmod +x"));
        } else if extension(path) == "sh" && !shebang {
            found.push(format!("{path}: does not say what runs it"));
        } else if shebang && file.text.lines().next().is_some_and(|line| line.ends_with("sh")) {
            let careful = file.text.lines().any(|line| line == "set -euo pipefail");
            if !careful {
                found.push(format!("{path}: goes on after an error: set -euo pipefail"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{finds, good, passes};
    use super::*;

    #[test]
    fn strangers_and_gaps_at_the_top_are_found() {
        finds(top_level, &[("notes.txt", ""), ("src", "")]);
        passes(top_level, &[(".gitattributes", ""), ("engine/notes.txt", "")]);
        assert_eq!(top_level(&Tree::default()).len(), REQUIRED.len());
        let mut tree = good();
        tree.add("docs/a.md", "");
        assert_eq!(top_level(&tree), ["docs: has no place at the top"]);
    }

    #[test]
    fn long_files_are_found() {
        let long = "//! Long.\n".repeat(LINES_MAX + 1);
        finds(
            lengths,
            &[("engine/src/a.rs", &long), ("shaders/glsl/sort/b.comp", &long), ("tests/c.sh", &long)],
        );
        passes(lengths, &[("shaders/src/generated.rs", &long), ("engine/table.csv", &long)]);
        let mut tree = good();
        tree.add("engine/src/a.rs", &"//! Long.\n".repeat(LINES_LONG + 1));
        assert_eq!((lengths(&tree).len(), long_files(&tree).len()), (0, 1));
    }

    #[test]
    fn scripts_that_cannot_run_or_do_not_stop_are_found() {
        finds(
            scripts,
            &[("samples/a.sh", "#!/bin/bash\nset -euo pipefail\n"), ("samples/a.sh", "set -euo pipefail\n")],
        );
        passes(scripts, &[("engine/src/a.rs", "#![expect(dead_code)]\n")]);
        let mut tree = good();
        tree.add_script(".ci/run", "#!/usr/bin/env bash\ntrue\n");
        assert_eq!(scripts(&tree).len(), 1);
    }
}
