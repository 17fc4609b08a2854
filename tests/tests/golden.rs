//! The pipeline on the GPU against the reference renderer: at least 45 dB over covered pixels and depth within 1 cm, for
//! still, moving and sequenced performances, from both eyes at three distances. Each way in which a picture could be
//! wrong and still look plausible has a test in which the comparison must fail.

use glam::DVec3;
use vivant::clip::{Access, Clip, Profile, WriterOptions};
use vivant::codec::{performance_to_bytes, write_performance};
use vivant::gpu::GpuOptions;
use vivant::splat::Performance;
use vivant::view::View;
use vivant_convert::{Options, Source};
use vivant_tests::random::Random;
use vivant_tests::require::content;
use vivant_tests::stage::{Distance, Order, Stage, clip_of, distance, live_at, reference_of, stereo};
use vivant_tests::{performances, typist};

const PSNR_DB: f64 = 45.0;
const DEPTH_METRES: f64 = 0.01;

fn on_stage(test: impl FnOnce(&mut Stage)) {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    test(&mut stage);
    stage.finish();
}

fn measure(
    stage: &mut Stage,
    performance: &Performance,
    seconds: f64,
    views: &[View],
    size: u32,
) -> Distance {
    let clip = clip_of(performance);
    let pixels = stage.draw(&clip, seconds, views, size);
    distance(&pixels, &reference_of(performance, seconds, views, size, Order::Head))
}

fn assert_close(what: &str, distance: Distance) {
    eprintln!(
        "{what}: {:.1} dB, depth {:.2} mm, {} px",
        distance.psnr,
        distance.depth * 1e3,
        distance.covered
    );
    assert!(distance.covered > 1000, "{what}: hardly anything was drawn");
    assert!(distance.psnr >= PSNR_DB, "{what}: {:.1} dB is too far from the reference", distance.psnr);
    assert!(distance.depth <= DEPTH_METRES, "{what}: depth is off by {:.4} m", distance.depth);
}

#[test]
fn still_splats_of_degree_0_to_3_in_stereo_at_three_distances() {
    on_stage(|stage| {
        for degree in 0..=3 {
            let performance = performances::still(8000, degree);
            for metres in [0.7, 1.5, 3.0] {
                let measured = measure(stage, &performance, 0.0, &stereo(DVec3::ZERO, metres), 512);
                assert_close(&format!("degree {degree} at {metres} m"), measured);
            }
        }
    });
}

#[test]
fn moving_splats_at_ten_times() {
    on_stage(|stage| {
        let performance = performances::moving(12_000);
        for step in 0..10 {
            // Off the frame grid: the time asked for is the time drawn.
            let seconds = 0.003 + 0.21 * f64::from(step);
            let measured = measure(stage, &performance, seconds, &stereo(DVec3::ZERO, 1.5), 384);
            assert_close(&format!("moving at {seconds:.3} s"), measured);
        }
    });
}

#[test]
fn a_sequence_shows_the_frame_of_the_time() {
    on_stage(|stage| {
        let performance = performances::sequence(7);
        for frame in [0_u32, 3, 6] {
            let seconds = f64::from(frame) / 30.0 + 0.004;
            let measured =
                measure(stage, &performance, seconds, &stereo(DVec3::new(0.12, 0.0, 0.0), 1.5), 384);
            assert_close(&format!("frame {frame}"), measured);
        }
    });
}

#[test]
fn views_may_be_canted_and_lopsided() {
    on_stage(|stage| {
        let performance = performances::still(8000, 1);
        let mut views = stereo(DVec3::ZERO, 1.2);
        for (view, turn) in views.iter_mut().zip([0.12_f64, -0.12]) {
            let q = glam::DQuat::from_array(view.orientation)
                * glam::DQuat::from_rotation_y(turn)
                * glam::DQuat::from_rotation_z(0.3);
            view.orientation = q.to_array();
            view.fov.left *= 1.3;
            view.fov.up *= 0.6;
        }
        assert_close("canted", measure(stage, &performance, 0.0, &views, 384));
    });
}

#[test]
fn real_static_captures() {
    let Some(folder) = content() else { return };
    on_stage(|stage| {
        for name in ["fruit-drops.ply", "train-1000.ply"] {
            let source = Source::open(&[folder.join("static").join(name)], &Options::default()).unwrap();
            let (performance, _) = source.read_all().unwrap();
            let bounds = clip_of(&performance).bounds();
            let [low, high] = bounds.map(|corner| glam::Vec3::from_array(corner).as_dvec3());
            let reach = (high - low).length().min(8.0);
            let measured = measure(stage, &performance, 0.0, &stereo((low + high) * 0.5, reach), 512);
            assert_close(name, measured);
        }
    });
}

#[test]
fn staged_uploads_draw_the_same_picture() {
    let options = [
        GpuOptions::default(),
        GpuOptions { force_staging: true, ..GpuOptions::default() },
        GpuOptions { force_transfer: true, ..GpuOptions::default() },
    ];
    let Some(mut stages) = options.iter().map(Stage::open).collect::<Option<Vec<_>>>() else { return };
    let performance = performances::moving(6000);
    let views = stereo(DVec3::ZERO, 1.5);
    for profile in [Profile::Raw, Profile::Local] {
        let options = WriterOptions { profile, ..WriterOptions::default() };
        let clip =
            Clip::from_bytes("staged.vvt", performance_to_bytes(&performance, &options).unwrap().0).unwrap();
        for seconds in [0.1, 1.1, 0.3] {
            let pictures: Vec<_> =
                stages.iter_mut().map(|stage| stage.draw(&clip, seconds, &views, 256)).collect();
            assert!(pictures[0] == pictures[1] && pictures[0] == pictures[2]);
        }
    }
    stages.into_iter().for_each(Stage::finish);
}

/// Clips that have hardly a plane in common take turns in one pool, which grows and evicts: each picture must be to the
/// bit what a renderer that knows only this clip draws.
#[test]
fn clips_of_all_kinds_share_a_pool() {
    let packed = |performance: &Performance, profile| {
        let options = WriterOptions { profile, ..WriterOptions::default() };
        Clip::from_bytes("pool.vvt", performance_to_bytes(performance, &options).unwrap().0).unwrap()
    };
    let clips = [
        packed(&performances::still(700, 0), Profile::Local),
        packed(&performances::moving(3000), Profile::Network),
        packed(&performances::still(5000, 3), Profile::Raw),
        packed(&performances::sequence(5), Profile::Local),
        packed(&performances::moving(2500), Profile::Raw),
        packed(&performances::still(900, 1), Profile::Network),
        packed(&performances::glossy(4000), Profile::Local),
        packed(&performances::glossy(2000), Profile::Network),
    ];
    assert!(clips[6..].iter().all(|clip| clip.palette().is_some()));
    let views = stereo(DVec3::ZERO, 1.5);
    for force_staging in [false, true] {
        let options = GpuOptions { force_staging, ..GpuOptions::default() };
        let Some(mut shared) = Stage::open(&options) else { return };
        let alone = clips.each_ref().map(|clip| {
            let mut stage = Stage::open(&options).unwrap();
            let pixels = stage.draw(clip, 0.06, &views, 128);
            stage.finish();
            pixels
        });
        let mut random = Random::new(3);
        for turn in 0..60 {
            let chosen = random.below(8) as usize;
            let pixels = shared.draw(&clips[chosen], 0.06, &views, 128);
            assert!(pixels == alone[chosen], "turn {turn}: clip {chosen}, staged: {force_staging}");
            assert!(turn > 0 || pixels != alone[(chosen + 1) % 8], "two clips look the same");
        }
        shared.finish();
    }
}

#[test]
fn the_same_frame_is_the_same_picture_every_time() {
    on_stage(|stage| {
        let clip = clip_of(&performances::moving(12_000));
        let views = stereo(DVec3::ZERO, 1.0);
        let first = stage.draw(&clip, 0.8, &views, 256);
        for _ in 0..3 {
            assert!(first == stage.draw(&clip, 0.8, &views, 256), "a picture differs from run to run");
        }
    });
}

#[test]
fn an_empty_moment_is_a_transparent_picture() {
    on_stage(|stage| {
        let mut performance = performances::sequence(3);
        performance.info.duration *= 2;
        let clip = clip_of(&performance);
        assert!(live_at(&clip, 0.15).segments.iter().all(|s| s.clusters.iter().all(|c| c.end <= 3000)));
        let pixels = stage.draw(&clip, 0.15, &stereo(DVec3::ZERO, 1.5), 64);
        assert!(pixels.images.iter().all(|image| image.pixels.iter().all(|p| *p == [0.0; 4])));
        assert!(pixels.depth.iter().all(|d| *d == f32::INFINITY));
    });
}

/// Draws with one thing deliberately wrong and expects the comparison to notice.
fn assert_noticed(what: &str, distance: Distance) {
    assert!(
        distance.psnr < PSNR_DB || distance.depth > DEPTH_METRES,
        "{what} passes for right: {:.1} dB, {:.4} m",
        distance.psnr,
        distance.depth
    );
}

#[test]
fn what_is_wrong_is_noticed() {
    on_stage(|stage| {
        let performance = performances::moving(12_000);
        let clip = clip_of(&performance);
        let views = stereo(DVec3::ZERO, 1.5);
        let reference = reference_of(&performance, 0.8, &views, 256, Order::Head);
        let right = stage.draw(&clip, 0.8, &views, 256);
        assert_close("as it should be", distance(&right, &reference));

        let late = stage.draw(&clip, 0.8 + 1.0 / 30.0, &views, 256);
        assert_noticed("a frame late", distance(&late, &reference));

        let swapped = stage.draw(&clip, 0.8, &[views[1], views[0]], 256);
        assert_noticed("swapped eyes", distance(&swapped, &reference));

        let mut mirrored = right.clone();
        mirrored.images.iter_mut().for_each(|i| i.pixels.chunks_mut(256).for_each(<[_]>::reverse));
        assert_noticed("a mirrored picture", distance(&mirrored, &reference));

        let mut upside_down = right.clone();
        upside_down.images.iter_mut().for_each(|i| i.pixels.reverse());
        assert_noticed("an upside-down picture", distance(&upside_down, &reference));

        let mut near = right.clone();
        near.depth.iter_mut().for_each(|d| *d -= 0.02);
        assert_noticed("depth 2 cm short", distance(&near, &reference));

        let one_eye = stage.draw(&clip, 0.8, &[views[0], views[0]], 256);
        assert_noticed("the left eye twice", distance(&one_eye, &reference));
    });
}

#[test]
fn the_performer_at_ten_times_and_three_distances() {
    on_stage(|stage| {
        let options = vivant_performer::Options { splats: 20_000, ..Default::default() };
        let performance = vivant_performer::generate(&options);
        let clip = clip_of(&performance);
        let chest = DVec3::new(0.0, 1.1, 0.0);
        let mut check = |seconds: f64, metres: f64| {
            let views = stereo(chest, metres);
            let pixels = stage.draw(&clip, seconds, &views, 512);
            let head = distance(&pixels, &reference_of(&performance, seconds, &views, 512, Order::Head));
            assert_close(&format!("performer at {seconds:.2} s, {metres} m"), head);
            // Neither eye's own order is truer than the head's, but the two must not part: were the shared order far
            // off, splats would swim against each other as the head turns.
            let each = distance(&pixels, &reference_of(&performance, seconds, &views, 512, Order::EachView));
            eprintln!("  against each eye's own order: {:.1} dB", each.psnr);
            assert!(each.psnr >= 34.0, "the shared order shows: {:.1} dB", each.psnr);
        };
        for step in 0..10 {
            check(0.017 + 0.79 * f64::from(step), 1.5);
        }
        check(3.3, 0.7);
        check(3.3, 3.0);
    });
}

/// The pipeline on packed planes against the reference on the performance as it was before they were packed.
#[test]
fn profiles_keep_their_promise_on_the_gpu() {
    on_stage(|stage| {
        let options = vivant_performer::Options { splats: 20_000, ..Default::default() };
        let performer = vivant_performer::generate(&options);
        let cases = [
            ("performer", performer, DVec3::new(0.0, 1.0, 0.0), 2.2, 0.8),
            ("moving", performances::moving(8000), DVec3::ZERO, 1.5, 0.8),
            ("glossy", performances::glossy(12_000), DVec3::ZERO, 1.5, 0.0),
        ];
        for (name, performance, target, metres, seconds) in cases {
            let views = stereo(target, metres);
            let wanted = reference_of(&performance, seconds, &views, 512, Order::Head);
            for (profile, promise) in [(Profile::Local, 48.0), (Profile::Network, 42.0)] {
                let options = WriterOptions { profile, ..WriterOptions::default() };
                let (bytes, _) = performance_to_bytes(&performance, &options).unwrap();
                let clip = Clip::from_bytes("packed.vvt", bytes).unwrap();
                let found = distance(&stage.draw(&clip, seconds, &views, 512), &wanted);
                eprintln!("{name}, {profile:?}: {:.1} dB", found.psnr);
                assert!(found.psnr >= promise, "{name}, {profile:?}: {:.1} dB", found.psnr);
                if clip.palette().is_some() {
                    check_palette(stage, &clip, seconds, &views);
                }
                let late = distance(&stage.draw(&clip, seconds + 1.0 / 30.0, &views, 512), &wanted);
                assert!(late.psnr < promise, "{name}, {profile:?}: a frame late passes for right");
            }
        }
    });
}

/// A clip with a palette, as it is stored, by the GPU and by the reference; and that it matters which entry a label
/// names.
fn check_palette(stage: &mut Stage, clip: &Clip, seconds: f64, views: &[View]) {
    let stored = vivant::codec::performance_of(clip).expect("decode");
    let drawn = stage.draw(clip, seconds, views, 512);
    let against =
        |stored: &Performance| distance(&drawn, &reference_of(stored, seconds, views, 512, Order::Head));
    assert_close("a clip with a palette", against(&stored));
    let mut wrong = stored;
    // Neighbours are alike, so the entries come from far away.
    let far = wrong.splats.sh_stride() * (wrong.splats.len() / 2);
    wrong.splats.sh_rest.rotate_right(far);
    let wrong = against(&wrong);
    assert!(wrong.psnr < PSNR_DB, "entries of other splats pass for right: {:.1} dB", wrong.psnr);
}

#[test]
fn every_access_to_the_file_gives_the_same_bytes_of_picture() {
    on_stage(|stage| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("moving.vvt");
        let options = WriterOptions::default();
        write_performance(&path, &performances::moving(6000), &options).unwrap();
        let views = stereo(DVec3::ZERO, 1.5);
        let mut draw = |access| stage.draw(&Clip::open(&path, access).unwrap(), 0.7, &views, 256);
        let memory = draw(Access::Memory);
        assert!(draw(Access::Mapped) == memory, "mapped");
        assert!(draw(Access::Pread) == memory, "pread");
    });
}

#[test]
fn the_typist_types_upright() {
    let Some(folder) = content() else { return };
    on_stage(|stage| {
        let archive = folder.join("typist/points.npz");
        let frames = tempfile::tempdir().unwrap();
        for index in 0..48 {
            let (places, colours) = typist::frame(&archive, index);
            let path = frames.path().join(format!("frame{index}.ply"));
            vivant_convert::ply::write_points(&path, &places, &colours).unwrap();
        }
        let options = Options { fps: "24".parse().unwrap(), ..Options::default() };
        let source = Source::open(&[frames.path().to_owned()], &options).unwrap();
        assert_eq!(source.frames().len(), 48);
        let clip_path = frames.path().join("typist.vvt");
        source.write(&clip_path, &WriterOptions::default(), &mut |_| {}).unwrap();
        let clip = Clip::open(&clip_path, Access::Auto).unwrap();
        assert_eq!(clip.duration_nanos(), 2_000_000_000);
        let views = stereo(DVec3::new(-0.05, 0.1, -1.0), 1.0);
        for index in [2_usize, 24, 45] {
            let seconds = index as f64 / 24.0 + 0.01;
            let pixels = stage.draw(&clip, seconds, &views, 512);
            let frame = source.read_frame(index).unwrap().splats;
            let info = vivant::splat::ClipInfo { duration: 0, fps: (0, 1), ..source.info() };
            let alone = Performance { info, splats: frame };
            let wanted = reference_of(&alone, seconds, &views, 512, Order::Head);
            assert_close(&format!("typist, frame {index}"), distance(&pixels, &wanted));
            if let Some(kept) = std::env::var_os("VIVANT_KEEP_PICTURES") {
                let path = std::path::Path::new(&kept).join(format!("typist-{index}.png"));
                vivant::picture::save_png(&pixels.images[0], path).unwrap();
            }
        }
    });
}
