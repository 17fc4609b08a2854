//! Rigs for tests, and what joints make of splats, in f64 and by other ways than the engine's: covariances are carried
//! whole and taken apart again by turning both sides, the nearest rotation is found by Newton's iteration (Higham 1986),
//! and harmonics are turned where the kernels turn the direction.

#![expect(clippy::cast_possible_truncation, reason = "splats are made of f32")]

use glam::{DAffine3, DMat3, DQuat, DVec3};
use vivant::clip::{Clip, Writer, WriterOptions};
use vivant::codec::{RigReport, RigWriter};
use vivant::rig::{Affine, Binding, Harmonics, IDENTITY, Joint, Kind, Rig, narrow};
use vivant::splat::{Appearance, ClipInfo, Splats};
use vivant::time::TICKS_PER_FRAME;

use crate::performances::{FPS, ball, rate};
use crate::random::Random;

/// A rig with everything that a clip is made of.
#[derive(Debug, Clone)]
pub struct Rigged {
    /// Its joints.
    pub rig: Rig,
    /// Canonical splats.
    pub splats: Splats,
    /// A binding each.
    pub bindings: Vec<Binding>,
    /// `object_from_joint` of every joint, by frame.
    pub frames: Vec<Vec<Affine>>,
}

impl Rigged {
    /// As a clip in memory, and what the writer said; without frames a static one.
    ///
    /// # Panics
    /// When it cannot be written or read.
    #[must_use]
    pub fn clip(&self, options: &WriterOptions) -> (Clip, RigReport) {
        let (bytes, report) = self.bytes(options);
        (Clip::from_bytes("rigged.vvt", bytes).expect("read back"), report)
    }

    /// The bytes of that clip.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn bytes(&self, options: &WriterOptions) -> (Vec<u8>, RigReport) {
        let still = self.frames.len() < 2;
        let frames = if still { 0 } else { i64::try_from(self.frames.len()).expect("few") };
        let info = ClipInfo {
            rate: rate(),
            duration: frames * i64::from(TICKS_PER_FRAME),
            fps: if still { (0, 1) } else { (FPS, 1) },
            sh_degree: self.splats.sh_degree,
            appearance: Appearance::default(),
        };
        let mut writer = Writer::in_memory(&info, options).expect("start");
        let mut rigs =
            RigWriter::new(&mut writer, self.rig.clone(), self.splats.clone(), self.bindings.clone())
                .expect("rig");
        self.frames.iter().for_each(|frame| rigs.push_frame(frame).expect("frame"));
        let report = rigs.finish().expect("finish");
        (writer.finish_bytes().expect("bytes").0, report)
    }

    /// The splats as joints at `places` (`object_from_joint`) carry them.
    #[must_use]
    pub fn posed(&self, places: &[DAffine3]) -> Splats {
        let joints = self.rig.joints().iter().zip(places);
        let maps: Vec<DAffine3> =
            joints.map(|(joint, now)| *now * vivant::rig::wide(&joint.rest).inverse()).collect();
        let mut out = posed(&self.splats, &self.bindings, &maps);
        if self.rig.harmonics() == Harmonics::Stay {
            out.sh_rest.clone_from(&self.splats.sh_rest);
        }
        out
    }

    /// Where the joints are at `frame`, which may lie between two: turned on the shorter way at constant speed.
    #[must_use]
    pub fn places(&self, frame: f64) -> Vec<DAffine3> {
        let last = self.frames.len() - 1;
        #[expect(clippy::cast_sign_loss, reason = "not below 0")]
        let first = (frame.max(0.0).floor() as usize).min(last);
        let next = (first + 1).min(last);
        let part = (frame - first as f64).clamp(0.0, 1.0);
        let pairs = self.frames[first].iter().zip(&self.frames[next]);
        pairs.map(|(a, b)| between(&vivant::rig::wide(a), &vivant::rig::wide(b), part)).collect()
    }
}

/// Between two places: by their polar parts.
fn between(a: &DAffine3, b: &DAffine3, part: f64) -> DAffine3 {
    let turn = |map: &DAffine3| DQuat::from_mat3(&nearest_rotation(map.matrix3));
    let rest = |map: &DAffine3| nearest_rotation(map.matrix3).transpose() * map.matrix3;
    let rotation = DMat3::from_quat(turn(a).slerp(turn(b), part));
    DAffine3 {
        matrix3: rotation * (rest(a) * (1.0 - part) + rest(b) * part),
        translation: a.translation.lerp(b.translation, part),
    }
}

/// The rotation nearest to a map that does not mirror.
fn nearest_rotation(map: DMat3) -> DMat3 {
    let mut out = map;
    for _ in 0..60 {
        out = (out + out.inverse().transpose()) * 0.5;
    }
    out
}

/// Splats carried by maps of canonical space.
#[must_use]
pub fn posed(splats: &Splats, bindings: &[Binding], maps: &[DAffine3]) -> Splats {
    let mut out = splats.clone();
    for (at, binding) in bindings.iter().enumerate() {
        let mut by = DAffine3 { matrix3: DMat3::ZERO, translation: DVec3::ZERO };
        for (joint, weight) in binding.terms() {
            by.matrix3 += maps[usize::from(joint)].matrix3 * f64::from(weight);
            by.translation += maps[usize::from(joint)].translation * f64::from(weight);
        }
        let turn = DMat3::from_quat(DQuat::from_array(splats.rotation[at].map(f64::from)).normalize_or_one());
        let size = DMat3::from_diagonal(DVec3::from_array(splats.scale[at].map(f64::from)).powf(2.0));
        let covariance = by.matrix3 * (turn * size * turn.transpose()) * by.matrix3.transpose();
        let (axes, squares) = taken_apart(covariance);
        out.mean[at] =
            by.transform_point3(DVec3::from_array(splats.mean[at].map(f64::from))).as_vec3().to_array();
        out.rotation[at] = DQuat::from_mat3(&axes).as_quat().to_array();
        out.scale[at] = squares.max(DVec3::splat(1e-18)).powf(0.5).as_vec3().to_array();
        if splats.sh_degree > 0 {
            let stride = splats.sh_stride();
            turn_harmonics(&mut out.sh_rest[at * stride..(at + 1) * stride], nearest_rotation(by.matrix3));
        }
    }
    out
}

trait NormalizeOrOne {
    fn normalize_or_one(self) -> Self;
}

impl NormalizeOrOne for DQuat {
    fn normalize_or_one(self) -> Self {
        if self.length() > 0.0 { self * self.length().recip() } else { Self::IDENTITY }
    }
}

/// Eigenvectors, right-handed, and eigenvalues of a symmetric matrix: Jacobi's method on both sides.
fn taken_apart(mut m: DMat3) -> (DMat3, DVec3) {
    let mut axes = DMat3::IDENTITY;
    for _ in 0..30 {
        for (p, q) in [(0, 1), (1, 2), (0, 2)] {
            let off = m.col(q)[p];
            if off.abs() <= 1e-300 {
                continue;
            }
            let slope = (m.col(q)[q] - m.col(p)[p]) / (2.0 * off);
            let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
            let cosine = tangent.hypot(1.0).recip();
            let sine = tangent * cosine;
            let mut turn = DMat3::IDENTITY;
            turn.col_mut(p)[p] = cosine;
            turn.col_mut(q)[q] = cosine;
            turn.col_mut(q)[p] = sine;
            turn.col_mut(p)[q] = -sine;
            m = turn.transpose() * m * turn;
            axes *= turn;
        }
    }
    if axes.determinant() < 0.0 {
        axes.z_axis = -axes.z_axis;
    }
    (axes, DVec3::new(m.x_axis.x, m.y_axis.y, m.z_axis.z))
}

/// The coefficients of the colour that is seen along R·d as this one is along d: c'ᵢ = Σ cⱼ ∫ Yᵢ(d) Yⱼ(Rᵀd).
fn turn_harmonics(rest: &mut [f32], turn: DMat3) {
    // Heights and weights of Gauss and Legendre, exact to degree 7, and eight azimuths.
    const HEIGHTS: [(f64, f64); 4] = [
        (-0.861_136_311_594_052_6, 0.347_854_845_137_453_9),
        (-0.339_981_043_584_856_3, 0.652_145_154_862_546_1),
        (0.339_981_043_584_856_3, 0.652_145_154_862_546_1),
        (0.861_136_311_594_052_6, 0.347_854_845_137_453_9),
    ];
    let count = rest.len() / 3;
    let before: Vec<f64> = rest.iter().map(|value| f64::from(*value)).collect();
    let mut after = vec![0.0; rest.len()];
    for (height, weight) in HEIGHTS {
        for azimuth in 0..8_u8 {
            let angle = f64::from(azimuth) * std::f64::consts::FRAC_PI_4;
            let flat = (1.0 - height * height).sqrt();
            let direction = DVec3::new(flat * angle.cos(), flat * angle.sin(), height);
            let here = harmonics(direction);
            let there = harmonics(turn.transpose() * direction);
            let weight = weight * std::f64::consts::FRAC_PI_4;
            for channel in 0..3 {
                let seen: f64 = (0..count).map(|k| before[k * 3 + channel] * there[k]).sum();
                for k in 0..count {
                    after[k * 3 + channel] += weight * here[k] * seen;
                }
            }
        }
    }
    rest.iter_mut().zip(after).for_each(|(out, value)| *out = value as f32);
}

/// Real harmonics of degree 1 to 3, in the order and with the signs of 3D Gaussian splatting.
fn harmonics(d: DVec3) -> [f64; 15] {
    let DVec3 { x, y, z } = d;
    let pi = std::f64::consts::PI;
    let [one, two, flat, three] =
        [3.0 / (4.0 * pi), 15.0 / (4.0 * pi), 5.0 / (16.0 * pi), 35.0 / (32.0 * pi)].map(f64::sqrt);
    let [mixed, ring, tall] = [105.0 / (4.0 * pi), 21.0 / (32.0 * pi), 7.0 / (16.0 * pi)].map(f64::sqrt);
    [
        -one * y,
        one * z,
        -one * x,
        two * x * y,
        -two * y * z,
        flat * (3.0 * z * z - 1.0),
        -two * x * z,
        two / 2.0 * (x * x - y * y),
        -three * y * (3.0 * x * x - y * y),
        mixed * x * y * z,
        -ring * y * (5.0 * z * z - 1.0),
        tall * z * (5.0 * z * z - 3.0),
        -ring * x * (5.0 * z * z - 1.0),
        mixed / 2.0 * z * (x * x - y * y),
        -three * x * (x * x - 3.0 * y * y),
    ]
}

/// A ball of splats that `joints` joints bend, each with its share of every splat near it; `sheared` joints stretch and
/// shear too.
///
/// # Panics
/// Never: it is a rig.
#[must_use]
pub fn bent_ball(splats: u32, sh_degree: u8, joints: u16, frames: u32, sheared: bool) -> Rigged {
    let splats = ball(splats, sh_degree, 5);
    let height = |joint: u16| 0.35 * (2.0 * (f64::from(joint) + 0.5) / f64::from(joints) - 1.0);
    let rest = |joint: u16| {
        DAffine3::from_scale_rotation_translation(
            DVec3::ONE,
            DQuat::from_rotation_z(f64::from(joint) * 0.3),
            DVec3::new(0.05, height(joint), 0.0),
        )
    };
    let named =
        |joint: u16| Joint::new(&format!("joint {joint}"), joint.checked_sub(1), narrow(&rest(joint)));
    let rig = Rig::new(Kind::Joints, (0..joints).map(named).collect()).expect("a rig");
    let bindings = splats.mean.iter().map(|mean| {
        let weight =
            |joint: u16| (-((f64::from(mean[1]) - height(joint)) / 0.12).powi(2)).exp() as f32 + 1e-6;
        Binding::of(&(0..joints).map(|joint| (joint, weight(joint))).collect::<Vec<_>>()).expect("weights")
    });
    let bindings = bindings.collect();
    let place = |frame: u32, joint: u16| {
        let (time, along) = (f64::from(frame) / f64::from(FPS), f64::from(joint) / f64::from(joints));
        let turn = DQuat::from_euler(
            glam::EulerRot::YXZ,
            2.0 * time + along,
            0.7 * (3.0 * time + along).sin(),
            0.3 * along,
        );
        let way = DVec3::new(0.1 * (2.0 * time).sin(), 0.05 * time, 0.04 * along);
        let mut map = DAffine3::from_rotation_translation(turn, way);
        if sheared {
            let wave = 0.35 * (4.0 * time + 6.0 * along).sin();
            map.matrix3 *= DMat3::from_cols(
                DVec3::new(1.0 + wave, 0.2, 0.0),
                DVec3::new(0.0, 1.0 - wave, 0.1),
                DVec3::new(wave, 0.0, 0.9),
            );
        }
        narrow(&(map * rest(joint)))
    };
    let frames = (0..frames).map(|frame| (0..joints).map(|joint| place(frame, joint)).collect()).collect();
    Rigged { rig, splats, bindings, frames }
}

/// The corners of the faces of a ball of triangles that wobbles, at `time` seconds.
#[must_use]
pub fn face_corners(rings: u16, time: f64) -> Vec<[DVec3; 3]> {
    let around = rings * 2;
    let vertex = |(ring, step): (u16, u16)| {
        let (polar, angle) = (
            std::f64::consts::PI * (f64::from(ring) + 0.5) / f64::from(rings),
            std::f64::consts::TAU * f64::from(step % around) / f64::from(around),
        );
        let direction = DVec3::new(polar.sin() * angle.cos(), polar.cos(), polar.sin() * angle.sin());
        direction * (0.35 + 0.06 * (5.0 * direction.y + 7.0 * time).sin()) + DVec3::X * (0.1 * time)
    };
    let mut corners = Vec::new();
    for ring in 0..rings - 1 {
        for step in 0..around {
            let at = |down: u16, along: u16| vertex((ring + down, step + along));
            corners.extend([[at(0, 0), at(0, 1), at(1, 0)], [at(1, 0), at(0, 1), at(1, 1)]]);
        }
    }
    corners
}

/// Those faces with `a_face` splats on each, bound to them as avatars are.
///
/// # Panics
/// Never: it is a rig.
#[must_use]
pub fn faces(
    rings: u16,
    a_face: u32,
    sh_degree: u8,
    frames: u32,
    frame_of: impl Fn([DVec3; 3]) -> DAffine3,
) -> Rigged {
    let corners = face_corners(rings, 0.0);
    let placed =
        |time: f64| -> Vec<DAffine3> { face_corners(rings, time).into_iter().map(&frame_of).collect() };
    let joints = vec![Joint::new("", None, IDENTITY); corners.len()];
    let rig = Rig::new(Kind::Faces, joints).expect("a rig");
    let mut random = Random::new(17);
    let mut splats = Splats::new(sh_degree);
    let mut rest = vec![0.0; splats.sh_stride()];
    let mut bindings = Vec::new();
    for face in 0..corners.len() {
        for _ in 0..a_face {
            rest.iter_mut().for_each(|value| *value = random.range(-0.12, 0.12));
            let splat = vivant::splat::Splat {
                mean: [random.range(-0.4, 0.4), random.range(-0.05, 0.05), random.range(-0.4, 0.4)],
                rotation: random.rotation(),
                scale: [random.range(0.1, 0.4), random.range(0.05, 0.2), 0.03],
                opacity: random.range(0.3, 1.0),
                colour: [random.unit(), random.unit(), random.unit()],
                ..vivant::splat::Splat::DEFAULT
            };
            splats.push(&splat, &rest);
            bindings.push(Binding::one(u16::try_from(face).expect("few faces")));
        }
    }
    let frame = |at: u32| placed(f64::from(at) / f64::from(FPS)).iter().map(narrow).collect();
    Rigged { rig, splats, bindings, frames: (0..frames).map(frame).collect() }
}
