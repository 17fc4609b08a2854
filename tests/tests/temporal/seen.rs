//! What a splat looks like at a moment, told by the format's own formulas on one side and by the model on the other; and
//! performances that are made of nothing but such moments.

use glam::{DQuat, DVec3, Quat, Vec3};
use vivant::splat::{ClipInfo, Life, Performance, Splat, Splats};
use vivant_tests::random::Random;

/// One splat at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) mean: [f64; 3],
    /// xyzw, of length one.
    pub(crate) rotation: [f64; 4],
    pub(crate) scale: [f64; 3],
    /// 0 where it does not show.
    pub(crate) opacity: f64,
    pub(crate) colour: [f64; 3],
    pub(crate) sh_rest: Vec<f32>,
}

/// A quaternion at length one.
pub(crate) fn unit(quaternion: [f64; 4]) -> [f64; 4] {
    let length = quaternion.iter().map(|part| part * part).sum::<f64>().sqrt();
    quaternion.map(|part| part / length)
}

/// Splat `index` of the model at a moment, by the formulas of `vivant::splat`.
pub(crate) fn of_model(performance: &Performance, index: usize, seconds: f64) -> Seen {
    let splat = performance.splats.get(index);
    let tick = performance.info.rate.ticks_from_seconds(seconds);
    let dt = seconds - splat.life.t0;
    let motion = splat.motion;
    let mean = std::array::from_fn(|axis| {
        let term = |of: [f32; 3]| f64::from(of[axis]);
        term(splat.mean)
            + dt * (term(motion.velocity) + dt * (term(motion.quadratic) + dt * term(motion.cubic)))
    });
    let rotation =
        std::array::from_fn(|part| f64::from(splat.rotation[part]) + dt * f64::from(motion.spin[part]));
    let shows = splat.life.start <= tick && tick < splat.life.end;
    let sigma = f64::from(splat.life.sigma_t);
    let envelope = if sigma.is_finite() { (-0.5 * (dt / sigma).powi(2)).exp() } else { 1.0 };
    Seen {
        mean,
        rotation: unit(rotation),
        scale: splat.scale.map(f64::from),
        opacity: if shows { f64::from(splat.opacity) * envelope } else { 0.0 },
        colour: splat.colour.map(f64::from),
        sh_rest: performance.splats.sh_rest_of(index).to_vec(),
    }
}

/// How far two are apart at most, in any number; a quaternion and its negative are the same rotation.
pub(crate) fn distance(a: &Seen, b: &Seen) -> f64 {
    let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let back = b.rotation.map(|part| -part);
    let rest = |s: &Seen| s.sh_rest.iter().copied().map(f64::from).collect::<Vec<_>>();
    assert_eq!(a.sh_rest.len(), b.sh_rest.len());
    far(&a.mean, &b.mean)
        .max(far(&a.rotation, &b.rotation).min(far(&a.rotation, &back)))
        .max(far(&a.scale, &b.scale))
        .max((a.opacity - b.opacity).abs())
        .max(far(&a.colour, &b.colour))
        .max(far(&rest(a), &rest(b)))
}

/// A performance that shows exactly `moments`, each a set of still splats for one tick.
pub(crate) fn performance(info: ClipInfo, moments: &[(f64, Vec<Seen>)]) -> Performance {
    let mut splats = Splats::new(info.sh_degree);
    for (seconds, set) in moments {
        let tick = info.rate.ticks_from_seconds(*seconds);
        let life = Life { t0: *seconds, sigma_t: f32::INFINITY, start: tick, end: tick + 1 };
        for seen in set.iter().filter(|seen| seen.opacity > 0.0) {
            let splat = Splat {
                mean: seen.mean.map(|value| value as f32),
                rotation: seen.rotation.map(|value| value as f32),
                scale: seen.scale.map(|value| value as f32),
                opacity: seen.opacity as f32,
                colour: seen.colour.map(|value| value as f32),
                life,
                ..Splat::DEFAULT
            };
            splats.push(&splat, &seen.sh_rest);
        }
    }
    Performance { info, splats }
}

/// What a splat is on our axes whose file has x right, y down, z forward: half a turn about x.
pub(crate) fn from_rdf(seen: &Seen) -> Seen {
    let turn = DQuat::from_rotation_x(std::f64::consts::PI);
    assert!(seen.sh_rest.is_empty(), "harmonics turn too");
    let rotation = turn * DQuat::from_array(seen.rotation);
    let mean = turn * DVec3::from_array(seen.mean);
    Seen { mean: mean.to_array(), rotation: rotation.to_array(), ..seen.clone() }
}

/// Places on a bumpy ball: mean, rotation (xyzw), scale, colour.
pub(crate) fn ball(count: u32, random: &mut Random) -> Vec<([f32; 3], [f32; 4], [f32; 3], [f32; 3])> {
    let place = |_| {
        let [x, y, z] = [0; 3].map(|_| random.normal());
        let normal = Vec3::new(x, y, z).try_normalize().unwrap_or(Vec3::X);
        let radius = 0.35 + 0.03 * (9.0 * normal.x).sin() * (7.0 * normal.y).cos();
        let spacing = 0.35 * (4.0 * std::f32::consts::PI / count as f32).sqrt();
        let stripe = if (normal.y * 24.0).sin() > 0.0 { 0.25 } else { -0.15 };
        let rotation =
            Quat::from_rotation_arc(Vec3::Z, normal) * Quat::from_rotation_z(random.range(0.0, 3.0));
        (
            (normal * radius).to_array(),
            rotation.to_array(),
            [spacing * random.range(0.7, 1.3), spacing * random.range(0.5, 0.9), spacing * 0.2],
            (Vec3::splat(0.45) + normal * 0.25 + Vec3::splat(stripe)).to_array(),
        )
    };
    (0..count).map(place).collect()
}
