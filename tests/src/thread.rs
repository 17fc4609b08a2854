//! What the calling thread costs by itself: processor time and page faults, so that a busy machine does not count.

#![cfg_attr(unix, expect(unsafe_code, reason = "the system's clocks and counters of one thread"))]

/// Processor time of this thread, nanoseconds; 0 where the system cannot say.
#[must_use]
pub fn cpu_nanos() -> u64 {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a local of the right type.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        if failed == 0 {
            return time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs();
        }
    }
    0
}

/// Page faults of this thread since it began: served from memory, and from disk; zeros where the system cannot say.
#[must_use]
pub fn page_faults() -> (u64, u64) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all of its fields are numbers, for which zero is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is to a local of the right type.
        let failed = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
        if failed == 0 {
            return (usage.ru_minflt.unsigned_abs(), usage.ru_majflt.unsigned_abs());
        }
    }
    (0, 0)
}

/// Resident memory of the process, bytes; 0 where the system cannot say.
#[must_use]
pub fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

/// The most it was so far; 0 where the system cannot say.
#[must_use]
pub fn peak_bytes() -> u64 {
    status_bytes("VmHWM:")
}

fn status_bytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The value below which `part` of `sorted` lies; 0 of nothing.
#[must_use]
pub fn percentile<T: Copy + Default>(sorted: &[T], part: f64) -> T {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the slice")]
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
