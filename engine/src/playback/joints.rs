//! Where the joints of a clip's rig are at a moment: from the segment that drives them, or from the host.
//!
//! The host may drive them itself (an avatar that moves as the application says): then what it said last holds until it
//! says something else or lets go, whatever the clip's own motion is. Both ways end in the same list of maps in the live
//! set, made anew each frame without allocating.

use std::sync::Arc;

use super::player::Player;
use crate::clip::Clip;
use crate::codec::joints_at;
use crate::error::{Error, Result};
use crate::frame::{LiveSet, SegmentData};
use crate::rig::{Affine, Rig, is_sound};

/// What moves the joints, and room to say where they are.
#[derive(Debug, Default)]
pub(super) struct Joints {
    /// Where the host says they stand, `object_from_joint`.
    told: Vec<Affine>,
    /// Where the clip says they do.
    places: Vec<Affine>,
    driven: bool,
}

impl Joints {
    /// Makes room for a clip's joints, here and in what shows. Not for the frame path.
    pub(super) fn make_room(&mut self, clip: &Clip, live: &mut LiveSet) {
        let joints = clip.rig().map_or(0, |rig| rig.joints().len());
        self.told.reserve(joints.saturating_sub(self.told.len()));
        self.places.reserve(joints.saturating_sub(self.places.len()));
        live.joints.reserve(joints.saturating_sub(live.joints.len()));
    }

    /// Notes what the joints of `live` do now; none where the clip that shows has no rig.
    pub(super) fn place(&mut self, clip: &Clip, live: &mut LiveSet) {
        let Some(rig) = clip.rig() else {
            live.joints.clear();
            return;
        };
        if self.driven && self.told.len() == rig.joints().len() {
            rig.carry(&self.told, &mut live.joints);
            return;
        }
        place(rig, clip, &live.segments, live.seconds, &mut self.places, &mut live.joints);
    }
}

/// What the joints do to canonical space at `seconds` of a clip, of which these segments show. `places` is for use
/// between.
fn place(
    rig: &Rig,
    clip: &Clip,
    segments: &[Arc<SegmentData>],
    seconds: f64,
    places: &mut Vec<Affine>,
    out: &mut Vec<Affine>,
) {
    match segments.iter().find(|segment| segment.drives()) {
        Some(segment) => {
            let rate = clip.info().rate;
            let start = rate.seconds_from_ticks(segment.start);
            let length = rate.seconds_from_ticks(segment.end - segment.start);
            joints_at(segment, (seconds - start) / length, places);
            rig.carry(places, out);
        }
        None => rig.carry_rest(out),
    }
}

/// The joints of a live set that was read at once.
pub(super) fn joints_of(clip: &Clip, segments: &[Arc<SegmentData>], seconds: f64) -> Vec<Affine> {
    let mut out = Vec::new();
    if let Some(rig) = clip.rig() {
        place(rig, clip, segments, seconds, &mut Vec::new(), &mut out);
    }
    out
}

impl Player {
    /// The joints of the clip that plays: their names, how they hang together, how they stand at rest. `None` where its
    /// splats move without joints.
    #[must_use]
    pub fn rig(&self) -> Option<&Arc<Rig>> {
        self.clip.rig()
    }

    /// Drives the joints from now on: `transforms` are `object_from_joint`, one for each joint of [`Self::rig`] in its order,
    /// and hold for every update until the next call or [`Self::release_drive`]. A joint that stands at its rest does
    /// nothing. For the frame path: does not allocate unless it fails.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a clip without joints, another number of transforms, or one that is not finite.
    pub fn drive(&mut self, transforms: &[Affine]) -> Result<()> {
        let wanted = self.clip.rig().map_or(0, |rig| rig.joints().len());
        if wanted == 0 || transforms.len() != wanted || !transforms.iter().all(is_sound) {
            return Err(Error::invalid(format!(
                "{} transforms for {wanted} joints: give each a finite one",
                transforms.len()
            )));
        }
        let joints = &mut self.joints;
        joints.told.clear();
        joints.told.extend_from_slice(transforms);
        joints.driven = true;
        Ok(())
    }

    /// Gives the joints back to the clip's own motion, or to their rest where it has none.
    pub fn release_drive(&mut self) {
        self.joints.driven = false;
    }

    /// Whether the host drives the joints.
    #[must_use]
    pub fn is_driven(&self) -> bool {
        self.joints.driven
    }
}
