//! Axis conventions: three letters that say where the file's +x, +y and +z point. Pure.
//!
//! The engine is right-handed with x right, y up, z back (`rub`). A code such as `rdf` (x right, y down, z forward:
//! COLMAP and what is trained from it) names the signed permutation R that takes file coordinates to ours. All 48 are
//! taken. Means and velocities turn by R, harmonics by its representation (`sh_rotate`). A Gaussian is
//! symmetric about its mean, so R and −R move its covariance alike; one of the two is a rotation, and its quaternion
//! turns the splat. So left-handed files need no other treatment: `R·Σ·Rᵀ` is exact for mirrors too.

use std::fmt;
use std::str::FromStr;

use glam::{DMat3, DQuat, DVec3};
use rayon::prelude::*;
use vivant::Error;
use vivant::splat::{Motion, Splats};

use crate::rows;
use crate::sh_rotate::ShRotation;

/// Where the file's axes point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axes {
    /// For each of the file's axes, the number of ours (0..3) and its sign (±1).
    image: [(usize, i8); 3],
}

/// What a letter names: our axis and the sign along it.
const LETTERS: [(char, usize, i8); 6] =
    [('r', 0, 1), ('l', 0, -1), ('u', 1, 1), ('d', 1, -1), ('b', 2, 1), ('f', 2, -1)];

impl Axes {
    /// x right, y up, z back: ours.
    pub const RUB: Self = Self { image: [(0, 1), (1, 1), (2, 1)] };

    /// x right, y down, z forward: COLMAP's, and so that of splats trained from it.
    pub const RDF: Self = Self { image: [(0, 1), (1, -1), (2, -1)] };

    /// x right, y forward, z up: Blender's, and nerfstudio's.
    pub const RFU: Self = Self { image: [(0, 1), (2, -1), (1, 1)] };

    /// Whether nothing has to be done.
    #[must_use]
    pub fn is_identity(self) -> bool {
        self == Self::RUB
    }

    /// The code that takes our axes back to the file's.
    #[must_use]
    pub fn inverse(self) -> Self {
        let mut image = [(0, 1); 3];
        for (from, (to, sign)) in self.image.into_iter().enumerate() {
            image[to] = (from, sign);
        }
        Self { image }
    }

    /// The columns of the matrix from file coordinates to ours.
    #[must_use]
    pub fn columns(self) -> [[f64; 3]; 3] {
        self.image.map(|(axis, sign)| {
            let mut column = [0.0; 3];
            column[axis] = f64::from(sign);
            column
        })
    }

    /// Takes splats from the file's axes to ours, in place.
    pub fn apply(self, splats: &mut Splats) {
        if self.is_identity() {
            return;
        }
        let harmonics = ShRotation::new(self.columns());
        let turn = self.rotation();
        rows::all(splats).into_par_iter().for_each(|rows| {
            for mean in rows.mean.iter_mut() {
                *mean = self.image_of(*mean);
            }
            for rotation in rows.rotation.iter_mut() {
                *rotation = turned(turn, *rotation);
            }
            if rows.sh_stride > 0 {
                rows.sh_rest.chunks_exact_mut(rows.sh_stride).for_each(|sh_rest| harmonics.apply(sh_rest));
            }
        });
        for motion in &mut splats.motion {
            *motion = Motion {
                velocity: self.image_of(motion.velocity),
                quadratic: self.image_of(motion.quadratic),
                cubic: self.image_of(motion.cubic),
                spin: turned(turn, motion.spin),
            };
        }
    }

    /// A vector of the file in our coordinates; exact.
    fn image_of(self, vector: [f32; 3]) -> [f32; 3] {
        let mut out = [0.0; 3];
        for (value, (axis, sign)) in vector.into_iter().zip(self.image) {
            out[axis] = value * f32::from(sign);
        }
        out
    }

    /// The rotation among R and −R.
    fn rotation(self) -> DQuat {
        let matrix = DMat3::from_cols_array_2d(&self.columns());
        let proper = if matrix.determinant() < 0.0 { -matrix } else { matrix };
        DQuat::from_mat3(&proper).normalize()
    }
}

/// `turn · rotation`, as a linear map of the quaternion, so that rates turn alike.
fn turned(turn: DQuat, [x, y, z, w]: [f32; 4]) -> [f32; 4] {
    let vector = DVec3::new(f64::from(x), f64::from(y), f64::from(z));
    let scalar = f64::from(w);
    let axis = turn.xyz();
    let product = (vector * turn.w + axis * scalar + axis.cross(vector), turn.w * scalar - axis.dot(vector));
    [product.0.x, product.0.y, product.0.z, product.1].map(|value| {
        #[expect(clippy::cast_possible_truncation, reason = "quaternions are stored as f32")]
        let narrow = value as f32;
        narrow
    })
}

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wanted in self.image {
            for (letter, ..) in LETTERS.iter().filter(|(_, axis, sign)| (*axis, *sign) == wanted) {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Axes {
    type Err = Error;

    fn from_str(code: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::invalid(format!(
                "axes '{code}': say where +x, +y, +z point with one letter each of r/l, u/d, f/b, such as rdf or rub"
            ))
        };
        let mut image = [(0, 0); 3];
        let mut letters = code.chars();
        for slot in &mut image {
            let letter = letters.next().ok_or_else(refuse)?.to_ascii_lowercase();
            let found = LETTERS.iter().find(|(name, ..)| *name == letter);
            let &(_, axis, sign) = found.ok_or_else(refuse)?;
            *slot = (axis, sign);
        }
        let mut axes = image.map(|(axis, _)| axis);
        axes.sort_unstable();
        if letters.next().is_some() || axes != [0, 1, 2] {
            return Err(refuse());
        }
        Ok(Self { image })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_parse_and_print() {
        for code in ["rub", "rdf", "ruf", "lub", "fur", "buL"] {
            assert_eq!(code.parse::<Axes>().unwrap().to_string(), code.to_lowercase());
        }
        assert_eq!("rub".parse::<Axes>().unwrap(), Axes::RUB);
        assert_eq!("rdf".parse::<Axes>().unwrap(), Axes::RDF);
        assert_eq!("rfu".parse::<Axes>().unwrap(), Axes::RFU);
        for code in ["", "r", "ru", "rubb", "rlu", "xyz", "rrr", "udf", "ru\u{e9}"] {
            assert!(code.parse::<Axes>().is_err(), "{code}");
        }
    }

    #[test]
    fn a_letter_says_where_the_axis_points() {
        // z up, y forward, x right: a drawing on the floor.
        let axes: Axes = "rfu".parse().unwrap();
        assert_eq!(axes.image_of([1.0, 2.0, 3.0]), [1.0, 3.0, -2.0]);
        assert_eq!(axes.inverse().image_of([1.0, 3.0, -2.0]), [1.0, 2.0, 3.0]);
    }
}
