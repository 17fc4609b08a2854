//! The head of a `.npy` array, versions 1 to 3: a Python dictionary, read by its grammar and never evaluated. Pure.
//!
//! ```text
//! \x93NUMPY 1 0 <u16 length> {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n
//! ```
//! Versions 2 and 3 have a length of 32 bits; 3 is UTF-8 where the others are Latin-1, which differs in names of fields
//! only. The three keys must be there, each once, and no other.

use std::fmt;

/// How every array begins.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes within which a header must end: NumPy itself takes no more than 10,000 from strangers.
pub(super) const MAX_LENGTH: usize = 64 * 1024;
/// Most axes: NumPy's own limit.
const MAX_AXES: usize = 64;

/// The family of an element's type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kind {
    /// IEEE numbers of 2, 4 or 8 bytes.
    Float,
    /// Signed integers of 1 to 8 bytes.
    #[default]
    Signed,
    /// Unsigned integers of 1 to 8 bytes.
    Unsigned,
    /// A byte that is 0 or not.
    Bool,
    /// Python objects, pickled.
    Object,
    /// What is not read, by its name: structures, texts, complex numbers, times.
    Other(String),
}

/// The type of an element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dtype {
    /// Its family.
    pub kind: Kind,
    size: usize,
    /// Whether the most significant byte is first.
    pub(super) big_endian: bool,
}

impl Dtype {
    /// Bytes an element.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// From a name such as `<f4`.
    fn parse(name: &str) -> Result<Self, String> {
        let other = || Ok(Self { kind: Kind::Other(shorten(name)), size: 1, big_endian: false });
        let (order, rest) = match name.strip_prefix(['<', '>', '|', '=']) {
            Some(rest) => (name.as_bytes()[0], rest),
            None => (b'=', name),
        };
        let Some(kind) = rest.chars().next() else { return Err("an empty type; save it again".to_owned()) };
        if kind == 'O' {
            return Ok(Self { kind: Kind::Object, size: 1, big_endian: false });
        }
        let size = rest[kind.len_utf8()..].parse().unwrap_or(0);
        let kind = match (kind, size) {
            ('f', 2 | 4 | 8) => Kind::Float,
            ('i', 1 | 2 | 4 | 8) => Kind::Signed,
            ('u', 1 | 2 | 4 | 8) => Kind::Unsigned,
            ('b', 1) => Kind::Bool,
            _ => return other(),
        };
        // NumPy never leaves the order of wider numbers open in a file.
        if size > 1 && !matches!(order, b'<' | b'>') {
            return Err(format!("type {}: its byte order is not said; save it again", shorten(name)));
        }
        Ok(Self { kind, size, big_endian: order == b'>' })
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Float => write!(f, "f{}", self.size),
            Kind::Signed => write!(f, "i{}", self.size),
            Kind::Unsigned => write!(f, "u{}", self.size),
            Kind::Bool => f.write_str("bool"),
            Kind::Object => f.write_str("object"),
            Kind::Other(name) => f.write_str(name),
        }
    }
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    /// Whether the first index runs fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// Bytes up to the first value.
    pub(super) length: u64,
}

impl Header {
    /// Parses the first bytes of an array: [`MAX_LENGTH`] of them, or all where there are fewer.
    pub(super) fn parse(start: &[u8]) -> Result<Self, String> {
        let cut = || "the array ends within its header; save it again".to_owned();
        let rest = start.strip_prefix(MAGIC).ok_or("it does not begin as a NumPy array; save it again")?;
        let (&[major, _minor], rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let (length, rest) = match major {
            1 => rest.split_first_chunk().map(|(raw, rest)| (usize::from(u16::from_le_bytes(*raw)), rest)),
            2 | 3 => rest
                .split_first_chunk()
                .map(|(raw, rest)| (usize::try_from(u32::from_le_bytes(*raw)).unwrap_or(usize::MAX), rest)),
            other => {
                return Err(format!("version {other} of the array format; 1 to 3 are read: save it again"));
            }
        }
        .ok_or_else(cut)?;
        let before = start.len() - rest.len();
        let Some(text) = rest.get(..length) else {
            return Err(if length > MAX_LENGTH - before {
                format!("a header of {length} bytes, more than {MAX_LENGTH}; save it again")
            } else {
                cut()
            });
        };
        let mut header = Literal { text, at: 0 }
            .header()
            .map_err(|(at, what)| format!("header: {what} at character {at}; save it again with NumPy"))?;
        header.length = (before + length) as u64;
        Ok(header)
    }
}

/// What was expected, and where.
type Misread = (usize, String);

/// A Python literal, read from the left.
struct Literal<'a> {
    text: &'a [u8],
    at: usize,
}

impl Literal<'_> {
    fn header(&mut self) -> Result<Header, Misread> {
        let (mut dtype, mut fortran, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.take(b'}') {
            let at = self.at;
            let key = self.string()?;
            self.expect(b':')?;
            let again = match key.as_str() {
                "descr" => dtype.replace(self.dtype()?).is_some(),
                "fortran_order" => fortran.replace(self.boolean()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                other => return Err((at, format!("unknown key '{}'", shorten(other)))),
            };
            if again {
                return Err((at, format!("'{key}' a second time")));
            }
            if !self.take(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        self.blanks();
        if self.at < self.text.len() {
            return Err((self.at, "more text after the dictionary".to_owned()));
        }
        let missing = |key: &str| (self.at, format!("no '{key}'"));
        Ok(Header {
            dtype: dtype.ok_or_else(|| missing("descr"))?,
            fortran: fortran.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            length: 0,
        })
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Takes `byte` if it is next, blanks aside.
    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Misread> {
        if self.take(byte) { Ok(()) } else { Err((self.at, format!("no '{}'", char::from(byte)))) }
    }

    fn word(&mut self) -> &[u8] {
        self.blanks();
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn string(&mut self) -> Result<String, Misread> {
        let quote = if self.take(b'"') { b'"' } else { b'\'' };
        if quote == b'\'' {
            self.expect(quote)?;
        }
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|&byte| byte == quote || byte == b'\\' || byte == b'\n');
        match end {
            Some(end) if rest[end] == quote => {
                self.at += end + 1;
                Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
            }
            _ => Err((self.at, "a text without an end".to_owned())),
        }
    }

    fn boolean(&mut self) -> Result<bool, Misread> {
        let at = self.at;
        match self.word() {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => Err((at, "neither True nor False".to_owned())),
        }
    }

    fn dtype(&mut self) -> Result<Dtype, Misread> {
        self.blanks();
        let at = self.at;
        if self.text.get(at) == Some(&b'[') {
            self.pass_list()?;
            let name = String::from_utf8_lossy(&self.text[at..self.at]).into_owned();
            return Ok(Dtype {
                kind: Kind::Other(format!("structure {}", shorten(&name))),
                size: 1,
                big_endian: false,
            });
        }
        Dtype::parse(&self.string()?).map_err(|why| (at, why))
    }

    /// Passes over the description of a structure: brackets and texts.
    fn pass_list(&mut self) -> Result<(), Misread> {
        let mut depth = 0_usize;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\'' | b'"' => {
                    self.string()?;
                    continue;
                }
                b'[' | b'(' => depth += 1,
                b']' | b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
        Err((self.at, "a list without an end".to_owned()))
    }

    fn shape(&mut self) -> Result<Vec<usize>, Misread> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.take(b')') {
            let at = self.at;
            // Python 2 wrote long numbers with an L.
            let digits = self.word();
            let digits = digits.strip_suffix(b"L").unwrap_or(digits);
            let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
            let side = std::str::from_utf8(digits).ok().filter(|_| plain).and_then(|text| text.parse().ok());
            shape.push(side.ok_or_else(|| (at, "no length of an axis".to_owned()))?);
            if shape.len() > MAX_AXES {
                return Err((at, format!("more than {MAX_AXES} axes")));
            }
            if !self.take(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }
}

/// Names are shown in errors: no longer than a line can bear.
fn shorten(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(48).collect()
}

/// The values of an array whose first index runs fastest, as if its last did.
pub(super) fn to_c_order<T: Copy>(shape: &[usize], values: &[T]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for side in shape {
        strides.push(stride);
        stride *= side;
    }
    let mut index = vec![0; shape.len()];
    let mut from = 0;
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[from]);
        // The last index counts up; where it is full it goes back and the one before counts.
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            from += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}
