//! `vivant-performer -o OUT.vvt`: makes the sample performance, writes it, and prints what was made.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use vivant::clip::{Profile, WriterOptions};
use vivant::codec::write_performance;
use vivant_performer::{Options, Report, generate_with_report};

/// Make the sample performance: a person dancing, as temporal Gaussian splats
#[derive(Debug, Parser)]
#[command(name = "vivant-performer", version)]
struct Args {
    /// The clip to write
    #[arg(short, long, value_name = "VVT")]
    output: PathBuf,
    /// Splats to show at any time, about
    #[arg(long, value_name = "N", default_value_t = Options::default().splats, value_parser = splats)]
    splats: usize,
    /// Seed of all that is random about it
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    seed: u64,
    /// How much precision to keep: raw, local or network
    #[arg(long, default_value = "raw", value_name = "PROFILE")]
    profile: Profile,
}

/// Between a sketch and what takes minutes to make.
fn splats(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 5_000..=1_000_000) => Ok(count),
        _ => Err("a number from 5000 to 1000000".to_owned()),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let begun = Instant::now();
    let options = Options { splats: args.splats, seed: args.seed, ..Options::default() };
    let (performance, report) = generate_with_report(&options);
    let generated = begun.elapsed().as_secs_f32();
    let metadata = format!(
        "{{\"generator\":\"vivant-performer {}\",\"seed\":{},\"fit_error_max_m\":{},\"fit_error_rms_m\":{}}}",
        env!("CARGO_PKG_VERSION"),
        options.seed,
        report.max_error_m,
        report.rms_error_m
    );
    let writer = WriterOptions { metadata, profile: args.profile, ..WriterOptions::default() };
    match write_performance(&args.output, &performance, &writer) {
        Ok(written) => {
            say(&report);
            eprintln!(
                "{}: {:.1} MB, generated in {generated:.1} s, written in {:.1} s",
                args.output.display(),
                written.file_bytes as f64 * 1e-6,
                begun.elapsed().as_secs_f32() - generated
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn say(report: &Report) {
    eprintln!("{} splats live in the frame with the fewest, {} records", report.splats_live, report.records);
    eprintln!(
        "fitted to the true paths: place off by at most {:.2} mm ({:.2} mm rms), turn by at most {:.2}° ({:.2}° rms)",
        report.max_error_m * 1e3,
        report.rms_error_m * 1e3,
        report.max_error_rad.to_degrees(),
        report.rms_error_rad.to_degrees()
    );
}
