//! What rests in a sequence is stored once for as long as it rests: floor, furniture, a body that waits.
//!
//! A track that keeps to its place through a whole block, as nearly as the profile tells places apart, leaves the block's
//! splines for a *run*. A run goes on from block to block until the track moves away from where it began, and becomes one
//! still splat with a window. Runs are cut at the edges of level 1, so that what is remembered, and what a file keeps in
//! memory, does not grow with its length; between the edges a run goes to the finest segment above the blocks' level that
//! holds it. A label that changes ends a run as much as a move does.

use std::collections::{BTreeMap, HashMap};

use super::packed::Steps;
use super::partition::Hierarchy;
use super::samples::{Frame, Track};
use crate::channel::{self, Channel, ChannelKind};
use crate::clip::Writer;
use crate::error::Result;
use crate::splat::{Life, Splat, Splats};

/// A track at rest.
#[derive(Debug)]
struct Run {
    /// First tick.
    start: i64,
    splat: Splat,
    rest: Vec<f32>,
    /// What it carries, a word for each of [`Resting::carried`] that there was when it began.
    words: Vec<u32>,
}

/// The runs that go on, and those that ended and are not written yet.
#[derive(Debug)]
pub(super) struct Resting {
    runs: HashMap<u32, Run>,
    ended: Splats,
    /// The channels that were met, without splats.
    carried: Vec<Channel>,
}

/// The frames of a block, with what places them in time.
pub(super) struct Block<'a> {
    pub(super) window: &'a [Frame],
    /// Number of the first of `window`.
    pub(super) first: i64,
    /// The block's frames, by number.
    pub(super) frames: std::ops::Range<i64>,
    /// Its first tick.
    pub(super) start: i64,
}

impl Block<'_> {
    fn find(&self, id: u32, number: i64) -> Option<(&Splats, usize)> {
        let frame = self.window.get(usize::try_from(number - self.first).ok()?)?;
        Some((&frame.splats, frame.find(id)?))
    }
}

impl Resting {
    pub(super) fn new(sh_degree: u8) -> Self {
        Self { runs: HashMap::new(), ended: Splats::new(sh_degree), carried: Vec::new() }
    }

    /// Takes the tracks of a block that rest through it, unless nothing rested before and they are fewer than `least`; returns the
    /// others.
    pub(super) fn take(
        &mut self,
        tracks: Vec<Track>,
        block: &Block<'_>,
        steps: &Steps,
        least: usize,
    ) -> Vec<Track> {
        for frame in block.window {
            channel::append(&mut self.carried, 0, &frame.splats.channels, 0);
        }
        let whole = |track: &Track| track.first <= block.frames.start && track.end >= block.frames.end;
        let (resting, mut moving): (Vec<Track>, Vec<Track>) =
            tracks.into_iter().partition(|track| whole(track) && self.rests(track.id, block, steps));
        if resting.len() < least && self.runs.is_empty() {
            moving.extend(resting);
            moving.sort_by_key(|track| (track.id, track.first));
            return moving;
        }
        let mut before = std::mem::take(&mut self.runs);
        for track in resting {
            let goes_on = |run: &Run| self.still(&run.splat, &run.words, track.id, block, steps);
            let run = before.remove(&track.id).filter(goes_on);
            let run = run.or_else(|| {
                let (splats, at) = block.find(track.id, block.frames.start)?;
                let (splat, rest) = (splats.get(at), splats.sh_rest_of(at).to_vec());
                Some(Run { start: block.start, splat, rest, words: self.words(splats, at) })
            });
            self.runs.extend(run.map(|run| (track.id, run)));
        }
        self.end(before, block.start);
        moving
    }

    /// Whether a track rests through a block: where its run began, or where it is at the block's first frame.
    fn rests(&self, id: u32, block: &Block<'_>, steps: &Steps) -> bool {
        let known =
            self.runs.get(&id).is_some_and(|run| self.still(&run.splat, &run.words, id, block, steps));
        let begins = || {
            block.find(id, block.frames.start).is_some_and(|(splats, at)| {
                self.still(&splats.get(at), &self.words(splats, at), id, block, steps)
            })
        };
        known || begins()
    }

    /// What a splat of a set carries.
    fn words(&self, splats: &Splats, at: usize) -> Vec<u32> {
        (0..self.carried.len()).map(|number| self.word(number, splats, at)).collect()
    }

    fn word(&self, number: usize, splats: &Splats, at: usize) -> u32 {
        channel::word_in(&splats.channels, number, &self.carried[number], at)
    }

    /// Whether a track is through a block where `splat` is, as nearly as the profile tells, with the labels in `words`.
    fn still(&self, splat: &Splat, words: &[u32], id: u32, block: &Block<'_>, steps: &Steps) -> bool {
        block.frames.clone().all(|frame| {
            block.find(id, frame).is_some_and(|(splats, at)| {
                let mut labels = (0..).zip(words).zip(&self.carried);
                near(&splats.get(at), splat, steps)
                    && labels.all(|((number, &word), channel)| {
                        channel.kind != ChannelKind::Label || word == self.word(number, splats, at)
                    })
            })
        })
    }

    /// Ends every run at a tick.
    fn end_all(&mut self, tick: i64) {
        let runs = std::mem::take(&mut self.runs);
        self.end(runs, tick);
    }

    fn end(&mut self, runs: HashMap<u32, Run>, tick: i64) {
        let before = self.ended.len();
        channel::append(&mut self.ended.channels, before, &self.carried, 0);
        // Equal input gives equal files, whatever the order of a hash.
        let mut runs: Vec<(u32, Run)> = runs.into_iter().collect();
        runs.sort_unstable_by_key(|(id, _)| *id);
        for (_, run) in runs {
            let life = Life { t0: 0.0, sigma_t: f32::INFINITY, start: run.start, end: tick };
            self.ended.push(&Splat { life, motion: crate::splat::Motion::default(), ..run.splat }, &run.rest);
            let last = self.ended.channels.iter_mut().map(|channel| channel.words.last_mut());
            last.flatten().zip(run.words).for_each(|(last, word)| *last = word);
        }
    }

    /// Ends all runs at `tick` and writes what has ended, into segments above `level`.
    pub(super) fn write(
        &mut self,
        writer: &mut Writer,
        hierarchy: &Hierarchy,
        level: u8,
        least: usize,
        tick: i64,
    ) -> Result<()> {
        self.end_all(tick);
        let empty = Splats::new(self.ended.sh_degree);
        let ended = std::mem::replace(&mut self.ended, empty);
        let mut nodes: BTreeMap<(u8, i64), Vec<usize>> = BTreeMap::new();
        for index in 0..ended.len() {
            let Life { start, end, .. } = ended.get(index).life;
            let (mut own, mut number) = hierarchy.place(start, end);
            while own >= level.max(2) {
                (own, number) = (own - 1, number >> 1);
            }
            nodes.entry((own, number)).or_default().push(index);
        }
        // Segments of few splats join their parents.
        for own in (2..level).rev() {
            let small: Vec<(u8, i64)> = nodes
                .range((own, i64::MIN)..=(own, i64::MAX))
                .filter(|(_, splats)| splats.len() < least)
                .map(|(key, _)| *key)
                .collect();
            for key in small {
                if let Some(mut splats) = nodes.remove(&key) {
                    nodes.entry((own - 1, key.1 >> 1)).or_default().append(&mut splats);
                }
            }
        }
        for ((own, number), mut indices) in nodes {
            indices.sort_unstable();
            let (start, end) = (hierarchy.edge(own, number), hierarchy.edge(own, number + 1));
            writer.push_segment(own, start, end, &ended.select(&indices))?;
        }
        Ok(())
    }
}

/// Whether a splat is where another is, as nearly as the profile tells.
fn near(now: &Splat, splat: &Splat, steps: &Steps) -> bool {
    let near = |a: &[f32], b: &[f32], most: f32| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= most);
    let dot: f32 = now.rotation.iter().zip(splat.rotation).map(|(a, b)| a * b).sum();
    let rotation = if dot < 0.0 { splat.rotation.map(|value| -value) } else { splat.rotation };
    let logs = |splat: &Splat| splat.scale.map(|scale| scale.max(1e-9).ln());
    near(&now.mean, &splat.mean, 2.0 * steps.mean)
        && near(&now.rotation, &rotation, steps.rotation)
        && near(&logs(now), &logs(splat), steps.scale)
        && near(&now.colour, &splat.colour, steps.colour)
        && (now.opacity - splat.opacity).abs() <= 2.0 / 255.0
}
