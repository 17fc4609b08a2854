//! The house rules that no compiler checks: layout, the direction of dependencies, headers, lengths, where `unsafe` and
//! Vulkan may stand, kernels and their twins, unfinished marks, links, scripts.
//!
//! A rule is a function from a [`Tree`] to complaints, one a line with the file first. Each is run over the
//! repository, where it must find nothing, and over a small bad tree in memory, where it must find what is planted:
//! a rule that has not been seen to fail is no rule.

mod arrows;
mod code;
mod kernels;
mod layout;
mod text;
mod tree;

use tree::Tree;

/// One rule: what it finds wrong, each as `file: what`.
type Rule = fn(&Tree) -> Vec<String>;

/// Every rule, by the name a failure shows.
const RULES: [(&str, Rule); 14] = [
    ("the top level is the agreed one", layout::top_level),
    ("no file is too long", layout::lengths),
    ("scripts can be run and stop at an error", layout::scripts),
    ("crates depend one way", arrows::crates),
    ("modules of the engine depend one way", arrows::modules),
    ("only the GPU layer speaks Vulkan", arrows::vulkan),
    ("unsafe stands where it may", arrows::unsafe_code),
    ("every file says what lives in it", text::headers),
    ("nothing is left unfinished", text::marks),
    ("no path of a machine", text::machine_paths),
    ("public names use the house's words", text::words),
    ("links lead somewhere", text::links),
    ("every kernel has its twin and its test", kernels::twins),
    ("every twin has its kernel", kernels::orphans),
];

#[test]
fn the_repository_is_tidy() {
    let tree = Tree::of_repository();
    assert!(tree.files().count() > 30, "the repository was not read");
    for file in layout::long_files(&tree) {
        eprintln!("worth a look: {file}");
    }
    let mut found = Vec::new();
    for (name, rule) in RULES {
        found.extend(rule(&tree).into_iter().map(|complaint| format!("[{name}] {complaint}")));
    }
    assert!(found.is_empty(), "{} complaints:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_small_good_tree_is_tidy() {
    let tree = good();
    for (name, rule) in RULES {
        assert_eq!(rule(&tree), Vec::<String>::new(), "{name}");
    }
}

/// A tree in which every rule has something to look at and nothing to find.
fn good() -> Tree {
    let mut tree = Tree::default();
    for name in layout::REQUIRED {
        let inside = if layout::is_folder(name) { format!("{name}/Cargo.toml") } else { (*name).to_owned() };
        tree.add(&inside, "# A file that has to be there.\n");
    }
    tree.add("shaders/Cargo.toml", "[dependencies]\nbytemuck.workspace = true\n");
    tree.add("engine/Cargo.toml", "[dependencies]\nvivant-shaders.workspace = true\nash.workspace = true\n");
    tree.add(
        "engine/cli/Cargo.toml",
        "[dependencies]\nvivant.workspace = true\nvivant-convert = { path = \"x\" }\n",
    );
    tree.add(
        "engine/src/gpu/queue.rs",
        "//! The only place that submits work to the queue.\nuse ash::vk;\nfn f() { unsafe { g() } }\n",
    );
    tree.add("engine/src/clip/mod.rs", "//! The container. See [`crate::render`] for what it must not touch.\nuse crate::{Result, frame::Plane};\n");
    tree.add(
        "engine/src/reference/mod.rs",
        "//! The slow renderer, which shares nothing with the fast one.\nuse crate::splat::Splats;\n",
    );
    tree.add(
        "engine/src/frame.rs",
        "//! The types in which playback and render meet.\npub struct Plane { pub words: usize }\n",
    );
    tree.add(
        "shaders/glsl/sort/histogram.comp",
        "#version 460\n// histogram: how often each digit comes.\nvoid main() {}\n",
    );
    tree.add("shaders/glsl/include/pack.glsl", "// Packing of the planes, pure functions.\n");
    tree.add(
        "shaders/src/cpu/histogram.rs",
        "//! The twin of the kernel of the same name.\npub fn run() {}\n",
    );
    tree.add("shaders/src/cpu/pack.rs", "//! The twin of the include of the same name.\n");
    tree.add(
        "tests/tests/kernels.rs",
        "//! Kernels against their twins, with awkward sizes.\nfn check() { run(\"sort.histogram\"); }\n",
    );
    tree.add(
        "README.md",
        "# It\nSee [the plan](ARCHITECTURE.md#top), [cargo](https://example.org) and [below](#it).\n",
    );
    tree.add_script("tests/run.sh", "#!/usr/bin/env bash\n# All the gates.\nset -euo pipefail\n");
    tree
}

/// Checks that `rule` finds exactly one complaint a planted file, naming it, and nothing without them.
#[track_caller]
fn finds(rule: Rule, planted: &[(&str, &str)]) {
    for (path, text) in planted {
        let mut tree = good();
        tree.add(path, text);
        let found = rule(&tree);
        assert_eq!(found.len(), 1, "in {path} {text:?}: {found:?}");
        assert!(found[0].starts_with(&format!("{path}: ")), "{found:?} does not name {path}");
    }
}

/// Checks that `rule` says nothing about the given files.
#[track_caller]
fn passes(rule: Rule, files: &[(&str, &str)]) {
    for (path, text) in files {
        let mut tree = good();
        tree.add(path, text);
        assert_eq!(rule(&tree), Vec::<String>::new(), "in {path} {text:?}");
    }
}
