//! Pickles that want something: refused by name and byte, soon, in little memory; nothing of them is run.

use std::time::{Duration, Instant};

use vivant_convert::torch::{self, Checkpoint};
use vivant_tests::hostile::{Cut, attack};
use zip::CompressionMethod;

use crate::writer::{Pickle, Py, Tensor, floats, save, write};

/// Reads a pickle that stands alone at byte 5000 of a file; it must not take long.
fn read(bytes: &[u8]) -> vivant::Result<Checkpoint> {
    let start = Instant::now();
    let outcome = torch::pickle("evil.pkl", bytes, 5000);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    outcome
}

/// The error of a pickle, which must say all of `words`.
fn refused(bytes: &[u8], words: &[&str]) {
    let error = read(bytes).expect_err("refused").to_string();
    for word in words.iter().chain(&["evil.pkl: pickle at byte "]) {
        assert!(error.contains(word), "'{word}' in: {error}");
    }
    assert!(!error.contains('\n') && error.len() < 600, "{error}");
}

#[test]
fn names_are_refused_by_name_and_byte() {
    refused(b"cos\nsystem\n(X\x06\x00\x00\x00echo 1tR.", &["os.system", "at byte 5000"]);
    refused(b"\x80\x02K\x01cposix\nsystem\n(X\x06\x00\x00\x00echo 1tR0.", &["posix.system", "at byte 5004"]);
    refused(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01a\x85R.", &["os.system"]);
    refused(b"(ios\nsystem\n.", &["os.system"]);
    refused(b"(cos\nsystem\nX\x01\x00\x00\x00ao.", &["os.system"]);
    refused(b"cbuiltins\neval\n)\x81.", &["builtins.eval"]);
    refused(b"cbuiltins\neval\n)}\x92.", &["builtins.eval"]);
    refused(b"]cbuiltins\ngetattr\na.", &["builtins.getattr"]);
    refused(b"}X\x01\x00\x00\x00acsubprocess\nPopen\ns.", &["subprocess.Popen"]);
    refused(b"ctorch._utils\n_rebuild_tensor_v2x\n.", &["_rebuild_tensor_v2x"]);
    refused(b"ctorch\njit\n.", &["torch.jit"]);
    refused(b"ctorch\nos.FloatStorage\n.", &["torch.os.FloatStorage"]);
    refused(b"\x80\x04\x8c\x02o\n\x8c\x06sys\rem\x93.", &["o\\n.sys\\rem"]);
    refused(b"P42\n.", &["stored object 42"]);
    refused(b"X\x01\x00\x00\x00aQ.", &["no storage of numbers"]);
    refused(b"\x82\x05.", &["extension 5"]);
    // As an attribute, an argument or a state of what is harmless.
    refused(b"ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00acos\nsystem\nsb.", &["os.system"]);
    refused(b"ccollections\ndefaultdict\ncos\nsystem\n\x85R.", &["os.system"]);
    refused(b"ctorch\nSize\ncos\nsystem\n\x85R.", &["os.system"]);
    refused(b"ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nNN)tR.", &["os.system"]);
}

#[test]
fn a_name_in_the_optimiser_does_not_excuse_the_same_elsewhere() {
    let evil = || Py::Raw(b"cos\nsystem\nX\x01\x00\x00\x00a\x85R".to_vec());
    let state =
        |value| Py::Dict(vec![(Py::Text("state"), value), (Py::Text("param_groups"), Py::List(vec![]))]);
    assert!(read(&Pickle::of(&state(evil())).bytes).is_ok());
    let both = Py::Tuple(vec![state(evil()), evil()]);
    let error = read(&Pickle::of(&both).bytes).unwrap_err().to_string();
    assert!(error.contains("os.system"), "{error}");
    assert!(read(&Pickle::of(&Py::Dict(vec![(Py::Text("state"), evil())])).bytes).is_err());
}

#[test]
fn what_is_damaged_is_told() {
    refused(b"", &["are left"]);
    refused(b"\x80\x06.", &["protocol 6"]);
    refused(b".", &["damaged"]);
    refused(b"K\x01(.", &["damaged"]);
    refused(b"t.", &["mark"]);
    refused(b"0.", &["damaged"]);
    refused(b"h\x05.", &["memo slot 5"]);
    refused(b"g-1\n.", &["memo slot"]);
    refused(b"Ix\n.", &["'x' is no whole number"]);
    refused(b"\xff.", &["instruction 0xff"]);
    refused(b"K\x01K\x02a.", &["neither list nor dictionary"]);
    refused(b"X\xff\xff\xff\xffabc", &["4294967295 bytes are wanted and 3 are left"]);
    refused(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc", &["are left"]);
    refused(b"\x8b\xff\xff\xff\x7fabc", &["are left"]);
    // A frame that is longer than everything is only a hint.
    assert!(read(b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fK\x01.").is_ok());
}

#[test]
fn nesting_and_circles_end() {
    let mut deep = vec![b'('; 1_000_000];
    deep.extend(vec![b't'; 1_000_000]);
    deep.push(b'.');
    refused(&deep, &["deep"]);
    let mut deep = vec![b']'; 500_000];
    deep.extend(vec![b'a'; 499_999]);
    deep.push(b'.');
    refused(&deep, &["deep"]);
    refused(b"]q\x00h\x00a.", &["holds itself"]);
    refused(b"}q\x00X\x01\x00\x00\x00ah\x00s.", &["holds itself"]);
    let mut rebuilt = b"ctorch._tensor\n_rebuild_from_type_v2\nq\x00".to_vec();
    rebuilt.extend(b"(h\x00NNtR.");
    refused(&rebuilt, &["of itself"]);
}

#[test]
fn memos_that_multiply_stay_small() {
    // Ten lists, each ten times the one before: shared, so that it is small as a value too.
    let mut laughs = b"]q\x00".to_vec();
    for level in 0..50_u8 {
        laughs.extend([b']', b'q', level + 1, b'(']);
        laughs.extend([b'h', level].repeat(10));
        laughs.push(b'e');
    }
    laughs.push(b'.');
    let checkpoint = read(&laughs).unwrap();
    let start = Instant::now();
    assert!(checkpoint.value().tensors().is_empty());
    assert!(checkpoint.tensor("x").is_err());
    assert!(start.elapsed() < Duration::from_secs(1));
    // The same text made into bytes again and again.
    let mut copies = b"c_codecs\nencode\nq\x00X\x40\x42\x0f\x00".to_vec();
    copies.extend(vec![b'a'; 1_000_000]);
    copies.extend(b"X\x06\x00\x00\x00latin1\x86q\x01");
    copies.extend(b"h\x00h\x01R".repeat(1000));
    copies.push(b'.');
    refused(&copies, &["over and over"]);
    // A list of many made into a dictionary again and again.
    let mut copies = b"ccollections\nOrderedDict\nq\x00]q\x01(".to_vec();
    copies.extend(b"K\x01K\x02\x86".repeat(100_000));
    copies.extend(b"e\x85q\x02");
    copies.extend(b"h\x00h\x02R".repeat(1000));
    copies.push(b'.');
    refused(&copies, &["over and over"]);
    let mut many = b"(".to_vec();
    many.extend(b"]".repeat(3_000_000));
    many.extend(b"t.");
    refused(&many, &["parts"]);
}

fn tensor(shape: &[i64], strides: &[i64], offset: i64, elements: i64) -> Py {
    Py::Tensor(Tensor {
        class: "FloatStorage",
        shape: shape.to_vec(),
        view: Some((strides.to_vec(), offset)),
        elements,
        bytes: vec![0; 96],
    })
}

#[test]
fn absurd_tensors_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evil.pkl");
    let huge = i64::MAX;
    let cases = [
        (tensor(&[24], &[-1], 23, 24), "natural"),
        (tensor(&[24], &[1], -1, 24), "natural"),
        (tensor(&[-24], &[1], 0, 24), "natural"),
        (tensor(&[25], &[1], 0, 24), "storage of 24"),
        (tensor(&[12, 2], &[2, 2], 1, 24), "storage of 24"),
        (tensor(&[huge, huge], &[1, 1], 0, 24), "storage of 24"),
        (tensor(&[2, 2], &[huge, huge], 0, 24), "storage of 24"),
        (tensor(&[1 << 40], &[0], 0, 24), "storage of 24"),
        (tensor(&[24], &[1], 0, 25), "cut or damaged"),
        (tensor(&[1 << 40], &[1], 0, 1 << 40), "cut or damaged"),
        (tensor(&[0], &[1], 0, huge), "cut or damaged"),
        (tensor(&[1; 40], &[1; 40], 0, 24), "40 dimensions"),
        (tensor(&[2, 2], &[1], 0, 24), "2 dimensions and 1 strides"),
    ];
    for (object, word) in cases {
        save(&path, &object);
        let error = torch::open(&path).expect_err("refused").to_string();
        assert!(error.contains(word) && error.contains("evil.pkl"), "{word}: {error}");
    }
    // Overlapping within the storage reads no more than the storage has.
    save(&path, &tensor(&[4, 3], &[1, 1], 0, 24));
    assert_eq!(torch::open(&path).unwrap().value().tensor().unwrap().count(), 12);
    let mut pickle = Pickle::of(&tensor(&[24], &[1], 0, 24));
    pickle.storages.clear();
    write(&path, &pickle, CompressionMethod::Stored, None);
    let error = torch::open(&path).expect_err("refused").to_string();
    assert!(error.contains("not in the file"), "{error}");
    let other = Tensor { class: "QInt8Storage", shape: vec![1], view: None, elements: 1, bytes: vec![0] };
    save(&path, &Py::Tensor(other));
    let error = torch::open(&path).expect_err("refused").to_string();
    assert!(error.contains("torch.QInt8Storage"), "{error}");
}

#[test]
fn what_unpacks_to_a_thousandfold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.pth");
    let elements = 8 << 20;
    let zeros =
        Tensor { class: "ByteStorage", shape: vec![elements], view: None, elements, bytes: vec![0; 8 << 20] };
    write(&path, &Pickle::of(&Py::Tensor(zeros)), CompressionMethod::Deflated, None);
    let error = torch::open(&path).expect_err("refused").to_string();
    assert!(error.contains("exceeds the limit") && error.contains("data/0"), "{error}");
}

#[test]
fn checkpoints_survive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.pth");
    let values: Vec<f32> = (0..60_u8).map(f32::from).collect();
    let object = Py::Tuple(vec![
        Py::Dict(vec![
            (Py::Text("xyz"), Py::Parameter(floats(&[20, 3], &values))),
            (Py::Text("scale"), Py::Tensor(floats(&[60], &values))),
            (Py::Text("radius"), Py::Numpy(1.5)),
        ]),
        Py::Int(30_000),
    ]);
    save(&path, &object);
    attack(&path, &path, Cut::Fails, &|path| {
        let checkpoint = torch::open(path)?;
        checkpoint.read::<f64>(checkpoint.tensor("scale")?)?;
        Ok(checkpoint.read::<f32>(checkpoint.tensor("0.xyz")?)?.len() / 3)
    });
}
