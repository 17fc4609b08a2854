//! Sound as samples: in from WAV files, through Opus into a clip and back. No threads and no clock; playing in time is
//! [`crate::playback`]'s.
//!
//! [`push_audio`] takes any [`PcmSource`] through the resampler and the encoder into a [`crate::clip::Writer`], a
//! second at a time. [`Decoder`] gives back any packet of a track. Opus is done by `ropus`, a port of the reference
//! implementation to Rust: no C is built, and what it encodes on one machine it encodes on all. All samples are
//! interleaved f32, full scale ±1, at 48 kHz once they are in a clip.

mod decode;
mod encode;
mod export;
pub mod kernel;
mod resample;
mod source;
mod wav;

pub use decode::Decoder;
pub use encode::{Placement, push_audio};
pub use export::{ExportReport, export_wav};
pub use source::{Pcm, PcmSource};
pub use wav::Wav;
