//! Splats keep their identity: number, order, colour and the sign of their quaternions.

use glam::{DQuat, Quat};

use super::body::{self, Habit, Pose};
use super::open;

#[test]
fn splats_stay_themselves_through_two_whole_turns() {
    let folder = tempfile::tempdir().unwrap();
    let turn = |number: usize| {
        let angle = number as f64 / 100.0 * 2.0 * std::f64::consts::TAU;
        let arm = DQuat::from_rotation_z(-1.2 * angle);
        Pose::rest().turned("Hips", DQuat::from_rotation_y(angle)).turned("LeftArm", arm)
    };
    let poses: Vec<Pose> = (0..100).map(turn).collect();
    let rig = open(folder.path(), Some(&body::bvh(Habit::PLAIN, &poses, 1.0 / 60.0)), 3000).unwrap();
    assert_eq!(rig.splats(), 3000);
    let mut before = rig.frame(0).unwrap();
    let (mut turned, mut flips_without_care) = (0.0_f32, 0);
    for frame in 1..rig.frames() {
        let now = rig.frame(frame).unwrap();
        assert_eq!(now, rig.frame(frame).unwrap(), "frame {frame} twice");
        assert_eq!((now.len(), &now.colour, &now.opacity), (3000, &before.colour, &before.opacity));
        assert!(now.life.is_empty() && now.motion.is_empty());
        for (index, (a, b)) in before.rotation.iter().zip(&now.rotation).enumerate() {
            let (a, b) = (Quat::from_array(*a), Quat::from_array(*b));
            assert!(b.is_normalized() && a.dot(b) > 0.9, "frame {frame}, splat {index}: {a} to {b}");
            turned = turned.max(a.angle_between(b));
            // What a conversion from matrices would give: w never negative.
            flips_without_care += u32::from(a.w.signum() * b.w.signum() * a.dot(b) < 0.0);
        }
        for (a, b) in before.mean.iter().zip(&now.mean) {
            assert!(glam::Vec3::from_array(*a).distance(glam::Vec3::from_array(*b)) < 0.3);
        }
        before = now;
    }
    assert!(turned > 0.1, "the body turned");
    assert!(flips_without_care > 1000, "signs had to be followed: {flips_without_care}");
}
