//! A thousand random seeks at 200,000 live splats: with the file in the page cache, and with nothing of it there.
//!
//! Before every cold seek the system is told to forget the file's pages, and asked how many it still holds: it keeps
//! those that are mapped, so a mapped clip is only as cold as the last column says. What the host of a virtual machine
//! or a drive's own memory still hold cannot be forgotten from here.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use vivant::clip::{Access, Clip};
use vivant::playback::{Player, PlayerOptions};
use vivant_tests::random::Random;
use vivant_tests::thread::percentile;

use super::{Anyhow, Row, millis, row, settle};

const SEEKS: u32 = 1000;

/// Every seek in a row of figures each.
pub(crate) fn rows(path: &Path) -> Anyhow<Vec<Row>> {
    // What is not on the disk yet cannot be forgotten.
    File::open(path)?.sync_all()?;
    drop(std::fs::read(path)?);
    let mut table = Vec::new();
    for (budget, spare) in [("the least", 0), ("all of it", 1 << 30)] {
        table.extend(seeks(path, Access::Auto, false, (budget, spare))?);
    }
    for access in [Access::Pread, Access::Auto] {
        table.extend(seeks(path, access, true, ("the least", 0))?);
    }
    Ok(table)
}

fn seeks(path: &Path, access: Access, cold: bool, (budget, spare): (&str, u64)) -> Anyhow<Vec<Row>> {
    let file = File::open(path)?;
    let clip = Arc::new(Clip::open(path, access)?);
    let budget_bytes = Player::full_bytes(&clip).max(spare);
    let mut player = Player::open(clip.clone(), PlayerOptions { budget_bytes, ..PlayerOptions::default() })?;
    settle(&mut player, 0)?;
    let mut random = Random::new(5);
    let (mut times, mut kept) = (Vec::new(), Vec::new());
    for _ in 0..SEEKS {
        let target = i64::from(random.below(20_000)) * 1_000_000;
        if cold {
            forget(&file)?;
            kept.push(cached_percent(&file)?);
        }
        let begun = Instant::now();
        player.seek(0, target);
        settle(&mut player, 0)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    kept.sort_unstable();
    let limits = clip.limits();
    let mut conditions = format!(
        "{SEEKS} seeks, {} live splats, {} MiB live, budget {} MiB ({budget}), {access:?}",
        limits.max_live_splats,
        limits.max_live_bytes >> 20,
        budget_bytes >> 20
    );
    if cold {
        conditions += &format!(", {} % of the file still cached (median)", percentile(&kept, 0.5));
    }
    let name = if cold { "cold seek" } else { "seek" };
    let figures = [("p50", 0.5), ("p95", 0.95), ("most", 1.0)];
    Ok(figures
        .iter()
        .map(|(part, at)| row(&format!("{name} {part}"), millis(percentile(&times, *at)), "ms", &conditions))
        .collect())
}

/// Asks the system to drop the file's pages from memory.
#[cfg_attr(target_os = "linux", expect(unsafe_code, reason = "advice on a file"))]
fn forget(file: &File) -> Anyhow<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        // SAFETY: the descriptor is open; the call touches no memory of ours.
        let failed = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        if failed != 0 {
            return Err(std::io::Error::from_raw_os_error(failed).into());
        }
    }
    let _same_elsewhere = file;
    Ok(())
}

/// How much of the file is in the system's memory; 100 where it cannot say.
#[cfg_attr(target_os = "linux", expect(unsafe_code, reason = "asking the system about pages"))]
fn cached_percent(file: &File) -> Anyhow<usize> {
    let len = usize::try_from(file.metadata()?.len())?;
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let (read, shared, descriptor) = (libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd());
        // SAFETY: a new mapping of an open file, which nothing else uses.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), len, read, shared, descriptor, 0) };
        if at == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error().into());
        }
        let mut pages = vec![0_u8; len.div_ceil(4096)];
        // SAFETY: the mapping made above, and a byte for each of its pages.
        let failed = unsafe { libc::mincore(at, len, pages.as_mut_ptr()) };
        // SAFETY: the mapping made above, not used hereafter.
        unsafe { libc::munmap(at, len) };
        if failed == 0 {
            let cached = pages.iter().filter(|&&page| page & 1 != 0).count();
            return Ok(cached * 100 / pages.len().max(1));
        }
    }
    let _not_asked = len;
    Ok(100)
}
