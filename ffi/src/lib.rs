//! The C interface of Vivant: `libvivant.so`, `libvivant.a` and `include/vivant.h`, which is generated from this crate.
//!
//! Thin by rule: an export checks what C handed over, calls the engine, and turns the outcome into a number and a
//! sentence. Five files hold what all exports share: [`guard`] (no panic leaves), [`result`] (codes and the last
//! error), [`handle`] (64-bit names for objects, checked on every use), [`memory`] and [`strings`] (the only places
//! that follow a pointer of the host). Then one handle type a file: [`engine`], [`player`], [`offscreen`].
//!
//! Rust names equal the C names, so that a search finds both sides.

#![expect(non_camel_case_types, reason = "types are named as in the C header")]
#![expect(
    clippy::doc_markdown,
    reason = "comments become those of the C header, where backticks mean nothing"
)]

pub mod audio;
pub mod budget;
pub mod engine;
pub mod event;
mod guard;
mod handle;
#[cfg(test)]
mod layout;
pub mod log;
pub mod memory;
pub mod offscreen;
pub mod player;
pub mod result;
pub mod snapshot;
pub mod strings;
pub mod transport;
pub mod version;
pub mod view;
