//! Gaussians in space and time by the formulas of the papers, in f64: by Σ itself, as the trainers compute it, where the
//! importer never makes a Σ. And splats at a moment, from either side.

use glam::{DMat3, DQuat};
use vivant::splat::{ClipInfo, Life, Performance, Splat, Splats};

pub(crate) type M4 = [[f64; 4]; 4];

pub(crate) fn product(a: &M4, b: &M4) -> M4 {
    let mut out = [[0.0; 4]; 4];
    for (i, row) in out.iter_mut().enumerate() {
        for (j, value) in row.iter_mut().enumerate() {
            *value = (0..4).map(|k| a[i][k] * b[k][j]).sum();
        }
    }
    out
}

pub(crate) fn transposed(a: &M4) -> M4 {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

/// R·diag(s)²·Rᵀ.
pub(crate) fn sigma(r: &M4, s: [f64; 4]) -> M4 {
    let squared: M4 = std::array::from_fn(|i| std::array::from_fn(|j| r[i][j] * s[j] * s[j]));
    product(&squared, &transposed(r))
}

/// σt², v, and the covariance at a fixed time: xx, xy, xz, yy, yz, zz.
pub(crate) fn slice(sigma: &M4) -> (f64, [f64; 3], [f64; 6]) {
    let tt = sigma[3][3];
    let cov = |i: usize, j: usize| sigma[i][j] - sigma[i][3] * sigma[j][3] / tt;
    let six = [cov(0, 0), cov(0, 1), cov(0, 2), cov(1, 1), cov(1, 2), cov(2, 2)];
    (tt, std::array::from_fn(|i| sigma[i][3] / tt), six)
}

/// The matrix of 4D-Rotor, as its table has it.
pub(crate) fn rotor([s, bxy, bxz, byz]: [f64; 4], [bxw, byw, bzw, p]: [f64; 4]) -> M4 {
    let [xy2, xz2, xw2, yz2, yw2, zw2, p2, s2] = [bxy, bxz, bxw, byz, byw, bzw, p, s].map(|x| x * x);
    let r = [
        [
            -xy2 - xz2 - xw2 + yz2 + yw2 + zw2 - p2 + s2,
            -2.0 * (bxy * s + bxz * byz + bxw * byw + bzw * p),
            2.0 * (bxy * byz - bxz * s - bxw * bzw + byw * p),
            2.0 * (bxy * byw + bxz * bzw - bxw * s - byz * p),
        ],
        [
            2.0 * (bxy * s - bxz * byz - bxw * byw + bzw * p),
            -xy2 + xz2 + xw2 - yz2 - yw2 + zw2 - p2 + s2,
            -2.0 * (bxy * bxz + bxw * p + byw * bzw + byz * s),
            2.0 * (-bxy * bxw + bxz * p + byz * bzw - byw * s),
        ],
        [
            2.0 * (bxy * byz + bxz * s - bxw * bzw - byw * p),
            2.0 * (-bxy * bxz + bxw * p + byz * s - byw * bzw),
            xy2 - xz2 + xw2 - yz2 + yw2 - zw2 - p2 + s2,
            -2.0 * (bxy * p + bxz * bxw + byz * byw + bzw * s),
        ],
        [
            2.0 * (bxy * byw + bxz * bzw + bxw * s + byz * p),
            2.0 * (-bxy * bxw - bxz * p + byz * bzw + byw * s),
            2.0 * (bxy * p - bxz * bxw - byw * byz + bzw * s),
            xy2 + xz2 - xw2 + yz2 - yw2 - zw2 - p2 + s2,
        ],
    ];
    transposed(&r)
}

/// ε of a rotor, and the factor k = √(|r|⁴ − 4ε²).
pub(crate) fn factor([a, bxy, bxz, byz]: [f64; 4], [bxw, byw, bzw, p]: [f64; 4]) -> (f64, f64) {
    let epsilon = p * a - bxy * bzw + bxz * byw - bxw * byz;
    let square: f64 = [a, bxy, bxz, byz, bxw, byw, bzw, p].iter().map(|x| x * x).sum();
    (epsilon, (square * square - 4.0 * epsilon * epsilon).sqrt())
}

/// A rotor made a rotation, as the trainer's unused `rotornorm` does it.
pub(crate) fn normalised(first: [f64; 4], second: [f64; 4]) -> ([f64; 4], [f64; 4]) {
    let ([a, bxy, bxz, byz], [bxw, byw, bzw, p]) = (first, second);
    let (epsilon, k) = factor(first, second);
    let square: f64 = [a, bxy, bxz, byz, bxw, byw, bzw, p].iter().map(|x| x * x).sum();
    let delta = if epsilon.abs() > 1e-7 { (k - square) / (2.0 * epsilon) } else { 0.0 };
    let first = [a + delta * p, bxy - delta * bzw, bxz + delta * byw, byz - delta * bxw];
    let second = [bxw - delta * byz, byw + delta * bxz, bzw - delta * bxy, p + delta * a];
    let length = first.iter().chain(&second).map(|x| x * x).sum::<f64>().sqrt();
    (first.map(|x| x / length), second.map(|x| x / length))
}

pub(crate) fn unit(q: [f64; 4]) -> [f64; 4] {
    let length = q.iter().map(|x| x * x).sum::<f64>().sqrt();
    q.map(|x| x / length)
}

/// Yang's rotation as his Python builds it: the product, both axes reversed.
pub(crate) fn yang(l: [f64; 4], r: [f64; 4]) -> M4 {
    let ([a, b, c, d], [p, q, r, s]) = (unit(l), unit(r));
    let l = [[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]];
    let r = [[p, q, r, s], [-q, p, -s, r], [-r, s, p, -q], [-s, -r, q, p]];
    let m = product(&l, &r);
    std::array::from_fn(|i| std::array::from_fn(|j| m[3 - i][3 - j]))
}

/// L(left)·R(right) of Temporal Gaussian Hierarchy, lengths and all.
pub(crate) fn hierarchy([a, b, c, d]: [f64; 4], [p, q, r, s]: [f64; 4]) -> M4 {
    let l = [[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]];
    let r = [[p, -q, -r, -s], [q, p, s, -r], [r, -s, p, q], [s, r, -q, p]];
    product(&l, &r)
}

/// A splat at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moment {
    pub(crate) mean: [f64; 3],
    /// xx, xy, xz, yy, yz, zz.
    pub(crate) covariance: [f64; 6],
    /// 0 where it does not show.
    pub(crate) opacity: f64,
    pub(crate) colour: [f64; 3],
    pub(crate) rest: Vec<f64>,
}

/// R·diag(s)²·Rᵀ of a quaternion xyzw.
pub(crate) fn covariance(rotation: [f64; 4], scale: [f64; 3]) -> [f64; 6] {
    let r = DMat3::from_quat(DQuat::from_array(unit(rotation)));
    let m = r * DMat3::from_diagonal(glam::DVec3::from_array(scale.map(|s| s * s))) * r.transpose();
    let m = m.to_cols_array_2d();
    [m[0][0], m[0][1], m[0][2], m[1][1], m[1][2], m[2][2]]
}

/// Splat `index` of the model at a moment, by the formulas of `vivant::splat`.
pub(crate) fn of_model(performance: &Performance, index: usize, seconds: f64) -> Moment {
    let splat = performance.splats.get(index);
    let tick = performance.info.rate.ticks_from_seconds(seconds);
    let (dt, motion) = (seconds - splat.life.t0, splat.motion);
    let shows = splat.life.start <= tick && tick < splat.life.end;
    let sigma = f64::from(splat.life.sigma_t);
    let envelope = if sigma.is_finite() { (-0.5 * (dt / sigma).powi(2)).exp() } else { 1.0 };
    let turned = std::array::from_fn(|i| f64::from(splat.rotation[i]) + dt * f64::from(motion.spin[i]));
    Moment {
        mean: std::array::from_fn(|axis| {
            let [p, v, q, c] =
                [splat.mean, motion.velocity, motion.quadratic, motion.cubic].map(|of| f64::from(of[axis]));
            p + dt * (v + dt * (q + dt * c))
        }),
        covariance: covariance(turned, splat.scale.map(f64::from)),
        opacity: if shows { f64::from(splat.opacity) * envelope } else { 0.0 },
        colour: splat.colour.map(f64::from),
        rest: performance.splats.sh_rest_of(index).iter().map(|&value| f64::from(value)).collect(),
    }
}

/// How far two are apart at most; covariances as a share of their size.
pub(crate) fn distance(a: &Moment, b: &Moment) -> f64 {
    let far = |a: &[f64], b: &[f64]| {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let size = b.covariance[0] + b.covariance[3] + b.covariance[5];
    far(&a.mean, &b.mean)
        .max(far(&a.covariance, &b.covariance) / size)
        .max((a.opacity - b.opacity).abs())
        .max(far(&a.colour, &b.colour))
        .max(far(&a.rest, &b.rest))
}

/// Standard deviations and axes of a covariance, by Jacobi's two-sided method.
fn ellipsoid([xx, xy, xz, yy, yz, zz]: [f64; 6]) -> ([f64; 3], [f64; 4]) {
    let mut m = DMat3::from_cols_array_2d(&[[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]);
    let mut axes = DQuat::IDENTITY;
    for _ in 0..30 {
        for (i, j, axis) in [(0, 1, glam::DVec3::Z), (1, 2, glam::DVec3::X), (2, 0, glam::DVec3::Y)] {
            let angle = 0.5 * (2.0 * m.col(j)[i]).atan2(m.col(i)[i] - m.col(j)[j]);
            let turn = DQuat::from_axis_angle(axis, angle);
            let r = DMat3::from_quat(turn);
            m = r.transpose() * m * r;
            axes *= turn;
        }
    }
    ([0, 1, 2].map(|i| m.col(i)[i].max(0.0).sqrt()), axes.to_array())
}

/// A performance that shows exactly `moments`, each a set of still splats for one tick.
pub(crate) fn performance(info: ClipInfo, moments: &[(f64, Vec<Moment>)]) -> Performance {
    let mut splats = Splats::new(info.sh_degree);
    for (seconds, set) in moments {
        let tick = info.rate.ticks_from_seconds(*seconds);
        let life = Life { t0: *seconds, sigma_t: f32::INFINITY, start: tick, end: tick + 1 };
        for moment in set.iter().filter(|moment| moment.opacity > 0.0) {
            let (scale, rotation) = ellipsoid(moment.covariance);
            let splat = Splat {
                mean: moment.mean.map(|value| value as f32),
                rotation: rotation.map(|value| value as f32),
                scale: scale.map(|value| value as f32),
                opacity: moment.opacity as f32,
                colour: moment.colour.map(|value| value as f32),
                life,
                ..Splat::DEFAULT
            };
            splats.push(&splat, &moment.rest.iter().map(|&value| value as f32).collect::<Vec<_>>());
        }
    }
    Performance { info, splats }
}
