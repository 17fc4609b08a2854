//! The set: everything that carries splats at any time, and all splats before they are fitted.

use crate::anatomy::Body;
use crate::dance::{Dance, Pose};
use crate::fit::MOMENT_RATE;
use crate::flesh;
use crate::hair::{self, Tail};
use crate::number::{count, single};
use crate::shade::Seed;
use crate::shadow;
use crate::solver::{Moment, RATE, Track};
use crate::wardrobe::{self, Shawl, Skirt};
use rayon::prelude::*;

/// Body, clothes, hair and their motion over one loop.
#[derive(Debug)]
pub(crate) struct Stage {
    body: Body,
    dance: Dance,
    skirt: Skirt,
    shawl: Shawl,
    tail: Tail,
    tracks: Vec<Track>,
}

const SKIRT: usize = 0;
const SHAWL: usize = 1;
const TAIL: usize = 2;
const SHADOW: usize = 3;

impl Stage {
    /// Sets the stage for a loop of `seconds`.
    pub(crate) fn new(seconds: f64) -> Self {
        let body = Body::new();
        let dance = Dance::new(single(seconds));
        let samples = count(single(seconds * RATE as f64));
        let poses: Vec<Pose> =
            (0..samples).into_par_iter().map(|k| dance.pose(k as f32 / RATE as f32)).collect();
        let (skirt, shawl, tail) = (Skirt::new(&body, SKIRT), Shawl::new(&body, SHAWL), Tail::new(TAIL));
        let (skirt_track, (shawl_track, tail_track)) = rayon::join(
            || skirt.simulate(&poses),
            || rayon::join(|| shawl.simulate(&poses), || tail.simulate(&poses)),
        );
        let mut tracks = vec![skirt_track, shawl_track, tail_track];
        tracks.extend(shadow::tracks(&poses));
        Self { body, dance, skirt, shawl, tail, tracks }
    }

    /// Where everything truly is at a time, seconds.
    pub(crate) fn moment(&self, time: f64) -> Moment {
        let pose = self.dance.pose(single(time));
        let sheets = self.tracks.iter().map(|track| track.at(time * RATE as f64)).collect();
        Moment { joints: pose.joints, sheets, yaw: pose.yaw }
    }

    /// Moments over the loop at [`MOMENT_RATE`], both ends included.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        let n = count(self.dance.length() * MOMENT_RATE as f32);
        (0..=n).into_par_iter().map(|k| self.moment(k as f64 / MOMENT_RATE as f64)).collect()
    }

    /// Every splat that is always there.
    pub(crate) fn seeds(&self, seed: u64, detail: f32) -> Vec<Seed> {
        let body = &self.body;
        let mut seeds = flesh::grow(body, seed, detail);
        seeds.extend(wardrobe::tailor(body, seed, detail));
        seeds.extend(self.skirt.sew(seed, detail));
        seeds.extend(self.shawl.sew(seed, detail));
        seeds.extend(hair::comb(body, seed, detail));
        seeds.extend(self.tail.grow(seed, detail));
        seeds.extend(shadow::cast(SHADOW));
        seeds
    }

    /// The closed lids of the blinks.
    pub(crate) fn lids(&self, detail: f32) -> Vec<Seed> {
        flesh::lids(detail)
    }

    #[cfg(test)]
    pub(crate) fn dance(&self) -> &Dance {
        &self.dance
    }
}
