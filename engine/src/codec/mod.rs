//! The codec: one segment's splats ↔ the planes of words that stand in the file and that the GPU reads.
//!
//! One file an attribute holds the layout and the error of that attribute, with its tests; [`encode`] and
//! [`decode_segment`] join them, [`write_performance`] cuts a whole performance into the temporal hierarchy
//! ([`Hierarchy`]) and writes it. No GPU here, and no I/O but through [`crate::clip`].
//!
//! [`quantise`] turns full planes into packed ones for the profiles that trade precision for size.
//!
//! The GPU half of the layouts is `pack.glsl`; [`crate::frame::Plane`] describes both.

mod binding;
mod carried;
mod cluster;
mod colour;
mod decode;
mod detail;
mod drive;
mod encode;
mod fit;
mod life;
mod mean;
mod motion;
mod order;
mod packed;
mod palette;
mod partition;
mod pose;
mod prepare;
mod resting;
mod rig_write;
mod rotation;
mod rows;
mod samples;
mod scale_opacity;
mod sequence;
mod sh;
mod stored;
mod tracks;
mod unpack;
mod words;
mod write;

pub use binding::binding_of;
pub use decode::{Decoder, decode_segment};
pub use drive::joints_at;
pub use encode::{Dropped, Encoded, encode};
pub use packed::quantise;
pub use palette::{PaletteSampler, with_palette};
pub use partition::{Hierarchy, Piece};
pub use prepare::{Prepared, Preparer};
pub use rig_write::{RigReport, RigWriter};
pub use sequence::SequenceWriter;
pub use unpack::{performance_of, splats_at, splats_in, splats_of};
pub use write::{performance_to_bytes, push_performance, write_performance, write_performance_with};
