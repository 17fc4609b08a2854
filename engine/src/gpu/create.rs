//! A device of our own: instance, validation, choice of the physical device, queue, allocator.

use std::ffi::{CStr, CString, c_char};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};

use ash::{Entry, Instance, ext, vk};
use gpu_allocator::vulkan::{Allocator, AllocatorCreateDesc};

use super::caps::{Capabilities, DeviceReport, Families, inspect};
use super::vk_error;
use crate::error::{Error, Result};

const VALIDATION_LAYER: &CStr = c"VK_LAYER_KHRONOS_validation";
const HOW_TO_GET_A_DRIVER: &str =
    "install a Vulkan driver (samples/setup.sh does so on Debian and Ubuntu) and run `vivant doctor`";

/// How to create a [`Gpu`].
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Turn on the validation layer, with synchronization validation; its messages are counted and kept.
    pub validation: bool,
    /// Take the first device whose name contains this text, instead of the best one.
    pub device: Option<String>,
    /// Upload through staging copies even where memory is unified; for tests.
    pub force_staging: bool,
    /// Copy what comes next by submissions of its own even where only one queue is, staging included; for tests.
    pub force_transfer: bool,
}

impl GpuOptions {
    /// The options that the environment asks for: `VIVANT_VALIDATION=1`, `VIVANT_DEVICE=name`.
    #[must_use]
    pub fn from_env() -> Self {
        Self {
            validation: std::env::var("VIVANT_VALIDATION").is_ok_and(|v| v != "0" && !v.is_empty()),
            device: std::env::var("VIVANT_DEVICE").ok().filter(|v| !v.is_empty()),
            ..Self::default()
        }
    }
}

/// What validation said.
#[derive(Debug, Default)]
struct ValidationLog {
    count: AtomicUsize,
    messages: Mutex<Vec<String>>,
}

/// The loaded Vulkan API: entry points, instance and, with validation, its messenger.
pub(super) struct Api {
    // Order of fields is order of destruction for what has no Drop of its own: the entry must go last.
    messenger: Option<(ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>,
    instance: Instance,
    log: Arc<ValidationLog>,
    _entry: Entry,
}

impl Api {
    #[expect(unsafe_code, reason = "Vulkan")]
    pub(super) fn load(options: &GpuOptions) -> Result<Self> {
        // SAFETY: the system's Vulkan loader is trusted to be one; it stays loaded as long as `_entry`.
        let entry = unsafe { Entry::load() }.map_err(|e| Error::MissingFeature {
            what: format!("no Vulkan loader on this system ({e}): {HOW_TO_GET_A_DRIVER}"),
        })?;
        // SAFETY: contract 3.
        let version = unsafe { entry.try_enumerate_instance_version() }
            .map_err(vk_error("asking for the Vulkan version"))?
            .unwrap_or(vk::API_VERSION_1_0);
        if version < vk::API_VERSION_1_1 {
            return Err(Error::MissingFeature {
                what: format!("the Vulkan loader is older than 1.1: {HOW_TO_GET_A_DRIVER}"),
            });
        }
        let application = vk::ApplicationInfo::default()
            .engine_name(c"Vivant")
            .engine_version(vk::make_api_version(0, 0, 1, 0))
            .api_version(vk::API_VERSION_1_1);
        let mut layers: Vec<*const c_char> = Vec::new();
        let mut extensions: Vec<*const c_char> = Vec::new();
        if options.validation {
            layers.push(VALIDATION_LAYER.as_ptr());
            extensions.push(ext::debug_utils::NAME.as_ptr());
            extensions.push(ext::validation_features::NAME.as_ptr());
        }
        let enabled = [vk::ValidationFeatureEnableEXT::SYNCHRONIZATION_VALIDATION];
        let mut features = vk::ValidationFeaturesEXT::default().enabled_validation_features(&enabled);
        let mut info = vk::InstanceCreateInfo::default()
            .application_info(&application)
            .enabled_layer_names(&layers)
            .enabled_extension_names(&extensions);
        if options.validation {
            info = info.push_next(&mut features);
        }
        let changing = change_loader();
        // SAFETY: contract 3.
        let created = unsafe { entry.create_instance(&info, None) };
        drop(changing);
        let instance = created.map_err(|e| match e {
            vk::Result::ERROR_LAYER_NOT_PRESENT => Error::MissingFeature {
                what: "VK_LAYER_KHRONOS_validation is not installed: run `samples/setup.sh tests`, or play without \
                       validation"
                    .to_owned(),
            },
            vk::Result::ERROR_INCOMPATIBLE_DRIVER => {
                Error::MissingFeature { what: format!("no Vulkan driver on this system: {HOW_TO_GET_A_DRIVER}") }
            }
            other => vk_error("creating the Vulkan instance")(other),
        })?;
        let log = Arc::new(ValidationLog::default());
        let mut api = Self { messenger: None, instance, log, _entry: entry };
        if options.validation {
            api.listen()?;
        }
        Ok(api)
    }

    /// Starts to collect what validation says.
    #[expect(unsafe_code, reason = "Vulkan")]
    fn listen(&mut self) -> Result<()> {
        let loader = ext::debug_utils::Instance::new(&self._entry, &self.instance);
        let info = vk::DebugUtilsMessengerCreateInfoEXT::default()
            .message_severity(
                vk::DebugUtilsMessageSeverityFlagsEXT::ERROR | vk::DebugUtilsMessageSeverityFlagsEXT::WARNING,
            )
            .message_type(
                vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION
                    | vk::DebugUtilsMessageTypeFlagsEXT::PERFORMANCE,
            )
            .pfn_user_callback(Some(collect))
            .user_data(Arc::as_ptr(&self.log).cast_mut().cast());
        // SAFETY: contract 3; the log outlives the messenger, which Drop destroys first.
        let messenger = unsafe { loader.create_debug_utils_messenger(&info, None) }
            .map_err(vk_error("listening to validation"))?;
        self.messenger = Some((loader, messenger));
        Ok(())
    }

    pub(super) fn instance(&self) -> &Instance {
        &self.instance
    }

    #[expect(unsafe_code, reason = "Vulkan")]
    pub(super) fn physical_devices(&self) -> Result<Vec<vk::PhysicalDevice>> {
        let _changing = change_loader();
        // SAFETY: contract 1.
        unsafe { self.instance.enumerate_physical_devices() }.map_err(vk_error("listing the devices"))
    }
}

impl Drop for Api {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        if let Some((loader, messenger)) = self.messenger.take() {
            // SAFETY: contract 1.
            unsafe { loader.destroy_debug_utils_messenger(messenger, None) };
        }
        let _changing = change_loader();
        // SAFETY: contracts 1 and 2: the device, its only child, holds this Api and is gone.
        unsafe { self.instance.destroy_instance(None) };
    }
}

/// Keeps the first hundred messages and counts all.
#[expect(unsafe_code, reason = "a callback of the Vulkan loader")]
unsafe extern "system" fn collect(
    _severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _kind: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    user: *mut std::ffi::c_void,
) -> vk::Bool32 {
    // SAFETY: `user` is the log that `listen` passed, alive as long as the messenger.
    let log = unsafe { &*user.cast::<ValidationLog>() };
    // SAFETY: the loader passes a valid structure for the length of the call.
    let data = unsafe { &*data };
    let message = if data.p_message.is_null() {
        String::new()
    } else {
        // SAFETY: a non-null message is a NUL-terminated string.
        unsafe { CStr::from_ptr(data.p_message) }.to_string_lossy().into_owned()
    };
    if log.count.fetch_add(1, Ordering::Relaxed) < 100 {
        log.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
    vk::FALSE
}

/// Held to change the loader's lists of instances and devices, shared to name an object.
///
/// To name an object the Vulkan loader walks those lists of the whole process, and it does not lock them: version
/// 1.4.309 crashes when another thread lists the devices of its own instance meanwhile.
static LOADER: RwLock<()> = RwLock::new(());

fn change_loader() -> RwLockWriteGuard<'static, ()> {
    LOADER.write().unwrap_or_else(PoisonError::into_inner)
}

/// A Vulkan device with everything that hangs on it; shared by all objects made from it.
pub struct Device {
    pub(super) allocator: Mutex<Option<Allocator>>,
    pub(super) raw: ash::Device,
    pub(super) debug: Option<ext::debug_utils::Device>,
    pub(super) queue: Mutex<vk::Queue>,
    pub(super) family: u32,
    /// The queue that only copies, where there is one and it is of use, and its family.
    pub(super) transfer: Option<(Mutex<vk::Queue>, u32)>,
    pub(super) capabilities: Capabilities,
    pub(super) report: DeviceReport,
    api: Api,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("name", &self.report.name).finish_non_exhaustive()
    }
}

/// A handle on the device; clones share it.
#[derive(Debug, Clone)]
pub struct Gpu(pub(super) Arc<Device>);

impl Gpu {
    /// Creates a device on the best GPU of the system, or on the one that `options` names.
    ///
    /// # Errors
    /// [`Error::MissingFeature`] when there is no loader, no driver or no device that can play: the message says what is
    /// missing and how to get it.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn create(options: &GpuOptions) -> Result<Self> {
        let api = Api::load(options)?;
        let (physical, mut report, families) = choose(&api, options)?;
        let family = families.main;
        if let Some(capabilities) = &mut report.capabilities {
            capabilities.unified_memory &= !(options.force_staging || options.force_transfer);
            capabilities.transfer_queue |= options.force_transfer;
        }
        let Some(capabilities) = report.capabilities else {
            return Err(Error::MissingFeature { what: report.missing.join("; ") });
        };
        let priority = [1.0];
        let transfer_family = families.transfer.filter(|_| capabilities.transfer_queue);
        let queues: Vec<_> = std::iter::once(family)
            .chain(transfer_family)
            .map(|index| {
                vk::DeviceQueueCreateInfo::default().queue_family_index(index).queue_priorities(&priority)
            })
            .collect();
        let mut multiview = vk::PhysicalDeviceMultiviewFeatures::default().multiview(true);
        let info = vk::DeviceCreateInfo::default().queue_create_infos(&queues).push_next(&mut multiview);
        let changing = change_loader();
        // SAFETY: contracts 1 and 3; every feature asked for was seen by `inspect`.
        let created = unsafe { api.instance().create_device(physical, &info, None) };
        drop(changing);
        let raw = created.map_err(vk_error("creating the device"))?;
        // SAFETY: the family has at least one queue and the device was created with it.
        let queue = unsafe { raw.get_device_queue(family, 0) };
        let transfer = transfer_family.map(|index| {
            // SAFETY: as above.
            let queue = unsafe { raw.get_device_queue(index, 0) };
            (Mutex::new(queue), index)
        });
        let debug = options.validation.then(|| ext::debug_utils::Device::new(api.instance(), &raw));
        let allocator = Allocator::new(&AllocatorCreateDesc {
            instance: api.instance().clone(),
            device: raw.clone(),
            physical_device: physical,
            debug_settings: gpu_allocator::AllocatorDebugSettings::default(),
            buffer_device_address: false,
            allocation_sizes: gpu_allocator::AllocationSizes::default(),
        })
        .map_err(|e| Error::OutOfMemory { what: format!("creating the GPU memory allocator: {e}") })?;
        Ok(Self(Arc::new(Device {
            allocator: Mutex::new(Some(allocator)),
            raw,
            debug,
            queue: Mutex::new(queue),
            family,
            transfer,
            capabilities,
            report,
            api,
        })))
    }

    /// What the device offers.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// The device as `vivant doctor` shows it.
    #[must_use]
    pub fn report(&self) -> &DeviceReport {
        &self.0.report
    }

    /// Waits until the device has nothing to do. Not for the frame path.
    pub fn wait_idle(&self) {
        self.0.wait_idle();
    }

    /// Messages of the validation layer so far; always 0 without validation.
    #[must_use]
    pub fn validation_count(&self) -> usize {
        self.0.api.log.count.load(Ordering::Relaxed)
    }

    /// The first hundred messages of the validation layer.
    #[must_use]
    pub fn validation_messages(&self) -> Vec<String> {
        self.0.api.log.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The device that `options` names, else the best usable one: discrete, integrated, other, software.
fn choose(api: &Api, options: &GpuOptions) -> Result<(vk::PhysicalDevice, DeviceReport, Families)> {
    let mut best: Option<(u32, vk::PhysicalDevice, DeviceReport, Families)> = None;
    let mut refused = Vec::new();
    for physical in api.physical_devices()? {
        let (report, families) = inspect(api.instance(), physical);
        if options.device.as_ref().is_some_and(|wanted| !report.name.contains(wanted.as_str())) {
            refused.push(format!("{} is not the device asked for", report.name));
            continue;
        }
        let Some(families) = families else {
            refused.push(format!("{}: {}", report.name, report.missing.join("; ")));
            continue;
        };
        let rank = match report.kind {
            "discrete GPU" => 4,
            "integrated GPU" => 3,
            "virtual GPU" => 2,
            "software" => 1,
            _ => 0,
        };
        if best.as_ref().is_none_or(|(r, ..)| rank > *r) {
            best = Some((rank, physical, report, families));
        }
    }
    match best {
        Some((_, physical, report, families)) => Ok((physical, report, families)),
        None if refused.is_empty() => {
            Err(Error::MissingFeature { what: format!("no Vulkan device: {HOW_TO_GET_A_DRIVER}") })
        }
        None => {
            Err(Error::MissingFeature { what: format!("no usable Vulkan device: {}", refused.join(". ")) })
        }
    }
}

impl Device {
    /// Gives a Vulkan object the name that validation and captures show.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub(super) fn name<T: vk::Handle>(&self, object: T, name: &str) {
        let (Some(debug), Ok(name)) = (&self.debug, CString::new(name)) else { return };
        let info = vk::DebugUtilsObjectNameInfoEXT::default().object_handle(object).object_name(&name);
        let _unchanged = LOADER.read().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: contracts 1 and 3. A name that cannot be set costs nothing but the name.
        let _unnamed = unsafe { debug.set_debug_utils_object_name(&info) };
    }
}

impl Drop for Device {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        self.wait_idle();
        // The allocator frees its blocks through the device, so it goes first.
        drop(self.allocator.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let _changing = change_loader();
        // SAFETY: contracts 1 and 2: every child held an Arc of this device and is gone.
        unsafe { self.raw.destroy_device(None) };
    }
}
