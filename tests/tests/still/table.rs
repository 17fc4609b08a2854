//! `vivant formats`, and the page of the documentation that it prints.

use std::path::Path;

use vivant_convert::{FORMATS, table};

use crate::vivant_binary::{run, stdout};

#[test]
fn the_page_is_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/convert/FORMATS.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        page,
        table::markdown(),
        "the table has changed: vivant formats --markdown > engine/convert/FORMATS.md"
    );
}

#[test]
fn every_format_is_listed_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let [text, json, page] =
        [&["formats"][..], &["formats", "--json"], &["formats", "--markdown"]].map(|arguments| {
            let output = run(folder.path(), arguments);
            assert_eq!(output.status.code(), Some(0));
            stdout(&output)
        });
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["read"].as_array().unwrap().len(), table::listed().count());
    let names: std::collections::BTreeSet<_> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(names.len(), FORMATS.len(), "a name stands for one format");
    for format in table::listed() {
        assert!(text.contains(format.system) && page.contains(format.system), "{}", format.name);
        assert!(text.contains(format.limits) && page.contains(format.limits), "{}", format.name);
    }
    assert_eq!(page, table::markdown());
    let both = run(folder.path(), &["formats", "--json", "--markdown"]);
    assert_eq!(both.status.code(), Some(2));
}
