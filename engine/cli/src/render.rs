//! `vivant render`: pictures of one moment, or a contact sheet of several, as PNG; depth as NumPy.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};
use glam::DVec3;
use vivant::clip::{Access, Clip};
use vivant::codec::splats_at;
use vivant::frame::LiveSet;
use vivant::gpu::Format;
use vivant::look::ChannelLook;
use vivant::picture::{self, Image};
use vivant::playback::{labels_of, live_at};
use vivant::reference::{self, Moment};
use vivant::render::{Canvas, CanvasDescription, Performer, Pixels, Renderer, Settings};
use vivant::view::View;

use crate::camera::{self, Subject};
use crate::exit::{Outcome, Result};
use crate::import::ImportArgs;
use crate::labels::{LabelArgs, Look};
use crate::progress::Progress;
use crate::{device, input, output};

/// Draw one moment of a performance, or several, to a PNG
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A clip, or anything that can be converted
    file: PathBuf,
    /// The PNG to write: the views side by side, left first
    #[arg(short, long, value_name = "PNG")]
    output: PathBuf,
    /// Media time in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, allow_negative_numbers = true)]
    time: f64,
    /// A contact sheet of N moments, equally spaced over the clip, instead of one moment
    #[arg(long, value_name = "N", conflicts_with_all = ["time", "depth"], value_parser = clap::value_parser!(u16).range(1..=400))]
    sheet: Option<u16>,
    /// A camera file; without one, a stereo pair in front of the performer
    #[arg(long, value_name = "JSON", conflicts_with_all = ["distance", "yaw", "mono"])]
    camera: Option<PathBuf>,
    /// Metres from the performer's middle [default: as far as it takes to see all of it]
    #[arg(long, value_name = "METRES")]
    distance: Option<f64>,
    /// Degrees to walk round the performer, anticlockwise seen from above
    #[arg(long, value_name = "DEGREES", default_value_t = 0.0, allow_negative_numbers = true)]
    yaw: f64,
    /// One view instead of a stereo pair
    #[arg(long)]
    mono: bool,
    /// Size of each view in pixels
    #[arg(long, value_name = "WxH", default_value = "1024x1024")]
    size: Size,
    /// Colour behind the performer, 0 to 1 each, as shown on screen [default: transparent]
    #[arg(long, value_name = "R,G,B")]
    background: Option<Background>,
    /// Write depth too: f32 metres along the view axis, [views, height, width], infinity where nothing is
    #[arg(long, value_name = "NPY")]
    depth: Option<PathBuf>,
    /// Draw with the slow, exact reference renderer on the CPU
    #[arg(long)]
    reference: bool,
    #[command(flatten)]
    labels: LabelArgs,
    /// How to read a clip's file: auto, mapped, pread or memory
    #[arg(long, value_name = "HOW", default_value = "auto")]
    access: AccessArg,
    #[command(flatten)]
    import: ImportArgs,
}

/// Width and height.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let sides = text.split_once(['x', 'X']).map(|(w, h)| (w.trim().parse(), h.trim().parse()));
        match sides {
            Some((Ok(width), Ok(height)))
                if (1..=16_384).contains(&width) && (1..=16_384).contains(&height) =>
            {
                Ok(Self { width, height })
            }
            _ => Err("a size is WIDTHxHEIGHT in pixels, 1 to 16384 each, as 1024x1024".to_owned()),
        }
    }
}

/// A colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Background(pub(crate) [f32; 3]);

impl FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts: Vec<f32> = text.split(',').map_while(|part| part.trim().parse().ok()).collect();
        match parts[..] {
            [r, g, b]
                if text.split(',').count() == 3 && [r, g, b].iter().all(|c| (0.0..=1.0).contains(c)) =>
            {
                Ok(Self([r, g, b]))
            }
            _ => Err("a colour is three numbers from 0 to 1, as 0.2,0.2,0.25".to_owned()),
        }
    }
}

/// [`Access`] as an argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessArg(pub(crate) Access);

impl FromStr for AccessArg {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self(Access::Auto)),
            "mapped" => Ok(Self(Access::Mapped)),
            "pread" => Ok(Self(Access::Pread)),
            "memory" => Ok(Self(Access::Memory)),
            _ => Err("one of auto, mapped, pread, memory".to_owned()),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    let opened = input::open_with(&args.file, &args.import, args.access.0)?;
    if let Some(report) = &opened.report {
        output::note(&report.to_string());
    }
    let clip = &opened.clip;
    clip.notices().iter().for_each(|notice| output::note(notice));
    let times = times(args, clip)?;
    let views = views(args, clip)?;
    let look = args.labels.check(clip)?;
    let mut painter = Painter::new(args, views, look)?;
    let mut progress = Progress::new("drawing", times.len() as u64);
    let mut rows = Vec::with_capacity(times.len());
    for (done, &nanos) in times.iter().enumerate() {
        let pixels = painter.draw(clip, &live_at(clip, nanos)?)?;
        if let Some(path) = &args.depth {
            let shape = [painter.views.len(), args.size.height as usize, args.size.width as usize];
            picture::save_npy(path, &shape, &pixels.depth)?;
        }
        rows.push(picture::side_by_side(&pixels.images)?);
        progress.set(done as u64 + 1);
    }
    painter.finish()?;
    let image = match rows.len() {
        1 => rows.swap_remove(0),
        count => picture::contact_sheet(&rows, columns(count, &rows[0]), 8)?,
    };
    picture::save_png(&image, &args.output)?;
    output::text(&format!("{}: {}x{}", args.output.display(), image.width, image.height));
    Ok(Outcome::Done)
}

/// Columns of a contact sheet that come closest to 16:9.
fn columns(count: usize, image: &Image) -> usize {
    let shape = |columns: usize| {
        let rows = count.div_ceil(columns) as f64;
        let aspect = columns as f64 * f64::from(image.width) / (rows * f64::from(image.height));
        (aspect / (16.0 / 9.0)).ln().abs()
    };
    (1..=count).min_by(|a, b| shape(*a).total_cmp(&shape(*b))).unwrap_or(1)
}

/// The media times to draw, nanoseconds.
fn times(args: &Args, clip: &Clip) -> anyhow::Result<Vec<i64>> {
    let duration = clip.duration_nanos();
    if let Some(count) = args.sheet {
        let count = i64::from(count);
        return Ok((0..count).map(|i| duration / count * i).collect());
    }
    let length = duration as f64 * 1e-9;
    if !args.time.is_finite() || args.time < 0.0 || (duration > 0 && args.time > length + 1e-6) {
        bail!("--time {}: {} lasts from 0 to {length:.3} s", args.time, clip.name());
    }
    #[expect(clippy::cast_possible_truncation, reason = "a time within the clip")]
    let nanos = (args.time * 1e9).round() as i64;
    Ok(vec![nanos])
}

/// The views to draw from.
fn views(args: &Args, clip: &Clip) -> anyhow::Result<Vec<View>> {
    if let Some(path) = &args.camera {
        return camera::load(path);
    }
    if args.distance.is_some_and(|d| !d.is_finite() || d <= 0.0) || !args.yaw.is_finite() {
        bail!("--distance must be more than 0 metres and --yaw finite");
    }
    let aspect = f64::from(args.size.width) / f64::from(args.size.height);
    let view = Subject::of(clip)?.view(aspect, args.distance, args.yaw.to_radians());
    Ok(if args.mono { vec![view] } else { view.stereo(camera::EYE_DISTANCE).to_vec() })
}

/// Draws moments with the renderer or with the reference.
struct Painter {
    views: Vec<View>,
    size: Size,
    background: Option<[f32; 3]>,
    look: Option<Look>,
    engine: Engine,
}

enum Engine {
    Gpu(Box<(Renderer, Canvas)>),
    Reference,
}

impl Painter {
    fn new(args: &Args, views: Vec<View>, look: Option<Look>) -> anyhow::Result<Self> {
        let engine = if args.reference {
            Engine::Reference
        } else {
            let gpu = device::open()?;
            let renderer = Renderer::new(&gpu)?;
            let count = u32::try_from(views.len()).context("too many views")?;
            let canvas = renderer.canvas(&CanvasDescription {
                format: Format::Rgba8,
                depth: args.depth.is_some(),
                ..CanvasDescription::new(args.size.width, args.size.height, count)
            })?;
            Engine::Gpu(Box::new((renderer, canvas)))
        };
        Ok(Self { views, size: args.size, background: args.background.map(|b| b.0), look, engine })
    }

    fn draw(&mut self, clip: &Clip, live: &LiveSet) -> vivant::Result<Pixels> {
        let labels = match &self.look {
            Some(look) => labels_of(clip, live, &look.channel)?,
            None => Vec::new(),
        };
        let look = self.look.as_ref().map(|look| ChannelLook { table: &look.table, labels: &labels });
        match &mut self.engine {
            Engine::Gpu(gpu) => {
                let (renderer, canvas) = &mut **gpu;
                let performer = Performer { look, ..Performer::new(live, &clip.info()) };
                let background = self.background.map_or([0.0; 4], |[r, g, b]| [r, g, b, 1.0]);
                let settings = Settings { background, exact: true, ..Settings::default() };
                renderer.draw(&[performer], &self.views, &settings, canvas)?;
                renderer.read(canvas)
            }
            Engine::Reference => {
                let rate = clip.info().rate;
                let mut sets: Vec<_> =
                    live.segments.iter().map(|s| splats_at(s, rate, live.seconds)).collect();
                if let Some(look) = &self.look {
                    look.paint(clip, live, &mut sets)?;
                }
                let sets: Vec<_> = sets.iter().collect();
                let moment = Moment { tick: live.tick, seconds: live.seconds };
                let background = self.background.map(|b| b.map(f64::from));
                // In the order that the renderer promises: one for all views.
                let eyes = self.views.iter().map(|v| DVec3::from_array(v.position));
                let order_from = Some(eyes.sum::<DVec3>() / self.views.len() as f64);
                let appearance = clip.info().appearance;
                let options = reference::Options {
                    appearance,
                    background,
                    order_from,
                    ..reference::Options::default()
                };
                let mut pixels = Pixels { images: Vec::new(), depth: Vec::new() };
                for view in &self.views {
                    let drawn =
                        reference::render(&sets, moment, view, self.size.width, self.size.height, &options)?;
                    pixels.depth.extend(drawn.depth_f32());
                    pixels.images.push(drawn.image());
                }
                Ok(pixels)
            }
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self.engine {
            Engine::Gpu(gpu) => {
                let handle = gpu.0.gpu().clone();
                drop(gpu);
                device::check_validation(&handle)
            }
            Engine::Reference => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_colours_are_checked() {
        assert!(matches!("640x480".parse::<Size>(), Ok(Size { width: 640, height: 480 })));
        for wrong in ["640", "0x4", "-1x4", "4x99999999", "axb", ""] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
        assert!("0.1, 0.2,1".parse::<Background>().is_ok());
        for wrong in ["0.1,0.2", "1,2,3", "a,b,c", "0,0,0,0", "nan,0,0"] {
            assert!(wrong.parse::<Background>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn contact_sheets_are_wide() {
        let pair = Image::filled(2, 1, [0.0; 4]);
        assert_eq!(columns(8, &pair), 3);
        assert_eq!(columns(1, &pair), 1);
    }
}
