//! Folders as trainers leave them: the folder alone is named, and the frames are found.

use std::path::Path;

use vivant_convert::Source;

use crate::ids::save;
use crate::ply_sheet::ENCODINGS;
use crate::scene::{limb_frames, open, ours};

/// Puts a frame of so many splats there.
fn put(folder: &Path, name: &str, splats: usize) {
    save(&folder.join(name), ENCODINGS[0], &limb_frames(splats, 1, 0).remove(0), "int", &[]);
}

/// How many splats each frame has that `folder` means.
fn counts(folder: &Path) -> Vec<u64> {
    let source = Source::open(&[folder.to_owned()], &ours()).unwrap();
    (0..source.frames().len()).map(|index| source.summary(index).unwrap().splats).collect()
}

#[test]
fn what_trainers_leave_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);

    // QUEEN; a frame's folder may hold other clouds.
    for (frame, splats) in [(1, 11), (2, 12), (10, 20)] {
        put(&at("queen"), &format!("frames/{frame:04}/point_cloud.ply"), splats);
    }
    put(&at("queen"), "frames/0002/input.ply", 99);
    assert_eq!(counts(&at("queen")), [11, 12, 20]);
    assert_eq!(counts(&at("queen/frames")), [11, 12, 20]);

    // VideoGS: the last iteration of each frame, beside a folder that is none.
    for (frame, iteration, splats) in
        [(9, 1000, 1), (9, 12000, 9), (10, 400, 10), (11, 90, 2), (11, 2000, 11)]
    {
        let name = format!("checkpoint/{frame}/point_cloud/iteration_{iteration}/point_cloud.ply");
        put(&at("v3"), &name, splats);
    }
    std::fs::create_dir_all(at("v3/checkpoint/record")).unwrap();
    std::fs::write(at("v3/checkpoint/record/config.txt"), "settings").unwrap();
    assert_eq!(counts(&at("v3")), [9, 10, 11]);
    assert_eq!(counts(&at("v3/checkpoint")), [9, 10, 11]);

    // INRIA's trainer: one scene, not its point cloud nor all its iterations.
    put(&at("still"), "input.ply", 3);
    put(&at("still"), "point_cloud/iteration_7000/point_cloud.ply", 7);
    put(&at("still"), "point_cloud/iteration_30000/point_cloud.ply", 30);
    assert_eq!(counts(&at("still")), [30]);
    assert_eq!(counts(&at("still/point_cloud")), [30]);
    assert_eq!(counts(&at("still/point_cloud/iteration_7000")), [7]);

    // 4DGaussians and DualGS.
    for frame in 0..12 {
        put(&at("hustvl"), &format!("gaussian_pertimestamp/time_{frame:05}.ply"), frame + 1);
        put(&at("dual"), &format!("ckt/point_cloud_{frame}.ply"), frame + 1);
    }
    put(&at("dual"), "track/ckt/point_cloud_0.ply", 99);
    put(&at("dual"), "input.ply", 98);
    let wanted: Vec<u64> = (1..=12).collect();
    assert_eq!(counts(&at("hustvl")), wanted);
    assert_eq!(counts(&at("dual")), wanted);

    // Frames that lie there themselves come before a folder beside them.
    put(&at("own"), "a1.ply", 1);
    put(&at("own"), "a2.ply", 2);
    put(&at("own"), "frames/x.ply", 50);
    assert_eq!(counts(&at("own")), [1, 2]);
}

#[test]
fn where_a_trainer_keeps_the_order_it_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    // So fast that frame by frame nothing looks like it was.
    for frame in 0..4_usize {
        let mut splats = limb_frames(300, 1, 0).remove(0);
        splats.mean.rotate_left(frame * 71);
        for name in ["ckt/point_cloud_", "other/point_cloud_"] {
            let path = folder.path().join(format!("{name}{frame}.ply"));
            save(&path, ENCODINGS[0], &splats, "int", &[]);
        }
    }
    let keeps = |name: &str| {
        let foreign = open(&folder.path().join(name), &ours()).unwrap();
        foreign.sequence().unwrap().keeps_identity().unwrap()
    };
    assert!(keeps("ckt"));
    assert!(!keeps("other"));
}
