//! Gaussians in space and time, taken apart: what moves how fast, how long it lives, and the ellipsoid that is left. Pure, f64.
//!
//! A 4D Gaussian has the covariance Σ = A·Aᵀ with A = R·diag(sx, sy, sz, st), axes in the order x, y, z, t. At a fixed
//! time it is a 3D Gaussian that moves in a straight line under a Gaussian envelope, exactly:
//!
//! ```text
//! σt² = Σtt     v = Σxt / Σtt     Σ(3|t) = Σxx − Σxt·Σxtᵀ / Σtt     mean(t) = mean + v·(t − t0)
//! ```
//!
//! The subtraction cancels where a splat is thin and lives long: in f32 a third of such covariances are not positive.
//! So it is never made here. With the rows `a_x`, `a_y`, `a_z`, `a_t` of A, Σ(3|t) = B·Bᵀ where each row of B is that of A less
//! its part along `a_t`: a projection, which loses no squares and is positive by construction. The axes of B·Bᵀ are found
//! on B too, by Jacobi's one-sided method (Hestenes 1958): its rows are turned against each other until they are
//! orthogonal; their lengths are the standard deviations, and the turns the rotation. Small ones come out as exactly as
//! large ones.
//!
//! Rotations in four dimensions come as trainers store them: two quaternions (Yang et al. 2024; Xu et al. 2024, with other
//! signs), or a rotor (Duan et al. 2024). A rotor as it is stored is a rotation times a factor, which belongs to the scales.

/// Rows of a 4×4 matrix, axes in the order x, y, z, t.
pub type Matrix4 = [[f64; 4]; 4];

/// Most sweeps of Jacobi's method; six suffice for anything of ordinary numbers.
const MAX_SWEEPS: usize = 40;
/// Cosine of the angle at which two rows are orthogonal.
const ORTHOGONAL: f64 = 1e-15;

/// What a 4D Gaussian is at a fixed time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// Variance of its life.
    pub variance: f64,
    /// How fast it moves.
    pub velocity: [f64; 3],
    /// B: its covariance is B·Bᵀ.
    pub factor: [[f64; 4]; 3],
}

impl Slice {
    /// Of the Gaussian with these axes (columns of `rotation`, which may have a common factor) and standard deviations. A
    /// variance below `least` counts as that: what has no length of life has no velocity either.
    #[must_use]
    pub fn new(rotation: &Matrix4, scale: [f64; 4], least: f64) -> Self {
        let a = rotation.map(|row| times(row, scale));
        let variance = dot(a[3], a[3]).max(least);
        let share = [0, 1, 2].map(|axis| dot(a[axis], a[3]) / variance);
        let factor = [0, 1, 2].map(|axis: usize| {
            let along = a[3].map(|part| part * share[axis]);
            [0, 1, 2, 3].map(|column: usize| a[axis][column] - along[column])
        });
        Self { variance, velocity: share, factor }
    }

    /// The covariance in space: xx, xy, xz, yy, yz, zz.
    #[must_use]
    pub fn covariance(&self) -> [f64; 6] {
        [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)].map(|(a, b)| dot(self.factor[a], self.factor[b]))
    }
}

/// The ellipsoid of the covariance `factor·factorᵀ`: standard deviations along its axes, and the quaternion xyzw that turns
/// x, y and z onto them.
#[must_use]
pub fn principal_axes<const N: usize>(factor: &[[f64; N]; 3]) -> ([f64; 3], [f64; 4]) {
    let mut rows = *factor;
    // Columns are the axes; row i of `rows` is the factor seen along axis i.
    let mut axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..MAX_SWEEPS {
        let mut turned = false;
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let (aa, bb, ab) = (dot(rows[a], rows[a]), dot(rows[b], rows[b]), dot(rows[a], rows[b]));
            let least = ORTHOGONAL * (aa * bb).sqrt();
            // What is not finite never becomes orthogonal.
            if ab.abs() <= least || !ab.is_finite() || !least.is_finite() {
                continue;
            }
            turned = true;
            // The smaller of the two angles at which the rows are orthogonal.
            let cotangent = (bb - aa) / (2.0 * ab);
            let tangent = cotangent.signum() / (cotangent.abs() + cotangent.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = cosine * tangent;
            turn(&mut rows, a, b, cosine, sine);
            turn(&mut axes, a, b, cosine, sine);
        }
        if !turned {
            break;
        }
    }
    (rows.map(|row| dot(row, row).sqrt()), quaternion(&axes))
}

/// Turns rows `a` and `b` against each other.
fn turn<const N: usize>(rows: &mut [[f64; N]; 3], a: usize, b: usize, cosine: f64, sine: f64) {
    let (before, after) = rows.split_at_mut(b);
    for (x, y) in before[a].iter_mut().zip(&mut after[0]) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

/// The quaternion xyzw of a rotation whose rows are the images of x, y and z.
fn quaternion(images: &[[f64; 3]; 3]) -> [f64; 4] {
    let columns = images.map(glam::DVec3::from_array);
    glam::DQuat::from_mat3(&glam::DMat3::from_cols(columns[0], columns[1], columns[2])).to_array()
}

/// The rotation of two quaternions (each wxyz, of any length) as Yang et al. mean it: their product acts on (t, z, y, x).
#[must_use]
pub fn rotation_of_yang(left: [f64; 4], right: [f64; 4]) -> Matrix4 {
    let ([a, b, c, d], [p, q, r, s]) = (unit(left), unit(right));
    let left = [[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]];
    let right = [[p, q, r, s], [-q, p, -s, r], [-r, s, p, -q], [-s, -r, q, p]];
    let product = product(&left, &right);
    [3, 2, 1, 0].map(|row: usize| [3, 2, 1, 0].map(|column: usize| product[row][column]))
}

/// The rotation of two quaternions (each wxyz, of any length) as Temporal Gaussian Hierarchy means it: left and right
/// multiplication, on (x, y, z, t).
#[must_use]
pub fn rotation_of_hierarchy(left: [f64; 4], right: [f64; 4]) -> Matrix4 {
    pair(unit(left), unit(right))
}

/// L(left)·R(right), the lengths of both as a factor.
fn pair([a, b, c, d]: [f64; 4], [p, q, r, s]: [f64; 4]) -> Matrix4 {
    let left = [[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]];
    let right = [[p, -q, -r, -s], [q, p, s, -r], [r, -s, p, q], [s, r, -q, p]];
    product(&left, &right)
}

/// The matrix of a rotor (1, xy, xz, yz; xw, yw, zw, xyzw) as 4D-Rotor Gaussian Splatting stores and draws it: a rotation
/// times √(|r|⁴ − 4ε²), ε = p·s − xy·zw + xz·yw − xw·yz, which multiplies all scales. It is the product of two quaternions.
#[must_use]
pub fn rotation_of_rotor([s, xy, xz, yz]: [f64; 4], [xw, yw, zw, p]: [f64; 4]) -> Matrix4 {
    pair([s - p, -(xy + zw), yw - xz, -(yz + xw)], [s + p, zw - xy, -(xz + yw), yz - xw])
}

/// A quaternion at length one; not a number where its length is zero.
pub(crate) fn unit(quaternion: [f64; 4]) -> [f64; 4] {
    let length = dot(quaternion, quaternion).sqrt();
    quaternion.map(|part| part / length)
}

fn product(a: &Matrix4, b: &Matrix4) -> Matrix4 {
    a.map(|row| {
        [0, 1, 2, 3].map(|column: usize| row.iter().zip(b).map(|(&part, other)| part * other[column]).sum())
    })
}

fn dot<const N: usize>(a: [f64; N], b: [f64; N]) -> f64 {
    a.iter().zip(&b).map(|(a, b)| a * b).sum()
}

fn times(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    [a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]]
}
