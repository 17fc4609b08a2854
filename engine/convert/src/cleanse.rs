//! What every importer does last: unit quaternions, no splat that cannot be drawn, no vanishing scale. No I/O.
//!
//! A capture of a million splats with one NaN in it is a good capture: the splat goes, the report says so. A file with
//! nothing else in it is an error.

use rayon::prelude::*;
use vivant::splat::Splats;
use vivant::{Error, Result};

use crate::report::{Flaw, Report};
use crate::rows::{self, Rows};

/// Farthest a mean may be from the origin along an axis, metres: beyond, f32 cannot resolve a finger's width.
const MAX_MEAN: f32 = 1e6;

/// Largest standard deviation, metres.
const MAX_SCALE: f32 = 1e5;

/// Largest colour or harmonic: the planes hold f16, and trained values stay below 100.
const MAX_COLOUR: f32 = 1e4;

/// Fastest motion, metres a second; also the most of its other terms, of a spin, and the latest time, seconds.
const MAX_RATE: f32 = 1e8;

/// Shortest standard deviation in time, seconds: what the file format holds.
const MIN_SIGMA: f32 = 1e-8;

/// Least standard deviation, metres: thinner than any pixel, and its inverse square is still an ordinary f32.
pub(crate) const MIN_SCALE: f32 = 1e-8;

/// The first attribute of a splat that makes it useless.
type Fault = (&'static str, Flaw);

/// Normalises, mends and drops; gives which it dropped, in order. `splats` must hold activated values; the report gets the
/// counts. `offset` is where the file describes its splats.
///
/// # Errors
/// [`Error::Malformed`] when no splat is left.
pub(crate) fn cleanse(
    file: &str,
    offset: u64,
    splats: &mut Splats,
    report: &mut Report,
) -> Result<Vec<usize>> {
    let before = splats.len();
    let windows: Vec<(u64, Vec<(usize, Fault)>)> = rows::all(splats).into_par_iter().map(mend).collect();
    let mut dropped = Vec::new();
    for (thin, flawed) in windows {
        report.thin += thin;
        for (index, (attribute, flaw)) in flawed {
            report.drop_one(file, index, attribute, flaw);
            dropped.push(index);
        }
    }
    rows::remove(splats, &dropped);
    if let Some(first) = &report.first_dropped
        && splats.is_empty()
    {
        let why = format!("none of its {before} splats can be used ({first}); export the file again");
        return Err(Error::malformed(file, "element vertex", offset, why));
    }
    Ok(dropped)
}

/// The numbers of those that were kept of `count`; `None` where that is all of them, each its own index.
pub(crate) fn kept(count: usize, dropped: &[usize]) -> Option<Vec<u32>> {
    let mut gone = dropped.iter().copied().peekable();
    let kept = (0..count).filter(|&index| gone.next_if_eq(&index).is_none());
    (!dropped.is_empty()).then(|| kept.filter_map(|index| u32::try_from(index).ok()).collect())
}

/// The numbers of those that were kept, of the `numbers` that the file gives.
pub(crate) fn of_kept(numbers: Vec<u32>, dropped: &[usize]) -> Vec<u32> {
    match kept(numbers.len(), dropped) {
        None => numbers,
        Some(places) => places.into_iter().map(|place| numbers[place as usize]).collect(),
    }
}

/// Mends one window; returns the number of scales raised and the splats to drop, in order.
fn mend(mut rows: Rows<'_>) -> (u64, Vec<(usize, Fault)>) {
    let (mut thin, mut flawed) = (0, Vec::new());
    for index in 0..rows.len() {
        match mend_one(&mut rows, index) {
            Ok(raised) => thin += u64::from(raised),
            Err(fault) => flawed.push((rows.first + index, fault)),
        }
    }
    (thin, flawed)
}

/// Mends one splat; says whether a scale was raised.
fn mend_one(rows: &mut Rows<'_>, index: usize) -> std::result::Result<bool, Fault> {
    within("mean", &rows.mean[index], MAX_MEAN)?;
    within("scale", &rows.scale[index], MAX_SCALE)?;
    within("colour", &rows.colour[index], MAX_COLOUR)?;
    within("sh", &rows.sh_rest[index * rows.sh_stride..(index + 1) * rows.sh_stride], MAX_COLOUR)?;
    within("rotation", &rows.rotation[index], f32::INFINITY)?;
    within("opacity", &[rows.opacity[index]], f32::INFINITY)?;
    let length = length(rows.rotation[index]).ok_or(("rotation", Flaw::NoRotation))?;
    rows.rotation[index] = shortened(rows.rotation[index], length);
    if let Some(motion) = rows.motion.get_mut(index) {
        // A rate of the quaternion shrinks with it.
        motion.spin = shortened(motion.spin, length);
        for term in [&motion.velocity[..], &motion.quadratic, &motion.cubic, &motion.spin] {
            within("motion", term, MAX_RATE)?;
        }
    }
    if let Some(life) = rows.life.get_mut(index) {
        #[expect(clippy::cast_possible_truncation, reason = "only its size is looked at")]
        within("life", &[life.t0 as f32], MAX_RATE)?;
        if life.sigma_t.is_nan() {
            return Err(("life", Flaw::NotFinite));
        }
        life.sigma_t = life.sigma_t.max(MIN_SIGMA);
    }
    rows.opacity[index] = rows.opacity[index].clamp(0.0, 1.0);
    let mut raised = false;
    for scale in &mut rows.scale[index] {
        raised |= *scale < MIN_SCALE;
        *scale = scale.max(MIN_SCALE);
    }
    Ok(raised)
}

/// Refuses NaN, infinity, and what is larger than `limit`.
fn within(attribute: &'static str, values: &[f32], limit: f32) -> std::result::Result<(), Fault> {
    // Without a branch in the loop it is vectorised: nearly every splat is sound. NaN compares false.
    let limit = limit.min(f32::MAX);
    if values.iter().fold(true, |sound, value| sound & (value.abs() <= limit)) {
        return Ok(());
    }
    let finite = values.iter().all(|value| value.is_finite());
    Err((attribute, if finite { Flaw::Absurd } else { Flaw::NotFinite }))
}

/// The length of a quaternion; `None` if it is zero.
fn length(rotation: [f32; 4]) -> Option<f64> {
    let length = rotation.iter().map(|&part| f64::from(part).powi(2)).sum::<f64>().sqrt();
    (length > 1e-12).then_some(length)
}

/// A quaternion, or its rate, with the length taken out.
fn shortened(quaternion: [f32; 4], length: f64) -> [f32; 4] {
    quaternion.map(|part| {
        #[expect(clippy::cast_possible_truncation, reason = "quaternions are stored as f32")]
        let narrow = (f64::from(part) / length) as f32;
        narrow
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vivant::splat::{Life, Motion, Splat};

    fn set() -> Splats {
        let mut splats = Splats::new(1);
        for _ in 0..8 {
            splats.push(&Splat { rotation: [0.0, 3.0, 0.0, 4.0], ..Splat::DEFAULT }, &[0.1; 9]);
        }
        splats
    }

    #[test]
    fn who_is_kept_is_known_by_its_number() {
        assert_eq!(kept(5, &[]), None);
        assert_eq!(kept(5, &[0, 3]), Some(vec![1, 2, 4]));
        assert_eq!(kept(2, &[1]), Some(vec![0]));
        assert_eq!(of_kept(vec![70, 60, 50], &[1]), [70, 50]);
        assert_eq!(of_kept(vec![70, 60], &[]), [70, 60]);
    }

    #[test]
    fn flaws_are_told_apart_and_counted() {
        let mut splats = set();
        splats.mean[1][2] = f32::NAN;
        splats.scale[2][0] = f32::INFINITY;
        splats.mean[3][0] = -2e6;
        splats.rotation[4] = [0.0; 4];
        splats.sh_rest[5 * 9 + 4] = f32::NEG_INFINITY;
        splats.scale[6] = [0.0, 1e-40, 0.01];
        let mut report = Report::default();
        cleanse("f", 0, &mut splats, &mut report).unwrap();
        assert_eq!((report.not_finite, report.absurd, report.no_rotation, report.thin), (3, 1, 1, 1));
        let first = report.first_dropped.unwrap();
        assert_eq!((first.index, first.attribute, first.flaw), (1, "mean", Flaw::NotFinite));
        assert_eq!(splats.len(), 3);
        assert_eq!(splats.rotation[0], [0.0, 0.6, 0.0, 0.8]);
        assert_eq!(splats.scale[1], [MIN_SCALE, MIN_SCALE, 0.01]);
    }

    #[test]
    fn lives_and_motions_are_mended_and_go_with_their_splats() {
        let mut splats = set();
        splats.life = vec![Life { t0: 0.5, sigma_t: 0.1, ..Life::ALWAYS }; 8];
        splats.motion = vec![Motion { spin: [1.0, 0.0, 0.0, 2.0], ..Motion::default() }; 8];
        splats.life[1].sigma_t = f32::NAN;
        splats.life[2].t0 = f64::INFINITY;
        splats.life[3].sigma_t = 0.0;
        splats.motion[4].cubic[1] = f32::NAN;
        splats.motion[5].velocity[1] = 1e9;
        splats.mean[6][0] = f32::NAN;
        let mut report = Report::default();
        assert_eq!(cleanse("f", 0, &mut splats, &mut report).unwrap(), [1, 2, 4, 5, 6]);
        assert_eq!((report.not_finite, report.absurd), (4, 1));
        assert_eq!((splats.life.len(), splats.motion.len()), (3, 3));
        assert!(splats.life[1].sigma_t > 0.0);
        // The rotation had length five.
        assert_eq!(splats.motion[0].spin, [0.2, 0.0, 0.0, 0.4]);
    }

    #[test]
    fn a_nan_before_a_larger_number_is_not_forgotten() {
        assert_eq!(within("a", &[f32::NAN, 5.0], 10.0), Err(("a", Flaw::NotFinite)));
        assert_eq!(within("a", &[5.0, f32::NAN], 10.0), Err(("a", Flaw::NotFinite)));
        assert_eq!(within("a", &[5.0, -11.0], 10.0), Err(("a", Flaw::Absurd)));
        assert_eq!(within("a", &[5.0, -9.0], 10.0), Ok(()));
    }

    #[test]
    fn nothing_left_is_an_error() {
        let mut splats = set();
        splats.opacity.fill(f32::NAN);
        let error = cleanse("f.ply", 0, &mut splats, &mut Report::default()).unwrap_err().to_string();
        assert!(error.contains("none of its 8 splats"), "{error}");
    }
}
