//! Importers: foreign files become the common model of [`vivant::splat`]. No GPU, no clip container.
//!
//! [`Foreign`] is the door: it takes what the user named (a file, a folder, a pattern, a list) and finds by its content
//! which of the [`formats`] it is. What comes out is a [`Sequence`] of frames, handed out one by one so that any length
//! converts in the memory of a few, or a [`Whole`] performance of splats with lives of their own. [`Source`] makes a
//! sequence of files that each hold splats standing still. One file or folder a format, one file a concern. Every file is hostile until read: sizes are checked
//! against the length of the file before anything is allocated, and errors name the field and the byte.

pub mod axes;
mod bundle;
mod checkpoint;
mod cleanse;
mod clip;
mod compact;
mod conventions;
mod convex;
pub mod correspondence;
mod curves;
mod dgs;
mod ex4dgs;
pub mod export;
mod flow;
pub mod foreign;
pub mod formats;
mod fourdgs;
mod fourier;
pub mod fps;
mod ftgs;
pub mod gaussian4;
mod gltf_splats;
mod hierarchy;
mod inputs;
mod ksplat;
mod natural;
mod neighbours;
pub mod npz;
pub mod options;
mod params;
mod pattern;
pub mod ply;
mod probe;
mod recent;
pub mod report;
pub mod rig;
mod rigged;
mod rotor;
mod rows;
mod selforg;
mod sequence;
mod sh_rotate;
mod sog;
mod sound;
pub mod source;
mod splat;
mod splatv;
pub mod split;
mod spz;
mod stg;
mod still;
pub mod table;
mod temporal;
pub mod torch;
mod tsog;
mod unknown;
mod v3;
mod webp;
mod whole;
mod yang;

pub use axes::Axes;
pub use foreign::Foreign;
pub use formats::{FORMATS, Fidelity, Format};
pub use fps::Fps;
pub use options::{Channels, Options, Stored};
pub use report::Report;
pub use rig::{LiveRig, Rig, RigOptions};
pub use rigged::Rigged;
pub use sequence::Sequence;
pub use sound::Sound;
pub use source::{Imported, Source, Summary};
pub use whole::Whole;
