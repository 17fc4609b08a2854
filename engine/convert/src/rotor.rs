//! 4D-Rotor Gaussian Splatting (Duan et al., SIGGRAPH 2024): nerfstudio's checkpoint, exact.
//!
//! Each splat is a Gaussian in four dimensions whose rotation is a rotor (`quats1`: 1, xy, xz, yz; `quats2`: xw, yw, zw,
//! xyzw). The renderer draws it as it is stored, not normalised, which multiplies all four scales; [`gaussian4`] keeps that.
//!
//! ```text
//! opacity = sigmoid(opacities) · exp(−½ dt²/σt²)      dropped where ½ dt²/σt² ≥ 16
//! ```

use std::path::Path;

use vivant::Result;
use vivant::splat::{Appearance, SH_C0};

use crate::Axes;
use crate::checkpoint::{Columns, Span, degree_of, least_share, row};
use crate::formats::{Fidelity, Format, Open};
use crate::gaussian4::{self, Slice};
use crate::options::Options;
use crate::report::Report;
use crate::temporal::{self, Temporal, sigmoid};
use crate::torch::{self, Value};
use crate::whole::Whole;

/// The exponent at which a splat is dropped.
const DROPPED: f64 = -16.0;
/// What tells these checkpoints.
const TOLD_BY: &str = "quats2";

/// What is read of these checkpoints.
pub(crate) const FORMAT: Format = Format {
    name: "4d-rotor",
    system: "4D-Rotor Gaussian Splatting (nerfstudio .ckpt)",
    fidelity: Fidelity::Exact,
    limits: "the length is not in the file: --seconds",
    detect: |probe| probe.checkpoint.as_ref().is_some_and(|value| prefix(value).is_some()),
    open: Open::Whole(open),
};

/// What stands before the names of the tensors: `pipeline._model.gauss_params.`, or whatever it was wrapped in.
fn prefix(value: &Value) -> Option<String> {
    let all = value.tensors();
    let name = all.iter().find_map(|(name, _)| Some(name.strip_suffix(TOLD_BY)?.to_owned()))?;
    let has = |end: &str| all.iter().any(|(own, _)| own.strip_prefix(&name) == Some(end));
    (has("quats1") && has("scales_t")).then_some(name)
}

/// The tensor of this dotted name, whose parts are keys that may have dots themselves.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    if matches!(value, Value::Tensor(_)) {
        return name.is_empty().then_some(value);
    }
    value.items().iter().find_map(|(key, inner)| {
        let rest = name.strip_prefix(key.text()?)?;
        let rest = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
        find(inner, rest)
    })
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let checkpoint = torch::open(path)?;
    let prefix = prefix(checkpoint.value()).unwrap_or_default();
    let value = checkpoint.value().clone();
    let of = |name: &str| find(&value, &format!("{prefix}{name}"));
    let columns = Columns::new(checkpoint, of("xyz"))?;
    let get = |name: &str, count: usize| columns.read(name, of(name), count);
    let (means, centres) = (get("xyz", 3)?, get("t", 1)?);
    let (scales, lengths) = (get("scales_xyz", 3)?, get("scales_t", 1)?);
    let (first, second) = (get("quats1", 4)?, get("quats2", 4)?);
    let (base, opacities) = (get("features_dc", 3)?, get("opacities", 1)?);
    let stored = columns.columns_of("features_rest", of("features_rest"))?;
    let rest = columns.read_any("features_rest", of("features_rest"))?;
    let degree = degree_of(stored / 3);
    let mut report = Report::default();
    let span = Span::find(path, &centres, &mut report);
    let clock = span.clock(options, &mut report)?;
    let splats = temporal::build(columns.rows(), degree, &clock, |index, sh_rest| {
        let count = sh_rest.len();
        sh_rest.copy_from_slice(&rest[index * stored..index * stored + count]);
        let [sx, sy, sz] = row(&scales, index).map(f64::exp);
        let rotation = gaussian4::rotation_of_rotor(row(&first, index), row(&second, index));
        let slice = Slice::new(&rotation, [sx, sy, sz, f64::from(lengths[index]).exp()], 0.0);
        let opacity = sigmoid(f64::from(opacities[index]));
        Temporal {
            mean: row(&means, index),
            opacity,
            colour: row(&base, index).map(|dc| 0.5 + f64::from(SH_C0) * dc),
            t0: f64::from(centres[index]) - span.start,
            least: least_share(DROPPED.exp(), opacity),
            ..Temporal::of_slice(&slice)
        }
    });
    let info = clock.info(degree, Appearance::default());
    temporal::finish(path, 0, splats, info, options.axes.unwrap_or(Axes::RFU), report)
}
