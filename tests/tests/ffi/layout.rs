//! `layout.txt`, which the crate holds its own structs against, held against C and C++, and against the header and the
//! library for being complete.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use vivant_tests::require::skip;

use crate::header::ffi;
use crate::toolchain::{Language, Link, built, compile, folder, run};

fn agreed() -> String {
    fs::read_to_string(ffi().join("include/layout.txt")).unwrap()
}

fn header() -> String {
    fs::read_to_string(ffi().join("include/vivant.h")).unwrap()
}

/// A program, good C and good C++, that prints `layout` with the numbers that its compiler knows.
fn program(layout: &str) -> String {
    let mut types = String::new();
    let mut prints = String::new();
    for line in layout.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let name = words[1];
        let print = match words[0] {
            "struct" => {
                writeln!(types, "struct align_{name} {{ char c; {name} value; }};").unwrap();
                format!(
                    r#""struct {name} size %d align %d\n", I(sizeof({name})), I(offsetof(align_{name}, value))"#
                )
            }
            "field" => {
                let (owner, field) = name.split_once('.').unwrap();
                let size = format!("sizeof((({owner} *)0)->{field})");
                format!(r#""field {name} offset %d size %d\n", I(offsetof({owner}, {field})), I({size})"#)
            }
            "type" => format!(r#""type {name} size %d\n", I(sizeof({name}))"#),
            "constant" => format!(r#""constant {name} %d\n", I({name})"#),
            other => panic!("layout.txt has a line about a {other}"),
        };
        writeln!(prints, "  printf({});", print.replace("offsetof(align_", "offsetof(struct align_"))
            .unwrap();
    }
    format!(
        "#include <stdio.h>\n#include <vivant.h>\n#define I(x) (int)(x)\n{types}int main(void) {{\n{prints}  \
         return vvt_abi_version() == VVT_ABI_VERSION ? 0 : 1;\n}}\n"
    )
}

fn agree(language: Language, link: Link) {
    let folder = folder();
    let source = folder.path().join("layout.c");
    let agreed = agreed();
    fs::write(&source, program(&agreed)).unwrap();
    let Some(program) = compile(language, link, &source, &folder.path().join("layout")) else { return };
    let printed = String::from_utf8(run(&mut Command::new(program)).stdout).unwrap();
    for (here, there) in agreed.lines().zip(printed.lines()) {
        assert_eq!(here, there, "Rust and {language:?} differ");
    }
    assert_eq!(agreed.lines().count(), printed.lines().count());
}

#[test]
fn c_agrees() {
    agree(Language::C99, Link::Shared);
}

#[test]
fn cpp_agrees() {
    agree(Language::Cpp17, Link::Static);
}

#[test]
fn a_difference_is_noticed() {
    let folder = folder();
    let source = folder.path().join("layout.c");
    let planted = agreed().replace("constant VVT_ERR_IO -8", "constant VVT_ERR_IO -9");
    assert_ne!(planted, agreed());
    fs::write(&source, program(&planted)).unwrap();
    let Some(program) = compile(Language::C99, Link::Shared, &source, &folder.path().join("layout")) else {
        return;
    };
    let printed = String::from_utf8(run(&mut Command::new(program)).stdout).unwrap();
    assert_ne!(printed, planted);
    assert_eq!(printed, agreed());
}

/// The words after `marker` at the starts of lines.
fn names_after<'a>(text: &'a str, marker: &'a str) -> BTreeSet<&'a str> {
    let rest = text.lines().filter_map(|line| line.strip_prefix(marker));
    rest.filter_map(|rest| rest.split([' ', '.']).next()).collect()
}

#[test]
fn the_layout_tells_all_of_the_header() {
    let (agreed, header) = (agreed(), header());
    assert_eq!(names_after(&agreed, "struct "), names_after(&header, "typedef struct "));
    let mut constants = names_after(&header, "#define ");
    constants.retain(|name| name.starts_with("VVT_") && *name != "VVT_API");
    constants.remove("VVT_API");
    assert_eq!(names_after(&agreed, "constant "), constants);
    assert!(constants.len() > 30);
}

/// The functions that the header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let declarations = header.lines().filter_map(|line| line.strip_prefix("VVT_API "));
    let name = |line: &str| {
        let before = line.split('(').next().unwrap_or_default();
        before.rsplit([' ', '*']).next().unwrap_or_default().to_owned()
    };
    declarations.map(name).collect()
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let Ok(output) =
        Command::new("nm").args(["-D", "--defined-only"]).arg(built().join("libvivant.so")).output()
    else {
        skip("nm", "it is not installed");
        return;
    };
    let listed = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<String> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|name| !name.starts_with("rust_") && !name.starts_with('_'))
        .map(str::to_owned)
        .collect();
    let declared = declared(&header());
    assert!(declared.len() > 15, "{declared:?}");
    assert_eq!(exported, declared);
}

#[test]
fn every_export_is_guarded() {
    let mut exports = 0;
    for entry in fs::read_dir(ffi().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("#[unsafe(no_mangle)]") {
            let body = text[at..].split_once("{\n").unwrap().1.trim_start();
            let guarded = ["guard(", "shield(", "with("].iter().any(|start| body.starts_with(start));
            assert!(guarded, "{}: an export does not begin with a guard: {body:.60}", path.display());
            let end = text[at..].split_once("\n}\n").unwrap().0;
            assert!(end.ends_with(')'), "{}: an export does more than its guard", path.display());
            exports += 1;
        }
    }
    assert_eq!(exports, declared(&header()).len());
}
