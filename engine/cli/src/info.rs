//! `vivant info`: what a clip is, and what playing it asks for: by level, by attribute and over time.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use vivant::clip::{ChannelSummary, ChunkKind, Clip, Summary};
use vivant::playback::Player;
use vivant::rig::{Kind, Rig};
use vivant::splat::Appearance;

use crate::exit::{Outcome, Result};
use crate::import::ImportArgs;
use crate::{input, output, plot, sound};

/// Describe a clip, or what a foreign file would become
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A clip, or anything that can be converted
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw bit rate, live splats and memory over time
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    import: ImportArgs,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    let opened = input::open(&args.file, &args.import)?;
    let clip = &opened.clip;
    clip.notices().iter().for_each(|notice| output::note(notice));
    let summary = clip.summary()?;
    if summary.damaged > 0 {
        output::note(&format!(
            "{} damaged and not counted by attribute; see vivant verify",
            output::count(summary.damaged, "segment")
        ));
    }
    let (channels, broken) = clip.channels()?;
    if broken > 0 {
        output::note(&format!(
            "what {} carry is damaged; see vivant verify",
            output::count(broken, "segment")
        ));
    }
    if let Some(path) = &args.plot {
        draw(args, path, clip, &summary)?;
    }
    if args.json {
        let mut value = as_json(clip, &summary);
        value["channels"] = channels.iter().map(channel_json).collect();
        if let Some(report) = &opened.report {
            value["imported"] = serde_json::json!({ "read": report.read, "dropped": report.dropped(), "notes": report.notes });
        }
        output::json(&value);
    } else {
        if let Some(report) = &opened.report {
            output::text(&format!("not a clip; imported to describe it: {report}"));
        }
        output::text(&(as_text(clip) + &channels.iter().map(channel_line).collect::<String>()));
        output::text(&tables(clip, &summary));
    }
    Ok(Outcome::Done)
}

/// Writes the plot.
fn draw(args: &Args, path: &Path, clip: &Clip, summary: &Summary) -> anyhow::Result<()> {
    if clip.info().duration == 0 {
        bail!("{}: a static scene has no time to plot over; leave out --plot", clip.name());
    }
    if input::same_file(&args.file, path) {
        bail!("{}: the plot would replace this input; give another name with --plot", path.display());
    }
    std::fs::write(path, plot::svg(clip, summary))
        .with_context(|| format!("{}: cannot write", path.display()))
}

/// Whole frames of the clip; 1 for a static scene.
fn frames(clip: &Clip) -> u64 {
    let info = clip.info();
    let (num, den) = info.fps;
    let frames = clip.duration_nanos() as f64 * 1e-9 * f64::from(num) / f64::from(den.max(1));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of frames: not negative, and casts saturate"
    )]
    let whole = frames.round() as u64;
    whole.max(1)
}

fn level_count(clip: &Clip) -> usize {
    clip.nodes().last().map_or(0, |node| usize::from(node.level) + 1)
}

/// How many joints of which kind.
fn joints(rig: &Rig) -> String {
    output::count(rig.joints().len() as u64, if rig.kind() == Kind::Faces { "face" } else { "joint" })
}

/// What an attribute is called. Of a palette, the harmonics are its entries.
fn attribute(kind: ChunkKind) -> String {
    match kind {
        ChunkKind::Plane(plane) => format!("{plane:?}"),
        other => format!("{other:?}"),
    }
}

fn kilobytes(bytes: u64, frames: u64) -> f64 {
    bytes as f64 * 1e-3 / frames as f64
}

/// The tables by level and by attribute, and the live set.
fn tables(clip: &Clip, summary: &Summary) -> String {
    let frames = frames(clip);
    let rate = clip.info().rate;
    let is_static = clip.info().duration == 0;
    let levels = summary.levels.iter().map(|level| {
        let seconds = if is_static { 0.0 } else { rate.seconds_from_ticks(level.ticks) };
        vec![
            level.level.to_string(),
            level.segments.to_string(),
            level.splats.to_string(),
            format!("{seconds:.3}"),
            output::bytes(level.stored_bytes),
            output::bytes(level.raw_bytes),
        ]
    });
    let heads = ["level", "segments", "splats", "seconds", "stored", "decoded"];
    let mut text = format!("\n{}", output::table(&heads, levels));
    let stored: u64 = summary.attributes.iter().map(|attribute| attribute.stored_bytes).sum();
    let raw: u64 = summary.attributes.iter().map(|attribute| attribute.raw_bytes).sum();
    let row = |name: String, stored_bytes: u64, raw_bytes: u64| {
        vec![
            name,
            format!("{:.1}", kilobytes(stored_bytes, frames)),
            format!("{:.1}", kilobytes(raw_bytes, frames)),
            format!("{:.1} %", 100.0 * stored_bytes as f64 / stored.max(1) as f64),
        ]
    };
    let attributes =
        summary.attributes.iter().map(|of| row(attribute(of.kind), of.stored_bytes, of.raw_bytes));
    let attributes = attributes.chain([row("all".to_owned(), stored, raw)]);
    let unit = if is_static { "kB" } else { "kB a frame" };
    text += &format!("\n{}", output::table(&[unit, "stored", "decoded", "of stored"], attributes));
    text += &format!(
        "\nlive splats  {} at least, {:.0} on average, {} at most\npeak memory  {} decoded",
        summary.min_splats(),
        summary.mean_splats(),
        summary.max_splats(),
        output::bytes(summary.max_bytes())
    );
    text
}

fn as_text(clip: &Clip) -> String {
    let info = clip.info();
    let [low, high] = clip.bounds();
    let limits = clip.limits();
    let seconds = clip.duration_nanos() as f64 * 1e-9;
    let length = if info.duration == 0 {
        "static scene".to_owned()
    } else {
        let rate = f64::from(info.fps.0) / f64::from(info.fps.1.max(1));
        let stream = clip.file_bytes() as f64 * 8e-6 / seconds;
        format!(
            "{seconds:.3} s, {} at {rate:.3} a second, {stream:.1} Mb/s",
            output::count(frames(clip), "frame")
        )
    };
    let sound: String =
        clip.tracks().iter().map(|track| format!("\nsound     {}", sound::line(track))).collect();
    let shared = clip.palette().map_or_else(String::new, |palette| {
        let (degree, bytes) = (palette.harmonics().count(), output::bytes(palette.bytes()));
        format!("\npalette   {} entries of SH degree {degree}, {bytes} decoded besides", palette.entries)
    });
    let drawn = info.appearance.words().join(", ");
    let rig = clip.rig().map_or_else(String::new, |rig| {
        let named = rig.joints().iter().filter(|joint| !joint.name.is_empty()).count();
        format!("\nrig       {}, {named} of them named; a host may drive them", joints(rig))
    });
    let sides: Vec<String> = low.iter().zip(high).map(|(low, high)| format!("{:.3}", high - low)).collect();
    format!(
        "{}\n\
         length    {length}\n\
         splats    {} stored, at most {} at once, SH degree {}\n\
         size      {} in {} on {}\n\
         playing   at most {} decoded at once; a budget of {} for all detail, of {} for the least\n\
         box       {} m, from {low:?} to {high:?}\n\
         drawn     {drawn}{shared}{rig}{sound}",
        clip.name(),
        clip.splats(),
        limits.max_live_splats,
        info.sh_degree,
        output::bytes(clip.file_bytes()),
        output::count(clip.nodes().len() as u64, "segment"),
        output::count(level_count(clip) as u64, "level"),
        output::bytes(limits.max_live_bytes),
        output::bytes(Player::full_bytes(clip)),
        output::bytes(Player::needed_bytes(clip)),
        sides.join(" x "),
    )
}

/// A channel in a line: `part (label): 4 different, 0 to 3, of 4000 splats: 0 1 2 3`.
fn channel_line(channel: &ChannelSummary) -> String {
    const SHOWN: usize = 16;
    let range =
        channel.range.map_or_else(String::new, |(least, greatest)| format!("{least} to {greatest}, "));
    let mut line = format!("\nchannel   {} ({}): ", channel.info.name, channel.info.kind);
    if !channel.labels.is_empty() {
        let more = if channel.more { "more than " } else { "" };
        line += &format!("{more}{} different, ", channel.labels.len());
    }
    line += &format!("{range}of {}", output::count(channel.splats, "splat"));
    if (1..=SHOWN).contains(&channel.labels.len()) && !channel.more {
        line += ":";
        channel.labels.keys().for_each(|label| line += &format!(" {label}"));
    }
    line
}

fn channel_json(channel: &ChannelSummary) -> serde_json::Value {
    let labels = channel.labels.iter().map(|(label, splats)| serde_json::json!([label, splats]));
    serde_json::json!({
        "name": channel.info.name,
        "kind": channel.info.kind.to_string(),
        "splats": channel.splats,
        "range": channel.range.map(|(least, greatest)| [least, greatest]),
        "labels": labels.collect::<Vec<_>>(),
        "more_labels": channel.more,
    })
}

fn as_json(clip: &Clip, summary: &Summary) -> serde_json::Value {
    let info = clip.info();
    let limits = clip.limits();
    let uuid: String = clip.uuid().iter().map(|byte| format!("{byte:02x}")).collect();
    let metadata: serde_json::Value = serde_json::from_str(clip.meta_json()).unwrap_or_default();
    let rate = info.rate;
    let frames = frames(clip);
    let by_level: Vec<serde_json::Value> = summary
        .levels
        .iter()
        .map(|level| {
            serde_json::json!({
                "level": level.level,
                "segments": level.segments,
                "splats": level.splats,
                "seconds": if info.duration == 0 { 0.0 } else { rate.seconds_from_ticks(level.ticks) },
                "stored_bytes": level.stored_bytes,
                "raw_bytes": level.raw_bytes,
            })
        })
        .collect();
    let by_attribute: Vec<serde_json::Value> = summary
        .attributes
        .iter()
        .map(|of| {
            serde_json::json!({
                "attribute": attribute(of.kind),
                "stored_bytes": of.stored_bytes,
                "raw_bytes": of.raw_bytes,
                "stored_kilobytes_per_frame": kilobytes(of.stored_bytes, frames),
                "raw_kilobytes_per_frame": kilobytes(of.raw_bytes, frames),
            })
        })
        .collect();
    serde_json::json!({
        "file": clip.name(),
        "uuid": uuid,
        "static": info.duration == 0,
        "duration_nanos": clip.duration_nanos(),
        "duration_ticks": info.duration,
        "ticks_per_second": [info.rate.num, info.rate.den],
        "fps": [info.fps.0, info.fps.1],
        "frames": frames,
        "splats": clip.splats(),
        "sh_degree": info.sh_degree,
        "appearance": std::iter::zip(Appearance::FIELDS, info.appearance.words()).collect::<std::collections::BTreeMap<_, _>>(),
        "bounds": clip.bounds(),
        "file_bytes": clip.file_bytes(),
        "levels": level_count(clip),
        "segments": clip.nodes().len(),
        "max_live_splats": limits.max_live_splats,
        "max_live_bytes": limits.max_live_bytes,
        "max_segment_bytes": limits.max_segment_bytes,
        "palette": clip.palette().map(|palette| {
            serde_json::json!({
                "entries": palette.entries,
                "sh_degree": palette.harmonics().count(),
                "raw_bytes": palette.bytes(),
            })
        }),
        "rig": clip.rig().map(|rig| {
            serde_json::json!({
                "kind": if rig.kind() == Kind::Faces { "faces" } else { "joints" },
                "joints": rig.joints().iter().map(|joint| joint.name.as_str()).collect::<Vec<_>>(),
            })
        }),
        "full_budget_bytes": Player::full_bytes(clip),
        "least_budget_bytes": Player::needed_bytes(clip),
        "audio": clip.tracks().iter().map(sound::track_json).collect::<Vec<_>>(),
        "by_level": by_level,
        "by_attribute": by_attribute,
        "live_splats": {
            "min": summary.min_splats(),
            "mean": summary.mean_splats(),
            "max": summary.max_splats(),
        },
        "peak_live_bytes": summary.max_bytes(),
        "damaged_segments": summary.damaged,
        "metadata": metadata,
        "notices": clip.notices(),
    })
}
