//! What a format's own formulas say at a moment, as means and covariances; the same of the model; and the way from there to
//! pictures. All in f64, on the file's axes, which the tests choose to be ours.

use vivant::splat::{Life, Performance, Splat, Splats};
use vivant_convert::Foreign;

/// One splat at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Truth {
    pub(crate) mean: [f64; 3],
    /// Row by row.
    pub(crate) covariance: [[f64; 3]; 3],
    pub(crate) opacity: f64,
    pub(crate) colour: [f64; 3],
    pub(crate) sh_rest: Vec<f32>,
}

/// The covariance that Kerbl et al.'s rasteriser makes of a quaternion wxyz of any length and scales.
pub(crate) fn covariance([w, x, y, z]: [f64; 4], s: [f64; 3]) -> [[f64; 3]; 3] {
    let m = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ];
    m.map(|a| m.map(|b| (0..3).map(|k| a[k] * s[k] * s[k] * b[k]).sum()))
}

/// What shows of a performance at a moment, in its order.
pub(crate) fn shown(performance: &Performance, seconds: f64) -> Vec<Truth> {
    let tick = performance.info.rate.ticks_from_seconds(seconds);
    let of = |index: usize| {
        let splat = performance.splats.get(index);
        let dt = seconds - splat.life.t0;
        let wide = |values: [f32; 3]| values.map(f64::from);
        let (p, v) = (wide(splat.mean), wide(splat.motion.velocity));
        let (a, j) = (wide(splat.motion.quadratic), wide(splat.motion.cubic));
        let turn: [f64; 4] = std::array::from_fn(|part| {
            f64::from(splat.rotation[part]) + dt * f64::from(splat.motion.spin[part])
        });
        let length = turn.iter().map(|part| part * part).sum::<f64>().sqrt();
        let [x, y, z, w] = turn.map(|part| part / length);
        let sigma = f64::from(splat.life.sigma_t);
        let envelope = if sigma.is_finite() { (-0.5 * (dt / sigma).powi(2)).exp() } else { 1.0 };
        (splat.life.start <= tick && tick < splat.life.end).then(|| Truth {
            mean: std::array::from_fn(|k| p[k] + dt * (v[k] + dt * (a[k] + dt * j[k]))),
            covariance: covariance([w, x, y, z], wide(splat.scale)),
            opacity: f64::from(splat.opacity) * envelope,
            colour: wide(splat.colour),
            sh_rest: performance.splats.sh_rest_of(index).to_vec(),
        })
    };
    (0..performance.splats.len()).filter_map(of).collect()
}

/// The largest differences: of means, of covariances as a share of their trace, and of opacities, colours and harmonics.
pub(crate) fn apart(found: &[Truth], wanted: &[Truth]) -> [f64; 3] {
    assert_eq!(found.len(), wanted.len());
    let mut worst = [0.0_f64; 3];
    for (a, b) in found.iter().zip(wanted) {
        let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let trace: f64 = (0..3).map(|k| b.covariance[k][k]).sum();
        let shape = far(a.covariance.as_flattened(), b.covariance.as_flattened()) / trace;
        let rest = f64::from(crate::scene::apart(&a.sh_rest, &b.sh_rest));
        let look = far(&a.colour, &b.colour).max((a.opacity - b.opacity).abs()).max(rest);
        worst = [worst[0].max(far(&a.mean, &b.mean)), worst[1].max(shape), worst[2].max(look)];
    }
    worst
}

/// Scales and quaternion xyzw of a covariance: Jacobi's two-sided method.
fn axes(mut a: [[f64; 3]; 3]) -> ([f32; 3], [f32; 4]) {
    let mut v = glam::DMat3::IDENTITY;
    for _ in 0..60 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            let angle = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
            let mut turn = [[0.0; 3]; 3];
            (0..3).for_each(|k| turn[k][k] = 1.0);
            (turn[p][p], turn[q][q]) = (angle.cos(), angle.cos());
            (turn[p][q], turn[q][p]) = (-angle.sin(), angle.sin());
            let turn = glam::DMat3::from_cols_array_2d(&turn);
            let rotated = turn.transpose() * glam::DMat3::from_cols_array_2d(&a) * turn;
            a = rotated.to_cols_array_2d();
            v *= turn;
        }
    }
    let scale = [0, 1, 2].map(|k: usize| a[k][k].max(1e-16).sqrt() as f32);
    (scale, glam::DQuat::from_mat3(&v).as_quat().to_array())
}

/// A performance that shows exactly these moments of a clip like `like`.
pub(crate) fn performance(like: &Performance, moments: &[(f64, Vec<Truth>)]) -> Performance {
    let mut splats = Splats::new(like.info.sh_degree);
    for (seconds, all) in moments {
        let tick = like.info.rate.ticks_from_seconds(*seconds);
        let life = Life { t0: *seconds, sigma_t: f32::INFINITY, start: tick, end: tick + 1 };
        for truth in all.iter().filter(|truth| truth.opacity > 1.0 / 300.0) {
            let (scale, rotation) = axes(truth.covariance);
            let splat = Splat {
                mean: truth.mean.map(|value| value as f32),
                rotation,
                scale,
                opacity: truth.opacity as f32,
                colour: truth.colour.map(|value| value as f32),
                life,
                ..Splat::DEFAULT
            };
            splats.push(&splat, &truth.sh_rest);
        }
    }
    Performance { info: like.info, splats }
}

/// What a file was read as, whole.
pub(crate) fn whole(foreign: &Foreign) -> &Performance {
    &foreign.whole().unwrap().performance
}

#[test]
fn axes_make_the_covariance_again() {
    let wanted = covariance([0.7, 0.3, -0.2, 0.6], [0.3, 0.05, 0.01]);
    let (scale, [x, y, z, w]) = axes(wanted);
    let length = [x, y, z, w].iter().map(|part| f64::from(*part).powi(2)).sum::<f64>().sqrt();
    let turn = [w, x, y, z].map(|part| f64::from(part) / length);
    let again = covariance(turn, scale.map(f64::from));
    for (a, b) in again.as_flattened().iter().zip(wanted.as_flattened()) {
        assert!((a - b).abs() < 1e-7, "{again:?} {wanted:?}");
    }
}
