//! Files that are truncated, empty, wrong, hostile or full of NaN, each with the line a user gets for it.
//!
//! Every case goes through the built program: one line on standard error, exit code 2, no output file, under a second
//! and under 200 MB whatever the file claims.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

#[path = "bad_files/lines.rs"]
mod lines;
mod ply_sheet;
mod vivant_binary;

use std::path::Path;
use std::time::Duration;

use lines::LINES;
use ply_sheet::{ENCODINGS, Table, bytes, gaussians};

const LITTLE: &str = ENCODINGS[0];
const ASCII: &str = ENCODINGS[2];

/// A header, and a body of `zeros` zero bytes.
fn made(header: &str, zeros: usize) -> Vec<u8> {
    let mut file = header.as_bytes().to_vec();
    file.resize(file.len() + zeros, 0);
    file
}

/// A binary header of vertices with these property lines.
fn vertices(count: &str, properties: &str) -> String {
    format!("ply\nformat {LITTLE} 1.0\nelement vertex {count}\n{properties}end_header\n")
}

const XYZ: &str = "property float x\nproperty float y\nproperty float z\n";

fn scaled() -> String {
    format!("{XYZ}property float scale_0\nproperty float scale_1\nproperty float scale_2\n")
}

fn cut(file: Vec<u8>, length: usize) -> Vec<u8> {
    file[..length].to_vec()
}

/// The scene of `rows` splats with every number of `column` replaced.
fn spoilt(encoding: &str, column: &[&str], value: f64) -> Vec<u8> {
    let mut table = gaussians(5, 0, 1);
    for slot in &mut table.columns {
        if column.contains(&slot.name())
            && let ply_sheet::Column::Number(_, _, values) = slot
        {
            values.fill(value);
        }
    }
    bytes(encoding, &[table])
}

fn replaced(file: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let at = file.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
}

fn points(count: usize) -> Table {
    Table::new("vertex", count).with_each("float", &["x", "y", "z"], |row, axis| (row + axis) as f64)
}

fn faces(list_type: &'static str, lists: Vec<Vec<f64>>) -> Table {
    Table::new("face", lists.len()).with_list(list_type, "int", "vertex_indices", lists)
}

/// A bad file: its name, as in [`LINES`], and its bytes.
type Case = (&'static str, Vec<u8>);

fn not_a_ply() -> Vec<Case> {
    vec![
        ("empty.ply", Vec::new()),
        ("zip.ply", b"PK\x03\x04\x14\x00\x00\x00\x08\x00".to_vec()),
        ("gzip.ply", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
        ("gltf.ply", b"glTF\x02\x00\x00\x00".to_vec()),
        ("json.ply", b"{\"asset\": {}}\n".to_vec()),
        ("page.ply", b"<!DOCTYPE html>\n<html>404</html>\n".to_vec()),
        ("clip.ply", b"\x89VVT1\r\n\x1a\n".to_vec()),
        ("noise.ply", (0..=255).cycle().skip(128).take(100_000).collect()),
        ("no_line.ply", vec![b'p'; 1 << 20]),
    ]
}

fn headers() -> Vec<Case> {
    let long = format!("ply\nformat ascii 1.0\ncomment {}\nend_header\n", "x".repeat(20_000));
    let endless = format!("ply\n{}", "comment again and again\n".repeat(20_000));
    let crowded = format!("ply\nformat ascii 1.0\n{}end_header\n", {
        (0..65).map(|number| format!("element e{number} 0\n")).collect::<String>()
    });
    let wide: String = (0..1025).map(|number| format!("property float p{number}\n")).collect();
    vec![
        ("cut_in_header.ply", cut(bytes(LITTLE, &[gaussians(5, 3, 1)]), 300)),
        ("no_format.ply", made("ply\nelement vertex 0\nend_header\n", 0)),
        ("odd_format.ply", made("ply\nformat binary_middle_endian 1.0\nend_header\n", 0)),
        ("no_vertex.ply", bytes(LITTLE, &[faces("uchar", vec![vec![0.0; 3]])])),
        ("negative_count.ply", made(&vertices("-1", XYZ), 12)),
        ("count_beyond_u64.ply", made(&vertices("99999999999999999999", XYZ), 12)),
        ("no_count.ply", made(&vertices("", XYZ), 12)),
        ("odd_type.ply", made(&vertices("1", "property quad x\n"), 12)),
        ("odd_list.ply", made(&vertices("1", "property list float int x\n"), 12)),
        ("nameless.ply", made(&vertices("1", "property float\n"), 12)),
        ("twice.ply", made(&vertices("1", &format!("{XYZ}property float x\n")), 16)),
        ("two_vertices.ply", made(&vertices("1", &format!("{XYZ}element vertex 1\n{XYZ}")), 24)),
        ("orphan.ply", made("ply\nformat ascii 1.0\nproperty float x\nend_header\n", 0)),
        ("odd_word.ply", made("ply\nformat ascii 1.0\nvertices 12\nend_header\n", 0)),
        ("binary_header.ply", b"ply\nformat ascii 1.0\nelement \xff\xfe 3\nend_header\n".to_vec()),
        ("long_line.ply", long.into_bytes()),
        ("endless_header.ply", endless.into_bytes()),
        ("many_elements.ply", crowded.into_bytes()),
        ("many_properties.ply", made(&vertices("1", &wide), 5000)),
    ]
}

fn layouts() -> Vec<Case> {
    let packed = "element chunk 1\nproperty float min_x\n";
    let packed = format!("{packed}element vertex 1\nproperty uint packed_position\n");
    let with = |lines: &str, zeros| made(&vertices("1", &format!("{}{lines}", scaled())), zeros);
    let rest =
        |count| (0..count).map(|number| format!("property float f_rest_{number}\n")).collect::<String>();
    vec![
        ("no_z.ply", made(&vertices("1", "property float x\nproperty float y\n"), 8)),
        ("x_is_a_list.ply", made(&vertices("1", "property list uchar float x\n"), 8)),
        ("half_a_rotation.ply", with("property float rot_0\nproperty float rot_1\n", 40)),
        ("gap_in_rotation.ply", with("property float rot_0\nproperty float rot_3\n", 40)),
        (
            "no_scale_1.ply",
            made(&vertices("1", &format!("{XYZ}property float scale_0\nproperty float scale_2\n")), 40),
        ),
        ("two_colours.ply", with("property float f_dc_0\nproperty float f_dc_1\n", 40)),
        ("ten_harmonics.ply", with(&rest(10), 80)),
        ("gap_in_harmonics.ply", with(&rest(9).replace("f_rest_4\n", "f_rest_9\n"), 80)),
        ("packed.ply", made(&format!("ply\nformat {LITTLE} 1.0\n{packed}end_header\n"), 8)),
        ("no_splats.ply", made(&vertices("0", XYZ), 0)),
    ]
}

fn bodies() -> Vec<Case> {
    let whole = bytes(LITTLE, &[gaussians(100, 3, 1)]);
    let short = cut(whole.clone(), whole.len() - 1);
    let half = cut(whole.clone(), whole.len() / 2);
    let text = bytes(ASCII, &[points(3)]);
    let list = bytes(LITTLE, &[faces("uint", vec![vec![]]), points(2)]);
    let header_end = list.windows(11).position(|window| window == b"end_header\n").unwrap() + 11;
    let mut hostile_list = list.clone();
    hostile_list[header_end..header_end + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let negative_list = bytes(LITTLE, &[faces("char", vec![vec![]]), points(2)]);
    let at = negative_list.windows(11).position(|window| window == b"end_header\n").unwrap() + 11;
    let negative_list = [&negative_list[..at], &[0xff], &negative_list[at + 1..]].concat();
    let listed =
        |count: &str| format!("element junk {count}\nproperty list uchar uchar a\nelement vertex 1\n{XYZ}");
    let ascii_line =
        format!("{}element vertex 2\n{XYZ}end_header\n{}", "ply\nformat ascii 1.0\n", "1".repeat(9 << 20));
    vec![
        ("short_by_one.ply", short),
        ("half.ply", half),
        ("claims_billions.ply", made(&vertices("4000000000", &scaled()), 1000)),
        ("claims_u64.ply", made(&vertices("18446744073709551615", &scaled()), 1000)),
        (
            "junk_claims.ply",
            made(
                &vertices("0", XYZ)
                    .replace("element vertex 0\n", &listed("9000000000"))
                    .replace(&format!("{XYZ}{XYZ}"), XYZ),
                500,
            ),
        ),
        ("text_claims.ply", replaced(text.clone(), "vertex 3", "vertex 300000000")),
        ("text_one_short.ply", replaced(text.clone(), "vertex 3", "vertex 4")),
        ("text_word.ply", replaced(text.clone(), "1.0 2.0 3.0", "1.0 two 3.0")),
        ("text_few.ply", replaced(text.clone(), "1.0 2.0 3.0", "1.0 2.0 ")),
        ("text_many.ply", replaced(text.clone(), "1.0 2.0 3.0", "1.0 2.0 3.0 4.0")),
        ("text_blank.ply", replaced(text.clone(), "1.0 2.0 3.0 ", "")),
        ("text_binary.ply", {
            let mut file = text.clone();
            file.truncate(file.len() - 30);
            file.extend([0xff; 40]);
            file
        }),
        ("text_one_line.ply", ascii_line.into_bytes()),
        ("list_beyond_end.ply", hostile_list),
        ("list_negative.ply", negative_list),
    ]
}

fn values() -> Vec<Case> {
    vec![
        ("all_nan.ply", spoilt(LITTLE, &["x"], f64::NAN)),
        ("all_infinite.ply", spoilt(LITTLE, &["f_dc_1"], f64::INFINITY)),
        ("all_far.ply", spoilt(ASCII, &["y"], 1e30)),
        ("all_huge.ply", spoilt(LITTLE, &["scale_2"], 80.0)),
        ("no_rotations.ply", spoilt(LITTLE, &["rot_0", "rot_1", "rot_2", "rot_3"], 0.0)),
        (
            "zeros.ply",
            made(
                &vertices(
                    "1000",
                    &format!(
                        "{}property float rot_0\nproperty float rot_1\nproperty float rot_2\nproperty float rot_3\n",
                        scaled()
                    ),
                ),
                40_000,
            ),
        ),
    ]
}

/// Runs `vivant convert` on one file and holds everything against the promise; returns the line.
fn said_of(folder: &Path, name: &str) -> String {
    let vivant_binary::Measured { output, took, peak } =
        vivant_binary::run_measured(folder, &["convert", name, "-o", "out.vvt"]);
    let said = vivant_binary::stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{name}: {said}");
    assert!(output.stdout.is_empty(), "{name}");
    assert_eq!(said.lines().count(), 1, "{name}: {said}");
    assert!(took < Duration::from_secs(1), "{name}: took {took:?}");
    assert!(peak < 200 << 20, "{name}: took {peak} bytes");
    assert!(!folder.join("out.vvt").exists(), "{name}: an output was left");
    said.trim_end().to_owned()
}

#[test]
fn every_bad_file_gets_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [not_a_ply(), headers(), layouts(), bodies(), values()].concat();
    assert!(cases.len() >= 30);
    assert_eq!(cases.len(), LINES.len());
    let mut wrong = Vec::new();
    for ((name, file), (listed, wanted)) in cases.into_iter().zip(LINES) {
        assert_eq!(name, *listed);
        let path = folder.path().join(name);
        std::fs::write(&path, file).unwrap();
        let said = said_of(folder.path(), name);
        let wanted = format!("error: {name}: {wanted}");
        if said != wanted {
            wrong.push(format!("said   {said}\nwanted {wanted}"));
        }
        std::fs::remove_file(path).unwrap();
    }
    assert!(wrong.is_empty(), "{} wrong lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_file_of_more_splats_than_may_be_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let header = vertices("70000000", "property uchar x\nproperty uchar y\nproperty uchar z\n");
    let path = folder.path().join("vast.ply");
    std::fs::write(&path, &header).unwrap();
    // All there, on a file system that keeps holes as holes.
    let length = header.len() as u64 + 210_000_000;
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
    assert_eq!(
        said_of(folder.path(), "vast.ply"),
        "error: vast.ply: element vertex: splats in one file: 70000000 exceeds the limit of 67108864"
    );
}

#[test]
fn a_bad_frame_of_a_sequence_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("take")).unwrap();
    for number in 0..12 {
        let file = bytes(LITTLE, &[gaussians(30, 1, number)]);
        let file = if number == 10 { cut(file, 2000) } else { file };
        std::fs::write(folder.path().join(format!("take/{number}.ply")), file).unwrap();
    }
    let said = said_of(folder.path(), "take");
    assert!(said.starts_with("error: take/10.ply: element vertex at byte "), "{said}");
    // Damage that only reading finds: the output must not appear for the frames before it.
    std::fs::write(folder.path().join("take/10.ply"), spoilt(LITTLE, &["z"], f64::NAN)).unwrap();
    let said = said_of(folder.path(), "take");
    assert!(said.starts_with("error: take/10.ply: element vertex at byte "), "{said}");
    assert!(said.contains("splat 0, mean: not finite"), "{said}");
}

#[test]
fn the_memory_of_a_run_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let header = vertices("1000000", "property uchar x\nproperty uchar y\nproperty uchar z\n");
    std::fs::write(folder.path().join("large.ply"), made(&header, 3_000_000)).unwrap();
    let measured = vivant_binary::run_measured(folder.path(), &["convert", "large.ply", "-o", "out.vvt"]);
    assert_eq!(measured.output.status.code(), Some(0), "{}", vivant_binary::stderr(&measured.output));
    // A million splats without harmonics are 56 MB.
    if cfg!(target_os = "linux") {
        assert!(measured.peak > 50 << 20, "the measure misses memory: {}", measured.peak);
    }
}

#[test]
fn random_damage_is_an_error_or_a_scene_and_never_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.ply");
    let lists = vec![vec![0.0, 1.0, 2.0]; 4];
    let mut noise = ply_sheet::Noise(77);
    let mut pick = |below: usize| ((noise.next() * 0.5 + 0.5) * below as f64) as usize;
    let (mut errors, mut scenes) = (0, 0);
    for encoding in ENCODINGS {
        let whole = bytes(encoding, &[faces("uchar", lists.clone()), gaussians(20, 1, 1)]);
        let header = whole.windows(11).position(|window| window == b"end_header\n").unwrap();
        for round in 0..500 {
            let mut file = whole.clone();
            // Most of the damage goes where it does most.
            for _ in 0..=pick(4) {
                let at = if round % 3 == 0 { pick(file.len()) } else { pick(header) };
                file[at] = if round % 2 == 0 { b"0123456789 \n-eflx"[pick(17)] } else { pick(256) as u8 };
            }
            if round % 5 == 0 {
                file.truncate(pick(file.len()));
            }
            std::fs::write(&path, file).unwrap();
            match vivant_convert::ply::read(&path, &vivant_convert::Options::default()) {
                Ok(imported) => {
                    scenes += 1;
                    let means = imported.splats.mean.as_flattened();
                    assert!(means.iter().all(|value| value.is_finite()));
                }
                Err(error) => {
                    errors += 1;
                    let line = error.to_string();
                    assert!(line.contains("damaged.ply") && line.lines().count() == 1, "{line}");
                }
            }
        }
    }
    assert!(
        errors > 300 && scenes > 100,
        "{errors} errors, {scenes} scenes: the damage is not of the right kind"
    );
}
