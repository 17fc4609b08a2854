//! The arguments that show, hide and tint splats by a label that they carry.

use std::str::FromStr;

use anyhow::bail;
use vivant::channel::ChannelKind;
use vivant::clip::{ChannelReader, Clip};
use vivant::frame::LiveSet;
use vivant::look::{LabelLook, LookTable};
use vivant::splat::Splats;

/// How labels are shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LabelArgs {
    /// Draw only splats with this label: the channel's name and the label, as part=3; may be given several times
    #[arg(long, value_name = "NAME=LABEL")]
    show: Vec<Labelled>,
    /// Colour splats with this label, as part=3:#ff0000, or half of it as part=3:#ff000080
    #[arg(long, value_name = "NAME=LABEL:#RRGGBB")]
    tint: Vec<Tinted>,
}

/// A label of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Labelled {
    channel: String,
    label: u32,
}

/// A label with a colour and how much of it.
#[derive(Debug, Clone, PartialEq)]
struct Tinted {
    of: Labelled,
    tint: [f32; 4],
}

impl FromStr for Labelled {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('=').map(|(channel, label)| (channel, label.trim().parse::<i64>()));
        match parts {
            // As importers take them: a negative one is the label of the same bits.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range was checked"
            )]
            Some((channel, Ok(label)))
                if !channel.is_empty() && (-(1 << 31)..1_i64 << 32).contains(&label) =>
            {
                Ok(Self { channel: channel.to_owned(), label: label as u32 })
            }
            _ => Err("say a channel and a label, as part=3".to_owned()),
        }
    }
}

impl FromStr for Tinted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "say a channel, a label and a colour, as part=3:#ff0000".to_owned();
        let (of, colour) = text.rsplit_once(":#").ok_or_else(wrong)?;
        let digits = colour.bytes().all(|digit| digit.is_ascii_hexdigit());
        let full = match colour.len() {
            6 if digits => format!("{colour}ff"),
            8 if digits => colour.to_owned(),
            _ => return Err(wrong()),
        };
        let bytes = u32::from_str_radix(&full, 16).map_err(|_not_hex| wrong())?.to_be_bytes();
        Ok(Self { of: of.parse()?, tint: bytes.map(|byte| f32::from(byte) / 255.0) })
    }
}

/// One channel and what becomes of its labels.
pub(crate) struct Look {
    pub(crate) channel: String,
    pub(crate) table: LookTable,
}

impl LabelArgs {
    /// What is asked for, of a clip that has it; `None` for nothing.
    pub(crate) fn check(&self, clip: &Clip) -> anyhow::Result<Option<Look>> {
        let mut labels = self.show.iter().chain(self.tint.iter().map(|tint| &tint.of));
        let Some(first) = labels.next() else { return Ok(None) };
        if let Some(other) = labels.find(|other| other.channel != first.channel) {
            bail!(
                "--show and --tint look at one channel at a time, not at {} and {}",
                first.channel,
                other.channel
            );
        }
        let (channels, _) = clip.channels()?;
        let kind = |kind: ChannelKind| {
            let found = channels.iter().filter(move |channel| channel.info.kind == kind);
            found.map(|channel| channel.info.name.as_str()).collect::<Vec<_>>()
        };
        if !kind(ChannelKind::Label).contains(&first.channel.as_str()) {
            let there = kind(ChannelKind::Label).join(", ");
            let there = if there.is_empty() { "none".to_owned() } else { there };
            bail!("{}: its splats carry no label {:?}; there is: {there}", clip.name(), first.channel);
        }
        let mut table = if self.show.is_empty() { LookTable::default() } else { LookTable::hiding_all() };
        for shown in &self.show {
            table.set(shown.label, LabelLook::PLAIN);
        }
        for Tinted { of, tint } in &self.tint {
            table.set(of.label, LabelLook { tint: *tint, ..table.get(of.label) });
        }
        Ok(Some(Look { channel: first.channel.clone(), table }))
    }
}

impl Look {
    /// The same done to the splats of a live set, for the reference renderer.
    pub(crate) fn paint(&self, clip: &Clip, live: &LiveSet, sets: &mut [Splats]) -> vivant::Result<()> {
        let mut reader = ChannelReader::new()?;
        for (segment, splats) in live.segments.iter().zip(sets) {
            let channel = reader.read_named(clip, segment.id.1, &self.channel)?;
            if let Some(channel) = channel.filter(|channel| channel.kind == ChannelKind::Label) {
                self.table.paint(splats, &channel.words);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_colours_are_read() {
        let label = |channel: &str, label| Labelled { channel: channel.to_owned(), label };
        assert_eq!("part=3".parse::<Labelled>().unwrap(), label("part", 3));
        assert_eq!("a=b=-1".parse::<Labelled>().unwrap(), label("a=b", u32::MAX));
        let tinted = "part=3:#ff8000".parse::<Tinted>().unwrap();
        assert_eq!(
            (tinted.of, tinted.tint[0], tinted.tint[2], tinted.tint[3]),
            (label("part", 3), 1.0, 0.0, 1.0)
        );
        assert!("part=3:#00000080".parse::<Tinted>().unwrap().tint[3] < 0.51);
        for wrong in ["part", "=3", "part=", "part=x", "part=4294967296"] {
            assert!(wrong.parse::<Labelled>().is_err(), "{wrong}");
        }
        for wrong in ["part=3", "part=3:red", "part=3:#fff", "part=3:#gg0000", "part:#ffffff"] {
            assert!(wrong.parse::<Tinted>().is_err(), "{wrong}");
        }
    }
}
