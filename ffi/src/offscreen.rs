//! The offscreen renderer: pictures into memory of the host, on a GPU of our own.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex};

use glam::DMat4;
use vivant::frame::LiveSet;
use vivant::render::{Canvas, CanvasDescription, Performer, Renderer, Settings};
use vivant::splat::ClipInfo;
use vivant::view::View;

use crate::engine::{Engine, vvt_engine};
use crate::guard::guard;
use crate::handle::{self, Object, lock};
use crate::log::VVT_LOG_WARN;
use crate::memory::{Described, Growing, buffer, check_flags, output, read, read_array, vvt_chain};
use crate::player::{Player, vvt_player};
use crate::result::{
    Failure, Outcome, VVT_ERR_DEVICE_LOST, VVT_ERR_STATE, VVT_NOT_READY, VVT_OK, VVT_STALE_FRAME, vvt_result,
};
use crate::view::{place_of, view_of, vvt_instance, vvt_view};

/// An offscreen renderer. 0 is none.
pub type vvt_offscreen = u64;

/// Draw depth too.
pub const VVT_OFFSCREEN_DEPTH: u32 = 1;

/// Instances in one picture at most.
const MAX_INSTANCES: u32 = 1024;

/// What an offscreen renderer draws.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_offscreen_desc {
    /// sizeof(vvt_offscreen_desc).
    pub struct_size: u32,
    /// VVT_OFFSCREEN_ flags.
    pub flags: u32,
    /// NULL.
    pub next: *const vvt_chain,
    /// Width of each view, px.
    pub width: u32,
    /// Height of each view, px.
    pub height: u32,
    /// Number of views, all drawn at once; 0 is 1.
    pub views: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), every field may be zero; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_offscreen_desc {
    const NAME: &str = "vvt_offscreen_desc";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_offscreen_desc {
    fn next(&self) -> *const vvt_chain {
        self.next
    }
}

/// One picture: who is in it and who looks.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_draw {
    /// sizeof(vvt_draw).
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// NULL.
    pub next: *const vvt_chain,
    /// The host time to show, by the clock that the players are given.
    pub host_time_ns: i64,
    /// As many views as the renderer has.
    pub views: *const vvt_view,
    /// The players to draw; all of them are sorted together.
    pub instances: *const vvt_instance,
    /// How many views.
    pub view_count: u32,
    /// sizeof(vvt_view).
    pub view_stride: u32,
    /// How many instances; 0 draws the background.
    pub instance_count: u32,
    /// sizeof(vvt_instance).
    pub instance_stride: u32,
    /// Colour behind everything: red, green, blue as shown on screen (sRGB-encoded), 0 to 1, multiplied by alpha.
    pub background: [f32; 4],
}

// SAFETY: repr(C), every field may be zero; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_draw {
    const NAME: &str = "vvt_draw";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_draw {
    fn next(&self) -> *const vvt_chain {
        self.next
    }
}

/// Where to put a picture.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_readback {
    /// sizeof(vvt_readback).
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// NULL.
    pub next: *const vvt_chain,
    /// Gets views × height × width × 4 bytes: red, green, blue, alpha, rows from the top, sRGB-encoded as shown on
    /// screen, multiplied by alpha. NULL for none.
    pub rgba: *mut u8,
    /// Room there, bytes; must be what is needed.
    pub rgba_bytes: usize,
    /// Gets views × height × width floats: metres along -Z, infinity where nothing is. NULL for none.
    pub depth: *mut f32,
    /// Room there, bytes; must be what is needed.
    pub depth_bytes: usize,
}

// SAFETY: repr(C), every field may be zero; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_readback {
    const NAME: &str = "vvt_readback";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_readback {
    fn next(&self) -> *const vvt_chain {
        self.next
    }
}

/// What a `vvt_offscreen` names.
#[derive(Debug)]
pub(crate) struct Offscreen {
    state: Mutex<State>,
    engine: Arc<Engine>,
}

impl Object for Offscreen {
    const KIND: u8 = 3;
    const NAME: &str = "vvt_offscreen";
}

#[derive(Debug)]
struct State {
    // First, so that it waits for the GPU before the canvas goes.
    renderer: Renderer,
    canvas: Canvas,
    depth: bool,
    drawn: bool,
    /// Whether the log has it that players ask for different colour domains.
    mixed: bool,
}

/// A player's picture of one time, standing somewhere.
struct Cast {
    player: vvt_player,
    live: LiveSet,
    info: ClipInfo,
    world_from_object: DMat4,
}

impl Cast {
    fn performer(&self) -> Performer<'_> {
        Performer { world_from_object: self.world_from_object, ..Performer::new(&self.live, &self.info) }
    }
}

/// Takes every player's picture of a host time, each player once and locked by itself, so that two renderers with the
/// same players cannot wait for each other. The note is the worst of all.
fn gather(instances: &[vvt_instance], host_time_ns: i64) -> Outcome<(vvt_result, Vec<Cast>)> {
    let mut worst = VVT_OK;
    let mut casts: Vec<Cast> = Vec::with_capacity(instances.len());
    for instance in instances {
        let world_from_object = place_of(instance)?;
        let player = handle::get::<Player>(instance.player)?;
        if let Some(same) = casts.iter().find(|cast| cast.player == instance.player) {
            casts.push(Cast { live: same.live.clone(), world_from_object, ..*same });
            continue;
        }
        let mut state = lock(&player.state)?;
        let info = state.inner.shown_clip().info();
        let (note, live) = state.update(host_time_ns, LiveSet::clone);
        worst = match (worst, note) {
            (VVT_NOT_READY, _) | (_, VVT_NOT_READY) => VVT_NOT_READY,
            (VVT_STALE_FRAME, _) | (_, VVT_STALE_FRAME) => VVT_STALE_FRAME,
            _ => VVT_OK,
        };
        casts.extend(live.map(|live| Cast { player: instance.player, live, info, world_from_object }));
    }
    Ok((worst, casts))
}

impl Offscreen {
    fn create(engine: Arc<Engine>, desc: &vvt_offscreen_desc) -> Outcome<Self> {
        check_flags(desc.flags, VVT_OFFSCREEN_DEPTH, "vvt_offscreen_desc.flags")?;
        check_flags(desc.reserved, 0, "vvt_offscreen_desc.reserved")?;
        let depth = desc.flags & VVT_OFFSCREEN_DEPTH != 0;
        let renderer = Renderer::new(&engine.gpu()?)?;
        let description =
            CanvasDescription { depth, ..CanvasDescription::new(desc.width, desc.height, desc.views.max(1)) };
        let canvas = renderer.canvas(&description)?;
        Ok(Self { state: Mutex::new(State { renderer, canvas, depth, drawn: false, mixed: false }), engine })
    }

    /// Runs `body`; afterwards tells what validation said, and lets go of a device that was lost.
    fn with<T>(&self, body: impl FnOnce(&mut State) -> Outcome<T>) -> Outcome<T> {
        let (outcome, mixed) = {
            let mut state = lock(&self.state)?;
            let outcome = body(&mut state);
            (outcome, state.newly_mixed())
        };
        if mixed {
            let text =
                "some clips hold linear light and some encoded colours: all are blended as the first one's";
            self.engine.log.line(VVT_LOG_WARN, c"render", text);
        }
        self.engine.log_validation()?;
        if outcome.as_ref().is_err_and(|failure| failure.code == VVT_ERR_DEVICE_LOST) {
            self.engine.forget_gpu()?;
        }
        outcome
    }
}

impl State {
    /// Whether players of different colour domains were drawn together for the first time.
    fn newly_mixed(&mut self) -> bool {
        let mixed = self.renderer.statistics().mixed_domains > 0;
        mixed && !std::mem::replace(&mut self.mixed, mixed)
    }

    fn draw(&mut self, draw: &vvt_draw, views: &[View], instances: &[vvt_instance]) -> Outcome<vvt_result> {
        let (note, casts) = gather(instances, draw.host_time_ns)?;
        let performers: Vec<Performer<'_>> = casts.iter().map(Cast::performer).collect();
        let settings = Settings { background: draw.background, exact: true, ..Settings::default() };
        self.renderer.draw(&performers, views, &settings, &self.canvas)?;
        self.drawn = true;
        Ok(note)
    }

    fn read(
        &mut self,
        rgba: Option<&mut [MaybeUninit<u8>]>,
        depth: Option<&mut [MaybeUninit<f32>]>,
    ) -> Outcome<()> {
        let pixels = self.renderer.read(&mut self.canvas)?;
        if let Some(rgba) = rgba {
            let bytes = pixels.images.iter().flat_map(vivant::picture::Image::to_premultiplied_rgba8);
            for (place, byte) in rgba.iter_mut().zip(bytes) {
                place.write(byte);
            }
        }
        for (place, metres) in depth.into_iter().flatten().zip(&pixels.depth) {
            place.write(*metres);
        }
        Ok(())
    }
}

/// Creates an offscreen renderer. The first one of an engine opens the GPU; all of an engine share it.
///
/// Thread: any; takes a while. Owner: the host, until vvt_offscreen_destroy or vvt_engine_destroy.
///
/// # Safety
/// `desc` is a valid struct for the call; `out` is writable and gets the renderer, 0 on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_offscreen_create(
    engine: vvt_engine,
    desc: *const vvt_offscreen_desc,
    out: *mut vvt_offscreen,
) -> vvt_result {
    guard(|| {
        // SAFETY: this function's contract.
        let out = unsafe { output(out, "out") }?;
        // SAFETY: this function's contract.
        let desc = unsafe { read(desc, "desc") }?;
        *out = handle::insert(engine, Offscreen::create(handle::get::<Engine>(engine)?, &desc)?)?;
        Ok(VVT_OK)
    })
}

/// Destroys an offscreen renderer. Waits for what it has on the GPU.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_offscreen_destroy(offscreen: vvt_offscreen) -> vvt_result {
    guard(|| {
        drop(handle::remove::<Offscreen>(offscreen)?);
        Ok(VVT_OK)
    })
}

/// Brings the players to the host time and hands one picture to the GPU: VVT_OK when it shows that time,
/// VVT_STALE_FRAME when a player shows an older one, VVT_NOT_READY when a player has none yet and is left out. Waits for
/// the GPU only when two earlier pictures are still being drawn.
///
/// Thread: any, one at a time a renderer; another waits.
///
/// # Safety
/// `draw` is a valid struct for the call, and so are the arrays that it points to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_offscreen_draw(offscreen: vvt_offscreen, draw: *const vvt_draw) -> vvt_result {
    guard(|| {
        let offscreen = handle::get::<Offscreen>(offscreen)?;
        // SAFETY: this function's contract.
        let draw = unsafe { read(draw, "draw") }?;
        check_flags(draw.flags, 0, "vvt_draw.flags")?;
        if draw.instance_count > MAX_INSTANCES {
            let text = format!("{} instances: at most {MAX_INSTANCES} fit a picture", draw.instance_count);
            return Err(Failure::invalid(text));
        }
        if draw.background.iter().any(|value| !value.is_finite()) {
            return Err(Failure::invalid("the background is not finite"));
        }
        offscreen.with(|state| {
            let wanted = state.canvas.layers();
            if draw.view_count != wanted {
                let text = format!("{} views for a renderer of {wanted}", draw.view_count);
                return Err(Failure::invalid(text));
            }
            // SAFETY: this function's contract.
            let views = unsafe { read_array(draw.views, draw.view_count, draw.view_stride, "views") }?;
            let views = views.iter().map(view_of).collect::<Outcome<Vec<View>>>()?;
            let (count, stride) = (draw.instance_count, draw.instance_stride);
            // SAFETY: this function's contract.
            let instances = unsafe { read_array(draw.instances, count, stride, "instances") }?;
            state.draw(&draw, &views, &instances)
        })
    })
}

/// Waits for the GPU and copies the last picture drawn into memory of the host. VVT_ERR_STATE before the first.
///
/// Thread: any, one at a time a renderer; another waits.
///
/// # Safety
/// `to` is a valid struct for the call; the buffers that it points to are writable for the sizes that it gives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_offscreen_read(offscreen: vvt_offscreen, to: *const vvt_readback) -> vvt_result {
    guard(|| {
        let offscreen = handle::get::<Offscreen>(offscreen)?;
        // SAFETY: this function's contract.
        let to = unsafe { read(to, "to") }?;
        check_flags(to.flags, 0, "vvt_readback.flags")?;
        offscreen.with(|state| {
            if !state.drawn {
                return Err(Failure::new(VVT_ERR_STATE, "nothing was drawn yet"));
            }
            let (width, height) = state.canvas.size();
            let texels = width as usize * height as usize * state.canvas.layers() as usize;
            let rgba = if to.rgba.is_null() && to.rgba_bytes == 0 {
                None
            } else {
                // SAFETY: this function's contract.
                Some(unsafe { buffer(to.rgba, to.rgba_bytes, texels * 4, "rgba") }?)
            };
            let depth = if to.depth.is_null() && to.depth_bytes == 0 {
                None
            } else if state.depth {
                // SAFETY: this function's contract.
                Some(unsafe { buffer(to.depth, to.depth_bytes, texels, "depth") }?)
            } else {
                let text = "this renderer draws no depth: create it with VVT_OFFSCREEN_DEPTH";
                return Err(Failure::new(VVT_ERR_STATE, text));
            };
            state.read(rgba, depth)?;
            Ok(VVT_OK)
        })
    })
}
