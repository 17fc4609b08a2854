//! `.dgs`: blocks as DualGS's exporter writes them, with what its eight-bit count does to long ones.

use std::path::{Path, PathBuf};

use vivant::clip::Profile;
use vivant::splat::Splats;
use vivant_convert::Fps;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::assert_shows;
use vivant_tests::random::Random;

use crate::numpy::save_raw;
use crate::scene::{self, assert_near, clip, limb_frames, moments, open, ours, performance};

/// Entries of each codebook.
const ENTRIES: usize = 37;
const FLOATS: [usize; 4] = [3, 9, 15, 21];

/// What a file holds, as frames.
struct Written {
    manifest: PathBuf,
    frames: Vec<Splats>,
}

fn le(words: impl IntoIterator<Item = i32>) -> Vec<u8> {
    words.into_iter().flat_map(i32::to_le_bytes).collect()
}

/// Geometry as the exporter writes it, line by line.
fn geometry(splats: &Splats) -> Vec<u8> {
    let mut out = format!("ply\nformat binary_little_endian 1.0\nelement vertex {}\n", splats.len());
    for name in "x y z rot_0 rot_1 rot_2 rot_3 scale_0 scale_1 scale_2 opacity".split(' ') {
        out += &format!("property float {name}\n");
    }
    let mut out = (out + "end_header\n").into_bytes();
    for row in 0..splats.len() {
        let [x, y, z, w] = splats.rotation[row];
        let values = [&splats.mean[row][..], &[w, x, y, z], &splats.scale[row], &[splats.opacity[row]]];
        out.extend(values.concat().iter().flat_map(|value| value.to_le_bytes()));
    }
    out
}

/// Writes `frames` frames of `splats` splats in blocks; colours change in about `changes` of a hundred splats a frame.
fn written(folder: &Path, splats: usize, frames: usize, block_size: usize, changes: u32) -> Written {
    let mut random = Random::new(11);
    let mut all = limb_frames(splats, frames, 3);
    let data = folder.join("Data");
    std::fs::create_dir_all(&data).unwrap();
    for (number, block) in all.chunks_mut(block_size).enumerate() {
        let books: Vec<Vec<f32>> = FLOATS
            .iter()
            .map(|each| (0..ENTRIES * each).map(|_| random.range(-0.5, 0.5)).collect())
            .collect();
        let mut entries: Vec<[i32; 4]> =
            (0..splats).map(|_| [(); 4].map(|()| random.below(ENTRIES as u32) as i32)).collect();
        let canonical = le(entries.iter().flatten().copied());
        let (mut heads, mut lists) = (Vec::new(), Vec::new());
        let count = block.len() - 1;
        // The exporter counts from here, in eight bits.
        let mut end = i32::from((count as u8).wrapping_mul(4));
        for (local, frame) in block.iter_mut().enumerate() {
            for book in (0..4).filter(|_| local > 0) {
                for splat in 0..splats {
                    if random.below(100) < changes {
                        let entry = random.below(ENTRIES as u32) as i32;
                        entries[splat][book] = entry;
                        lists.extend([splat as i32, entry]);
                        end += 2;
                    }
                }
                heads.push(end);
            }
            for (row, own) in entries.iter().enumerate() {
                let value = |book: usize| &books[book][own[book] as usize * FLOATS[book]..][..FLOATS[book]];
                frame.colour[row] = [0, 1, 2].map(|c| 0.5 + 0.282_094_8 * value(0)[c]);
                let rest = [value(1), value(2), value(3)].concat();
                frame.sh_rest[row * 45..(row + 1) * 45].copy_from_slice(&rest);
            }
        }
        assert_eq!(heads.len(), 4 * count);
        let mut files: Vec<(String, Vec<u8>)> = block
            .iter()
            .enumerate()
            .map(|(j, frame)| (format!("point_cloud_{j}.ply"), geometry(frame)))
            .collect();
        for (name, book) in ["rgb", "sh_1", "sh_2", "sh_3"].iter().zip(books) {
            let bytes = book.iter().flat_map(|value| value.to_le_bytes()).collect();
            files.push((format!("codebook_{name}.bytes"), bytes));
        }
        files.push(("canonical_index.bytes".to_owned(), canonical));
        files.push(("index.bytes".to_owned(), le(heads.into_iter().chain(lists))));
        save_raw(&data.join(format!("Block{number}.dgsblk")), &files, true);
    }
    let manifest = folder.join("Bass.dgs");
    let text = format!(
        "{{\n  \"version\": \"1.1\",\n  \"fps\": 25,\n  \"frame_count\": {frames},\n  \"block_size\": {block_size},\n  \
         \"data_path\": \"Data\",\n  \"ply_offset\": 7\n}}"
    );
    std::fs::write(&manifest, text).unwrap();
    Written { manifest, frames: all }
}

#[test]
fn frames_are_read_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let written = written(folder.path(), 400, 20, 8, 12);
    for path in [written.manifest.as_path(), folder.path()] {
        let foreign = open(path, &ours()).unwrap();
        assert_eq!((foreign.format().name, foreign.frames()), ("dgs", 20));
        assert_eq!((foreign.info().fps, foreign.info().sh_degree), ((25, 1), 3));
        let sequence = foreign.sequence().unwrap();
        assert!(sequence.keeps_identity().unwrap());
        // Back and forth, over blocks, into the short one at the end.
        for index in [19, 3, 16, 7, 8, 0, 15, 2, 17, 1] {
            let found = sequence.read_frame(index).unwrap();
            assert_eq!((found.splats.len(), &found.ids), (400, &None));
            assert_near(&found.splats, &written.frames[index], 2e-6);
        }
        let other = sequence.read_frame(5).unwrap().splats;
        assert!(scene::apart(&other.sh_rest, &written.frames[6].sh_rest) > 1e-2, "another frame differs");
        assert!(sequence.read_frame(20).is_err());
    }
    let options = vivant_convert::Options { fps: Fps::new(60, 1).unwrap(), ..ours() };
    assert_eq!(open(&written.manifest, &options).unwrap().info().fps, (60, 1), "the user's rate comes first");
}

#[test]
fn long_blocks_whose_count_ran_over_are_read() {
    let folder = tempfile::tempdir().unwrap();
    // 70 frames: the exporter's count of 276 became 20. And a last block of one frame, without any list.
    let written = written(folder.path(), 60, 71, 70, 10);
    for index in [70, 69, 40, 0] {
        let found = &open(&written.manifest, &ours()).unwrap();
        let found = found.sequence().unwrap().read_frame(index).unwrap();
        assert_near(&found.splats, &written.frames[index], 2e-6);
    }
}

#[test]
fn it_shows_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let written = written(folder.path(), 1500, 10, 4, 5);
    let options = vivant_convert::Options { fps: Fps::new(30, 1).unwrap(), ..ours() };
    // 30 is the default, so the file's own rate holds; the pictures are of the same frames by number.
    let raw = clip(&written.manifest, &options, Profile::Raw);
    assert_eq!(raw.info().fps, (25, 1));
    let mut wanted = performance(&written.frames);
    wanted.info.rate.num = 25_000;
    wanted.info.fps = (25, 1);
    for life in &mut wanted.splats.life {
        life.t0 = life.start as f64 / 25_000.0;
    }
    assert_shows("dgs", &raw, &wanted, &moments(10).map(|seconds| seconds * 30.0 / 25.0));
    assert!(scene::has_tracks(&clip(&written.manifest, &options, Profile::Local)));
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let written = written(folder.path(), 20, 6, 4, 20);
    let text = std::fs::read_to_string(&written.manifest).unwrap();
    for (from, to, wanted) in [
        ("\"1.1\"", "\"2.0\"", "version 2.0"),
        ("\"frame_count\": 6", "\"frame_count\": 0", "frame_count"),
        ("\"frame_count\": 6", "\"frame_count\": 60", "Block2.dgsblk"),
        ("\"frame_count\": 6", "\"frame_count\": 999999999", "exceeds the limit"),
        ("\"block_size\": 4", "\"block_size\": 2", "Block2.dgsblk"),
        ("\"Data\"", "\"../Data\"", "leads out of the folder"),
        ("\"Data\"", "\"/etc\"", "leads out of the folder"),
        ("\"fps\": 25", "\"fps\": 0", "fps"),
        ("\"fps\": 25", "\"fps\": \"x\"", "line 3"),
    ] {
        assert!(text.contains(from));
        std::fs::write(&written.manifest, text.replace(from, to)).unwrap();
        let error = scene::count(&written.manifest).unwrap_err().to_string();
        assert!(
            error.contains(wanted) && error.contains(&folder.path().display().to_string()),
            "{to}: {error}"
        );
    }
    // Blocks of another length than the file says: the lists do not fit.
    std::fs::write(&written.manifest, text.replace("\"block_size\": 4", "\"block_size\": 3")).unwrap();
    let error = scene::count(&written.manifest).unwrap_err().to_string();
    assert!(error.contains("index.bytes"), "{error}");
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let written = written(folder.path(), 20, 6, 4, 20);
    attack(&folder.path().join("Data/Block0.dgsblk"), &written.manifest, Cut::Fails, &scene::count);
    // The last bytes of the text are a line end and a brace; what is cut is no JSON.
    attack(&written.manifest, &written.manifest, Cut::Fails, &scene::count);
}

/// `cargo test --release -p vivant-tests --test frames -- --ignored --nocapture dgs_speed`
#[test]
#[ignore = "a measurement"]
fn dgs_speed() {
    let folder = tempfile::tempdir().unwrap();
    let written = written(folder.path(), 30_000, 20, 20, 3);
    let begun = std::time::Instant::now();
    let bytes = std::fs::read(folder.path().join("Data/Block0.dgsblk")).unwrap().len();
    let plain = begun.elapsed();
    let begun = std::time::Instant::now();
    let splats = scene::count(&written.manifest).unwrap();
    println!("dgs: {bytes} bytes, {splats} splats in {:?}; plain read {plain:?}", begun.elapsed());
}
