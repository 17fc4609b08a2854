//! What a splat carries, read from the clip when it is asked for. The channels of the segments that were asked for last
//! are kept, so that a pointer that moves over a performer does not read the file at every step.

use crate::channel::{Channel, ChannelValue};
use crate::clip::{ChannelReader, Clip};
use crate::error::Result;

/// Segments whose channels are kept: a live set has one a level.
const KEPT: usize = 8;

/// One value of a splat.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// The channel's name.
    pub name: String,
    /// What the splat has there.
    pub value: ChannelValue,
}

/// Reads what splats carry.
#[derive(Debug)]
pub struct ChannelValues {
    reader: ChannelReader,
    /// By clip and segment, the one asked for last at the end.
    kept: Vec<((u64, u32), Vec<Channel>)>,
}

impl ChannelValues {
    /// With its buffers.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub fn new() -> Result<Self> {
        Ok(Self { reader: ChannelReader::new()?, kept: Vec::new() })
    }

    /// What a splat of a segment carries, in the order of the file; nothing for a splat that is not there.
    ///
    /// # Errors
    /// As [`ChannelReader::read`].
    pub fn of(&mut self, clip: &Clip, segment: u32, splat: usize) -> Result<Vec<Carried>> {
        let key = (clip.id(), segment);
        let kept = match self.kept.iter().position(|(own, _)| *own == key) {
            Some(at) => self.kept.remove(at),
            None => (key, self.reader.read(clip, segment)?),
        };
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        let channels = kept.1.iter();
        let carried = channels
            .filter_map(|channel| Some(Carried { name: channel.name.clone(), value: channel.value(splat)? }))
            .collect();
        self.kept.push(kept);
        Ok(carried)
    }
}
