//! Text rows of a PLY file: one line a row, numbers apart by blanks. Reads blocks of whole lines and parses them in
//! parallel; a line has a greatest length, so memory is bounded whatever the file.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;

use rayon::prelude::*;
use vivant::{Error, Result};

use super::body::Body;
use super::header::{Element, Shape};
use super::plan::Plan;
use crate::rows;

/// Bytes read at a time.
const BLOCK: u64 = 4 << 20;
/// Longest row.
const MAX_LINE: usize = 64 * 1024;

/// Where the lines of `bytes` end.
fn newlines(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index)
}

/// The body of a text file.
pub(super) struct Ascii<'a> {
    file: &'a str,
    reader: BufReader<File>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that have been handed out.
    used: usize,
    /// Byte offset of the start of the buffer in the file.
    base: u64,
    ended: bool,
}

impl<'a> Ascii<'a> {
    pub(super) fn new(file: &'a str, reader: BufReader<File>, at: u64) -> Self {
        Self { file, reader, buffer: Vec::new(), used: 0, base: at, ended: false }
    }

    /// Up to `most` whole lines, as ranges of the buffer, without their ends. Empty only at the end of the file.
    fn lines(&mut self, most: u64) -> Result<Vec<Range<usize>>> {
        self.buffer.drain(..self.used);
        self.base += self.used as u64;
        self.used = 0;
        let mut lines = Vec::new();
        loop {
            for newline in newlines(&self.buffer) {
                if lines.len() as u64 == most {
                    break;
                }
                lines.push(self.used..newline);
                self.used = newline + 1;
            }
            if self.ended && lines.is_empty() && !self.buffer.is_empty() {
                lines.push(0..self.buffer.len());
                self.used = self.buffer.len();
            }
            if !lines.is_empty() || self.ended {
                return Ok(lines);
            }
            if self.buffer.len() > MAX_LINE {
                let why = format!("a line longer than {MAX_LINE} bytes; export the file again");
                return Err(Error::malformed(self.file, "body", self.base, why));
            }
            let read = self.reader.by_ref().take(BLOCK).read_to_end(&mut self.buffer);
            self.ended = read.map_err(|source| Error::io(self.file, "cannot read", source))? == 0;
        }
    }

    /// Passes over an element that is of no use here.
    pub(super) fn skip(&mut self, element: &Element) -> Result<()> {
        // Without properties there are no numbers, and a promised count of empty lines means nothing.
        let mut left = if element.properties.is_empty() { 0 } else { element.count };
        while left > 0 {
            let lines = self.lines(left)?.len() as u64;
            if lines == 0 {
                return Err(self.cut_off(&element.name, element.count - left));
            }
            left -= lines;
        }
        Ok(())
    }

    /// Gives the rows of an element, each a line, to `each`.
    pub(super) fn each_line(&mut self, element: &Element, mut each: impl FnMut(&str)) -> Result<()> {
        let mut left = element.count;
        while left > 0 {
            let lines = self.lines(left)?;
            if lines.is_empty() {
                return Err(self.cut_off(&element.name, element.count - left));
            }
            left -= lines.len() as u64;
            for line in lines {
                each(std::str::from_utf8(&self.buffer[line]).unwrap_or("\u{fffd}"));
            }
        }
        Ok(())
    }

    /// Reads the rows of the vertex element into `body`, which has room for them.
    pub(super) fn read_rows(&mut self, vertex: &Element, plan: &Plan, body: &mut Body) -> Result<()> {
        let slot_of = plan.slots_by_property(vertex.properties.len());
        let count = body.len();
        let mut first = 0;
        while first < count {
            let lines = self.lines((count - first) as u64)?;
            if lines.is_empty() {
                return Err(self.cut_off(&vertex.name, first as u64));
            }
            let taken = lines.len();
            let parsed: Vec<Result<()>> = body
                .windows(first, taken)
                .into_par_iter()
                .zip(lines.par_chunks(rows::WINDOW))
                .map(|(mut window, lines)| {
                    let mut slots = plan.blank();
                    for (index, line) in lines.iter().enumerate() {
                        let row = window.splats.first + index;
                        self.parse_row(line.clone(), row, vertex, &slot_of, &mut slots)?;
                        plan.settle_row(&mut slots);
                        window.store(&slots, index);
                    }
                    Ok(())
                })
                .collect();
            // The first in order of the file, whichever thread was faster.
            parsed.into_iter().collect::<Result<()>>()?;
            first += taken;
        }
        Ok(())
    }

    fn cut_off(&self, element: &str, row: u64) -> Error {
        let at = self.base + self.used as u64;
        let why = "the file ends here although its header promises more; copy or export it again";
        Error::malformed(self.file, &format!("{element} {row}"), at, why)
    }

    /// The numbers of one line in their slots.
    fn parse_row(
        &self,
        line: Range<usize>,
        row: usize,
        vertex: &Element,
        slot_of: &[Option<usize>],
        slots: &mut [f32],
    ) -> Result<()> {
        let offset = self.base + line.start as u64;
        let wrong = |property: &str, why: String| {
            Error::malformed(self.file, &format!("{} {row}, property {property}", vertex.name), offset, why)
        };
        let text = std::str::from_utf8(&self.buffer[line]).unwrap_or("\u{fffd}");
        let mut words = text.split_ascii_whitespace();
        for (property, slot) in vertex.properties.iter().zip(slot_of) {
            let word = words.next().ok_or_else(|| {
                wrong(&property.name, "the line ends before it; export the file again".to_owned())
            })?;
            let value: f32 = word.parse().ok().ok_or_else(|| {
                let shown: String = word.chars().take(32).collect();
                wrong(&property.name, format!("'{shown}' is no number; export the file again"))
            })?;
            match (property.shape, slot) {
                (Shape::List { .. }, _) => {
                    // A length that is no length runs out of words.
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "saturates, and NaN and negatives become 0"
                    )]
                    let length = value as usize;
                    if length > 0 && words.nth(length - 1).is_none() {
                        let why =
                            format!("the line ends within a list of {word} numbers; export the file again");
                        return Err(wrong(&property.name, why));
                    }
                }
                (Shape::Scalar(_), Some(slot)) => slots[*slot] = value,
                (Shape::Scalar(_), None) => {}
            }
        }
        match words.next() {
            None => Ok(()),
            Some(_) => {
                let last = vertex.properties.last().map_or("", |property| property.name.as_str());
                Err(wrong(last, "the line goes on after it; export the file again".to_owned()))
            }
        }
    }
}
