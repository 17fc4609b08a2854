//! NumPy archives: every type, order and version that is read, what is refused, and damage.

use std::path::{Path, PathBuf};
use std::time::Instant;

use half::f16;
use vivant_convert::npz::{Kind, Npz, Number};
use vivant_tests::require::content;
use vivant_tests::typist;

use crate::numpy::{Npy, save, save_raw, with_header};

fn saved(folder: &Path, arrays: &[(&str, Npy)], deflated: bool) -> Npz {
    let path = folder.join(format!("deflated-{deflated}.npz"));
    save(&path, arrays, deflated);
    Npz::open(&path).unwrap()
}

fn ramp(count: usize) -> Vec<f32> {
    (0..count).map(|at| at as f32 * 0.5 - 3.0).collect()
}

/// The bytes of each value in either order.
macro_rules! bytes {
    ($values:expr, $big:expr) => {
        $values.iter().flat_map(|v| if $big { v.to_be_bytes() } else { v.to_le_bytes() }).collect::<Vec<u8>>()
    };
}

fn check<T: Number + PartialEq + std::fmt::Debug>(npz: &Npz, name: &str, wanted: &[T]) {
    let array = npz.array(name).unwrap();
    assert_eq!(array.read::<T>().unwrap(), wanted, "{name}");
    let each = array.count() / array.shape()[0];
    for (first, count) in [(0, 1), (1, 2), (2, 0), (0, 3)] {
        assert_eq!(
            array.read_rows::<T>(first, count).unwrap(),
            wanted[first * each..(first + count) * each],
            "{name} {first} {count}"
        );
    }
}

#[test]
fn every_type_in_both_byte_orders_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let whole = [0_i64, 1, -2, 127, -128, 100];
    for (big, order) in [(false, '<'), (true, '>')] {
        let array = |descr: String, data: Vec<u8>| Npy::new(&descr, &[3, 2], data);
        let floats = [0.5_f64, -2.0, 65504.0, 1e-3, f64::INFINITY, -0.25];
        let halves = floats.map(f16::from_f64);
        let singles = floats.map(|value| value as f32);
        let arrays = [
            ("f2", array(format!("{order}f2"), bytes!(halves, big))),
            ("f4", array(format!("{order}f4"), bytes!(singles, big))),
            ("f8", array(format!("{order}f8"), bytes!(floats, big))),
            ("i1", array("|i1".to_owned(), bytes!(whole.map(|v| v as i8), big))),
            ("i2", array(format!("{order}i2"), bytes!(whole.map(|v| v as i16 * 200), big))),
            ("i4", array(format!("{order}i4"), bytes!(whole.map(|v| v as i32 * 70_000), big))),
            ("i8", array(format!("{order}i8"), bytes!(whole.map(|v| v << 40), big))),
            ("u1", array("|u1".to_owned(), vec![0, 1, 2, 200, 255, 7])),
            ("u2", array(format!("{order}u2"), bytes!([0_u16, 1, 2, 65535, 4, 5], big))),
            ("u4", array(format!("{order}u4"), bytes!([0_u32, 1, 2, u32::MAX, 4, 5], big))),
            ("u8", array(format!("{order}u8"), bytes!([0_u64, 1, 2, 1 << 62, 4, 5], big))),
            ("b1", array("|b1".to_owned(), vec![0, 1, 1, 0, 2, 0])),
        ];
        for deflated in [false, true] {
            let npz = saved(folder.path(), &arrays, deflated);
            assert_eq!(npz.names().collect::<Vec<_>>(), arrays.each_ref().map(|(name, _)| *name));
            check::<f32>(&npz, "f2", &halves.map(f16::to_f32));
            check::<f32>(&npz, "f4", &singles);
            check::<f64>(&npz, "f8", &floats);
            check::<f32>(&npz, "f8", &singles);
            check::<i64>(&npz, "i1", &whole);
            check::<i64>(&npz, "i2", &whole.map(|v| v * 200));
            check::<i64>(&npz, "i4", &whole.map(|v| v * 70_000));
            check::<i64>(&npz, "i8", &whole.map(|v| v << 40));
            check::<u8>(&npz, "u1", &[0, 1, 2, 200, 255, 7]);
            check::<f32>(&npz, "u1", &[0.0, 1.0, 2.0, 200.0, 255.0, 7.0]);
            check::<i64>(&npz, "u2", &[0, 1, 2, 65535, 4, 5]);
            check::<i64>(&npz, "u4", &[0, 1, 2, 0xFFFF_FFFF, 4, 5]);
            check::<i64>(&npz, "u8", &[0, 1, 2, 1 << 62, 4, 5]);
            check::<u8>(&npz, "b1", &[0, 1, 1, 0, 1, 0]);
            assert!(npz.array("f4").unwrap().is_seekable() != deflated);
            let fraction = npz.array("f4").unwrap().read::<i64>().unwrap_err().to_string();
            assert!(fraction.contains("whole numbers"), "{fraction}");
            let wide = npz.array("u2").unwrap().read::<u8>().unwrap_err().to_string();
            assert!(wide.contains("out of the range"), "{wide}");
        }
    }
}

#[test]
fn fortran_order_is_turned_and_versions_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let shape = [3, 4, 5];
    let values = ramp(60);
    // Index (i, j, k) lies at i + 3·(j + 4·k).
    let mut turned = vec![0.0; 60];
    for i in 0..3 {
        for j in 0..4 {
            for k in 0..5 {
                turned[i + 3 * (j + 4 * k)] = values[(i * 4 + j) * 5 + k];
            }
        }
    }
    let plain = Npy::f32(&shape, &values);
    let fortran = Npy { fortran: true, ..Npy::f32(&shape, &turned) };
    let arrays = [
        ("plain", plain.clone()),
        ("fortran", fortran),
        ("two", Npy { version: 2, ..plain.clone() }),
        ("three", Npy { version: 3, ..plain }),
    ];
    for deflated in [false, true] {
        let npz = saved(folder.path(), &arrays, deflated);
        for (name, _) in &arrays {
            check::<f32>(&npz, name, &values);
        }
        let array = npz.array("fortran").unwrap();
        assert!(!array.is_seekable());
        assert_eq!(array.expect_shape(&[Some(3), None, Some(5)]).unwrap(), shape);
        let wrong = array.expect_shape(&[None, None]).unwrap_err().to_string();
        assert!(wrong.contains("[3, 4, 5] where [any, any] belongs"), "{wrong}");
    }
}

#[test]
fn a_single_array_and_a_single_number_are_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.npy");
    std::fs::write(&path, Npy::f32(&[], &[4.5]).bytes()).unwrap();
    let npz = Npz::open(&path).unwrap();
    let array = npz.array("array").unwrap();
    assert_eq!((array.shape(), array.read::<f64>().unwrap()), (&[][..], vec![4.5]));
    assert!(array.read_rows::<f32>(0, 1).unwrap_err().to_string().contains("there are not 1"));
    let empty = saved(folder.path(), &[("empty", Npy::f32(&[0, 3], &[]))], true);
    assert!(empty.array("empty").unwrap().read::<f32>().unwrap().is_empty());
}

#[test]
fn what_is_not_numbers_is_refused_by_name_and_pickles_are_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let pickle = b"\x80\x03]q\x00(K\x01K\x02e.".to_vec();
    let others = [
        ("record", "[('x', '<f4'), ('y', [('z', '<i2', (3,))])]"),
        ("text", "<U7"),
        ("bytes", "|S7"),
        ("complex", "<c8"),
        ("date", "<M8[ns]"),
        ("long", "<f16"),
    ];
    let mut arrays: Vec<(&str, Npy)> =
        others.iter().map(|(name, descr)| (*name, Npy::new(descr, &[2], vec![0; 32]))).collect();
    arrays.push(("object", Npy::new("|O", &[2], pickle.clone())));
    arrays.push(("fine", Npy::f32(&[2], &[1.0, 2.0])));
    for deflated in [false, true] {
        let npz = saved(folder.path(), &arrays, deflated);
        for (name, descr) in others {
            let error = npz.array(name).unwrap_err().to_string();
            assert!(error.contains(&descr[..3]) && error.contains("numeric array"), "{error}");
        }
        let object = npz.array("object").unwrap();
        assert_eq!(object.dtype().kind, Kind::Object);
        assert_eq!(object.pickle().unwrap(), pickle);
        let error = object.read::<f32>().unwrap_err().to_string();
        assert!(error.contains("Python objects"), "{error}");
        assert!(npz.array("fine").unwrap().pickle().is_err());
        // One array that cannot be read does not keep the others from being read.
        assert_eq!(npz.array("fine").unwrap().read::<f32>().unwrap(), [1.0, 2.0]);
        let absent = npz.array("means3D").unwrap_err().to_string();
        assert!(absent.contains("no array of that name") && absent.contains("fine"), "{absent}");
    }
}

#[test]
fn headers_are_read_by_their_grammar() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let read = |version: u8, text: &str| {
        std::fs::write(&path, with_header(version, text, &[0; 24])).unwrap();
        Npz::open(&path).unwrap().array("array").map(|array| array.shape().to_vec())
    };
    for text in [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
        "{\"shape\":(3L,2L),\"fortran_order\":True,\"descr\":\"<f4\"}",
        "  { 'descr' : '|u1' , 'fortran_order' : False , 'shape' : ( 3 , 8 , ) , }  ",
    ] {
        assert!(read(1, text).is_ok(), "{text}");
    }
    for (text, wanted) in [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }", "does not make 24 bytes"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'more': 1}", "unknown key 'more'"),
        ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", "a second time"),
        ("{'descr': '<f4', 'fortran_order': False}", "no 'shape'"),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}", "neither True nor False"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}", "no length of an axis"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2*3,)}", "no ')'"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} + {}", "more text"),
        ("{'descr': __import__('os'), 'fortran_order': False, 'shape': (6,)}", "no '''"),
        ("{'descr': 'f4', 'fortran_order': False, 'shape': (6,)}", "byte order is not said"),
        ("{'descr': '<f4\\'', 'fortran_order': False, 'shape': (6,)}", "a text without an end"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "no length of an axis",
        ),
        (
            "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904, 0)}",
            "does not make",
        ),
    ] {
        let error = read(1, text).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("a.npy"), "{text}\n{error}");
    }
    let error = read(4, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}").unwrap_err().to_string();
    assert!(error.contains("version 4"), "{error}");
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    std::fs::write(&path, long).unwrap();
    let error = Npz::open(&path).unwrap().array("array").unwrap_err().to_string();
    assert!(error.contains("a header of 4294967295 bytes"), "{error}");
}

/// Opens a file and reads whatever of it can be read; what it found.
fn read_all(path: &Path) -> vivant::Result<Vec<Vec<f32>>> {
    let npz = Npz::open(path)?;
    let names: Vec<String> = npz.names().map(str::to_owned).collect();
    names.iter().map(|name| npz.array(name)?.read::<f32>()).collect()
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let values = ramp(3000);
    let arrays = [("a", Npy::f32(&[1000, 3], &values)), ("b", Npy::f32(&[3, 1000], &values))];
    for deflated in [false, true] {
        let path = folder.path().join("whole.npz");
        save(&path, &arrays, deflated);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(read_all(&path).unwrap(), [values.clone(), values.clone()]);
        let path = folder.path().join("damaged.npz");
        for cut in (0..100).map(|part| whole.len() * part / 100) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(read_all(&path).is_err(), "cut at {cut}");
        }
        let mut random = vivant_tests::random::Random::new(7);
        for _ in 0..1000 {
            let mut bytes = whole.clone();
            let bit = random.below(bytes.len() as u32 * 8) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            // A flipped bit in a name or a date changes no value; no other may pass.
            if let Ok(read) = read_all(&path) {
                assert!(read.iter().all(|read| *read == values), "bit {bit} passed");
            }
        }
    }
}

#[test]
fn bombs_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.npz");
    // Ten gigabytes of promise over a kilobyte of zeros.
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2500000000,), }";
    let small = with_header(1, text, &[0; 1024]);
    save_raw(&path, &[("a.npy".to_owned(), small)], true);
    let begun = Instant::now();
    let error = read_all(&path).unwrap_err().to_string();
    assert!(error.contains("does not make"), "{error}");
    // The same with a directory that agrees with the promise: deflate cannot pack so much.
    let mut bytes = std::fs::read(&path).unwrap();
    let promise = 10_000_000_000_u64 + 128;
    let directory = bytes.windows(4).rposition(|at| at == b"PK\x01\x02").unwrap();
    let extra = bytes[directory..].windows(4).position(|at| at == [1, 0, 16, 0]);
    if let Some(extra) = extra {
        bytes[directory + extra + 4..][..8].copy_from_slice(&promise.to_le_bytes());
    } else {
        bytes[directory + 24..][..4].copy_from_slice(&u32::MAX.to_le_bytes()[..]);
    }
    std::fs::write(&path, bytes).unwrap();
    let error = read_all(&path).unwrap_err().to_string();
    assert!(error.contains("which cannot be"), "{error}");
    assert!(begun.elapsed().as_secs() < 5);
}

#[test]
fn the_typist_is_read_as_his_own_reader_reads_him() {
    let Some(archive) = content().map(|content| content.join("typist/points.npz")) else { return };
    let npz = Npz::open(&archive).unwrap();
    let (places, colours) = typist::frame(&archive, 5);
    let xyz = npz.array("xyz005").unwrap();
    assert_eq!(xyz.shape(), [places.len(), 3]);
    assert_eq!(xyz.read::<f32>().unwrap(), places.as_flattened());
    assert_eq!(npz.array("rgb005").unwrap().read::<u8>().unwrap(), colours.as_flattened());
    assert_eq!(xyz.read_rows::<f32>(100, 7).unwrap(), places[100..107].as_flattened());
}

/// Where NumPy itself is at hand, its own files are read.
#[test]
fn numpy_itself_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let script = "
import sys, numpy as np
a = np.arange(24, dtype='>f8').reshape(2, 3, 4) / 7
arrays = dict(c=a, f=np.asfortranarray(a), h=a.astype('<f2'), b=a > 1, s=np.float32(3.5), o=np.array([{'k': 1}], dtype=object))
np.savez(sys.argv[1] + '/stored.npz', **arrays)
np.savez_compressed(sys.argv[1] + '/deflated.npz', **arrays)
";
    let python = std::env::var_os("VIVANT_PYTHON").unwrap_or_else(|| "python3".into());
    let ran = std::process::Command::new(python).arg("-c").arg(script).arg(folder.path()).output();
    if !ran.is_ok_and(|output| output.status.success()) {
        vivant_tests::require::skip("numpy", "no python3 with numpy (VIVANT_PYTHON names another)");
        return;
    }
    let wanted: Vec<f64> = (0..24).map(|at| f64::from(at) / 7.0).collect();
    for name in ["stored.npz", "deflated.npz"] {
        let path: PathBuf = folder.path().join(name);
        let npz = Npz::open(&path).unwrap();
        assert_eq!(npz.array("c").unwrap().read::<f64>().unwrap(), wanted);
        assert_eq!(npz.array("f").unwrap().read::<f64>().unwrap(), wanted);
        assert_eq!(npz.array("f").unwrap().read_rows::<f64>(1, 1).unwrap(), wanted[12..]);
        let halves: Vec<f32> = wanted.iter().map(|value| f16::from_f64(*value).to_f32()).collect();
        assert_eq!(npz.array("h").unwrap().read::<f32>().unwrap(), halves);
        let above: Vec<u8> = wanted.iter().map(|value| u8::from(*value > 1.0)).collect();
        assert_eq!(npz.array("b").unwrap().read::<u8>().unwrap(), above);
        assert_eq!(npz.array("s").unwrap().read::<f32>().unwrap(), [3.5]);
        assert_eq!(npz.array("o").unwrap().pickle().unwrap().first(), Some(&0x80));
    }
}
