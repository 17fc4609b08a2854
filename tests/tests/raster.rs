//! Raster and composite on the GPU against their twins `cpu::splat` and `cpu::composite`, pixel by pixel, for both eyes;
//! and what the composite promises about encodings and backgrounds.

#![expect(clippy::unwrap_used, reason = "a failure to set up is a failure of the test")]

use glam::{DMat4, DVec3};
use vivant::gpu::{
    BindSet, Blend, Buffer, BufferKind, Encoder, Format, Frame, Gpu, GpuOptions, Image, RasterDescription,
    RasterPipeline, RasterTarget, Timings,
};
use vivant::render::{CanvasDescription, Encoding, Performer, Pixels, Renderer, Settings};
use vivant_shaders::Kernel;
use vivant_shaders::cpu::{self, Buffers};
use vivant_shaders::generated::{
    BLEND_LINEAR, COMPOSITE_DEPTH_FRAG, COMPOSITE_FRAG, COMPOSITE_VERT, ENCODE_LINEAR, LOOK_INTEGRAL,
    LOOK_MIP, LOOK_SURFEL, SPLAT_DEPTH_FRAG, SPLAT_FRAG, SPLAT_VERT, binding,
};
use vivant_tests::gpu::{Bench, assert_fails, assert_silent, open, sabotaged, upload};
use vivant_tests::stage::{clip_of, live_at, stereo};
use vivant_tests::{performances, synthetic};

const SIZE: u32 = 96;

/// A frame up to the projection, by the twins.
fn projected(splats: u32, seed: u64) -> Buffers {
    projected_as(splats, seed, 0.3, 0)
}

/// The same of another look.
fn projected_as(splats: u32, seed: u64, low_pass: f32, look: u32) -> Buffers {
    let mut b = synthetic::frame(splats, SIZE, seed);
    b.segments.iter_mut().for_each(|segment| (segment.low_pass, segment.look) = (low_pass, look));
    cpu::slice(&mut b);
    cpu::cull(&mut b);
    for pass in 0..2 {
        cpu::histogram(&mut b, pass);
        cpu::scan(&mut b);
        cpu::offsets(&mut b);
        cpu::scatter(&mut b, pass);
    }
    cpu::project(&mut b);
    b
}

/// Draws the projected splats and composites them on the GPU: colour as f16 and depth, both views.
fn on_gpu(gpu: &Gpu, b: &Buffers, depth: bool) -> (Vec<[f32; 4]>, Vec<f32>) {
    let fragment = if depth { &SPLAT_DEPTH_FRAG } else { &SPLAT_FRAG };
    on_gpu_with(gpu, b, depth, fragment)
}

/// The same with another fragment shader for the splats.
fn on_gpu_with(gpu: &Gpu, b: &Buffers, depth: bool, splat: &Kernel) -> (Vec<[f32; 4]>, Vec<f32>) {
    let bench = Bench::new(gpu);
    let layouts = bench.layouts();
    let image = |name, format| Image::new(gpu, name, format, (SIZE, SIZE), 2).unwrap();
    let sums = [image("colour sum", Format::Rgba16f), image("depth sum", Format::Rg32f)];
    let outputs = [image("colour", Format::Rgba16f), image("depth", Format::R32f)];
    let used = if depth { 2 } else { 1 };
    let refer = |images: &[Image; 2], for_copy| {
        let images: Vec<&Image> = images.iter().take(used).collect();
        RasterTarget::new(gpu, "target", &images, for_copy).unwrap()
    };
    let (accumulation, output) = (refer(&sums, false), refer(&outputs, true));
    let looks = b.segments.iter().any(|segment| segment.look != 0);
    let pipeline = |name, target, vertex, fragment, blend| {
        RasterPipeline::new(layouts, target, &RasterDescription { name, vertex, fragment, blend, looks })
            .unwrap()
    };
    let composite = if depth { &COMPOSITE_DEPTH_FRAG } else { &COMPOSITE_FRAG };
    let raster = pipeline("raster", &accumulation, &SPLAT_VERT, splat, Blend::Over);
    let composite = pipeline("composite", &output, &COMPOSITE_VERT, composite, Blend::Replace);
    let buffers = upload(gpu, b);
    let bound: Vec<(u32, &Buffer)> = buffers.iter().map(|(slot, buffer)| (*slot, buffer)).collect();
    let set = BindSet::buffers(layouts, "buffers", &bound).unwrap();
    let images = BindSet::images(layouts, "images", &sums[0], depth.then_some(&sums[1])).unwrap();
    let counts = buffers.iter().find(|(slot, _)| *slot == binding::COUNTS).map(|(_, b)| b).unwrap();
    let mut readback =
        outputs.each_ref().map(|i| Buffer::new(gpu, "readback", i.bytes(), BufferKind::Readback).unwrap());

    let mut frame = Frame::new(gpu, "frame").unwrap();
    let mut timings = Timings::new(gpu).unwrap();
    let mut encoder = Encoder::begin(layouts, &frame, &mut timings).unwrap();
    encoder.begin_raster(&accumulation, &set);
    encoder.draw_indirect(&raster, counts, 16);
    encoder.end_raster();
    encoder.begin_raster(&output, &set);
    encoder.bind_images(&images);
    encoder.draw(&composite, 3);
    encoder.end_raster();
    for (image, buffer) in outputs.iter().zip(&readback).take(used) {
        encoder.copy_image(image, buffer);
    }
    encoder.barrier();
    encoder.finish().unwrap();
    frame.submit().unwrap();
    frame.wait().unwrap();
    let half = |b: &[u8]| half::f16::from_le_bytes([b[0], b[1]]).to_f32();
    let [colour, depth_bytes] = &mut readback;
    let colour = colour.mapped().chunks_exact(8).map(|p| [0, 2, 4, 6].map(|i| half(&p[i..]))).collect();
    let depths = depth_bytes.mapped().chunks_exact(4).map(|p| f32::from_le_bytes([p[0], p[1], p[2], p[3]]));
    (colour, if depth { depths.collect() } else { Vec::new() })
}

/// The same by the twins.
fn by_twins(b: &Buffers) -> (Vec<[f32; 4]>, Vec<f32>) {
    let (mut colour, mut depth) = (Vec::new(), Vec::new());
    for view in 0..2 {
        let (c, d) = cpu::composite(&b.block.frame, &cpu::splat(b, view));
        colour.extend(c);
        depth.extend(d);
    }
    (colour, depth)
}

/// Half floats lose up to 2^-11 a layer; a fragment at the very cut of 1/255 may fall to either side.
fn assert_colour(gpu: &[[f32; 4]], twin: &[[f32; 4]]) {
    assert_eq!(gpu.len(), twin.len());
    let mut squares = 0.0;
    for (index, (a, b)) in gpu.iter().zip(twin).enumerate() {
        for (x, y) in a.iter().zip(b) {
            let error = (x - y).abs();
            assert!(error <= 0.012, "pixel {index}: {a:?} but the twin says {b:?}");
            squares += f64::from(error) * f64::from(error);
        }
    }
    let rms = (squares / (4.0 * gpu.len() as f64)).sqrt();
    assert!(rms <= 1.2e-3, "{rms} off on average, but the twin says otherwise");
}

#[test]
fn raster_and_composite_are_their_twins() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    for (splats, seed) in [(0, 1), (1, 2), (300, 3), (4000, 4)] {
        for (flags, background) in [(0, [0.0; 4]), (ENCODE_LINEAR, [0.1, 0.2, 0.3, 1.0])] {
            let mut b = projected(splats, seed);
            b.block.frame.flags = flags;
            b.block.frame.background = background;
            let (colour, depth) = by_twins(&b);
            let (gpu_colour, gpu_depth) = on_gpu(&gpu, &b, true);
            assert_colour(&gpu_colour, &colour);
            for (index, (a, d)) in gpu_depth.iter().zip(&depth).enumerate() {
                let agree = a == d || (a - d).abs() <= 0.01 || colour[index][3] < 0.1 || background[3] > 0.0;
                assert!(agree, "pixel {index}: depth {a} but the twin says {d}");
            }
            assert_colour(&on_gpu(&gpu, &b, false).0, &colour);
        }
    }
    assert_silent(&gpu);
}

#[test]
fn raster_is_its_twin_in_every_look() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    for (low_pass, look) in [(0.1, LOOK_MIP), (0.0, LOOK_INTEGRAL), (0.0, LOOK_SURFEL)] {
        for flags in [0, BLEND_LINEAR, BLEND_LINEAR | ENCODE_LINEAR] {
            let mut b = projected_as(3000, 5, low_pass, look);
            b.block.frame.flags = flags;
            let (colour, depth) = by_twins(&b);
            let (gpu_colour, gpu_depth) = on_gpu(&gpu, &b, true);
            assert_colour(&gpu_colour, &colour);
            let off = |(index, (a, d)): (usize, (&f32, &f32))| {
                a != d && (a - d).abs() > 0.01 && colour[index][3] >= 0.1
            };
            // At the edge between a disc and its filter the depth jumps, and a fragment may fall to either side.
            let off = gpu_depth.iter().zip(&depth).enumerate().filter(|pair| off(*pair)).count();
            assert!(off <= gpu_depth.len() / 1000, "look {look}: {off} depths, but the twin says otherwise");
            assert_colour(&on_gpu(&gpu, &b, false).0, &colour);
        }
    }
    let mut b = projected_as(3000, 5, 0.0, LOOK_SURFEL);
    let (colour, _) = by_twins(&b);
    b.segments.iter_mut().for_each(|segment| segment.look = 0);
    let gaussian = on_gpu(&gpu, &b, false).0;
    assert_fails("surfels by kernels without looks", || assert_colour(&gaussian, &colour));
    assert_silent(&gpu);
}

#[test]
fn a_broken_fragment_shader_is_noticed() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let b = projected(4000, 4);
    let (colour, _) = by_twins(&b);
    let wide = on_gpu_with(&gpu, &b, false, &sabotaged(&SPLAT_FRAG, -0.5, -0.47));
    assert_fails("a wide falloff", || assert_colour(&wide.0, &colour));
    assert_silent(&gpu);
}

#[test]
#[should_panic(expected = "but the twin says")]
fn a_wrong_order_is_noticed() {
    let b = projected(4000, 4);
    let mut reversed = b.clone();
    let (slots, visible) = (b.block.frame.slots as usize, b.counts.visible as usize);
    reversed.projected[..visible].reverse();
    reversed.projected[slots..slots + visible].reverse();
    assert_colour(&by_twins(&reversed).0, &by_twins(&b).0);
}

#[test]
#[should_panic(expected = "but the twin says")]
fn a_broken_falloff_is_noticed() {
    let b = projected(4000, 4);
    let mut fat = b.clone();
    fat.projected.iter_mut().for_each(|p| p.minor *= 1.05);
    assert_colour(&by_twins(&fat).0, &by_twins(&b).0);
}

fn draw(renderer: &mut Renderer, settings: &Settings, description: &CanvasDescription) -> Pixels {
    let performance = performances::still(3000, 0);
    let clip = clip_of(&performance);
    let live = live_at(&clip, 0.0);
    let performer = Performer::new(&live, &clip.info());
    let mut canvas = renderer.canvas(description).unwrap();
    renderer.draw(&[performer], &stereo(DVec3::ZERO, 1.0), settings, &canvas).unwrap();
    renderer.read(&mut canvas).unwrap()
}

#[test]
fn formats_and_encodings_agree_with_each_other() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut renderer = Renderer::new(&gpu).unwrap();
    let bytes = CanvasDescription::new(128, 128, 2);
    let floats = CanvasDescription { format: Format::Rgba16f, ..bytes };
    let cheap = CanvasDescription { accumulation: Format::Rgba8, ..bytes };
    let settings = Settings::default();
    let exact = draw(&mut renderer, &settings, &floats);
    let psnr = |a: &Pixels| vivant::picture::psnr_covered(&a.images[0], &exact.images[0], [0.0; 3]).unwrap();
    let eight_bits = psnr(&draw(&mut renderer, &settings, &bytes));
    let cheap = psnr(&draw(&mut renderer, &settings, &cheap));
    eprintln!("8-bit picture {eight_bits:.1} dB, 8-bit blending {cheap:.1} dB");
    assert!(eight_bits > 52.0 && cheap > 42.0, "{eight_bits} dB, {cheap} dB");
    assert!(eight_bits.is_finite(), "a rounded picture cannot be equal: the formats are not what they say");

    let linear = draw(&mut renderer, &Settings { encoding: Encoding::Linear, ..settings }, &floats);
    for (a, b) in linear.images[0].pixels.iter().zip(&exact.images[0].pixels).filter(|(_, b)| b[3] > 0.99) {
        for channel in 0..3 {
            let srgb = f64::from(b[channel] / b[3]);
            let expected = if srgb <= 0.04045 { srgb / 12.92 } else { ((srgb + 0.055) / 1.055).powf(2.4) };
            assert!((f64::from(a[channel] / a[3]) - expected).abs() < 4e-3);
        }
    }

    let blue = draw(&mut renderer, &Settings { background: [0.0, 0.0, 1.0, 1.0], ..settings }, &floats);
    let corner = blue.images[1].pixels[0];
    assert_eq!(corner, [0.0, 0.0, 1.0, 1.0]);
    drop(renderer);
    assert_silent(&gpu);
}

#[test]
fn a_canvas_may_go_while_frames_are_in_flight() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut renderer = Renderer::new(&gpu).unwrap();
    let clip = clip_of(&performances::still(20_000, 0));
    let live = live_at(&clip, 0.0);
    let performer = Performer::new(&live, &clip.info());
    for _ in 0..4 {
        let canvas = renderer.canvas(&CanvasDescription::new(512, 512, 2)).unwrap();
        renderer.draw(&[performer], &stereo(DVec3::ZERO, 1.0), &Settings::default(), &canvas).unwrap();
        drop(canvas);
    }
    drop(renderer);
    assert_silent(&gpu);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut renderer = Renderer::new(&gpu).unwrap();
    let said = |result: vivant::Result<()>, words: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    for (description, words) in [
        (CanvasDescription::new(0, 8, 1), "0x8 px"),
        (CanvasDescription::new(8, 99_999, 1), "8x99999 px"),
        (CanvasDescription::new(8, 8, 0), "0 views"),
        (CanvasDescription::new(8, 8, 7), "7 views"),
        (CanvasDescription { format: Format::R32f, ..CanvasDescription::new(8, 8, 1) }, "Rgba8 or Rgba16f"),
    ] {
        said(renderer.canvas(&description).map(drop), words);
    }
    let canvas = renderer.canvas(&CanvasDescription::new(8, 8, 2)).unwrap();
    let views = stereo(DVec3::ZERO, 1.0);
    said(renderer.draw(&[], &views[..1], &Settings::default(), &canvas), "1 views for a canvas of 2");
    let mut blind = views;
    blind[1].fov.up = blind[1].fov.down;
    said(renderer.draw(&[], &blind, &Settings::default(), &canvas), "within ±90°");
    let clip = clip_of(&performances::still(300, 0));
    let live = live_at(&clip, 0.0);
    let squashed = DMat4::from_scale(DVec3::new(1.0, 0.5, 1.0));
    let performer = Performer { world_from_object: squashed, ..Performer::new(&live, &clip.info()) };
    said(renderer.draw(&[performer], &views, &Settings::default(), &canvas), "world_from_object");
    drop((renderer, canvas));
    assert_silent(&gpu);
}
