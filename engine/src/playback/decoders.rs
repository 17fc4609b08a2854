//! The threads that read and decode, so that a stalled read holds up one segment and not its neighbours, and the levels
//! of a seek decode side by side.
//!
//! Jobs go out and results come back through bounded channels; there are never more jobs than [`DECODERS`], so neither
//! side waits for room.

use std::sync::Arc;
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::schedule::Id;
use crate::clip::Clip;
use crate::codec::Decoder;
use crate::error::{Error, Result};
use crate::frame::SegmentData;

/// Segments decoded at once. The live set is a few segments deep, and two keep a reader and a decoder busy without
/// taking the host's cores.
pub(super) const DECODERS: usize = 2;

/// A segment to read.
struct Job {
    clip: Arc<Clip>,
    node: u32,
    lod: u8,
}

/// What became of it.
pub(super) struct Done {
    pub(super) id: Id,
    pub(super) lod: u8,
    /// How long reading and decoding took.
    pub(super) took: Duration,
    pub(super) data: Result<SegmentData>,
}

/// The threads; they end when this is dropped.
pub(super) struct Decoders {
    jobs: Option<Sender<Job>>,
    done: Receiver<Done>,
    threads: Vec<JoinHandle<()>>,
}

impl Decoders {
    /// Starts the threads; each result wakes `loader`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] or [`Error::Io`] when they cannot start.
    pub(super) fn start(name: &str, loader: &Thread) -> Result<Self> {
        let (jobs, todo) = bounded::<Job>(DECODERS);
        let (results, done) = bounded(DECODERS);
        let mut decoders = Self { jobs: Some(jobs), done, threads: Vec::new() };
        for number in 0..DECODERS {
            let (todo, results, loader) = (todo.clone(), results.clone(), loader.clone());
            let mut decoder = Decoder::new()?;
            let run = move || {
                while let Ok(Job { clip, node, lod }) = todo.recv() {
                    let begun = Instant::now();
                    let data = decoder.decode_lod(&clip, node, lod);
                    let done = Done { id: (clip.id(), node), lod, took: begun.elapsed(), data };
                    drop(clip);
                    if results.send(done).is_err() {
                        break;
                    }
                    loader.unpark();
                }
            };
            let thread = std::thread::Builder::new().name(format!("vivant-decode-{number}")).spawn(run);
            let thread =
                thread.map_err(|source| Error::io(name, "cannot start a decoding thread", source))?;
            decoders.threads.push(thread);
        }
        Ok(decoders)
    }

    /// Hands out a job; the caller keeps count of those out.
    pub(super) fn begin(&self, clip: &Arc<Clip>, node: u32, lod: u8) -> bool {
        let job = Job { clip: clip.clone(), node, lod };
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// The next result, if there is one.
    pub(super) fn next(&self) -> Option<Done> {
        self.done.try_recv().ok()
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        // With nobody to hand out jobs, the threads come to their end.
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // One that panicked has nothing left to say that matters now.
            thread.join().ok();
        }
    }
}
