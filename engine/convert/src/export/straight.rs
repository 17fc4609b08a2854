//! Splats that move in curves and turn, as splats that move in straight lines and do not. Pure.
//!
//! The part of a life that can be seen is halved until in each part the straight line between its ends is within a bound of
//! the path, and the rotation of its middle turns the splat's skin (two deviations of its longest axis) by no more.

use vivant::splat::{Motion, Splat};

/// What is fainter than this is not drawn.
pub(super) const LEAST_OPACITY: f64 = 1.0 / 255.0;
/// Most halvings of a life.
const MOST_HALVINGS: u32 = 12;
/// Deviations from the centre within which a splat is seen.
const SKIN: f64 = 2.0;

/// A splat on a straight line, for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Straight {
    /// Where it is at `t0`.
    pub(super) mean: [f64; 3],
    pub(super) velocity: [f64; 3],
    pub(super) rotation: [f64; 4],
    /// Seconds; also the centre of the envelope where there is one.
    pub(super) t0: f64,
    /// Seconds, the end not in it.
    pub(super) window: [f64; 2],
}

/// Gives the straight parts of a splat whose life is `window` (seconds) of a clip; returns how far the worst is off, metres.
pub(super) fn straight(splat: &Splat, window: [f64; 2], bound: f64, each: &mut dyn FnMut(Straight)) -> f64 {
    let curve = Curve { splat, bound };
    let Motion { quadratic, cubic, spin, .. } = splat.motion;
    let curved = quadratic.iter().chain(&cubic).chain(&spin).any(|term| term.abs() > 0.0);
    if !curved {
        each(curve.line(window, splat.motion.velocity.map(f64::from), window[0]));
        return 0.0;
    }
    let shown = shown(splat, window);
    if shown[0] >= shown[1] {
        return 0.0;
    }
    curve.cut(shown, MOST_HALVINGS, each)
}

/// The part of a window in which the envelope leaves anything to be seen.
pub(super) fn shown(splat: &Splat, window: [f64; 2]) -> [f64; 2] {
    let peak = f64::from(splat.opacity) / LEAST_OPACITY;
    let sigma = f64::from(splat.life.sigma_t);
    if peak < 1.0 {
        return [window[0]; 2];
    }
    let reach = if sigma.is_finite() { sigma * (2.0 * peak.ln()).sqrt() } else { f64::INFINITY };
    [window[0].max(splat.life.t0 - reach), window[1].min(splat.life.t0 + reach)]
}

struct Curve<'a> {
    splat: &'a Splat,
    bound: f64,
}

impl Curve<'_> {
    fn at(&self, seconds: f64) -> [f64; 3] {
        let (splat, dt) = (self.splat, seconds - self.splat.life.t0);
        let motion = &splat.motion;
        std::array::from_fn(|axis| {
            let term = |of: &[f32; 3]| f64::from(of[axis]);
            term(&splat.mean)
                + dt * (term(&motion.velocity) + dt * (term(&motion.quadratic) + dt * term(&motion.cubic)))
        })
    }

    fn turned(&self, seconds: f64) -> [f64; 4] {
        let dt = seconds - self.splat.life.t0;
        let sum: [f64; 4] = std::array::from_fn(|part| {
            f64::from(self.splat.rotation[part]) + dt * f64::from(self.splat.motion.spin[part])
        });
        let length = sum.iter().map(|part| part * part).sum::<f64>().sqrt();
        if length > 1e-12 { sum.map(|part| part / length) } else { self.splat.rotation.map(f64::from) }
    }

    /// The line through the path at `from`, told from the centre of the envelope, or from the window's middle.
    fn line(&self, window: [f64; 2], velocity: [f64; 3], from: f64) -> Straight {
        let life = &self.splat.life;
        let middle = 0.5 * (window[0] + window[1]);
        let t0 = if life.sigma_t.is_finite() { life.t0 } else { middle };
        let start = self.at(from);
        Straight {
            mean: std::array::from_fn(|axis| start[axis] + velocity[axis] * (t0 - from)),
            velocity,
            rotation: self.turned(middle),
            t0,
            window,
        }
    }

    fn cut(&self, window: [f64; 2], halvings: u32, each: &mut dyn FnMut(Straight)) -> f64 {
        let [start, end] = window;
        let middle = 0.5 * (start + end);
        let (a, b) = (self.at(start), self.at(end));
        let far = [0.25, 0.5, 0.75].into_iter().fold(0.0_f64, |most, part| {
            let real = self.at(start + part * (end - start));
            let straight = (0..3).map(|axis| (real[axis] - a[axis] - part * (b[axis] - a[axis])).powi(2));
            most.max(straight.sum::<f64>().sqrt())
        });
        let dot = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs().min(1.0);
        let angle = 2.0
            * dot(self.turned(middle), self.turned(start))
                .min(dot(self.turned(middle), self.turned(end)))
                .acos();
        let longest = self.splat.scale.iter().copied().fold(0.0_f32, f32::max);
        let skin = angle * SKIN * f64::from(longest);
        if halvings > 0 && (far > self.bound || skin > self.bound) {
            let first = self.cut([start, middle], halvings - 1, each);
            return first.max(self.cut([middle, end], halvings - 1, each));
        }
        let velocity = std::array::from_fn(|axis| (b[axis] - a[axis]) / (end - start));
        each(self.line(window, velocity, start));
        far
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vivant::splat::Life;

    #[test]
    fn a_curve_is_cut_as_finely_as_its_bound_asks() {
        let splat = Splat {
            motion: Motion { quadratic: [1.0, 0.0, 0.0], ..Motion::default() },
            life: Life { t0: 0.5, sigma_t: f32::INFINITY, ..Life::ALWAYS },
            ..Splat::DEFAULT
        };
        let parts = |bound: f64| {
            let mut parts = Vec::new();
            let far = straight(&splat, [0.0, 2.0], bound, &mut |part| parts.push(part));
            assert!(far <= bound, "{far}");
            parts
        };
        // A parabola of factor 1 is a quarter of the square of a chord's length away from it.
        assert_eq!((parts(1.1).len(), parts(0.3).len(), parts(0.01).len()), (1, 2, 16));
        let fine = parts(0.01);
        assert!(fine.windows(2).all(|pair| (pair[0].window[1] - pair[1].window[0]).abs() < 1e-12));
        for part in fine {
            let middle = 0.5 * (part.window[0] + part.window[1]);
            let place = part.mean[0] + part.velocity[0] * (middle - part.t0);
            assert!((place - (middle - 0.5).powi(2)).abs() < 0.01);
        }
    }

    #[test]
    fn a_turn_is_cut_and_what_is_straight_is_not() {
        let spin = [0.0, 0.0, 1.0, 0.0];
        let mut splat = Splat { motion: Motion { spin, ..Motion::default() }, ..Splat::DEFAULT };
        let count = |splat: &Splat| {
            let mut count = 0;
            straight(splat, [0.0, 1.0], 1e-3, &mut |_| count += 1);
            count
        };
        assert!(count(&splat) > 8);
        splat.motion = Motion { velocity: [1.0; 3], ..Motion::default() };
        assert_eq!(count(&splat), 1);
    }
}
