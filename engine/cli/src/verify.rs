//! `vivant verify`: checks every byte of a clip. Exit code 1 when something is damaged.

use std::path::PathBuf;

use vivant::Error;
use vivant::clip::{Access, Clip, VerifyReport, verify};

use crate::exit::{Outcome, Result};
use crate::output;

/// Check every byte of a clip
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The clip
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    let name = args.file.display().to_string();
    let report = match Clip::open(&args.file, Access::Auto) {
        Ok(clip) => verify(&clip)?,
        // A clip too damaged to open is what this command is there to find; a file that is no clip is a mistake.
        Err(Error::Malformed { field, offset, why, .. }) if field != "superblock.magic" => {
            let found = Finding { part: &field, offset, why: &why };
            print(args, &name, &[found], &VerifyReport::default());
            return Ok(Outcome::Failed);
        }
        Err(other) => return Err(other.into()),
    };
    let findings: Vec<Finding<'_>> = report
        .damages
        .iter()
        .map(|damage| Finding { part: &damage.part, offset: damage.offset, why: &damage.why })
        .collect();
    print(args, &name, &findings, &report);
    Ok(if report.is_whole() { Outcome::Done } else { Outcome::Failed })
}

/// One damaged part.
struct Finding<'a> {
    part: &'a str,
    offset: u64,
    why: &'a str,
}

fn print(args: &Args, name: &str, findings: &[Finding<'_>], report: &VerifyReport) {
    if args.json {
        let damages: Vec<serde_json::Value> = findings
            .iter()
            .map(|found| serde_json::json!({ "part": found.part, "offset": found.offset, "why": found.why }))
            .collect();
        output::json(&serde_json::json!({
            "file": name,
            "whole": findings.is_empty(),
            "chunks": report.chunks,
            "bytes": report.bytes,
            "damages": damages,
        }));
        return;
    }
    for Finding { part, offset, why } in findings {
        output::text(&format!("{name}: {part} at byte {offset}: {why}"));
    }
    let checked =
        format!("{}, {} checked", output::count(report.chunks, "chunk"), output::bytes(report.bytes));
    match findings.len() {
        0 => output::text(&format!("{name}: whole; {checked}")),
        count => output::text(&format!("{name}: {count} damaged; {checked}")),
    }
}
