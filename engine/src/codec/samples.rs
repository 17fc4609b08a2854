//! What is known of a group of tracks in and around one segment: every attribute of every track at every frame, dense.
//!
//! A track is a splat that keeps its identity over frames. It may be born and die anywhere; where it is not there, its
//! numbers are continued by reflection at the end, `2·x(end) − x(end ∓ k)`, which keeps value and slope, so that one
//! least-squares matrix serves all tracks. Signs of quaternions are made to agree along time.

use std::ops::Range;

use rayon::prelude::*;

use crate::splat::Splats;

/// One frame of a sequence, with the place of every identity in it.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) splats: Splats,
    /// Index of a splat by its identity; `None` where the identity is the index.
    pub(super) places: Option<std::collections::HashMap<u32, u32>>,
}

impl Frame {
    /// Where the splat of an identity stands.
    pub(super) fn find(&self, id: u32) -> Option<usize> {
        match &self.places {
            None => Some(id as usize).filter(|&at| at < self.splats.len()),
            Some(places) => places.get(&id).map(|&at| at as usize),
        }
    }
}

/// A track within a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) id: u32,
    /// First frame and the one after the last in which it is there, by number in the sequence.
    pub(super) first: i64,
    pub(super) end: i64,
}

/// Numbers a track has of each attribute.
pub(super) const MEAN: usize = 3;
pub(super) const ROTATION: usize = 4;
/// Three log-scales and the opacity.
pub(super) const SCALE_OPACITY: usize = 4;
pub(super) const COLOUR: usize = 3;

/// All numbers of some tracks, an array a frame, tracks one behind the other.
#[derive(Debug)]
pub(super) struct Samples {
    /// Where each frame lies in the segment, 0..=1; frames of the neighbours lie outside.
    pub(super) places: Vec<f64>,
    pub(super) mean: Vec<Vec<f32>>,
    pub(super) rotation: Vec<Vec<f32>>,
    pub(super) scale_opacity: Vec<Vec<f32>>,
    pub(super) colour: Vec<Vec<f32>>,
}

/// Least scale whose logarithm is taken, metres.
const LEAST_SCALE: f32 = 2e-9;

/// The runs of frames in `frames` that each identity has; `first` is the number of the first of `window`.
pub(super) fn tracks_in(window: &[Frame], first: i64, frames: Range<i64>) -> Vec<Track> {
    let mut out: Vec<Track> = Vec::new();
    // Identities of the frame before → their open track.
    let mut open: std::collections::HashMap<u32, usize> = std::collections::HashMap::new();
    for number in frames {
        let Some(frame) = usize::try_from(number - first).ok().and_then(|at| window.get(at)) else {
            continue;
        };
        match &frame.places {
            None => {
                // Identity is the index: runs end only where the number of splats changes.
                for index in 0..frame.splats.len() {
                    let id = u32::try_from(index).unwrap_or(u32::MAX);
                    extend(&mut out, &mut open, id, number);
                }
            }
            Some(places) => {
                let mut ids: Vec<u32> = places.keys().copied().collect();
                ids.sort_unstable();
                ids.into_iter().for_each(|id| extend(&mut out, &mut open, id, number));
            }
        }
    }
    out
}

fn extend(out: &mut Vec<Track>, open: &mut std::collections::HashMap<u32, usize>, id: u32, number: i64) {
    if let Some(track) = open.get(&id).and_then(|&at| out.get_mut(at))
        && track.end == number
    {
        track.end = number + 1;
        return;
    }
    open.insert(id, out.len());
    out.push(Track { id, first: number, end: number + 1 });
}

impl Samples {
    /// Gathers `tracks` over the frames `frames` (by number, in a window that starts at frame `first`), which lie in
    /// and around the segment over the frames `segment`.
    pub(super) fn gather(
        window: &[Frame],
        first: i64,
        frames: Range<i64>,
        segment: &Range<i64>,
        tracks: &[Track],
    ) -> Self {
        let length = (segment.end - segment.start).max(1) as f64;
        let places = frames.clone().map(|frame| (frame - segment.start) as f64 / length).collect();
        let reach = Reach { window, first, frames: frames.clone() };
        let mut rotation = reach.gather(tracks, |splats, at| splats.rotation[at]);
        agree(&mut rotation);
        Self {
            places,
            mean: reach.gather(tracks, |splats, at| splats.mean[at]),
            rotation,
            scale_opacity: reach.gather(tracks, |splats, at| {
                let [x, y, z] = splats.scale[at].map(|scale| scale.max(LEAST_SCALE).ln());
                [x, y, z, splats.opacity[at]]
            }),
            colour: reach.gather(tracks, |splats, at| splats.colour[at]),
        }
    }
}

impl Samples {
    /// Keeps some of the tracks, in this order; an array at a time, as a block of samples is half a gigabyte.
    pub(super) fn reorder(&mut self, tracks: &[usize]) {
        fn of<const N: usize>(all: &mut [Vec<f32>], tracks: &[usize]) {
            all.iter_mut().for_each(|sample| *sample = picked::<N>(sample, tracks));
        }
        of::<MEAN>(&mut self.mean, tracks);
        of::<ROTATION>(&mut self.rotation, tracks);
        of::<SCALE_OPACITY>(&mut self.scale_opacity, tracks);
        of::<COLOUR>(&mut self.colour, tracks);
    }

    /// Number of tracks.
    pub(super) fn len(&self) -> usize {
        self.mean.first().map_or(0, |sample| sample.len() / MEAN)
    }

    /// The frame nearest to the middle of the segment.
    pub(super) fn middle(&self) -> usize {
        self.places.iter().position(|&place| place >= 0.5).unwrap_or(0)
    }
}

/// The numbers of some tracks of one frame.
fn picked<const N: usize>(sample: &[f32], tracks: &[usize]) -> Vec<f32> {
    let records = sample.as_chunks::<N>().0;
    tracks.iter().flat_map(|&track| records.get(track).copied().unwrap_or([0.0; N])).collect()
}

/// The frames that are at hand.
struct Reach<'a> {
    window: &'a [Frame],
    first: i64,
    frames: Range<i64>,
}

impl Reach<'_> {
    fn frame(&self, number: i64) -> Option<&Frame> {
        self.window.get(usize::try_from(number - self.first).ok()?)
    }

    fn value<const N: usize>(
        &self,
        track: &Track,
        number: i64,
        of: &(impl Fn(&Splats, usize) -> [f32; N] + Sync),
    ) -> Option<[f32; N]> {
        let frame = self.frame(number)?;
        frame.find(track.id).map(|at| of(&frame.splats, at))
    }

    /// The run of frames around the track's in which it can be read: its own, and those of the neighbours that follow
    /// without a gap.
    fn known(&self, track: &Track) -> Range<i64> {
        let there = |number: i64| self.frame(number).is_some_and(|frame| frame.find(track.id).is_some());
        let (mut first, mut end) = (track.first, track.end);
        while first > self.frames.start && there(first - 1) {
            first -= 1;
        }
        while end < self.frames.end && there(end) {
            end += 1;
        }
        first..end
    }

    /// One attribute, an array a frame.
    fn gather<const N: usize>(
        &self,
        tracks: &[Track],
        of: impl Fn(&Splats, usize) -> [f32; N] + Sync,
    ) -> Vec<Vec<f32>> {
        self.frames
            .clone()
            .into_par_iter()
            .map(|number| {
                let mut out = Vec::with_capacity(tracks.len() * N);
                for track in tracks {
                    // Nearly always it is there.
                    let value = self.value(track, number, &of).filter(|_| {
                        (track.first..track.end).contains(&number) || self.known(track).contains(&number)
                    });
                    out.extend(value.unwrap_or_else(|| self.continued(track, number, &of)));
                }
                out
            })
            .collect()
    }

    /// The value beyond the ends of a track: its reflection at the end.
    fn continued<const N: usize>(
        &self,
        track: &Track,
        number: i64,
        of: &(impl Fn(&Splats, usize) -> [f32; N] + Sync),
    ) -> [f32; N] {
        let known = self.known(track);
        let end = if number < known.start { known.start } else { known.end - 1 };
        let mirrored = (2 * end - number).clamp(known.start, known.end - 1);
        let at = |number| self.value(track, number, of).unwrap_or([0.0; N]);
        let (end, mirrored) = (at(end), at(mirrored));
        std::array::from_fn(|axis| 2.0 * end[axis] - mirrored[axis])
    }
}

/// Gives every quaternion the sign that is nearer to the one before it in time.
pub(super) fn agree(rotation: &mut [Vec<f32>]) {
    for at in 1..rotation.len() {
        let (before, rest) = rotation.split_at_mut(at);
        let (Some(before), Some(now)) = (before.last(), rest.first_mut()) else { continue };
        for (now, before) in now.as_chunks_mut::<4>().0.iter_mut().zip(before.as_chunks::<4>().0) {
            let dot: f32 = now.iter().zip(before).map(|(a, b)| a * b).sum();
            if dot < 0.0 {
                now.iter_mut().for_each(|value| *value = -*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splat::Splat;

    fn frame(ids: &[u32], x: f32) -> Frame {
        let mut splats = Splats::new(0);
        for &id in ids {
            let rotation = if x % 2.0 == 0.0 { [0.0, 0.0, 0.0, 1.0] } else { [0.0, 0.0, 0.0, -1.0] };
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let mean = [x, id as f32, 0.0];
            splats.push(&Splat { mean, rotation, ..Splat::DEFAULT }, &[]);
        }
        let places = ids.iter().enumerate().map(|(at, &id)| (id, u32::try_from(at).unwrap())).collect();
        Frame { splats, places: Some(places) }
    }

    #[test]
    fn tracks_are_born_die_and_come_back() {
        let window = [frame(&[7, 3], 0.0), frame(&[3], 1.0), frame(&[3, 7, 9], 2.0), frame(&[7, 3], 3.0)];
        let mut tracks = tracks_in(&window, 10, 10..14);
        tracks.sort_by_key(|track| (track.id, track.first));
        let expected = [(3, 10, 14), (7, 10, 11), (7, 12, 14), (9, 12, 13)];
        assert_eq!(tracks, expected.map(|(id, first, end)| Track { id, first, end }));
        let samples = Samples::gather(&window, 10, 10..14, &(11..13), &tracks);
        assert_eq!(samples.places, [-0.5, 0.0, 0.5, 1.0]);
        let x = |track: usize| samples.mean.iter().map(|frame| frame[track * 3]).collect::<Vec<_>>();
        assert_eq!(x(0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(x(1), [0.0, 0.0, 0.0, 0.0], "one frame alone is held");
        assert_eq!(x(2), [1.0, 1.0, 2.0, 3.0], "reflected where it is not there");
        assert!(samples.rotation.iter().all(|frame| frame[3] > 0.0), "signs agree");
    }
}
