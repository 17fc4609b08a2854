//! Vivant: plays volumetric human performances, captured as 4D Gaussian splats, in stereo on Vulkan.
//!
//! The crate is layered and every arrow points one way:
//! `error, math, spline, time, channel <- splat, rig <- frame <- clip <- {codec, audio} <- playback` on the file side and
//! `error, math, frame <- gpu <- render` on the picture side. Playback and render meet only in [`frame`].
//! [`pick`] finds what lies under a pixel. [`mod@reference`] is a second, slow renderer that shares nothing with the GPU kernels; the tests hold one
//! against the other.

pub mod audio;
pub mod channel;
pub mod clip;
pub mod codec;
pub mod error;
pub mod frame;
pub mod gpu;
pub mod look;
pub mod math;
pub mod pick;
pub mod picture;
pub mod playback;
pub mod reference;
pub mod render;
pub mod rig;
pub mod splat;
pub mod spline;
pub mod time;
pub mod view;

pub use error::{Error, Result};
