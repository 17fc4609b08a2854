//! Vertices under an animation, against sums of matrices in f64.

use glam::{DMat4, DQuat, DVec3, EulerRot};
use vivant_convert::{Rig, RigOptions};

use super::body::{self, Extras, JOINTS, Tracks};

/// Keys of an animation of two joints.
fn keys() -> (Vec<f32>, Tracks) {
    let turn = |x: f64, y: f64, z: f64| DQuat::from_euler(EulerRot::XYZ, x, y, z);
    let arm = vec![DQuat::IDENTITY, turn(0.4, -1.0, 0.2), turn(-0.9, 0.3, 1.4)];
    let hips = vec![turn(0.1, 0.0, 0.0), turn(0.0, 1.2, -0.3), turn(0.5, 0.5, 0.5)];
    (vec![0.0, 0.5, 1.0], vec![("LeftForeArm", arm), ("Hips", hips)])
}

/// Where the vertices are when the joints have these turns in their own axes.
fn expected(turned: &[(&str, DQuat)]) -> Vec<DVec3> {
    let mut worlds: Vec<DMat4> = Vec::new();
    for (joint, row) in JOINTS.iter().enumerate() {
        let own = turned.iter().find(|(name, _)| *name == row.0).map_or(DQuat::IDENTITY, |(_, turn)| *turn);
        let local = row.2.map_or(body::rest_world(joint), |parent| {
            body::rest_world(parent).inverse() * body::rest_world(joint)
        });
        let above = row.2.map_or(DMat4::IDENTITY, |parent| worlds[parent]);
        worlds.push(above * local * DMat4::from_quat(own));
    }
    let pulled = |vertex: &body::Vertex| {
        let pull = |&(joint, weight): &(usize, f64)| {
            (worlds[joint] * body::rest_world(joint).inverse()).transform_point3(vertex.place) * weight
        };
        vertex.pulls.iter().map(pull).sum::<DVec3>()
    };
    body::vertices().iter().map(pulled).collect()
}

fn farthest(found: &[[f32; 3]], wanted: &[DVec3]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let distance =
        |(found, wanted): (&[f32; 3], &DVec3)| DVec3::from_array(found.map(f64::from)).distance(*wanted);
    found.iter().zip(wanted).map(distance).fold(0.0, f64::max)
}

#[test]
fn vertices_are_where_f64_sums_put_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.glb");
    for float_joints in [false, true] {
        let extras = Extras { animation: Some(keys()), float_joints, ..Extras::default() };
        std::fs::write(&path, body::glb(&extras)).unwrap();
        let rig = Rig::open(&path, None, &RigOptions { splats: 100, fps: None, live: false }).unwrap();
        assert_eq!((rig.frames(), rig.info().fps), (31, (30, 1)));
        let (_, tracks) = keys();
        let at = |key: usize| tracks.iter().map(|(name, keys)| (*name, keys[key])).collect::<Vec<_>>();
        for (frame, key) in [(0, 0), (15, 1), (30, 2)] {
            let off = farthest(&rig.vertices(frame).unwrap(), &expected(&at(key)));
            assert!(off < 2e-6, "frame {frame}: {off} m");
        }
        // Between keys the shorter arc, at an even pace: a third of the way from the first to the second.
        let between: Vec<(&str, DQuat)> =
            tracks.iter().map(|(name, keys)| (*name, keys[0].slerp(keys[1], 1.0 / 3.0))).collect();
        let off = farthest(&rig.vertices(5).unwrap(), &expected(&between));
        assert!(off < 2e-6, "between keys: {off} m");
        // The measure sees a frame's difference.
        assert!(farthest(&rig.vertices(6).unwrap(), &expected(&between)) > 1e-3);
        assert!(rig.vertices(31).is_err() && rig.frame(31).is_err());
    }
}

#[test]
fn without_motion_a_model_is_a_still() {
    let folder = tempfile::tempdir().unwrap();
    let rig = super::open(folder.path(), None, 2000).unwrap();
    assert_eq!((rig.frames(), rig.info().duration, rig.splats()), (1, 0, 2000));
    let off = farthest(&rig.vertices(0).unwrap(), &expected(&[]));
    assert!(off < 2e-6, "{off}");
    // Every splat lies on a face of a box, flat against it.
    let splats = rig.frame(0).unwrap();
    for (index, mean) in splats.mean.iter().enumerate() {
        let mean = glam::Vec3::from_array(*mean);
        let normal = glam::Quat::from_array(splats.rotation[index]) * glam::Vec3::Z;
        let on_a_face = (0..JOINTS.len()).any(|joint| {
            let half = if JOINTS[joint].0.ends_with("ToeBase") { 0.02 } else { 0.04 };
            let off = mean - body::place(joint).as_vec3();
            let axis = normal.abs().max_position();
            (off[axis].abs() - half).abs() < 1e-5
                && off.abs().max_element() < half + 1e-5
                && normal[axis] * off[axis] > 0.999 * half
        });
        assert!(on_a_face, "{index}: {mean} facing {normal}");
        let [wide, high, thin] = splats.scale[index];
        assert!(thin < 0.2 * wide.min(high), "{index} is no disc");
    }
}

#[test]
fn colours_are_the_texture_and_masks_are_holes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.glb");
    // The left half is red and there, the right half is not.
    let picture =
        vivant::picture::Image::from_fn(8, 8, |x, _| if x < 4 { [0.8, 0.2, 0.0, 1.0] } else { [0.0; 4] });
    let png = vivant::picture::encode_png(&picture).unwrap();
    let rig = |mask: bool| {
        let extras = Extras { png: Some((png.clone(), mask)), ..Extras::default() };
        std::fs::write(&path, body::glb(&extras)).unwrap();
        Rig::open(&path, None, &RigOptions { splats: 4000, fps: None, live: false })
            .unwrap()
            .frame(0)
            .unwrap()
    };
    let masked = rig(true);
    let reddest = masked.colour.iter().fold([0.0_f32; 3], |most, c| if c[0] > most[0] { *c } else { most });
    assert!((reddest[0] - 0.8).abs() < 0.01 && (reddest[1] - 0.2).abs() < 0.01, "{reddest:?}");
    assert!(masked.colour.iter().all(|c| c[2] < 0.01 && c[0] > 0.5), "only what is there has splats");
    assert!(masked.opacity.iter().all(|&opacity| opacity > 0.9));
    assert!(rig(false).colour.iter().any(|c| c[0] < 0.1), "an opaque material shows its clear texels");
}
