//! What the profiles cost and what they lose: bytes an attribute, and PSNR over covered pixels between the reference
//! renderer's pictures of the full planes and of the packed ones. The small cases run always; `the_table`, which makes
//! the tables of PROFILES.md, by `cargo test --release -p vivant-tests --test profiles -- --ignored --nocapture`.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests panic where they are wrong, and the table is printed"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use glam::{DVec3, Vec3};
use vivant::clip::{ChunkKind, Clip, Profile, Writer, WriterOptions};
use vivant::codec::{Decoder, SequenceWriter, performance_to_bytes, splats_at};
use vivant::picture::psnr_covered;
use vivant::splat::{ClipInfo, Motion, Performance, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};
use vivant::view::View;
use vivant_convert::rig::{Rig, RigOptions};
use vivant_convert::{Options, Source};
use vivant_tests::require::content;
use vivant_tests::stage::{Order, live_at, reference_of};
use vivant_tests::{performances, typist};

const PROFILES: [Profile; 3] = [Profile::Raw, Profile::Local, Profile::Network];

fn options_of(profile: Profile) -> WriterOptions {
    WriterOptions { profile, ..WriterOptions::default() }
}

/// What is live at `seconds`, as splats again.
fn live_splats(clip: &Clip, seconds: f64) -> Performance {
    let info = clip.info();
    let mut out = Splats::new(info.sh_degree);
    for segment in live_at(clip, seconds).segments {
        let splats = splats_at(&segment, info.rate, seconds);
        let mut rest = vec![0.0; out.sh_stride()];
        for index in 0..splats.len() {
            rest.fill(0.0);
            let found = splats.sh_rest_of(index);
            rest[..found.len()].copy_from_slice(found);
            out.push(&splats.get(index), &rest);
        }
    }
    Performance { info, splats: out }
}

/// The least PSNR of `clip` against `full` over `times`, dB.
fn psnr(full: &Clip, clip: &Clip, times: &[f64], view: &View, size: u32) -> f64 {
    let picture = |clip: &Clip, time: f64| {
        reference_of(&live_splats(clip, time), time, &[*view], size, Order::EachView)[0].image()
    };
    let one = |&time: &f64| psnr_covered(&picture(clip, time), &picture(full, time), [0.0; 3]).unwrap();
    times.iter().map(one).fold(f64::INFINITY, f64::min)
}

/// The attributes whose cost is told apart.
const ATTRIBUTES: [&str; 6] = ["position", "rotation", "scale", "opacity", "colour", "harmonics"];

/// Splats as they stand at `seconds`, without motion or envelope.
fn frozen(performance: &Performance, seconds: f64) -> Performance {
    let mut out = performance.clone();
    let splats = &mut out.splats;
    for index in 0..splats.len() {
        let mut splat = splats.get(index);
        let dt = seconds - splat.life.t0;
        let Motion { velocity, quadratic, cubic, spin } = splat.motion;
        for axis in 0..3 {
            let [v, q, c] = [velocity, quadratic, cubic].map(|term| f64::from(term[axis]));
            splat.mean[axis] = (f64::from(splat.mean[axis]) + dt * (v + dt * (q + dt * c))) as f32;
        }
        let turned: [f64; 4] =
            std::array::from_fn(|axis| f64::from(splat.rotation[axis]) + dt * f64::from(spin[axis]));
        let length = turned.iter().map(|value| value * value).sum::<f64>().sqrt();
        splats.mean[index] = splat.mean;
        splats.rotation[index] = turned.map(|value| (value / length) as f32);
        splats.opacity[index] *= (-0.5 * (dt / f64::from(splat.life.sigma_t)).powi(2)).exp() as f32;
        if let Some(life) = splats.life.get_mut(index) {
            (life.t0, life.sigma_t) = (seconds, f32::INFINITY);
        }
    }
    splats.motion.clear();
    out
}

/// The PSNR at `seconds` if only one attribute were packed, for each.
fn psnr_by_attribute(full: &Clip, clip: &Clip, seconds: f64, view: &View, size: u32) -> Vec<f64> {
    let picture =
        |splats: &Performance| reference_of(splats, seconds, &[*view], size, Order::EachView)[0].image();
    let full = frozen(&live_splats(full, seconds), seconds);
    let packed = frozen(&live_splats(clip, seconds), seconds);
    assert_eq!(full.splats.len(), packed.splats.len());
    let wanted = picture(&full);
    let mut one = |number: usize| {
        let mut mixed = full.clone();
        let (to, from) = (&mut mixed.splats, &packed.splats);
        match number {
            0 => to.mean.clone_from(&from.mean),
            1 => to.rotation.clone_from(&from.rotation),
            2 => to.scale.clone_from(&from.scale),
            3 => to.opacity.clone_from(&from.opacity),
            4 => to.colour.clone_from(&from.colour),
            _ => to.sh_rest.clone_from(&from.sh_rest),
        }
        psnr_covered(&picture(&mixed), &wanted, [0.0; 3]).unwrap()
    };
    (0..ATTRIBUTES.len()).map(&mut one).collect()
}

fn clip_in(performance: &Performance, profile: Profile) -> Clip {
    let (bytes, written) = performance_to_bytes(performance, &options_of(profile)).unwrap();
    assert_eq!(written.dropped_out_of_range, 0);
    Clip::from_bytes("profile.vvt", bytes).unwrap()
}

fn front(target: DVec3, metres: f64) -> View {
    View::looking_at(target + DVec3::new(0.25, 0.12, 1.0).normalize_or(DVec3::Z) * metres, target, 1.0, 1.0)
}

#[test]
fn small_performances_lose_no_more_than_promised() {
    for (name, performance, times, size) in [
        ("still", performances::still(8000, 3), vec![0.0], 384),
        ("glossy", performances::glossy(8000), vec![0.0], 384),
        ("moving", performances::moving(8000), vec![0.1, 0.8, 1.9], 384),
        ("sequence", performances::sequence(4), vec![0.01, 0.1], 384),
    ] {
        let full = clip_in(&performance, Profile::Raw);
        for (profile, promise) in [(Profile::Local, 48.0), (Profile::Network, 42.0)] {
            let clip = clip_in(&performance, profile);
            assert_eq!(clip.splats(), full.splats());
            let found = psnr(&full, &clip, &times, &front(DVec3::ZERO, 1.5), size);
            eprintln!(
                "{name}, {profile:?}: {found:.1} dB, {} of {} bytes",
                clip.file_bytes(),
                full.file_bytes()
            );
            assert!(found >= promise, "{name}, {profile:?}: {found:.1} dB");
            assert!(found < 90.0, "{name}, {profile:?}: nothing was packed");
            assert!(clip.file_bytes() < full.file_bytes());
        }
    }
}

/// Stored bytes by what they hold.
fn bytes_by_kind(clip: &Clip) -> BTreeMap<String, u64> {
    let name = |kind: ChunkKind| match kind {
        ChunkKind::Plane(plane) => format!("{plane:?}"),
        other => format!("{other:?}"),
    };
    clip.summary().unwrap().attributes.iter().map(|of| (name(of.kind), of.stored_bytes)).collect()
}

fn decode_millis(clip: &Clip) -> f64 {
    let mut decoder = Decoder::new().unwrap();
    let begun = Instant::now();
    for node in 0..clip.nodes().len() {
        std::hint::black_box(decoder.decode(clip, u32::try_from(node).unwrap()).unwrap());
    }
    begun.elapsed().as_secs_f64() * 1e3
}

fn report(name: &str, frames: f64, clips: &[Clip; 3], times: &[f64], view: &View) {
    for (profile, clip) in PROFILES.into_iter().zip(clips) {
        let found =
            if profile == Profile::Raw { f64::INFINITY } else { psnr(&clips[0], clip, times, view, 768) };
        println!(
            "{name} {profile:?}: {:.1} KB a frame, {:.2} bytes a splat stored, {found:.1} dB, decoding {:.2} ms a frame, \
             {} live at most, {} MB decoded at once",
            clip.file_bytes() as f64 / frames * 1e-3,
            clip.file_bytes() as f64 / clip.splats() as f64,
            decode_millis(clip) / frames,
            clip.limits().max_live_splats,
            clip.limits().max_live_bytes / 1_000_000,
        );
        let kinds: Vec<String> = bytes_by_kind(clip)
            .into_iter()
            .map(|(kind, bytes)| format!("{kind} {:.2}", bytes as f64 / clip.splats() as f64))
            .collect();
        println!("    bytes a splat: {}", kinds.join(", "));
        if profile != Profile::Raw {
            let costs = psnr_by_attribute(&clips[0], clip, times[0], view, 768);
            let costs: Vec<String> =
                ATTRIBUTES.iter().zip(costs).map(|(name, cost)| format!("{name} {cost:.1}")).collect();
            println!("    dB if alone: {}", costs.join(", "));
        }
    }
}

#[test]
#[ignore = "makes the tables of PROFILES.md: minutes"]
fn the_table() {
    let chosen = std::env::var("VIVANT_TABLE").unwrap_or_default();
    let wanted = |name: &str| chosen.is_empty() || chosen.split(',').any(|one| one == name);
    for splats in [20_000, 103_500, 200_000] {
        let name = format!("performer-{splats}");
        if !wanted(&name) {
            continue;
        }
        let options = vivant_performer::Options { splats, ..Default::default() };
        let performance = vivant_performer::generate(&options);
        let clips = PROFILES.map(|profile| clip_in(&performance, profile));
        drop(performance);
        report(&name, 240.0, &clips, &[0.52, 3.3, 6.01], &front(DVec3::new(0.0, 1.0, 0.0), 2.2));
    }
    if wanted("glossy") {
        let performance = performances::glossy(100_000);
        let clips = PROFILES.map(|profile| clip_in(&performance, profile));
        report("glossy", 1.0, &clips, &[0.0], &front(DVec3::ZERO, 1.0));
    }
    let Some(folder) = content() else { return };
    if wanted("typist") {
        let frames = tempfile::tempdir().unwrap();
        for index in 0..48 {
            let (places, colours) = typist::frame(&folder.join("typist/points.npz"), index);
            let path = frames.path().join(format!("frame{index}.ply"));
            vivant_convert::ply::write_points(&path, &places, &colours).unwrap();
        }
        let import = Options { fps: "24".parse().unwrap(), ..Options::default() };
        let source = Source::open(&[frames.path().to_owned()], &import).unwrap();
        let clips = PROFILES.map(|profile| clip_from(&source, profile));
        report("typist", 48.0, &clips, &[0.51, 1.51], &front(DVec3::new(-0.05, 0.1, -1.0), 1.0));
    }
    for name in ["fruit-drops", "train-1000"] {
        if !wanted(name) {
            continue;
        }
        let path = folder.join("static").join(format!("{name}.ply"));
        let source = Source::open(&[path], &Options::default()).unwrap();
        let clips = PROFILES.map(|profile| clip_from(&source, profile));
        let [low, high] = clips[0].bounds().map(|corner| Vec3::from_array(corner).as_dvec3());
        let view = front((low + high) * 0.5, (high - low).length().min(8.0));
        report(name, 1.0, &clips, &[0.0], &view);
    }
}

fn clip_from(source: &Source, profile: Profile) -> Clip {
    let (bytes, _, _) = source.write_to_memory(&options_of(profile), &mut |_| {}).unwrap();
    Clip::from_bytes("profile.vvt", bytes).unwrap()
}

/// Two seconds of the avatar's dance, baked to 200,000 splats that keep their identity: how good, and how large.
#[test]
fn the_avatar_dances_within_its_bytes() {
    const FRAMES: usize = 60;
    let Some(folder) = content().map(|folder| folder.join("avatar")) else { return };
    let splats = 200_000;
    let options = RigOptions { splats, fps: Some("30".parse().unwrap()), live: false };
    let rig = Rig::open(&folder.join("dancer.glb"), Some(&folder.join("005_02.bvh")), &options).unwrap();
    let info = ClipInfo { duration: FRAMES as i64 * i64::from(TICKS_PER_FRAME), ..rig.info() };
    // From the turn on, where the arms are fastest.
    let baked: Vec<Splats> = (90..90 + FRAMES).map(|frame| rig.frame(frame).unwrap()).collect();
    let view = front(DVec3::new(-0.1, 0.9, 0.2), 2.2);
    let picture = |performance: &Performance, seconds: f64| {
        reference_of(performance, seconds, &[view], 768, Order::EachView)[0].image()
    };
    for (profile, promise, most_kb) in [(Profile::Local, 48.0, 650.0), (Profile::Network, 42.0, 350.0)] {
        let mut writer = Writer::in_memory(&info, &options_of(profile)).unwrap();
        let mut sequence = SequenceWriter::new(&mut writer, splats, 1024).unwrap();
        baked.iter().for_each(|frame| sequence.push(frame.clone(), None).unwrap());
        sequence.finish().unwrap();
        let (bytes, _) = writer.finish_bytes().unwrap();
        let clip = Clip::from_bytes("avatar.vvt", bytes).unwrap();
        let found: Vec<f64> = [10, 44, 58]
            .into_iter()
            .map(|frame| {
                let seconds = info.rate.seconds_from_ticks(frame as i64 * i64::from(TICKS_PER_FRAME));
                let truth = Performance { info, splats: baked[frame].clone() };
                let shown = picture(&live_splats(&clip, seconds), seconds);
                psnr_covered(&shown, &picture(&truth, seconds), [0.0; 3]).unwrap()
            })
            .collect();
        let kb = clip.file_bytes() as f64 / FRAMES as f64 * 1e-3;
        println!(
            "avatar {profile:?}: {kb:.1} KB a frame, {found:.1?} dB, decoding {:.2} ms a frame",
            decode_millis(&clip) / FRAMES as f64
        );
        let kinds = bytes_by_kind(&clip);
        let kinds = kinds
            .into_iter()
            .map(|(kind, bytes)| format!("{kind} {:.1}", bytes as f64 / FRAMES as f64 * 1e-3));
        println!("    KB a frame: {}", kinds.collect::<Vec<_>>().join(", "));
        assert!(found.iter().all(|&decibels| decibels >= promise), "{profile:?}: {found:.1?} dB");
        assert!(kb <= most_kb, "{profile:?}: {kb:.1} KB a frame");
    }
}

#[test]
fn packing_raw_changes_nothing() {
    let performance = performances::moving(500);
    let rate: TickRate = performance.info.rate;
    let clip = clip_in(&performance, Profile::Raw);
    let data = vivant::codec::decode_segment(&clip, 0).unwrap();
    assert_eq!(vivant::codec::quantise(data.clone(), rate, Profile::Raw), data);
    assert_ne!(vivant::codec::quantise(data.clone(), rate, Profile::Local), data);
}
