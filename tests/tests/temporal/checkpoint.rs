//! Writes what `torch.save` writes of a state dictionary of float tensors: a zip archive of a pickle and raw records.

use std::io::Write;
use std::path::Path;

use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// A tensor by its name.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: &'a [u8],
    pub(crate) values: &'a [f32],
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn global(out: &mut Vec<u8>, module: &str, name: &str) {
    out.extend(format!("c{module}\n{name}\n").as_bytes());
}

/// Small numbers in a tuple.
fn tuple(out: &mut Vec<u8>, numbers: &[u8]) {
    out.push(b'(');
    numbers.iter().for_each(|number| out.extend([b'K', *number]));
    out.push(b't');
}

/// Writes `tensors` as an ordered dictionary.
pub(crate) fn write(path: &Path, tensors: &[Named<'_>]) {
    let mut pickle = vec![0x80, 2];
    global(&mut pickle, "collections", "OrderedDict");
    pickle.extend(b")R(");
    for (number, tensor) in tensors.iter().enumerate() {
        text(&mut pickle, tensor.name);
        global(&mut pickle, "torch._utils", "_rebuild_tensor_v2");
        pickle.extend(b"((");
        text(&mut pickle, "storage");
        global(&mut pickle, "torch", "FloatStorage");
        text(&mut pickle, &number.to_string());
        text(&mut pickle, "cuda:0");
        pickle.extend([b'K', tensor.values.len() as u8]);
        // The storage is named, then its offset, its shape and its strides follow.
        pickle.extend(b"tQK\0");
        tuple(&mut pickle, tensor.shape);
        let strides: Vec<u8> =
            (0..tensor.shape.len()).map(|at| tensor.shape[at + 1..].iter().product()).collect();
        tuple(&mut pickle, &strides);
        pickle.push(0x89);
        global(&mut pickle, "collections", "OrderedDict");
        pickle.extend(b")RtR");
    }
    pickle.extend(b"u.");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    archive.start_file("decoder/data.pkl", stored).unwrap();
    archive.write_all(&pickle).unwrap();
    for (number, tensor) in tensors.iter().enumerate() {
        archive.start_file(format!("decoder/data/{number}"), stored).unwrap();
        tensor.values.iter().for_each(|value| archive.write_all(&value.to_le_bytes()).unwrap());
    }
    archive.start_file("decoder/version", stored).unwrap();
    archive.write_all(b"3\n").unwrap();
    archive.finish().unwrap();
}
