//! One moment of a clip: what shows then, where it is then, standing still. Reads clips; pure otherwise.

use vivant::Result;
use vivant::clip::Clip;
use vivant::codec::{Decoder, splats_at};
use vivant::splat::{Life, Motion, Splat, Splats};

/// What is fainter than this never shows: the renderers' own cut.
const LEAST_OPACITY: f64 = 1.0 / 255.0;

/// The splats that show at `seconds`, with their places, rotations and opacities of that time, without lives and motions.
///
/// # Errors
/// As [`Decoder::decode`], for a segment that is damaged; [`vivant::Error::Unsupported`] for a clip whose splats joints carry.
pub fn moment(clip: &Clip, seconds: f64) -> Result<Splats> {
    super::refuse_rig(clip)?;
    let info = clip.info();
    let mut out = Splats::new(info.sh_degree);
    let mut decoder = Decoder::new()?;
    let tick = info.rate.ticks_from_seconds(seconds).clamp(0, clip.span() - 1);
    for node in clip.live_nodes(tick).iter() {
        let data = decoder.decode(clip, *node)?;
        let splats = splats_at(&data, info.rate, seconds);
        for index in 0..splats.len() {
            if let Some(splat) = at(&splats.get(index), tick, seconds) {
                out.push(&splat, splats.sh_rest_of(index));
            }
        }
    }
    Ok(out)
}

/// A splat as it is at a time; `None` if it does not show.
#[expect(clippy::cast_possible_truncation, reason = "the model is f32")]
fn at(splat: &Splat, tick: i64, seconds: f64) -> Option<Splat> {
    if !(splat.life.start..splat.life.end).contains(&tick) {
        return None;
    }
    let dt = seconds - splat.life.t0;
    let envelope = dt / f64::from(splat.life.sigma_t);
    let opacity = f64::from(splat.opacity) * (-0.5 * envelope * envelope).exp();
    if opacity < LEAST_OPACITY {
        return None;
    }
    let motion = &splat.motion;
    let mean = std::array::from_fn(|axis| {
        let term = |of: &[f32; 3]| f64::from(of[axis]);
        let moved = term(&motion.velocity) + dt * (term(&motion.quadratic) + dt * term(&motion.cubic));
        (f64::from(splat.mean[axis]) + dt * moved) as f32
    });
    let turned: [f64; 4] =
        std::array::from_fn(|part| f64::from(splat.rotation[part]) + dt * f64::from(motion.spin[part]));
    let length = turned.iter().map(|part| part * part).sum::<f64>().sqrt();
    let rotation = if length > 1e-12 { turned.map(|part| (part / length) as f32) } else { splat.rotation };
    Some(Splat {
        mean,
        rotation,
        opacity: opacity as f32,
        life: Life::ALWAYS,
        motion: Motion::default(),
        ..*splat
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_splat_is_where_its_motion_says() {
        let splat = Splat {
            mean: [1.0, 2.0, 3.0],
            life: Life { t0: 1.0, sigma_t: 0.5, start: 1000, end: 2000 },
            motion: Motion {
                velocity: [1.0, 0.0, 0.0],
                quadratic: [0.0, 1.0, 0.0],
                cubic: [0.0, 0.0, 1.0],
                spin: [0.0, 2.0, 0.0, 0.0],
            },
            ..Splat::DEFAULT
        };
        assert_eq!((at(&splat, 999, 0.5), at(&splat, 2000, 1.5)), (None, None));
        let now = at(&splat, 1500, 1.5).unwrap();
        assert_eq!(now.mean, [1.5, 2.25, 3.125]);
        assert!((now.rotation[1] - 0.5_f32.sqrt()).abs() < 1e-6);
        assert!((f64::from(now.opacity) - (-0.5_f64).exp()).abs() < 1e-6);
        assert_eq!((now.life, now.motion), (Life::ALWAYS, Motion::default()));
        let faint = Splat { life: Life { sigma_t: 0.1, ..splat.life }, ..splat };
        assert_eq!(at(&faint, 1500, 1.5), None, "five deviations away");
    }
}
