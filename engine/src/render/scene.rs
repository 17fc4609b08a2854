//! From performers and views to what the kernels read: segments, cluster references, the frame block. CPU only.

use glam::{DMat4, DQuat, DVec3, Vec3};
use vivant_shaders::generated::{
    BINDING_TURNS, BLEND_LINEAR, CLUSTER_SPLATS, ENCODE_LINEAR, KEY_MAX, SORT_BLOCK,
};
use vivant_shaders::{generated, layout};

use super::arena::{HARMONICS, PACKED, SLOTS, tile_units};
use super::joined::Joined;
use super::look::{self, Look};
use super::pool::Pool;
use super::upload::palette_id;
use super::{Encoding, Performer, Settings};
use crate::error::{Error, Result};
use crate::frame::{LiveSet, Plane, SegmentData};
use crate::look::{ChannelLook, LOOK_LABELS, MAX_LOOKS};
use crate::rig::{Affine, Harmonics};
use crate::view::View;

/// A frame's parameters; its vectors are reused from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) block: layout::FrameBlock,
    pub(super) segments: Vec<layout::Segment>,
    pub(super) references: Vec<layout::ClusterRef>,
    /// Whether the kernels need more than the ordinary.
    pub(super) looks: bool,
    /// Whether some performers ask for another colour domain than they get.
    pub(super) mixed_domains: bool,
    /// What the joints of all performers do, three rows each.
    pub(super) joints: Vec<Affine>,
    head: DVec3,
    nearest: f64,
    farthest: f64,
}

/// Most that one live clip can need segments for at once: one a level.
const MAX_SEGMENTS: usize = 64;

impl Scene {
    /// Takes over the views and settings.
    pub(super) fn gather(
        &mut self,
        performers: &[Performer<'_>],
        views: &[View],
        settings: &Settings,
        size: (u32, u32),
    ) -> Result<()> {
        let segments: usize = performers.iter().map(|p| p.live.segments.len()).sum();
        if segments > MAX_SEGMENTS {
            return Err(Error::LimitExceeded {
                what: "segments live at once".to_owned(),
                value: segments as u64,
                limit: MAX_SEGMENTS as u64,
            });
        }
        self.block = layout::FrameBlock::default();
        self.head = DVec3::ZERO;
        for (slot, view) in self.block.views.iter_mut().zip(views) {
            *slot = shader_view(view, size)?;
            self.head += DVec3::from_array(view.position) / views.len() as f64;
        }
        let frame = &mut self.block.frame;
        frame.head_in_world = self.head.as_vec3().extend(0.0).to_array();
        frame.background = settings.background;
        frame.views = u32::try_from(views.len()).unwrap_or(0);
        let (linear, mixed) = look::domain(performers);
        self.mixed_domains = mixed;
        self.looks = mixed || performers.iter().any(|p| look::is_special(p.appearance));
        frame.flags = if settings.encoding == Encoding::Linear { ENCODE_LINEAR } else { 0 }
            | if linear { BLEND_LINEAR } else { 0 };
        Ok(())
    }

    /// Lists the live clusters of the resident segments and measures how far they are.
    pub(super) fn refer(&mut self, performers: &[Performer<'_>], pool: &Pool) -> Result<()> {
        self.segments.clear();
        self.references.clear();
        self.joints.clear();
        self.nearest = f64::INFINITY;
        self.farthest = 0.0;
        let mut looks = 0;
        for performer in performers {
            let placed = Placement::of(performer.world_from_object)?;
            let Look { low_pass, bits } = Look::of(performer.appearance);
            let look_number = self.take_look(performer.look, &mut looks)?;
            let joints_first = u32::try_from(self.joints.len()).unwrap_or(u32::MAX);
            self.joints.extend_from_slice(&performer.live.joints);
            self.measure_joints(performer, placed.scale);
            for segment in &performer.live.segments {
                let Some((runs, lod)) = pool.drawn(segment) else { continue };
                let carried = segment.keys.joints > 0;
                if carried && !has_joints(segment, performer.live) {
                    continue;
                }
                // A palette is resident whenever a segment is that refers to it.
                let palette = segment.palette.as_ref().and_then(|_| pool.runs(palette_id(segment.id.0)));
                let harmonics = palette.unwrap_or(runs)[HARMONICS];
                let clusters = lod_clusters(segment, lod);
                let tick = u32::try_from(performer.live.tick - segment.start).unwrap_or(0);
                let seconds = performer.live.seconds - performer.rate.seconds_from_ticks(segment.start);
                let index = u32::try_from(self.segments.len()).unwrap_or(0);
                let labels = labels_first(performer.look, segment, pool);
                let grid = &segment.grid;
                let joined = Joined::at(
                    segment,
                    seconds / performer.rate.seconds_from_ticks(segment.end - segment.start),
                );
                self.segments.push(layout::Segment {
                    world_from_object: performer.world_from_object.as_mat4().to_cols_array_2d(),
                    rotation: placed.rotation.as_quat().to_array(),
                    #[expect(clippy::cast_possible_truncation, reason = "seconds within a segment fit f32")]
                    seconds: seconds as f32,
                    tick,
                    planes: segment.shown_planes(),
                    #[expect(clippy::cast_possible_truncation, reason = "a scale factor fits f32")]
                    scale: placed.scale as f32,
                    colour_least: grid.colour_least,
                    colour_step: grid.colour_step,
                    rotation_step: grid.rotation_step,
                    scale_least: grid.scale_least,
                    scale_step: grid.scale_step,
                    velocity_step: grid.velocity_step,
                    quadratic_step: grid.quadratic_step,
                    cubic_step: grid.cubic_step,
                    spin_step: grid.spin_step,
                    window_step: grid.window_step,
                    tick_seconds: grid.tick_seconds,
                    ticks: u32::try_from(segment.end - segment.start).unwrap_or(u32::MAX),
                    first_cluster: runs[SLOTS].first,
                    packed_first: runs[PACKED].first,
                    tile_words: u32::try_from(segment.tile_words()).unwrap_or(0),
                    harmonics_first: harmonics.first,
                    places: places(segment),
                    keys: joined.keys,
                    first_keys: joined.first_keys,
                    mean_weights: joined.mean,
                    rotation_weights: joined.rotation,
                    scale_weight: joined.scale[1],
                    colour_weight: joined.colour[1],
                    poses_first: runs[PACKED].first + tile_units(segment, clusters),
                    poses: u32::from(segment.keys.poses),
                    first_pose: joined.first_pose,
                    pose_weights: joined.pose,
                    pose_origin: grid.pose_origin,
                    pose_step: grid.pose_step,
                    gain: segment.lod_gains.get(usize::from(lod)).copied().unwrap_or(1.0),
                    low_pass,
                    look: bits,
                    labels_first: labels.unwrap_or(0),
                    label_look: labels.map_or(0, |_| look_number),
                    binding: if carried { binding(segment) } else { 0 },
                    joints_first,
                });
                for (number, cluster) in (0_u32..).zip(&segment.clusters[..clusters]) {
                    if tick < cluster.start || tick >= cluster.end {
                        continue;
                    }
                    if !carried {
                        let (low, high) = (cluster.box_min, cluster.box_max);
                        self.measure(&performer.world_from_object, placed.scale, low, high);
                    }
                    self.references.push(layout::ClusterRef {
                        cluster: runs[SLOTS].first + number,
                        segment: index,
                        count: cluster.count,
                        reserved: 0,
                    });
                }
            }
        }
        Ok(())
    }

    /// Puts the table of a performer's look into the frame block, behind those before; its number, from 1, or 0 for none.
    fn take_look(&mut self, look: Option<ChannelLook<'_>>, looks: &mut usize) -> Result<u32> {
        let Some(ChannelLook { table, .. }) = look else { return Ok(0) };
        let Some(place) = self.block.looks.get_mut(*looks) else {
            return Err(Error::LimitExceeded {
                what: "performers with a look in one frame".to_owned(),
                value: *looks as u64 + 1,
                limit: MAX_LOOKS as u64,
            });
        };
        place.as_flattened_mut().copy_from_slice(table.words());
        *looks += 1;
        Ok(u32::try_from(*looks).unwrap_or(0))
    }

    /// Where joints reach is the same for all segments of a performer.
    fn measure_joints(&mut self, performer: &Performer<'_>, scale: f64) {
        let carried = |segment: &&std::sync::Arc<SegmentData>| {
            segment.keys.joints > 0 && has_joints(segment, performer.live)
        };
        let rig = performer.live.segments.iter().find(carried).and_then(|segment| segment.rig.as_ref());
        if let Some([low, high]) = rig.and_then(|rig| rig.bounds(&performer.live.joints)) {
            self.measure(&performer.world_from_object, scale, low, high);
        }
    }

    /// Widens the depth interval by a box of means, taken as the ball around it.
    fn measure(&mut self, world_from_object: &DMat4, scale: f64, low: [f32; 3], high: [f32; 3]) {
        let (low, high) = (Vec3::from_array(low).as_dvec3(), Vec3::from_array(high).as_dvec3());
        let distance = world_from_object.transform_point3((low + high) * 0.5).distance(self.head);
        let radius = (high - low).length() * 0.5 * scale;
        self.nearest = self.nearest.min(distance - radius);
        self.farthest = self.farthest.max(distance + radius);
    }

    /// Completes the frame block from what was gathered.
    pub(super) fn finish(&mut self) {
        let near = self.nearest.max(0.0);
        let (near, far) = if near < self.farthest { (near, self.farthest) } else { (0.0, 1.0) };
        let slots = self.slots();
        let frame = &mut self.block.frame;
        #[expect(clippy::cast_possible_truncation, reason = "distances fit f32")]
        {
            frame.key_near = near as f32;
            frame.key_scale = (f64::from(KEY_MAX) / (far - near).max(1e-6)) as f32;
            frame.depth_reference = (0.5 * (near + far)) as f32;
        }
        frame.slots = slots;
        frame.blocks = slots.div_ceil(SORT_BLOCK);
    }

    /// Entries of the sliced and key arrays.
    pub(super) fn slots(&self) -> u32 {
        u32::try_from(self.references.len()).unwrap_or(u32::MAX).saturating_mul(CLUSTER_SPLATS)
    }

    /// Whether joints carry any of its splats.
    pub(super) fn carries(&self) -> bool {
        self.segments.iter().any(|segment| segment.binding != 0)
    }

    /// Workgroups of slice and cull.
    pub(super) fn groups(&self) -> u32 {
        self.slots() / CLUSTER_SPLATS
    }
}

const _: () =
    assert!(MAX_LOOKS == generated::MAX_LOOKS as usize && LOOK_LABELS == generated::LOOK_LABELS as usize);

/// Whether a live set has the joints that carry a segment: without them its splats have no place.
fn has_joints(segment: &SegmentData, live: &LiveSet) -> bool {
    let carrying = segment.rig.as_ref().map_or(0, |rig| rig.joints().len());
    carrying > 0 && live.joints.len() >= carrying
}

/// Where the labels of a segment start in the pool; without them it is drawn plainly.
fn labels_first(look: Option<ChannelLook<'_>>, segment: &SegmentData, pool: &Pool) -> Option<u32> {
    pool.labels(look?.labels.iter().find(|labels| labels.id == segment.id)?)
}

/// Clusters of a segment's level of detail.
fn lod_clusters(segment: &SegmentData, lod: u8) -> usize {
    if lod >= segment.lod {
        return segment.clusters.len();
    }
    segment.lod_splats(lod).div_ceil(CLUSTER_SPLATS as usize).min(segment.clusters.len())
}

/// Rotation and uniform scale of a transform.
struct Placement {
    rotation: DQuat,
    scale: f64,
}

impl Placement {
    fn of(world_from_object: DMat4) -> Result<Self> {
        let columns = [world_from_object.x_axis, world_from_object.y_axis, world_from_object.z_axis]
            .map(glam::DVec4::truncate);
        let scale = columns[0].length();
        let similar = |a: f64, b: f64| (a - b).abs() <= 1e-4 * scale.max(1e-12);
        let orthogonal = |a: DVec3, b: DVec3| a.dot(b).abs() <= 1e-4 * scale * scale;
        let [x, y, z] = columns;
        let proper = x.cross(y).dot(z) > 0.0;
        let similarity = similar(y.length(), scale) && similar(z.length(), scale);
        let straight = orthogonal(x, y) && orthogonal(y, z) && orthogonal(z, x);
        if !(scale.is_finite()
            && scale > 0.0
            && similarity
            && straight
            && proper
            && world_from_object.is_finite())
        {
            return Err(Error::invalid(
                "world_from_object must be a rotation, a translation and one positive scale, without mirroring",
            ));
        }
        let rotation = DQuat::from_mat3(&glam::DMat3::from_cols(x / scale, y / scale, z / scale));
        Ok(Self { rotation, scale })
    }
}

/// Where each packed plane stands in the segment's tiles, in words a splat: a byte each.
fn places(segment: &SegmentData) -> [u32; 2] {
    let mut bytes = [[0_u8; 4]; 2];
    let mut offset = 0;
    for plane in segment.tile_planes() {
        if let Some(byte) = bytes.as_flattened_mut().get_mut(plane.index() - Plane::FULL) {
            // At most 90: see the widths of planes and the most keys.
            *byte = u8::try_from(offset).unwrap_or(u8::MAX);
        }
        offset += segment.words(plane);
    }
    bytes.map(u32::from_le_bytes)
}

/// Where the joints of a splat stand in the segment's tiles, and how many they are. `Plane::Binding` is the last of a tile.
fn binding(segment: &SegmentData) -> u32 {
    let before = segment.tile_words() - segment.words(Plane::Binding);
    let turn = segment.rig.as_ref().is_some_and(|rig| rig.harmonics() == Harmonics::Turn);
    let turn = if turn { BINDING_TURNS } else { 0 };
    u32::try_from(before).unwrap_or(0) | u32::from(segment.keys.joints) << 16 | turn
}

/// A view as the kernels read it.
fn shader_view(view: &View, (width, height): (u32, u32)) -> Result<layout::View> {
    let fov = view.fov;
    let tangents = [fov.left, fov.right, fov.up, fov.down].map(f64::tan);
    let [left, right, up, down] = tangents;
    let inside =
        [fov.left, fov.right, fov.up, fov.down].iter().all(|a| a.abs() < std::f64::consts::FRAC_PI_2);
    let finite = view.position.iter().chain(&view.orientation).all(|v| v.is_finite());
    if !(inside && finite && right - left > 1e-6 && up - down > 1e-6) {
        return Err(Error::invalid(
            "a view needs a finite pose and angles within ±90° with right > left and up > down",
        ));
    }
    #[expect(clippy::cast_possible_truncation, reason = "what the kernels read is f32")]
    Ok(layout::View {
        view_from_world: view.view_from_world().as_mat4().to_cols_array_2d(),
        position_in_world: DVec3::from_array(view.position).as_vec3().extend(0.0).to_array(),
        tangents: tangents.map(|t| t as f32),
        screen: [
            (f64::from(width) / (right - left)) as f32,
            (f64::from(height) / (up - down)) as f32,
            width as f32,
            height as f32,
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similarities_are_placed() {
        let turn = DMat4::from_scale_rotation_translation(
            DVec3::splat(2.0),
            DQuat::from_rotation_y(1.0),
            DVec3::new(1.0, 2.0, 3.0),
        );
        let placed = Placement::of(turn).unwrap();
        assert!((placed.scale - 2.0).abs() < 1e-12);
        assert!(placed.rotation.angle_between(DQuat::from_rotation_y(1.0)) < 1e-7);
        for wrong in [
            DMat4::from_scale(DVec3::new(1.0, 2.0, 1.0)),
            DMat4::from_scale(DVec3::new(-1.0, 1.0, 1.0)),
            DMat4::ZERO,
            DMat4::NAN,
        ] {
            assert!(Placement::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn views_that_see_nothing_are_refused() {
        let view = View::looking_at(DVec3::Z, DVec3::ZERO, 1.0, 1.0);
        assert!(shader_view(&view, (8, 8)).is_ok());
        let mut flat = view;
        flat.fov.right = flat.fov.left;
        assert!(shader_view(&flat, (8, 8)).is_err());
        let mut lost = view;
        lost.position[0] = f64::NAN;
        assert!(shader_view(&lost, (8, 8)).is_err());
    }
}
