//! SOG, versions 1 and 2, bundled and not, alone and in sequence; and the public files.

use std::path::Path;

use serde_json::json;
use vivant::clip::{Clip, WriterOptions};
use vivant::splat::{Antialias, Kernel, Performance, Splats};
use vivant_convert::{Axes, Options, Source};
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::performances;
use vivant_tests::pictures::assert_shows;
use vivant_tests::require::content;

use crate::common::{assert_near, open, read_count, time};
use crate::sog_writer::{Files, save_archive, save_folder, version_1, version_2, webp, with_palette};

const ROWS: usize = 100;

/// Half a step of a table of 256 entries over the range these have, and of the quaternion's bytes.
const STEPS: [f64; 5] = [2e-5, 0.06, 0.0021, 0.004, 0.0012];

fn stills(degree: u8) -> Splats {
    performances::ball(1500, degree, 7)
}

fn read(path: &Path) -> Splats {
    let options = Options { axes: Some(Axes::RUB), ..Options::default() };
    Source::open(&[path.to_owned()], &options).unwrap().read_frame(0).unwrap().splats
}

fn refused(path: &Path) -> String {
    open(path, &Options::default()).and_then(|_| read_count(path).map(|_| ())).unwrap_err().to_string()
}

#[test]
fn all_versions_and_degrees_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ball.sog");
    for degree in 0..=3 {
        let splats = stills(degree);
        let wanted = with_palette(&splats, ROWS);
        for (files, deflated) in [(version_2(&splats, 40, ROWS), false), (version_1(&splats, 39, ROWS), true)]
        {
            save_archive(&path, &files, deflated);
            let mut near = STEPS;
            // A byte of a logit from −6.2 to 6.2 is coarser in the middle.
            near[2] = if files.meta["version"].is_null() { 0.007 } else { near[2] };
            assert_near(&read(&path), &wanted, near);
        }
    }
    let mut other = with_palette(&stills(2), ROWS);
    other.sh_rest[1234] += 0.01;
    save_archive(&path, &version_2(&stills(2), 40, ROWS), false);
    assert_fails("a harmonic is off", || assert_near(&read(&path), &other, STEPS));
}

#[test]
fn a_folder_is_the_same_as_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let files = version_2(&stills(1), 40, ROWS);
    let [scene, packed] = ["scene", "scene.sog"].map(|name| folder.path().join(name));
    save_folder(&scene, &files);
    save_archive(&packed, &files, false);
    let splats = read(&packed);
    for input in [scene.clone(), scene.join("meta.json")] {
        assert_eq!(open(&input, &Options::default()).unwrap().format().name, "sog");
        assert_eq!(read(&input), splats, "{}", input.display());
    }
}

#[test]
fn what_it_was_trained_for_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sog");
    let appearance = |member: &str, value: serde_json::Value| {
        let mut files = version_2(&stills(0), 40, 0);
        files.meta[member] = value;
        save_archive(&path, &files, false);
        open(&path, &Options::default()).unwrap().info().appearance
    };
    assert_eq!(appearance("antialias", json!(true)).antialias, Antialias::Mip);
    assert_eq!(appearance("antialias", json!(false)).antialias, Antialias::Dilate);
    assert_eq!(appearance("model", json!("antialiased")).antialias, Antialias::Mip);
    assert_eq!(appearance("model", json!("2dgs")).kernel, Kernel::Surfel);
}

#[test]
fn a_damaged_splat_is_dropped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sog");
    let splats = stills(0);
    let mut files = version_2(&splats, 40, 0);
    // A tag that is none, and an entry that the codebook has not.
    let mut quats = vec![[128, 128, 128, 252]; splats.len()];
    quats[3][3] = 7;
    replace(&mut files, "quats.webp", webp(&quats, 40));
    files.meta["scales"]["codebook"] = json!([-4.0, -5.0]);
    let mut scales = vec![[0, 1, 0, 255]; splats.len()];
    scales[9] = [0, 1, 2, 255];
    replace(&mut files, "scales.webp", webp(&scales, 40));
    save_archive(&path, &files, false);
    let source = Source::open(&[path], &Options::default()).unwrap();
    let imported = source.read_frame(0).unwrap();
    assert_eq!(imported.splats.len(), splats.len() - 2);
    assert_eq!((imported.report.no_rotation, imported.report.not_finite), (1, 1));
    assert_eq!(imported.ids.unwrap()[..5], [0, 1, 2, 4, 5]);
}

fn replace(files: &mut Files, name: &str, bytes: Vec<u8>) {
    files.pictures.iter_mut().find(|(own, _)| own == name).unwrap().1 = bytes;
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sog");
    let whole = version_2(&stills(1), 40, ROWS);
    let after = |change: &dyn Fn(&mut Files)| {
        let mut files = whole.clone();
        change(&mut files);
        save_archive(&path, &files, true);
        refused(&path)
    };
    let cases: [(&dyn Fn(&mut Files), &str); 10] = [
        (&|files| files.meta["version"] = json!(3), "SOG version 3"),
        (&|files| files.meta["count"] = json!(4_000_000), "exceeds the limit"),
        (&|files| files.meta["count"] = json!(1601), "pixels for 1601 splats"),
        (&|files| files.meta["count"] = json!(0), "0 splats"),
        (&|files| files.meta["quats"]["files"] = json!(["../quats.webp"]), "no file beside it"),
        (&|files| files.meta["quats"]["files"] = json!(["other.webp"]), "'other.webp' is not there"),
        (&|files| files.meta["sh0"]["codebook"] = json!([]), "sh0"),
        (&|files| files.meta["shN"]["bands"] = json!(4), "shN.bands"),
        (&|files| files.meta["shN"]["count"] = json!(200), "200 rows of degree 1"),
        (&|files| replace(files, "sh0.webp", webp(&vec![[0; 4]; 500_000], 1000)), "exceeds the limit"),
    ];
    for (change, line) in cases {
        let error = after(change);
        assert!(error.contains(line) && error.contains("a.sog"), "{line}: {error}");
    }
    std::fs::create_dir(folder.path().join("parts")).unwrap();
    std::fs::write(folder.path().join("parts/lod-meta.json"), "{}").unwrap();
    assert!(refused(&folder.path().join("parts")).contains("streamed"));
    assert!(refused(&folder.path().join("parts/lod-meta.json")).contains("streamed"));
}

#[test]
fn an_archive_that_grows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sog");
    let mut files = version_2(&stills(0), 40, 0);
    replace(&mut files, "sh0.webp", vec![0; 200 << 20]);
    save_archive(&path, &files, true);
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20);
    let error = refused(&path);
    assert!(error.contains("sh0.webp") && error.contains("exceeds the limit"), "{error}");
}

#[test]
fn sog_survives() {
    let folder = tempfile::tempdir().unwrap();
    let small = performances::ball(90, 1, 3);
    for (name, files) in [("two", version_2(&small, 12, 64)), ("one", version_1(&small, 12, 64))] {
        let packed = folder.path().join(format!("{name}.sog"));
        save_archive(&packed, &files, false);
        attack(&packed, &packed, Cut::Fails, &read_count);
        let scene = folder.path().join(name);
        save_folder(&scene, &files);
        for target in ["meta.json", "means_l.webp", "quats.webp", "shN_centroids.webp", "shN_labels.webp"] {
            attack(&scene.join(target), &scene, Cut::Fails, &read_count);
        }
    }
}

#[test]
fn a_sequence_is_found_by_folder() {
    let folder = tempfile::tempdir().unwrap();
    let [take, nested] = ["take", "nested"].map(|name| folder.path().join(name));
    std::fs::create_dir(&take).unwrap();
    let counts = [50, 60, 70];
    for (number, count) in counts.into_iter().enumerate() {
        let files = version_2(&performances::ball(count, 0, 5), 12, 0);
        save_archive(&take.join(format!("f{}.sog", number + 9)), &files, false);
        save_folder(&nested.join(format!("{}", number + 9)), &files);
    }
    let options = Options { axes: Some(Axes::RUB), ..Options::default() };
    for input in [take.clone(), take.join("*.sog"), nested.clone(), nested.join("*/meta.json")] {
        let source = Source::open(&[input], &options).unwrap();
        let read = (0..3).map(|index| source.read_frame(index).unwrap().splats.len() as u32);
        assert_eq!(read.collect::<Vec<_>>(), counts);
        assert_eq!(source.format(), "sog");
    }
    // A PLY in the folder is what is meant, and a file that is none is not.
    vivant_convert::ply::write_splats(&take.join("a.ply"), &stills(0), Axes::RUB).unwrap();
    let source = Source::open(&[take], &options).unwrap();
    assert_eq!((source.format(), source.frames().len()), ("ply", 1));
}

#[test]
fn pictures_are_those_of_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ball.sog");
    let mut ball = performances::still(3000, 2);
    save_archive(&path, &version_2(&ball.splats, 60, 3000), false);
    let foreign = open(&path, &Options { axes: Some(Axes::RUB), ..Options::default() }).unwrap();
    let (bytes, ..) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| ()).unwrap();
    let clip = Clip::from_bytes("ball.vvt", bytes).unwrap();
    assert_shows("sog-ball", &clip, &ball, &[0.0]);
    ball.splats.mean.iter_mut().for_each(|mean| mean[1] += 0.01);
    if let Some(psnr) = vivant_tests::pictures::worst("sog-moved", &clip, &ball, &[0.0]) {
        assert!(psnr < vivant_tests::pictures::LEAST, "moved by a centimetre: {psnr:.1} dB");
    }
}

/// Real files by the reader's own splats: the way from there to the screen, and pictures for eyes.
fn real(name: &str, path: &Path, splats: usize, moments: &[f64]) {
    let foreign = open(path, &Options::default()).unwrap();
    assert_eq!(foreign.format().name, "sog");
    let (bytes, report, _) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| ()).unwrap();
    assert_eq!((report.read as usize, report.dropped()), (splats, 0), "{report}");
    let (performance, _): (Performance, _) =
        Source::open(&[path.to_owned()], &Options::default()).unwrap().read_all().unwrap();
    assert_shows(name, &Clip::from_bytes("real.vvt", bytes).unwrap(), &performance, moments);
}

#[test]
fn public_files_are_read() {
    let Some(content) = content() else { return };
    real("narcissus", &content.join("static/narcissus.sog"), 101_275, &[0.0]);
    real("angel", &content.join("static/angel.sog"), 71_359, &[0.0]);
    real("playbot", &content.join("static/playbot-31k"), 31_000, &[0.0]);
}

#[test]
fn a_public_sequence_is_read() {
    let Some(content) = content() else { return };
    let folder = content.join("sequence");
    assert_eq!(open(&folder, &Options::default()).unwrap().frames(), 24);
    real("monkey", &folder, 24 * 31_658, &[0.0, 0.4, 0.79]);
}

#[test]
#[ignore = "a figure: time of a large file"]
fn timed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.sog");
    let splats = performances::ball(1_500_000, 2, 3);
    save_archive(&path, &version_2(&splats, 1228, 60_000), false);
    time("sog", &path, std::slice::from_ref(&path));
}
