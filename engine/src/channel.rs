//! What splats carry besides what they look like: labels (a part, a material, a segmentation's id) and numbers, by name.
//!
//! A channel has one 32-bit word a splat and says whether that is a label or the bits of a number. Nothing is drawn
//! from it; it travels with its splats through every step, so that a pick can read it and a label can be shown, hidden
//! or tinted. Sets that are joined need not have the same channels: where one lacks a channel its splats have 0 there.

use crate::error::{Error, Result};

/// Channels that a set of splats has at most.
pub const MOST_CHANNELS: usize = 8;
/// Bytes of a channel's name at most.
pub const MOST_NAME_BYTES: usize = 64;

/// What the words of a channel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// A label: equal or not, in no order.
    Label,
    /// A number: the bits of an f32, any.
    Number,
}

/// What one splat has in a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChannelValue {
    /// A label.
    Label(u32),
    /// A number.
    Number(f32),
}

impl ChannelKind {
    /// What a word is worth.
    #[must_use]
    pub const fn value(self, word: u32) -> ChannelValue {
        match self {
            Self::Label => ChannelValue::Label(word),
            Self::Number => ChannelValue::Number(f32::from_bits(word)),
        }
    }

    /// The word of a value; a value of the other kind is the nearest of this one.
    #[must_use]
    pub const fn word(self, value: ChannelValue) -> u32 {
        match (self, value) {
            (Self::Label, ChannelValue::Label(label)) => label,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates; NaN becomes 0"
            )]
            (Self::Label, ChannelValue::Number(number)) => number as u32,
            (Self::Number, ChannelValue::Number(number)) => number.to_bits(),
            (Self::Number, ChannelValue::Label(label)) => (label as f32).to_bits(),
        }
    }
}

impl std::fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Label => "label",
            Self::Number => "number",
        })
    }
}

impl std::fmt::Display for ChannelValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Label(label) => write!(f, "{label}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// One channel of a set of splats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name, the same in every part of a clip: 1 to [`MOST_NAME_BYTES`] bytes, without control characters.
    pub name: String,
    /// What its words are.
    pub kind: ChannelKind,
    /// One word a splat.
    pub words: Vec<u32>,
}

impl Channel {
    /// A channel of labels.
    #[must_use]
    pub fn labels(name: &str, labels: Vec<u32>) -> Self {
        Self { name: name.to_owned(), kind: ChannelKind::Label, words: labels }
    }

    /// A channel of numbers.
    #[must_use]
    pub fn numbers(name: &str, numbers: &[f32]) -> Self {
        let words = numbers.iter().map(|number| number.to_bits()).collect();
        Self { name: name.to_owned(), kind: ChannelKind::Number, words }
    }

    /// What a splat has; `None` beyond them.
    #[must_use]
    pub fn value(&self, splat: usize) -> Option<ChannelValue> {
        self.words.get(splat).map(|&word| self.kind.value(word))
    }

    /// The same channel without splats.
    fn empty(&self, room: usize) -> Self {
        Self { name: self.name.clone(), kind: self.kind, words: Vec::with_capacity(room) }
    }
}

/// Whether a channel may be called so.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=MOST_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// Checks that a set of `splats` splats may have these channels.
///
/// # Errors
/// [`Error::LimitExceeded`] for too many; [`Error::InvalidArgument`] for a name that is none or that two have, and for a
/// channel of another length.
pub fn check(channels: &[Channel], splats: usize) -> Result<()> {
    if channels.len() > MOST_CHANNELS {
        return Err(Error::LimitExceeded {
            what: "channels of splats".to_owned(),
            value: channels.len() as u64,
            limit: MOST_CHANNELS as u64,
        });
    }
    for (number, channel) in channels.iter().enumerate() {
        let name: String = channel.name.chars().take(MOST_NAME_BYTES).collect();
        if !is_name(&channel.name) {
            return Err(Error::invalid(format!(
                "channel {number} cannot be called {name:?}: 1 to {MOST_NAME_BYTES} bytes without control characters"
            )));
        }
        if channels[..number].iter().any(|other| other.name == channel.name) {
            return Err(Error::invalid(format!("two channels are called {name:?}")));
        }
        if channel.words.len() != splats {
            let found = channel.words.len();
            return Err(Error::invalid(format!("channel {name:?} has {found} values for {splats} splats")));
        }
    }
    Ok(())
}

/// The channels of the splats named by `indices`, in that order; 0 beyond them.
#[must_use]
pub fn select(channels: &[Channel], indices: &[usize]) -> Vec<Channel> {
    let word = |channel: &Channel, at: &usize| channel.words.get(*at).copied().unwrap_or(0);
    let of = |channel: &Channel| {
        let words = indices.iter().map(|at| word(channel, at)).collect();
        Channel { words, ..channel.empty(0) }
    };
    channels.iter().map(of).collect()
}

/// What a splat has in the channel `wanted`, as a word of its kind; 0 where the set lacks it. It is looked for at
/// `number` first.
#[must_use]
pub fn word_in(channels: &[Channel], number: usize, wanted: &Channel, splat: usize) -> u32 {
    let there = channels.get(number).filter(|channel| channel.name == wanted.name);
    let found = there.or_else(|| channels.iter().find(|channel| channel.name == wanted.name));
    let word = found.and_then(|channel| Some((channel.kind, *channel.words.get(splat)?)));
    word.map_or(0, |(kind, word)| if kind == wanted.kind { word } else { wanted.kind.word(kind.value(word)) })
}

/// Adds to the channels `all` of `count` splats those that only `more` has, as far as there is room, with 0 for every
/// splat.
fn widen(all: &mut Vec<Channel>, count: usize, more: &[Channel]) {
    for channel in more {
        if all.len() < MOST_CHANNELS && !all.iter().any(|own| own.name == channel.name) {
            let mut new = channel.empty(count);
            new.words.resize(count, 0);
            all.push(new);
        }
    }
}

/// Appends the channels of `more_count` splats to those of `count`. A name that both have keeps the kind it has in `all`.
pub fn append(all: &mut Vec<Channel>, count: usize, more: &[Channel], more_count: usize) {
    widen(all, count, more);
    for (number, own) in all.iter_mut().enumerate() {
        own.words.resize(count, 0);
        let mut words = std::mem::take(&mut own.words);
        words.extend((0..more_count).map(|splat| word_in(more, number, own, splat)));
        own.words = words;
    }
}

/// Appends what one splat of another set has in its channels to those of `count` splats, as [`append`].
pub fn push(all: &mut Vec<Channel>, count: usize, from: &[Channel], splat: usize) {
    // Nearly always both have the same channels in the same order.
    let alike =
        all.len() == from.len() && all.iter().zip(from).all(|(a, b)| a.kind == b.kind && a.name == b.name);
    if !alike {
        return append(all, count, &select(from, &[splat]), 1);
    }
    for (own, other) in all.iter_mut().zip(from) {
        own.words.push(other.words.get(splat).copied().unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_sets_have_the_channels_of_both() {
        let mut all = vec![Channel::labels("part", vec![1, 2])];
        let more = [Channel::numbers("part", &[7.6, -3.0]), Channel::numbers("trust", &[0.5, 0.25])];
        append(&mut all, 2, &more, 2);
        assert_eq!(all[0], Channel::labels("part", vec![1, 2, 7, 0]), "the first kind stays");
        assert_eq!(all[1], Channel::numbers("trust", &[0.0, 0.0, 0.5, 0.25]));
        append(&mut all, 4, &[], 1);
        assert_eq!((all[0].words.len(), all[1].value(4)), (5, Some(ChannelValue::Number(0.0))));
        push(&mut all, 5, &[Channel::labels("sam", vec![9, 8])], 1);
        assert_eq!(all[2], Channel::labels("sam", vec![0, 0, 0, 0, 0, 8]));
        check(&all, 6).unwrap();
        let first = select(&all, &[5, 1, 99]);
        assert_eq!(first[0].words, [0, 2, 0]);
        push(&mut all, 6, &first, 1);
        assert_eq!(all[0].words[6], 2);
        check(&all, 7).unwrap();
    }

    #[test]
    fn there_are_eight_at_most() {
        let of = |from: usize| -> Vec<Channel> {
            (from..from + 6).map(|number| Channel::labels(&format!("c{number}"), vec![7])).collect()
        };
        let mut all = of(0);
        append(&mut all, 1, &of(4), 1);
        let names: Vec<&str> = all.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(names, ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]);
        assert_eq!(all[7].words, [0, 7]);
        check(&all, 2).unwrap();
        all.push(Channel::labels("c8", vec![0, 0]));
        assert!(check(&all, 2).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |channels: &[Channel]| check(channels, 1).unwrap_err().to_string();
        assert!(refused(&[Channel::labels("", vec![0])]).contains("cannot be called"));
        assert!(refused(&[Channel::labels("a\nb", vec![0])]).contains("cannot be called"));
        assert!(refused(&[Channel::labels(&"é".repeat(33), vec![0])]).contains("64 bytes"));
        assert!(refused(&[Channel::labels("a", vec![])]).contains("0 values for 1"));
        let twice = [Channel::labels("a", vec![0]), Channel::numbers("a", &[0.0])];
        assert!(refused(&twice).contains("two channels"));
    }
}
