//! How a performer is shown by a label of its splats: which labels are hidden, which are tinted.
//!
//! A look is a table of 256 entries. Labels from 255 on share the last of them, so that a byte a splat is all that goes to
//! the GPU; segmentations with more labels than that are for picks. Playback reads [`Labels`], the renderer puts them
//! beside the segments they belong to; where it has none yet, splats are drawn plainly.

use std::sync::Arc;

use crate::splat::Splats;

/// Labels that are told apart, the last standing for all from it on.
pub const LOOK_LABELS: usize = 256;
/// Looks that one frame may have.
pub const MAX_LOOKS: usize = 4;

/// Bytes of labels that go to the GPU at a time: a splat has one, a unit of the pool is so many.
const UNIT_BYTES: usize = 1024;
/// The bit of a word that hides.
const HIDDEN: u32 = 1 << 31;

/// The labels of one segment's splats, in one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Identity of the segment, as [`crate::frame::SegmentData::id`].
    pub id: (u64, u32),
    /// Number of the channel in the segment.
    pub channel: u8,
    /// A byte a splat, 255 for a label of 255 or more; then zeros up to a whole unit of the pool.
    bytes: Vec<u8>,
}

impl Labels {
    /// Of these labels.
    #[must_use]
    pub fn new(id: (u64, u32), channel: u8, labels: &[u32]) -> Self {
        let mut bytes: Vec<u8> = labels.iter().map(|&label| folded(label)).collect();
        bytes.resize(bytes.len().next_multiple_of(UNIT_BYTES), 0);
        Self { id, channel, bytes }
    }

    /// The bytes, a whole number of units.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Units of the pool that they take.
    pub(crate) fn units(&self) -> u32 {
        u32::try_from(self.bytes.len() / UNIT_BYTES).unwrap_or(u32::MAX)
    }

    /// Units that the labels of so many splats take.
    pub(crate) fn units_of(splats: usize) -> u32 {
        u32::try_from(splats.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
    }
}

/// The entry of a label.
fn folded(label: u32) -> u8 {
    u8::try_from(label).unwrap_or(u8::MAX)
}

/// What a look does with a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelLook {
    /// Whether its splats are drawn.
    pub shown: bool,
    /// A colour, sRGB-encoded as the splats' own, and how much of it, each 0 to 1.
    pub tint: [f32; 4],
}

impl LabelLook {
    /// As if there were no look.
    pub const PLAIN: Self = Self { shown: true, tint: [0.0; 4] };
    /// Not drawn.
    pub const HIDDEN: Self = Self { shown: false, tint: [0.0; 4] };
}

/// What a look does with every label, as the kernels read it: red, green and blue in the low bytes of a word, then 7 bits of
/// how much, then a bit for what is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookTable {
    words: [u32; LOOK_LABELS],
}

impl Default for LookTable {
    fn default() -> Self {
        Self { words: [0; LOOK_LABELS] }
    }
}

impl LookTable {
    /// A table that hides all labels.
    #[must_use]
    pub fn hiding_all() -> Self {
        Self { words: [HIDDEN; LOOK_LABELS] }
    }

    /// Says what becomes of a label; of one from 255 on, of all of those.
    pub fn set(&mut self, label: u32, look: LabelLook) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 255; NaN becomes 0"
        )]
        let number = |value: f32, most: f32| (value.clamp(0.0, 1.0) * most).round() as u32;
        let [r, g, b, part] = look.tint;
        let tint =
            number(r, 255.0) | number(g, 255.0) << 8 | number(b, 255.0) << 16 | number(part, 127.0) << 24;
        self.words[usize::from(folded(label))] = tint | if look.shown { 0 } else { HIDDEN };
    }

    /// What becomes of a label.
    #[must_use]
    pub fn get(&self, label: u32) -> LabelLook {
        let word = self.words[usize::from(folded(label))];
        let [r, g, b, part] = (word & !HIDDEN).to_le_bytes().map(f32::from);
        LabelLook { shown: word & HIDDEN == 0, tint: [r / 255.0, g / 255.0, b / 255.0, part / 127.0] }
    }

    /// The words, by label.
    pub(crate) const fn words(&self) -> &[u32; LOOK_LABELS] {
        &self.words
    }

    /// The same done to splats, for renderers that know nothing of looks: what is hidden becomes transparent, and base
    /// colours and harmonics are mixed, which differs only where a colour would be below zero.
    pub fn paint(&self, splats: &mut Splats, labels: &[u32]) {
        let stride = splats.sh_stride();
        for (index, &label) in labels.iter().enumerate().take(splats.len()) {
            let LabelLook { shown, tint: [r, g, b, part] } = self.get(label);
            if !shown {
                splats.opacity[index] = 0.0;
            }
            for (own, tint) in splats.colour[index].iter_mut().zip([r, g, b]) {
                *own += (tint - *own) * part;
            }
            splats.sh_rest[index * stride..(index + 1) * stride].iter_mut().for_each(|c| *c *= 1.0 - part);
        }
    }
}

/// How one performer is shown in one frame.
#[derive(Debug, Clone, Copy)]
pub struct ChannelLook<'a> {
    /// What becomes of which label.
    pub table: &'a LookTable,
    /// The labels that are in memory, of any of its segments, in any order.
    pub labels: &'a [Arc<Labels>],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splat::Splat;

    #[test]
    fn tables_say_what_they_were_told() {
        let mut table = LookTable::default();
        assert_eq!(table.get(7), LabelLook::PLAIN);
        table.set(7, LabelLook { shown: true, tint: [1.0, 0.2, 0.0, 1.0] });
        table.set(1000, LabelLook::HIDDEN);
        assert_eq!(table.get(7).tint, [1.0, 0.2, 0.0, 1.0]);
        assert_eq!(table.get(6), LabelLook::PLAIN);
        assert_eq!(
            (table.get(255), table.get(u32::MAX), table.get(254)),
            (LabelLook::HIDDEN, LabelLook::HIDDEN, LabelLook::PLAIN)
        );
        table.set(3, LabelLook { shown: true, tint: [f32::NAN, 9.0, -1.0, 0.5] });
        assert!(table.get(3).tint[1] > 0.99 && table.get(3).tint[2].abs() < 1e-6);
        assert_eq!(LookTable::hiding_all().get(0), LabelLook { shown: false, ..LabelLook::PLAIN });
    }

    #[test]
    fn labels_fill_whole_units() {
        let labels = Labels::new((1, 2), 0, &[3, 300, 254, 255]);
        assert_eq!((labels.bytes().len(), labels.units()), (1024, 1));
        assert_eq!(labels.bytes()[..5], [3, 255, 254, 255, 0]);
        assert_eq!((Labels::units_of(1024), Labels::units_of(1025)), (1, 2));
    }

    #[test]
    fn painted_splats_are_hidden_and_mixed() {
        let mut splats = Splats::new(1);
        (0..3).for_each(|_| splats.push(&Splat::DEFAULT, &[0.2; 9]));
        let mut table = LookTable::default();
        table.set(1, LabelLook::HIDDEN);
        table.set(2, LabelLook { shown: true, tint: [1.0, 0.0, 0.0, 1.0] });
        table.paint(&mut splats, &[0, 1, 2]);
        assert_eq!((splats.get(0), splats.opacity[1]), (Splat::DEFAULT, 0.0));
        assert_eq!((splats.colour[2], splats.sh_rest_of(2)[4]), ([1.0, 0.0, 0.0], 0.0));
    }
}
