//! A stage: performances played through the whole pipeline on a GPU with validation, beside the reference renderer.

use std::sync::Arc;

use glam::DVec3;
use vivant::clip::{Clip, WriterOptions};
use vivant::codec::{decode_segment, performance_to_bytes};
use vivant::frame::{LiveSet, SegmentData};
use vivant::gpu::{Format, Gpu, GpuOptions};
use vivant::picture::compare;
use vivant::reference::{self, Moment};
use vivant::render::{CanvasDescription, Performer, Pixels, Renderer, Settings};
use vivant::rig::Affine;
use vivant::splat::Performance;
use vivant::view::View;

use crate::gpu::{assert_silent, open};

/// A renderer whose device must stay silent.
#[derive(Debug)]
pub struct Stage {
    /// The renderer.
    pub renderer: Renderer,
    gpu: Gpu,
}

/// How far a picture is from the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// PSNR over the pixels that either covers, dB, of the worst view.
    pub psnr: f64,
    /// Largest depth error where the reference's alpha exceeds one half, metres.
    pub depth: f64,
    /// Pixels covered in all views.
    pub covered: usize,
}

impl Stage {
    /// A stage, or `None`, said aloud, where there is no Vulkan.
    ///
    /// # Panics
    /// When the device fails.
    #[must_use]
    pub fn open(options: &GpuOptions) -> Option<Self> {
        let gpu = open(options)?;
        Some(Self { renderer: Renderer::new(&gpu).expect("renderer"), gpu })
    }

    /// Draws `clip` at `seconds` into 16-bit float pictures with depth.
    ///
    /// # Panics
    /// When the device fails or a segment does not decode.
    pub fn draw(&mut self, clip: &Clip, seconds: f64, views: &[View], size: u32) -> Pixels {
        self.draw_live(clip, &live_at(clip, seconds), views, size)
    }

    /// The same of a live set that is at hand.
    ///
    /// # Panics
    /// When the device fails.
    pub fn draw_live(&mut self, clip: &Clip, live: &LiveSet, views: &[View], size: u32) -> Pixels {
        let performer = Performer::new(live, &clip.info());
        let description = CanvasDescription {
            format: Format::Rgba16f,
            depth: true,
            ..CanvasDescription::new(size, size, u32::try_from(views.len()).expect("few views"))
        };
        let mut canvas = self.renderer.canvas(&description).expect("canvas");
        self.renderer
            .draw(&[performer], views, &Settings { exact: true, ..Settings::default() }, &canvas)
            .expect("draw");
        self.renderer.read(&mut canvas).expect("read")
    }

    /// Fails when the validation layer has said anything.
    ///
    /// # Panics
    /// With the messages.
    pub fn finish(self) {
        drop(self.renderer);
        assert_silent(&self.gpu);
    }
}

/// A performance through the writer and the reader.
///
/// # Panics
/// When it cannot be written or read.
#[must_use]
pub fn clip_of(performance: &Performance) -> Clip {
    let (bytes, _) = performance_to_bytes(performance, &WriterOptions::default()).expect("write");
    Clip::from_bytes("stage.vvt", bytes).expect("read back")
}

/// What is live at `seconds`, decoded.
///
/// # Panics
/// When a segment does not decode.
#[must_use]
pub fn live_at(clip: &Clip, seconds: f64) -> LiveSet {
    let tick = clip.info().rate.ticks_from_seconds(seconds);
    let segments: Vec<_> = clip
        .live_nodes(tick)
        .iter()
        .map(|node| Arc::new(decode_segment(clip, *node).expect("decode")))
        .collect();
    let joints = joints_at(clip, &segments, seconds);
    LiveSet { segments, tick, seconds, coming: Vec::new(), joints }
}

/// What the joints of a clip's rig do at `seconds`, by the segment that drives them.
fn joints_at(clip: &Clip, segments: &[Arc<SegmentData>], seconds: f64) -> Vec<Affine> {
    let Some(rig) = clip.rig() else { return Vec::new() };
    let (mut places, mut out) = (Vec::new(), Vec::new());
    rig.carry_rest(&mut out);
    if let Some(segment) = segments.iter().find(|segment| segment.drives()) {
        let rate = clip.info().rate;
        let [start, end] = [segment.start, segment.end].map(|tick| rate.seconds_from_ticks(tick));
        vivant::codec::joints_at(segment, (seconds - start) / (end - start), &mut places);
        rig.carry(&places, &mut out);
    }
    out
}

/// Which order the reference draws in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By distance from the centre of all views, as the renderer promises.
    Head,
    /// By distance from each view's own position, the ideal that the renderer approximates.
    EachView,
}

/// The reference's pictures of `performance`, one a view.
///
/// # Panics
/// When the reference refuses a view.
#[must_use]
pub fn reference_of(
    performance: &Performance,
    seconds: f64,
    views: &[View],
    size: u32,
    order: Order,
) -> Vec<reference::Rendering> {
    let moment = Moment::at_seconds(performance.info.rate, seconds);
    let head = views.iter().map(|v| DVec3::from_array(v.position)).sum::<DVec3>() / views.len() as f64;
    let options = reference::Options {
        appearance: performance.info.appearance,
        order_from: (order == Order::Head).then_some(head),
        ..reference::Options::default()
    };
    let draw = |view| {
        reference::render(&[&performance.splats], moment, view, size, size, &options).expect("reference")
    };
    views.iter().map(draw).collect()
}

/// How far `pixels` are from the reference's pictures.
///
/// # Panics
/// When the sizes differ.
#[must_use]
pub fn distance(pixels: &Pixels, reference: &[reference::Rendering]) -> Distance {
    let mut out = Distance { psnr: f64::INFINITY, depth: 0.0, covered: 0 };
    for (view, (image, wanted)) in pixels.images.iter().zip(reference).enumerate() {
        let compared = compare(image, &wanted.image(), [0.0; 3]).expect("same size");
        out.psnr = out.psnr.min(compared.psnr_covered);
        out.covered += compared.covered;
        let texels = wanted.rgba.len();
        let depth = &pixels.depth[view * texels..(view + 1) * texels];
        for ((got, wanted_depth), rgba) in depth.iter().zip(&wanted.depth).zip(&wanted.rgba) {
            if rgba[3] > 0.5 {
                out.depth = out.depth.max((f64::from(*got) - wanted_depth).abs());
            }
        }
    }
    out
}

/// A stereo pair 63 mm apart, `distance` metres in front of `target`, a little above it and to the side.
#[must_use]
pub fn stereo(target: DVec3, distance: f64) -> [View; 2] {
    let eye = target + DVec3::new(0.25, 0.12, 1.0).normalize_or(DVec3::Z) * distance;
    View::looking_at(eye, target, 1.0, 1.0).stereo(0.063)
}
