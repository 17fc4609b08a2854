//! PLY under [`vivant_tests::hostile::attack`], and the attack itself: it must find readers that are wrong.

#![allow(clippy::unwrap_used, reason = "tests panic where they are wrong")]

use std::path::Path;

use vivant::Error;
use vivant_convert::{Axes, Options, ply};
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::{Cut, Metered, attack};
use vivant_tests::performances;
use vivant_tests::pictures::assert_shows;
use vivant_tests::stage::clip_of;

#[global_allocator]
static ALLOCATOR: Metered = Metered;

fn read(path: &Path) -> vivant::Result<usize> {
    ply::read(path, &Options::default()).map(|imported| imported.splats.len())
}

#[test]
fn ply_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ball.ply");
    ply::write_splats(&path, &performances::ball(200, 1, 1), Axes::RDF).unwrap();
    attack(&path, &path, Cut::Fails, &read);
}

#[test]
fn wrong_readers_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.bytes");
    std::fs::write(&path, [7; 500]).unwrap();
    let whole = |path: &Path| std::fs::read(path).unwrap().len() == 500;
    assert_fails("accepts what was cut", || attack(&path, &path, Cut::Fails, &|_| Ok(1)));
    std::fs::write(&path, [7; 500]).unwrap();
    assert_fails("panics", || {
        attack(&path, &path, Cut::Fails, &|path| if whole(path) { Ok(1) } else { panic!("at the disco") });
    });
    std::fs::write(&path, [7; 500]).unwrap();
    assert_fails("does not name the file", || {
        attack(&path, &path, Cut::Fails, &|path| if whole(path) { Ok(1) } else { Err(Error::invalid("no")) });
    });
    std::fs::write(&path, [7; 500]).unwrap();
    assert_fails("holds too much", || {
        attack(&path, &path, Cut::MayRead, &|path| {
            let held = vec![1_u8; if whole(path) { 1 } else { 300 << 20 }];
            Ok(std::hint::black_box(held).len().min(1) - usize::from(!whole(path)))
        });
    });
}

#[test]
fn pictures_of_another_performance_are_told_apart() {
    let ball = performances::still(3000, 1);
    assert_shows("ball", &clip_of(&ball), &ball, &[0.0]);
    let mut other = ball.clone();
    other.splats.mean.iter_mut().for_each(|mean| mean[0] += 0.01);
    if vivant_tests::pictures::worst("moved", &clip_of(&other), &ball, &[0.0]).is_some() {
        assert_fails("moved by a centimetre", || assert_shows("moved", &clip_of(&other), &ball, &[0.0]));
    }
}
