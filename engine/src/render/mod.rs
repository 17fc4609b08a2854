//! What one frame does: `slice → cull → sort → project → raster → composite`, each pass a file in [`pass`].
//!
//! Talks to [`crate::gpu`], never to Vulkan. A [`Renderer`] owns what lasts (pipelines, the pool of resident segments,
//! scratch buffers, frames in flight); a [`Canvas`] owns what depends on the size and number of views. One call to
//! [`Renderer::draw`] records and submits one frame of any number of performers, in one order, for all views at once.
//!
//! A steady frame allocates nothing: buffers grow only when a performer needs more than any before it did.

mod arena;
mod canvas;
mod joined;
mod look;
pub mod pass;
mod pool;
mod scene;
mod scratch;
mod slot;
mod upload;

use std::sync::Arc;

use glam::DMat4;

pub use canvas::{Canvas, CanvasDescription, Pixels};
use pass::Passes;
use pool::Pool;
use scene::Scene;
use scratch::Scratch;
use slot::Slot;
use upload::{Load, loads};

use crate::error::{Error, Result};
use crate::frame::LiveSet;
use crate::gpu::{BindLayouts, BindSet, Gpu, Span};
use crate::look::{ChannelLook, Labels};
use crate::splat::{Appearance, ClipInfo};
use crate::time::TickRate;
use crate::view::View;

/// Frames that may be on the GPU while the next is recorded.
const FRAMES_IN_FLIGHT: u64 = 2;

/// One clip at one moment, standing somewhere.
#[derive(Debug, Clone, Copy)]
pub struct Performer<'a> {
    /// What is live, and the time.
    pub live: &'a LiveSet,
    /// The clip's tick rate.
    pub rate: TickRate,
    /// How the clip asks to be drawn.
    pub appearance: Appearance,
    /// Where the clip stands: rotation, translation, uniform scale.
    pub world_from_object: DMat4,
    /// What is hidden and what tinted by the labels of its splats; `None` draws it as it is.
    pub look: Option<ChannelLook<'a>>,
}

impl<'a> Performer<'a> {
    /// A live set of the clip that `info` describes, standing at the world's origin.
    #[must_use]
    pub const fn new(live: &'a LiveSet, info: &ClipInfo) -> Self {
        Self {
            live,
            rate: info.rate,
            appearance: info.appearance,
            world_from_object: DMat4::IDENTITY,
            look: None,
        }
    }
}

/// How colour leaves the renderer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// As trained, sRGB-encoded: for targets that are shown as they are.
    #[default]
    Srgb,
    /// Linear light: for float targets and for views that encode on write.
    Linear,
}

/// Settings of one frame; the default is a transparent, sRGB-encoded picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Premultiplied colour behind everything, in the target's encoding.
    pub background: [f32; 4],
    /// The target's encoding.
    pub encoding: Encoding,
    /// Draw each segment in the level of detail it is given in, even if this frame has to wait until it is on the GPU.
    /// Otherwise the coarser level that is there stands in while the finer one is written, a piece a frame.
    pub exact: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { background: [0.0; 4], encoding: Encoding::Srgb, exact: false }
    }
}

/// What the renderer did, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Frames drawn.
    pub frames: u64,
    /// Slots of the last frame: splats of all clusters that were live.
    pub slots: u32,
    /// Bytes of segments written to the GPU since the start.
    pub uploaded_bytes: u64,
    /// Bytes of GPU memory that segments stand in: it follows what is live at once, not the length of a clip.
    pub pool_bytes: u64,
    /// Times that buffers had to grow; constant while playback is steady.
    pub growths: u32,
    /// Frames whose performers asked for different colour domains: all were blended in that of the first.
    pub mixed_domains: u64,
}

/// Draws performers on one GPU.
#[derive(Debug)]
pub struct Renderer {
    slots: Vec<Slot>,
    passes: Passes,
    pool: Pool,
    scratch: Scratch,
    scene: Scene,
    layouts: Arc<BindLayouts>,
    gpu: Gpu,
    statistics: Statistics,
    spans: Vec<Span>,
}

impl Renderer {
    /// A renderer on `gpu`, with nothing resident.
    ///
    /// # Errors
    /// When the device is out of memory or refuses a kernel.
    pub fn new(gpu: &Gpu) -> Result<Self> {
        let layouts = BindLayouts::new(gpu)?;
        Ok(Self {
            slots: (0..FRAMES_IN_FLIGHT).map(|_| Slot::new(gpu)).collect::<Result<_>>()?,
            passes: Passes::new(&layouts)?,
            pool: Pool::new(gpu)?,
            scratch: Scratch::new(gpu, 0, 1)?,
            scene: Scene::default(),
            layouts,
            gpu: gpu.clone(),
            statistics: Statistics::default(),
            spans: Vec::with_capacity(64),
        })
    }

    /// Draws one frame of `performers` into `canvas`, one layer a view, and submits it. Does not wait for the GPU
    /// unless both earlier frames are still in flight.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the number of views is not the canvas', a view sees nothing, or a transform is
    /// not a similarity; [`Error::LimitExceeded`] when the performers do not fit the device; [`Error::DeviceLost`].
    pub fn draw(
        &mut self,
        performers: &[Performer<'_>],
        views: &[View],
        settings: &Settings,
        canvas: &Canvas,
    ) -> Result<()> {
        if views.len() != canvas.layers() as usize {
            return Err(Error::invalid(format!(
                "{} views for a canvas of {} layers: they must agree",
                views.len(),
                canvas.layers()
            )));
        }
        let frame_number = self.statistics.frames + 1;
        let index = usize::try_from(frame_number % FRAMES_IN_FLIGHT).unwrap_or(0);
        self.slots[index].wait(&mut self.spans)?;
        let completed = frame_number.saturating_sub(FRAMES_IN_FLIGHT);

        self.pool.exact = settings.exact;
        self.scene.gather(performers, views, settings, canvas.size())?;
        self.make_resident(performers, frame_number, completed)?;
        self.scene.refer(performers, &self.pool)?;
        self.make_room(views.len())?;
        self.scene.finish();

        self.slots[index].write(&self.scene)?;
        let generation = (self.pool.generation(), self.scratch.generation());
        if self.slots[index].generation != generation {
            let set = self.bind_set(index)?;
            self.slots[index].set = Some(set);
            self.slots[index].generation = generation;
        }
        let slot = &mut self.slots[index];
        slot.record(&self.layouts, &mut self.pool, &self.scratch, &self.passes, canvas, &self.scene)?;
        let live = performers.iter().flat_map(|p| &p.live.segments);
        slot.submit(&self.pool.waits(live, labels_in(performers), frame_number))?;
        self.statistics.frames = frame_number;
        self.statistics.slots = self.scene.slots();
        self.statistics.mixed_domains += u64::from(self.scene.mixed_domains);
        self.statistics.uploaded_bytes = self.pool.uploaded_bytes();
        self.statistics.pool_bytes = self.pool.bytes();
        Ok(())
    }

    /// Uploads what is live and not there yet, and a part of what comes next; grows the pool when it cannot hold what is
    /// live.
    fn make_resident(&mut self, performers: &[Performer<'_>], frame: u64, completed: u64) -> Result<()> {
        let segments = || performers.iter().flat_map(|p| &p.live.segments);
        // Where a picture has to be exact, labels are as urgent as what they belong to.
        let exact = self.pool.exact;
        let urgent = || labels_in(performers).filter(|_| exact).map(|labels| Load::Labels(labels));
        let live = || loads(segments()).chain(urgent());
        if !self.pool.make_resident(live(), frame, completed) {
            self.wait()?;
            self.pool.grow(&self.gpu, live())?;
            self.statistics.growths += 1;
            if !self.pool.make_resident(live(), frame, frame) {
                return Err(Error::OutOfMemory { what: "the pool of resident segments".to_owned() });
            }
        }
        let slot = usize::try_from(frame % FRAMES_IN_FLIGHT).unwrap_or(0);
        self.pool.write_live(&self.gpu, live(), slot)?;
        // Live segments for which a coarser level stands in are first in line.
        let next = performers.iter().flat_map(|p| &p.live.coming);
        let labels = labels_in(performers).map(|labels| Load::Labels(labels));
        let coming = loads(segments()).chain(labels).chain(loads(next));
        self.pool.write_ahead(&self.gpu, coming, frame, completed, slot)
    }

    /// Grows the scratch buffers when this frame has more slots or views than any before.
    fn make_room(&mut self, views: usize) -> Result<()> {
        if !self.scratch.holds(self.scene.slots(), views) {
            self.wait()?;
            self.scratch.grow(&self.gpu, self.scene.slots(), views)?;
            self.statistics.growths += 1;
        }
        Ok(())
    }

    fn bind_set(&self, index: usize) -> Result<BindSet> {
        let mut buffers = Vec::with_capacity(32);
        self.slots[index].bindings(&mut buffers);
        self.pool.bindings(&mut buffers);
        self.scratch.bindings(&mut buffers);
        BindSet::buffers(&self.layouts, "frame buffers", &buffers)
    }

    /// Waits for every frame in flight and reads their timings.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub fn wait(&mut self) -> Result<()> {
        self.pool.wait()?;
        for slot in &mut self.slots {
            slot.wait(&mut self.spans)?;
        }
        Ok(())
    }

    /// GPU times of the newest finished frame, by kernel, in order of execution; empty where the queue has no clock.
    #[must_use]
    pub fn timings(&self) -> &[Span] {
        &self.spans
    }

    /// What was done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The device.
    #[must_use]
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// A canvas of this renderer's device.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for sizes the device cannot have; [`Error::OutOfMemory`].
    pub fn canvas(&self, description: &CanvasDescription) -> Result<Canvas> {
        Canvas::new(&self.gpu, &self.layouts, description)
    }

    /// Waits for all frames and reads what `canvas` shows.
    ///
    /// # Errors
    /// [`Error::DeviceLost`]; [`Error::OutOfMemory`].
    pub fn read(&mut self, canvas: &mut Canvas) -> Result<Pixels> {
        self.wait()?;
        canvas.prepare_readback()?;
        let slot = &mut self.slots[0];
        slot.copy_out(&self.layouts, canvas)?;
        slot.wait(&mut Vec::new())?;
        canvas.pixels()
    }
}

/// The labels of all looks, of what is live and what comes.
fn labels_in<'a>(performers: &'a [Performer<'a>]) -> impl Iterator<Item = &'a Arc<Labels>> + Clone {
    performers.iter().filter_map(|performer| performer.look).flat_map(|look| look.labels)
}

impl Drop for Renderer {
    fn drop(&mut self) {
        // Buffers go with their fields; the GPU must have let go of them first.
        let _lost = self.wait();
    }
}
