//! The C interface as its hosts meet it: the header is generated and fresh, C, C++ and Rust agree on every layout, and
//! C programs compiled here against `libvivant` open, play, draw, and get everything wrong that can be got wrong.

#![allow(clippy::unwrap_used, reason = "tests panic where they are wrong")]

mod header;
#[cfg(target_os = "linux")]
mod hosts;
#[cfg(target_os = "linux")]
mod layout;
#[cfg(target_os = "linux")]
mod toolchain;
