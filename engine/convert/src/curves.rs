//! Splats on curves, on their way to pieces that a splat of ours can follow: what the formats with keyframes or sums of
//! sines have in common. No I/O.
//!
//! The rasteriser that all of them train with makes its matrix of a quaternion of any length without looking at it. For
//! q = s·u, u of length one, that matrix is `(1 − s²)·I + s²·R(u)`: no rotation, but a known linear map, so the ellipsoid
//! it leads to is known too ([`shape`]).

use rayon::prelude::*;
use vivant::splat::SH_C0;
use vivant::{Error, Result};

use crate::gaussian4::principal_axes;
use crate::options::Options;
use crate::ply::{Column, MAX_SPLATS, Table};
use crate::report::Report;
use crate::split::{Bound, Piece, Reached, Sample};
use crate::temporal::{Temporal, sigmoid};

/// Distance from a path, metres, unless the user says otherwise.
const DISTANCE: f64 = 1e-3;
/// Angle from a path, radians; and the same share of a size.
const ANGLE: f64 = 0.01;

/// What is held over a piece: the logarithms of the scales.
pub(crate) type Scales = [f64; 3];

/// How near pieces must be; times in the file's units.
pub(crate) fn bound(options: &Options, longest: f64, frame: f64) -> Bound {
    let distance = options.bound.map_or(DISTANCE, f64::from);
    Bound { distance, angle: ANGLE, held: ANGLE, longest, least: frame }
}

/// The colour and opacity of a row, and its harmonics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) colour: [f64; 3],
    pub(crate) opacity: f64,
    pub(crate) sh_rest: [f32; 45],
}

/// Where the look of a row is found.
#[derive(Debug)]
pub(crate) struct LookColumns {
    colour: [Column; 3],
    opacity: Column,
    scale: [Column; 3],
    rest: Vec<Column>,
    /// SH degree.
    pub(crate) degree: u8,
}

impl LookColumns {
    /// Finds the columns of the INRIA layout whose names begin with `prefix`.
    ///
    /// # Errors
    /// [`Error::Malformed`] where one is missing.
    pub(crate) fn find(table: &Table<'_>, prefix: &str, file: &str) -> Result<Self> {
        let named = |name: String| table.column(&format!("{prefix}{name}"));
        let start = format!("{prefix}f_rest_");
        let count = table.names().filter(|name| name.starts_with(&start)).count();
        let degree = match count {
            0 => 0,
            9 => 1,
            24 => 2,
            45 => 3,
            _ => {
                let why = format!("{count} of them; harmonics come as 9, 24 or 45: export the file again");
                return Err(Error::malformed(file, &format!("{start}*"), table.offset(), why));
            }
        };
        // Channel by channel in the file, coefficient by coefficient here.
        let number = |at: usize| (at % 3) * (count / 3) + at / 3;
        let [red, green, blue] = [0, 1, 2].map(|channel| named(format!("f_dc_{channel}")));
        let [x, y, z] = [0, 1, 2].map(|axis| named(format!("scale_{axis}")));
        Ok(Self {
            colour: [red?, green?, blue?],
            opacity: named("opacity".to_owned())?,
            scale: [x?, y?, z?],
            rest: (0..count).map(|at| named(format!("f_rest_{}", number(at)))).collect::<Result<_>>()?,
            degree,
        })
    }

    /// The look of a row.
    pub(crate) fn look(&self, table: &Table<'_>, row: usize) -> Look {
        let mut sh_rest = [0.0; 45];
        for (to, column) in sh_rest.iter_mut().zip(&self.rest) {
            #[expect(clippy::cast_possible_truncation, reason = "the file has f32")]
            let narrow = table.number(row, *column) as f32;
            *to = narrow;
        }
        Look {
            colour: table.numbers(row, self.colour).map(|dc| 0.5 + f64::from(SH_C0) * dc),
            opacity: sigmoid(table.number(row, self.opacity)),
            sh_rest,
        }
    }

    /// The scales of a row.
    pub(crate) fn scale(&self, table: &Table<'_>, row: usize) -> [f64; 3] {
        table.numbers(row, self.scale).map(f64::exp)
    }
}

/// A piece of a splat, of which row it is, and the envelope it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) row: u32,
    pub(crate) piece: Piece<3>,
    /// Centre and standard deviation of the envelope; the deviation is infinite for none.
    pub(crate) envelope: [f64; 2],
}

impl Part {
    /// A record of ours. Motion counts from the centre of the envelope, where there is one.
    pub(crate) fn temporal(&self, look: &Look) -> Temporal {
        let piece = &self.piece;
        let [centre, sigma] = self.envelope;
        let t0 = if sigma.is_finite() { centre } else { piece.t0 };
        let shift = t0 - piece.t0;
        let [_, p1, p2, p3] = piece.position;
        let term = |of: &dyn Fn(usize) -> f64| [of(0), of(1), of(2)];
        Temporal {
            mean: piece.position_at(shift),
            motion: [
                term(&|axis| p1[axis] + shift * (2.0 * p2[axis] + shift * 3.0 * p3[axis])),
                term(&|axis| p2[axis] + 3.0 * shift * p3[axis]),
                p3,
            ],
            rotation: [0, 1, 2, 3].map(|part: usize| piece.rotation[part] + piece.spin[part] * shift),
            spin: piece.spin,
            scale: piece.held.map(f64::exp),
            opacity: look.opacity,
            colour: look.colour,
            t0,
            sigma,
            window: piece.window,
            ..Temporal::DEFAULT
        }
    }
}

/// All parts of all rows, in order, and how far they are from their paths at most.
///
/// # Errors
/// [`Error::LimitExceeded`] beyond the most splats one file may become.
pub(crate) fn parts(
    rows: usize,
    file: &str,
    each: impl Fn(usize, &mut Vec<Part>) -> Reached + Sync,
) -> Result<(Vec<Part>, Reached)> {
    let followed: Vec<(Vec<Part>, Reached)> = (0..rows)
        .into_par_iter()
        .with_min_len(64)
        .map(|row| {
            let mut parts = Vec::new();
            let reached = each(row, &mut parts);
            (parts, reached)
        })
        .collect();
    let count: u64 = followed.iter().map(|(parts, _)| parts.len() as u64).sum();
    if count > MAX_SPLATS {
        let what = format!("{file}: splats that its paths become; allow a larger error");
        return Err(Error::LimitExceeded { what, value: count, limit: MAX_SPLATS });
    }
    let reached = followed.iter().fold(Reached::default(), |reached, (_, own)| reached.max(*own));
    Ok((followed.into_iter().flat_map(|(parts, _)| parts).collect(), reached))
}

/// Says how well paths were followed.
pub(crate) fn note(report: &mut Report, rows: usize, parts: usize, reached: &Reached) {
    report.note(format!(
        "{rows} paths became {parts} pieces; at most {:.2e} m, {:.2e} rad and {:.1} % of a size from them",
        reached.distance,
        reached.angle,
        reached.held * 100.0
    ));
}

/// The ellipsoid that a rasteriser makes of scales and a quaternion (xyzw) of any length: its scales, and a unit quaternion
/// that is near to the one given, so that it changes as smoothly as that one.
pub(crate) fn shape(rotation: [f64; 4], scale: [f64; 3]) -> ([f64; 3], [f64; 4]) {
    let [x, y, z, w] = rotation;
    // Rows of the matrix times the scales: B·Bᵀ is the covariance.
    let matrix = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ];
    let factor = matrix.map(|row| [0, 1, 2].map(|column: usize| row[column] * scale[column]));
    let (found, turn) = principal_axes(&factor);
    nearest(found, turn, nearest_turn(rotation))
}

/// The rotation in the matrix of a quaternion of any length: its polar part, which turns about the same axis.
fn nearest_turn([x, y, z, w]: [f64; 4]) -> [f64; 4] {
    let axis = (x * x + y * y + z * z).sqrt();
    if axis < 1e-12 {
        return [0.0, 0.0, 0.0, 1.0];
    }
    // In the plane across the axis the matrix is this complex number.
    let (real, imaginary) = (1.0 - 2.0 * axis * axis, 2.0 * w * axis);
    let half = imaginary.atan2(real) * 0.5;
    let sine = half.sin() / axis;
    [x * sine, y * sine, z * sine, half.cos()]
}

/// The same ellipsoid with its axes named and directed so that its rotation is nearest to `wanted`.
fn nearest(scale: [f64; 3], turn: [f64; 4], wanted: [f64; 4]) -> ([f64; 3], [f64; 4]) {
    let (own, aim) = (columns(turn), columns(wanted));
    let along = |a: usize, b: usize| (0..3).map(|axis| own[a][axis] * aim[b][axis]).sum::<f64>();
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let likeness = |order: &[usize; 3]| (0..3).map(|to| along(order[to], to).abs()).sum::<f64>();
    let order = ORDERS.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or(ORDERS[0]);
    let mut axes = [0, 1, 2].map(|to: usize| {
        let sign = if along(order[to], to) < 0.0 { -1.0 } else { 1.0 };
        own[order[to]].map(|part| part * sign)
    });
    if determinant(&axes) < 0.0 {
        // The axis whose direction says least gives way.
        let weak = |a: &usize, b: &usize| along(order[*a], *a).abs().total_cmp(&along(order[*b], *b).abs());
        let weakest = (0..3).min_by(weak).unwrap_or(0);
        axes[weakest] = axes[weakest].map(|part| -part);
    }
    let matrix = glam::DMat3::from_cols_array_2d(&axes);
    let turned = glam::DQuat::from_mat3(&matrix).to_array();
    (order.map(|from| scale[from]), turned)
}

fn columns([x, y, z, w]: [f64; 4]) -> [[f64; 3]; 3] {
    glam::DMat3::from_quat(glam::DQuat::from_xyzw(x, y, z, w)).to_cols_array_2d()
}

fn determinant(axes: &[[f64; 3]; 3]) -> f64 {
    glam::DMat3::from_cols_array_2d(axes).determinant()
}

/// A sample whose ellipsoid is what a rasteriser makes of this.
pub(crate) fn sample(position: [f64; 3], rotation: [f64; 4], scale: [f64; 3]) -> Sample<3> {
    let (scale, rotation) = shape(rotation, scale);
    Sample { position, rotation, held: scale.map(|scale| scale.max(1e-12).ln()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covariance(rows: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
        rows.map(|a| rows.map(|b| (0..3).map(|axis| a[axis] * b[axis]).sum()))
    }

    /// By the rasteriser's own matrix, written down once more.
    fn wanted([x, y, z, w]: [f64; 4], s: [f64; 3]) -> [[f64; 3]; 3] {
        covariance([
            [
                (1.0 - 2.0 * (y * y + z * z)) * s[0],
                2.0 * (x * y - w * z) * s[1],
                2.0 * (x * z + w * y) * s[2],
            ],
            [
                2.0 * (x * y + w * z) * s[0],
                (1.0 - 2.0 * (x * x + z * z)) * s[1],
                2.0 * (y * z - w * x) * s[2],
            ],
            [
                2.0 * (x * z - w * y) * s[0],
                2.0 * (y * z + w * x) * s[1],
                (1.0 - 2.0 * (x * x + y * y)) * s[2],
            ],
        ])
    }

    fn found(scale: [f64; 3], turn: [f64; 4]) -> [[f64; 3]; 3] {
        let axes = columns(turn);
        covariance(
            [0, 1, 2].map(|row: usize| [0, 1, 2].map(|column: usize| axes[column][row] * scale[column])),
        )
    }

    #[test]
    fn quaternions_of_any_length_make_the_rasterisers_ellipsoid() {
        let scale = [0.3, 0.1, 0.02];
        for rotation in [
            [0.1, 0.2, -0.3, 0.9],
            [0.5, -0.2, 0.9, 1.4],
            [0.0, 0.0, 0.2, 0.1],
            [0.0, 0.0, 0.0, 2.0],
            [0.6, 0.1, 0.0, -0.3],
        ] {
            let (own, turn) = shape(rotation, scale);
            let (a, b) = (wanted(rotation, scale), found(own, turn));
            let off =
                a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-12, "{rotation:?}: {off}");
            assert!((turn.iter().map(|part| part * part).sum::<f64>() - 1.0).abs() < 1e-12);
        }
        // A length other than one is no other size: the comparison must see it.
        let plain = wanted([0.3, 0.2, -0.3, 0.9].map(|part| part / 1.015), scale);
        let longer = wanted([0.3, 0.2, -0.3, 0.9].map(|part| part * 1.5), scale);
        assert!((plain[0][0] - longer[0][0]).abs() > 1e-3);
    }

    #[test]
    fn what_changes_smoothly_keeps_its_axes() {
        let mut before: Option<([f64; 3], [f64; 4])> = None;
        for step in 0..=400 {
            let t = f64::from(step) / 400.0;
            // Of length one at first, then longer.
            let rotation = [0.2 + 0.1 * t, 0.1 * t, 0.1 + 0.3 * t, 0.97 + 0.2 * t];
            let (scale, turn) = shape(rotation, [0.05, 0.02, 0.004]);
            if let Some((old_scale, old)) = before {
                let along: f64 = turn.iter().zip(old).map(|(a, b)| a * b).sum();
                assert!(along.abs() > 0.9999, "{step}: {along}");
                for axis in 0..3 {
                    assert!((scale[axis] / old_scale[axis] - 1.0).abs() < 0.02, "{step}");
                }
            }
            before = Some((scale, turn));
        }
    }
}
