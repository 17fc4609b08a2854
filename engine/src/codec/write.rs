//! Performance → clip: the encoder and the container's writer joined.

use std::path::Path;

use super::palette::PaletteSampler;
use super::partition::{Hierarchy, Partition, partition};
use crate::clip::{Profile, WriteReport, Writer, WriterOptions};
use crate::error::Result;
use crate::splat::{Life, Performance};

/// Writes a performance to a file, cut into the temporal hierarchy.
///
/// # Errors
/// [`crate::Error::Io`], and [`crate::Error::InvalidArgument`] for arrays of different lengths or an impossible
/// description. Splats that cannot be stored are counted in the report, not errors.
pub fn write_performance(
    path: &Path,
    performance: &Performance,
    options: &WriterOptions,
) -> Result<WriteReport> {
    write_performance_with(path, performance, options, &mut |_| {})
}

/// [`write_performance`] that tells its progress, 0 to 1.
///
/// # Errors
/// As [`write_performance`].
pub fn write_performance_with(
    path: &Path,
    performance: &Performance,
    options: &WriterOptions,
    progress: &mut dyn FnMut(f64),
) -> Result<WriteReport> {
    let mut writer = Writer::create(path, &performance.info, options)?;
    push_performance(&mut writer, performance, options, progress)?;
    writer.finish()
}

/// [`write_performance`] into memory.
///
/// # Errors
/// As [`write_performance`], without the I/O.
pub fn performance_to_bytes(
    performance: &Performance,
    options: &WriterOptions,
) -> Result<(Vec<u8>, WriteReport)> {
    let mut writer = Writer::in_memory(&performance.info, options)?;
    push_performance(&mut writer, performance, options, &mut |_| {})?;
    writer.finish_bytes()
}

/// Puts a performance into a writer that was started with its info and that the caller finishes. Tells its progress,
/// 0 to 1.
///
/// # Errors
/// As [`write_performance`].
pub fn push_performance(
    writer: &mut Writer,
    performance: &Performance,
    options: &WriterOptions,
    progress: &mut dyn FnMut(f64),
) -> Result<()> {
    super::encode::check_lengths(&performance.splats)?;
    let splats = performance.splats.len() as u64;
    let mut sampler =
        PaletteSampler::new(performance.splats.sh_degree.min(performance.info.sh_degree), splats);
    if options.profile != Profile::Raw {
        sampler.add(&performance.splats);
    }
    if let Some(palette) = sampler.palette(options.profile, splats) {
        writer.push_palette(palette)?;
    }
    let hierarchy = Hierarchy::new(&performance.info, options.segment_ticks);
    let Partition { nodes, unseen, out_of_range, cut_pieces } = partition(performance, &hierarchy, options);
    writer.report.dropped_unseen += unseen;
    writer.report.dropped_out_of_range += out_of_range;
    writer.report.cut_pieces = cut_pieces;
    let total: usize = nodes.values().map(Vec::len).sum();
    let mut done = 0;
    // In order of time, coarse first: what plays together lies together in the file.
    let mut order: Vec<(i64, u8, i64)> =
        nodes.keys().map(|&(level, index)| (hierarchy.edge(level, index), level, index)).collect();
    order.sort_unstable();
    for (start, level, index) in order {
        let Some(pieces) = nodes.get(&(level, index)) else { continue };
        let indices: Vec<usize> = pieces.iter().map(|piece| piece.splat).collect();
        let mut splats = performance.splats.select(&indices);
        let end = hierarchy.edge(level, index + 1);
        if !splats.life.is_empty() || pieces.iter().any(|piece| (piece.start, piece.end) != (start, end)) {
            splats.life.resize(pieces.len(), Life::ALWAYS);
            for (life, piece) in splats.life.iter_mut().zip(pieces) {
                (life.start, life.end) = (piece.start, piece.end);
            }
        }
        writer.push_segment(level, start, end, &splats)?;
        done += pieces.len();
        progress(done as f64 / total.max(1) as f64);
    }
    Ok(())
}
