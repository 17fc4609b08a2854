//! A GPU with validation for every test, and the bench that runs kernels over the buffers of their CPU twins.

use std::sync::Arc;

use bytemuck::Pod;
use vivant::Error;
use vivant::gpu::{BindLayouts, BindSet, Buffer, BufferKind, Encoder, Frame, Gpu, GpuOptions, Timings};
use vivant_shaders::Kernel;
use vivant_shaders::cpu::Buffers;
use vivant_shaders::generated::binding;
use vivant_shaders::layout::FrameBlock;

use crate::require::skip;

/// A device with validation, or `None`, said aloud, where there is none.
///
/// # Panics
/// When Vulkan is required and missing, or fails for another reason.
#[must_use]
pub fn open(options: &GpuOptions) -> Option<Gpu> {
    match Gpu::create(&GpuOptions { validation: true, ..options.clone() }) {
        Ok(gpu) => Some(gpu),
        Err(Error::MissingFeature { what }) => {
            skip("vulkan", &what);
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// Fails when the validation layer has said anything.
///
/// # Panics
/// With the messages.
pub fn assert_silent(gpu: &Gpu) {
    assert_eq!(gpu.validation_count(), 0, "validation said: {}", gpu.validation_messages().join("\n"));
}

/// `kernel` with every constant `from` in its SPIR-V replaced by `to`: a kernel that is wrong in exactly one way.
///
/// # Panics
/// When the constant is not there.
#[must_use]
pub fn sabotaged(kernel: &Kernel, from: f32, to: f32) -> Kernel {
    let mut found = 0;
    let words = kernel.words().into_iter().map(|word| {
        let hit = word == from.to_bits();
        found += u32::from(hit);
        if hit { to.to_bits() } else { word }
    });
    let spirv: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    assert!(found > 0, "{} has no constant {from}", kernel.path);
    Kernel { spirv: spirv.leak(), ..*kernel }
}

/// Runs `compare`, which must fail.
///
/// # Panics
/// When it does not.
pub fn assert_fails(what: &str, compare: impl FnOnce() + std::panic::UnwindSafe) {
    assert!(std::panic::catch_unwind(compare).is_err(), "{what} passes for right");
}

/// Bytes behind each buffer that no kernel may touch.
const CANARY: [u8; 64] = [0xA5; 64];

/// Runs kernels over one set of buffers.
pub struct Bench {
    layouts: Arc<BindLayouts>,
    frame: Frame,
    timings: Timings,
    gpu: Gpu,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    /// A bench on `gpu`.
    ///
    /// # Panics
    /// When the device fails.
    #[must_use]
    pub fn new(gpu: &Gpu) -> Self {
        Self {
            layouts: BindLayouts::new(gpu).expect("layouts"),
            frame: Frame::new(gpu, "bench").expect("frame"),
            timings: Timings::new(gpu).expect("timings"),
            gpu: gpu.clone(),
        }
    }

    /// The layouts for pipelines.
    #[must_use]
    pub fn layouts(&self) -> &Arc<BindLayouts> {
        &self.layouts
    }

    /// Uploads `buffers`, records what `record` records, runs it, and returns the buffers as the GPU left them.
    ///
    /// # Panics
    /// When the device fails or a kernel wrote past a buffer's end.
    pub fn run(
        &mut self,
        buffers: &Buffers,
        record: impl FnOnce(&mut Encoder<'_>, &[(u32, Buffer)]),
    ) -> Buffers {
        let mut gpu_buffers = upload(&self.gpu, buffers);
        let bound: Vec<(u32, &Buffer)> = gpu_buffers.iter().map(|(slot, buffer)| (*slot, buffer)).collect();
        let set = BindSet::buffers(&self.layouts, "bench", &bound).expect("bind");
        let mut encoder = Encoder::begin(&self.layouts, &self.frame, &mut self.timings).expect("begin");
        encoder.bind(&set);
        record(&mut encoder, &gpu_buffers);
        encoder.barrier();
        encoder.finish().expect("finish");
        self.frame.submit().expect("submit");
        self.frame.wait().expect("wait");
        let mut out = buffers.clone();
        for (slot, buffer) in &mut gpu_buffers {
            let bytes = buffer.mapped();
            let (data, canary) = bytes.split_at(bytes.len() - CANARY.len());
            assert_eq!(canary, CANARY, "a kernel wrote behind binding {slot}");
            download(&mut out, *slot, data);
        }
        out
    }
}

/// A GPU buffer at its binding for each of the twins' buffers, with canaries behind.
///
/// # Panics
/// When the device is out of memory.
#[must_use]
pub fn upload(gpu: &Gpu, b: &Buffers) -> Vec<(u32, Buffer)> {
    let mut out = vec![
        (binding::FRAME, buffer(gpu, &[b.block])),
        (binding::SEGMENT, buffer(gpu, &b.segments)),
        (binding::CLUSTER_REF, buffer(gpu, &b.references)),
        (binding::CLUSTER, buffer(gpu, &b.clusters)),
        (binding::SLICED, buffer(gpu, &b.sliced)),
        (binding::KEY, buffer(gpu, &b.keys)),
        (binding::HISTOGRAM, buffer(gpu, &b.histogram)),
        (binding::TOTAL, buffer(gpu, &b.totals)),
        (binding::PARTIAL, buffer(gpu, &b.partial)),
        (binding::ORDER, buffer(gpu, &b.order)),
        (binding::COUNTS, buffer(gpu, &[b.counts])),
        (binding::PROJECTED, buffer(gpu, &b.projected)),
    ];
    out.push((binding::PACKED_PLANE, buffer(gpu, &b.packed)));
    out.push((binding::JOINT, buffer(gpu, &b.joints)));
    out.extend((binding::MEAN_PLANE..).zip(b.planes.iter().map(|plane| buffer(gpu, plane))));
    out
}

fn buffer<T: Pod>(gpu: &Gpu, data: &[T]) -> Buffer {
    let bytes: &[u8] = bytemuck::cast_slice(data);
    // Whole 16-byte blocks, so that the canary starts where the shader's view of the last element ends.
    let size = bytes.len().next_multiple_of(16);
    let mut buffer =
        Buffer::new(gpu, "bench", (size + CANARY.len()) as u64, BufferKind::Shared).expect("buffer");
    buffer.write(0, bytes).expect("data");
    buffer.write(size, &CANARY).expect("canary");
    buffer
}

fn download(out: &mut Buffers, slot: u32, data: &[u8]) {
    fn fill<T: Pod>(target: &mut [T], data: &[u8]) {
        let target: &mut [u8] = bytemuck::cast_slice_mut(target);
        target.copy_from_slice(&data[..target.len()]);
    }
    match slot {
        binding::SLICED => fill(&mut out.sliced, data),
        binding::KEY => fill(&mut out.keys, data),
        binding::HISTOGRAM => fill(&mut out.histogram, data),
        binding::TOTAL => fill(&mut out.totals, data),
        binding::PARTIAL => fill(&mut out.partial, data),
        binding::ORDER => fill(&mut out.order, data),
        binding::PROJECTED => fill(&mut out.projected, data),
        binding::COUNTS => fill(std::slice::from_mut(&mut out.counts), data),
        binding::FRAME => {
            let mut block = [FrameBlock::default()];
            fill(&mut block, data);
            assert_eq!(block[0], out.block, "a kernel wrote to the frame block");
        }
        _ => {}
    }
}
