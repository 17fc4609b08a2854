//! The files of the repository, or of a small tree in memory, as the rules read them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// One file.
#[derive(Debug, Default)]
pub(crate) struct File {
    /// Its text; empty for binary files.
    pub(crate) text: String,
    /// Whether it may be run.
    pub(crate) executable: bool,
}

/// Files by their path from the root, with `/` between the parts.
#[derive(Debug, Default)]
pub(crate) struct Tree(BTreeMap<String, File>);

impl Tree {
    /// What git tracks, and what it would if it were added.
    pub(crate) fn of_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let listing = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(&root)
            .output()
            .expect("the tidy test needs git");
        assert!(listing.status.success(), "git: {}", String::from_utf8_lossy(&listing.stderr));
        let mut tree = Self::default();
        for path in listing.stdout.split(|&byte| byte == 0).filter(|path| !path.is_empty()) {
            let path = String::from_utf8_lossy(path).into_owned();
            // A tracked file may have been deleted in the work tree.
            let Ok(bytes) = std::fs::read(root.join(&path)) else { continue };
            let text = String::from_utf8(bytes).unwrap_or_default();
            let executable = is_executable(&root.join(&path));
            tree.0.insert(path, File { text, executable });
        }
        tree
    }

    pub(crate) fn add(&mut self, path: &str, text: &str) {
        self.0.insert(path.to_owned(), File { text: text.to_owned(), executable: false });
    }

    pub(crate) fn add_script(&mut self, path: &str, text: &str) {
        self.0.insert(path.to_owned(), File { text: text.to_owned(), executable: true });
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.0.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The files whose names end in one of `extensions`.
    pub(crate) fn of_kind(&self, extensions: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        self.files()
            .filter(move |(path, _)| extensions.contains(&extension(path)))
            .map(|(path, file)| (path, file.text.as_str()))
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.0.contains_key(path) || self.0.keys().any(|file| file.starts_with(&folder))
    }
}

/// What follows the last dot of the file's name, or nothing.
pub(crate) fn extension(path: &str) -> &str {
    Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o111 != 0)
}

/// Elsewhere the file system does not say; the rule is held where it can be.
#[cfg(not(unix))]
fn is_executable(_path: &Path) -> bool {
    true
}
