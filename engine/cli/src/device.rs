//! The GPU that the commands draw on, with validation when the environment asks for it.

use vivant::gpu::{Gpu, GpuOptions};

use crate::output;

/// The GPU that the environment asks for (`VIVANT_DEVICE`, `VIVANT_VALIDATION`), else the best one.
pub(crate) fn open() -> vivant::Result<Gpu> {
    Gpu::create(&GpuOptions::from_env())
}

/// Says what validation said, if anything; an error when it did.
pub(crate) fn check_validation(gpu: &Gpu) -> anyhow::Result<()> {
    for message in gpu.validation_messages() {
        output::note(&format!("validation: {message}"));
    }
    match gpu.validation_count() {
        0 => Ok(()),
        count => anyhow::bail!("the validation layer had {} to say", output::count(count as u64, "thing")),
    }
}
