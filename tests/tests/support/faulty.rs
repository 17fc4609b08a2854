//! A source of bytes that fails as disks and networks do: errors, short reads, stalls, flipped bits, a file that
//! shrinks. Which reads fail is drawn from a seed; every knob can be turned while others read.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vivant::clip::{ByteSource, Clip};
use vivant::{Error, Result};

/// What goes wrong, shared with the test.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Of a million reads, so many fail with an error of the device.
    pub(crate) errors: AtomicU64,
    /// … so many end too early.
    pub(crate) short: AtomicU64,
    /// … so many take half a second.
    pub(crate) stalls: AtomicU64,
    /// Every read takes so long.
    pub(crate) delay_micros: AtomicU64,
    /// The file ends here.
    pub(crate) len: AtomicU64,
    /// The bit that is flipped, from the start of the file.
    pub(crate) flip: AtomicU64,
    /// Reads, and those that failed or stalled.
    pub(crate) reads: AtomicU64,
    pub(crate) struck: AtomicU64,
    seed: u64,
}

impl Faults {
    /// Sets one knob.
    pub(crate) fn set(&self, knob: &AtomicU64, value: u64) {
        knob.store(value, Ordering::Relaxed);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn clear(&self) {
        for knob in [&self.errors, &self.short, &self.stalls, &self.delay_micros] {
            knob.store(0, Ordering::Relaxed);
        }
        self.len.store(u64::MAX, Ordering::Relaxed);
        self.flip.store(u64::MAX, Ordering::Relaxed);
    }
}

struct Faulty {
    bytes: Arc<Vec<u8>>,
    faults: Arc<Faults>,
}

/// Opens a clip whose source will fail.
pub(crate) fn open(bytes: &Arc<Vec<u8>>, seed: u64) -> (Arc<Clip>, Arc<Faults>) {
    let zero = || AtomicU64::new(0);
    let faults = Arc::new(Faults {
        errors: zero(),
        short: zero(),
        stalls: zero(),
        delay_micros: zero(),
        len: AtomicU64::new(u64::MAX),
        flip: AtomicU64::new(u64::MAX),
        reads: zero(),
        struck: zero(),
        seed,
    });
    let source = Faulty { bytes: bytes.clone(), faults: faults.clone() };
    (Arc::new(Clip::from_source(Box::new(source)).unwrap()), faults)
}

/// A well mixed number of a million from a seed and a count (`SplitMix64`, Steele et al. 2014).
fn draw(seed: u64, count: u64) -> u64 {
    let mut z = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % 1_000_000
}

impl ByteSource for Faulty {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let faults = &self.faults;
        let get = |knob: &AtomicU64| knob.load(Ordering::Relaxed);
        let drawn = draw(faults.seed, faults.reads.fetch_add(1, Ordering::Relaxed));
        std::thread::sleep(Duration::from_micros(get(&faults.delay_micros)));
        let (errors, short, stalls) = (get(&faults.errors), get(&faults.short), get(&faults.stalls));
        let strike = |kind: std::io::Error| {
            faults.struck.fetch_add(1, Ordering::Relaxed);
            Err(Error::io("faulty", "cannot read", kind))
        };
        if drawn < errors {
            // EIO.
            return strike(std::io::Error::from_raw_os_error(5));
        }
        let end = offset + buffer.len() as u64;
        if drawn < errors + short || end > get(&faults.len) {
            // Some of it came.
            let half = buffer.len() / 2;
            buffer[..half].copy_from_slice(&self.bytes[offset as usize..][..half]);
            return strike(std::io::ErrorKind::UnexpectedEof.into());
        }
        if drawn < errors + short + stalls {
            faults.struck.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(500));
        }
        buffer.copy_from_slice(&self.bytes[offset as usize..end as usize]);
        let flip = get(&faults.flip);
        if (offset..end).contains(&(flip / 8)) {
            buffer[(flip / 8 - offset) as usize] ^= 1 << (flip % 8);
        }
        Ok(())
    }

    fn name(&self) -> &str {
        "faulty"
    }
}
