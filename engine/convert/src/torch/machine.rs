//! The stack machine of pickle, protocols 0 to 5, for data alone. No I/O.
//!
//! A pickle is a program: numbers and text are pushed, lists and dictionaries are gathered, and names of Python are
//! looked up and called. Here nothing is looked up. A name on a short list has a meaning of its own ([`super::calls`]);
//! any other becomes a [`Node::Foreign`] that swallows whatever is done with it, and the whole pickle is refused for
//! it at the end ([`super::finish`]) unless it stands in a part that nobody reads.
//!
//! Time and memory follow the length of the stream: parts are shared by number, and what has to be copied is counted.

use std::collections::HashMap;
use std::sync::Arc;

use vivant::Result;

use super::calls;
use super::node::{Arena, Id, Node};
use super::stream::{Place, Stream, shown};

/// Most parts of a pickle: a checkpoint has some ten thousand. 200 MB of them at the worst.
const MAX_PARTS: usize = 1 << 21;
/// Bytes that may be copied besides the stream itself.
const FREE_COPIES: usize = 1 << 20;

/// A pickle that is being read.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub(super) stream: Stream<'a>,
    pub(super) arena: Arena,
    /// Whether this pickle stands in another.
    pub(super) nested: bool,
    stack: Vec<Id>,
    /// Heights of the stack at which a run of parts starts.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Bytes that may still be copied.
    copies: usize,
    nothing: Option<Id>,
    /// Parts that belong to another without being seen in it: arguments, attributes.
    pub(super) aside: Vec<(Id, Id)>,
}

impl<'a> Machine<'a> {
    /// At byte `at` of `bytes`.
    pub(super) fn new(place: Place<'a>, bytes: &'a [u8], at: usize, nested: bool) -> Self {
        Self {
            stream: Stream { place, bytes, at },
            arena: Arena::default(),
            nested,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            copies: bytes.len().saturating_mul(2).saturating_add(FREE_COPIES),
            nothing: None,
            aside: Vec::new(),
        }
    }

    /// Reads up to the end of the pickle; gives what it holds.
    pub(super) fn run(&mut self) -> Result<Id> {
        loop {
            let at = self.stream.at;
            let code = self.stream.byte()?;
            if code == b'.' {
                return self.pop(at);
            }
            self.step(code, at)?;
        }
    }

    /// Counts bytes that are copied out of what was read before.
    pub(super) fn copy(&mut self, bytes: usize, at: usize) -> Result<()> {
        let left = self.copies.checked_sub(bytes);
        self.copies =
            left.ok_or_else(|| self.fault(at, "the same bytes are copied over and over: no checkpoint"))?;
        Ok(())
    }

    pub(super) fn fault(&self, at: usize, why: impl Into<String>) -> vivant::Error {
        self.stream.place.fault(at, why)
    }

    /// A new part.
    pub(super) fn add(&mut self, node: Node, at: usize) -> Result<Id> {
        let nodes = &mut self.arena.nodes;
        if nodes.len() >= MAX_PARTS {
            return Err(self.fault(at, format!("more than {MAX_PARTS} parts: no checkpoint")));
        }
        #[expect(clippy::cast_possible_truncation, reason = "less than MAX_PARTS")]
        let id = nodes.len() as Id;
        nodes.push(node);
        Ok(id)
    }

    fn push(&mut self, node: Node, at: usize) -> Result<()> {
        let id = self.add(node, at)?;
        self.stack.push(id);
        Ok(())
    }

    /// `None`, which is one part however often it stands.
    pub(super) fn none(&mut self, at: usize) -> Result<Id> {
        if let Some(id) = self.nothing {
            return Ok(id);
        }
        let id = self.add(Node::None, at)?;
        self.nothing = Some(id);
        Ok(id)
    }

    fn pop(&mut self, at: usize) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.fault(at, "an instruction without anything before it; the file is damaged"));
        }
        self.stack.pop().ok_or_else(|| self.fault(at, "an empty stack"))
    }

    fn top(&self, at: usize) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&id) if self.stack.len() > floor => Ok(id),
            _ => Err(self.fault(at, "an instruction without anything before it; the file is damaged")),
        }
    }

    /// The parts since the last mark.
    fn since_mark(&mut self, at: usize) -> Result<Vec<Id>> {
        let Some(mark) = self.marks.pop() else {
            return Err(self.fault(at, "an end without a mark; the file is damaged"));
        };
        Ok(self.stack.split_off(mark))
    }

    /// One instruction.
    fn step(&mut self, code: u8, at: usize) -> Result<()> {
        match code {
            0x80 => {
                let protocol = self.stream.byte()?;
                if protocol > 5 {
                    return Err(self.fault(at, format!("pickle protocol {protocol}; 0 to 5 are known")));
                }
                Ok(())
            }
            // A frame is a hint to whoever reads ahead.
            0x95 => self.stream.number(8).map(|_frame| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => {
                // Also pops a mark that nothing follows.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                    return Ok(());
                }
                self.pop(at).map(|_dropped| ())
            }
            b'1' => self.since_mark(at).map(|_dropped| ()),
            b'2' => {
                let top = self.top(at)?;
                self.stack.push(top);
                Ok(())
            }
            b'N' => {
                let none = self.none(at)?;
                self.stack.push(none);
                Ok(())
            }
            b'g' | b'h' | b'j' | b'p' | b'q' | b'r' | 0x94 => self.remember(code, at),
            b'c' | 0x93 | b'R' | b'b' | b'i' | b'o' | 0x81 | 0x92 | b'P' | b'Q' | 0x82..=0x84 => {
                self.object(code, at)
            }
            b']'
            | b'l'
            | b'a'
            | b'e'
            | b')'
            | b't'
            | 0x85..=0x87
            | b'}'
            | b'd'
            | b's'
            | b'u'
            | 0x8f..=0x91 => self.gather(code, at),
            _ => {
                let node = self.literal(code, at)?;
                self.push(node, at)
            }
        }
    }

    /// A number, text or bytes.
    fn literal(&mut self, code: u8, at: usize) -> Result<Node> {
        let stream = &mut self.stream;
        Ok(match code {
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'I' => match stream.line()? {
                "00" => Node::Bool(false),
                "01" => Node::Bool(true),
                line => self.decimal(line, at)?,
            },
            b'L' => {
                let line = stream.line()?;
                self.decimal(line.trim_end_matches('L'), at)?
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_possible_wrap,
                reason = "these bits are signed"
            )]
            b'J' => Node::Int(i64::from(stream.number(4)? as u32 as i32)),
            b'K' => Node::Int(i64::from(stream.byte()?)),
            b'M' => Node::Int(i64::try_from(stream.number(2)?).unwrap_or(0)),
            0x8a => self.long(1, at)?,
            0x8b => self.long(4, at)?,
            b'F' => {
                let line = stream.line()?;
                let value = line.trim().parse();
                Node::Float(
                    value.map_err(|_parse| self.fault(at, format!("'{}' is no number", shown(line))))?,
                )
            }
            b'G' => Node::Float(f64::from_bits(stream.number(8)?.swap_bytes())),
            b'S' => {
                let line = stream.line()?.trim();
                let inner = line.strip_prefix(['\'', '"']).and_then(|line| line.strip_suffix(['\'', '"']));
                let plain = inner.filter(|inner| !inner.contains('\\'));
                Node::Text(
                    plain.ok_or_else(|| self.fault(at, "text with escapes; save with protocol 2"))?.into(),
                )
            }
            b'V' => {
                let line = stream.line()?;
                if line.contains('\\') {
                    return Err(self.fault(at, "text with escapes; save with protocol 2"));
                }
                Node::Text(line.into())
            }
            b'T' | b'U' => {
                let length = stream.length(if code == b'T' { 4 } else { 1 })?;
                let bytes = stream.take(length)?;
                // What Python 2 called text may be bytes.
                std::str::from_utf8(bytes)
                    .map_or_else(|_utf8| Node::Bytes(bytes.into()), |text| Node::Text(text.into()))
            }
            b'X' | 0x8c | 0x8d => {
                let length = stream.length(match code {
                    0x8c => 1,
                    b'X' => 4,
                    _ => 8,
                })?;
                Node::Text(stream.text(length)?.into())
            }
            b'B' | b'C' | 0x8e | 0x96 => {
                let length = stream.length(match code {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                })?;
                Node::Bytes(stream.take(length)?.into())
            }
            _ => {
                let why =
                    format!("instruction {code:#04x}, which no checkpoint needs; save it with torch.save");
                return Err(self.fault(at, why));
            }
        })
    }

    fn decimal(&self, line: &str, at: usize) -> Result<Node> {
        let value = line.trim().parse();
        Ok(Node::Int(
            value.map_err(|_parse| self.fault(at, format!("'{}' is no whole number", shown(line))))?,
        ))
    }

    /// A whole number with its length before it.
    fn long(&mut self, length_bytes: usize, at: usize) -> Result<Node> {
        let length = self.stream.length(length_bytes)?;
        let bytes = self.stream.take(length)?;
        if length > 8 {
            let name = format!("a whole number of {length} bytes");
            return Ok(Node::Foreign { name: name.into(), at });
        }
        let negative = bytes.last().is_some_and(|&last| last >= 0x80);
        let mut wide = if negative { [0xff; 8] } else { [0; 8] };
        wide[..length].copy_from_slice(bytes);
        Ok(Node::Int(i64::from_le_bytes(wide)))
    }

    /// Puts the top into the memo, or gets something out of it.
    fn remember(&mut self, code: u8, at: usize) -> Result<()> {
        let slot = match code {
            b'h' | b'q' => self.stream.number(1)?,
            b'j' | b'r' => self.stream.number(4)?,
            b'g' | b'p' => {
                let line = self.stream.line()?;
                line.trim().parse().map_err(|_parse| self.fault(at, "a memo slot that is no number"))?
            }
            _ => self.memo.len() as u64,
        };
        let slot = u32::try_from(slot).map_err(|_wide| self.fault(at, "a memo slot beyond all"))?;
        if matches!(code, b'g' | b'h' | b'j') {
            let Some(&id) = self.memo.get(&slot) else {
                return Err(self.fault(at, format!("memo slot {slot} is empty; the file is damaged")));
            };
            self.stack.push(id);
        } else {
            let top = self.top(at)?;
            self.memo.insert(slot, top);
        }
        Ok(())
    }

    /// Lists, tuples, sets and dictionaries.
    fn gather(&mut self, code: u8, at: usize) -> Result<()> {
        match code {
            b']' | b')' | 0x8f => self.push(Node::List(Vec::new()), at),
            b'}' => self.push(Node::Dict(Vec::new()), at),
            b'l' | b't' | 0x91 => {
                let parts = self.since_mark(at)?;
                self.push(Node::List(parts), at)
            }
            b'd' => {
                let parts = self.since_mark(at)?;
                self.push(Node::Dict(pairs(&parts)), at)
            }
            0x85..=0x87 => {
                let mut parts = Vec::new();
                for _ in 0x84..code {
                    parts.push(self.pop(at)?);
                }
                parts.reverse();
                self.push(Node::List(parts), at)
            }
            b'a' => {
                let part = self.pop(at)?;
                self.extend(&[part], at)
            }
            b's' => {
                let value = self.pop(at)?;
                let key = self.pop(at)?;
                self.extend(&[key, value], at)
            }
            _ => {
                let parts = self.since_mark(at)?;
                self.extend(&parts, at)
            }
        }
    }

    /// Adds parts to the list or dictionary on top.
    fn extend(&mut self, parts: &[Id], at: usize) -> Result<()> {
        let top = self.top(at)?;
        match &mut self.arena.nodes[top as usize] {
            Node::List(list) => list.extend_from_slice(parts),
            Node::Dict(dict) => dict.extend(pairs(parts)),
            Node::Foreign { .. } => self.aside.extend(parts.iter().map(|&part| (top, part))),
            _ => {
                return Err(
                    self.fault(at, "entries for what is neither list nor dictionary; the file is damaged")
                );
            }
        }
        Ok(())
    }

    /// Names, and what is done with them.
    fn object(&mut self, code: u8, at: usize) -> Result<()> {
        let made = match code {
            b'c' => {
                let (module, name) = (self.stream.line()?, self.stream.line()?);
                self.named(module, name, at)?
            }
            0x93 => {
                let (name, module) = (self.pop(at)?, self.pop(at)?);
                let (Some(module), Some(name)) = (self.arena.text(module), self.arena.text(name)) else {
                    return Err(self.fault(at, "a name that is no text; the file is damaged"));
                };
                let (module, name) = (Arc::<str>::from(module), Arc::<str>::from(name));
                self.copy(module.len() + name.len(), at)?;
                self.named(&module, &name, at)?
            }
            b'i' => {
                let (module, name) = (self.stream.line()?, self.stream.line()?);
                let parts = self.since_mark(at)?;
                let name = format!("{module}.{name}");
                let made = self.add(Node::Foreign { name: name.into(), at }, at)?;
                self.aside.extend(parts.iter().map(|&part| (made, part)));
                made
            }
            b'o' => {
                let parts = self.since_mark(at)?;
                let Some(&class) = parts.first() else {
                    return Err(self.fault(at, "an object without a class; the file is damaged"));
                };
                let made = self.foreign(class, at)?;
                self.aside.extend(parts.iter().map(|&part| (made, part)));
                made
            }
            0x92 => {
                let parts = [self.pop(at)?, self.pop(at)?];
                let class = self.pop(at)?;
                let made = self.foreign(class, at)?;
                self.aside.extend(parts.map(|part| (made, part)));
                made
            }
            0x82..=0x84 => {
                let length = [1, 2, 4][usize::from(code - 0x82)];
                let name = format!("extension {}", self.stream.number(length)?);
                self.add(Node::Foreign { name: name.into(), at }, at)?
            }
            b'R' | 0x81 => {
                let (arguments, callee) = (self.pop(at)?, self.pop(at)?);
                let made = calls::call(self, callee, arguments, at)?;
                self.aside.push((made, arguments));
                made
            }
            b'b' => {
                let (state, object) = (self.pop(at)?, self.top(at)?);
                self.aside.push((object, state));
                return calls::build(self, object, state, at);
            }
            b'P' => {
                let name = format!("stored object {}", self.stream.line()?);
                self.add(Node::Foreign { name: name.into(), at }, at)?
            }
            _ => {
                let described = self.pop(at)?;
                let made = calls::stored(self, described, at)?;
                self.aside.push((made, described));
                made
            }
        };
        self.stack.push(made);
        Ok(())
    }

    /// A name of Python.
    fn named(&mut self, module: &str, name: &str, at: usize) -> Result<Id> {
        let full: Arc<str> = format!("{module}.{name}").into();
        let known = calls::is_known(&full);
        self.add(if known { Node::Global(full) } else { Node::Foreign { name: full, at } }, at)
    }

    /// What is made with a name that has no meaning here.
    pub(super) fn foreign(&mut self, class: Id, at: usize) -> Result<Id> {
        let name = match self.arena.get(class) {
            // It swallows what is done with it, and is told by where it was named.
            Node::Foreign { .. } => return Ok(class),
            Node::Global(name) => Arc::clone(name),
            _ => "something that is no name".into(),
        };
        self.add(Node::Foreign { name, at }, at)
    }
}

/// Keys and values; an odd one out is left.
fn pairs(parts: &[Id]) -> Vec<(Id, Id)> {
    parts.as_chunks::<2>().0.iter().map(|&[key, value]| (key, value)).collect()
}
