//! The bytes of a pickle, read forwards: lengths are held against what is left, and errors name the file and the byte.

use vivant::{Error, Result};

/// Where a pickle stands, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The file, as the user named it.
    pub(super) file: &'a str,
    /// What of the file, such as `data.pkl`.
    pub(super) field: &'a str,
    /// Byte of the file at which the pickle starts.
    pub(super) base: u64,
}

impl Place<'_> {
    /// The error that something is wrong at byte `at` of the pickle.
    pub(super) fn fault(&self, at: usize, why: impl Into<String>) -> Error {
        Error::malformed(self.file, self.field, self.base.saturating_add(at as u64), why)
    }
}

/// A pickle and how far it has been read.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    pub(super) place: Place<'a>,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Stream<'a> {
    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let left = self.bytes.len() - self.at;
        if length > left {
            return Err(self.place.fault(
                self.at,
                format!(
                    "{length} bytes are wanted and {left} are left; the file is cut or damaged: copy it again"
                ),
            ));
        }
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of up to eight bytes.
    pub(super) fn number(&mut self, length: usize) -> Result<u64> {
        Ok(self.take(length)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A length of up to eight bytes.
    pub(super) fn length(&mut self, bytes: usize) -> Result<usize> {
        let length = self.number(bytes)?;
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// The rest of the line.
    pub(super) fn line(&mut self) -> Result<&'a str> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self
                .place
                .fault(start, "a line without end; the file is cut or damaged: copy it again"));
        };
        self.at += length + 1;
        std::str::from_utf8(&rest[..length])
            .map_err(|_utf8| self.place.fault(start, "a line that is no text"))
    }

    /// Text of `length` bytes.
    pub(super) fn text(&mut self, length: usize) -> Result<&'a str> {
        let start = self.at;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_utf8| self.place.fault(start, "text that is no UTF-8"))
    }
}

/// Text of a file as it may stand in an error: short, and on one line.
pub(crate) fn shown(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().take(80).map(escaped).collect()
}
