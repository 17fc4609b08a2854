//! `vivant convert` and `render` on a model with a motion, as a user meets them.

use vivant::clip::{Access, Clip};

use super::body::{self, Extras, Habit, Pose};
use super::vivant_binary::{run, stderr, stdout};

fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("body.glb"), body::glb(&Extras::default())).unwrap();
    let text = body::bvh(Habit::PLAIN, &vec![Pose::rest(); 12], 1.0 / 60.0);
    std::fs::write(folder.path().join("dance.bvh"), text).unwrap();
    folder
}

#[test]
fn a_model_and_a_motion_become_a_clip() {
    let folder = workplace();
    let arguments = ["convert", "body.glb", "--motion", "dance.bvh", "--splats", "500", "-o", "dance.vvt"];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.contains("read 500 splats from 2 files") && said.contains("wrote dance.vvt: "), "{said}");
    let clip = Clip::open(&folder.path().join("dance.vvt"), Access::Auto).unwrap();
    assert_eq!((clip.info().fps, clip.info().duration), ((60, 1), 12_000));
    let rate =
        ["convert", "body.glb", "--motion", "dance.bvh", "--fps", "30", "--splats", "50", "-o", "half.vvt"];
    assert_eq!(run(folder.path(), &rate).status.code(), Some(0));
    let clip = Clip::open(&folder.path().join("half.vvt"), Access::Auto).unwrap();
    assert_eq!((clip.info().fps, clip.info().duration), ((30, 1), 6_000));
    // Anything that takes a clip takes the model.
    let info = run(folder.path(), &["info", "body.glb", "--motion", "dance.bvh", "--splats", "50"]);
    assert_eq!(info.status.code(), Some(0), "{}", stderr(&info));
    let drawn = ["render", "body.glb", "--splats", "2000", "--reference", "--size", "64x64", "-o", "a.png"];
    assert_eq!(run(folder.path(), &drawn).status.code(), Some(0));
    assert!(folder.path().join("a.png").exists());
}

#[test]
fn what_cannot_go_together_is_said_in_one_line() {
    let folder = workplace();
    std::fs::write(folder.path().join("clip.vvt"), b"\x89VVT").unwrap();
    for (arguments, wanted) in [
        (
            &["convert", "dance.bvh", "--motion", "dance.bvh", "-o", "o.vvt"][..],
            "a motion moves a glTF model",
        ),
        (&["convert", "body.glb", "body.glb", "-o", "o.vvt"], "converted alone"),
        (&["convert", "body.glb", "--motion", "gone.bvh", "-o", "o.vvt"], "gone.bvh: cannot read"),
        (&["convert", "body.glb", "--axes", "rdf", "-o", "o.vvt"], "leave --axes out"),
        (&["convert", "body.glb", "--splats", "0", "-o", "o.vvt"], "--splats"),
        (&["convert", "body.glb", "--motion", "dance.bvh", "-o", "dance.bvh"], "would replace this input"),
        (&["info", "clip.vvt", "--motion", "dance.bvh"], "is a clip already"),
    ] {
        let output = run(folder.path(), arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(wanted) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
}
