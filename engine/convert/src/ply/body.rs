//! Where the rows of a PLY file go: raw values of splats, and beside them the columns that only some formats have.

use super::plan::{COLOUR, MEAN, OPACITY, Plan, ROTATION, SCALE, SH_REST, SLOTS};
use crate::rows::{self, Rows};
use vivant::splat::Splats;

/// Room for all rows.
#[derive(Debug)]
pub(super) struct Body {
    /// The splats, before activation.
    pub(super) splats: Splats,
    /// [`Plan::extra`] numbers a splat.
    pub(super) extra: Vec<f32>,
    stride: usize,
}

/// A run of rows.
pub(super) struct BodyRows<'a> {
    pub(super) splats: Rows<'a>,
    extra: &'a mut [f32],
    stride: usize,
}

impl Body {
    /// Room for `count` rows. The pages are untouched until written.
    pub(super) fn new(count: usize, plan: &Plan) -> Self {
        let splats = rows::zeroed(count, plan.sh_degree);
        Self { splats, extra: vec![0.0; count * plan.extra], stride: plan.extra }
    }

    /// Cuts rows `first..first + count` into windows of [`rows::WINDOW`].
    pub(super) fn windows(&mut self, first: usize, count: usize) -> Vec<BodyRows<'_>> {
        let stride = self.stride;
        let extra = &mut self.extra[first * stride..(first + count) * stride];
        let mut extra = extra.chunks_mut((rows::WINDOW * stride).max(1));
        let windows = rows::windows(&mut self.splats, first, count).into_iter();
        windows.map(|splats| BodyRows { splats, extra: extra.next().unwrap_or_default(), stride }).collect()
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.splats.len()
    }
}

impl BodyRows<'_> {
    /// Puts the slots of one row into place `index` of the window.
    #[inline]
    pub(super) fn store(&mut self, slots: &[f32], index: usize) {
        let window = &mut self.splats;
        window.mean[index].copy_from_slice(&slots[MEAN..MEAN + 3]);
        window.rotation[index].copy_from_slice(&slots[ROTATION..ROTATION + 4]);
        window.scale[index].copy_from_slice(&slots[SCALE..SCALE + 3]);
        window.opacity[index] = slots[OPACITY];
        window.colour[index].copy_from_slice(&slots[COLOUR..COLOUR + 3]);
        let stride = window.sh_stride;
        window.sh_rest[index * stride..(index + 1) * stride]
            .copy_from_slice(&slots[SH_REST..SH_REST + stride]);
        self.extra[index * self.stride..(index + 1) * self.stride].copy_from_slice(&slots[SLOTS..]);
    }
}
