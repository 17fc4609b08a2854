//! The formats as tables: for the terminal, for programs, for the documentation. Pure.

use serde_json::{Value, json};

use crate::export::EXPORTS;
use crate::formats::{FORMATS, Fidelity, Format};

/// The formats that something comes of: checkpoints of no known system have a door that only refuses them.
pub fn listed() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().copied().filter(|format| format.name != "torch")
}

/// The word for how true an import is.
#[must_use]
pub const fn fidelity(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Exact => "exact",
        Fidelity::Baked => "baked",
    }
}

/// `FORMATS.md`, all of it.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "# What is read and written\n\n\
         Printed by `vivant formats --markdown`. A file is told by what is in it, not by its name. *Exact*: every splat is \
         what its own renderer draws, up to rounding; *baked*: fitted or sampled, with a bound that is said.\n\n\
         | read | what writes it | | limits |\n|---|---|---|---|\n",
    );
    for format in listed() {
        let cells = [format.name, format.system, fidelity(format.fidelity), format.limits];
        text += &row(&cells);
    }
    text += "\n| written | what reads it | how exactly |\n|---|---|---|\n";
    for export in EXPORTS {
        text += &row(&[export.ending, export.system, export.precision]);
    }
    text
}

/// A line of a table.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The same for programs.
#[must_use]
pub fn json() -> Value {
    let read = listed().map(|format| {
        json!({
            "name": format.name,
            "system": format.system,
            "fidelity": fidelity(format.fidelity),
            "limits": format.limits,
        })
    });
    let written = EXPORTS.iter().map(
        |export| json!({ "ending": export.ending, "system": export.system, "precision": export.precision }),
    );
    json!({ "read": read.collect::<Vec<_>>(), "written": written.collect::<Vec<_>>() })
}
