//! `vivant verify`: checks every byte of a clip. Exit code 1 when something is damaged.
//!
//! With `--repair`, what is whole goes into a new clip, which is checked in turn. Then the exit code is 0 if there is a
//! new clip, whatever had to be left out: that is said, segment by segment.

use std::path::{Path, PathBuf};

use anyhow::bail;
use vivant::Error;
use vivant::clip::{Access, Clip, LeftOut, Repair, RepairReport, VerifyReport, verify};
use vivant::splat::ClipInfo;

use crate::exit::{Outcome, Result};
use crate::{input, output};

/// Check every byte of a clip
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The clip
    file: PathBuf,
    /// Save what is whole in a clip that is damaged, cut or was never finished, as a new clip; FILE stays as it is
    #[arg(long, value_name = "OUT.vvt")]
    repair: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    let name = args.file.display().to_string();
    if let Some(out) = &args.repair {
        return repair(args, &name, out);
    }
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
        count => output::text(&format!(
            "{name}: {count} damaged; {checked}; `vivant verify --repair OUT.vvt` saves what is whole"
        )),
    }
}

/// Saves what is whole to `out` and checks that.
fn repair(args: &Args, name: &str, out: &Path) -> Result {
    if input::same_file(&args.file, out) {
        bail!("{name}: the output would replace this input; give another name with --repair");
    }
    let repair = Repair::open(&args.file)?;
    let info = repair.info();
    let report = repair.write(out)?;
    // A file that changed while it was read, or a disk that does not keep what it is given, shows here.
    let found = verify(&Clip::open(out, Access::Auto)?)?;
    if let Some(damage) = found.damages.first() {
        bail!(
            "{}: {} at byte {}: {}; repair it again",
            out.display(),
            damage.part,
            damage.offset,
            damage.why
        );
    }
    if args.json {
        output::json(&repair_json(name, out, info, &report));
    } else {
        output::text(&repair_text(name, out, info, &report));
    }
    Ok(Outcome::Done)
}

fn seconds(info: ClipInfo, left: &LeftOut) -> [f64; 2] {
    [left.start, left.end].map(|tick| info.rate.seconds_from_ticks(tick))
}

fn repair_text(name: &str, out: &Path, info: ClipInfo, report: &RepairReport) -> String {
    let mut lines: Vec<String> = report.notes.iter().map(|note| format!("{name}: {note}")).collect();
    for left in &report.left_out {
        let [start, end] = seconds(info, left);
        lines.push(format!(
            "{name}: left out: level {}, {start:.3} to {end:.3} s, at byte {}: {}",
            left.level, left.offset, left.why
        ));
    }
    for track in &report.tracks {
        let seconds = track.silent_seconds();
        lines.push(match track.silent_packets {
            0 => format!("{name}: sound track {} saved whole", track.number),
            _ => format!(
                "{name}: sound track {} saved, {seconds:.2} s of it damaged and silent now",
                track.number
            ),
        });
    }
    if report.missing > 0 {
        lines.push(format!("{name}: of {} nothing was found", output::count(report.missing, "segment")));
    }
    let lost = report.left_out.len() as u64 + u64::from(report.missing);
    lines.push(format!(
        "wrote {}: {} saved, {lost} lost; {}, {}",
        out.display(),
        output::count(report.kept, "segment"),
        output::count(report.written.splats, "splat"),
        output::bytes(report.written.file_bytes)
    ));
    lines.join("\n")
}

fn repair_json(name: &str, out: &Path, info: ClipInfo, report: &RepairReport) -> serde_json::Value {
    let left_out: Vec<serde_json::Value> = report
        .left_out
        .iter()
        .map(|left| {
            let [start, end] = seconds(info, left);
            serde_json::json!({
                "level": left.level,
                "start_seconds": start,
                "end_seconds": end,
                "offset": left.offset,
                "why": left.why,
            })
        })
        .collect();
    serde_json::json!({
        "file": name,
        "output": out.display().to_string(),
        "kept": report.kept,
        "left_out": left_out,
        "missing": report.missing,
        "sound": report.tracks.iter().map(|track| serde_json::json!({
            "track": track.number,
            "packets": track.packets,
            "silent_packets": track.silent_packets,
            "silent_seconds": track.silent_seconds(),
        })).collect::<Vec<_>>(),
        "notes": report.notes,
        "splats": report.written.splats,
        "bytes": report.written.file_bytes,
    })
}
