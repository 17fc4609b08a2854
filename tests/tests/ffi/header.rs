//! `vivant.h` is generated from the exports, committed, and what the sources say today. `VIVANT_WRITE=1` writes it.

use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config, DocumentationStyle, ItemType, Language, Layout, Style};

/// The files that the header is made of, in the order in which it tells them.
const SOURCES: [&str; 14] = [
    "version",
    "result",
    "strings",
    "memory",
    "log",
    "engine",
    "budget",
    "event",
    "player",
    "transport",
    "snapshot",
    "audio",
    "view",
    "offscreen",
];

const TOP: &str = "\
/* vivant.h: the C interface of Vivant, which plays volumetric human performances in stereo. C99 and C++.
 *
 * Generated from ffi/src by the tests (VIVANT_WRITE=1): do not edit.
 *
 * Handles are 64-bit numbers; 0 is none, and one that is stale, of another kind or made up answers
 * VVT_ERR_BAD_HANDLE. Functions answer VVT_OK, a note above 0 or an error below 0, whose sentence vvt_last_error has.
 * Structs start with struct_size = sizeof(the struct) and grow at their end only; in all other fields zero is the
 * default, so begin with {0}. Elements of arrays have no size of their own; a stride beside the array gives it. What
 * a call is given is read before it returns and never kept, but for the log callback. Times are nanoseconds, lengths
 * metres, angles radians, matrices column-major.
 */";

const LINKAGE: &str = "
#if defined(_WIN32) && !defined(VVT_STATIC)
#  define VVT_API __declspec(dllimport)
#else
#  define VVT_API
#endif";

pub(crate) fn ffi() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi")
}

fn generated() -> String {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(TOP.to_owned()),
        after_includes: Some(LINKAGE.to_owned()),
        include_guard: Some("VIVANT_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        style: Style::Both,
        line_length: 110,
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        ..Config::default()
    };
    config.function.args = Layout::Horizontal;
    config.function.prefix = Some("VVT_API".to_owned());
    config.export.item_types =
        vec![ItemType::Constants, ItemType::Structs, ItemType::Typedefs, ItemType::Functions];
    let mut builder = Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(ffi().join(format!("src/{name}.rs")));
    }
    let mut bytes = Vec::new();
    builder.generate().unwrap().write(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    // What Rust calls safety is what C calls using it right; and a negative number wants brackets in a macro.
    let text = text.replace("// # Safety\n", "// Pointers:\n");
    let lines = text.lines().map(|line| match line.split_once(" -") {
        Some((define, number)) if line.starts_with("#define ") => format!("{define} (-{number})\n"),
        _ => format!("{}\n", line.trim_end()),
    });
    lines.collect()
}

#[test]
fn the_header_is_what_the_sources_say() {
    let path = ffi().join("include/vivant.h");
    let fresh = generated();
    if std::env::var_os("VIVANT_WRITE").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let at = fresh.lines().zip(committed.lines()).position(|(fresh, committed)| fresh != committed);
    assert!(
        fresh == committed,
        "vivant.h is not what the sources say from line {} on: VIVANT_WRITE=1 writes it, API_CHANGES.md tells",
        at.map_or(fresh.lines().count().min(committed.lines().count()), |at| at) + 1
    );
}
