//! The system's C and C++ compilers, the library that cargo built for these tests, and clips for the programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;
use vivant::clip::WriterOptions;
use vivant::codec::performance_to_bytes;
use vivant_tests::performances;
use vivant_tests::require::skip;

use crate::header::ffi;

/// A language with its compiler and the strictness that it must pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    C99,
    Cpp17,
}

/// How to reach the library.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Link {
    Shared,
    Static,
}

impl Language {
    fn command(self) -> (&'static str, [&'static str; 3]) {
        match self {
            Self::C99 => ("cc", ["-x", "c", "-std=c99"]),
            Self::Cpp17 => ("g++", ["-x", "c++", "-std=c++17"]),
        }
    }
}

/// The folder in which cargo builds what these tests depend on: that of the test's own program.
pub(crate) fn built() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    for name in ["libvivant.so", "libvivant.a"] {
        assert!(folder.join(name).is_file(), "{name} was not built beside {}", folder.display());
    }
    folder
}

/// A folder that goes when the test ends.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Compiles `source` to `program` without a warning; `None`, said aloud, where there is no compiler.
pub(crate) fn compile(language: Language, link: Link, source: &Path, program: &Path) -> Option<PathBuf> {
    let (compiler, flags) = language.command();
    if Command::new(compiler).arg("--version").output().is_err() {
        skip(compiler, "the compiler is not installed");
        return None;
    }
    let built = built();
    let mut command = Command::new(compiler);
    command.args(flags).args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-g", "-O1", "-pthread"]);
    command.arg("-I").arg(ffi().join("include")).arg(source).args(["-x", "none"]);
    match link {
        Link::Shared => {
            command.arg("-L").arg(&built).arg("-lvivant");
            command.arg(format!("-Wl,-rpath,{}", built.display()));
        }
        Link::Static => {
            command.arg(built.join("libvivant.a")).args(["-lm", "-ldl"]);
        }
    }
    let output = command.arg("-o").arg(program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} does not compile:\n{said}", source.display());
    Some(program.to_owned())
}

/// A program of this folder, compiled once.
pub(crate) fn host(folder: &TempDir, name: &str) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ffi").join(name).with_extension("c");
    compile(Language::C99, Link::Shared, &source, &folder.path().join(name))
}

/// Runs a program to its good end.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    output
}

/// Two seconds of a few hundred moving splats, as a file's bytes.
pub(crate) fn clip_bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        performance_to_bytes(&performances::moving(600), &WriterOptions::default()).unwrap().0
    })
}

/// The clip in a file of `folder`.
pub(crate) fn clip(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("clip.vvt");
    std::fs::write(&path, clip_bytes()).unwrap();
    path
}
