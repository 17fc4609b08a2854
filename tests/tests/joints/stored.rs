//! What a clip of a rig holds against what was given: joints within the bound that the writer says, weights, names,
//! rests; memory that does not grow with the length; and what the writer refuses.

use glam::DVec3;
use vivant::clip::{Clip, Profile, Writer, WriterOptions, verify};
use vivant::codec::{RigWriter, binding_of, decode_segment, joints_at};
use vivant::rig::{Binding, IDENTITY, Joint, Kind, Rig, wide};
use vivant::splat::ClipInfo;
use vivant_tests::performances::ball;
use vivant_tests::rigged;

#[test]
fn a_rig_comes_back() {
    for profile in [Profile::Raw, Profile::Local, Profile::Network] {
        let options = WriterOptions { profile, ..WriterOptions::default() };
        for rigged in [rigged::bent_ball(3000, 2, 8, 70, true), rigged::faces(12, 3, 0, 70, super::face)] {
            let (clip, report) = rigged.clip(&options);
            assert!(report.frames == 70 && report.joint_error_metres < 4e-4, "{report:?}");
            let rig = clip.rig().unwrap();
            assert_eq!(rig.kind(), rigged.rig.kind());
            for (stored, given) in rig.joints().iter().zip(rigged.rig.joints()) {
                assert_eq!(
                    (&stored.name, stored.parent, stored.rest),
                    (&given.name, given.parent, given.rest)
                );
            }
            assert_eq!(clip.splats(), rigged.splats.len() as u64, "joints do not count as splats");
            assert!(verify(&clip).unwrap().is_whole());
            let mut joints = Vec::new();
            let mut worst = 0.0_f64;
            for node in 1..clip.nodes().len() {
                let data = decode_segment(&clip, node as u32).unwrap();
                assert!(data.drives());
                let keys = usize::from(data.keys.frames);
                for key in 0..keys - 1 {
                    joints_at(&data, key as f64 / (keys - 1) as f64, &mut joints);
                    let frame = (data.start / 1000) as usize + key;
                    for ((found, given), joint) in joints.iter().zip(&rigged.frames[frame]).zip(rig.joints())
                    {
                        let [x, y, z, radius] = joint.ball.map(f64::from);
                        let back = wide(&joint.rest).inverse();
                        for off in [DVec3::X, -DVec3::Y, DVec3::Z] {
                            let told = back.transform_point3(DVec3::new(x, y, z) + off * radius.max(0.0));
                            let error =
                                wide(found).transform_point3(told) - wide(given).transform_point3(told);
                            worst = worst.max(error.length());
                        }
                    }
                }
            }
            eprintln!(
                "{profile:?}: joints within {:.3} mm, bound {:.3} mm",
                worst * 1e3,
                report.joint_error_metres * 1e3
            );
            assert!(worst <= report.joint_error_metres, "{worst} m, but the writer says {report:?}");
            bindings_come_back(&clip, &rigged);
        }
    }
}

/// Each splat is found by its colour and its joints.
fn bindings_come_back(clip: &Clip, rigged: &rigged::Rigged) {
    let data = decode_segment(clip, 0).unwrap();
    assert_eq!(data.splats, rigged.splats.len());
    let splats = vivant::codec::splats_of(&data, clip.info().rate);
    let mut found = 0;
    for index in (0..splats.len()).step_by(97) {
        let stored = binding_of(&data, index).unwrap();
        let near = |at: &usize| {
            (0..3).all(|axis| (splats.mean[index][axis] - rigged.splats.mean[*at][axis]).abs() < 3e-3)
        };
        let alike = (0..rigged.splats.len()).filter(near).any(|at| {
            let given = &rigged.bindings[at];
            let weight = |binding: &Binding, joint| {
                binding.terms().find(|(own, _)| *own == joint).map_or(0.0, |(_, w)| w)
            };
            given.terms().all(|(joint, own)| (weight(&stored, joint) - own).abs() < 3e-5)
        });
        found += usize::from(alike);
    }
    assert_eq!(found, splats.len().div_ceil(97));
}

#[test]
fn any_length_takes_the_same_memory() {
    let options = WriterOptions::default();
    let live = [60, 600].map(|frames| {
        let (clip, _) = rigged::bent_ball(2000, 0, 20, frames, false).clip(&options);
        clip.limits().max_live_bytes
    });
    assert_eq!(live[0], live[1]);
}

#[test]
fn what_is_no_rig_is_refused() {
    let info = ClipInfo {
        rate: vivant_tests::performances::rate(),
        duration: 2000,
        fps: (30, 1),
        sh_degree: 0,
        appearance: vivant::splat::Appearance::default(),
    };
    let rig = || Rig::new(Kind::Joints, vec![Joint::new("a", None, IDENTITY); 2]).unwrap();
    let refuse = |bindings: Vec<Binding>, info: &ClipInfo| {
        let mut writer = Writer::in_memory(info, &WriterOptions::default()).unwrap();
        RigWriter::new(&mut writer, rig(), ball(2, 0, 1), bindings).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refuse(vec![Binding::one(0)], &info).contains("1 bindings for 2 splats"));
    assert!(refuse(vec![Binding::one(0), Binding::one(2)], &info).contains("splat 1"));
    let none = Binding { weights: [0.0; 8], ..Binding::one(0) };
    assert!(refuse(vec![Binding::one(0), none], &info).contains("splat 1"));
    assert!(
        refuse(vec![Binding::one(0); 2], &ClipInfo { fps: (7, 1), ..info })
            .contains("whole numbers of ticks")
    );
    let mut writer = Writer::in_memory(&info, &WriterOptions::default()).unwrap();
    let mut rigs = RigWriter::new(&mut writer, rig(), ball(2, 0, 1), vec![Binding::one(0); 2]).unwrap();
    assert!(rigs.push_frame(&[IDENTITY]).unwrap_err().to_string().contains("2 finite"));
    let mut lost = IDENTITY;
    lost[0][0] = f32::NAN;
    assert!(rigs.push_frame(&[IDENTITY, lost]).is_err());
    rigs.push_frame(&[IDENTITY; 2]).unwrap();
    assert!(rigs.finish().unwrap_err().to_string().contains("1 frames for a clip of 2"));
    let mut writer = Writer::in_memory(&info, &WriterOptions::default()).unwrap();
    let mut rigs = RigWriter::new(&mut writer, rig(), ball(2, 0, 1), vec![Binding::one(0); 2]).unwrap();
    rigs.push_frame(&[IDENTITY; 2]).unwrap();
    rigs.push_frame(&[IDENTITY; 2]).unwrap();
    assert!(rigs.push_frame(&[IDENTITY; 2]).unwrap_err().to_string().contains("one too many"));
}
