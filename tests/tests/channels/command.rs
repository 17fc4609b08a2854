//! Channels as a user meets them: kept by `convert`, listed by `info`, told by `pick`.

use super::ply_sheet::{ENCODINGS, Table, write};
use super::vivant_binary::{run, stderr, stdout};

/// A wall of splats in front of the view, the left half of it another part than the right.
fn wall() -> Table {
    let place = |row: usize| [(row % 30) as f64 * 0.02 - 0.3, (row / 30) as f64 * 0.02 - 0.3, 0.0];
    let table = Table::new("vertex", 900)
        .with_each("float", &["x", "y", "z"], |row, axis| place(row)[axis])
        .with_each("float", &["f_dc_0", "f_dc_1", "f_dc_2"], |_, _| 1.0)
        .with_each("float", &["opacity"], |_, _| 4.0)
        .with_each("float", &["scale_0", "scale_1", "scale_2"], |_, _| -4.4)
        .with_each(
            "float",
            &["rot_0", "rot_1", "rot_2", "rot_3"],
            |_, part| if part == 0 { 1.0 } else { 0.0 },
        );
    let parts: Vec<f64> = (0..900).map(|row| if place(row)[0] < 0.0 { 3.0 } else { 5.0 }).collect();
    let heights: Vec<f64> = (0..900).map(|row| place(row)[1]).collect();
    table.with("int", "part", &parts).with("float", "height", &heights)
}

#[test]
fn convert_info_and_pick_tell_of_channels() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(&here.join("wall.ply"), ENCODINGS[0], &[wall()]);
    let output = run(here, &["convert", "wall.ply", "-o", "wall.vvt", "--axes", "rub"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("channels kept: part (label) height (number)"), "{}", stdout(&output));
    let told = stdout(&run(here, &["info", "wall.vvt"]));
    assert!(told.contains("channel   part (label): 2 different, 3 to 5, of 900 splats: 3 5"), "{told}");
    assert!(told.contains("channel   height (number): -0.3"), "{told}");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&run(here, &["info", "wall.vvt", "--json"]))).unwrap();
    assert_eq!(json["channels"][0]["labels"], serde_json::json!([[3, 450], [5, 450]]));
    assert_eq!(json["channels"][1]["kind"], "number");
    for (pixel, label) in [("80,128", 3), ("176,128", 5)] {
        let picked = run(here, &["pick", "wall.vvt", "--pixel", pixel, "--size", "256x256", "--json"]);
        assert_eq!(picked.status.code(), Some(0), "{}", stderr(&picked));
        let picked: serde_json::Value = serde_json::from_str(&stdout(&picked)).unwrap();
        assert_eq!(picked["channels"]["part"]["label"], label, "{picked}");
        let (height, y) =
            (picked["channels"]["height"]["number"].as_f64().unwrap(), picked["position"][1].as_f64());
        assert!((height - y.unwrap()).abs() < 1e-4, "{picked}");
    }
    let text = stdout(&run(here, &["pick", "wall.vvt", "--pixel", "80,128", "--size", "256x256"]));
    assert!(text.contains("\npart: 3") && text.contains("position"), "{text}");
    assert_eq!(
        stdout(&run(here, &["pick", "wall.vvt", "--pixel", "5,64", "--size", "512x128"])),
        "nothing is there\n"
    );
    let beyond = run(here, &["pick", "wall.vvt", "--pixel", "256,0", "--size", "256x256"]);
    assert_eq!(beyond.status.code(), Some(2));
    // Left out when asked for.
    let output = run(here, &["convert", "wall.ply", "-o", "bare.vvt", "--channels", "none"]);
    assert!(stdout(&output).contains("properties not used: part height"), "{}", stdout(&output));
    assert!(!stdout(&run(here, &["info", "bare.vvt"])).contains("channel "));
}

#[test]
fn render_shows_and_tints_by_label() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(&here.join("wall.ply"), ENCODINGS[0], &[wall()]);
    let image = |arguments: &[&str]| {
        let all = [
            &["render", "wall.ply", "-o", "out.png", "--axes", "rub", "--mono", "--size", "64x64"],
            arguments,
        ]
        .concat();
        let output = run(here, &all);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        vivant::picture::load_png(here.join("out.png")).unwrap()
    };
    // The left half is part 3. Left of the middle, right of it: red, green, blue, alpha.
    let sides = |arguments: &[&str]| {
        let image = image(arguments);
        [20, 44].map(|column| image.pixels[32 * 64 + column])
    };
    let [left, right] = sides(&["--reference", "--show", "part=3", "--tint", "part=3:#ff0000"]);
    assert!(left[0] > 0.9 * left[3] && left[1] < 0.05 && left[3] > 0.8, "{left:?}");
    assert!(right[3] < 0.01, "{right:?}");
    let [left, right] = sides(&["--reference", "--tint", "part=5:#0000ff"]);
    assert!((left[0] - left[2]).abs() < 0.02 && right[2] > 0.8 && right[0] < 0.05, "{left:?} {right:?}");
    if vivant_tests::gpu::open(&vivant::gpu::GpuOptions::default()).is_some() {
        let [left, right] = sides(&["--show", "part=3", "--tint", "part=3:#ff0000"]);
        assert!(
            left[0] > 0.9 * left[3] && left[1] < 0.05 && left[3] > 0.8 && right[3] < 0.01,
            "{left:?} {right:?}"
        );
    }
    let refused = |arguments: &[&str]| {
        let all = [&["render", "wall.ply", "-o", "out.png", "--reference"], arguments].concat();
        let output = run(here, &all);
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(refused(&["--show", "material=3"]).contains("there is: part"));
    assert!(refused(&["--show", "height=3"]).contains("carry no label"));
    assert!(refused(&["--show", "part=3", "--tint", "height=1:#ffffff"]).contains("one channel at a time"));
}
