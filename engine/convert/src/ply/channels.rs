//! The properties of a PLY file that are no part of a splat, as its channels: integers become labels, floats numbers.
//!
//! They are read by a pass of their own over the rows, which few files need, so that the pass that reads splats knows
//! nothing of them and integers keep all their bits. A negative integer becomes the label of the same bits: −1, which
//! many tools mean by "none", is 4,294,967,295. `vertex_id`, by which splats are followed, is kept where it is asked for by
//! name.

use std::io::{BufReader, Read, Seek, SeekFrom};

use vivant::channel::{Channel, ChannelKind, MOST_CHANNELS, is_name};
use vivant::{Error, Result};

use super::ascii::Ascii;
use super::header::{Element, Encoding, Scalar, Shape};
use super::ids;
use super::plan::{COLOURS, Plan};
use super::read::Opened;
use crate::options::{Channels, Options};
use crate::report::Report;

/// Bytes of rows that are read at a time.
const BLOCK: usize = 1 << 20;
/// Names that a note lists.
const SHOWN: usize = 8;

/// One property that is kept.
struct Kept {
    /// Its number among those of the element.
    property: usize,
    /// Byte offset in a row.
    offset: usize,
    scalar: Scalar,
    channel: Channel,
}

impl Kept {
    /// The word of a number of the file.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "integers of 32 bits keep their bits; numbers are f32"
    )]
    fn word(&self, value: f64) -> u32 {
        match self.channel.kind {
            ChannelKind::Label => value as i64 as u32,
            ChannelKind::Number => (value as f32).to_bits(),
        }
    }
}

/// Reads what `options` ask for of the rows of `vertex`, and tells what was kept and what not.
///
/// # Errors
/// [`Error::Io`], and [`Error::Malformed`] where the rows end too soon.
pub(super) fn read(
    opened: &Opened,
    vertex: &Element,
    plan: &Plan,
    options: &Options,
    report: &mut Report,
) -> Result<Vec<Channel>> {
    let mut kept = choose(opened, vertex, plan, options);
    if !kept.is_empty() {
        let told = kept.iter().map(|kept| format!("{} ({})", kept.channel.name, kept.channel.kind));
        report.note(format!("channels kept: {}", listed(told)));
    }
    let unused =
        plan.leftovers.iter().filter(|&&property| !kept.iter().any(|kept| kept.property == property));
    not_used(vertex, unused).into_iter().for_each(|note| report.note(note));
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    if opened.header.encoding == Encoding::Ascii {
        read_text(opened, vertex, &mut kept)?;
    } else {
        read_binary(opened, vertex, &mut kept)?;
    }
    Ok(kept.into_iter().map(|kept| kept.channel).collect())
}

/// The note that says which properties are not used, if there are any.
pub(super) fn not_used<'a>(vertex: &Element, properties: impl Iterator<Item = &'a usize>) -> Option<String> {
    let names = properties.filter_map(|&number| Some(vertex.properties.get(number)?.name.clone()));
    let names = listed(names);
    (!names.is_empty()).then(|| format!("properties not used: {names}"))
}

/// The first few names, and how many more there are.
fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(" ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The properties that are kept, in the order of the file.
fn choose(opened: &Opened, vertex: &Element, plan: &Plan, options: &Options) -> Vec<Kept> {
    let before = opened.header.elements.iter().take_while(|element| element.name != vertex.name);
    // Where a row's length is only known once it is read, a second reading costs more than it is worth.
    if vertex.stride().is_none() || before.into_iter().any(|element| element.stride().is_none()) {
        return Vec::new();
    }
    let mut offset = 0;
    let mut kept: Vec<Kept> = Vec::new();
    for (property, column) in vertex.properties.iter().enumerate() {
        let Shape::Scalar(scalar) = column.shape else { continue };
        let here = offset;
        offset += scalar.size();
        let name = column.name.as_str();
        let twice = kept.iter().any(|kept| kept.channel.name == name);
        if kept.len() < MOST_CHANNELS
            && (plan.leftovers.contains(&property)
                || (name == ids::NAME && options.channels != Channels::All))
            && wants(&options.channels, name)
            && is_name(name)
            && !twice
        {
            let kind = if scalar.is_integer() { ChannelKind::Label } else { ChannelKind::Number };
            let channel = Channel { name: name.to_owned(), kind, words: Vec::new() };
            kept.push(Kept { property, offset: here, scalar, channel });
        }
    }
    kept
}

/// Whether a property becomes a channel. Colours beside those that are trained say nothing new, so they have to be named.
fn wants(channels: &Channels, name: &str) -> bool {
    let colour = name == "alpha" || COLOURS.as_flattened().contains(&name);
    channels.wants(name) && !(colour && *channels == Channels::All)
}

/// Reads the columns of binary rows.
fn read_binary(opened: &Opened, vertex: &Element, kept: &mut [Kept]) -> Result<()> {
    let big_endian = opened.header.encoding == Encoding::BigEndian;
    let stride = vertex.stride().unwrap_or(0);
    let before = opened.header.elements.iter().take_while(|element| element.name != vertex.name);
    let skipped: u64 =
        before.map(|element| element.count.saturating_mul(element.stride().unwrap_or(0) as u64)).sum();
    let mut at = opened.header.length.saturating_add(skipped);
    let mut handle = &opened.handle;
    let failed = |source| Error::io(&opened.file, "cannot read", source);
    handle.seek(SeekFrom::Start(at)).map_err(failed)?;
    // The header was held against the length of the file.
    let mut left = usize::try_from(vertex.count).unwrap_or(usize::MAX);
    let per_block = (BLOCK / stride.max(1)).max(1);
    let mut block = vec![0; per_block.min(left) * stride];
    while left > 0 {
        let rows = &mut block[..per_block.min(left) * stride];
        handle.read_exact(rows).map_err(|source| {
            if source.kind() == std::io::ErrorKind::UnexpectedEof {
                let why = "the file ends here although its header promises more; copy or export it again";
                Error::malformed(&opened.file, &vertex.name, at, why)
            } else {
                failed(source)
            }
        })?;
        for kept in kept.iter_mut() {
            for row in rows.chunks_exact(stride) {
                let word = kept.word(kept.scalar.read(&row[kept.offset..], big_endian));
                kept.channel.words.push(word);
            }
        }
        at += rows.len() as u64;
        left -= per_block.min(left);
    }
    Ok(())
}

/// Reads the columns of text rows. What is no number is refused when the splats are read.
fn read_text(opened: &Opened, vertex: &Element, kept: &mut [Kept]) -> Result<()> {
    let at = opened.header.length;
    let failed = |source| Error::io(&opened.file, "cannot read", source);
    let mut handle = opened.handle.try_clone().map_err(failed)?;
    handle.seek(SeekFrom::Start(at)).map_err(failed)?;
    let mut body = Ascii::new(&opened.file, BufReader::with_capacity(64 * 1024, handle), at);
    let before = opened.header.elements.iter().take_while(|element| element.name != vertex.name);
    before.into_iter().try_for_each(|element| body.skip(element))?;
    body.each_line(vertex, |line| {
        for (property, text) in line.split_ascii_whitespace().enumerate() {
            if let Some(kept) = kept.iter_mut().find(|kept| kept.property == property) {
                let word = kept.word(text.parse().unwrap_or(0.0));
                kept.channel.words.push(word);
            }
        }
    })?;
    // A line that was too short is refused when the splats are read.
    let count = usize::try_from(vertex.count).unwrap_or(usize::MAX);
    kept.iter_mut().for_each(|kept| kept.channel.words.resize(count, 0));
    Ok(())
}
