//! `.4dgs`, keyframe-delta: sequences of states by the format's own writer, against its own reconstruction.

use std::path::Path;

use fourdgs::GaussianSet;
use fourdgs::keyframe_delta_file::{
    KeyframeDeltaOptions, Sample, decode_streamed, reconstruct_at, write_sequence,
};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::random::Random;

use crate::seen::of_model;
use crate::{count, open_as_is, whole};

/// States of splats half of which rest; some are born. What rests keeps the time at which a keyframe has stated it.
fn samples(steps: u32, every: u32) -> Vec<Sample> {
    let state = |step: u32| {
        let mut set = GaussianSet::default();
        let ids: Vec<i64> = (0..40_i64).filter(|id| id % 7 != 3 || i64::from(step) * 5 > *id).collect();
        for id in &ids {
            let mut own = Random::new(*id as u64);
            let moved = if id % 2 == 0 { step as f32 * 0.1 } else { 0.0 };
            set.positions.extend([own.range(-1.0, 1.0) + moved, own.range(-1.0, 1.0), own.range(-1.0, 1.0)]);
            set.scales.extend([0.02, 0.03, 0.04].map(|scale| scale * own.range(0.5, 1.0)));
            let [x, y, z] = [0; 3].map(|_| own.range(-0.4, 0.4));
            set.rotations.extend([x, y, z, (1.0 - x * x - y * y - z * z).sqrt()]);
            set.colors.extend([own.unit(), own.unit(), own.unit(), own.range(0.3, 1.0)]);
            set.motions.extend([if id % 2 == 0 { 0.1 } else { 0.0 }, 0.0, 0.0]);
            set.mu_t.push(if id % 2 == 0 { step } else { step - step % every } as f32);
            set.sigma_t.push(1e6);
            set.win_lo.push(0.0);
            set.win_hi.push(steps as f32);
        }
        Sample { t0: f64::from(step), ids, gaussians: set }
    };
    (0..steps).map(state).collect()
}

fn write(path: &Path, options: &KeyframeDeltaOptions) -> Vec<u8> {
    let samples = samples(8, options.keyframe_every as u32);
    let bytes = write_sequence(&samples, 8.0, options).unwrap();
    std::fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn states_are_the_formats_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("states.4dgs");
    for (every, mode) in [(1, 1), (4, 1), (8, 0)] {
        let options = KeyframeDeltaOptions {
            keyframe_every: every,
            delta_mode: mode,
            ..KeyframeDeltaOptions::default()
        };
        let bytes = write(&path, &options);
        let sequence = decode_streamed(&bytes).unwrap();
        let foreign = open_as_is(&path).unwrap();
        let performance = &whole(&foreign).performance;
        let mut compared = 0;
        for chunk in &sequence.chunks {
            for share in [0.0, 0.5, 0.99] {
                let t = chunk.t0 + share * (chunk.t1 - chunk.t0);
                let wanted = reconstruct_at(&sequence, &chunk.state, t);
                let mut got: Vec<_> = (0..performance.splats.len())
                    .map(|index| of_model(performance, index, t))
                    .filter(|seen| seen.opacity > 0.0)
                    .map(|seen| {
                        [seen.mean[0], seen.mean[1], seen.mean[2], seen.scale[0], seen.scale[2], seen.opacity]
                    })
                    .collect();
                let mut wanted: Vec<_> = (0..wanted.ids.len())
                    .map(|row| {
                        let [c, s] =
                            [&wanted.centers, &wanted.scales].map(|values| &values[row * 3..row * 3 + 3]);
                        [c[0], c[1], c[2], s[0], s[2], wanted.opacity[row]]
                    })
                    .collect();
                for rows in [&mut got, &mut wanted] {
                    rows.sort_by(|a, b| (a[1] * 1.37 + a[2]).total_cmp(&(b[1] * 1.37 + b[2])));
                }
                assert_eq!(got.len(), wanted.len(), "at {t}");
                for (a, b) in got.iter().zip(&wanted) {
                    for (got, wanted) in a.iter().zip(b) {
                        assert!((got - wanted).abs() < 3e-6, "at {t}: {got} for {wanted}: {a:?} for {b:?}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 5000);
        // Deltas carry what changes; what rests is one splat over steps.
        let splats = performance.splats.len();
        assert!(if every == 1 { splats > 250 } else { splats < 230 }, "{every}: {splats}");
    }
}

#[test]
fn states_are_attacked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("states.4dgs");
    write(&path, &KeyframeDeltaOptions::default());
    attack(&path, &path, Cut::Fails, &count);
}
