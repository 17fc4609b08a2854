//! The format of `torch.save` before 1.6, as far as it still occurs: one storage within a pickle that was not written by
//! torch, such as a codebook in an `.npz`. No I/O.
//!
//! Five pickles one after another (a magic number, a version, the machine's sizes, the object, the keys of its storages),
//! then of every storage its number of elements, eight bytes, and the elements.

use std::sync::Arc;

use vivant::Result;

use super::machine::Machine;
use super::node::{Arena, Id, Node};
use super::stream::{Place, Stream};
use super::tensor::{Bytes, Storage};

/// What a file of the old format starts with: protocol 2, and the magic number 0x1950a86a20f9469cfc6c.
pub(super) const START: [u8; 14] =
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The one storage of a file of the old format.
pub(super) fn storage(place: Place<'_>, bytes: &[u8]) -> Result<Storage> {
    let fault = |at, why: &str| place.fault(at, format!("a storage within: {why}; the file is damaged"));
    if !bytes.starts_with(&START) {
        return Err(fault(0, "no magic number"));
    }
    let mut at = 0;
    let mut next = || -> Result<(Arena, Id)> {
        let mut machine = Machine::new(place, bytes, at, true);
        let id = machine.run()?;
        at = machine.stream.at;
        Ok((machine.arena, id))
    };
    for _ in ["magic", "version", "sizes"] {
        next()?;
    }
    let (arena, object) = next()?;
    let (keys, list) = next()?;
    let Node::Storage(found) = arena.get(object) else { return Err(fault(0, "no storage")) };
    let one = keys.list(list).filter(|keys| keys.len() == 1).and_then(|list| keys.text(list[0]));
    let same = matches!(&found.bytes, Bytes::Record(key) if one == Some(&**key));
    if !same {
        return Err(fault(at, "not exactly one storage"));
    }
    let mut stream = Stream { place, bytes, at };
    let elements = stream.length(8)?;
    if elements != found.elements {
        return Err(fault(at, "a number of elements that is not the object's"));
    }
    let data = stream.take(elements.saturating_mul(found.dtype.bytes()))?;
    Ok(Storage { dtype: found.dtype, elements, bytes: Bytes::Inline(Arc::from(data)) })
}
