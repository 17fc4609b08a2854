//! The way back: whole clips as `.4dgs`, read by the format's own crate and by our importer.

use std::path::Path;

use vivant::audio::{Pcm, Placement, push_audio};
use vivant::clip::{Clip, Profile, Writer, WriterOptions};
use vivant::codec::push_performance;
use vivant::splat::Performance;
use vivant_convert::export::fourdgs::{BOUND, to_bytes};
use vivant_convert::{Axes, Options};
use vivant_tests::performances;
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::stage::clip_of;

use crate::seen::of_model;
use crate::{open, whole};

fn exported(folder: &Path, clip: &Clip, bound: f32) -> std::path::PathBuf {
    let (bytes, said) = to_bytes(clip, bound).unwrap();
    eprintln!("{said:?}, {} bytes", bytes.len());
    assert!(said.off <= f64::from(bound) * 1.001, "{said:?}");
    let path = folder.join("out.4dgs");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// How far the visible splats of `wanted` are from the nearest of `got` at most, metres, and how many show of each.
fn apart(wanted: &Performance, got: &fourdgs::StateAt, seconds: f64) -> (f64, usize) {
    let own: Vec<_> = (0..wanted.splats.len())
        .map(|index| of_model(wanted, index, seconds))
        .filter(|seen| seen.opacity >= 0.02)
        .collect();
    let places: Vec<[f64; 3]> =
        got.centers.chunks_exact(3).map(|c| [f64::from(c[0]), f64::from(c[1]), f64::from(c[2])]).collect();
    let nearest = |mean: [f64; 3]| {
        let square = |place: &[f64; 3]| (0..3).map(|axis| (place[axis] - mean[axis]).powi(2)).sum::<f64>();
        places.iter().map(square).fold(f64::INFINITY, f64::min).sqrt()
    };
    (own.iter().map(|seen| nearest(seen.mean)).fold(0.0, f64::max), own.len())
}

#[test]
fn a_moving_clip_goes_over_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let performance = performances::moving(2000);
    let clip = clip_of(&performance);
    let path = exported(folder.path(), &clip, BOUND);
    let own = fourdgs::read_path(&path).unwrap();
    assert_eq!(own.summary_crc_ok, Some(true));
    // Not on a frame's edge: windows are f32 there, and an edge may fall on either side.
    for seconds in [0.113, 0.71, 1.32, 1.913] {
        let state = own.state_at(seconds).unwrap();
        let (far, shown) = apart(&performance, &state, seconds);
        eprintln!("{seconds} s: {shown} splats, at most {:.2} mm apart", far * 1e3);
        assert!(far < 2e-3 && shown > 500, "{far} {shown}");
        assert!(state.count().abs_diff(shown) < shown / 5, "{} for {shown}", state.count());
        // Of another moment they are told apart.
        assert!(apart(&performance, &state, seconds + 0.1).0 > 5e-3);
    }
    // Ours: with the axes that the file declares.
    let foreign = open(&path, &Options::default()).unwrap();
    assert_eq!(foreign.format().name, "4dgs");
    let back = clip_of(&whole(&foreign).performance);
    assert_shows("4dgs and back", &back, &performance, &[0.31, 1.0, 1.72]);
    let wrong = open(&path, &Options { axes: Some(Axes::RDF), ..Options::default() }).unwrap();
    if let Some(psnr) = worst("on other axes", &clip_of(&whole(&wrong).performance), &performance, &[1.0]) {
        assert!(psnr < 45.0, "{psnr}");
    }
}

#[test]
fn a_looser_bound_takes_fewer_gaussians() {
    let clip = clip_of(&performances::moving(500));
    let count = |bound: f32| to_bytes(&clip, bound).unwrap().1.gaussians;
    let counts = [1e-4, 1e-3, 1e-2].map(count);
    eprintln!("{counts:?} gaussians of 500 splats within 0.1, 1 and 10 mm");
    assert!(counts[0] > counts[1] && counts[1] > counts[2] && counts[2] >= 500, "{counts:?}");
}

#[test]
fn stills_tracks_and_sound_go_over() {
    let folder = tempfile::tempdir().unwrap();
    let still = performances::still(1500, 3);
    let plain = performances::still(1500, 0);
    let path = exported(folder.path(), &clip_of(&plain), BOUND);
    let foreign = open(&path, &Options::default()).unwrap();
    // Places are on a grid of a twenty-fifth of a scale there: neighbours at one distance change places.
    if let Some(psnr) = worst("a still as 4dgs", &clip_of(&whole(&foreign).performance), &plain, &[0.0]) {
        assert!(psnr > 40.0, "{psnr}");
    }
    let path = exported(folder.path(), &clip_of(&still), BOUND);
    let foreign = open(&path, &Options::default()).unwrap();
    let back = &whole(&foreign).performance;
    assert_eq!((back.splats.len(), back.info.sh_degree), (1500, 3));
    // Harmonics are bytes from -4 to 4 there.
    let off = still.splats.sh_rest.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    assert!(off < 4.0, "none was cut");
    if let Some(psnr) = worst("harmonics in bytes", &clip_of(back), &still, &[0.0]) {
        assert!(psnr > 33.0, "{psnr}");
    }
    // Packed planes and sound.
    let moving = performances::moving(300);
    let options = WriterOptions { profile: Profile::Local, ..WriterOptions::default() };
    let mut writer = Writer::in_memory(&moving.info, &options).unwrap();
    push_performance(&mut writer, &moving, &options, &mut |_| {}).unwrap();
    let tone = (0..24_000).map(|sample| (sample as f32 * 0.06).sin() * 0.4).collect();
    let mut pcm = Pcm::new(24_000, 1, tone).unwrap();
    let place =
        Placement { start_nanos: 250_000_000, position: Some([0.5, 1.0, -0.25]), ..Placement::default() };
    push_audio(&mut writer, &mut pcm, &place).unwrap();
    let clip = Clip::from_bytes("sounding.vvt", writer.finish_bytes().unwrap().0).unwrap();
    let (bytes, said) = to_bytes(&clip, BOUND).unwrap();
    assert_eq!(said.sound, Some(0));
    let [source] = &fourdgs::read_bytes(&bytes).unwrap().audio_sources[..] else { panic!("no sound") };
    assert_eq!((source.start_sec, source.duration_sec, source.spatial), (0.25, 1.0, true));
    assert_eq!(source.data.len(), 44 + 48_000 * 2);
    std::fs::write(&path, bytes).unwrap();
    let foreign = open(&path, &Options::default()).unwrap();
    let (bytes, ..) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap();
    let again = Clip::from_bytes("again.vvt", bytes).unwrap();
    let track = again.tracks()[0].audio;
    assert_eq!(
        (track.position, track.start_nanos, track.samples),
        (Some([0.5, 1.0, -0.25]), 250_000_000, 48_000)
    );
}
