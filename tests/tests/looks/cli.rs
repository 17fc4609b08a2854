//! Appearances as a user meets them: given to `convert`, told by `info`, overruled by `render`.

use vivant_tests::performances;

use super::vivant_binary::{run, stderr, stdout};

#[test]
fn flags_overrule_what_a_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let ball = performances::ball(800, 0, 5);
    let colours: Vec<[u8; 3]> = ball
        .colour
        .iter()
        .map(|colour| colour.map(|c| u8::try_from((c.clamp(0.0, 1.0) * 255.0) as i32).unwrap_or(0)))
        .collect();
    vivant_convert::ply::write_points(&folder.path().join("ball.ply"), &ball.mean, &colours).unwrap();
    let ok = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    ok(&["convert", "ball.ply", "-o", "plain.vvt"]);
    ok(&["convert", "ball.ply", "-o", "odd.vvt", "--antialias", "pixel", "--colour-domain", "linear"]);
    assert!(ok(&["info", "plain.vvt"]).contains("drawn     dilate, moving, gaussian, encoded"));
    assert!(ok(&["info", "odd.vvt"]).contains("drawn     pixel, moving, gaussian, linear"));
    let told: serde_json::Value = serde_json::from_str(&ok(&["info", "odd.vvt", "--json"])).unwrap();
    assert_eq!(told["appearance"]["antialias"], "pixel");
    assert_eq!(told["appearance"]["kernel"], "gaussian");

    // The reference needs no device.
    let picture = |file: &str, flags: &[&str], name: &str| {
        let mut arguments = vec!["render", file, "-o", name, "--reference", "--mono", "--size", "40x40"];
        arguments.extend(flags);
        ok(&arguments);
        std::fs::read(folder.path().join(name)).unwrap()
    };
    let plain = picture("plain.vvt", &[], "a.png");
    let odd = picture("odd.vvt", &[], "b.png");
    assert_ne!(plain, odd, "the appearance changes nothing");
    let over = ["--antialias", "pixel", "--colour-domain", "linear"];
    assert_eq!(picture("plain.vvt", &over, "c.png"), odd, "a flag for render is as one for convert");
    assert_eq!(picture("ball.ply", &over, "d.png"), odd, "and as one for what is imported on the way");

    let refused = run(folder.path(), &["render", "plain.vvt", "-o", "e.png", "--antialias", "blur"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("dilate, mip, none, pixel"), "{}", stderr(&refused));
}
