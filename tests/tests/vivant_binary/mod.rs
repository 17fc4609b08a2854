//! The built `vivant` program, run as a user runs it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The program, built if it is not or is out of date. Lies beside the folder of the test's own program.
pub(crate) fn path() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().unwrap().parent().unwrap();
        let program = folder.join(format!("vivant{}", std::env::consts::EXE_SUFFIX));
        if let Some(cargo) = std::env::var_os("CARGO") {
            let mut build = Command::new(cargo);
            build.args(["build", "--quiet", "-p", "vivant-cli"]).current_dir(env!("CARGO_MANIFEST_DIR"));
            if folder.file_name().is_some_and(|name| name == "release") {
                build.arg("--release");
            }
            build.env("CARGO_TARGET_DIR", folder.parent().unwrap());
            assert!(build.status().unwrap().success(), "the program does not build");
        }
        assert!(program.exists(), "{} is not there: build vivant-cli", program.display());
        program
    })
}

/// Runs the program in `folder`.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(path()).args(arguments).current_dir(folder).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a run cost.
pub(crate) struct Measured {
    pub(crate) output: Output,
    pub(crate) took: Duration,
    /// Highest resident memory seen, bytes; 0 where the system does not tell.
    pub(crate) peak: u64,
}

/// Runs the program on two threads within 1 GB of addresses, watching its memory.
pub(crate) fn run_measured(folder: &Path, arguments: &[&str]) -> Measured {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 1000000; exec \"$0\" \"$@\""]).arg(path()).args(arguments);
    command.env("RAYON_NUM_THREADS", "2").current_dir(folder);
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The system keeps the highest value, so only growth in the last moment before the end can be missed; what is
    // asked for then still has to fit the limit on addresses.
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        let kilobytes = line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        peak = peak.max(kilobytes * 1024);
        std::thread::sleep(Duration::from_micros(200));
    }
    let took = begun.elapsed();
    Measured { output: child.wait_with_output().unwrap(), took, peak }
}
