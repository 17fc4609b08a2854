//! Any path over time as a few splats: cut where one cannot follow it any longer. Pure.
//!
//! A splat of ours moves on a cubic, turns by a linear quaternion, and keeps its colour. Whatever moves otherwise (a sum of
//! sines, a spline of another kind) is followed piece by piece. A piece takes the cubic through the path at its ends and
//! at half of Chebyshev's way between (the points −1, −½, ½, 1), so that pieces meet where they touch; the chord
//! between the rotations at its ends; and the middle of the range of what is held constant. It is then held against the path at
//! `CHECKS` moments, and halved while it is farther off than it may be and longer than a frame. What was reached is
//! told, not hoped: a piece of a frame may exceed the bound, and the report says by how much.
//!
//! A path that repeats faster than pieces are checked would deceive: the caller says how long a piece may be at most.

use crate::gaussian4::unit;

/// Moments at which a piece is held against its path.
const CHECKS: usize = 16;

/// A path at a moment; `held` is what a piece keeps constant: colour, harmonics, sizes, opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<const N: usize> {
    /// Where it is.
    pub position: [f64; 3],
    /// How it is turned; of any length and sign.
    pub rotation: [f64; 4],
    /// What is held constant over a piece.
    pub held: [f64; N],
}

/// How well a path has to be followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// Distance, in units of the path.
    pub distance: f64,
    /// Angle, radians.
    pub angle: f64,
    /// Difference of any of what is held.
    pub held: f64,
    /// A piece is never longer than this: half of the shortest period of the path, or all of it.
    pub longest: f64,
    /// A piece that is no longer than this is not halved: a frame.
    pub least: f64,
}

/// How far pieces are from their paths, at most.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reached {
    /// Distance, in units of the path.
    pub distance: f64,
    /// Angle, radians.
    pub angle: f64,
    /// Difference of any of what is held.
    pub held: f64,
}

impl Reached {
    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            distance: self.distance.max(other.distance),
            angle: self.angle.max(other.angle),
            held: self.held.max(other.held),
        }
    }

    fn within(self, bound: &Bound) -> bool {
        self.distance <= bound.distance && self.angle <= bound.angle && self.held <= bound.held
    }
}

/// A stretch of a path as one splat follows it; time in the unit of the path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece<const N: usize> {
    /// Its first moment, and the first that is no longer in it.
    pub window: [f64; 2],
    /// Its middle, from which motion and spin count.
    pub t0: f64,
    /// Position at `t0`, and the factors of dt, dt² and dt³.
    pub position: [[f64; 3]; 4],
    /// Unit quaternion at `t0`.
    pub rotation: [f64; 4],
    /// What is added to it a unit of time; the sum is then normalised.
    pub spin: [f64; 4],
    /// What is held constant.
    pub held: [f64; N],
}

/// Follows `path` over `window`, adding to `pieces`; says how well. A path that is not finite somewhere gets pieces that are not
/// finite there, which are dropped later.
pub fn follow<const N: usize>(
    path: &impl Fn(f64) -> Sample<N>,
    window: [f64; 2],
    bound: &Bound,
    pieces: &mut Vec<Piece<N>>,
) -> Reached {
    let [start, end] = window;
    let length = end - start;
    if !(length > 0.0 && length.is_finite()) {
        return Reached::default();
    }
    // Frames are few enough to count; more pieces than that are never wanted.
    let most = (length / bound.least).clamp(1.0, 1e6).ceil();
    let count = (length / bound.longest).ceil().clamp(1.0, most);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to a million")]
    let count = count as u32;
    let edge = |number: u32| {
        if number == count { end } else { start + length * f64::from(number) / f64::from(count) }
    };
    (0..count).fold(Reached::default(), |reached, number| {
        reached.max(halve(path, [edge(number), edge(number + 1)], bound, pieces))
    })
}

/// One piece, or both halves.
fn halve<const N: usize>(
    path: &impl Fn(f64) -> Sample<N>,
    window: [f64; 2],
    bound: &Bound,
    pieces: &mut Vec<Piece<N>>,
) -> Reached {
    let (piece, reached) = fit(path, window);
    let length = window[1] - window[0];
    // What is not finite never becomes better.
    let hopeless = !reached.distance.is_finite();
    if reached.within(bound) || hopeless || length <= bound.least {
        pieces.push(piece);
        return reached;
    }
    let middle = piece.t0;
    halve(path, [window[0], middle], bound, pieces).max(halve(path, [middle, window[1]], bound, pieces))
}

/// The piece over a window, and how far it is from its path.
fn fit<const N: usize>(path: &impl Fn(f64) -> Sample<N>, window: [f64; 2]) -> (Piece<N>, Reached) {
    let (t0, half) = ((window[0] + window[1]) * 0.5, (window[1] - window[0]) * 0.5);
    let at = |place: f64| path(t0 + half * place);
    let [first, second, third, last] = [-1.0, -0.5, 0.5, 1.0].map(at);
    let cubic = [0, 1, 2].map(|axis: usize| {
        let values = [first, second, third, last].map(|sample| sample.position[axis]);
        through(values, half)
    });
    let (before, after) = (unit(first.rotation), aligned(unit(last.rotation), unit(first.rotation)));
    let (rotation, spin) = chord(before, after, half * 2.0);
    let mut piece = Piece {
        window,
        t0,
        position: [0, 1, 2, 3].map(|power: usize| cubic.map(|factors| factors[power])),
        rotation,
        spin,
        held: [0.0; N],
    };
    let mut reached = Reached::default();
    let (mut low, mut high) = ([f64::INFINITY; N], [f64::NEG_INFINITY; N]);
    for check in 0..=CHECKS {
        let dt = half * (2.0 * check as f64 / CHECKS as f64 - 1.0);
        let sample = path(t0 + dt);
        reached.distance = worse(reached.distance, distance(piece.position_at(dt), sample.position));
        reached.angle = worse(reached.angle, angle(piece.rotation_at(dt), unit(sample.rotation)));
        for ((low, high), value) in low.iter_mut().zip(&mut high).zip(sample.held) {
            *low = low.min(value);
            *high = high.max(value);
        }
    }
    for ((held, low), high) in piece.held.iter_mut().zip(low).zip(high) {
        *held = (low + high) * 0.5;
        reached.held = worse(reached.held, (high - low) * 0.5);
    }
    (piece, reached)
}

impl<const N: usize> Piece<N> {
    /// Where it is `dt` after its middle.
    #[must_use]
    pub fn position_at(&self, dt: f64) -> [f64; 3] {
        let [p0, p1, p2, p3] = &self.position;
        [0, 1, 2].map(|axis: usize| p0[axis] + dt * (p1[axis] + dt * (p2[axis] + dt * p3[axis])))
    }

    /// How it is turned `dt` after its middle.
    #[must_use]
    pub fn rotation_at(&self, dt: f64) -> [f64; 4] {
        unit([0, 1, 2, 3].map(|part: usize| self.rotation[part] + self.spin[part] * dt))
    }
}

/// Factors of dt⁰ to dt³ of the cubic that has these values at −half, −half/2, half/2 and half.
fn through([a, b, c, d]: [f64; 4], half: f64) -> [f64; 4] {
    // Sums are even, differences odd: two equations each.
    let (outer, inner) = ((a + d) * 0.5, (b + c) * 0.5);
    let (wide, narrow) = ((d - a) * 0.5, (c - b) * 0.5);
    let square = (outer - inner) / 0.75;
    let cube = (wide - 2.0 * narrow) / 0.75;
    [outer - square, (wide - cube) / half, square / (half * half), cube / (half * half * half)]
}

/// The middle of the chord between two unit quaternions, at length one, and how fast it is run through.
fn chord(before: [f64; 4], after: [f64; 4], length: f64) -> ([f64; 4], [f64; 4]) {
    let middle = [0, 1, 2, 3].map(|part: usize| (before[part] + after[part]) * 0.5);
    let size = norm(middle);
    (
        middle.map(|part| part / size),
        [0, 1, 2, 3].map(|part: usize| (after[part] - before[part]) / (length * size)),
    )
}

/// The same rotation with the sign that is nearer to another.
fn aligned(rotation: [f64; 4], other: [f64; 4]) -> [f64; 4] {
    let dot: f64 = rotation.iter().zip(other).map(|(a, b)| a * b).sum();
    if dot < 0.0 { rotation.map(|part| -part) } else { rotation }
}

/// The larger; NaN is the worst of all.
fn worse(known: f64, new: f64) -> f64 {
    if new.is_nan() { f64::INFINITY } else { known.max(new) }
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    [0, 1, 2].map(|axis: usize| (a[axis] - b[axis]).powi(2)).iter().sum::<f64>().sqrt()
}

/// The angle between two unit quaternions, whatever their signs.
fn angle(a: [f64; 4], b: [f64; 4]) -> f64 {
    let apart = norm([0, 1, 2, 3].map(|part: usize| a[part] - b[part]));
    let opposite = norm([0, 1, 2, 3].map(|part: usize| a[part] + b[part]));
    4.0 * (apart.min(opposite) * 0.5).min(1.0).asin()
}

fn norm(quaternion: [f64; 4]) -> f64 {
    quaternion.iter().map(|part| part * part).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Bound =
        Bound { distance: 1e-3, angle: 2e-3, held: 4e-3, longest: 0.25, least: 1.0 / 2000.0 };

    /// A path with everything in it.
    fn winding(t: f64) -> Sample<2> {
        let (turn, sign) = (3.0 * t, if t > 0.4 { -1.0 } else { 1.0 });
        Sample {
            position: [(7.0 * t).sin(), t * t * t - t, 0.3 * (11.0 * t).cos()],
            rotation: [0.0, sign * (turn * 0.5).sin() * 2.0, 0.0, sign * (turn * 0.5).cos() * 2.0],
            held: [0.1 * t.exp(), 0.5],
        }
    }

    fn pieces_of(path: &impl Fn(f64) -> Sample<2>, bound: &Bound) -> (Vec<Piece<2>>, Reached) {
        let mut pieces = Vec::new();
        let reached = follow(path, [0.1, 1.3], bound, &mut pieces);
        (pieces, reached)
    }

    #[test]
    fn pieces_follow_within_the_bound_between_the_checks_too() {
        let (pieces, reached) = pieces_of(&winding, &BOUND);
        assert!(reached.within(&BOUND), "{reached:?}");
        assert!(pieces.len() > 5 && pieces.len() < 300, "{}", pieces.len());
        for piece in &pieces {
            for step in 0..=97 {
                let t = piece.window[0] + (piece.window[1] - piece.window[0]) * f64::from(step) / 97.0;
                let wanted = winding(t);
                let dt = t - piece.t0;
                assert!(distance(piece.position_at(dt), wanted.position) < 1.1e-3, "{t}");
                assert!(angle(piece.rotation_at(dt), unit(wanted.rotation)) < 2.2e-3, "{t}");
                assert!((piece.held[0] - wanted.held[0]).abs() < 4.1e-3, "{t}");
            }
        }
    }

    #[test]
    fn pieces_cover_the_window_and_meet() {
        let (pieces, _) = pieces_of(&winding, &BOUND);
        assert!((pieces[0].window[0] - 0.1).abs() < 1e-12);
        assert!((pieces[pieces.len() - 1].window[1] - 1.3).abs() < 1e-12);
        for pair in pieces.windows(2) {
            assert!((pair[0].window[1] - pair[1].window[0]).abs() < 1e-15);
            let at = pair[1].window[0];
            let [before, after] = [0, 1].map(|side: usize| pair[side].position_at(at - pair[side].t0));
            assert!(distance(before, after) < 1e-12);
            let [before, after] = [0, 1].map(|side: usize| pair[side].rotation_at(at - pair[side].t0));
            assert!(angle(before, after) < 1e-7);
        }
    }

    #[test]
    fn a_cubic_is_one_piece_exactly() {
        let path = |t: f64| Sample {
            position: [1.0 + t, t * t - 2.0 * t, 3.0 * t * t * t],
            rotation: [0.1 * t, 0.2, 0.3 * t, 0.9],
            held: [1.0, 2.0],
        };
        let bound = Bound { longest: 9.0, angle: 1.0, ..BOUND };
        let (pieces, reached) = pieces_of(&path, &bound);
        assert_eq!(pieces.len(), 1);
        assert!(reached.distance < 1e-14 && reached.held < 1e-15, "{reached:?}");
        assert!(distance(pieces[0].position_at(0.0), path(0.7).position) < 1e-14);
    }

    #[test]
    fn what_cannot_be_followed_is_told() {
        let jump = |t: f64| Sample {
            position: [if t > 0.77 { 1.0 } else { 0.0 }; 3],
            rotation: [0.0, 0.0, 0.0, 1.0],
            held: [0.0; 2],
        };
        let (pieces, reached) = pieces_of(&jump, &BOUND);
        assert!(reached.distance > 0.1 && !reached.within(&BOUND));
        assert!(pieces.len() < 40);
        let wild = |t: f64| Sample { position: [f64::NAN, t, t], rotation: [0.0; 4], held: [0.0; 2] };
        let (pieces, reached) = pieces_of(&wild, &BOUND);
        assert!(pieces.len() < 8 && reached.distance.is_infinite());
        assert!(follow(&winding, [1.0, 1.0], &BOUND, &mut Vec::new()).distance < 1e-15);
        assert!(follow(&winding, [0.0, f64::INFINITY], &BOUND, &mut Vec::new()).distance < 1e-15);
    }

    /// The comparison must see a path that is checked too seldom.
    #[test]
    fn a_path_that_repeats_too_fast_deceives_unless_pieces_are_short() {
        let rate = std::f64::consts::TAU * 8.0 / 0.3;
        let fast = |t: f64| Sample {
            position: [(rate * (t - 0.1)).sin(), 0.0, 0.0],
            rotation: [0.0, 0.0, 0.0, 1.0],
            held: [0.0; 2],
        };
        let bound = |longest| Bound { longest, ..BOUND };
        assert_eq!(pieces_of(&fast, &bound(0.3)).0.len(), 4);
        assert!(pieces_of(&fast, &bound(0.3 / 16.0)).0.len() > 64);
    }
}
