//! The importers against a writer of the tests' own and against numbers worked out by hand.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod ply_sheet;

use std::path::{Path, PathBuf};

use ply_sheet::{Column, ENCODINGS, Noise, Table, bytes, gaussians, write};
use vivant_convert::{Axes, Imported, Options, Stored, ply};

/// The file's own axes, so that numbers can be compared as they stand.
fn as_is() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

fn import_all(folder: &Path, encoding: &str, tables: &[Table], options: &Options) -> Imported {
    let path = folder.join(format!("{encoding}.ply"));
    write(&path, encoding, tables);
    ply::read(&path, options).unwrap()
}

fn import(folder: &Path, encoding: &str, table: &Table, options: &Options) -> Imported {
    import_all(folder, encoding, std::slice::from_ref(table), options)
}

fn near(a: f32, b: f64, tolerance: f64) -> bool {
    (f64::from(a) - b).abs() <= tolerance
}

#[test]
fn one_splat_worked_out_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = Table::new("vertex", 1);
    for (name, value) in
        [("x", 1.0), ("y", 2.0), ("z", 3.0), ("f_dc_0", 1.0), ("f_dc_1", -2.0), ("f_dc_2", 0.0)]
    {
        table = table.with("float", name, &[value]);
    }
    for number in 0..9 {
        table = table.with("float", &format!("f_rest_{number}"), &[f64::from(number)]);
    }
    for (name, value) in [("opacity", 1.5), ("scale_0", -4.0), ("scale_1", -5.0), ("scale_2", 0.0)] {
        table = table.with("float", name, &[value]);
    }
    for (name, value) in [("rot_0", 2.0), ("rot_1", 4.0), ("rot_2", -4.0), ("rot_3", 0.0)] {
        table = table.with("float", name, &[value]);
    }
    for encoding in ENCODINGS {
        let Imported { splats, report, .. } = import(folder.path(), encoding, &table, &as_is());
        let splat = splats.get(0);
        assert_eq!(splat.mean, [1.0, 2.0, 3.0]);
        // sigmoid(1.5); e^-4, e^-5, e^0; 0.5 + 0.28209479·f_dc
        assert!(near(splat.opacity, 0.817_574_476_193_643_7, 1e-7), "{}", splat.opacity);
        for (scale, wanted) in
            splat.scale.into_iter().zip([0.018_315_638_888_734_18, 0.006_737_946_999_085_467, 1.0])
        {
            assert!(near(scale, wanted, 1e-8), "{scale} {wanted}");
        }
        for (channel, wanted) in
            splat.colour.into_iter().zip([0.782_094_791_773_878_1, -0.064_189_583_547_756_3, 0.5])
        {
            assert!(near(channel, wanted, 1e-7), "{channel} {wanted}");
        }
        // (w, x, y, z) = (2, 4, −4, 0) has length 6.
        for (part, wanted) in splat.rotation.into_iter().zip([2.0 / 3.0, -2.0 / 3.0, 0.0, 1.0 / 3.0]) {
            assert!(near(part, wanted, 1e-7), "{part} {wanted}");
        }
        // Channel-major 0..8 becomes, coefficient by coefficient, red 0 1 2, green 3 4 5, blue 6 7 8.
        assert_eq!(splats.sh_rest_of(0), [0.0, 3.0, 6.0, 1.0, 4.0, 7.0, 2.0, 5.0, 8.0]);
        assert_eq!(
            (report.files, report.read, report.dropped(), report.notes.len()),
            (1, 1, 0, 0),
            "{report}"
        );
        assert!(splats.life.is_empty() && splats.motion.is_empty());
    }
}

#[test]
fn encoding_order_and_type_make_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    for degree in 0..=3 {
        let table = gaussians(97, degree, 7);
        let wanted = import(folder.path(), ENCODINGS[0], &table, &as_is()).splats;
        assert_eq!(usize::from(wanted.sh_degree), degree);
        let mut shuffled = table;
        let mut noise = Noise(3);
        for place in (1..shuffled.columns.len()).rev() {
            let other = ((noise.next() * 0.5 + 0.5) * place as f64) as usize;
            shuffled.columns.swap(place, other);
        }
        for (number, column) in shuffled.columns.iter_mut().enumerate() {
            if let Column::Number(kind, ..) = column {
                *kind = ["float", "double", "float32", "float64"][number % 4];
            }
        }
        for encoding in ENCODINGS {
            let splats = import(folder.path(), encoding, &shuffled, &as_is()).splats;
            assert_eq!(splats, wanted, "{encoding} degree {degree}");
        }
    }
}

#[test]
fn every_scalar_type_is_read_in_both_byte_orders() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("char", -100.0),
        ("int8", 100.0),
        ("uchar", 200.0),
        ("uint8", 255.0),
        ("short", -30_000.0),
        ("int16", 300.0),
        ("ushort", 60_000.0),
        ("uint16", 258.0),
        ("int", -70_000.0),
        ("int32", 66_000.0),
        ("uint", 70_000.0),
        ("uint32", 1.0),
        ("float", -0.25),
        ("double", 0.125),
    ];
    for (kind, value) in cases {
        let table = Table::new("vertex", 2).with(kind, "x", &[value, 0.0]).with(kind, "y", &[1.0, value]);
        let table = table.with(kind, "z", &[0.0, 1.0]);
        for encoding in ENCODINGS {
            let splats = import(folder.path(), encoding, &table, &as_is()).splats;
            assert_eq!(
                splats.mean,
                [[value as f32, 1.0, 0.0], [0.0, value as f32, 1.0]],
                "{kind} {encoding}"
            );
        }
    }
}

#[test]
fn what_is_missing_has_a_default() {
    let folder = tempfile::tempdir().unwrap();
    let bare = Table::new("vertex", 1).with_each("float", &["x", "y", "z"], |_, _| 1.0);
    let scaled = |names: &[&str]| bare.clone().with_each("float", names, |_, number| -3.0 - number as f64);
    let read = |table: Table| import(folder.path(), ENCODINGS[0], &table, &as_is()).splats.get(0);
    let splat = read(scaled(&["scale_0", "scale_1", "scale_2"]));
    assert_eq!((splat.opacity, splat.rotation, splat.colour), (1.0, [0.0, 0.0, 0.0, 1.0], [0.5; 3]));
    assert!(near(splat.scale[2], (-5.0_f64).exp(), 1e-9));
    let ball = read(scaled(&["scale_0"]));
    assert!(ball.scale.iter().all(|&scale| near(scale, (-3.0_f64).exp(), 1e-8)));
    let disc = read(scaled(&["scale_0", "scale_1"]));
    assert!(near(disc.scale[2], (-4.0_f64).exp() * 0.01, 1e-8), "{:?}", disc.scale);
}

#[test]
fn colours_come_from_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let base = Table::new("vertex", 2).with_each("float", &["x", "y", "z"], |row, _| row as f64).with_each(
        "float",
        &["scale_0", "scale_1", "scale_2"],
        |_, _| -3.0,
    );
    let cases: [(&'static str, [&str; 3], f64, f64); 6] = [
        ("uchar", ["red", "green", "blue"], 255.0, 1.0),
        ("uchar", ["r", "g", "b"], 51.0, 0.2),
        ("ushort", ["red", "green", "blue"], 65_535.0, 1.0),
        ("float", ["red", "green", "blue"], 0.5, 0.5),
        ("float", ["r", "g", "b"], 51.0, 0.2),
        ("int", ["diffuse_red", "diffuse_green", "diffuse_blue"], 102.0, 0.4),
    ];
    for (kind, names, stored, wanted) in cases {
        let table = base.clone().with_each(kind, &names, |row, _| if row == 0 { stored } else { 0.0 });
        for encoding in ENCODINGS {
            let Imported { splats, .. } = import(folder.path(), encoding, &table, &as_is());
            assert!(splats.colour[0].iter().all(|&channel| near(channel, wanted, 1e-6)), "{kind} {names:?}");
            assert_eq!(splats.colour[1], [0.0; 3]);
        }
    }
    let both = base.with_each("float", &["f_dc_0", "f_dc_1", "f_dc_2"], |_, _| 0.0);
    let both = both.with_each("uchar", &["red", "green", "blue"], |_, _| 255.0);
    let Imported { splats, report, .. } = import(folder.path(), ENCODINGS[0], &both, &as_is());
    assert_eq!(splats.colour[0], [0.5; 3], "trained colours come first");
    assert_eq!(report.notes, ["properties not used: red green blue"]);
}

#[test]
fn other_elements_and_lists_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let table = gaussians(50, 1, 5);
    let wanted = import(folder.path(), ENCODINGS[0], &table, &as_is()).splats;
    let camera = Table::new("camera", 2).with("double", "fx", &[1.0, 2.0]).with("char", "id", &[0.0, 1.0]);
    let lists = (0..7).map(|row| vec![1.0; row % 4]).collect();
    let faces = Table::new("face", 7)
        .with_list("uchar", "int", "vertex_indices", lists)
        .with("short", "f", &[1.0; 7]);
    let mut listed = table.clone();
    let touching = (0..50).map(|row| vec![2.0; row % 3]).collect();
    listed.columns.insert(5, Column::List("ushort", "double", "touching".to_owned(), touching));
    for encoding in ENCODINGS {
        for vertex in [&table, &listed] {
            let tables = [camera.clone(), faces.clone(), vertex.clone(), faces.clone()];
            // The element's name may stand only once.
            let tables = [&tables[..3], &[Table { name: "edge", ..tables[3].clone() }]].concat();
            let splats = import_all(folder.path(), encoding, &tables, &as_is()).splats;
            assert_eq!(splats, wanted, "{encoding}");
        }
    }
}

#[test]
fn line_ends_of_windows_are_line_ends() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in ENCODINGS {
        let table = gaussians(5, 0, 5);
        let wanted = import(folder.path(), encoding, &table, &as_is()).splats;
        let file = bytes(encoding, &[table]);
        let end = file.windows(11).position(|window| window == b"end_header\n").unwrap() + 11;
        let header = String::from_utf8(file[..end].to_vec()).unwrap().replace('\n', "\r\n");
        let body = if encoding == "ascii" {
            String::from_utf8(file[end..].to_vec()).unwrap().trim_end().replace('\n', "\r\n").into_bytes()
        } else {
            file[end..].to_vec()
        };
        let path = folder.path().join("windows.ply");
        std::fs::write(&path, [header.as_bytes(), &body].concat()).unwrap();
        assert_eq!(ply::read(&path, &as_is()).unwrap().splats, wanted, "{encoding}");
    }
}

#[test]
fn large_files_cross_every_block_and_window() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 150_000;
    let table = Table::new("vertex", rows)
        .with_each("double", &["x", "y", "z"], |row, axis| (row * 3 + axis) as f64)
        .with_each("float", &["scale_0", "scale_1", "scale_2"], |row, _| -((row % 7) as f64) - 1.0)
        .with_each("double", &["f_dc_0", "f_dc_1", "f_dc_2"], |row, _| row as f64 / 1e5)
        .with_each("double", &["padding_a", "padding_b", "padding_c"], |_, _| 0.1);
    for encoding in ENCODINGS {
        let splats = import(folder.path(), encoding, &table, &as_is()).splats;
        assert_eq!(splats.len(), rows);
        for row in [0, 1, 8191, 8192, 65_535, 65_536, 87_381, rows - 1] {
            assert_eq!(
                splats.mean[row],
                [row * 3, row * 3 + 1, row * 3 + 2].map(|v| v as f32),
                "{encoding} {row}"
            );
            assert!(near(splats.scale[row][1], (-((row % 7) as f64) - 1.0).exp(), 1e-7));
        }
    }
}

#[test]
fn activated_values_are_recognised_and_the_user_can_overrule() {
    let folder = tempfile::tempdir().unwrap();
    let base = Table::new("vertex", 3).with_each("float", &["x", "y", "z"], |row, _| row as f64);
    let with = |opacity: [f64; 3], scale: f64| {
        let scaled = base.clone().with_each("float", &["scale_0", "scale_1", "scale_2"], move |_, _| scale);
        scaled.with("float", "opacity", &opacity)
    };
    let read = |table: Table, options: Options| import(folder.path(), ENCODINGS[0], &table, &options);
    // Each attribute on its own.
    let Imported { splats, report, .. } = read(with([0.0, 0.5, 1.0], -2.0), as_is());
    assert_eq!(splats.opacity, [0.0, 0.5, 1.0]);
    assert!(near(splats.scale[0][0], (-2.0_f64).exp(), 1e-8));
    assert_eq!(report.notes.len(), 1, "{report}");
    let Imported { splats, report, .. } = read(with([-1.0, 0.5, 1.0], 0.25), as_is());
    assert!(near(splats.opacity[1], 0.622_459_331_201_854_6, 1e-7));
    assert_eq!(splats.scale[0], [0.25; 3]);
    assert_eq!(report.notes.len(), 1, "{report}");
    // One value outside decides for the whole file; all zeros would be invisible, so they are logits.
    assert!(near(
        read(with([0.2, 0.5, 1.01], -2.0), as_is()).splats.opacity[1],
        0.622_459_331_201_854_6,
        1e-7
    ));
    assert_eq!(read(with([0.0; 3], -2.0), as_is()).splats.opacity, [0.5; 3]);
    // Overruled.
    let raw = Options { opacity: Stored::Raw, scale: Stored::Raw, ..as_is() };
    let splats = read(with([0.0, 0.5, 1.0], 0.25), raw).splats;
    assert!(
        near(splats.opacity[1], 0.622_459_331_201_854_6, 1e-7)
            && near(splats.scale[0][0], 0.25_f64.exp(), 1e-6)
    );
    let activated = Options { opacity: Stored::Activated, scale: Stored::Activated, ..as_is() };
    assert_eq!(read(with([0.2, 0.5, 3.0], 0.25), activated).splats.opacity, [0.2, 0.5, 1.0]);
}

#[test]
fn splats_that_cannot_be_drawn_are_dropped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in ENCODINGS {
        let mut table = gaussians(20, 1, 11);
        let mut set = |name: &str, row: usize, value: f64| {
            let column = table.columns.iter_mut().find(|column| column.name() == name).unwrap();
            let Column::Number(_, _, values) = column else { unreachable!() };
            values[row] = value;
        };
        set("x", 3, f64::NAN);
        set("f_rest_8", 5, f64::INFINITY);
        set("scale_1", 6, f64::INFINITY);
        set("y", 7, 1e9);
        set("rot_2", 9, f64::NAN);
        for part in 0..4 {
            set(&format!("rot_{part}"), 8, 0.0);
        }
        // These mean something: opaque, invisible, flat.
        set("opacity", 10, f64::INFINITY);
        set("opacity", 11, f64::NEG_INFINITY);
        set("scale_2", 12, f64::NEG_INFINITY);
        let Imported { splats, report, .. } = import(folder.path(), encoding, &table, &as_is());
        assert_eq!((report.not_finite, report.absurd, report.no_rotation), (4, 1, 1), "{report}");
        assert_eq!((splats.len(), report.read, report.thin), (14, 20, 1));
        let first = report.first_dropped.unwrap();
        assert_eq!(first.index, 3);
        assert!(first.file.ends_with(&format!("{encoding}.ply")));
        assert_eq!((splats.opacity[4], splats.opacity[5]), (1.0, 0.0));
        assert!(splats.scale[6][2] > 0.0 && splats.scale[6][2] < 1e-7);
    }
}

#[test]
fn what_we_write_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("back.ply");
    for degree in 0..=3 {
        let splats =
            import(folder.path(), ENCODINGS[0], &gaussians(40, degree, 3), &Options::default()).splats;
        for axes in ["rdf", "rub", "ruf", "fur"].map(|code| code.parse::<Axes>().unwrap()) {
            ply::write_splats(&path, &splats, axes).unwrap();
            let back = ply::read(&path, &Options { axes: Some(axes), ..Options::default() }).unwrap().splats;
            assert_eq!(back.mean, splats.mean);
            assert_eq!(back.sh_degree, splats.sh_degree);
            for index in 0..splats.len() {
                let (a, b) = (splats.get(index), back.get(index));
                assert!((a.opacity - b.opacity).abs() < 1e-5);
                assert!((0..3).all(|c| (a.colour[c] - b.colour[c]).abs() < 1e-6));
                assert!((0..3).all(|c| (a.scale[c] / b.scale[c] - 1.0).abs() < 1e-5));
                let dot: f32 = a.rotation.iter().zip(b.rotation).map(|(a, b)| a * b).sum();
                assert!(dot.abs() > 0.999_999);
                let pairs = splats.sh_rest_of(index).iter().zip(back.sh_rest_of(index));
                assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5));
            }
        }
    }
    ply::write_points(&path, &[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &[[255, 0, 51], [0, 0, 0]]).unwrap();
    let points = ply::read(&path, &as_is()).unwrap().splats;
    assert_eq!(points.mean, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert!(near(points.colour[0][2], 0.2, 1e-7) && near(points.colour[0][0], 1.0, 1e-7));
    assert!(ply::write_points(&path, &[[1.0; 3]], &[]).is_err());
}

/// A file of the shared content; `None` where there is none, said aloud, unless it is required.
fn content(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIVANT_CONTENT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/content"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var("VIVANT_REQUIRE").is_ok_and(|required| required.contains("content"));
    assert!(!required, "{} is required but absent", path.display());
    eprintln!("SKIP: {} is absent", path.display());
    None
}

#[test]
fn real_scenes_import() {
    for (name, count) in [("static/train-1000.ply", 1000), ("static/fruit-drops.ply", 4721)] {
        let Some(path) = content(name) else { continue };
        let Imported { splats, report, .. } = ply::read(&path, &Options::default()).unwrap();
        assert_eq!(
            (splats.len(), report.read, report.dropped(), splats.sh_degree),
            (count, count as u64, 0, 3)
        );
        let median = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            values[values.len() / 2]
        };
        let scale = median(splats.scale.iter().map(|scale| scale[0]).collect());
        assert!((1e-4..0.5).contains(&scale), "{name}: {scale}");
        assert!((0.01..1.0).contains(&median(splats.opacity.clone())), "{name}");
        assert!((0.05..0.95).contains(&median(splats.colour.iter().map(|c| c[1]).collect())), "{name}");
        let extra = if name.contains("fruit") { 1 } else { 0 };
        assert_eq!(report.notes.len(), extra, "{report}");
    }
}
