//! One idea, one file, one name: a kernel in GLSL, its twin on the CPU, and a test that names it.

use super::code::has_word;
use super::tree::{Tree, extension};

/// Stage and name of what stands in `shaders/glsl/<stage>/<name>.<extension>`.
fn kernel(path: &str) -> Option<(&str, &str)> {
    let (stage, file) = path.strip_prefix("shaders/glsl/")?.split_once('/')?;
    Some((stage, file.split('.').next()?))
}

pub(crate) fn twins(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, _) in tree.of_kind(&["comp"]) {
        let Some((stage, name)) = kernel(path) else {
            found.push(format!("{path}: a kernel stands in shaders/glsl/<stage>/"));
            continue;
        };
        let twin = format!("shaders/src/cpu/{name}.rs");
        if !tree.has(&twin) {
            found.push(format!("{path}: has no twin {twin}"));
        }
        // By its constant, its timing or its twin: the bare name is too often an ordinary word.
        let names =
            [name.to_uppercase(), format!("{stage}.{name}"), format!("\"{name}\""), format!("cpu::{name}")];
        let is_test = |path: &str| path.starts_with("tests/") && !path.starts_with("tests/tests/tidy/");
        let mut tests = tree.of_kind(&["rs"]).filter(|(path, _)| is_test(path));
        let named = tests.any(|(_, text)| names.iter().any(|name| has_word(text, name)));
        if !named {
            found.push(format!("{path}: no test names it"));
        }
    }
    found
}

pub(crate) fn orphans(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, _) in tree.of_kind(&["rs"]) {
        let Some(file) = path.strip_prefix("shaders/src/cpu/") else { continue };
        let name = file.split(['.', '/']).next().unwrap_or_default();
        let is_kernel = |(path, _): (&str, _)| {
            ["comp", "vert", "frag", "glsl"].contains(&extension(path))
                && kernel(path).is_some_and(|(_, kernel)| kernel == name)
        };
        if !["mod", "tests"].contains(&name) && !tree.files().any(is_kernel) {
            found.push(format!("{path}: is the twin of no kernel"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{finds, good, passes};
    use super::*;

    #[test]
    fn kernels_without_twin_or_test_are_found() {
        finds(twins, &[("shaders/glsl/stray.comp", "")]);
        let mut tree = good();
        tree.add("shaders/glsl/sort/scatter.comp", "");
        assert_eq!(twins(&tree).len(), 2, "{:?}", twins(&tree));
        tree.add("shaders/src/cpu/scatter.rs", "");
        assert_eq!(twins(&tree), ["shaders/glsl/sort/scatter.comp: no test names it"]);
        tree.add("tests/tests/sort.rs", "check(&SCATTER)");
        assert!(twins(&tree).is_empty());
        tree.add("tests/tests/sort.rs", "check(&SCATTERED)");
        assert_eq!(twins(&tree).len(), 1);
    }

    #[test]
    fn twins_without_a_kernel_are_found() {
        finds(orphans, &[("shaders/src/cpu/lost.rs", "")]);
        passes(orphans, &[("shaders/src/cpu/mod.rs", "")]);
    }
}
