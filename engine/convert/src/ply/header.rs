//! The text at the top of a PLY file: encoding, elements, properties. Pure; the bytes are untrusted.
//!
//! ```text
//! ply
//! format binary_little_endian 1.0
//! comment anything
//! element vertex 1000
//! property float x
//! property list uchar int vertex_indices
//! end_header
//! ```
//! Lines end in LF or CR LF. The limits on length and counts exist so that a hostile header costs nothing.

use vivant::{Error, Result};

use crate::unknown;

/// Bytes within which the header must end.
pub(crate) const MAX_HEADER: usize = 256 * 1024;
/// Longest header line; comments carry whole settings at times.
const MAX_LINE: usize = 16 * 1024;
/// Most elements.
const MAX_ELEMENTS: usize = 64;
/// Most properties of one element; the INRIA layout has 62.
const MAX_PROPERTIES: usize = 1024;

/// `element.property` for every property that the first bytes of a file name, without judging them.
pub(crate) fn property_names(start: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut element = String::new();
    for line in start.split(|&byte| byte == b'\n').map(String::from_utf8_lossy) {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("element") => element = words.next().unwrap_or_default().to_owned(),
            Some("property") => names.push(format!("{element}.{}", words.next_back().unwrap_or_default())),
            Some("end_header") => break,
            _ => {}
        }
        if names.len() >= MAX_ELEMENTS * MAX_PROPERTIES {
            break;
        }
    }
    names
}

/// How the rows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Ascii,
    LittleEndian,
    BigEndian,
}

/// A number's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
}

impl Scalar {
    /// Bytes in the binary encodings.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number at the start of `bytes`, which must hold [`Self::size`] bytes; 0 where it does not.
    #[inline]
    pub(super) fn read(self, bytes: &[u8], big_endian: bool) -> f64 {
        macro_rules! number {
            ($type:ty) => {{
                let Some(raw) = bytes.first_chunk() else { return 0.0 };
                let value =
                    if big_endian { <$type>::from_be_bytes(*raw) } else { <$type>::from_le_bytes(*raw) };
                f64::from(value)
            }};
        }
        match self {
            Self::I8 => number!(i8),
            Self::U8 => number!(u8),
            Self::I16 => number!(i16),
            Self::U16 => number!(u16),
            Self::I32 => number!(i32),
            Self::U32 => number!(u32),
            Self::F32 => number!(f32),
            Self::F64 => number!(f64),
        }
    }

    /// Whether it is an integer type.
    pub(super) const fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "char" | "int8" => Self::I8,
            "uchar" | "uint8" => Self::U8,
            "short" | "int16" => Self::I16,
            "ushort" | "uint16" => Self::U16,
            "int" | "int32" => Self::I32,
            "uint" | "uint32" => Self::U32,
            "float" | "float32" => Self::F32,
            "double" | "float64" => Self::F64,
            _ => return None,
        })
    }
}

/// One number or one list of numbers a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar(Scalar),
    List { count: Scalar, item: Scalar },
}

/// A named column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// A table of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) count: u64,
    pub(super) properties: Vec<Property>,
    /// Byte offset of its line in the header.
    pub(super) offset: u64,
}

impl Element {
    /// Bytes of a row in the binary encodings, if all rows are alike.
    pub(super) fn stride(&self) -> Option<usize> {
        self.properties
            .iter()
            .map(|property| match property.shape {
                Shape::Scalar(scalar) => Some(scalar.size()),
                Shape::List { .. } => None,
            })
            .sum()
    }

    /// Least number of bytes a row can take.
    fn least_row(&self, encoding: Encoding) -> usize {
        match encoding {
            // A digit and a separator each.
            Encoding::Ascii => self.properties.len() * 2,
            _ => self.properties.iter().map(|property| property.shape.least_bytes()).sum(),
        }
    }
}

impl Shape {
    const fn least_bytes(self) -> usize {
        match self {
            Self::Scalar(scalar) => scalar.size(),
            Self::List { count, .. } => count.size(),
        }
    }
}

/// Everything the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) encoding: Encoding,
    pub(super) elements: Vec<Element>,
    /// What its comments say, in order.
    pub(super) comments: Vec<String>,
    /// Bytes up to the first row.
    pub(super) length: u64,
}

impl Header {
    /// Parses the start of a file: up to [`MAX_HEADER`] bytes of it, or all of it where it is shorter.
    pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Self> {
        let mut lines = Lines { file, bytes, at: 0 };
        let magic = lines.next_line("ply")?.1;
        if magic != "ply" {
            return Err(Error::malformed(file, "magic", 0, not_a_ply(bytes)));
        }
        let mut encoding = None;
        let mut elements: Vec<Element> = Vec::new();
        let mut comments = Vec::new();
        loop {
            let (offset, line) = lines.next_line("end_header")?;
            let wrong = |why: String| Error::malformed(file, "header", offset, why);
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("end_header") => break,
                None | Some("obj_info") => {}
                Some("comment") => comments.push(line["comment".len()..].trim().to_owned()),
                Some("format") => encoding = Some(parse_format(words.next()).map_err(wrong)?),
                Some("element") => {
                    let element = parse_element(words, offset).map_err(wrong)?;
                    if elements.len() == MAX_ELEMENTS {
                        return Err(wrong(format!(
                            "more than {MAX_ELEMENTS} elements; export the file again"
                        )));
                    }
                    if elements.iter().any(|other| other.name == element.name) {
                        return Err(wrong(format!(
                            "element {} stands twice; export the file again",
                            element.name
                        )));
                    }
                    elements.push(element);
                }
                Some("property") => {
                    let property = parse_property(words).map_err(wrong)?;
                    let element = elements.last_mut().ok_or_else(|| {
                        wrong("a property before any element; export the file again".to_owned())
                    })?;
                    if element.properties.len() == MAX_PROPERTIES {
                        return Err(wrong(format!(
                            "more than {MAX_PROPERTIES} properties; export the file with fewer"
                        )));
                    }
                    if element.properties.iter().any(|other| other.name == property.name) {
                        return Err(wrong(format!(
                            "property {} stands twice; export it again",
                            property.name
                        )));
                    }
                    element.properties.push(property);
                }
                Some(word) => {
                    let word: String = word.chars().take(32).collect();
                    return Err(wrong(format!("unknown keyword '{word}'; export the file again")));
                }
            }
        }
        let length = lines.at as u64;
        let encoding = encoding.ok_or_else(|| {
            Error::malformed(file, "format", length, "the header has no format line; export it again")
        })?;
        Ok(Self { encoding, elements, comments, length })
    }

    /// Refuses a header that promises more rows than `file_length` bytes can hold.
    pub(super) fn check_length(&self, file: &str, file_length: u64) -> Result<()> {
        let mut left = file_length.saturating_sub(self.length);
        // The last line of a text file may lack its line end.
        if self.encoding == Encoding::Ascii {
            left += 1;
        }
        for element in &self.elements {
            let row = element.least_row(self.encoding) as u64;
            left = element.count.checked_mul(row).and_then(|needed| left.checked_sub(needed)).ok_or_else(|| {
                let least = if element.stride().is_some() && self.encoding != Encoding::Ascii { "" } else { "at least " };
                Error::malformed(
                    file,
                    &format!("element {}", element.name),
                    element.offset,
                    format!(
                        "promises {} rows of {least}{row} bytes but only {left} bytes follow; the file is cut off \
                         or its header is wrong: copy or export it again",
                        element.count
                    ),
                )
            })?;
        }
        Ok(())
    }
}

/// The lines of the header, with where they begin.
struct Lines<'a> {
    file: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its end. `expected` is what the header still lacks.
    fn next_line(&mut self, expected: &str) -> Result<(u64, &'a str)> {
        let start = self.at;
        let rest = &self.bytes[start.min(self.bytes.len())..];
        let window = &rest[..rest.len().min(MAX_LINE)];
        let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
            let why = if start == 0 {
                not_a_ply(self.bytes)
            } else if window.len() == MAX_LINE {
                format!("a line longer than {MAX_LINE} bytes; export the file again")
            } else if start + rest.len() >= MAX_HEADER {
                format!("no {expected} within {MAX_HEADER} bytes; export the file again")
            } else {
                format!("the file ends before {expected}; it is cut off: copy or export it again")
            };
            let field = if start == 0 { "magic" } else { "header" };
            return Err(Error::malformed(self.file, field, start as u64, why));
        };
        self.at = start + end + 1;
        let line = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
        let offset = start as u64;
        match std::str::from_utf8(line) {
            Ok(text) => Ok((offset, text)),
            Err(_) if start == 0 => Err(Error::malformed(self.file, "magic", 0, not_a_ply(self.bytes))),
            // Comments come in any encoding; what matters is ASCII.
            Err(_) if line.starts_with(b"comment") || line.starts_with(b"obj_info") => Ok((offset, "")),
            Err(_) => Err(Error::malformed(
                self.file,
                "header",
                offset,
                "a line that is not text; export the file again",
            )),
        }
    }
}

/// What is said of a file that is no PLY, from its first bytes.
fn not_a_ply(bytes: &[u8]) -> String {
    match unknown::looks_like(bytes) {
        None => "the file is empty; copy or export it again".to_owned(),
        Some(guess) => format!("not a PLY file but {guess}; give a PLY file, whose first line is 'ply'"),
    }
}

fn parse_format(word: Option<&str>) -> std::result::Result<Encoding, String> {
    match word {
        Some("ascii") => Ok(Encoding::Ascii),
        Some("binary_little_endian") => Ok(Encoding::LittleEndian),
        Some("binary_big_endian") => Ok(Encoding::BigEndian),
        other => {
            let name: String = other.unwrap_or("").chars().take(32).collect();
            Err(format!(
                "unknown format '{name}'; export it as ascii, binary_little_endian or binary_big_endian"
            ))
        }
    }
}

fn parse_element<'a>(
    mut words: impl Iterator<Item = &'a str>,
    offset: u64,
) -> std::result::Result<Element, String> {
    let (Some(name), Some(count)) = (words.next(), words.next()) else {
        return Err("an element needs a name and a count; export the file again".to_owned());
    };
    let count = count.parse().ok().ok_or_else(|| {
        let shown: String = count.chars().take(32).collect();
        format!(
            "element {} has the count '{shown}', which is no number of rows; export it again",
            shorten(name)
        )
    })?;
    Ok(Element { name: shorten(name), count, properties: Vec::new(), offset })
}

fn parse_property<'a>(mut words: impl Iterator<Item = &'a str>) -> std::result::Result<Property, String> {
    let mut scalar = |role: &str| {
        let word = words.next().unwrap_or("");
        Scalar::parse(word)
            .ok_or_else(|| format!("unknown {role} type '{}'; export the file again", shorten(word)))
    };
    let first = scalar("property");
    let (shape, name) = match first {
        Ok(scalar) => (Shape::Scalar(scalar), words.next()),
        Err(why) if !why.starts_with("unknown property type 'list'") => return Err(why),
        Err(_) => {
            let count = scalar("list count")?;
            let item = scalar("list item")?;
            if !count.is_integer() {
                return Err("a list whose length is a fraction; export the file again".to_owned());
            }
            (Shape::List { count, item }, words.next())
        }
    };
    let name = name.ok_or("a property without a name; export the file again")?;
    Ok(Property { name: shorten(name), shape })
}

/// Names are shown in errors: no longer than a line can bear.
fn shorten(name: &str) -> String {
    name.chars().take(64).collect()
}
