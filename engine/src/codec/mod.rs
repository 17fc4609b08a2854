//! The codec: one segment's splats ↔ the planes of words that stand in the file and that the GPU reads.
//!
//! One file an attribute holds the layout and the error of that attribute, with its tests; [`encode`] and
//! [`decode_segment`] join them, [`write_performance`] cuts a whole performance into the temporal hierarchy
//! ([`Hierarchy`]) and writes it. No GPU here, and no I/O but through [`crate::clip`].
//!
//! [`quantise`] turns full planes into packed ones for the profiles that trade precision for size.
//!
//! The GPU half of the layouts is `pack.glsl`; [`crate::frame::Plane`] describes both.

mod cluster;
mod colour;
mod decode;
mod encode;
mod life;
mod mean;
mod motion;
mod order;
mod packed;
mod partition;
mod prepare;
mod rotation;
mod scale_opacity;
mod sh;
mod stored;
mod unpack;
mod words;
mod write;

pub use decode::{Decoder, decode_segment};
pub use encode::{Dropped, Encoded, encode};
pub use packed::quantise;
pub use partition::{Hierarchy, Piece};
pub use prepare::{Prepared, Preparer};
pub use unpack::{performance_of, splats_of};
pub use write::{performance_to_bytes, write_performance, write_performance_with};
