//! The shaders: GLSL, its committed SPIR-V, and its Rust view. No Vulkan calls.
//!
//! A kernel has one name in four places: `glsl/<stage>/<kernel>.comp`, its constant and entry in [`generated`], its
//! twin on the CPU in [`cpu`], and its line in the timings (`stage.kernel`). Structs shared with GLSL are in
//! [`layout`]; their offsets are reflected from the SPIR-V and asserted at compile time, so nothing has to be kept in
//! step by hand. After editing anything under `glsl/`, run
//! `cargo run --release -p vivant-shaders --features compile`; a test fails until that is done.

pub mod cpu;
#[rustfmt::skip]
pub mod generated;
pub mod layout;
pub mod source;

/// Which pipeline stage a kernel runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A compute shader.
    Compute,
    /// A vertex shader.
    Vertex,
    /// A fragment shader.
    Fragment,
}

/// One compiled shader.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// `stage.kernel`, as in the timings.
    pub name: &'static str,
    /// Path of its source below `glsl/`.
    pub path: &'static str,
    /// Pipeline stage; the entry point is always `main`.
    pub stage: Stage,
    /// SPIR-V 1.3, little-endian words.
    pub spirv: &'static [u8],
    /// [`source::hash`] of the source with its includes, when it was compiled.
    pub source_hash: u64,
}

impl Kernel {
    /// The SPIR-V as words.
    #[must_use]
    pub fn words(&self) -> Vec<u32> {
        self.spirv.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn generated_code_is_of_these_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("glsl");
        for kernel in generated::ALL {
            let text = source::expand(&root, Path::new(kernel.path)).unwrap();
            assert_eq!(
                source::hash(&text),
                kernel.source_hash,
                "{} changed: run `cargo run --release -p vivant-shaders --features compile`",
                kernel.path
            );
        }
        assert_eq!(
            source::list(&root).unwrap().len(),
            generated::ALL.len(),
            "a kernel was added or removed: regenerate"
        );
    }

    #[test]
    fn the_hash_sees_a_changed_include() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("glsl");
        let text = source::expand(&root, Path::new("sort/offsets.comp")).unwrap();
        assert!(text.contains("scan_values"), "includes are not expanded");
        assert_ne!(source::hash(&text), source::hash(&text.replace("256u", "255u")));
    }
}
