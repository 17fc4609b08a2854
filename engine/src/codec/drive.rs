//! Planes `Drive` and `Stretch`: where the joints of a rig stand over a segment, a key a frame.
//!
//! A joint's place is an affine map (M | T). M is stored as its polar parts R·s·U: a quaternion, a factor, and, only where
//! some joint needs it, a symmetric rest U. Between two keys the quaternion is joined on the shorter way and normalised
//! (a turn of 20° from frame to frame is off by 0.003° for it), everything else as numbers. So what turns keeps its size,
//! which it would not if matrices were joined. 16 bytes a joint and frame in memory, and a quarter of that in the file.

use glam::{DMat3, DQuat, DVec3};

use super::pose;
use super::words::{from_pair, pair};
use crate::frame::{FULL_LOD, Grid, Keys, LODS, Plane, SegmentData};
use crate::rig::{self, Affine};

/// The largest number of a component of a quaternion.
const LIMIT: f64 = 32_767.0;
/// The number of U that is 1: it reaches to 2 either way, since rounding the factor makes it larger than 1.
const UNIT: f64 = 16_384.0;
/// Steps of the factor's logarithm to base 2, and the number that is 1.
const OCTAVE: f64 = 2048.0;
const ONE: f64 = 49_152.0;
const ONE_BITS: u16 = 49_152;
/// How far U may be from the identity to be left out: what rounding of f32 adds.
const PLAIN: f64 = 1e-5;

/// A joint's place in parts.
struct Parts {
    turn: DQuat,
    shift: DVec3,
    factor: f64,
    /// xx, yy, zz, xy, xz, yz.
    rest: [f64; 6],
}

impl Parts {
    fn of(place: &Affine) -> Self {
        let map = rig::wide(place);
        let (turn, symmetric) = rig::polar(map.matrix3);
        let [x, y, z] = symmetric.to_cols_array_2d();
        let all = [x[0], y[1], z[2], x[1], x[2], y[2]];
        let factor = all.iter().map(|value| value.abs()).fold(0.0, f64::max).max(2.0_f64.powi(-24));
        // As it will be stored, so that U makes up for its rounding.
        let factor = factor_of(factor_bits(factor));
        let rest = all.map(|value| value / factor);
        Self { turn: DQuat::from_mat3(&turn), shift: map.translation, factor, rest }
    }

    /// Whether it is a turn, a shift and a factor only.
    fn is_plain(&self) -> bool {
        let [xx, yy, zz, sides @ ..] = self.rest;
        // The factor is off by a half of its steps.
        let mean = (xx + yy + zz) / 3.0;
        [xx, yy, zz].iter().all(|value| (value - mean).abs() < PLAIN)
            && sides.iter().all(|value| value.abs() < PLAIN)
            && mean > 0.0
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to sixteen bits")]
fn factor_bits(factor: f64) -> u16 {
    (factor.log2() * OCTAVE + ONE).round().clamp(0.0, 65_535.0) as u16
}

fn factor_of(bits: u16) -> f64 {
    ((f64::from(bits) - ONE) / OCTAVE).exp2()
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to sixteen bits")]
fn signed(value: f64) -> u16 {
    (value.round().clamp(-LIMIT, LIMIT) as i16).cast_unsigned()
}

/// The segment that drives joints through `frames`, evenly from `start` to `end`; each frame has every joint.
pub(super) fn encode(frames: &[Vec<Affine>], start: i64, end: i64) -> SegmentData {
    let joints = frames.first().map_or(0, Vec::len);
    let mut parts: Vec<Vec<Parts>> =
        (0..joints).map(|joint| frames.iter().map(|frame| Parts::of(&frame[joint])).collect()).collect();
    for keys in &mut parts {
        for at in 1..keys.len() {
            if keys[at].turn.dot(keys[at - 1].turn) < 0.0 {
                keys[at].turn = -keys[at].turn;
            }
        }
    }
    let all = || parts.iter().flatten();
    let low = all().fold(DVec3::INFINITY, |low, key| low.min(key.shift));
    let high = all().fold(DVec3::NEG_INFINITY, |high, key| high.max(key.shift));
    let (pose_origin, pose_step) = pose::grid(low, high);
    let grid = Grid { pose_origin, pose_step, ..Grid::default() };
    let origin = DVec3::from_array(pose_origin.map(f64::from));
    let mut planes: [Vec<u32>; Plane::COUNT] = Default::default();
    planes[Plane::Drive.index()] = all()
        .flat_map(|key| {
            let [a, b, c, d] = key.turn.to_array().map(|value| signed(value * LIMIT));
            let [x, y, z] = ((key.shift - origin) / f64::from(pose_step)).to_array().map(signed);
            [pair(a, b), pair(c, d), pair(x, y), pair(z, factor_bits(key.factor))]
        })
        .collect();
    if !all().all(Parts::is_plain) {
        planes[Plane::Stretch.index()] = all()
            .flat_map(|key| {
                let [xx, yy, zz, xy, xz, yz] = key.rest.map(|value| signed(value * UNIT));
                [pair(xx, yy), pair(zz, xy), pair(xz, yz)]
            })
            .collect();
    }
    SegmentData {
        id: (0, 0),
        start,
        end,
        lod: FULL_LOD,
        full_splats: joints,
        splats: joints,
        keys: Keys { frames: u8::try_from(frames.len()).unwrap_or(Keys::MOST_FRAMES), ..Keys::ONE },
        lod_gains: [1.0; LODS],
        clusters: Vec::new(),
        planes,
        poses: Vec::new(),
        carries: false,
        grid,
        palette: None,
        rig: None,
    }
}

/// Whether a key of a file has a turn.
pub(super) fn sound(words: [u32; 4]) -> bool {
    words[0] != 0 || words[1] != 0
}

/// [`factor_of`] in f32; most are 1.
fn factor_f32(bits: u16) -> f32 {
    if bits == ONE_BITS { 1.0 } else { ((f32::from(bits) - f32::from(ONE_BITS)) / 2048.0).exp2() }
}

/// One key, in f32: this is the frame path.
struct Key {
    turn: [f32; 4],
    shift: [f32; 3],
    factor: f32,
    rest: [f32; 6],
}

impl Key {
    fn at(data: &SegmentData, record: usize) -> Option<Self> {
        let words = data.planes[Plane::Drive.index()].get(record * 4..)?.first_chunk::<4>()?;
        let value = |bits: u16| f32::from(bits.cast_signed());
        let ([a, b], [c, d]) = (from_pair(words[0]), from_pair(words[1]));
        let ([x, y], [z, factor]) = (from_pair(words[2]), from_pair(words[3]));
        let stretch =
            data.planes[Plane::Stretch.index()].get(record * 3..).and_then(<[u32]>::first_chunk::<3>);
        let rest = stretch.map_or([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], |words| {
            let ([xx, yy], [zz, xy], [xz, yz]) =
                (from_pair(words[0]), from_pair(words[1]), from_pair(words[2]));
            [xx, yy, zz, xy, xz, yz].map(|bits| value(bits) / 16_384.0)
        });
        let shift = [x, y, z].map(|bits| value(bits) * data.grid.pose_step);
        Some(Self {
            turn: [a, b, c, d].map(value),
            shift: std::array::from_fn(|axis| data.grid.pose_origin[axis] + shift[axis]),
            factor: factor_f32(factor),
            rest,
        })
    }

    /// What lies between two keys, and the map it makes.
    fn between(&self, next: &Self, part: f32) -> Affine {
        let mix = |a: f32, b: f32| a + (b - a) * part;
        let dot: f32 = (0..4).map(|at| self.turn[at] * next.turn[at]).sum();
        let sign = if dot < 0.0 { -1.0 } else { 1.0 };
        let q: [f32; 4] = std::array::from_fn(|at| mix(self.turn[at], next.turn[at] * sign));
        let length = q.iter().map(|value| value * value).sum::<f32>().sqrt();
        let [x, y, z, w] = if length > 0.0 { q.map(|value| value / length) } else { [0.0, 0.0, 0.0, 1.0] };
        let turn = [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
        ];
        let factor = mix(self.factor, next.factor);
        let [xx, yy, zz, xy, xz, yz] = std::array::from_fn(|at| mix(self.rest[at], next.rest[at]) * factor);
        let rest = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]];
        std::array::from_fn(|row| {
            let of = |column: usize| (0..3).map(|k| turn[row][k] * rest[k][column]).sum();
            [of(0), of(1), of(2), mix(self.shift[row], next.shift[row])]
        })
    }
}

/// Where each joint stands at `fraction` of a segment that drives joints. Does not allocate where `out` has room.
pub fn joints_at(data: &SegmentData, fraction: f64, out: &mut Vec<Affine>) {
    out.clear();
    let keys = usize::from(data.keys.frames);
    let Some(intervals) = keys.checked_sub(1).filter(|&intervals| intervals > 0) else { return };
    let place = fraction.clamp(0.0, 1.0) * intervals as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the intervals"
    )]
    let first = (place.floor() as usize).min(intervals - 1);
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
    let part = (place - first as f64) as f32;
    let pairs = (0..data.splats).map_while(|joint| {
        let at = joint * keys + first;
        Some((Key::at(data, at)?, Key::at(data, at + 1)?))
    });
    out.extend(pairs.map(|(now, next)| now.between(&next, part)));
}

/// The largest distance, in metres, between where a joint's map takes the points of a ball and where its stored form does:
/// `ball` is centre and radius in the joint's own space.
pub(super) fn error_metres(wanted: &Affine, stored: &Affine, ball: [f64; 4]) -> f64 {
    let (a, b) = (rig::wide(wanted), rig::wide(stored));
    let [x, y, z, radius] = ball;
    let centre = DVec3::new(x, y, z);
    let off: DMat3 = a.matrix3 - b.matrix3;
    let middle = (a.transform_point3(centre) - b.transform_point3(centre)).length();
    // The Frobenius norm bounds what any direction can add.
    middle + radius.max(0.0) * off.to_cols_array().iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DAffine3;

    fn frames(sheared: bool) -> Vec<Vec<Affine>> {
        let joint = |at: f64, joint: f64| {
            let turn = DQuat::from_euler(glam::EulerRot::XYZ, at * 0.2, joint, at * 0.1 - joint);
            let scale =
                if sheared { DVec3::new(1.0, 0.5 + 0.1 * joint, -0.3) } else { DVec3::splat(0.01 + joint) };
            let place = DVec3::new(joint * 0.3, at * 0.02, -joint);
            let shear = if sheared {
                DMat3::from_cols(DVec3::X, DVec3::new(0.2, 1.0, 0.0), DVec3::Z)
            } else {
                DMat3::IDENTITY
            };
            let map = DAffine3::from_scale_rotation_translation(scale, turn, place);
            rig::narrow(&DAffine3 { matrix3: map.matrix3 * shear, ..map })
        };
        (0..5).map(|at| (0..7).map(|j| joint(f64::from(at), f64::from(j))).collect()).collect()
    }

    #[test]
    fn joints_come_back_near_and_between() {
        for sheared in [false, true] {
            let wanted = frames(sheared);
            let data = encode(&wanted, 0, 4000);
            assert_eq!(data.planes[Plane::Stretch.index()].is_empty(), !sheared);
            assert!(data.planes[Plane::Drive.index()].as_chunks::<4>().0.iter().all(|words| sound(*words)));
            let mut found = Vec::new();
            for (at, frame) in wanted.iter().enumerate() {
                joints_at(&data, at as f64 / 4.0, &mut found);
                assert_eq!(found.len(), 7);
                for (wanted, found) in frame.iter().zip(&found) {
                    let size = rig::wide(wanted).matrix3.x_axis.length().max(1.0);
                    let error = error_metres(wanted, found, [0.1, 0.0, 0.0, 0.3]);
                    assert!(error < 5e-4 * size, "frame {at}: {error}");
                }
            }
            // Half way, what turns keeps its size.
            joints_at(&data, 0.125, &mut found);
            let (now, before) = (rig::wide(&found[3]), rig::wide(&wanted[0][3]));
            let ratio = now.matrix3.determinant() / before.matrix3.determinant();
            assert!((ratio - 1.0).abs() < 2e-3, "{ratio}");
            joints_at(&data, 7.0, &mut found);
            let end = error_metres(&wanted[4][2], &found[2], [0.0, 0.0, 0.0, 0.1]);
            assert!(end < 1e-3, "beyond the end is the end: {end}");
        }
    }

    #[test]
    fn rest_is_exact() {
        let data = encode(&[vec![rig::IDENTITY; 2], vec![rig::IDENTITY; 2]], 0, 10);
        let mut found = Vec::new();
        joints_at(&data, 0.3, &mut found);
        assert_eq!(found, [rig::IDENTITY; 2]);
        assert!(error_metres(&rig::IDENTITY, &found[0], [0.0, 0.0, 0.0, 1.0]) <= 0.0);
        joints_at(&SegmentData { keys: Keys::ONE, ..data }, 0.3, &mut found);
        assert!(found.is_empty(), "a segment without joints");
    }
}
