//! `vivant doctor`: what this machine has to play with, what is missing, and how to get it.

use vivant::gpu::{DeviceReport, Gpu, GpuOptions, devices};

use crate::exit::Result;
use crate::{exit, output};

/// Say what this machine can play on, what is missing and how to get it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command: fails when there is no usable device.
pub(crate) fn run(args: &Args) -> Result {
    let found = devices();
    let reports = found.as_deref().unwrap_or_default();
    let validation = Gpu::create(&GpuOptions { validation: true, ..GpuOptions::from_env() }).is_ok();
    if args.json {
        output::json(&serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "devices": reports.iter().map(as_json).collect::<Vec<_>>(),
            "validation_layer": validation,
        }));
    } else {
        output::text(&format!("vivant {}", env!("CARGO_PKG_VERSION")));
        reports.iter().for_each(|report| output::text(&as_text(report)));
        output::text(if validation {
            "validation layer: installed"
        } else {
            "validation layer: not usable (only developers need it: samples/setup.sh tests)"
        });
    }
    // Choosing says best why nothing can be chosen.
    let chosen = Gpu::create(&GpuOptions::from_env())?;
    if !args.json {
        output::text(&format!("vivant plays on {}", chosen.report().name));
    }
    Ok(exit::Outcome::Done)
}

fn version((major, minor, patch): (u32, u32, u32)) -> String {
    format!("{major}.{minor}.{patch}")
}

fn as_text(report: &DeviceReport) -> String {
    let mut text = format!(
        "{} ({}): Vulkan {}, {}, subgroups of {}",
        report.name,
        report.kind,
        version(report.api_version),
        if report.driver.is_empty() { "driver unnamed" } else { &report.driver },
        report.subgroup
    );
    if let Some(c) = report.capabilities {
        text += &format!(
            "\n  can play: {} memory{}, storage buffers up to {}, {} views at once, images up to {} px, {}",
            if c.unified_memory { "unified" } else { "separate" },
            if c.transfer_queue { " with a queue for copies" } else { "" },
            output::bytes(c.storage_range),
            c.max_views,
            c.max_image,
            if c.timestamp_nanos > 0.0 { "GPU timings" } else { "no GPU timings" },
        );
    }
    for missing in &report.missing {
        text += &format!("\n  cannot play: {missing}");
    }
    text
}

fn as_json(report: &DeviceReport) -> serde_json::Value {
    serde_json::json!({
        "name": report.name,
        "kind": report.kind,
        "vulkan": version(report.api_version),
        "driver": report.driver,
        "subgroup": report.subgroup,
        "missing": report.missing,
        "capabilities": report.capabilities.map(|c| serde_json::json!({
            "unified_memory": c.unified_memory,
            "transfer_queue": c.transfer_queue,
            "storage_range_bytes": c.storage_range,
            "timestamp_nanos": c.timestamp_nanos,
            "max_image_px": c.max_image,
            "max_views": c.max_views,
        })),
    })
}
