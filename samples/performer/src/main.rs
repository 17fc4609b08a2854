//! Makes the sample performance and prints what was made.

use std::io::Write;
use vivant_performer::{Options, generate_with_report};

fn main() -> std::io::Result<()> {
    let start = std::time::Instant::now();
    let (_, report) = generate_with_report(&Options::default());
    let mut out = std::io::stdout().lock();
    writeln!(out, "splats live       {} (fewest in any frame)", report.splats_live)?;
    writeln!(out, "records           {}", report.records)?;
    writeln!(out, "mean window       {:.3} s", report.mean_window_s)?;
    writeln!(
        out,
        "place error       {:.3} mm largest, {:.3} mm rms",
        report.max_error_m * 1e3,
        report.rms_error_m * 1e3
    )?;
    writeln!(
        out,
        "rotation error    {:.2} deg largest, {:.2} deg rms",
        report.max_error_rad.to_degrees(),
        report.rms_error_rad.to_degrees()
    )?;
    writeln!(out, "made in           {:.1} s", start.elapsed().as_secs_f32())
}
