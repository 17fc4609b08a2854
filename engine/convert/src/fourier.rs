//! `EfficientDynamic3DGaussian` (Katsumata et al. 2024): the INRIA layout on paths that are sums of sines.
//!
//! ```text
//! position(t) = X₀ + Σ_l X_{1+2l}·sin(2^l·π·t) + X_{2+2l}·cos(2^l·π·t)          t from 0 to 1
//! rotation(t) = Q₀/|Q₀| + (Q₁/|Q₁|)·t, of any length, into the rasteriser's matrix as it is
//! ```
//! Xᵢ is `xIII yIII zIII`. The quaternions are named component by component (`rot_000_0 rot_001_0 …`) but their numbers lie
//! time by time, so they are taken by their place in the file. There are more of both than are used; sines that were never
//! trained are zero. Each path becomes pieces: see [`crate::split`].

use std::path::Path;

use vivant::splat::Appearance;
use vivant::{Error, Result};

use crate::Axes;
use crate::curves::{self, LookColumns, Part};
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::{Column, Table};
use crate::report::Report;
use crate::split;
use crate::temporal::{self, Clock};
use crate::whole::Whole;

/// What is read of `EfficientDynamic3DGaussian`.
pub(crate) const FORMAT: Format = Format {
    name: "fourier",
    system: "EfficientDynamic3DGaussian (point_cloud.ply)",
    fidelity: Fidelity::Baked,
    limits: "paths are followed within --error; the length is not in the file",
    detect: |probe| probe.has_vertex("x000") && probe.has_vertex("rot_000_0"),
    open: Open::Whole(open),
};

/// Frames of a file that does not say how many it has: the Neural 3D Video scenes.
const FRAMES: u32 = 300;
/// Most sines of a path; the trainer has 8.
const MAX_SINES: usize = 16;

/// A path as the file has it.
struct Curve {
    /// X₀, then a sine and a cosine for each frequency.
    terms: Vec<[f64; 3]>,
    rotation: [[f64; 4]; 2],
    scale: [f64; 3],
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "cannot read", source))?;
    let table = Table::parse(&file, &bytes)?;
    if table.len() == 0 {
        return Err(Error::malformed(
            &file,
            "element vertex",
            table.offset(),
            "0 rows; export it with its splats",
        ));
    }
    let looks = LookColumns::find(&table, "", &file)?;
    let (places, turns) = columns(&table, &file)?;
    let mut report = Report::default();
    let clock = Clock::normalised(options, FRAMES, "as in the Neural 3D Video scenes", &mut report)?;
    let frame = 1.0 / f64::from(FRAMES);
    let (parts, reached) = curves::parts(table.len(), &file, |row, parts| {
        let curve = Curve::read(&table, row, &places, &turns, looks.scale(&table, row));
        let bound = curves::bound(options, curve.longest(options), frame);
        let mut pieces = Vec::new();
        let reached = split::follow(&|t| curve.at(t), [0.0, 1.0], &bound, &mut pieces);
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let none = [0.0, f64::INFINITY];
        parts.extend(pieces.into_iter().map(|piece| Part { row, piece, envelope: none }));
        reached
    })?;
    curves::note(&mut report, table.len(), parts.len(), &reached);
    let splats = temporal::build(parts.len(), looks.degree, &clock, |index, sh_rest| {
        let look = looks.look(&table, parts[index].row as usize);
        sh_rest.copy_from_slice(&look.sh_rest[..sh_rest.len()]);
        parts[index].temporal(&look)
    });
    let info = clock.info(looks.degree, Appearance::default());
    let axes = options.axes.unwrap_or(Axes::RDF);
    let mut whole = temporal::finish(path, table.offset(), splats, info, axes, report)?;
    whole.report.read = table.len() as u64;
    Ok(whole)
}

/// The columns of X₀, X₁, … and of the first two quaternions.
#[expect(clippy::type_complexity, reason = "two lists of columns")]
fn columns(table: &Table<'_>, file: &str) -> Result<(Vec<[Column; 3]>, [[Column; 4]; 2])> {
    let has = |name: &str| table.names().any(|own| own == name);
    let count = (0..=2 * MAX_SINES + 1).take_while(|number| has(&format!("x{number:03}"))).count();
    if count % 2 == 0 || count > 2 * MAX_SINES + 1 {
        let why = format!("{count} terms of x, where 1 and two a frequency belong, {MAX_SINES} at most");
        return Err(Error::malformed(file, "properties xIII", table.offset(), why));
    }
    let places = (0..count).map(|number| {
        let [x, y, z] = ["x", "y", "z"].map(|axis| table.column(&format!("{axis}{number:03}")));
        Ok([x?, y?, z?])
    });
    let places = places.collect::<Result<Vec<_>>>()?;
    let names: Vec<&str> = table.names().filter(|name| name.starts_with("rot_")).take(8).collect();
    if names.len() < 8 {
        let why = format!("{} numbers, where two quaternions belong; export the file again", names.len());
        return Err(Error::malformed(file, "properties rot_*", table.offset(), why));
    }
    let quaternion = |first: usize| {
        let [w, x, y, z] = [0, 1, 2, 3].map(|part: usize| table.column(names[first + part]));
        Ok([x?, y?, z?, w?])
    };
    Ok((places, [quaternion(0)?, quaternion(4)?]))
}

impl Curve {
    fn read(
        table: &Table<'_>,
        row: usize,
        places: &[[Column; 3]],
        turns: &[[Column; 4]; 2],
        scale: [f64; 3],
    ) -> Self {
        let mut terms: Vec<[f64; 3]> = places.iter().map(|place| table.numbers(row, *place)).collect();
        // Frequencies that were never trained would only make pieces short.
        while terms.len() > 1 && terms[terms.len() - 2..].as_flattened().iter().all(|part| part.abs() < 1e-12)
        {
            terms.truncate(terms.len() - 2);
        }
        let unit = |turn: [f64; 4]| {
            let length = turn.iter().map(|part| part * part).sum::<f64>().sqrt().max(1e-12);
            turn.map(|part| part / length)
        };
        Self { terms, rotation: turns.map(|turn| unit(table.numbers(row, turn))), scale }
    }

    fn at(&self, t: f64) -> split::Sample<3> {
        let mut position = self.terms[0];
        for (number, pair) in self.terms[1..].as_chunks::<2>().0.iter().enumerate() {
            let phase = std::f64::consts::PI * t * f64::from(1_u32 << number.min(MAX_SINES));
            let (sine, cosine) = phase.sin_cos();
            for axis in 0..3 {
                position[axis] += pair[0][axis] * sine + pair[1][axis] * cosine;
            }
        }
        let rotation = [0, 1, 2, 3].map(|part: usize| self.rotation[0][part] + self.rotation[1][part] * t);
        curves::sample(position, rotation, self.scale)
    }

    /// Half the period of its fastest sine; all of it where none reaches as far as the bound.
    fn longest(&self, options: &Options) -> f64 {
        let reach: f64 = self.terms[1..].as_flattened().iter().map(|part| part.abs()).sum();
        if reach < curves::bound(options, 1.0, 1.0).distance {
            return 1.0;
        }
        let frequencies = (self.terms.len() - 1) / 2;
        2.0 / f64::from(1_u32 << frequencies.min(MAX_SINES)).max(2.0)
    }
}
