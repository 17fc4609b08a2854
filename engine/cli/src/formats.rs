//! `vivant formats`: what is read and written, how true, with which limits.

use clap::ArgGroup;
use vivant_convert::export::EXPORTS;
use vivant_convert::table;

use crate::exit::{Outcome, Result};
use crate::output;

/// List the formats that are read and written
///
/// A file is told by what is in it, not by its name. Exact: every splat is what its own renderer draws, up to rounding.
/// Baked: fitted or sampled, with a bound that is said.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("form"))]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long, group = "form")]
    json: bool,
    /// Print the page of the documentation
    #[arg(long, group = "form")]
    markdown: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    if args.json {
        output::json(&table::json());
    } else if args.markdown {
        output::text(table::markdown().trim_end());
    } else {
        output::text("read");
        for format in table::listed() {
            let fidelity = table::fidelity(format.fidelity);
            output::text(&format!("  {:<12} {fidelity:<6} {}", format.name, format.system));
            if !format.limits.is_empty() {
                output::text(&format!("{:21}{}", "", format.limits));
            }
        }
        output::text("written by vivant export");
        for export in EXPORTS {
            output::text(&format!("  {:<19} {}", export.ending, export.system));
            output::text(&format!("{:21} {}", "", export.precision));
        }
    }
    Ok(Outcome::Done)
}
