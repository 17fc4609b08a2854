//! `vivant pick`: which splat is under a pixel, where it is and what it carries.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};
use vivant::channel::ChannelValue;
use vivant::pick::{Carried, ChannelValues, Pick, Ray, Target, pick};
use vivant::playback::live_at;
use vivant::view::View;

use crate::camera::{self, Subject};
use crate::exit::{Outcome, Result};
use crate::import::ImportArgs;
use crate::render::Size;
use crate::{input, output};

/// Say which splat is seen at a pixel, and what it carries
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A clip, or anything that can be converted
    file: PathBuf,
    /// Media time in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, allow_negative_numbers = true)]
    at: f64,
    /// The pixel, from the upper left corner
    #[arg(long, value_name = "X,Y")]
    pixel: Pixel,
    /// A camera file; without one, a view in front of the performer
    #[arg(long, value_name = "JSON")]
    camera: Option<PathBuf>,
    /// Which of the camera's views, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    view: usize,
    /// Size of the view in pixels
    #[arg(long, value_name = "WxH", default_value = "1024x1024")]
    size: Size,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    import: ImportArgs,
}

/// A place in a picture.
#[derive(Debug, Clone, Copy)]
struct Pixel([u32; 2]);

impl FromStr for Pixel {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once(',').map(|(x, y)| (x.trim().parse(), y.trim().parse())) {
            Some((Ok(x), Ok(y))) => Ok(Self([x, y])),
            _ => Err("a pixel is two whole numbers, as 512,300".to_owned()),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    let opened = input::open(&args.file, &args.import)?;
    if let Some(report) = &opened.report {
        output::note(&report.to_string());
    }
    let clip = &opened.clip;
    clip.notices().iter().for_each(|notice| output::note(notice));
    let length = clip.duration_nanos() as f64 * 1e-9;
    if !args.at.is_finite() || args.at < 0.0 || (length > 0.0 && args.at > length + 1e-6) {
        bail!("--at {}: {} lasts from 0 to {length:.3} s", args.at, clip.name());
    }
    #[expect(clippy::cast_possible_truncation, reason = "a time within the clip")]
    let nanos = (args.at * 1e9).round() as i64;
    let view = view(args, clip)?;
    let [x, y] = args.pixel.0.map(|pixel| f64::from(pixel) + 0.5);
    let Size { width, height } = args.size;
    let ray = Ray::through(&view, [width, height], [x, y])?;
    let live = live_at(clip, nanos)?;
    let rate = clip.info().rate;
    let target = Target { live: &live, rate, world_from_object: glam::DMat4::IDENTITY };
    let Some(found) = pick(&[target], &ray)? else {
        if args.json {
            output::json(&serde_json::json!({ "file": clip.name(), "splat": null }));
        } else {
            output::text("nothing is there");
        }
        return Ok(Outcome::Done);
    };
    // Damage to what a splat carries is told and hides nothing else.
    let carried = ChannelValues::new()?.of(clip, found.segment, found.splat).unwrap_or_else(|error| {
        output::note(&error.to_string());
        Vec::new()
    });
    let depth = -view.view_from_world().transform_point3(glam::DVec3::from_array(found.position)).z;
    if args.json {
        output::json(&as_json(clip.name(), &found, depth, &carried));
    } else {
        output::text(&as_text(&found, depth, &carried));
    }
    Ok(Outcome::Done)
}

fn view(args: &Args, clip: &vivant::clip::Clip) -> anyhow::Result<View> {
    let Some(path) = &args.camera else {
        let aspect = f64::from(args.size.width) / f64::from(args.size.height);
        return Subject::of(clip).map(|subject| subject.view(aspect, None, 0.0)).context("cannot frame it");
    };
    let views = camera::load(path)?;
    match views.get(args.view) {
        Some(view) => Ok(*view),
        None => bail!(
            "--view {}: {} has {}",
            args.view,
            path.display(),
            output::count(views.len() as u64, "view")
        ),
    }
}

fn as_text(found: &Pick, depth: f64, carried: &[Carried]) -> String {
    let [x, y, z] = found.position;
    let [r, g, b] = found.colour;
    let mut text = format!(
        "splat     {} of segment {}\n\
         position  {x:.4} {y:.4} {z:.4} m\n\
         depth     {depth:.4} m, {:.4} m along the ray\n\
         colour    {r:.3} {g:.3} {b:.3}\n\
         part      {:.3} of an alpha of {:.3}",
        found.splat, found.segment, found.distance, found.part, found.alpha
    );
    for Carried { name, value } in carried {
        text += &format!("\n{name}: {value}");
    }
    text
}

fn as_json(file: &str, found: &Pick, depth: f64, carried: &[Carried]) -> serde_json::Value {
    let value = |value: ChannelValue| match value {
        ChannelValue::Label(label) => serde_json::json!({ "label": label }),
        // What is no finite number is null.
        ChannelValue::Number(number) => serde_json::json!({ "number": number }),
    };
    let channels: serde_json::Map<String, serde_json::Value> =
        carried.iter().map(|carried| (carried.name.clone(), value(carried.value))).collect();
    serde_json::json!({
        "file": file,
        "segment": found.segment,
        "splat": found.splat,
        "position": found.position,
        "depth": depth,
        "distance": found.distance,
        "colour": found.colour,
        "part": found.part,
        "alpha": found.alpha,
        "surface": found.surface,
        "channels": channels,
    })
}
