//! `.4dgs` with objects that move as rigid bodies: our pieces against the format's own composition.

use std::path::Path;

use fourdgs::serialization::{put_f64, put_record, put_u8, put_u32};
use fourdgs::{GaussianSet, SceneExtras, WriteOptions, write_to_vec};
use vivant_convert::Options;
use vivant_tests::random::Random;

use crate::seen::of_model;
use crate::{open, open_as_is, whole};

/// A track of an object: times, rotations, places.
struct Track {
    object: u32,
    step: bool,
    samples: Vec<(f64, [f64; 4], [f64; 3])>,
}

impl Track {
    fn record(&self) -> Vec<u8> {
        let mut content = Vec::new();
        put_u32(&mut content, self.object);
        put_u8(&mut content, u8::from(self.step));
        put_u32(&mut content, self.samples.len() as u32);
        for (time, rotation, place) in &self.samples {
            put_f64(&mut content, *time);
            rotation.iter().chain(place).for_each(|value| put_f64(&mut content, *value));
        }
        let mut record = Vec::new();
        put_record(&mut record, fourdgs::opcode::OBJECT_TRACK, &content);
        record
    }
}

fn turn(angle: f64) -> [f64; 4] {
    [0.0, (angle / 2.0).sin(), 0.0, (angle / 2.0).cos()]
}

fn tracks() -> Vec<Track> {
    vec![
        Track {
            object: 1,
            step: false,
            samples: vec![(0.5, turn(0.0), [0.0; 3]), (2.0, turn(0.0), [1.0, 0.0, 0.0])],
        },
        Track {
            object: 2,
            step: false,
            samples: vec![
                (0.0, turn(0.0), [0.0; 3]),
                (1.0, turn(2.0), [0.0, 0.5, 0.0]),
                (3.0, turn(0.5), [0.3, 0.0, 0.0]),
            ],
        },
        Track {
            object: 3,
            step: true,
            samples: vec![(0.0, turn(0.0), [0.0; 3]), (1.5, turn(1.0), [0.0, 1.0, 0.0])],
        },
        Track { object: 4, step: false, samples: vec![(1.0, turn(1.0), [0.0, 0.0, 1.0])] },
    ]
}

fn scene() -> GaussianSet {
    let mut random = Random::new(505);
    let mut set = GaussianSet::default();
    let mut objects = Vec::new();
    for index in 0..200_u32 {
        set.positions.extend([0; 3].map(|_| random.range(-1.0, 1.0)));
        set.scales.extend([0.02, 0.03, 0.04]);
        let [x, y, z] = [0; 3].map(|_| random.range(-0.4, 0.4));
        set.rotations.extend([x, y, z, (1.0 - x * x - y * y - z * z).sqrt()]);
        set.colors.extend([0.5, 0.6, 0.7, 0.9]);
        set.motions.extend([0; 3].map(|_| random.range(-0.2, 0.2)));
        set.mu_t.push(random.range(0.0, 3.0));
        set.sigma_t.push(if index % 2 == 0 { f32::INFINITY } else { random.range(0.2, 0.8) });
        set.win_lo.push(0.0);
        set.win_hi.push(3.0);
        objects.push(index % 6);
    }
    set.object_id = Some(objects);
    set
}

fn write(path: &Path) {
    let extra_records = tracks().iter().map(Track::record).collect();
    let options = WriteOptions { extra_records, ..WriteOptions::default() };
    let bytes = write_to_vec(&scene(), 3.0, &options, &SceneExtras::default()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn objects_carry_their_splats() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("objects.4dgs");
    write(&path);
    let own = fourdgs::read_path(&path).unwrap();
    let foreign = open_as_is(&path).unwrap();
    let whole = whole(&foreign);
    let (mut far, mut off, mut still) = (0.0_f64, 0.0_f64, 0.0_f64);
    for step in 0..60 {
        let t = f64::from(step) * 0.05 + 0.013;
        let wanted = own.state_at(t).unwrap();
        let shown: Vec<_> = (0..whole.performance.splats.len())
            .map(|index| of_model(&whole.performance, index, t))
            .filter(|seen| seen.opacity > 0.0)
            .collect();
        assert_eq!(shown.len(), wanted.indices.len(), "at {t}");
        // Pieces stand in the order of their splats.
        for (number, seen) in shown.iter().enumerate() {
            let own_place = &wanted.centers[number * 3..number * 3 + 3];
            let apart = |a: f64, b: f32| (a - f64::from(b)).powi(2);
            let distance = seen.mean.iter().zip(own_place).map(|(a, b)| apart(*a, *b)).sum::<f64>().sqrt();
            far = far.max(distance);
            let own_turn = &wanted.orientations[number * 4..number * 4 + 4];
            let dot: f64 = seen.rotation.iter().zip(own_turn).map(|(a, b)| a * f64::from(*b)).sum();
            off = off.max(2.0 * dot.abs().min(1.0).acos());
            assert!((seen.opacity - f64::from(wanted.opacity[number])).abs() < 1e-4);
            let unmoved = f64::from(own.gaussians.positions[wanted.indices[number] as usize * 3]);
            still = still.max((own_place[0] as f64 - unmoved).abs());
        }
    }
    eprintln!(
        "objects: {:.3} mm and {:.2} mrad at most, {} pieces",
        far * 1e3,
        off * 1e3,
        whole.performance.splats.len()
    );
    assert!(far < 1e-3 && off < 2.5e-3, "{far} m, {off} rad");
    assert!(still > 0.5, "something has moved");
    assert!(whole.report.to_string().contains("from their paths"), "{}", whole.report);
    // A looser bound takes fewer pieces.
    let loose = open(&path, &Options { bound: Some(0.02), ..Options::default() }).unwrap();
    assert!(loose.whole().unwrap().performance.splats.len() < whole.performance.splats.len());
}
