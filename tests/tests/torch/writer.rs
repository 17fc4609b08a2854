//! Writes checkpoints as `torch.save` does, from the description of pickle and of torch's archives alone: protocol 2, a
//! memo slot for nearly everything, parameters around tensors, one stored record a storage, on offsets of 64 bytes.

use std::io::Write;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Something that Python would pickle.
#[derive(Debug, Clone)]
pub(crate) enum Py {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
    Tuple(Vec<Self>),
    List(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    /// An `OrderedDict` with the attribute that a state dictionary has.
    Ordered(Vec<(Self, Self)>),
    Tensor(Tensor),
    /// A tensor in an `nn.Parameter`.
    Parameter(Tensor),
    /// A float64 of numpy.
    Numpy(f64),
    /// Instructions as they are.
    Raw(Vec<u8>),
}

/// A tensor that is the whole of its storage unless it says else.
#[derive(Debug, Clone)]
pub(crate) struct Tensor {
    pub(crate) class: &'static str,
    pub(crate) shape: Vec<i64>,
    /// Strides and offset, where they are not those of a whole storage.
    pub(crate) view: Option<(Vec<i64>, i64)>,
    pub(crate) elements: i64,
    pub(crate) bytes: Vec<u8>,
}

/// A tensor of singles.
pub(crate) fn floats(shape: &[i64], values: &[f32]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let elements = i64::try_from(values.len()).unwrap();
    assert_eq!(shape.iter().product::<i64>(), elements);
    Tensor { class: "FloatStorage", shape: shape.to_vec(), view: None, elements, bytes }
}

/// A pickle and the storages that it names by number.
#[derive(Debug, Default)]
pub(crate) struct Pickle {
    pub(crate) bytes: Vec<u8>,
    pub(crate) storages: Vec<Vec<u8>>,
    memo: u32,
}

impl Pickle {
    /// Of one object.
    pub(crate) fn of(object: &Py) -> Self {
        let mut pickle = Self { bytes: vec![0x80, 2], ..Self::default() };
        pickle.object(object);
        pickle.bytes.push(b'.');
        pickle
    }

    /// Puts the top into the next memo slot, as Python does even where nothing asks for it again.
    fn put(&mut self) {
        if let Ok(slot) = u8::try_from(self.memo) {
            self.bytes.extend([b'q', slot]);
        } else {
            self.bytes.push(b'r');
            self.bytes.extend(self.memo.to_le_bytes());
        }
        self.memo += 1;
    }

    pub(crate) fn global(&mut self, module: &str, name: &str) {
        self.bytes.extend(format!("c{module}\n{name}\n").bytes());
        self.put();
    }

    fn text(&mut self, text: &str) {
        self.bytes.push(b'X');
        self.bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        self.bytes.extend(text.bytes());
        self.put();
    }

    pub(crate) fn int(&mut self, value: i64) {
        if let Ok(byte) = u8::try_from(value) {
            self.bytes.extend([b'K', byte]);
        } else if let Ok(short) = u16::try_from(value) {
            self.bytes.push(b'M');
            self.bytes.extend(short.to_le_bytes());
        } else if let Ok(word) = i32::try_from(value) {
            self.bytes.push(b'J');
            self.bytes.extend(word.to_le_bytes());
        } else {
            self.bytes.extend([0x8a, 8]);
            self.bytes.extend(value.to_le_bytes());
        }
    }

    fn tuple(&mut self, parts: &[Py]) {
        if parts.len() > 3 {
            self.bytes.push(b'(');
        }
        parts.iter().for_each(|part| self.object(part));
        match parts.len() {
            0 => return self.bytes.push(b')'),
            count @ 1..=3 => self.bytes.push(0x84 + u8::try_from(count).unwrap()),
            _ => self.bytes.push(b't'),
        }
        self.put();
    }

    fn items(&mut self, items: &[(Py, Py)]) {
        if items.is_empty() {
            return;
        }
        self.bytes.push(b'(');
        for (key, value) in items {
            self.object(key);
            self.object(value);
        }
        self.bytes.push(b'u');
    }

    fn sizes(&mut self, sizes: &[i64]) {
        self.tuple(&sizes.iter().map(|&size| Py::Int(size)).collect::<Vec<_>>());
    }

    fn empty_ordered(&mut self) {
        self.global("collections", "OrderedDict");
        self.bytes.extend(b")R");
        self.put();
    }

    fn tensor(&mut self, tensor: &Tensor) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.bytes.extend(b"((");
        self.text("storage");
        self.global("torch", tensor.class);
        let key = self.storages.len().to_string();
        self.text(&key);
        self.text("cuda:0");
        self.int(tensor.elements);
        self.bytes.push(b't');
        self.put();
        self.bytes.push(b'Q');
        self.storages.push(tensor.bytes.clone());
        let mut strides = vec![1; tensor.shape.len()];
        for index in (1..tensor.shape.len()).rev() {
            strides[index - 1] = strides[index] * tensor.shape[index];
        }
        let (strides, offset) = tensor.view.clone().unwrap_or((strides, 0));
        self.int(offset);
        self.sizes(&tensor.shape);
        self.sizes(&strides);
        self.bytes.push(0x89);
        self.empty_ordered();
        self.bytes.push(b't');
        self.put();
        self.bytes.push(b'R');
        self.put();
    }

    pub(crate) fn object(&mut self, object: &Py) {
        match object {
            Py::None => self.bytes.push(b'N'),
            Py::Bool(value) => self.bytes.push(if *value { 0x88 } else { 0x89 }),
            Py::Int(value) => self.int(*value),
            Py::Float(value) => {
                self.bytes.push(b'G');
                self.bytes.extend(value.to_be_bytes());
            }
            Py::Text(text) => self.text(text),
            Py::Tuple(parts) => self.tuple(parts),
            Py::List(parts) => {
                self.bytes.push(b']');
                self.put();
                self.bytes.push(b'(');
                parts.iter().for_each(|part| self.object(part));
                self.bytes.push(b'e');
            }
            Py::Dict(items) => {
                self.bytes.push(b'}');
                self.put();
                self.items(items);
            }
            Py::Ordered(items) => {
                self.empty_ordered();
                self.items(items);
                self.object(&Py::Dict(vec![(Py::Text("_metadata"), Py::Dict(vec![]))]));
                self.bytes.push(b'b');
            }
            Py::Tensor(tensor) => self.tensor(tensor),
            Py::Parameter(tensor) => {
                self.global("torch._utils", "_rebuild_parameter");
                self.tensor(tensor);
                self.bytes.push(0x88);
                self.empty_ordered();
                self.bytes.push(0x87);
                self.put();
                self.bytes.push(b'R');
                self.put();
            }
            Py::Numpy(value) => self.numpy(*value),
            Py::Raw(bytes) => self.bytes.extend(bytes),
        }
    }

    /// As numpy and protocol 2 do it: the dtype has a state, and bytes are text in Latin-1.
    fn numpy(&mut self, value: f64) {
        self.global("numpy.core.multiarray", "scalar");
        self.global("numpy", "dtype");
        self.text("f8");
        self.bytes.extend([0x89, 0x88, 0x87]);
        self.put();
        self.bytes.push(b'R');
        self.put();
        self.bytes.extend(b"(K\x03");
        self.text("<");
        self.bytes.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
        self.global("_codecs", "encode");
        let characters: String = value.to_le_bytes().iter().map(|&byte| char::from(byte)).collect();
        self.text(&characters);
        self.text("latin1");
        self.bytes.extend([0x86]);
        self.put();
        self.bytes.push(b'R');
        self.put();
        self.bytes.push(0x86);
        self.put();
        self.bytes.push(b'R');
        self.put();
    }
}

/// Writes a pickle and its storages as an archive.
pub(crate) fn write(path: &Path, pickle: &Pickle, method: CompressionMethod, order: Option<&str>) {
    let mut zip = ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(method).with_alignment(64);
    let mut entry = |name: &str, bytes: &[u8]| {
        zip.start_file(format!("archive/{name}"), options).unwrap();
        zip.write_all(bytes).unwrap();
    };
    entry("data.pkl", &pickle.bytes);
    if let Some(order) = order {
        entry("byteorder", order.as_bytes());
    }
    for (index, storage) in pickle.storages.iter().enumerate() {
        entry(&format!("data/{index}"), storage);
    }
    entry("version", b"3\n");
    zip.finish().unwrap();
}

/// `torch.save(object, path)`.
pub(crate) fn save(path: &Path, object: &Py) {
    write(path, &Pickle::of(object), CompressionMethod::Stored, Some("little"));
}
