//! Uniform B-splines: how the keys of a packed plane are joined (see [`crate::frame::Keys`]). Pure.
//!
//! de Boor, C., "A Practical Guide to Splines" (1978). On a uniform grid the basis is the same polynomial in every
//! interval: for degree 3 `(1−u)³/6, (3u³−6u²+4)/6, (−3u³+3u²+3u+1)/6, u³/6`, for degree 1 `1−u, u`. The weights are
//! never negative and sum to one, so a value lies between the keys it is made of.

/// The keys that a value is made of, and how much of each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Number of the first key.
    pub first: usize,
    /// Weights of that key and the next three; those past the degree are zero.
    pub weights: [f64; 4],
}

impl Place {
    /// The place at `fraction` (0 to 1, clamped) of a spline of so many keys. With one key there is nothing to join.
    #[must_use]
    pub fn at(keys: usize, degree: u8, fraction: f64) -> Self {
        let intervals = keys.saturating_sub(usize::from(degree));
        if keys <= 1 || intervals == 0 || degree == 0 {
            return Self { first: 0, weights: [1.0, 0.0, 0.0, 0.0] };
        }
        let along = fraction.clamp(0.0, 1.0) * intervals as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to the number of keys"
        )]
        let first = (along as usize).min(intervals - 1);
        Self { first, weights: basis(degree, along - first as f64) }
    }

    /// The keys with a weight, by number.
    pub fn terms(&self) -> impl Iterator<Item = (usize, f64)> + use<> {
        let first = self.first;
        self.weights.into_iter().enumerate().filter(|(_, w)| *w > 0.0).map(move |(at, w)| (first + at, w))
    }
}

/// The basis at `u` of an interval.
#[must_use]
pub fn basis(degree: u8, u: f64) -> [f64; 4] {
    let v = 1.0 - u;
    if degree == 3 {
        let third = ((-3.0 * u + 3.0) * u + 3.0) * u + 1.0;
        [v * v * v / 6.0, ((3.0 * u - 6.0) * u * u + 4.0) / 6.0, third / 6.0, u * u * u / 6.0]
    } else {
        [v, u, 0.0, 0.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_lines_stay_lines() {
        for (keys, degree) in [(4, 3), (9, 3), (16, 3), (2, 1), (7, 1)] {
            for step in 0..=100 {
                let fraction = f64::from(step) / 100.0;
                let place = Place::at(keys, degree, fraction);
                let sum: f64 = place.weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-12);
                // Key i of a line stands at i − (degree − 1) / 2 intervals.
                let line: f64 = place.terms().map(|(key, w)| w * key as f64).sum();
                let intervals = (keys - usize::from(degree)) as f64;
                let expected = fraction * intervals + (f64::from(degree) - 1.0) / 2.0;
                assert!((line - expected).abs() < 1e-12, "{keys} {degree} {fraction}: {line} {expected}");
                assert!(place.terms().all(|(key, _)| key < keys));
            }
        }
        assert_eq!(Place::at(1, 3, 0.7), Place { first: 0, weights: [1.0, 0.0, 0.0, 0.0] });
    }

    #[test]
    fn the_cubic_is_smooth_across_its_keys() {
        let keys = [0.0, 1.0, -2.0, 5.0, 3.0, 3.0, -1.0];
        let value = |fraction: f64| -> f64 {
            Place::at(keys.len(), 3, fraction).terms().map(|(key, w)| w * keys[key]).sum()
        };
        let h = 1e-4;
        for knot in 1..4 {
            let at = f64::from(knot) / 4.0;
            let before = (value(at) - value(at - h)) / h;
            let after = (value(at + h) - value(at)) / h;
            assert!((before - after).abs() < 0.1, "{before} {after}");
        }
    }
}
