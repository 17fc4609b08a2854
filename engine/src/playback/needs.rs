//! What playing asks of memory, by level of detail, and which level a budget is enough for.
//!
//! A player must be able to show any moment while it still holds another, as after a seek: two moments. Above the
//! coarsest level it also needs room for a moment at the coarsest, which a seek shows first, and to which it falls back
//! when its part of a shared budget becomes smaller. A clip's palette counts once, however many moments refer to it. One level is chosen for all that plays, so that neighbours in time
//! do not alternate.

use crate::clip::{Clip, Node};
use crate::frame::{FULL_LOD, LODS};

/// The needs of one clip, by level of detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    clip: u64,
    /// The fullest moment.
    live: [u64; LODS],
    /// Any two moments.
    alone: [u64; LODS],
    /// Its palette and rig.
    shared: u64,
}

/// The bytes that a clip's palette and rig take, as long as the clip is played or waits for it.
pub(super) fn shared_bytes(clip: &Clip) -> u64 {
    let rig = clip.rig().map_or(0, |rig| rig.bytes());
    clip.palette().map_or(0, |palette| palette.bytes()).saturating_add(rig)
}

impl Needs {
    pub(super) fn of(clip: &Clip) -> Self {
        let sum = |nodes: &[Node], lod: u8| {
            nodes.iter().fold(0, |sum: u64, node| sum.saturating_add(node.lod_bytes(lod)))
        };
        let live: [u64; LODS] = std::array::from_fn(|lod| clip.live_bytes(lod_number(lod)));
        let always = clip.nodes().get(clip.level(0)).unwrap_or_default();
        let alone = std::array::from_fn(|at| {
            let lod = lod_number(at);
            // What spans the whole clip shows always, so it counts once.
            let two = live[at].saturating_mul(2).saturating_sub(sum(always, lod));
            two.min(sum(clip.nodes(), lod)).saturating_add(first_look(&live, at))
        });
        Self { clip: clip.id(), live, alone, shared: shared_bytes(clip) }
    }

    pub(super) fn at(&self, lod: u8) -> u64 {
        self.alone.get(usize::from(lod)).map_or(u64::MAX, |alone| alone.saturating_add(self.shared))
    }
}

/// Room for the coarsest level beside a finer one.
fn first_look(live: &[u64; LODS], at: usize) -> u64 {
    if live[at] == live[0] { 0 } else { live[0] }
}

fn lod_number(lod: usize) -> u8 {
    u8::try_from(lod).unwrap_or(FULL_LOD)
}

/// What a programme needs: that of its neediest clip, or a moment of one and of another, and the palettes of all.
pub(super) fn programme(clips: &[Needs], lod: u8) -> u64 {
    let mut palettes: Vec<(u64, u64)> = clips.iter().map(|needs| (needs.clip, needs.shared)).collect();
    palettes.sort_unstable();
    palettes.dedup();
    palettes.iter().fold(moments(clips, lod), |sum, (_, bytes)| sum.saturating_add(*bytes))
}

/// What the moments of a programme need.
fn moments(clips: &[Needs], lod: u8) -> u64 {
    let at = usize::from(lod.min(FULL_LOD));
    let alone = clips.iter().map(|needs| needs.alone[at]).max().unwrap_or(0);
    let mut live: Vec<(u64, u64, u64)> =
        clips.iter().map(|needs| (needs.live[at], needs.clip, first_look(&needs.live, at))).collect();
    live.sort_unstable();
    live.dedup();
    if live.len() < 2 {
        return alone;
    }
    let two = live.iter().rev().take(2).fold(0, |sum: u64, (bytes, ..)| sum.saturating_add(*bytes));
    let look = live.iter().map(|(.., look)| *look).max().unwrap_or(0);
    alone.max(two.saturating_add(look))
}

/// The finest level of detail for which a budget is enough.
pub(super) fn finest(clips: &[Needs], budget_bytes: u64) -> u8 {
    (1..=FULL_LOD).rev().find(|&lod| programme(clips, lod) <= budget_bytes).unwrap_or(0)
}

/// The level of detail that a node has in place of `lod`: the full one where that is no more.
pub(super) fn lod_of(node: &Node, lod: u8) -> u8 {
    let splats = node.splats as usize;
    if node.keys.lod_splats(splats, usize::from(lod)) == splats { FULL_LOD } else { lod.min(FULL_LOD) }
}
