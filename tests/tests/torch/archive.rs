//! Checkpoints of the writer, read back: every kind of value, every type of element, views, other archives.

use vivant_convert::torch::{self, Dtype, Value};
use zip::CompressionMethod;

use crate::writer::{Pickle, Py, Tensor, floats, save, write};

fn optimiser() -> Py {
    let moment = || Py::Tensor(floats(&[2], &[1.0, 2.0]));
    let state = Py::Dict(vec![(Py::Text("step"), Py::Int(3)), (Py::Text("exp_avg"), moment())]);
    // A name without meaning stands here, as schedulers and closures do.
    let closure = Py::Raw(b"cfunctools\npartial\n)R".to_vec());
    let group = Py::Dict(vec![(Py::Text("lr"), Py::Float(0.1)), (Py::Text("closure"), closure)]);
    Py::Dict(vec![
        (Py::Text("state"), Py::Dict(vec![(Py::Int(0), state)])),
        (Py::Text("param_groups"), Py::List(vec![group])),
    ])
}

#[test]
fn every_kind_of_value_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.pth");
    let numbers: Vec<f32> = (0..6_u8).map(f32::from).collect();
    let object = Py::Tuple(vec![
        Py::Tuple(vec![
            Py::Int(3),
            Py::Parameter(floats(&[2, 3], &numbers)),
            Py::Float(0.1),
            optimiser(),
            Py::Numpy(-4.25),
            Py::Bool(true),
            Py::None,
            Py::Text("übrig"),
        ]),
        Py::Int(-70_000),
        Py::Int(30_000),
        Py::Int(1 << 40),
        Py::Ordered(vec![
            (Py::Text("a.weight"), Py::Tensor(floats(&[1], &[7.0]))),
            (Py::Text("list"), Py::List(vec![Py::Int(1), Py::Int(2)])),
            (Py::Text("optimizers"), Py::Raw(b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R".to_vec())),
        ]),
    ]);
    save(&path, &object);
    let checkpoint = torch::open(&path).unwrap();
    let captured = checkpoint.value().at(0).unwrap();
    assert_eq!(captured.at(0).unwrap().int(), Some(3));
    assert_eq!(captured.at(2).unwrap().float(), Some(0.1));
    assert_eq!(captured.at(3), Some(&Value::Skipped));
    assert_eq!(captured.at(4), Some(&Value::Float(-4.25)));
    assert_eq!(captured.at(5), Some(&Value::Bool(true)));
    assert_eq!(captured.at(6), Some(&Value::None));
    assert_eq!(captured.at(7).unwrap().text(), Some("übrig"));
    let ints: Vec<_> = checkpoint.value().list()[1..4].iter().map(Value::int).collect();
    assert_eq!(ints, [Some(-70_000), Some(30_000), Some(1 << 40)]);
    let ordered = checkpoint.value().at(4).unwrap();
    assert_eq!(ordered.get("list").unwrap().at(1).unwrap().int(), Some(2));
    assert_eq!(ordered.get("optimizers"), Some(&Value::Skipped));
    assert_eq!(ordered.get("nothing"), None);
    let tensor = checkpoint.tensor("0.1").unwrap();
    assert_eq!((tensor.shape(), tensor.dtype()), (&[2, 3][..], Dtype::F32));
    assert_eq!(checkpoint.read::<f32>(tensor).unwrap(), numbers);
    assert_eq!(checkpoint.read::<f64>(checkpoint.tensor("a.weight").unwrap()).unwrap(), [7.0]);
    let names: Vec<String> = checkpoint.value().tensors().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["0.1", "4.a.weight"]);
    let error = checkpoint.tensor("missing").unwrap_err().to_string();
    assert!(error.contains("0 tensors") && error.contains("4.a.weight"), "{error}");
    let error = checkpoint.read::<i64>(tensor).unwrap_err().to_string();
    assert!(error.contains("whole numbers"), "{error}");
}

#[test]
fn every_type_and_order_and_packing_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("types.pt");
    let cases: [(&'static str, Vec<u8>, [f64; 2]); 10] = [
        ("HalfStorage", vec![0, 0x3c, 0, 0xc0], [1.0, -2.0]),
        ("BFloat16Storage", vec![0x80, 0x3f, 0x20, 0xc1], [1.0, -10.0]),
        ("FloatStorage", [0.5_f32, -0.25].iter().flat_map(|v| v.to_le_bytes()).collect(), [0.5, -0.25]),
        ("DoubleStorage", [0.1_f64, -7.0].iter().flat_map(|v| v.to_le_bytes()).collect(), [0.1, -7.0]),
        ("CharStorage", vec![0xfe, 3], [-2.0, 3.0]),
        ("ByteStorage", vec![0xfe, 3], [254.0, 3.0]),
        ("BoolStorage", vec![1, 0], [1.0, 0.0]),
        ("ShortStorage", vec![0xff, 0xff, 0, 1], [-1.0, 256.0]),
        ("IntStorage", vec![0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff], [65536.0, -1.0]),
        (
            "LongStorage",
            [1_i64 << 40, -3].iter().flat_map(|v| v.to_le_bytes()).collect(),
            [1_099_511_627_776.0, -3.0],
        ),
    ];
    for (big, method) in [
        (false, CompressionMethod::Stored),
        (true, CompressionMethod::Stored),
        (false, CompressionMethod::Deflated),
    ] {
        let tensors = cases.iter().map(|(class, bytes, _)| {
            let mut bytes = bytes.clone();
            if big {
                let size = bytes.len() / 2;
                bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            }
            Py::Tensor(Tensor { class, shape: vec![2], view: None, elements: 2, bytes })
        });
        let pickle = Pickle::of(&Py::List(tensors.collect()));
        write(&path, &pickle, method, Some(if big { "big" } else { "little" }));
        let checkpoint = torch::open(&path).unwrap();
        for (index, (class, _, wanted)) in cases.iter().enumerate() {
            let tensor = checkpoint.value().at(index).unwrap().tensor().unwrap();
            assert_eq!(checkpoint.read::<f64>(tensor).unwrap(), wanted, "{class}");
        }
    }
    let long = Tensor {
        class: "LongStorage",
        shape: vec![1],
        view: None,
        elements: 1,
        bytes: (-3_i64).to_le_bytes().into(),
    };
    write(&path, &Pickle::of(&Py::Tensor(long)), CompressionMethod::Stored, None);
    let checkpoint = torch::open(&path).unwrap();
    assert_eq!(checkpoint.read::<i64>(checkpoint.value().tensor().unwrap()).unwrap(), [-3]);
}

#[test]
fn views_are_gathered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("views.pt");
    let numbers: Vec<f32> = (0..200_000_u32).map(|value| value as f32).collect();
    let mut tensor = floats(&[200_000], &numbers);
    tensor.shape = vec![3, 2];
    tensor.view = Some((vec![1, 50_000], 100_000));
    save(&path, &Py::Tensor(tensor.clone()));
    let checkpoint = torch::open(&path).unwrap();
    let view = checkpoint.value().tensor().unwrap();
    let wanted = [100_000.0, 150_000.0, 100_001.0, 150_001.0, 100_002.0, 150_002.0];
    assert_eq!(checkpoint.read::<f32>(view).unwrap(), wanted);
    tensor.shape = vec![100_000];
    tensor.view = Some((vec![1], 99_999));
    save(&path, &Py::Tensor(tensor));
    let checkpoint = torch::open(&path).unwrap();
    let part = checkpoint.read::<f32>(checkpoint.value().tensor().unwrap()).unwrap();
    assert_eq!(part, numbers[99_999..199_999]);
}

#[test]
fn a_damaged_record_is_told_by_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.pt");
    save(&path, &Py::Tensor(floats(&[2], &[1.5, 2.5])));
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|window| window == 1.5_f32.to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let checkpoint = torch::open(&path).unwrap();
    let error = checkpoint.read::<f32>(checkpoint.value().tensor().unwrap()).unwrap_err().to_string();
    assert!(error.contains("bad.pt") && error.contains("data/0") && error.contains("damaged"), "{error}");
}

/// What numpy puts into an `.npz` for a state dictionary: an array of one object, its tensors' storages as files of the
/// old format within.
#[test]
fn pickles_that_stand_alone_hold_their_storages() {
    let mut old = vec![0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
    old.extend(b"\x80\x02M\xe9\x03.");
    old.extend(b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03u.");
    old.extend(b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x03\x00\x00\x00abcX\x03\x00\x00\x00cpuK\x03NtQ.");
    old.extend(b"\x80\x02]X\x03\x00\x00\x00abca.");
    old.extend(3_u64.to_le_bytes());
    old.extend([1.0_f32, 2.0, 3.0].iter().flat_map(|value| value.to_le_bytes()));
    let pickle = |old: &[u8]| {
        let mut bytes =
            b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R".to_vec();
        bytes.extend(b"(K\x01)cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb");
        bytes.extend(
            b"\x89]ccollections\nOrderedDict\n)RX\x05\x00\x00\x00embedctorch._utils\n_rebuild_tensor_v2\n(",
        );
        bytes.extend(b"ctorch.storage\n_load_from_bytes\nB");
        bytes.extend(u32::try_from(old.len()).unwrap().to_le_bytes());
        bytes.extend(old);
        bytes.extend(b"\x85RK\x01K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRsatb.");
        torch::pickle("codebook.npz", &bytes, 1000)
    };
    let checkpoint = pickle(&old).unwrap();
    let embed = checkpoint.tensor("embed").unwrap();
    assert_eq!(checkpoint.read::<f32>(embed).unwrap(), [2.0, 3.0]);
    let length = old.len();
    let error = pickle(&old[..length - 1]).unwrap_err().to_string();
    assert!(error.contains("codebook.npz"), "{error}");
    let mut other = old.clone();
    other[length - 20] = 4;
    assert!(pickle(&other).is_err());
}

#[test]
fn old_checkpoints_and_other_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.pth");
    std::fs::write(&path, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.")
        .unwrap();
    let error = torch::open(&path).unwrap_err().to_string();
    assert!(error.contains("old.pth") && error.contains("torch.save"), "{error}");
    std::fs::write(&path, b"ply\n").unwrap();
    let error = torch::open(&path).unwrap_err().to_string();
    assert!(error.contains("old.pth") && error.contains("checkpoint"), "{error}");
    let error = torch::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("ordinary file"), "{error}");
}
