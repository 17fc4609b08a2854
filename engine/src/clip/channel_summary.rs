//! What a clip's splats carry, told over all its segments: names, kinds, ranges, labels. Reads every channel: for a tool.

use std::collections::BTreeMap;

use super::Clip;
use super::bytes::word;
use super::channels::{ChannelInfo, ChannelReader};
use crate::channel::{Channel, ChannelKind, ChannelValue};
use crate::error::{Error, Result};

/// Labels that are told apart; identities may be as many as splats.
const MOST_LABELS: usize = 4096;
/// Channels that a file may make us remember: each of its segments may have others.
const MOST_SUMMARIES: usize = 64;

/// One channel of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelSummary {
    /// What it is.
    pub info: ChannelInfo,
    /// Splats that have it, of all segments together.
    pub splats: u64,
    /// Its least and its greatest value; of numbers the finite ones. `None` where there is none.
    pub range: Option<(f64, f64)>,
    /// Of labels: which there are and how many splats have each, by label; the first [`Self::MOST_LABELS`] that were met.
    pub labels: BTreeMap<u32, u64>,
    /// Whether there are more labels.
    pub more: bool,
}

impl ChannelSummary {
    /// Labels that are told apart.
    pub const MOST_LABELS: usize = MOST_LABELS;

    fn of(info: ChannelInfo) -> Self {
        Self { info, splats: 0, range: None, labels: BTreeMap::new(), more: false }
    }

    fn add(&mut self, channel: &Channel) {
        self.splats += channel.words.len() as u64;
        for &bits in &channel.words {
            let value = match channel.kind.value(bits) {
                ChannelValue::Label(label) => f64::from(label),
                ChannelValue::Number(number) => f64::from(number),
            };
            if value.is_finite() {
                let (least, greatest) = self.range.unwrap_or((value, value));
                self.range = Some((least.min(value), greatest.max(value)));
            }
            if channel.kind == ChannelKind::Label {
                if self.labels.len() < MOST_LABELS || self.labels.contains_key(&bits) {
                    *self.labels.entry(bits).or_default() += 1;
                } else {
                    self.more = true;
                }
            }
        }
    }
}

impl Clip {
    /// What its splats carry besides what they look like, in the order in which it is met, and the number of segments in
    /// which that is damaged. Reads all of it: for a tool, not for the frame path.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::OutOfMemory`].
    pub fn channels(&self) -> Result<(Vec<ChannelSummary>, u32)> {
        let mut reader = ChannelReader::new()?;
        let mut out: Vec<ChannelSummary> = Vec::new();
        let mut damaged = 0;
        for node in 0..word(self.nodes().len()) {
            let channels = match reader.read(self, node) {
                Ok(channels) => channels,
                Err(error @ (Error::Io { .. } | Error::OutOfMemory { .. })) => return Err(error),
                Err(_) => {
                    damaged += 1;
                    continue;
                }
            };
            for channel in &channels {
                let same =
                    |of: &&mut ChannelSummary| of.info.name == channel.name && of.info.kind == channel.kind;
                if let Some(summary) = out.iter_mut().find(same) {
                    summary.add(channel);
                } else if out.len() < MOST_SUMMARIES {
                    let info = ChannelInfo { name: channel.name.clone(), kind: channel.kind };
                    out.push(ChannelSummary::of(info));
                    out.iter_mut().last().into_iter().for_each(|new| new.add(channel));
                }
            }
        }
        Ok((out, damaged))
    }
}
