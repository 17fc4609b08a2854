//! What files say: their headers, words, marks, paths and links.

use super::code::{has_word, without_comments_and_strings};
use super::tree::{Tree, extension};

const GLSL: &[&str] = &["comp", "vert", "frag", "glsl"];

/// The fewest letters in which a header can say what lives in a file.
const HEADER_MIN: usize = 10;

/// Words of the house's table that are never right in a public name, with what to say. The others ("point", "chunk",
/// "channel", "model") have a right meaning somewhere.
const WORDS: &[(&str, &str)] = &[
    ("particle", "splat"),
    ("particles", "splats"),
    ("gop", "segment"),
    ("mvp", "projection_from_view"),
    ("eye_idx", "view"),
    ("bucket", "digit or histogram"),
    ("buckets", "digit or histogram"),
];

/// Starts of paths that exist on somebody's machine only. Put together here so that this file does not hold them.
const MACHINES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/t", "mp/"),
    concat!("/Us", "ers/"),
    concat!("C:", "\\"),
];

pub(crate) fn headers(tree: &Tree) -> Vec<String> {
    let said = |line: &str, mark: &str| {
        line.strip_prefix(mark)
            .is_some_and(|rest| rest.chars().filter(|c| c.is_alphanumeric()).count() >= HEADER_MIN)
    };
    let rust =
        tree.of_kind(&["rs"]).filter(|(_, text)| !text.lines().next().is_some_and(|line| said(line, "//!")));
    let rust = rust.map(|(path, _)| format!("{path}: does not open with //! and what lives in it"));
    // GLSL wants its version first.
    let preamble =
        |line: &&str| line.is_empty() || line.starts_with("#version") || line.starts_with("#extension");
    let glsl = tree
        .of_kind(GLSL)
        .filter(|(_, text)| !text.lines().find(|line| !preamble(line)).is_some_and(|line| said(line, "//")));
    let glsl = glsl.map(|(path, _)| format!("{path}: does not open with // and what lives in it"));
    rust.chain(glsl).collect()
}

pub(crate) fn marks(tree: &Tree) -> Vec<String> {
    // Put together here so that this file does not hold them.
    let words = [concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK"), concat!("TO", "DO")];
    let phrases = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("under con", "struction")];
    let mut found = Vec::new();
    for (path, file) in tree.files().filter(|(path, _)| *path != "Cargo.lock" && !path.starts_with("LICENSE"))
    {
        for (number, line) in file.text.lines().enumerate() {
            let word = words.iter().find(|word| has_word(line, word));
            let phrase = phrases.iter().find(|phrase| line.contains(*phrase));
            if let Some(mark) = word.or(phrase) {
                found.push(format!("{path}: line {}: {mark}", number + 1));
            }
        }
    }
    found
}

pub(crate) fn machine_paths(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, file) in tree.files() {
        for (number, line) in file.text.lines().enumerate() {
            let named = MACHINES.iter().find(|start| {
                // `a/home/b` and `https://x/home/` are no paths from the root.
                let joined = |c: char| c.is_alphanumeric() || "._-}~*)]>".contains(c);
                line.match_indices(*start).any(|(at, _)| !line[..at].chars().next_back().is_some_and(joined))
            });
            if let Some(start) = named {
                found.push(format!("{path}: line {}: a path of a machine, {start}", number + 1));
            }
        }
    }
    found
}

pub(crate) fn words(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let ours = |path: &str| ["engine/", "shaders/", "ffi/"].iter().any(|folder| path.starts_with(folder));
    for (path, text) in tree.of_kind(&["rs"]).filter(|(path, _)| ours(path)) {
        for name in public_names(&without_comments_and_strings(text)) {
            let parts = split_name(&name);
            let said = WORDS.iter().find(|(word, _)| parts.contains(&format!("_{word}_")));
            if let Some((word, better)) = said {
                found.push(format!("{path}: {name}: say {better}, not {word}"));
            }
        }
    }
    found
}

/// The names that `pub` introduces: items, and fields.
fn public_names(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    let tokens: Vec<&str> =
        code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|token| !token.is_empty()).collect();
    let skipped = [
        "fn", "struct", "enum", "trait", "type", "const", "static", "mod", "union", "unsafe", "async",
        "extern", "use", "mut",
    ];
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| **token == "pub") {
        // `pub(crate)` and the like are not public.
        if tokens.get(at + 1).is_some_and(|next| ["crate", "super", "self", "in"].contains(next)) {
            continue;
        }
        let name = tokens[at + 1..].iter().find(|token| !skipped.contains(token));
        names.extend(name.map(|name| (*name).to_owned()));
    }
    names
}

/// `SomeName`, `SOME_NAME` and `some_name` as `_some_name_`.
fn split_name(name: &str) -> String {
    let mut out = String::from("_");
    let mut lower_before = false;
    for c in name.chars() {
        if c.is_uppercase() && lower_before {
            out.push('_');
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
        out.extend(c.to_lowercase());
    }
    out.push('_');
    out
}

pub(crate) fn links(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, file) in tree.files().filter(|(path, _)| extension(path) == "md") {
        for (at, _) in file.text.match_indices("](") {
            let target = file.text[at + 2..].split([')', ' ', '\n']).next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !resolve(path, target).is_some_and(|target| tree.has(&target)) {
                found.push(format!("{path}: the link to {target} leads nowhere"));
            }
        }
    }
    found
}

/// `target` seen from the folder of `path`, from the root; `None` if it leaves the tree.
fn resolve(path: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::{finds, passes};
    use super::*;

    #[test]
    fn files_without_a_header_are_found() {
        finds(
            headers,
            &[
                ("engine/src/a.rs", "use std::fs;\n"),
                ("engine/src/a.rs", "//! Too so\n"),
                ("engine/src/a.rs", "\n//! One line too late for a header.\n"),
                ("engine/src/a.rs", "//!\n//! Says it in the second line.\n"),
                ("shaders/glsl/sort/a.comp", "#version 460\nvoid main() {}\n"),
                ("shaders/glsl/include/a.glsl", ""),
            ],
        );
        passes(
            headers,
            &[(
                "shaders/glsl/sort/a.vert",
                "#version 460\n#extension GL_X : require\n\n// a: draws what was sorted.\n",
            )],
        );
    }

    #[test]
    fn unfinished_marks_are_found() {
        let plant = |mark: &str| format!("//! A file with a mark in it.\n// {mark} later\n");
        finds(
            marks,
            &[
                ("engine/src/a.rs", &plant(concat!("FIX", "ME:"))),
                ("shaders/glsl/sort/a.comp", &plant(concat!("XX", "X"))),
                ("README.md", &plant(concat!("TO", "DO"))),
                ("engine/src/a.rs", &plant(concat!("to", "do!()"))),
                ("engine/src/a.rs", &plant(concat!("(under con", "struction)"))),
            ],
        );
        passes(marks, &[("samples/a.sh", concat!("mktemp -d /x/XX", "XXXX"))]);
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        finds(
            machine_paths,
            &[
                ("engine/src/a.rs", concat!("let p = \"/ho", "me/ann/clip\";")),
                ("samples/a.sh", concat!("cd /ro", "ot/x")),
                ("README.md", concat!("(/wo", "rk/main)")),
                ("README.md", concat!("C:", "\\clips")),
            ],
        );
        passes(
            machine_paths,
            &[
                ("README.md", concat!("https://example.org/ho", "me/ and target/wo", "rk/x")),
                ("samples/a.sh", concat!("$HOME/x ${dir}/t", "mp/")),
            ],
        );
    }

    #[test]
    fn wrong_words_in_public_names_are_found() {
        finds(
            words,
            &[
                ("engine/src/a.rs", "pub fn draw_particles() {}"),
                ("engine/src/a.rs", "pub struct ParticleSet;"),
                ("engine/src/a.rs", "struct S { pub gop: u32 }"),
                ("ffi/src/a.rs", "pub unsafe extern \"C\" fn vivant_set_mvp() {}"),
                ("shaders/src/a.rs", "pub const BUCKETS: u32 = 256;"),
            ],
        );
        passes(
            words,
            &[
                ("engine/src/a.rs", "pub(crate) fn particles() {} fn gop() {} // pub mvp"),
                ("engine/src/a.rs", "pub fn gopher() {} pub use splat::Splat;"),
                ("engine/src/a.rs", "/// pub particle\npub fn f(particle: u32) {}"),
            ],
        );
    }

    #[test]
    fn links_to_nowhere_are_found() {
        finds(
            links,
            &[
                ("README.md", "[a](docs/gone.md)"),
                ("README.md", "[a](../shared/content)"),
                ("engine/README.md", "![a](README-gone.png \"a title\")"),
            ],
        );
        passes(
            links,
            &[("engine/README.md", "[a](../README.md#it) [b](src) [c](./src/frame.rs) [d](https://x.org/y)")],
        );
    }
}
