//! How long the importers take beside the plain read of the same bytes. Prints; run it alone:
//! `cargo test --release -p vivant-tests --test temporal speed -- --ignored --nocapture`.

use std::path::Path;
use std::time::Instant;

use crate::{count, ftgs, splatv, stg};

fn timed(what: &str, path: &Path) {
    let start = Instant::now();
    let bytes = std::fs::read(path).unwrap().len();
    let plain = start.elapsed();
    let start = Instant::now();
    let splats = count(path).unwrap();
    let taken = start.elapsed();
    let megabytes = bytes as f64 / 1e6;
    eprintln!("{what}: {megabytes:.0} MB, {splats} splats: read in {plain:.0?}, imported in {taken:.0?}");
    assert!(bytes > 20_000_000);
}

#[test]
#[ignore = "prints times"]
fn speed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.ply");
    stg::write(&path, &stg::scene(250_000));
    timed("stg-lite", &path);
    let path = folder.path().join("large.splatv");
    splatv::write(&path, &splatv::scene(400_000));
    timed("splatv", &path);
    let path = folder.path().join("large.ftgs.ply");
    ftgs::write(&path, &ftgs::scene(250_000, 1), ftgs::Said { degree: 1, ..ftgs::SAID });
    timed("ftgs", &path);
}
