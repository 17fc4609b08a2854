//! Disjoint windows on a set of splats, so that passes over millions of splats run in parallel. No I/O.
//!
//! The arrays of [`Splats`] are cut at the same splats; a pass takes the windows through rayon. Harmonics may be
//! absent, as may lives and motions, in which case every window's slice of them is empty.

use vivant::splat::{Life, Motion, Splats, sh_rest_len};

/// Splats a window: enough to hide the scheduling, few enough to balance two cores.
pub(crate) const WINDOW: usize = 8192;

/// A run of splats, every attribute mutable.
pub(crate) struct Rows<'a> {
    /// Index of the first splat of the run.
    pub(crate) first: usize,
    pub(crate) mean: &'a mut [[f32; 3]],
    pub(crate) rotation: &'a mut [[f32; 4]],
    pub(crate) scale: &'a mut [[f32; 3]],
    pub(crate) opacity: &'a mut [f32],
    pub(crate) colour: &'a mut [[f32; 3]],
    /// Harmonics, `sh_stride` floats a splat.
    pub(crate) sh_rest: &'a mut [f32],
    pub(crate) sh_stride: usize,
    /// Lives; empty where all are always there.
    pub(crate) life: &'a mut [Life],
    /// Motions; empty where nothing moves.
    pub(crate) motion: &'a mut [Motion],
}

impl Rows<'_> {
    /// Number of splats.
    pub(crate) fn len(&self) -> usize {
        self.mean.len()
    }
}

/// A set of `count` splats with every number zero. The pages are untouched until written.
pub(crate) fn zeroed(count: usize, sh_degree: u8) -> Splats {
    Splats {
        mean: vec![[0.0; 3]; count],
        rotation: vec![[0.0; 4]; count],
        scale: vec![[0.0; 3]; count],
        opacity: vec![0.0; count],
        colour: vec![[0.0; 3]; count],
        sh_degree,
        sh_rest: vec![0.0; count * sh_rest_len(sh_degree) * 3],
        ..Splats::default()
    }
}

/// [`zeroed`] with room for a life and a motion a splat.
pub(crate) fn zeroed_moving(count: usize, sh_degree: u8) -> Splats {
    let (life, motion) = (vec![Life::ALWAYS; count], vec![Motion::default(); count]);
    Splats { life, motion, ..zeroed(count, sh_degree) }
}

/// The part of an array that may be absent.
fn part<T>(values: &mut [T], first: usize, end: usize) -> &mut [T] {
    if values.is_empty() { values } else { &mut values[first..end] }
}

/// Cuts splats `first..first + count` into windows of [`WINDOW`].
pub(crate) fn windows(splats: &mut Splats, first: usize, count: usize) -> Vec<Rows<'_>> {
    let end = first + count;
    let sh_stride = splats.sh_stride();
    let mut rotation = splats.rotation[first..end].chunks_mut(WINDOW);
    let mut scale = splats.scale[first..end].chunks_mut(WINDOW);
    let mut opacity = splats.opacity[first..end].chunks_mut(WINDOW);
    let mut colour = splats.colour[first..end].chunks_mut(WINDOW);
    let mut sh_rest =
        splats.sh_rest[first * sh_stride..end * sh_stride].chunks_mut((WINDOW * sh_stride).max(1));
    let mut life = part(&mut splats.life, first, end).chunks_mut(WINDOW);
    let mut motion = part(&mut splats.motion, first, end).chunks_mut(WINDOW);
    let windows = splats.mean[first..end].chunks_mut(WINDOW).enumerate();
    windows
        .map(|(number, mean)| Rows {
            first: first + number * WINDOW,
            mean,
            rotation: rotation.next().unwrap_or_default(),
            scale: scale.next().unwrap_or_default(),
            opacity: opacity.next().unwrap_or_default(),
            colour: colour.next().unwrap_or_default(),
            sh_rest: sh_rest.next().unwrap_or_default(),
            sh_stride,
            life: life.next().unwrap_or_default(),
            motion: motion.next().unwrap_or_default(),
        })
        .collect()
}

/// All of `splats` in windows.
pub(crate) fn all(splats: &mut Splats) -> Vec<Rows<'_>> {
    let count = splats.len();
    windows(splats, 0, count)
}

/// Removes the splats at `dropped`, which must be in ascending order, keeping the order of the rest.
pub(crate) fn remove(splats: &mut Splats, dropped: &[usize]) {
    let stride = splats.sh_stride();
    compact(&mut splats.mean, 1, dropped);
    compact(&mut splats.rotation, 1, dropped);
    compact(&mut splats.scale, 1, dropped);
    compact(&mut splats.opacity, 1, dropped);
    compact(&mut splats.colour, 1, dropped);
    compact(&mut splats.sh_rest, stride, dropped);
    splats.channels.iter_mut().for_each(|channel| compact(&mut channel.words, 1, dropped));
    compact(&mut splats.life, 1, dropped);
    compact(&mut splats.motion, 1, dropped);
}

/// Removes records of `stride` values from an array, in place.
fn compact<T: Copy>(values: &mut Vec<T>, stride: usize, dropped: &[usize]) {
    let Some(&first) = dropped.first().filter(|_| !values.is_empty()) else { return };
    let count = values.len().checked_div(stride).unwrap_or(0);
    let mut write = first * stride;
    for (position, &hole) in dropped.iter().enumerate() {
        let next = dropped.get(position + 1).copied().unwrap_or(count);
        let keep = (hole + 1) * stride..next * stride;
        let length = keep.len();
        values.copy_within(keep, write);
        write += length;
    }
    values.truncate(write);
}

/// Raises the SH degree to `degree`; the new coefficients are zero.
pub(crate) fn raise_degree(splats: &mut Splats, degree: u8) {
    if degree <= splats.sh_degree {
        return;
    }
    let (old, new) = (splats.sh_stride(), sh_rest_len(degree) * 3);
    let mut padded = vec![0.0; splats.len() * new];
    if old > 0 {
        for (to, from) in padded.chunks_exact_mut(new).zip(splats.sh_rest.chunks_exact(old)) {
            to[..old].copy_from_slice(from);
        }
    }
    splats.sh_rest = padded;
    splats.sh_degree = degree;
}

#[cfg(test)]
mod tests {
    use super::*;
    use vivant::channel::Channel;
    use vivant::splat::Splat;

    fn numbered(count: u16, degree: u8) -> Splats {
        let mut splats = Splats::new(degree);
        for index in 0..count {
            let x = f32::from(index);
            splats.push(&Splat { mean: [x; 3], ..Splat::DEFAULT }, &vec![x; splats.sh_stride()]);
        }
        splats.channels = vec![Channel::labels("part", (0..u32::from(count)).collect())];
        splats
    }

    fn moving(count: u16, degree: u8) -> Splats {
        let mut splats = numbered(count, degree);
        splats.life = splats.opacity.iter().map(|_| Life::ALWAYS).collect();
        splats.life.iter_mut().zip(0_i64..).for_each(|(life, number)| life.start = number);
        splats.motion =
            splats.mean.iter().map(|&velocity| Motion { velocity, ..Motion::default() }).collect();
        splats
    }

    #[test]
    fn removing_equals_selecting_the_others() {
        for splats in [numbered(12, 0), numbered(12, 2), moving(12, 1)] {
            for dropped in
                [&[][..], &[0], &[11], &[0, 1, 5, 11], &[3, 4, 5], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
            {
                let kept: Vec<usize> = (0..12).filter(|index| !dropped.contains(index)).collect();
                let mut removed = splats.clone();
                remove(&mut removed, dropped);
                assert_eq!(removed, splats.select(&kept), "{dropped:?}");
            }
        }
    }

    #[test]
    fn windows_cover_every_splat_once() {
        let mut splats = zeroed(WINDOW * 2 + 3, 1);
        for rows in windows(&mut splats, 2, WINDOW * 2) {
            assert_eq!(rows.sh_rest.len(), rows.len() * rows.sh_stride);
            rows.opacity.iter_mut().for_each(|o| *o += 1.0);
            rows.sh_rest.iter_mut().for_each(|o| *o += 1.0);
        }
        assert_eq!(splats.opacity.iter().filter(|&&o| (o - 1.0).abs() < 1e-6).count(), WINDOW * 2);
        assert_eq!(splats.opacity[1].to_bits(), 0);
        assert_eq!(splats.sh_rest[17].to_bits(), 0);
        assert!(splats.sh_rest[18] > 0.5);
    }

    #[test]
    fn raising_the_degree_keeps_the_coefficients() {
        let mut splats = numbered(5, 1);
        let before = splats.clone();
        raise_degree(&mut splats, 3);
        assert_eq!(splats.sh_rest_of(4)[..9], before.sh_rest_of(4)[..]);
        assert!(splats.sh_rest_of(4)[9..].iter().all(|c| c.to_bits() == 0));
        let mut plain = numbered(5, 0);
        raise_degree(&mut plain, 2);
        assert_eq!(plain.sh_rest.len(), 5 * 24);
    }
}
