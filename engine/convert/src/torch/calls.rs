//! What a pickle may call, and what that means here. No name is looked up: each has a few lines of its own below, which
//! make numbers, lists and views. The list is short on purpose; [`super::finish`] refuses everything else by name.

use std::sync::Arc;

use vivant::Result;

use super::legacy;
use super::machine::Machine;
use super::node::{Id, Node};
use super::tensor::{Bytes, Dtype, Storage, Tensor};

/// Names that mean something, besides the storages.
const KNOWN: &[&str] = &[
    "collections.OrderedDict",
    "collections.defaultdict",
    "builtins.set",
    "builtins.frozenset",
    "builtins.list",
    "builtins.tuple",
    "builtins.dict",
    "__builtin__.set",
    "__builtin__.list",
    "__builtin__.dict",
    "_codecs.encode",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._tensor._rebuild_from_type_v2",
    "torch.storage._load_from_bytes",
    "torch.nn.parameter.Parameter",
    "torch.Tensor",
    "torch.Size",
    "torch.device",
    "torch.float16",
    "torch.bfloat16",
    "torch.float32",
    "torch.float64",
    "torch.int64",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
];

/// Whether a name has a meaning here.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || storage_class(name).is_some()
}

/// The element type of a storage class.
fn storage_class(name: &str) -> Option<Dtype> {
    let class =
        ["torch.cuda.", "torch.storage.", "torch."].iter().find_map(|module| name.strip_prefix(module))?;
    Dtype::of_storage(class)
}

/// What `callee(*arguments)` makes.
pub(super) fn call(machine: &mut Machine<'_>, callee: Id, arguments: Id, at: usize) -> Result<Id> {
    let Node::Global(name) = machine.arena.get(callee) else { return machine.foreign(callee, at) };
    let name = Arc::clone(name);
    let given = machine.arena.list(arguments).unwrap_or(&[]);
    let first = given.first().copied();
    let wanted = |machine: &Machine<'_>| {
        machine.fault(at, format!("{name} without its arguments; the file is damaged"))
    };
    match (&*name, first) {
        ("torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2", Some(_)) => {
            tensor(machine, arguments, at)
        }
        ("torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", Some(data)) => {
            Ok(data)
        }
        ("torch._tensor._rebuild_from_type_v2", Some(made_by)) => {
            let Some(&inner) = given.get(2) else { return Err(wanted(machine)) };
            if matches!(machine.arena.get(made_by), Node::Global(own) if *own == name) {
                return Err(machine.fault(at, format!("{name} of itself: no checkpoint")));
            }
            call(machine, made_by, inner, at)
        }
        ("torch.storage._load_from_bytes", Some(bytes)) => loaded(machine, bytes, at),
        ("torch.Size" | "torch.device", Some(inner)) => Ok(inner),
        ("_codecs.encode", Some(text)) => encoded(machine, text, at),
        ("numpy.dtype", Some(code)) => {
            let code =
                machine.arena.text(code).map(|code| code.trim_start_matches(['<', '|', '=']).to_owned());
            match code.as_deref() {
                Some("O" | "O8") => machine.add(Node::Dtype(None), at),
                Some(code) if Dtype::of_numpy(code).is_some() => {
                    machine.add(Node::Dtype(Dtype::of_numpy(code)), at)
                }
                _ => {
                    let name = format!("numpy.dtype {}", code.unwrap_or_default());
                    machine.add(Node::Foreign { name: name.into(), at }, at)
                }
            }
        }
        (scalar, Some(_)) if scalar.ends_with("multiarray.scalar") => number(machine, arguments, at),
        (array, _) if array.ends_with("multiarray._reconstruct") => machine.add(Node::Array, at),
        ("collections.defaultdict", _)
        | ("collections.OrderedDict" | "builtins.dict" | "__builtin__.dict", None) => {
            machine.add(Node::Dict(Vec::new()), at)
        }
        ("collections.OrderedDict" | "builtins.dict" | "__builtin__.dict", Some(list)) => {
            dictionary(machine, list, at)
        }
        (list, inner) if list.starts_with("builtins.") || list.starts_with("__builtin__.") => {
            inner.map_or_else(|| machine.add(Node::List(Vec::new()), at), Ok)
        }
        _ => machine.foreign(callee, at),
    }
}

/// Gives an object its state.
pub(super) fn build(machine: &mut Machine<'_>, object: Id, state: Id, at: usize) -> Result<()> {
    let made = match machine.arena.get(object) {
        Node::Array => array(machine, state, at)?,
        Node::Dtype(_) => {
            let order = machine.arena.list(state).and_then(|state| machine.arena.text(*state.get(1)?));
            if order != Some(">") {
                return Ok(());
            }
            Node::Foreign { name: "big-endian numbers of numpy".into(), at }
        }
        // Attributes of a dictionary or a tensor say nothing that is wanted.
        Node::Dict(_) | Node::Tensor(_) | Node::Foreign { .. } => return Ok(()),
        _ => return Err(machine.fault(at, "a state for what has none; the file is damaged")),
    };
    machine.arena.nodes[object as usize] = made;
    Ok(())
}

/// What a description of something stored beside the pickle means.
pub(super) fn stored(machine: &mut Machine<'_>, described: Id, at: usize) -> Result<Id> {
    let arena = &machine.arena;
    if let Some(&[tag, class, key, _location, elements, ..]) = arena.list(described)
        && arena.text(tag) == Some("storage")
    {
        let class = match arena.get(class) {
            Node::Global(name) => storage_class(name),
            Node::Foreign { .. } => return Ok(class),
            _ => None,
        };
        if let (Some(dtype), Some(key), Some(elements)) = (class, arena.text(key), arena.size(elements)) {
            let bytes = Bytes::Record(key.into());
            machine.copy(key_cost(&bytes), at)?;
            return machine.add(Node::Storage(Box::new(Storage { dtype, elements, bytes })), at);
        }
    }
    Err(machine
        .fault(at, "a stored object that is no storage of numbers; save tensors alone with torch.save"))
}

fn key_cost(bytes: &Bytes) -> usize {
    if let Bytes::Record(key) = bytes { key.len() } else { 0 }
}

/// A view: (storage, offset, sizes, strides, …).
fn tensor(machine: &mut Machine<'_>, arguments: Id, at: usize) -> Result<Id> {
    let arena = &machine.arena;
    let Some(&[storage, offset, shape, stride, ..]) = arena.list(arguments) else {
        return Err(machine.fault(at, "a tensor without its arguments; the file is damaged"));
    };
    let storage = match arena.get(storage) {
        Node::Storage(storage) => (**storage).clone(),
        Node::Foreign { .. } => return Ok(storage),
        _ => return Err(machine.fault(at, "a tensor without a storage; the file is damaged")),
    };
    let (Some(offset), Some(shape), Some(stride)) =
        (arena.size(offset), arena.sizes(shape), arena.sizes(stride))
    else {
        return Err(machine.fault(at, "a tensor whose offset, sizes or strides are no natural numbers"));
    };
    machine.copy(8 * (shape.len() + stride.len()), at)?;
    let tensor = Tensor::new(storage, offset, shape, stride);
    let tensor = tensor.map_err(|why| machine.fault(at, format!("{why}; clone() it before saving")))?;
    machine.add(Node::Tensor(Arc::new(tensor)), at)
}

/// A storage that is a whole file of the old format within the pickle.
fn loaded(machine: &mut Machine<'_>, bytes: Id, at: usize) -> Result<Id> {
    let Node::Bytes(bytes) = machine.arena.get(bytes) else {
        return Err(machine.fault(at, "a storage that is no bytes; the file is damaged"));
    };
    if machine.nested {
        return Err(machine.fault(at, "a storage within a storage: no checkpoint"));
    }
    let bytes = Arc::clone(bytes);
    machine.copy(bytes.len(), at)?;
    let mut place = machine.stream.place;
    place.base = place.base.saturating_add(at as u64);
    let storage = legacy::storage(place, &bytes)?;
    machine.add(Node::Storage(Box::new(storage)), at)
}

/// Bytes that were written as text, a character a byte.
fn encoded(machine: &mut Machine<'_>, text: Id, at: usize) -> Result<Id> {
    let Some(text) = machine.arena.text(text) else {
        return Err(machine.fault(at, "bytes that are no text; the file is damaged"));
    };
    let length = text.len();
    let bytes: std::result::Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
    let bytes = bytes.map_err(|_wide| machine.fault(at, "bytes beyond 255; the file is damaged"))?;
    machine.copy(length, at)?;
    machine.add(Node::Bytes(bytes.into()), at)
}

/// A number of numpy: (dtype, bytes).
fn number(machine: &mut Machine<'_>, arguments: Id, at: usize) -> Result<Id> {
    let arena = &machine.arena;
    let parts = arena.list(arguments).unwrap_or(&[]);
    let node = match *parts {
        [dtype, bytes] => match (arena.get(dtype), arena.get(bytes)) {
            (Node::Foreign { .. }, _) => return Ok(dtype),
            (Node::Dtype(Some(dtype)), Node::Bytes(bytes)) if bytes.len() == dtype.bytes() => {
                scalar(*dtype, Arc::clone(bytes))
            }
            _ => None,
        },
        _ => None,
    };
    match node {
        Some(node) => machine.add(node, at),
        None => {
            Err(machine.fault(at, "a number of numpy without its type or its bytes; the file is damaged"))
        }
    }
}

/// One element as a number.
fn scalar(dtype: Dtype, bytes: Arc<[u8]>) -> Option<Node> {
    let storage = Storage { dtype, elements: 1, bytes: Bytes::Inline(Arc::clone(&bytes)) };
    let one = Tensor::dense(storage, Vec::new(), false).ok()?;
    let mut source = &bytes[..];
    Some(if dtype.is_whole() {
        Node::Int(*one.read::<i64>(&mut source, false).ok()?.first()?)
    } else {
        Node::Float(*one.read::<f64>(&mut source, false).ok()?.first()?)
    })
}

/// An array of numpy by its state: (version, shape, dtype, whether the first dimension is fastest, bytes or objects).
fn array(machine: &mut Machine<'_>, state: Id, at: usize) -> Result<Node> {
    let arena = &machine.arena;
    let damaged =
        || machine.fault(at, "an array of numpy without its shape, type or bytes; the file is damaged");
    let Some(&[_version, shape, dtype, fortran, data]) = arena.list(state) else { return Err(damaged()) };
    let fortran = matches!(arena.get(fortran), Node::Bool(true) | Node::Int(1));
    match (arena.get(dtype), arena.get(data)) {
        (Node::Foreign { name, at }, _) => Ok(Node::Foreign { name: Arc::clone(name), at: *at }),
        (Node::Dtype(None), Node::List(objects)) => {
            let objects = objects.clone();
            machine.copy(4 * objects.len(), at)?;
            Ok(Node::List(objects))
        }
        (Node::Dtype(Some(dtype)), Node::Bytes(bytes)) => {
            let shape = arena.sizes(shape).ok_or_else(damaged)?;
            let (dtype, bytes) = (*dtype, Arc::clone(bytes));
            machine.copy(8 * shape.len(), at)?;
            let elements = bytes.len() / dtype.bytes();
            let storage = Storage { dtype, elements, bytes: Bytes::Inline(bytes) };
            let tensor = Tensor::dense(storage, shape, fortran);
            Ok(Node::Tensor(Arc::new(tensor.map_err(|why| machine.fault(at, why))?)))
        }
        _ => Err(damaged()),
    }
}

/// A dictionary of a list of pairs.
fn dictionary(machine: &mut Machine<'_>, list: Id, at: usize) -> Result<Id> {
    let arena = &machine.arena;
    if let Node::Dict(items) = arena.get(list) {
        let items = items.clone();
        machine.copy(8 * items.len(), at)?;
        return machine.add(Node::Dict(items), at);
    }
    let pairs = arena.list(list).unwrap_or(&[]).iter().map(|&pair| match arena.list(pair) {
        Some(&[key, value]) => Some((key, value)),
        _ => None,
    });
    let Some(pairs) = pairs.collect::<Option<Vec<(Id, Id)>>>() else {
        return Err(machine.fault(at, "a dictionary of what are no pairs; the file is damaged"));
    };
    machine.copy(8 * pairs.len(), at)?;
    machine.add(Node::Dict(pairs), at)
}
