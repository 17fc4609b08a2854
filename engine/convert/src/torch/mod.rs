//! Checkpoints of `PyTorch`, read as data: no Python, and nothing that a file could make us run.
//!
//! `torch.save` writes a zip archive: a pickle (`data.pkl`) that says how tensors lie in records (`data/0`, `data/1`, …).
//! A pickle is a program for a stack machine. `machine` is that machine without its dangerous half: it knows numbers,
//! text, lists, dictionaries, and of all functions the dozen that say "a tensor of this shape, there" (`calls`). Any
//! other name is refused with its byte, except in the parts that are left out: the optimiser's state (`finish`).
//!
//! ```no_run
//! # fn main() -> vivant::Result<()> {
//! let checkpoint = vivant_convert::torch::open("step-000030000.ckpt".as_ref())?;
//! let step = checkpoint.value().get("step").and_then(|step| step.int());
//! let means = checkpoint.tensor("gauss_params.xyz")?; // by the end of its name
//! let numbers: Vec<f32> = checkpoint.read(means)?;
//! # Ok(()) }
//! ```
//!
//! Opening reads the pickle alone. A [`Tensor`] is a view that was checked against its storage, and the storage against
//! its record; [`Checkpoint::read`] then reads its elements as f32, f64 or i64, whatever type they have. Time and memory
//! follow the length of the file.

mod archive;
mod calls;
mod finish;
mod legacy;
mod machine;
mod node;
mod stream;
mod tensor;
mod value;

use std::path::Path;

use vivant::{Error, Result};

use archive::Archive;
use machine::Machine;
use stream::Place;
pub(crate) use stream::shown;
use tensor::Bytes;

pub use tensor::{Dtype, Number, Tensor};
pub use value::Value;

/// A checkpoint, its pickle read.
#[derive(Debug)]
pub struct Checkpoint {
    file: String,
    value: Value,
    /// Where the storages are; a pickle that stands alone holds its own.
    archive: Option<Archive>,
}

/// Opens a file that `torch.save` wrote.
///
/// # Errors
/// [`Error::Io`], [`Error::Malformed`], [`Error::Unsupported`] and [`Error::LimitExceeded`], each naming the file.
pub fn open(path: &Path) -> Result<Checkpoint> {
    let file = path.display().to_string();
    let (archive, data) = Archive::open(path)?;
    let place = Place { file: &file, field: data.field, base: data.base };
    let value = run(place, &data.bytes, &|key| archive.length_of(key))?;
    Ok(Checkpoint { file, value, archive: Some(archive) })
}

/// Reads a pickle that stands alone, such as an object in an `.npz`; it starts at byte `base` of `file`.
///
/// # Errors
/// As [`open`].
pub fn pickle(file: &str, bytes: &[u8], base: u64) -> Result<Checkpoint> {
    let value = run(Place { file, field: "pickle", base }, bytes, &|_| None)?;
    Ok(Checkpoint { file: file.to_owned(), value, archive: None })
}

fn run(place: Place<'_>, bytes: &[u8], records: finish::Records<'_>) -> Result<Value> {
    let mut machine = Machine::new(place, bytes, 0, false);
    let root = machine.run()?;
    finish::finish(machine, root, records)
}

/// Whether a zip archive with entries of these names is a checkpoint.
pub(crate) fn is_checkpoint(names: &[String]) -> bool {
    names.iter().any(|name| name == "data.pkl" || name.ends_with("/data.pkl"))
}

/// Whether a file starts as a checkpoint of the old format does, which is refused with what to do.
pub(crate) fn is_old(start: &[u8]) -> bool {
    start.starts_with(&legacy::START)
}

impl Checkpoint {
    /// The file, as the user named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What the pickle holds.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The tensor of this name, or the only one whose dotted name ends so (`xyz` finds `pipeline._model.xyz`).
    ///
    /// # Errors
    /// [`Error::Malformed`] that says which there are.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        let all = self.value.tensors();
        if let Some((_, tensor)) = all.iter().find(|(own, _)| own == name) {
            return Ok(tensor);
        }
        let ends = |own: &str| own.strip_suffix(name).is_some_and(|start| start.ends_with('.'));
        let mut found = all.iter().filter(|(own, _)| ends(own));
        if let (Some((_, tensor)), None) = (found.next(), found.next()) {
            return Ok(tensor);
        }
        let count = all.iter().filter(|(own, _)| ends(own)).count();
        let some: Vec<String> = all.iter().take(12).map(|(own, _)| shown(own)).collect();
        let why =
            format!("{count} tensors of that name; the file has {} in all: {}", all.len(), some.join(", "));
        Err(Error::malformed(&self.file, name, 0, why))
    }

    /// The elements of a tensor of this checkpoint, the last dimension fastest.
    ///
    /// # Errors
    /// [`Error::Malformed`] when its record is damaged, or holds fractions where whole numbers are asked for.
    pub fn read<T: Number + 'static>(&self, tensor: &Tensor) -> Result<Vec<T>> {
        let whole = std::any::TypeId::of::<T>() == std::any::TypeId::of::<i64>();
        if whole && !tensor.dtype().is_whole() {
            let why = format!("a tensor of {:?} where whole numbers are wanted", tensor.dtype());
            return Err(Error::malformed(&self.file, "data.pkl", 0, why));
        }
        match (&tensor.storage().bytes, &self.archive) {
            (Bytes::Inline(bytes), _) => {
                let missing =
                    || Error::malformed(&self.file, "pickle", 0, "a tensor that reaches beyond its bytes");
                let mut span = bytes.get(tensor.span()).ok_or_else(missing)?;
                tensor.read(&mut span, false).map_err(|source| Error::io(&self.file, "cannot read", source))
            }
            (Bytes::Record(key), Some(archive)) => archive.read(key, tensor),
            (Bytes::Record(key), None) => {
                let why = format!(
                    "storage {} is not in the pickle; give the file that torch.save wrote",
                    shown(key)
                );
                Err(Error::malformed(&self.file, "pickle", 0, why))
            }
        }
    }
}
