//! A limb that swings: a sequence of splats that keep their identity, for tests of tracks. Pure and exact.

use glam::{Quat, Vec3};
use vivant::splat::{Appearance, ClipInfo, Splat, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};

/// Frames a second of a limb.
pub const FPS: u32 = 30;

/// What a sequence of so many frames is as a clip.
#[must_use]
pub fn info(frames: usize) -> ClipInfo {
    let rate = TickRate { num: FPS * TICKS_PER_FRAME, den: 1 };
    let duration = i64::try_from(frames).unwrap_or(0) * i64::from(TICKS_PER_FRAME);
    ClipInfo { rate, duration, fps: (FPS, 1), sh_degree: 0, appearance: Appearance::default() }
}

/// The limb at `seconds`: `count` splats on a bent tube of 0.8 m whose two joints swing, and a still floor under it.
#[must_use]
pub fn at(count: usize, seconds: f32) -> Splats {
    let mut out = Splats::new(0);
    let upper = Quat::from_rotation_z(0.7 * (seconds * 4.1).sin()) * Quat::from_rotation_y(seconds * 0.9);
    let lower = upper * Quat::from_rotation_x(0.5 + 0.5 * (seconds * 6.3 + 1.0).sin());
    let elbow = upper * Vec3::new(0.0, -0.4, 0.0);
    for index in 0..count {
        let [along, around, grain] = [index * 73 % 997, index * 41 % 601, index * 31 % 89];
        let [along, around, grain] = [along as f32 / 997.0, around as f32 / 601.0, grain as f32 / 89.0];
        let colour = [0.3 + 0.4 * along, 0.3 + 0.5 * grain, 0.4 + 0.3 * around];
        if index % 8 == 0 {
            // The floor.
            let mean = [along - 0.5, -1.0, around - 0.5];
            out.push(&Splat { mean, scale: [0.008, 0.008, 0.001], colour, ..Splat::DEFAULT }, &[]);
            continue;
        }
        let angle = around * std::f32::consts::TAU;
        let local = Quat::from_rotation_y(angle);
        let side = local * Vec3::new(0.0, 0.0, 0.05);
        let (turn, mean) = if along < 0.5 {
            (upper, upper * (Vec3::new(0.0, -0.8 * along, 0.0) + side))
        } else {
            (lower, elbow + lower * (Vec3::new(0.0, -0.8 * (along - 0.5), 0.0) + side))
        };
        // Cloth that breathes.
        let stretch = 1.0 + 0.15 * (seconds * 3.0 + along * 5.0).sin();
        let splat = Splat {
            mean: mean.to_array(),
            rotation: (turn * local).to_array(),
            scale: [0.006 * stretch, 0.006, 0.0008],
            opacity: 0.95,
            colour,
            ..Splat::DEFAULT
        };
        out.push(&splat, &[]);
    }
    out
}

/// All frames of a sequence.
#[must_use]
pub fn frames(count: usize, frames: usize) -> Vec<Splats> {
    (0..frames).map(|frame| at(count, frame as f32 / FPS as f32)).collect()
}
