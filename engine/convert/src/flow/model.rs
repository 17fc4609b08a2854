//! The columns of a Gaussian-Flow checkpoint, of either code base, and where its splats are at a moment.
//!
//! The first code base saves the tuple of its `capture()`: 19 parts, those from the thirteenth on the residuals of xyz,
//! rotation, scale (not used), `f_dc` and `f_rest`, and the centres in time. The second saves a dictionary: `position`,
//! `features`, `pos_params`, `rot_params`, `feat_params`, `time_center` and so on, at whatever depth.

use std::path::Path;

use vivant::{Error, Result};

use super::curve::{Residual, Terms};
use crate::checkpoint::{self, Columns, degree_of, row};
use crate::report::Report;
use crate::temporal::{Temporal, sigmoid};
use crate::torch::{self, Value};

/// Where the parts stand in the tuple: xyz, `f_dc`, `f_rest`, scaling, rotation, opacity; residuals of xyz, rotation, `f_dc`, `f_rest`;
/// the centres.
const IN_TUPLE: [usize; 11] = [1, 2, 3, 4, 5, 6, 12, 13, 15, 16, 17];
/// Their names in the dictionary; the harmonics do not change there.
const IN_DICTIONARY: [&str; 11] = [
    "position",
    "features",
    "features_rest",
    "scaling",
    "rotation",
    "opacity",
    "pos_params",
    "rot_params",
    "feat_params",
    "",
    "time_center",
];

/// Whether a checkpoint is one of these.
pub(super) fn is_known(value: &Value) -> bool {
    parts(value).is_some()
}

/// The parts in the order of [`IN_TUPLE`], and whether they stood in a tuple.
fn parts(value: &Value) -> Option<([Option<Value>; 11], bool)> {
    if let Some(tuple) = value.at(0).map(Value::list).filter(|tuple| tuple.len() == 19) {
        let found = IN_TUPLE.map(|index| tuple.get(index).cloned());
        let moves = found[6].as_ref().and_then(Value::tensor).is_some_and(|tensor| tensor.shape().len() >= 3);
        return moves.then_some((found, true));
    }
    let (dictionary, prefix) = dictionary(value, 4)?;
    let get = |name: &str| dictionary.get(&format!("{prefix}{name}")).cloned();
    Some((IN_DICTIONARY.map(get), false))
}

/// The dictionary that has the residuals, wherever it stands, and what its keys start with.
fn dictionary(value: &Value, depth: usize) -> Option<(&Value, &str)> {
    let items = value.items();
    let prefix = items.iter().find_map(|(key, _)| key.text()?.strip_suffix("pos_params"));
    if let Some(prefix) = prefix.filter(|prefix| value.get(&format!("{prefix}rot_params")).is_some()) {
        return Some((value, prefix));
    }
    let depth = depth.checked_sub(1)?;
    items.iter().take(64).find_map(|(_, inner)| dictionary(inner, depth))
}

/// A checkpoint in memory.
#[derive(Debug)]
pub(super) struct Model {
    columns: Columns,
    pub(super) degree: u8,
    pub(super) factor: f64,
    offset: f64,
    means: Vec<f32>,
    base: Vec<f32>,
    rest: Vec<f32>,
    stored: usize,
    scales: Vec<f32>,
    rotations: Vec<f32>,
    opacities: Vec<f32>,
    centres: Vec<f32>,
    position: Residual,
    turn: Residual,
    colour: Option<Residual>,
    harmonics: Option<Residual>,
}

impl Model {
    pub(super) fn read(path: &Path, report: &mut Report) -> Result<Self> {
        let checkpoint = torch::open(path)?;
        let Some((found, tuple)) = parts(checkpoint.value()) else {
            let why = "neither the tuple nor the dictionary of Gaussian-Flow; save the checkpoint again";
            return Err(Error::malformed(checkpoint.file(), "data.pkl", 0, why));
        };
        let columns = Columns::new(checkpoint, found[0].as_ref())?;
        let get = |field: &str, index: usize, count: usize| columns.read(field, found[index].as_ref(), count);
        let stored = columns.columns_of("f_rest", found[2].as_ref())?;
        let residual = |field: &str, index: usize, components: usize| {
            residual(&columns, field, found[index].as_ref(), components)
        };
        let Some(position) = residual("residual of xyz", 6, 3)? else {
            return Err(missing(&columns, "residual of xyz"));
        };
        let Some(turn) = residual("residual of rotation", 7, 4)? else {
            return Err(missing(&columns, "residual of rotation"));
        };
        let (factor, offset) = time_map(path, tuple, report);
        Ok(Self {
            degree: degree_of(stored / 3),
            factor,
            offset,
            means: get("xyz", 0, 3)?,
            base: get("f_dc", 1, 3)?,
            rest: columns.read_any("f_rest", found[2].as_ref())?,
            stored,
            scales: get("scaling", 3, 3)?,
            rotations: get("rotation", 4, 4)?,
            opacities: get("opacity", 5, 1)?,
            centres: get("time_center", 10, 1)?,
            position,
            turn,
            colour: residual("residual of f_dc", 8, 3)?,
            harmonics: residual("residual of f_rest", 9, stored)?.filter(|_| stored == 45),
            columns,
        })
    }

    /// Number of splats.
    pub(super) const fn rows(&self) -> usize {
        self.columns.rows()
    }

    /// Whether harmonics change.
    pub(super) const fn rest_moves(&self) -> bool {
        self.harmonics.is_some()
    }

    /// What of a splat stands still.
    pub(super) fn still(&self, index: usize) -> Temporal {
        Temporal {
            scale: row(&self.scales, index).map(f64::exp),
            opacity: sigmoid(f64::from(self.opacities[index])),
            ..Temporal::DEFAULT
        }
    }

    /// The harmonics of a splat as they are stored.
    pub(super) fn fill_rest(&self, index: usize, sh_rest: &mut [f32]) {
        let count = sh_rest.len();
        sh_rest.copy_from_slice(&self.rest[index * self.stored..index * self.stored + count]);
    }

    /// Where a splat is, how it is turned (xyzw) and its coefficients at `t`, from 0 to 1.
    pub(super) fn at(
        &self,
        index: usize,
        t: f64,
        position: &mut [f64; 3],
        rotation: &mut [f64; 4],
        held: &mut [f64],
    ) {
        let t = t * self.factor + self.offset - f64::from(self.centres[index]);
        *position = row(&self.means, index);
        self.position.add(index, t, position);
        let mut real_first: [f64; 4] = row(&self.rotations, index);
        self.turn.add(index, t, &mut real_first);
        let [w, x, y, z] = real_first;
        *rotation = [x, y, z, w];
        let (base, rest) = held.split_at_mut(3);
        base.copy_from_slice(&row::<3>(&self.base, index));
        if let Some(colour) = &self.colour {
            colour.add(index, t, base);
        }
        if let Some(harmonics) = &self.harmonics
            && !rest.is_empty()
        {
            let stored = &self.rest[index * self.stored..(index + 1) * self.stored];
            rest.iter_mut().zip(stored).for_each(|(value, &stored)| *value = f64::from(stored));
            harmonics.add(index, t, rest);
        }
    }

    /// How many waves of the fastest that matters go into a unit of t′.
    pub(super) fn fastest(&self, index: usize, distance: f64, angle: f64, colour: f64) -> usize {
        let length = row::<4>(&self.rotations, index).iter().map(|part| part * part).sum::<f64>().sqrt();
        let of = |residual: &Option<Residual>| {
            residual.as_ref().map_or(0, |residual| residual.fastest(index, colour))
        };
        self.position
            .fastest(index, distance)
            .max(self.turn.fastest(index, angle * length))
            .max(of(&self.colour))
            .max(of(&self.harmonics))
    }
}

/// A residual that is there and not zero throughout.
fn residual(
    columns: &Columns,
    field: &str,
    value: Option<&Value>,
    components: usize,
) -> Result<Option<Residual>> {
    let Some(tensor) = value.and_then(Value::tensor).filter(|tensor| tensor.count() > 0) else {
        return Ok(None);
    };
    let Some((terms, count)) = Terms::of(tensor.shape(), components) else {
        let why = format!(
            "its shape is {:?} where [splats, terms, {components}, 3] belongs; save it again",
            tensor.shape()
        );
        return Err(Error::malformed(columns.checkpoint().file(), field, 0, why));
    };
    let values = columns.read_any(field, value)?;
    let optional = field.ends_with("f_dc") || field.ends_with("f_rest");
    if optional && values.iter().all(|value| value.abs() <= 0.0) {
        return Ok(None);
    }
    Ok(Some(Residual { terms, count, components, values }))
}

fn missing(columns: &Columns, field: &str) -> Error {
    Error::malformed(columns.checkpoint().file(), field, 0, "is missing or empty; save the checkpoint again")
}

/// The factor and the offset that the trainer applies to time: from the settings, or what its configurations have.
fn time_map(path: &Path, tuple: bool, report: &mut Report) -> (f64, f64) {
    let first =
        |names: &[&str]| checkpoint::setting(path, names).and_then(|(numbers, _)| numbers.first().copied());
    let off = |name: &str| first(&[name]).is_some_and(|value| value.abs() < 0.5);
    let names = if tuple { ["factor_t_value", "offset_t_value"] } else { ["rescale_value", "offset_value"] };
    let switches = if tuple { ["factor_t", "offset_t"] } else { ["rescale_t", "offset_t"] };
    let custom = if tuple { [0.8, 0.1] } else { [0.7, 0.1] };
    let found = names.map(|name| first(&[name]));
    let value = |index: usize, without: f64| {
        if off(switches[index]) { without } else { found[index].unwrap_or(custom[index]) }
    };
    let map = (value(0, 1.0), value(1, 0.0));
    let said = if found.iter().all(Option::is_some) {
        "as beside the file"
    } else {
        "as its configurations have it: no settings beside the file"
    };
    report.note(format!("time times {} plus {}, {said}", map.0, map.1));
    map
}
