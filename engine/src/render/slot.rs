//! One frame in flight: its parameter buffers, its commands, its timings.

use vivant_shaders::generated::binding;
use vivant_shaders::layout::{ClusterRef, FrameBlock, Segment};

use super::canvas::Canvas;
use super::pass::Passes;
use super::pool::Pool;
use super::scene::Scene;
use super::scratch::Scratch;
use crate::error::{Error, Result};
use crate::gpu::{BindLayouts, BindSet, Buffer, BufferKind, Encoder, Frame, Gpu, Span, Timings, Waits};
use crate::rig::Affine;

/// Room for cluster references to start with: 256 × 1024 splats.
const FIRST_REFERENCES: usize = 1024;
/// Room for joints to start with: a few skeletons.
const FIRST_JOINTS: usize = 256;

/// A frame's own buffers and commands.
#[derive(Debug)]
pub(super) struct Slot {
    frame: Frame,
    timings: Timings,
    timed: bool,
    block: Buffer,
    segments: Buffer,
    references: Buffer,
    joints: Buffer,
    /// Descriptor set over this slot's, the pool's and the scratch buffers, of [`Self::generation`].
    pub(super) set: Option<BindSet>,
    /// Generations of (pool, scratch) that `set` was made for; the slot's own growth clears it.
    pub(super) generation: (u32, u32),
    gpu: Gpu,
}

impl Slot {
    pub(super) fn new(gpu: &Gpu) -> Result<Self> {
        let shared = |name: &str, bytes: usize| Buffer::new(gpu, name, bytes as u64, BufferKind::Shared);
        Ok(Self {
            frame: Frame::new(gpu, "frame")?,
            timings: Timings::new(gpu)?,
            timed: false,
            block: shared("frame block", size_of::<FrameBlock>())?,
            segments: shared("segment table", 64 * size_of::<Segment>())?,
            references: shared("cluster references", FIRST_REFERENCES * size_of::<ClusterRef>())?,
            joints: shared("joints", FIRST_JOINTS * size_of::<Affine>())?,
            set: None,
            generation: (0, 0),
            gpu: gpu.clone(),
        })
    }

    /// Waits for the frame and, when it drew something, reads its timings.
    pub(super) fn wait(&mut self, spans: &mut Vec<Span>) -> Result<()> {
        self.frame.wait()?;
        if std::mem::take(&mut self.timed) {
            self.timings.read(spans);
        }
        Ok(())
    }

    /// Writes the frame's parameters; the frame must have been waited for.
    pub(super) fn write(&mut self, scene: &Scene) -> Result<()> {
        let bytes = (scene.references.len() * size_of::<ClusterRef>()) as u64;
        if bytes > self.references.bytes() {
            self.references =
                Buffer::new(&self.gpu, "cluster references", bytes + bytes / 4, BufferKind::Shared)?;
            self.generation = (0, 0);
        }
        let bytes = (scene.joints.len() * size_of::<Affine>()) as u64;
        if bytes > self.joints.bytes() {
            self.joints = Buffer::new(&self.gpu, "joints", bytes + bytes / 4, BufferKind::Shared)?;
            self.generation = (0, 0);
        }
        self.block.write(0, &[scene.block])?;
        self.joints.write(0, scene.joints.as_flattened())?;
        self.segments.write(0, &scene.segments)?;
        self.references.write(0, &scene.references)
    }

    pub(super) fn bindings<'a>(&'a self, out: &mut Vec<(u32, &'a Buffer)>) {
        out.push((binding::FRAME, &self.block));
        out.push((binding::SEGMENT, &self.segments));
        out.push((binding::CLUSTER_REF, &self.references));
        out.push((binding::JOINT, &self.joints));
    }

    /// Records every pass of the frame.
    pub(super) fn record(
        &mut self,
        layouts: &BindLayouts,
        pool: &mut Pool,
        scratch: &Scratch,
        passes: &Passes,
        canvas: &Canvas,
        scene: &Scene,
    ) -> Result<()> {
        let set = self.set.as_ref().ok_or(Error::DeviceLost { doing: "binding a frame" })?;
        let counts = scratch.counts().ok_or(Error::DeviceLost { doing: "binding a frame" })?;
        let mut encoder = Encoder::begin(layouts, &self.frame, &mut self.timings)?;
        pool.record_copies(&mut encoder);
        encoder.bind(set);
        passes.slice.record(&mut encoder, scene.groups(), scene.carries());
        passes.cull.record(&mut encoder, scene.groups());
        passes.sort.record(&mut encoder, scene.block.frame.blocks);
        passes.project.record(&mut encoder, counts, scene.looks);
        canvas.raster().record(&mut encoder, canvas.accumulation(), set, counts, scene.looks);
        canvas.composite().record(&mut encoder, canvas.output(), set);
        encoder.finish()?;
        self.timed = true;
        Ok(())
    }

    /// Hands the recorded frame to the GPU, which waits for the uploads it needs.
    pub(super) fn submit(&mut self, waits: &Waits) -> Result<()> {
        self.frame.submit_after(waits)
    }

    /// Records and submits the copy of a canvas' images to the host; the caller waits.
    pub(super) fn copy_out(&mut self, layouts: &BindLayouts, canvas: &Canvas) -> Result<()> {
        let mut encoder = Encoder::begin(layouts, &self.frame, &mut self.timings)?;
        canvas.record_copies(&mut encoder);
        encoder.finish()?;
        self.frame.submit()
    }
}
