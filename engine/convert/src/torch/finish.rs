//! From the parts of a pickle to its value: what nobody reads is left out, what cannot be read is refused. No I/O.
//!
//! The optimiser's state is two thirds of a checkpoint and none of the picture, and schedulers hold whatever Python
//! holds. Both are left out wherever they stand: a dictionary with the keys `state` and `param_groups`, and what is
//! found under one of [`SKIPPED`]. Every name without meaning that is not in such a part is an error, even where its
//! value is thrown away.

use std::sync::Arc;

use vivant::Result;

use super::machine::Machine;
use super::node::{Id, Node};
use super::stream::{Place, shown};
use super::tensor::{Bytes, Tensor};
use super::value::Value;

/// Keys of dictionaries under which training keeps what it needs to go on.
const SKIPPED: &[&str] = &[
    "optimizer",
    "optimizers",
    "optimizer_states",
    "optimizer_state_dict",
    "scheduler",
    "schedulers",
    "lr_scheduler",
    "lr_schedulers",
    "scaler",
    "scalers",
    "callbacks",
    "loops",
];

/// How deep lists and dictionaries may lie in one another.
const MAX_DEPTH: usize = 64;

/// Gives the length of a record in bytes by its key.
pub(super) type Records<'a> = &'a dyn Fn(&str) -> Option<u64>;

/// The value of part `root`.
pub(super) fn finish(mut machine: Machine<'_>, root: Id, records: Records<'_>) -> Result<Value> {
    machine.aside.sort_unstable();
    let count = machine.arena.nodes.len();
    let mut finisher = Finisher {
        place: machine.stream.place,
        nodes: &machine.arena.nodes,
        aside: &machine.aside,
        records,
        values: vec![Progress::New; count],
        excused: vec![false; count],
    };
    let value = finisher.value(root, 0)?;
    let Finisher { place, excused, .. } = finisher;
    let refused = machine.arena.nodes.iter().zip(excused).filter(|(_, excused)| !excused);
    let refused = refused.filter_map(|(node, _)| match node {
        Node::Foreign { name, at } => Some((*at, name)),
        _ => None,
    });
    if let Some((at, name)) = refused.min() {
        let why = format!(
            "names {}, which was not run: only tensors, numbers, text, lists and dictionaries are read; \
             save those alone with torch.save",
            shown(name)
        );
        return Err(place.fault(at, why));
    }
    Ok(value)
}

#[derive(Debug, Clone)]
enum Progress {
    New,
    Begun,
    Done(Value),
}

struct Finisher<'a> {
    place: Place<'a>,
    nodes: &'a [Node],
    aside: &'a [(Id, Id)],
    records: Records<'a>,
    values: Vec<Progress>,
    /// Parts that nobody reads.
    excused: Vec<bool>,
}

impl Finisher<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<Value> {
        match &self.values[id as usize] {
            Progress::Done(value) => return Ok(value.clone()),
            Progress::Begun => return Err(self.place.fault(0, "a list that holds itself: no checkpoint")),
            Progress::New => {}
        }
        if depth > MAX_DEPTH {
            return Err(self
                .place
                .fault(0, format!("lists nested more than {MAX_DEPTH} deep: no checkpoint")));
        }
        self.values[id as usize] = Progress::Begun;
        let nodes = self.nodes;
        let value = match &nodes[id as usize] {
            Node::None | Node::Array => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) | Node::Global(text) => Value::Text(Arc::clone(text)),
            Node::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
            Node::Dtype(_) => Value::Text("numpy.dtype".into()),
            Node::Foreign { .. } => Value::Skipped,
            Node::Tensor(tensor) => self.tensor(Arc::clone(tensor))?,
            Node::Storage(storage) => {
                let whole = Tensor::dense((**storage).clone(), vec![storage.elements], false);
                self.tensor(Arc::new(whole.map_err(|why| self.place.fault(0, why))?))?
            }
            Node::List(list) => {
                let values: Result<Vec<Value>> = list.iter().map(|&id| self.value(id, depth + 1)).collect();
                Value::List(values?.into())
            }
            Node::Dict(items) if self.is_optimiser(items) => {
                self.excuse(id);
                Value::Skipped
            }
            Node::Dict(items) => self.dictionary(items, depth)?,
        };
        self.values[id as usize] = Progress::Done(value.clone());
        Ok(value)
    }

    fn text(&self, id: Id) -> Option<&str> {
        if let Node::Text(text) = &self.nodes[id as usize] { Some(text) } else { None }
    }

    fn is_optimiser(&self, items: &[(Id, Id)]) -> bool {
        let has = |wanted| items.iter().take(8).any(|&(key, _)| self.text(key) == Some(wanted));
        has("state") && has("param_groups")
    }

    fn dictionary(&mut self, items: &[(Id, Id)], depth: usize) -> Result<Value> {
        let mut values = Vec::with_capacity(items.len());
        for &(key, value) in items {
            let skipped = self.text(key).is_some_and(|key| SKIPPED.contains(&key));
            let key = self.value(key, depth + 1)?;
            let value = if skipped {
                self.excuse(value);
                Value::Skipped
            } else {
                self.value(value, depth + 1)?
            };
            values.push((key, value));
        }
        Ok(Value::Dict(values.into()))
    }

    /// Marks a part that nobody reads, with all that it is made of.
    fn excuse(&mut self, id: Id) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut self.excused[id as usize], true) {
                continue;
            }
            match &self.nodes[id as usize] {
                Node::List(list) => open.extend(list),
                Node::Dict(items) => open.extend(items.iter().flat_map(|&(key, value)| [key, value])),
                _ => {}
            }
            let first = self.aside.partition_point(|&(owner, _)| owner < id);
            let own = self.aside[first..].iter().take_while(|&&(owner, _)| owner == id);
            open.extend(own.map(|&(_, part)| part));
        }
    }

    /// A tensor, if its storage is there in full.
    fn tensor(&self, tensor: Arc<Tensor>) -> Result<Value> {
        let storage = tensor.storage();
        if let Bytes::Record(key) = &storage.bytes {
            let Some(length) = (self.records)(key) else {
                let why = format!("storage {} is not in the file; copy it again", shown(key));
                return Err(self.place.fault(0, why));
            };
            let wanted = (storage.elements as u64).checked_mul(storage.dtype.bytes() as u64);
            if wanted.is_none_or(|wanted| wanted > length) {
                let elements = storage.elements;
                let why = format!(
                    "storage {} of {elements} elements has {length} bytes; the file is cut or damaged: copy it again",
                    shown(key)
                );
                return Err(self.place.fault(0, why));
            }
        }
        Ok(Value::Tensor(tensor))
    }
}
