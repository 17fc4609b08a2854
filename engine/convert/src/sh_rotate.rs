//! Turning and mirroring spherical harmonics: the matrix that takes the coefficients of a colour to those of the
//! same colour on turned axes. Pure, f64.
//!
//! Let the colour be `f(d) = Σ c_j Y_j(d)`. On axes turned by the orthogonal matrix R it is `f'(d) = f(Rᵀd)`, and as
//! the basis is orthonormal its coefficients are `c'_i = Σ_j c_j ∫ Y_i(d)·Y_j(Rᵀd) dd`. The integrand is a polynomial
//! of degree 6 at most, for which a product of four Gauss–Legendre heights and eight equal azimuths is exact
//! (degree 7): the matrix is right to rounding, for mirrors as for turns, and nothing needs solving. Degrees do not
//! mix, so it is three blocks. The basis is the one of the INRIA code, in its order and with its signs.

/// Coefficients above the constant at degree 3.
const REST: usize = 15;

/// First and one-past-last coefficient of degrees 1, 2, 3.
const BANDS: [(usize, usize); 3] = [(0, 3), (3, 8), (8, 15)];

/// Azimuths of the quadrature: one more than the degree it must be exact for.
const AZIMUTHS: u8 = 8;

/// The linear map of the harmonics of degrees 1 to 3.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShRotation([[f64; REST]; REST]);

impl ShRotation {
    /// The map for the orthogonal matrix with these columns.
    pub(crate) fn new(columns: [[f64; 3]; 3]) -> Self {
        let mut matrix = [[0.0; REST]; REST];
        for (direction, weight) in quadrature() {
            let here = basis(direction);
            // Rᵀ·d: each component is the dot product with a column.
            let before = columns.map(|column| dot(column, direction));
            let there = basis(before);
            for (first, end) in BANDS {
                for row in first..end {
                    for column in first..end {
                        matrix[row][column] += weight * here[row] * there[column];
                    }
                }
            }
        }
        // A turn by right angles has many exact zeros: keep them exact, or every coefficient picks up dust.
        for value in matrix.iter_mut().flatten().filter(|value| value.abs() < 1e-12) {
            *value = 0.0;
        }
        Self(matrix)
    }

    /// Applies the map to one splat's coefficients: RGB interleaved, coefficient-major, of any degree up to 3.
    pub(crate) fn apply(&self, sh_rest: &mut [f32]) {
        let mut turned = [0.0_f32; REST * 3];
        for (first, end) in BANDS {
            if sh_rest.len() < end * 3 {
                break;
            }
            for row in first..end {
                let mut sum = [0.0_f64; 3];
                for column in first..end {
                    let factor = self.0[row][column];
                    for (channel, sum) in sum.iter_mut().enumerate() {
                        *sum += factor * f64::from(sh_rest[column * 3 + channel]);
                    }
                }
                for (channel, sum) in sum.into_iter().enumerate() {
                    #[expect(clippy::cast_possible_truncation, reason = "coefficients are stored as f32")]
                    let narrow = sum as f32;
                    turned[row * 3 + channel] = narrow;
                }
            }
        }
        let length = sh_rest.len().min(REST * 3);
        sh_rest[..length].copy_from_slice(&turned[..length]);
    }
}

/// Directions and weights that integrate polynomials of degree 7 over the sphere exactly.
fn quadrature() -> impl Iterator<Item = ([f64; 3], f64)> {
    let root = (6.0_f64 / 5.0).sqrt() * 2.0 / 7.0;
    let (inner, outer) = ((3.0 / 7.0 - root).sqrt(), (3.0 / 7.0 + root).sqrt());
    let thirty = 30.0_f64.sqrt();
    let (heavy, light) = ((18.0 + thirty) / 36.0, (18.0 - thirty) / 36.0);
    let step = std::f64::consts::TAU / f64::from(AZIMUTHS);
    [(inner, heavy), (-inner, heavy), (outer, light), (-outer, light)].into_iter().flat_map(
        move |(z, weight)| {
            let radius = (1.0 - z * z).sqrt();
            (0..AZIMUTHS).map(move |number| {
                let azimuth = f64::from(number) * step;
                ([radius * azimuth.cos(), radius * azimuth.sin(), z], weight * step)
            })
        },
    )
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The harmonics of degrees 1 to 3 at a unit direction.
pub(crate) fn basis([x, y, z]: [f64; 3]) -> [f64; REST] {
    const C1: f64 = 0.488_602_511_902_919_9;
    const C2: [f64; 3] = [1.092_548_430_592_079_2, 0.315_391_565_252_520_05, 0.546_274_215_296_039_6];
    const C3: [f64; 5] = [
        0.590_043_589_926_643_5,
        2.890_611_442_640_554,
        0.457_045_799_464_465_8,
        0.373_176_332_590_115_4,
        1.445_305_721_320_277,
    ];
    let (xx, yy, zz) = (x * x, y * y, z * z);
    [
        -C1 * y,
        C1 * z,
        -C1 * x,
        C2[0] * x * y,
        -C2[0] * y * z,
        C2[1] * (2.0 * zz - xx - yy),
        -C2[0] * x * z,
        C2[2] * (xx - yy),
        -C3[0] * y * (3.0 * xx - yy),
        C3[1] * x * y * z,
        -C3[2] * y * (4.0 * zz - xx - yy),
        C3[3] * z * (2.0 * zz - 3.0 * xx - 3.0 * yy),
        -C3[2] * x * (4.0 * zz - xx - yy),
        C3[4] * z * (xx - yy),
        -C3[0] * x * (xx - 3.0 * yy),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quadrature_finds_the_basis_orthonormal() {
        let identity = ShRotation::new([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        for (row, values) in identity.0.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                let wanted = if row == column { 1.0 } else { 0.0 };
                assert!((value - wanted).abs() < 1e-12, "{row} {column}: {value}");
            }
        }
    }

    #[test]
    fn a_half_turn_about_x_is_signs_alone() {
        let turn = ShRotation::new([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]);
        let signs = [-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1];
        for (row, values) in turn.0.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                let wanted = if row == column { f64::from(signs[row]) } else { 0.0 };
                assert!((value - wanted).abs() < 1e-12, "{row} {column}: {value}");
            }
        }
    }

    #[test]
    fn lower_degrees_leave_the_rest_alone() {
        let turn = ShRotation::new([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]);
        let mut first: Vec<f32> = (1..=9_u8).map(f32::from).collect();
        turn.apply(&mut first);
        assert_eq!(first, [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, 7.0, 8.0, 9.0]);
        turn.apply(&mut []);
    }
}
