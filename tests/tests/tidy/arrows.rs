//! Dependencies point one way: between crates, between the engine's modules, and towards Vulkan and `unsafe`.

use super::code::{crate_paths, has_word, without_comments_and_strings, without_tests};
use super::tree::Tree;

/// Which of our crates each crate may use, by the folder it lives in: `shaders ← engine ← {convert, ffi, samples, cli}
/// ← tests`, and the command line converts.
const CRATES: &[(&str, &[&str])] = &[
    ("shaders/", &[]),
    ("engine/convert/", &["vivant"]),
    ("engine/cli/", &["vivant", "vivant-convert"]),
    ("engine/", &["vivant-shaders"]),
    ("ffi/", &["vivant"]),
    ("samples/", &["vivant"]),
    (
        "tests/",
        &["vivant", "vivant-shaders", "vivant-convert", "vivant-cli", "vivant-ffi", "vivant-performer"],
    ),
];

/// Which modules of the engine each of its modules may use. Playback and render meet in `frame` alone; `reference` and
/// `picture` know nothing of the GPU.
const MODULES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("math", &["error"]),
    ("time", &["error"]),
    ("spline", &[]),
    ("channel", &["error"]),
    ("view", &["error", "math"]),
    ("splat", &["error", "math", "time", "channel"]),
    ("look", &["splat"]),
    ("rig", &["error", "math"]),
    ("frame", &["error", "math", "time", "splat", "rig"]),
    ("picture", &["error", "math"]),
    ("clip", &["error", "math", "time", "channel", "splat", "rig", "view", "frame"]),
    ("codec", &["error", "math", "time", "spline", "channel", "splat", "rig", "view", "frame", "clip"]),
    ("audio", &["error", "clip"]),
    (
        "playback",
        &[
            "error", "math", "time", "channel", "splat", "rig", "view", "look", "frame", "clip", "codec",
            "audio",
        ],
    ),
    ("gpu", &["error", "math", "frame"]),
    (
        "render",
        &["error", "math", "time", "spline", "splat", "rig", "view", "look", "frame", "picture", "gpu"],
    ),
    ("reference", &["error", "math", "time", "splat", "view", "picture"]),
    (
        "pick",
        &["error", "math", "time", "channel", "splat", "rig", "view", "frame", "clip", "codec", "reference"],
    ),
    ("xr", &["error", "math", "time", "view", "frame", "gpu", "render"]),
];

/// The modules that may use the crate of the shaders.
const WITH_SHADERS: &[&str] = &["gpu", "render", "xr"];

/// Where Vulkan may be called: the GPU layer, OpenXR, the C interface's hand-over, and programs that play the host.
const WITH_VULKAN: &[&str] = &["engine/src/gpu/", "engine/src/xr/", "ffi/src/vulkan", "samples/", "tests/"];

/// Where `unsafe` may stand without a word.
const WITH_UNSAFE: &[&str] = &["engine/src/gpu/", "engine/src/xr/", "engine/src/clip/mapped", "ffi/"];

/// Where it may stand if the file says why.
const WITH_UNSAFE_AND_REASON: &[&str] = &["samples/", "tests/"];

fn starts_with_any(path: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| path.starts_with(start))
}

pub(crate) fn crates(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.of_kind(&["toml"]).filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        let Some((_, allowed)) = CRATES.iter().find(|(folder, _)| path.starts_with(folder)) else {
            continue;
        };
        for name in dependencies(text) {
            if name.starts_with("vivant") && !allowed.contains(&name) {
                found.push(format!("{path}: may not depend on {name}"));
            }
            if name == "ash" && !starts_with_any(path, &["engine/Cargo.toml", "ffi/", "samples/", "tests/"]) {
                found.push(format!("{path}: may not speak Vulkan"));
            }
        }
    }
    found
}

/// The names in every `[…dependencies]` section, and those that are sections themselves.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            names.extend(section.split_once("dependencies.").map(|(_, name)| name));
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let end =
                line.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).unwrap_or(line.len());
            names.push(&line[..end]);
        }
    }
    names
}

pub(crate) fn modules(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.of_kind(&["rs"]) {
        let Some(inside) = path.strip_prefix("engine/src/") else { continue };
        let module = inside.split(['/', '.']).next().unwrap_or_default();
        if module == "lib" || inside.ends_with("tests.rs") || inside.contains("tests/") {
            continue;
        }
        let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
            found.push(format!(
                "{path}: the module {module} has no place in the order: see MODULES in this test"
            ));
            continue;
        };
        let code = without_comments_and_strings(text);
        let code = without_tests(&code);
        let mut used = crate_paths(code);
        used.sort();
        used.dedup();
        for name in used {
            // The crate's root hands on the error module's two names.
            let name = if matches!(name.as_str(), "Error" | "Result") { "error" } else { &name };
            if name != module && !allowed.contains(&name) {
                found.push(format!("{path}: {module} may not use {name}"));
            }
        }
        if has_word(code, "vivant_shaders") && !WITH_SHADERS.contains(&module) {
            found.push(format!("{path}: {module} may not use the shaders"));
        }
    }
    found
}

pub(crate) fn vulkan(tree: &Tree) -> Vec<String> {
    let outside = tree.of_kind(&["rs"]).filter(|(path, _)| !starts_with_any(path, WITH_VULKAN));
    let speaks = |text: &str| without_comments_and_strings(text).contains("ash::");
    let speaks = outside.filter(|(_, text)| text.contains("ash::") && speaks(text));
    speaks.map(|(path, _)| format!("{path}: may not speak Vulkan")).collect()
}

pub(crate) fn unsafe_code(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.of_kind(&["rs"]).filter(|(path, _)| !starts_with_any(path, WITH_UNSAFE)) {
        if !has_word(&without_comments_and_strings(text), "unsafe") {
            continue;
        }
        if !starts_with_any(path, WITH_UNSAFE_AND_REASON) {
            found.push(format!("{path}: unsafe has no place here"));
        } else if !(text.contains("unsafe_code") && text.contains("reason")) {
            found.push(format!("{path}: does not say why it needs unsafe: expect(unsafe_code, reason = …)"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{finds, passes};
    use super::*;

    #[test]
    fn crates_that_look_back_are_found() {
        finds(
            crates,
            &[
                ("shaders/Cargo.toml", "[dependencies]\nvivant.workspace = true\n"),
                ("engine/Cargo.toml", "[dev-dependencies]\nvivant-convert = { workspace = true }\n"),
                ("ffi/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nvivant-shaders.workspace = true\n"),
                ("samples/performer/Cargo.toml", "[dependencies.vivant-cli]\nworkspace = true\n"),
                ("engine/cli/Cargo.toml", "[dependencies]\nash.workspace = true\n"),
            ],
        );
        passes(crates, &[("engine/cli/Cargo.toml", "[features]\nvivant-ffi = []\n")]);
    }

    #[test]
    fn modules_that_look_back_are_found() {
        finds(
            modules,
            &[
                ("engine/src/clip/index.rs", "use crate::playback::Player;"),
                ("engine/src/playback/clock.rs", "use crate::{frame, render::Frame};"),
                ("engine/src/render/frame.rs", "fn f() { crate::playback::now(); }"),
                ("engine/src/reference/project.rs", "use vivant_shaders::cpu;"),
                ("engine/src/picture/mod.rs", "use crate::gpu::Image;"),
                ("engine/src/frame.rs", "use crate::codec::Codec;"),
                ("engine/src/telepathy.rs", "//! New."),
            ],
        );
        passes(
            modules,
            &[
                ("engine/src/clip/index.rs", "//! [`crate::render`]\nuse crate::{Error, frame};"),
                ("engine/src/clip/tests.rs", "use crate::render::Frame;"),
                (
                    "engine/src/codec/a.rs",
                    "use crate::clip;\n#[cfg(test)]\nmod tests { use crate::reference; }",
                ),
                ("engine/src/render/frame.rs", "use crate::gpu; use vivant_shaders::layout;"),
            ],
        );
    }

    #[test]
    fn vulkan_outside_its_layer_is_found() {
        finds(
            vulkan,
            &[
                ("engine/src/render/frame.rs", "use ash::vk;"),
                ("ffi/src/player.rs", "fn f(x: ash::Device) {}"),
            ],
        );
        passes(
            vulkan,
            &[
                ("engine/src/render/frame.rs", "//! Never calls ash::Device."),
                ("ffi/src/vulkan.rs", "use ash::vk;"),
                ("engine/src/xr/session.rs", "use ash::vk;"),
            ],
        );
    }

    #[test]
    fn unsafe_outside_its_places_is_found() {
        finds(
            unsafe_code,
            &[
                ("engine/src/codec/mean.rs", "fn f() { unsafe { g() } }"),
                ("engine/src/clip/index.rs", "unsafe fn f() {}"),
                ("tests/tests/import.rs", "fn f() { unsafe { g() } }"),
            ],
        );
        passes(
            unsafe_code,
            &[
                ("engine/src/codec/mean.rs", "// unsafe\n#![forbid(unsafe_code)]"),
                ("engine/src/clip/mapped.rs", "fn f() { unsafe { g() } }"),
                (
                    "tests/tests/import.rs",
                    "#![expect(unsafe_code, reason = \"a host\")]\nfn f() { unsafe { g() } }",
                ),
            ],
        );
    }
}
