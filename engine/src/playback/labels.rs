//! Labels of what plays, read beside the player: a thread of its own reads one channel of each segment that is live or comes
//! next, a byte a splat, and lets go of what went by.
//!
//! [`Labeller::update`] is for the frame path: it asks through a bounded queue, takes what is done, and hands back what is
//! no longer needed, so that it neither allocates nor frees. What is late is missing from [`Labeller::labels`], and its
//! splats are drawn plainly. Its memory is beside the player's budget: at most a byte a splat of what is in
//! [`LiveSet::segments`] and [`LiveSet::coming`].

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::channel::ChannelKind;
use crate::clip::{ChannelReader, Clip};
use crate::error::{Error, Result};
use crate::frame::LiveSet;
use crate::look::Labels;

/// Segments whose labels are held or asked for at once: as many as can be live, and as many to come.
const MOST: usize = 64;

/// What the thread is asked.
enum Job {
    Read(u32),
    /// Labels that nobody needs: freed there.
    Forget(Arc<Labels>),
}

/// Where the labels of a segment are.
enum State {
    Asked,
    Held,
    /// The segment has none, or they are damaged.
    None,
}

/// Keeps the labels of one channel of one clip at hand.
pub struct Labeller {
    clip: u64,
    jobs: Option<Sender<Job>>,
    done: Receiver<(u32, Option<Arc<Labels>>)>,
    known: Vec<(u32, State)>,
    held: Vec<Arc<Labels>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Labeller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Labeller")
            .field("clip", &self.clip)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

impl Labeller {
    /// Starts to read the channel called `name`. A clip without it, or in which it is no label, plays plainly.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] or [`Error::Io`] when the thread cannot start.
    pub fn start(clip: &Arc<Clip>, name: &str) -> Result<Self> {
        let (jobs, todo) = bounded::<Job>(MOST);
        // Room for every answer, so that the thread never waits to give one.
        let (results, done) = bounded(MOST);
        let mut reader = ChannelReader::new()?;
        let (own, channel) = (Arc::clone(clip), name.to_owned());
        let run = move || {
            while let Ok(job) = todo.recv() {
                let Job::Read(node) = job else { continue };
                let labels = read(&mut reader, &own, node, &channel).ok().flatten();
                if results.send((node, labels.map(Arc::new))).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("vivant labels".to_owned())
            .spawn(run)
            .map_err(|source| Error::io(clip.name(), "cannot start the thread that reads labels", source))?;
        Ok(Self {
            clip: clip.id(),
            jobs: Some(jobs),
            done,
            known: Vec::with_capacity(MOST),
            held: Vec::with_capacity(MOST),
            thread: Some(thread),
        })
    }

    /// Takes what was read and asks for what is missing. Never blocks, allocates or frees.
    pub fn update(&mut self, live: &LiveSet) {
        while let Ok((node, labels)) = self.done.try_recv() {
            let Some((_, state)) = self.known.iter_mut().find(|(own, _)| *own == node) else { continue };
            *state = if labels.is_some() { State::Held } else { State::None };
            self.held.extend(labels);
        }
        let Some(jobs) = &self.jobs else { return };
        let wanted = || live.segments.iter().chain(&live.coming).filter(|segment| segment.id.0 == self.clip);
        let needed = |node: u32| wanted().any(|segment| segment.id.1 == node);
        let mut at = 0;
        while let Some((node, state)) = self.known.get(at) {
            let (node, asked) = (*node, matches!(state, State::Asked));
            // What is on its way is waited for: its answer has to find its entry.
            if asked || needed(node) {
                at += 1;
                continue;
            }
            if let Some(place) = self.held.iter().position(|labels| labels.id.1 == node) {
                let Err(refused) = jobs.try_send(Job::Forget(self.held.swap_remove(place))) else {
                    self.known.swap_remove(at);
                    continue;
                };
                if let Job::Forget(labels) = refused.into_inner() {
                    self.held.push(labels);
                }
                at += 1;
            } else {
                self.known.swap_remove(at);
            }
        }
        for segment in wanted() {
            let node = segment.id.1;
            let new = self.known.len() < MOST && !self.known.iter().any(|(own, _)| *own == node);
            if new && jobs.try_send(Job::Read(node)).is_ok() {
                self.known.push((node, State::Asked));
            }
        }
    }

    /// The labels at hand, for [`crate::look::ChannelLook`].
    #[must_use]
    pub fn labels(&self) -> &[Arc<Labels>] {
        &self.held
    }
}

impl Drop for Labeller {
    fn drop(&mut self) {
        self.jobs = None;
        // The thread ends with its queue; it has room for every answer.
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The labels of everything that is live, now. A segment without the channel, or in which it is no label, has none.
///
/// # Errors
/// As [`ChannelReader::read`].
pub fn labels_of(clip: &Clip, live: &LiveSet, name: &str) -> Result<Vec<Arc<Labels>>> {
    let mut reader = ChannelReader::new()?;
    let of = |segment: &Arc<crate::frame::SegmentData>| {
        read(&mut reader, clip, segment.id.1, name).map(|labels| labels.map(Arc::new)).transpose()
    };
    live.segments.iter().filter_map(of).collect()
}

fn read(reader: &mut ChannelReader, clip: &Clip, node: u32, name: &str) -> Result<Option<Labels>> {
    let table = reader.table(clip, node)?;
    let Some(number) = table.iter().position(|info| info.name == name && info.kind == ChannelKind::Label)
    else {
        return Ok(None);
    };
    let channel = reader.read_named(clip, node, name)?;
    let number = u8::try_from(number).unwrap_or(u8::MAX);
    Ok(channel.map(|channel| Labels::new((clip.id(), node), number, &channel.words)))
}
