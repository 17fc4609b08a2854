//! `.4dgs`: the conformance files of the format against the JSON that comes with each; and what must be refused.

use std::path::{Path, PathBuf};

use serde_json::Value;
use vivant::clip::Clip;
use vivant::clip::WriterOptions;
use vivant::splat::{ColourDomain, Performance};
use vivant_convert::{Options, Whole};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::stage::clip_of;

use crate::seen::{self, Seen, of_model};
use crate::{count, open, open_as_is, whole};

/// The conformance files; empty, said aloud, where there are none.
fn files() -> Vec<PathBuf> {
    let Some(folder) = vivant_tests::require::content() else { return Vec::new() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("fourdgs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "4dgs"))
        .collect();
    files.sort();
    assert!(files.len() >= 13, "{} files", files.len());
    files
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap()
}

/// A number, or one that is written as text.
fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(f64::INFINITY)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// The splats in the order of the JSON: by all their values, to six decimals.
fn ordered(performance: &Performance) -> Vec<usize> {
    let key = |index: usize| -> Vec<i64> {
        let splat = performance.splats.get(index);
        let values = splat.mean.iter().chain(&splat.scale).chain(&splat.rotation).chain(&splat.colour);
        let times = [splat.opacity].into_iter().chain(splat.motion.velocity).chain([splat.life.t0 as f32]);
        values.copied().chain(times).map(|value| (f64::from(value) * 1e6).round() as i64).collect()
    };
    let mut order: Vec<usize> = (0..performance.splats.len()).collect();
    order.sort_by_key(|&index| key(index));
    order
}

fn close(got: f64, wanted: f64, bound: f64, what: &str) {
    let same = got.is_infinite() && wanted.is_infinite() || (got - wanted).abs() <= bound;
    assert!(same, "{what}: {got} for {wanted}");
}

/// The first of the JSON's samples from which a file differs would be found here.
fn assert_matches(whole: &Whole, said: &Value, name: &str) {
    let performance = &whole.performance;
    let splats = &performance.splats;
    assert_eq!(splats.len() as f64, number(&said["gaussianCount"]), "{name}");
    assert_eq!(u64::from(performance.info.sh_degree), said["shDegree"].as_u64().unwrap(), "{name}");
    let rate = performance.info.rate;
    let seconds = rate.seconds_from_ticks(performance.info.duration);
    close(seconds, number(&said["durationSec"]), 1e-4, name);
    let sum = |axis: usize| splats.mean.iter().map(|mean| f64::from(mean[axis])).sum::<f64>();
    for (axis, wanted) in numbers(&said["aggregate"]["positionSum"]).into_iter().enumerate() {
        close(sum(axis), wanted, 1e-6 * splats.len() as f64, name);
    }
    let opacity: f64 = splats.opacity.iter().copied().map(f64::from).sum();
    close(opacity, number(&said["aggregate"]["opacitySum"]), 1e-6 * splats.len() as f64, name);
    let lasting = splats.life.iter().filter(|life| life.sigma_t.is_infinite()).count();
    assert_eq!(lasting as f64, number(&said["aggregate"]["neverFadesCount"]), "{name}");
    let still = splats.motion.iter().filter(|motion| motion.velocity == [0.0; 3]).count();
    assert_eq!(still as f64, number(&said["aggregate"]["zeroMotionCount"]), "{name}");
    let cutoff = number(&said["cutoff"]);
    let sample = &said["sample"];
    let order = ordered(performance);
    for place in 0..sample["positions"].as_array().unwrap().len() {
        let splat = splats.get(order[place]);
        let three = |field: &str, got: [f32; 3]| {
            for (got, wanted) in got.into_iter().zip(numbers(&sample[field][place])) {
                close(f64::from(got), wanted, 1.1e-6, &format!("{name}: {field} {place}"));
            }
        };
        three("positions", splat.mean);
        three("scales", splat.scale);
        three("motions", splat.motion.velocity);
        let [red, green, blue] = splat.colour;
        for (got, wanted) in [red, green, blue, splat.opacity].iter().zip(numbers(&sample["colors"][place])) {
            close(f64::from(*got), wanted, 1.1e-6, &format!("{name}: colour {place}"));
        }
        for (got, wanted) in splat.rotation.iter().zip(numbers(&sample["rotations"][place])) {
            close(f64::from(*got), wanted, 1.5e-6, &format!("{name}: rotation {place}"));
        }
        let [mu, sigma, low, high] =
            ["muT", "sigmaT", "winLo", "winHi"].map(|field| number(&sample[field][place]));
        close(splat.life.t0, mu, 1.1e-6, &format!("{name}: mu {place}"));
        close(f64::from(splat.life.sigma_t), sigma, 1.1e-6, &format!("{name}: sigma {place}"));
        let tick = rate.seconds_from_ticks(1);
        let reach = if sigma.is_finite() { sigma * (-2.0 * cutoff.ln()).sqrt() } else { f64::INFINITY };
        let window = [splat.life.start, splat.life.end].map(|tick| rate.seconds_from_ticks(tick));
        close(window[0], low.max(mu - reach), 2.0 * tick, &format!("{name}: first tick {place}"));
        close(window[1], high.min(mu + reach), 2.0 * tick, &format!("{name}: last tick {place}"));
        // Visibility and opacity over the whole clip, by the format's rule; not where an edge is within a tick.
        for step in 0..200 {
            let t = rate.seconds_from_ticks(rate.ticks_from_seconds(seconds * f64::from(step) / 200.0));
            let marginal =
                |t: f64| if sigma.is_finite() { (-0.5 * ((t - mu) / sigma).powi(2)).exp() } else { 1.0 };
            let shows = |t: f64| low <= t && t < high && marginal(t) >= cutoff;
            if shows(t - tick) != shows(t + tick) {
                continue;
            }
            let wanted = if shows(t) { f64::from(splat.opacity) * marginal(t) } else { 0.0 };
            let got = of_model(performance, order[place], t).opacity;
            close(got, wanted, 1e-3, &format!("{name}: opacity {place} at {t}"));
        }
    }
}

#[test]
fn conformance_files_are_what_their_json_says() {
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let said = json(&path);
        if name.starts_with("NoData") {
            let error = count(&path).unwrap_err().to_string();
            assert!(error.contains("holds no splat") && error.contains(&name), "{error}");
            continue;
        }
        let foreign = open_as_is(&path).unwrap();
        assert_eq!(foreign.format().name, "4dgs");
        assert_matches(whole(&foreign), &said, &name);
        assert_eq!(whole(&foreign).sound.is_some(), said["hasAudio"].as_bool().unwrap(), "{name}");
        assert_eq!(foreign.info().appearance.colour_domain, ColourDomain::Encoded);
    }
}

#[test]
fn another_files_json_is_told_apart() {
    let files = files();
    let Some(path) = files.iter().find(|path| path.to_string_lossy().contains("TinySigmas")) else { return };
    let foreign = open_as_is(path).unwrap();
    let (right, read) = (json(path), whole(&foreign).clone());
    let fails = |said: &Value| {
        vivant_tests::gpu::assert_fails("another file", || assert_matches(&read, said, "tiny"));
    };
    for (field, by) in
        [("positions", 3e-6), ("rotations", 3e-6), ("muT", 3e-6), ("sigmaT", 3e-6), ("colors", 3e-6)]
    {
        let mut said = right.clone();
        let value = if said["sample"][field][5].is_array() {
            &mut said["sample"][field][5][1]
        } else {
            &mut said["sample"][field][5]
        };
        *value = (number(value) + by).into();
        fails(&said);
    }
    let mut said = right.clone();
    said["cutoff"] = 0.5.into();
    fails(&said);
    said = right;
    let mu = number(&said["sample"]["muT"][2]);
    said["sample"]["winHi"][2] = mu.into();
    fails(&said);
}

#[test]
fn the_sound_of_a_file_becomes_the_clips() {
    for path in files().iter().filter(|path| path.to_string_lossy().contains("SpatialAudio")) {
        let source = &json(path)["audioSources"][0];
        let foreign = open(path, &Options::default()).unwrap();
        let (bytes, report, _) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap();
        let clip = Clip::from_bytes("sounding.vvt", bytes).unwrap();
        let [track] = clip.tracks() else { panic!("{} tracks", clip.tracks().len()) };
        let position = track.audio.position.unwrap().map(f64::from);
        assert_eq!(position.to_vec(), numbers(&source["position"]));
        close(track.audio.duration_nanos() as f64 * 1e-9, number(&source["durationSec"]), 1e-3, "duration");
        assert_eq!((track.audio.start_nanos, track.audio.channels), (0, 1));
        assert!(report.to_string().contains("color_space"), "{report}");
    }
}

/// The format's rule, from a file as the format's own crate reads it.
fn formula(scene: &fourdgs::Scene, t: f64) -> Vec<Seen> {
    let state = scene.state_at(t).unwrap();
    let set = &scene.gaussians;
    let seen = |(number, index): (usize, &u32)| {
        let at = *index as usize;
        let three = |values: &[f32], at: usize| std::array::from_fn(|axis| f64::from(values[at * 3 + axis]));
        Seen {
            mean: three(&state.centers, number),
            rotation: std::array::from_fn(|part| f64::from(state.orientations[number * 4 + part])),
            scale: three(&set.scales, at),
            opacity: f64::from(state.opacity[number]),
            colour: std::array::from_fn(|channel| f64::from(set.colors[at * 4 + channel])),
            sh_rest: (0..set.sh_coefficients)
                .flat_map(|k| (0..3).map(move |channel| (k, channel)))
                .map(|(k, channel)| {
                    let byte = set.sh.as_ref().unwrap()
                        [at * 3 * set.sh_coefficients + channel * set.sh_coefficients + k];
                    (f64::from(byte) * 8.0 / 255.0 - 4.0) as f32
                })
                .collect(),
        }
    };
    state.indices.iter().enumerate().map(seen).collect()
}

#[test]
fn pictures_are_the_formats_own() {
    for path in files() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // Files of a few specks cover too few pixels to be compared.
        if !["MixedLifetimes-SHDegree2", "MixedLifetimes-SHDegree3", "LongLived-Quant"]
            .iter()
            .any(|start| name.starts_with(start))
        {
            continue;
        }
        let scene = fourdgs::read_path(&path).unwrap();
        let foreign = open_as_is(&path).unwrap();
        let seconds = scene.duration_sec;
        let moments = [0.2, 0.5, 0.8].map(|share| share * seconds);
        let seen = |late: f64| {
            // Drawn larger than they are, so that there is a picture.
            seen::performance(foreign.info(), &moments.map(|t| (t, grown(formula(&scene, t + late)))))
        };
        let mut performance = whole(&foreign).performance.clone();
        performance.splats.scale.iter_mut().flatten().for_each(|scale| *scale *= 6.0);
        assert_shows(&name, &clip_of(&performance), &seen(0.0), &moments);
        if let Some(late) = worst(&format!("{name}, late"), &clip_of(&performance), &seen(0.2), &moments) {
            assert!(late < 45.0, "{late}");
        }
    }
}

fn grown(mut seen: Vec<Seen>) -> Vec<Seen> {
    seen.iter_mut().flat_map(|splat| &mut splat.scale).for_each(|scale| *scale *= 6.0);
    seen
}

#[test]
fn files_are_attacked() {
    let folder = tempfile::tempdir().unwrap();
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("OneWindow") || name.starts_with("MixedLifetimes-SHDegree2") {
            let copy = folder.path().join(&name);
            std::fs::write(&copy, std::fs::read(&path).unwrap()).unwrap();
            attack(&copy, &copy, Cut::Fails, &count);
        }
    }
}

#[test]
fn what_the_format_refuses_is_refused_by_name() {
    let files = files();
    let Some(path) = files.iter().find(|path| path.to_string_lossy().contains("OneGaussian")) else { return };
    let bytes = std::fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("wrong.4dgs");
    let refused = |bytes: &[u8], says: &str| {
        std::fs::write(&target, bytes).unwrap();
        let error = count(&target).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("wrong.4dgs"), "{error}");
    };
    let mut changed = bytes.clone();
    changed[0] = 0x88;
    refused(&changed, "magic at byte 0");
    changed = bytes.clone();
    changed[5] = b'2';
    refused(&changed, "version");
    let replaced = |from: &[u8], to: &[u8]| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let mut changed = bytes.clone();
        changed[at..at + from.len()].copy_from_slice(to);
        changed
    };
    refused(&replaced(b"gaussian-birth", b"gaussian-death"), "gaussian-death");
    refused(&replaced(b"uniform-v1", b"uniform-v9"), "uniform-v9");
    // A Chunk that promises more than any file of this length holds.
    let chunk = fourdgs::serialization::Records::new(&bytes, 8)
        .map(Result::unwrap)
        .find(|record| record.opcode == fourdgs::opcode::CHUNK)
        .unwrap();
    changed = bytes.clone();
    changed[chunk.offset + 9 + 20..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    refused(&changed, "exceeds the limit");
}
