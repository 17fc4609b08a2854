//! A capture as trainers leave it: a folder of binary PLYs in the INRIA layout, a frame each, without correspondence
//! between them.

use std::path::Path;
use std::time::Instant;

use vivant::Result;
use vivant::clip::WriterOptions;
use vivant::splat::Splats;
use vivant_convert::ply::write_splats;
use vivant_convert::{Axes, Options, Source};
use vivant_tests::performances::ball;
use vivant_tests::thread::peak_bytes;

use super::{Anyhow, Row, in_a_process};

/// Ten seconds at 30 frames a second of a person filmed well.
const FRAMES: u32 = 300;
const SPLATS: u32 = 200_000;
/// Different frames, after which they repeat, each time a little further on.
const REPEAT: u32 = 12;

/// What converting such a capture costs, in a process of its own.
pub(crate) fn rows(folder: &Path) -> Anyhow<Vec<Row>> {
    std::fs::create_dir_all(folder)?;
    write(folder, FRAMES, SPLATS, 0)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    let threads = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let conditions = format!(
        "{FRAMES} frames x {SPLATS} splats, {} MiB of binary PLY, raw, zstd 3, {threads} threads",
        bytes >> 20
    );
    let table = in_a_process("convert", &["--convert".as_ref(), folder.as_ref()], &conditions)?;
    std::fs::remove_dir_all(folder)?;
    Ok(table)
}

/// Writes `frames` frames of `splats` splats each into `folder`.
fn write(folder: &Path, frames: u32, splats: u32, sh_degree: u8) -> Result<()> {
    let balls: Vec<Splats> = (0..REPEAT).map(|number| ball(splats, sh_degree, u64::from(number))).collect();
    for (frame, ball) in (0..frames).zip(balls.iter().cycle()) {
        let mut moved = ball.clone();
        let way = frame as f32 * 0.004;
        moved.mean.iter_mut().for_each(|mean| mean[0] += way);
        write_splats(&folder.join(format!("frame_{frame:04}.ply")), &moved, Axes::RDF)?;
    }
    Ok(())
}

/// Converts a folder in a process of its own and tells what it cost, as lines of metric, value and unit.
pub(crate) fn child(folder: &Path) -> Result<()> {
    let begun = Instant::now();
    let source = Source::open(&[folder.to_owned()], &Options::default())?;
    let (_, written) = source.write(&folder.join("out.vvt"), &WriterOptions::default(), &mut |_| {})?;
    println!("time\t{:.2}\ts", begun.elapsed().as_secs_f64());
    println!("processor time\t{:.2}\ts", process_nanos() as f64 * 1e-9);
    println!("peak memory\t{}\tMiB", peak_bytes() >> 20);
    println!("file\t{}\tMiB", written.file_bytes >> 20);
    Ok(())
}

/// Processor time of all threads of this process.
#[cfg_attr(unix, expect(unsafe_code, reason = "the system's clock of the process"))]
fn process_nanos() -> u64 {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a local of the right type.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
        if failed == 0 {
            return time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs();
        }
    }
    0
}
