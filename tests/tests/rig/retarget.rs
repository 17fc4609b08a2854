//! Motions of several habits on the body: what stays, what bends, and where the feet are.

use glam::{DQuat, DVec3};
use vivant_convert::{Fps, Rig, RigOptions};

use super::body::{self, Habit, JOINTS, Pose};
use super::{joint, open};

const RATE: f64 = 1.0 / 60.0;

/// The habits that start in a T-pose.
fn habits() -> [Habit; 4] {
    let z_up = DQuat::from_rotation_x(std::f64::consts::FRAC_PI_2);
    let turned = DQuat::from_rotation_y(2.0);
    [
        Habit::PLAIN,
        Habit { scale: 100.0, reallusion: true, ..Habit::PLAIN },
        Habit { turn: z_up, ..Habit::PLAIN },
        Habit { turn: turned, bundle: true, scale: 39.37, ..Habit::PLAIN },
    ]
}

#[test]
fn a_t_pose_in_is_a_t_pose_out() {
    let folder = tempfile::tempdir().unwrap();
    for (number, habit) in habits().into_iter().enumerate() {
        let rig =
            open(folder.path(), Some(&body::bvh(habit, &[Pose::rest(), Pose::rest()], RATE)), 10).unwrap();
        assert_eq!((rig.frames(), rig.info().fps), (2, (60, 1)));
        assert!(rig.unmapped().is_empty(), "{:?}", rig.unmapped());
        for (found, wanted) in rig.vertices(0).unwrap().iter().zip(body::vertices()) {
            let off = DVec3::from_array(found.map(f64::from)).distance(wanted.place);
            assert!(off < 1e-4, "habit {number}: {off} m");
        }
    }
}

#[test]
fn a_bent_elbow_moves_the_hand_where_it_should() {
    let folder = tempfile::tempdir().unwrap();
    // From pointing left, +x, to pointing forward, +z.
    let bend = DQuat::from_rotation_y(-std::f64::consts::FRAC_PI_2);
    let bent = Pose::rest().turned("LeftForeArm", bend);
    for (number, habit) in habits().into_iter().enumerate() {
        let rig =
            open(folder.path(), Some(&body::bvh(habit, &[Pose::rest(), bent.clone()], RATE)), 10).unwrap();
        let hand = joint(&rig, 1, "LeftHand");
        let wanted = DVec3::new(0.45, 1.4, 0.25);
        assert!(hand.distance(wanted) < 1e-4, "habit {number}: {hand}");
        let other = joint(&rig, 1, "RightHand");
        assert!(
            other.distance(DVec3::new(-0.7, 1.4, 0.0)) < 1e-4,
            "habit {number}: the other arm moved: {other}"
        );
    }
}

#[test]
fn an_a_pose_serves_a_t_pose() {
    let folder = tempfile::tempdir().unwrap();
    let drop = |pose: Pose, down: f64| {
        pose.turned("LeftArm", DQuat::from_rotation_z(-down)).turned("RightArm", DQuat::from_rotation_z(down))
    };
    // Down by 40° is the rest of this file; a quarter turn down from the T-pose, the arms hang.
    let text = body::bvh(
        Habit::PLAIN,
        &[drop(Pose::rest(), 0.7), drop(Pose::rest(), std::f64::consts::FRAC_PI_2)],
        RATE,
    );
    let rig = open(folder.path(), Some(&text), 10).unwrap();
    let arm = joint(&rig, 1, "LeftForeArm") - joint(&rig, 1, "LeftArm");
    assert!(arm.normalize_or_zero().dot(DVec3::NEG_Y) > 0.999, "{arm}");
}

/// A second of stepping on the spot with swinging arms, and no T-pose anywhere.
fn steps() -> Vec<Pose> {
    let frame = |number: usize| {
        let phase = number as f64 / 60.0 * std::f64::consts::TAU;
        let mut pose = Pose::rest();
        for (side, sign) in [("Left", 1.0), ("Right", -1.0)] {
            let swing = sign * 0.6 * phase.sin();
            // Stand on one leg while the other is lifted.
            let lift = (sign * phase.sin()).max(0.0);
            pose = pose
                .turned(&format!("{side}Arm"), DQuat::from_rotation_z(-sign * 1.4))
                .turned(&format!("{side}Arm"), DQuat::from_rotation_x(swing))
                .turned(&format!("{side}UpLeg"), DQuat::from_rotation_x(-0.9 * lift))
                .turned(&format!("{side}Leg"), DQuat::from_rotation_x(1.2 * lift))
                .turned(&format!("{side}Foot"), DQuat::from_rotation_x(-0.3 * lift));
            // The elbow bends about the axis that the hanging arm has brought it to.
            let upper = pose.turns[body::index(&format!("{side}Arm"))];
            let hinge = upper * DVec3::new(0.0, -sign, 0.0);
            pose = pose
                .turned(&format!("{side}ForeArm"), DQuat::from_axis_angle(hinge, 0.4 + 0.3 * phase.cos()));
        }
        pose
    };
    (0..60).map(frame).collect()
}

#[test]
fn a_motion_without_a_t_pose_is_told_from_bones_and_bends() {
    let folder = tempfile::tempdir().unwrap();
    let steps = steps();
    let habit = Habit { bundle: true, scale: 100.0, reallusion: true, ..Habit::PLAIN };
    let rig = open(folder.path(), Some(&body::bvh(habit, &steps, RATE)), 10).unwrap();
    assert!(rig.report().to_string().contains("no T-pose"), "{}", rig.report());
    for (frame, pose) in steps.iter().enumerate() {
        let wanted = pose.places();
        for limb in ["Arm", "ForeArm", "Hand", "Leg", "Foot", "ToeBase"] {
            for side in ["Left", "Right"] {
                let name = format!("{side}{limb}");
                let found = joint(&rig, frame, &name) - joint(&rig, frame, "Hips");
                let off = found.distance(wanted[body::index(&name)] - wanted[0]);
                assert!(off < 0.03, "frame {frame}, {name}: {off} m");
            }
        }
    }
    // Vertices show how limbs are rolled, which joints do not: a wrist turned by 90° moves its box's corners by 5 cm.
    let roll = |frame: usize, joint: usize| {
        let vertices = rig.vertices(frame).unwrap();
        let corner = |at: usize| DVec3::from_array(vertices[joint * 8 + at].map(f64::from));
        (corner(4) - corner(0)).normalize_or_zero()
    };
    for name in ["LeftForeArm", "RightForeArm", "LeftLeg", "RightLeg", "LeftFoot"] {
        let at = body::index(name);
        for frame in [0, 15, 45] {
            let wanted = steps[frame].turns[at] * DVec3::Z;
            let dot = roll(frame, at).dot(wanted);
            assert!(dot > 0.95, "frame {frame}: {name} is rolled: {dot}");
        }
    }
}

#[test]
fn feet_stand_on_the_floor_whatever_the_proportions() {
    let folder = tempfile::tempdir().unwrap();
    let mut poses = steps();
    // A capture whose floor lies somewhere, and sinks.
    for (number, pose) in poses.iter_mut().enumerate() {
        pose.hips.y += 0.37 - 0.0003 * number as f64;
    }
    let rig = open(folder.path(), Some(&body::bvh(Habit::PLAIN, &poses, RATE)), 10).unwrap();
    for frame in 0..rig.frames() {
        let lowest = rig.vertices(frame).unwrap().iter().map(|v| v[1]).fold(f32::INFINITY, f32::min);
        assert!((-1e-4..0.02).contains(&lowest), "frame {frame}: {lowest} m");
    }
}

#[test]
fn another_rate_samples_the_same_motion() {
    let folder = tempfile::tempdir().unwrap();
    let steps = steps();
    let native = open(folder.path(), Some(&body::bvh(Habit::PLAIN, &steps, RATE)), 10).unwrap();
    let (model, motion) = (folder.path().join("body.glb"), folder.path().join("motion.bvh"));
    let at = |fps: &str| {
        let options = RigOptions { splats: 10, fps: Some(fps.parse::<Fps>().unwrap()), live: false };
        Rig::open(&model, Some(&motion), &options).unwrap()
    };
    let half = at("30");
    assert_eq!((native.frames(), half.frames()), (60, 30));
    assert!(joint(&half, 10, "LeftHand").distance(joint(&native, 20, "LeftHand")) < 1e-3);
    let double = at("120");
    let between = joint(&native, 20, "LeftHand").midpoint(joint(&native, 21, "LeftHand"));
    assert!(joint(&double, 41, "LeftHand").distance(between) < 1e-3);
}

#[test]
fn bodies_with_nothing_in_common_are_told_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let text = body::bvh(Habit::PLAIN, &[Pose::rest()], RATE).replace("LeftFoot", "Tentacle");
    let error = open(folder.path(), Some(&text), 10).unwrap_err().to_string();
    assert!(
        error.contains("motion.bvh") && error.contains("Foot(Left)") && error.lines().count() == 1,
        "{error}"
    );
    assert_eq!(JOINTS.len(), 20);
}
