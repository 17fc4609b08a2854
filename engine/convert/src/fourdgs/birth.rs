//! The temporal model *gaussian-birth*: every splat has its own centre in time, length, velocity and window. No I/O.

use ::fourdgs::stream_reader::{ReadOptions, read_from};
use ::fourdgs::{GaussianSet, Scene};
use vivant::{Error, Result};

use super::{Contents, Population, declared, refused};
use crate::temporal::Temporal;

/// Reads a file of this model; of another, refuses it by name.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Contents> {
    let options = ReadOptions { recover_truncated: false, max_sh_band: 3 };
    let scene = read_from(bytes, &options).map_err(|error| refused(file, error))?;
    let cutoff = scene.header.cutoff;
    if cutoff.is_nan() || cutoff > 1.0 {
        let why = format!("{cutoff}: nothing would ever show; export the file again");
        return Err(Error::malformed(file, "Header cutoff", 0, why));
    }
    let mut notes = Vec::new();
    if scene.summary_crc_ok == Some(false) {
        notes.push("the index is damaged (its checksum does not match); it was not used".to_owned());
    }
    Ok(Contents {
        population: population(&scene, cutoff),
        seconds: scene.duration_sec,
        system: declared(&scene.header, &scene.metadata, "coordinate_system"),
        colours: declared(&scene.header, &scene.metadata, "color_space"),
        frame: scene.provenance.frame().cloned(),
        layer: scene.objects,
        sources: scene.audio_sources,
        notes,
    })
}

fn population(scene: &Scene, cutoff: f64) -> Population {
    let set = &scene.gaussians;
    Population {
        splats: (0..set.count()).map(|index| splat(set, index, cutoff)).collect(),
        harmonics: set.sh.clone().unwrap_or_default(),
        coefficients: if set.sh.is_some() { set.sh_coefficients } else { 0 },
        objects: set.object_id.clone().unwrap_or_default(),
    }
}

fn splat(set: &GaussianSet, index: usize, cutoff: f64) -> Temporal {
    let three = |values: &[f32]| std::array::from_fn(|axis| f64::from(values[index * 3 + axis]));
    let four =
        |values: &[f32]| -> [f64; 4] { std::array::from_fn(|part| f64::from(values[index * 4 + part])) };
    let [red, green, blue, opacity] = four(&set.colors);
    Temporal {
        mean: three(&set.positions),
        motion: [three(&set.motions), [0.0; 3], [0.0; 3]],
        rotation: four(&set.rotations),
        scale: three(&set.scales),
        opacity,
        colour: [red, green, blue],
        t0: f64::from(set.mu_t[index]),
        sigma: f64::from(set.sigma_t[index]),
        least: cutoff,
        window: [f64::from(set.win_lo[index]), f64::from(set.win_hi[index])],
        ..Temporal::DEFAULT
    }
}
