//! Convexes as splats: a handful of Gaussians that cover from every side about what the convex covers. Pure, f64.
//!
//! The solid is filled with points, which fall into clusters (Lloyd's algorithm from the farthest points); each cluster
//! becomes a Gaussian of its second moments, widened by a factor and by as much as the convex's edges fade. That factor
//! and the opacity are the same for all and are found on a sample, by the least mean square error of opacity over six
//! directions. No Gaussian has edges as straight as a convex, so the error is measured and told.

use glam::{DMat2, DMat3, DVec2, DVec3};
use rayon::prelude::*;

use super::hull::faces;
use super::kernel::{Convex, Optics};

/// Gaussians of a convex.
pub(super) const PIECES: usize = 8;
/// Points that fill a convex.
const POINTS: usize = 192;
/// Rounds of clustering.
const ROUNDS: usize = 6;
/// Convexes that the recipe is found on, and that the error is measured on.
const SAMPLE: usize = 96;
/// Places on a side of a picture by which opacity is compared.
const SIDE: usize = 20;

/// A Gaussian.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) mean: DVec3,
    pub(super) covariance: DMat3,
    pub(super) opacity: f64,
}

/// What all convexes of a file have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Recipe {
    /// Variances against those of the points.
    spread: f64,
    /// Power of the transparency: less than one, since a line of sight meets several pieces.
    gain: f64,
}

/// A convex cut into clusters.
struct Cut {
    means: Vec<DVec3>,
    covariances: Vec<DMat3>,
    /// Variance by which its edges fade.
    fade: f64,
}

/// The best recipe for these convexes, and the rms error of opacity that it leaves where either covers anything.
pub(super) fn recipe(convexes: &[Convex], optics: Optics) -> (Recipe, f64) {
    let every = convexes.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<(&Convex, Cut)> =
        convexes.par_iter().step_by(every).map(|convex| (convex, cut(convex, optics))).collect();
    let spreads = [0.8, 1.0, 1.2, 1.4, 1.6, 1.9];
    let gains = [0.3, 0.45, 0.6, 0.8, 1.0, 1.3];
    let all: Vec<Recipe> =
        spreads.iter().flat_map(|&spread| gains.map(|gain| Recipe { spread, gain })).collect();
    let measured = all.into_par_iter().map(|recipe| {
        let (mut sum, mut places) = (0.0, 0.0);
        for (convex, cut) in &sample {
            let (own, count) = error(convex, &pieces(convex, cut, recipe), optics);
            sum += own;
            places += count;
        }
        (recipe, (sum / f64::max(places, 1.0)).sqrt())
    });
    let first = (Recipe { spread: 1.2, gain: 0.6 }, f64::INFINITY);
    measured.reduce(|| first, |a, b| if b.1.total_cmp(&a.1).is_lt() { b } else { a })
}

/// The Gaussians of a convex.
pub(super) fn bake(convex: &Convex, recipe: Recipe, optics: Optics) -> Vec<Piece> {
    pieces(convex, &cut(convex, optics), recipe)
}

fn pieces(convex: &Convex, cut: &Cut, recipe: Recipe) -> Vec<Piece> {
    let opacity = 1.0 - (1.0 - convex.opacity.min(0.99)).powf(recipe.gain);
    let piece = |(&mean, covariance): (&DVec3, &DMat3)| Piece {
        mean,
        covariance: *covariance * recipe.spread + DMat3::from_diagonal(DVec3::splat(cut.fade)),
        opacity,
    };
    cut.means.iter().zip(&cut.covariances).map(piece).collect()
}

/// Points spread evenly over the solid; over its points where it is flat.
fn fill(convex: &Convex) -> Vec<DVec3> {
    let (points, centroid) = (&convex.points, convex.centroid());
    let faces = faces(points);
    let volume = |face: &[usize; 3]| {
        let [a, b, c] = face.map(|corner| points[corner] - centroid);
        a.dot(b.cross(c)).abs()
    };
    let total: f64 = faces.iter().map(volume).sum();
    if !(total > 0.0 && total.is_finite()) {
        return points.clone();
    }
    let mut filled = Vec::with_capacity(POINTS + faces.len());
    for face in &faces {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count is a count"
        )]
        let share = (POINTS as f64 * volume(face) / total).ceil() as usize;
        let corners = face.map(|corner| points[corner]);
        for number in 0..POINTS.min(share) {
            // The generalised golden ratio in three dimensions (Roberts 2018), folded into a tetrahedron by sorting.
            let place = |base: f64| (0.5 + base * (number + 1) as f64).fract();
            let mut at = [place(0.819_172_513), place(0.671_043_606), place(0.549_700_477)];
            at.sort_by(f64::total_cmp);
            let weights = [at[0], at[1] - at[0], at[2] - at[1], 1.0 - at[2]];
            let inner: DVec3 = (0..3).map(|corner| corners[corner] * weights[corner]).sum();
            filled.push(inner + centroid * weights[3]);
        }
    }
    filled
}

fn cut(convex: &Convex, optics: Optics) -> Cut {
    let filled = fill(convex);
    let mut centres = vec![convex.centroid()];
    let nearest = |centres: &[DVec3], point: DVec3| {
        let apart = |&number: &usize| centres[number].distance_squared(point);
        (0..centres.len()).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or(0)
    };
    while centres.len() < PIECES.min(filled.len()) {
        let apart = |point: &DVec3| centres[nearest(&centres, *point)].distance_squared(*point);
        let farthest = filled.iter().max_by(|a, b| apart(a).total_cmp(&apart(b)));
        centres.extend(farthest.copied());
    }
    let mut owner = vec![0; filled.len()];
    for _ in 0..ROUNDS {
        for (owner, &point) in owner.iter_mut().zip(&filled) {
            *owner = nearest(&centres, point);
        }
        for (number, centre) in centres.iter_mut().enumerate() {
            let own =
                || filled.iter().zip(&owner).filter(|(_, owner)| **owner == number).map(|(point, _)| *point);
            let count = own().count();
            if count > 0 {
                *centre = own().sum::<DVec3>() / count as f64;
            }
        }
    }
    let covariance = |number: usize| {
        let mut sum = DMat3::ZERO;
        let mut count = 0.0;
        for (point, _) in filled.iter().zip(&owner).filter(|(_, owner)| **owner == number) {
            let d = *point - centres[number];
            sum += DMat3::from_cols(d * d.x, d * d.y, d * d.z);
            count += 1.0;
        }
        sum * (1.0 / f64::max(count, 1.0))
    };
    let covariances = (0..centres.len()).map(covariance).collect();
    let extent = convex.points.iter().fold(0.0_f64, |most, p| most.max(p.distance(convex.centroid())));
    let fade = convex.fade(extent, optics).min(extent).powi(2);
    Cut { means: centres, covariances, fade }
}

/// Six directions: the axes and three between, as frames whose third axis is the line of sight.
fn directions() -> [DMat3; 6] {
    let towards = [
        DVec3::X,
        DVec3::Y,
        DVec3::Z,
        DVec3::new(1.0, 1.0, 1.0),
        DVec3::new(-1.0, 1.0, 1.0),
        DVec3::new(1.0, -1.0, 1.0),
    ];
    towards.map(|direction| {
        let z = direction.normalize_or(DVec3::Z);
        let (x, y) = z.any_orthonormal_pair();
        DMat3::from_cols(x, y, z)
    })
}

/// The sum of squared errors of opacity over the places that either covers, and the number of these.
fn error(convex: &Convex, pieces: &[Piece], optics: Optics) -> (f64, f64) {
    let centroid = convex.centroid();
    let extent = convex.points.iter().fold(0.0_f64, |most, p| most.max(p.distance(centroid)));
    let (mut sum, mut places) = (0.0, 0.0);
    for frame in directions() {
        let Some(seen) = convex.seen(&frame, optics) else { continue };
        let flat: Vec<(DVec2, DMat2, f64)> = pieces
            .iter()
            .map(|piece| {
                let turned = frame.transpose() * piece.covariance * frame;
                let covariance = DMat2::from_cols(turned.x_axis.truncate(), turned.y_axis.truncate());
                let mean = (frame.transpose() * (piece.mean - centroid)).truncate();
                (mean, covariance.inverse(), piece.opacity)
            })
            .collect();
        for number in 0..SIDE * SIDE {
            let along = |at: usize| ((at as f64 + 0.5) / SIDE as f64 * 2.0 - 1.0) * extent * 1.2;
            let place = DVec2::new(along(number % SIDE), along(number / SIDE));
            let wanted = seen.alpha(place);
            let clear = |&(mean, inverse, opacity): &(DVec2, DMat2, f64)| {
                let d = place - mean;
                1.0 - opacity * (-0.5 * d.dot(inverse * d)).exp()
            };
            let got = 1.0 - flat.iter().map(clear).product::<f64>();
            if wanted.max(got) > 0.02 && got.is_finite() {
                sum += (wanted - got).powi(2);
                places += 1.0;
            }
        }
    }
    (sum, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convexes() -> Vec<Convex> {
        let spin =
            |number: u32| glam::DQuat::from_rotation_y(f64::from(number)) * glam::DQuat::from_rotation_x(0.7);
        let corner = |turn: glam::DQuat, n: u32| {
            let at = DVec3::new(f64::from(n & 1), f64::from(n >> 1 & 1) * 0.6, f64::from(n >> 2) * 1.4) - 0.5;
            turn * at * 0.05
        };
        (0..20)
            .map(|number| Convex {
                points: (0..6).map(|n| corner(spin(number), n)).collect(),
                smoothness: 0.1,
                sharpness: 0.05,
                opacity: 0.9,
            })
            .collect()
    }

    const OPTICS: Optics = Optics { focal_px: 1000.0, distance: 3.0 };

    #[test]
    fn the_solid_is_filled_evenly() {
        let convex = &convexes()[0];
        let filled = fill(convex);
        let mean = filled.iter().sum::<DVec3>() / filled.len() as f64;
        assert!(filled.len() >= POINTS);
        assert!(mean.distance(convex.centroid()) < 0.01, "{mean}");
    }

    #[test]
    fn the_best_recipe_covers_about_what_the_convex_covers_and_a_bad_one_does_not() {
        let all = convexes();
        let (best, left) = recipe(&all, OPTICS);
        assert!(left < 0.16, "{left}");
        let bad = Recipe { spread: best.spread * 6.0, gain: best.gain };
        let (sum, places) = error(&all[0], &bake(&all[0], bad, OPTICS), OPTICS);
        assert!((sum / places).sqrt() > 1.5 * left);
    }

    #[test]
    fn a_flat_convex_is_no_trouble() {
        let mut flat = convexes()[0].clone();
        flat.points.iter_mut().for_each(|point| point.y = 0.0);
        let (recipe, _) = recipe(std::slice::from_ref(&flat), OPTICS);
        assert!(bake(&flat, recipe, OPTICS).iter().all(|piece| piece.covariance.is_finite()));
    }
}
