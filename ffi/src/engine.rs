//! The engine: what players and renderers belong to. Holds the log, and the GPU once something draws.

#![expect(unsafe_code, reason = "exported names and pointers of the host")]

use std::ffi::c_void;
use std::sync::Mutex;

use vivant::gpu::{Gpu, GpuOptions};

use crate::guard::guard;
use crate::handle::{self, Object, lock};
use crate::log::{Log, VVT_LOG_ERROR, VVT_LOG_INFO, VVT_LOG_WARN, vvt_log_fn};
use crate::memory::{Described, Growing, check_flags, output, read_or_default, vvt_chain};
use crate::result::{Failure, Outcome, VVT_ERR_UNSUPPORTED, VVT_OK, vvt_result};
use crate::strings::{text_of, vvt_str};
use crate::version::VVT_ABI_VERSION;

/// An engine. 0 is none. Handles of every kind may be used on any thread.
pub type vvt_engine = u64;

/// Turns on the Vulkan validation layer for what this engine draws; its messages are logged as errors. For development.
pub const VVT_ENGINE_VALIDATION: u32 = 1;

/// How to create an engine. Everything but `struct_size` may be zero.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vvt_engine_desc {
    /// sizeof(vvt_engine_desc).
    pub struct_size: u32,
    /// VVT_ABI_VERSION of the header the host was compiled with, to be checked; 0 is not checked.
    pub abi_version: u32,
    /// NULL.
    pub next: *const vvt_chain,
    /// Takes the log; NULL for none. Must be callable on any thread, several at once, until vvt_engine_destroy and
    /// every other call on this engine's objects have returned.
    pub log: vvt_log_fn,
    /// Handed to `log` as it is.
    pub log_user: *mut c_void,
    /// The most talkative level to log, VVT_LOG_ERROR to VVT_LOG_INFO; 0 is VVT_LOG_WARN.
    pub log_level: i32,
    /// VVT_ENGINE_ flags.
    pub flags: u32,
    /// Take the first GPU whose name contains this text; empty for the best one, or the one that the environment
    /// variable VIVANT_DEVICE names.
    pub device_name: vvt_str,
}

// SAFETY: repr(C), every field may be zero; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_engine_desc {
    const NAME: &str = "vvt_engine_desc";
    const FIRST_BYTES: usize = size_of::<Self>();
}

// SAFETY: starts with its size.
unsafe impl Described for vvt_engine_desc {
    fn next(&self) -> *const vvt_chain {
        self.next
    }
}

/// What a `vvt_engine` names.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) log: Log,
    options: GpuOptions,
    /// Made when something draws first, shared by all that draws; with the messages of validation logged so far.
    gpu: Mutex<Option<(Gpu, usize)>>,
}

impl Object for Engine {
    const KIND: u8 = 1;
    const NAME: &str = "vvt_engine";
}

impl Engine {
    /// The GPU, opened on first use.
    pub(crate) fn gpu(&self) -> Outcome<Gpu> {
        let mut slot = lock(&self.gpu)?;
        if let Some((gpu, _)) = &*slot {
            return Ok(gpu.clone());
        }
        let gpu = Gpu::create(&self.options)?;
        let report = gpu.report();
        self.log.line(VVT_LOG_INFO, c"gpu", &format!("drawing on {} ({})", report.name, report.driver));
        *slot = Some((gpu.clone(), 0));
        Ok(gpu)
    }

    /// Logs what validation said since the last time. Nothing without VVT_ENGINE_VALIDATION.
    pub(crate) fn log_validation(&self) -> Outcome<()> {
        let mut slot = lock(&self.gpu)?;
        let Some((gpu, told)) = slot.as_mut().filter(|(gpu, told)| gpu.validation_count() > *told) else {
            return Ok(());
        };
        for message in gpu.validation_messages().iter().skip(*told) {
            self.log.line(VVT_LOG_ERROR, c"validation", message);
        }
        *told = gpu.validation_count();
        Ok(())
    }

    /// Forgets a GPU that was lost, so that what is created next gets a new device.
    pub(crate) fn forget_gpu(&self) -> Outcome<()> {
        *lock(&self.gpu)? = None;
        Ok(())
    }
}

fn check_version(wanted: u32) -> Outcome<()> {
    let (major, minor) = (VVT_ABI_VERSION >> 16, VVT_ABI_VERSION & 0xFFFF);
    if wanted == 0 || (wanted >> 16 == major && wanted & 0xFFFF <= minor) {
        return Ok(());
    }
    let wanted = format!("{}.{}", wanted >> 16, wanted & 0xFFFF);
    let text = format!("the host was compiled for interface {wanted}, this library has {major}.{minor}");
    Err(Failure::new(VVT_ERR_UNSUPPORTED, text))
}

/// Creates an engine. Opens no GPU yet: that happens when something draws first.
///
/// Thread: any. Owner: the host, until vvt_engine_destroy.
///
/// # Safety
/// `desc` is NULL for the defaults, or a valid struct for the call; `out` is writable and gets the engine, 0 on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vvt_engine_create(desc: *const vvt_engine_desc, out: *mut vvt_engine) -> vvt_result {
    guard(|| {
        // SAFETY: this function's contract.
        let out = unsafe { output(out, "out") }?;
        // SAFETY: this function's contract.
        let desc = unsafe { read_or_default(desc, "desc") }?;
        check_version(desc.abi_version)?;
        check_flags(desc.flags, VVT_ENGINE_VALIDATION, "vvt_engine_desc.flags")?;
        if !(0..=VVT_LOG_INFO).contains(&desc.log_level) {
            return Err(Failure::invalid(format!("a log level of {}: it is 0 to 3", desc.log_level)));
        }
        // SAFETY: this function's contract.
        let device = unsafe { text_of(desc.device_name, "device_name") }?;
        let mut options = GpuOptions::from_env();
        options.validation |= desc.flags & VVT_ENGINE_VALIDATION != 0;
        options.device = device.map(str::to_owned).or(options.device);
        let level = if desc.log_level == 0 { VVT_LOG_WARN } else { desc.log_level };
        let log = Log { call: desc.log, user: desc.log_user, level };
        *out = handle::insert(0, Engine { log, options, gpu: Mutex::new(None) })?;
        Ok(VVT_OK)
    })
}

/// Destroys an engine and everything created from it; their handles answer VVT_ERR_BAD_HANDLE from now on. Waits for the
/// GPU and for reads in progress. Calls that run on other threads end well and then free what they used.
///
/// Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn vvt_engine_destroy(engine: vvt_engine) -> vvt_result {
    guard(|| {
        drop(handle::remove::<Engine>(engine)?);
        Ok(VVT_OK)
    })
}
