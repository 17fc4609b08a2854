//! The host drives the joints: pictures move as the reference says, wrong transforms are refused, letting go gives the
//! clip's own motion back. And playing a rig is like playing anything: through the player, ahead of time, in any order.

use std::sync::Arc;
use std::time::Duration;

use glam::{DAffine3, DMat4, DQuat, DVec3};
use vivant::clip::WriterOptions;
use vivant::gpu::GpuOptions;
use vivant::playback::{Player, PlayerOptions, live_at};
use vivant::reference::{self, Moment};
use vivant::rig::{Affine, narrow, wide};
use vivant_tests::performances::{FPS, ball, rate};
use vivant_tests::rigged;
use vivant_tests::stage::{self, Stage};

fn wait(player: &mut Player, host: i64) {
    for _ in 0..2000 {
        // What a seek finds missing comes coarse first.
        if player.update(host).is_some() && !player.stats().holding && !player.stats().refining {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing to show: {:?}", player.error());
}

#[test]
fn the_host_moves_the_picture() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    // Without a motion of its own, and with one.
    for frames in [0, 45] {
        let rigged = rigged::bent_ball(6000, 1, 2, frames, false);
        let (clip, _) = rigged.clip(&WriterOptions::default());
        let clip = Arc::new(clip);
        let mut player = Player::open(clip.clone(), PlayerOptions::default()).unwrap();
        let rig = player.rig().unwrap().clone();
        assert_eq!(rig.joints()[1].name, "joint 1");
        assert_eq!((rig.joints()[1].parent, rig.find("joint 1")), (Some(0), Some(1)));
        wait(&mut player, 0);
        let views = stage::stereo(DVec3::ZERO, 1.6);
        let mut shown = |player: &Player, places: &[DAffine3]| {
            let pixels = stage.draw_live(&clip, player.live().unwrap(), &views, 256);
            let posed = rigged.posed(places);
            let options =
                reference::Options { order_from: Some(head(&views)), ..reference::Options::default() };
            let moment = Moment::at_seconds(rate(), 0.0);
            let wanted: Vec<_> = views
                .iter()
                .map(|view| reference::render(&[&posed], moment, view, 256, 256, &options).unwrap())
                .collect();
            stage::distance(&pixels, &wanted).psnr
        };
        let rest: Vec<DAffine3> = rig.joints().iter().map(|joint| wide(&joint.rest)).collect();
        let own = if frames == 0 { rest.clone() } else { rigged.places(0.0) };
        let psnr = shown(&player, &own);
        assert!(psnr > 45.0, "undriven, {frames} frames: {psnr} dB");
        let mut raised = rest.clone();
        raised[1] =
            DAffine3::from_rotation_translation(DQuat::from_rotation_x(0.9), DVec3::new(0.0, 0.1, 0.05))
                * rest[1];
        let told: Vec<Affine> = raised.iter().map(narrow).collect();
        player.drive(&told).unwrap();
        assert!(player.is_driven());
        for _ in 0..2 {
            player.update(0);
            let psnr = shown(&player, &raised);
            assert!(psnr > 45.0, "driven: {psnr} dB");
            assert!(shown(&player, &own) < 35.0, "the comparison sees nothing");
        }
        player.release_drive();
        player.update(0);
        assert!(shown(&player, &own) > 45.0, "let go");
    }
    stage.finish();
}

fn head(views: &[vivant::view::View; 2]) -> DVec3 {
    views.iter().map(|view| DVec3::from_array(view.position)).sum::<DVec3>() / 2.0
}

#[test]
fn what_is_no_pose_is_refused() {
    let rigged = rigged::bent_ball(500, 0, 2, 0, false);
    let (clip, _) = rigged.clip(&WriterOptions::default());
    let mut player = Player::open(Arc::new(clip), PlayerOptions::default()).unwrap();
    let one = vivant::rig::IDENTITY;
    let mut lost = one;
    lost[1][3] = f32::INFINITY;
    for wrong in [&[][..], &[one], &[one; 3], &[one, lost]] {
        let error = player.drive(wrong).unwrap_err().to_string();
        assert!(error.contains("2 joints"), "{error}");
        assert!(!player.is_driven());
    }
    let plain = stage::clip_of(&vivant_tests::performances::moving(100));
    let mut player = Player::open(Arc::new(plain), PlayerOptions::default()).unwrap();
    assert!(player.rig().is_none());
    assert!(player.drive(&[one]).is_err());
}

#[test]
fn playing_and_seeking_show_what_is_read_at_once() {
    let rigged = rigged::bent_ball(3000, 0, 5, 200, true);
    let (clip, _) = rigged.clip(&WriterOptions::default());
    let clip = Arc::new(clip);
    assert!(clip.nodes().len() >= 8, "a segment a second, and the splats");
    let mut player = Player::open(clip.clone(), PlayerOptions::default()).unwrap();
    let mut host = 0;
    for frame in [0_i64, 7, 31, 30, 199, 100, 59] {
        let nanos = frame * 1_000_000_000 / i64::from(FPS) + 3_000_000;
        player.seek(host, nanos);
        host += 1_000_000;
        wait(&mut player, host);
        let live = player.live().unwrap();
        let alone = live_at(&clip, player.media_nanos(host)).unwrap();
        assert_eq!(live.joints, alone.joints, "frame {frame}");
        let wanted = rigged.places(live.seconds * f64::from(FPS));
        for ((joint, now), rig) in live.joints.iter().zip(&wanted).zip(rigged.rig.joints()) {
            let map = *now * wide(&rig.rest).inverse();
            let off = (wide(joint).transform_point3(DVec3::splat(0.2))
                - map.transform_point3(DVec3::splat(0.2)))
            .length();
            assert!(off < 5e-4, "frame {frame}: {off} m");
        }
        // Splats of the drive's segments are joints, not splats.
        let rendered = live.segments.iter().filter(|segment| !segment.drives()).count();
        assert_eq!((rendered, live.segments.len()), (1, 2));
    }
    assert_eq!(player.stats().underruns, 0);
}

#[test]
fn two_rigs_share_a_picture() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let places = [DVec3::new(-0.5, 0.0, 0.0), DVec3::new(0.5, 0.0, 0.0)];
    let rigs = [rigged::bent_ball(3000, 0, 2, 30, false), rigged::faces(10, 6, 0, 30, super::face)];
    let clips = rigs.clone().map(|rigged| rigged.clip(&WriterOptions::default()).0);
    let live = clips.each_ref().map(|clip| live_at(clip, 500_000_000).unwrap());
    let performers: Vec<_> = (0..2)
        .map(|at| vivant::render::Performer {
            world_from_object: DMat4::from_translation(places[at]),
            ..vivant::render::Performer::new(&live[at], &clips[at].info())
        })
        .collect();
    let views = stage::stereo(DVec3::ZERO, 2.0);
    let description = vivant::render::CanvasDescription {
        format: vivant::gpu::Format::Rgba16f,
        depth: true,
        ..vivant::render::CanvasDescription::new(256, 256, 2)
    };
    let mut canvas = stage.renderer.canvas(&description).unwrap();
    stage.renderer.draw(&performers, &views, &vivant::render::Settings::default(), &canvas).unwrap();
    let pixels = stage.renderer.read(&mut canvas).unwrap();
    let mut all = ball(0, 0, 1);
    for (rigged, place) in rigs.iter().zip(places) {
        let mut posed = rigged.posed(&rigged.places(15.0));
        posed.mean.iter_mut().for_each(|mean| mean[0] += place.x as f32);
        (0..posed.len()).for_each(|at| all.push(&posed.get(at), &[]));
    }
    let options = reference::Options { order_from: Some(head(&views)), ..reference::Options::default() };
    let moment = Moment::at_seconds(rate(), 0.0);
    let wanted: Vec<_> = views
        .iter()
        .map(|view| reference::render(&[&all], moment, view, 256, 256, &options).unwrap())
        .collect();
    let found = stage::distance(&pixels, &wanted);
    assert!(found.psnr > 45.0, "{found:?}");
    stage.finish();
}

#[test]
fn as_many_joints_as_dual_gs_has_are_placed_each_frame() {
    let rigged = rigged::faces(61, 1, 0, 40, super::face);
    let joints = rigged.rig.joints().len();
    assert!(joints > 14_000);
    let (clip, _) = rigged.clip(&WriterOptions::default());
    let stored: u64 = clip.nodes().iter().filter(|node| node.drives()).map(|node| node.stored_bytes).sum();
    let clip = Arc::new(clip);
    let mut player = Player::open(clip, PlayerOptions::default()).unwrap();
    wait(&mut player, 0);
    let begun = std::time::Instant::now();
    (0..50).for_each(|_| assert!(player.update(0).is_some()));
    let each = begun.elapsed().as_secs_f64() * 1e3 / 50.0;
    let a_joint = stored as f64 / (joints * 40) as f64;
    eprintln!("{joints} joints: {each:.2} ms an update, {a_joint:.2} bytes a joint and frame in the file");
    // Beside seven others on two cores.
    assert!(each < 60.0 && a_joint < 16.0, "{each} ms, {a_joint} bytes");
}
