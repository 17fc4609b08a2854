//! What is done to every foreign file: cut anywhere, any bit flipped. What reads it must give an error that names the
//! file, or splats; in bounded time and memory; and never end the program.
//!
//! Put [`Metered`] into a test target as its global allocator and memory is measured too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::random::Random;

/// Places at which a file is cut.
const CUTS: usize = 100;
/// Bits that are flipped, one at a time.
const FLIPS: u32 = 1000;
/// Bytes that may be held beside a multiple of the file's: other tests of the same program run meanwhile.
const FREE_BYTES: usize = 256 << 20;
/// Bytes that may be held for a byte of the file: half a byte a splat of a palette, read as sixty floats and copied.
const BYTES_PER_BYTE: usize = 600;
/// The longest that a reader may take.
const PATIENCE: Duration = Duration::from_secs(10);

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// An allocator that knows how much is held, and the most that was.
#[derive(Debug)]
pub struct Metered;

#[expect(unsafe_code, reason = "a global allocator")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What must become of a file that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// An error, wherever it was cut.
    Fails,
    /// An error or fewer splats: the format does not say how many there are.
    MayRead,
}

/// Cuts and flips the file at `target`, which is whole again afterwards, and lets `read` read `opened` (the file, or the
/// folder it is part of) each time. `read` gives how many splats it got.
///
/// # Panics
/// When a reader panics, is slow, takes too much, accepts what it must refuse, or does not name the file.
pub fn attack(target: &Path, opened: &Path, cut: Cut, read: &dyn Fn(&Path) -> vivant::Result<usize>) {
    // One at a time, for the sake of the memory that is measured.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let whole = std::fs::read(target).expect("the file to attack");
    let wanted = read(opened).expect("the whole file is read");
    let folder = opened.parent().unwrap_or(opened).display().to_string();
    let look = |what: &str, bytes: &[u8]| -> Option<usize> {
        std::fs::write(target, bytes).expect("write");
        let held = LIVE.load(Relaxed);
        PEAK.store(held, Relaxed);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(opened)));
        let (taken, most) = (start.elapsed(), PEAK.load(Relaxed).saturating_sub(held));
        assert!(taken < PATIENCE, "{what}: took {taken:?}");
        let allowed = FREE_BYTES + BYTES_PER_BYTE * whole.len();
        assert!(most <= allowed, "{what}: held {most} bytes for a file of {}", whole.len());
        match outcome {
            Err(_) => panic!("{what}: the reader panicked"),
            Ok(Ok(splats)) => Some(splats),
            Ok(Err(error)) => {
                let line = error.to_string();
                assert!(line.contains(&folder), "{what}: the error does not name the file: {line}");
                assert!(!line.contains('\n'), "{what}: more than a line: {line}");
                None
            }
        }
    };
    for number in 0..CUTS {
        let length = whole.len() * number / CUTS;
        let got = look(&format!("cut at {length}"), &whole[..length]);
        let fine = got.is_none_or(|splats| cut == Cut::MayRead && splats < wanted);
        assert!(fine, "cut at {length} of {}: read as {got:?} of {wanted} splats", whole.len());
    }
    let mut random = Random::new(77);
    let mut refused = 0;
    for _ in 0..FLIPS {
        let bits = u32::try_from(whole.len() * 8).expect("a small file");
        let bit = random.below(bits);
        let mut bytes = whole.clone();
        bytes[bit as usize / 8] ^= 1 << (bit % 8);
        refused += u32::from(look(&format!("bit {bit} flipped"), &bytes).is_none());
    }
    std::fs::write(target, &whole).expect("write");
    eprintln!("{}: {refused} of {FLIPS} flips refused", target.display());
    assert_eq!(read(opened).expect("whole again"), wanted);
}
