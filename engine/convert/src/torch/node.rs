//! The parts of a pickle while it is read: an arena, in which parts name others by number.
//!
//! A pickle is a graph: parts are shared, and a list may be named before it is filled, even by itself. Numbers make that
//! plain, cost a bounded few bytes for each byte of the stream, and need no recursion to be freed.

use std::sync::Arc;

use super::tensor::{Dtype, Storage, Tensor};

/// Number of a part.
pub(super) type Id = u32;

/// A part.
#[derive(Debug, Clone)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// A list, tuple or set.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A name that is known to be harmless.
    Global(Arc<str>),
    /// A name that is not, or what was made with one; it was neither looked up nor run.
    Foreign {
        name: Arc<str>,
        at: usize,
    },
    Storage(Box<Storage>),
    Tensor(Arc<Tensor>),
    /// A dtype of numpy; `None` for objects.
    Dtype(Option<Dtype>),
    /// An array of numpy before its state is known.
    Array,
}

/// All parts of a pickle.
#[derive(Debug, Default)]
pub(super) struct Arena {
    pub(super) nodes: Vec<Node>,
}

impl Arena {
    /// Part `id`; numbers are only made by [`Self::add`].
    pub(super) fn get(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    /// The parts of a list or tuple.
    pub(super) fn list(&self, id: Id) -> Option<&[Id]> {
        if let Node::List(list) = self.get(id) { Some(list) } else { None }
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        if let Node::Text(text) = self.get(id) { Some(text) } else { None }
    }

    pub(super) fn size(&self, id: Id) -> Option<usize> {
        if let Node::Int(value) = self.get(id) { usize::try_from(*value).ok() } else { None }
    }

    /// The sizes in a list.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.list(id)?.iter().map(|&id| self.size(id)).collect()
    }
}
