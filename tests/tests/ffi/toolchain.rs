//! The system's C and C++ compilers, the library that cargo built for these tests, and clips for the programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;
use vivant::audio::{Pcm, Placement, push_audio};
use vivant::clip::{Writer, WriterOptions};
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
            // The old kind of tag goes before LD_LIBRARY_PATH, in which cargo also names the folder of an older build.
            command.arg(format!("-Wl,--disable-new-dtags,-rpath,{}", built.display()));
        }
        Link::Static => {
            command.arg(built.join("libvivant.a")).args(["-ldl"]);
        }
    }
    command.arg("-lm");
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

/// A clip of the same length with sound: a click after half a second and a tone in the last, from (1, 2, 3).
pub(crate) fn sounding_clip(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("sounding.vvt");
    let picture = performances::moving(600);
    let mut writer = Writer::create(&path, &picture.info, &WriterOptions::default()).unwrap();
    writer.push_segment(0, 0, picture.info.duration, &picture.splats).unwrap();
    let value = |frame: usize| match frame {
        24_000..24_240 => 0.8 * ((frame - 24_000) as f32 * 2000.0 * std::f32::consts::TAU / 48_000.0).cos(),
        48_000.. => 0.5 * ((frame % 100) as f32 * 480.0 * std::f32::consts::TAU / 48_000.0).sin(),
        _ => 0.0,
    };
    let mut sound = Pcm::new(48_000, 1, (0..96_000).map(value).collect()).unwrap();
    let placement =
        Placement { position: Some([1.0, 2.0, 3.0]), channel_bits: 128_000, ..Placement::default() };
    push_audio(&mut writer, &mut sound, &placement).unwrap();
    writer.finish().unwrap();
    path
}
