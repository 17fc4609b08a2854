//! Full planes → packed planes: what the profiles `local` and `network` do to a segment.
//!
//! Every attribute is rounded once, to a grid of its own whose step the profile sets, so that errors neither add up nor
//! drift. What a grid cannot hold keeps its full plane, attribute by attribute: a window that is no multiple of the
//! step, colours far apart, a turn too fast. The motion of every splat is first told from the middle of its window,
//! where its terms are smallest. Steps were chosen by the pictures they give; PROFILES.md has the figures.

use super::stored::{Stored, stored};
use super::words::{from_halves, halves};
use super::{cluster, colour, life, mean, motion, rotation, scale_opacity};
use crate::clip::Profile;
use crate::frame::{CLUSTER_SPLATS, Cluster, Grid, Keys, Plane, SegmentData};
use crate::splat::{Life, Splat};
use crate::time::TickRate;

/// The steps of one profile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    /// Metres, for splats of [`Self::size`]; a cluster of larger splats has larger ones.
    pub(super) mean: f32,
    /// Metres: splats whose middle axis is this.
    size: f32,
    /// Quaternion components.
    pub(super) rotation: f32,
    /// Natural logarithm.
    pub(super) scale: f32,
    /// sRGB-encoded.
    pub(super) colour: f32,
    /// Coefficients of the harmonics.
    pub(super) harmonic: f32,
    /// Metres by which a spline may miss the samples of a track, root mean square.
    pub(super) mean_tolerance: f32,
    /// Quaternion components likewise.
    pub(super) rotation_tolerance: f32,
}

impl Steps {
    pub(super) const fn of(profile: Profile) -> Option<Self> {
        match profile {
            Profile::Raw => None,
            Profile::Local => Some(Self {
                mean: 1.5e-5,
                size: 0.004,
                rotation: 1.0 / 256.0,
                scale: 0.02,
                colour: 1.0 / 256.0,
                harmonic: 1.0 / 256.0,
                mean_tolerance: 2e-4,
                rotation_tolerance: 1e-2,
            }),
            Profile::Network => Some(Self {
                mean: 1e-4,
                size: 0.004,
                rotation: 1.0 / 128.0,
                scale: 0.04,
                colour: 1.0 / 80.0,
                harmonic: 1.0 / 128.0,
                mean_tolerance: 1e-3,
                rotation_tolerance: 3e-2,
            }),
        }
    }
}

impl Steps {
    /// Whether a grid of `step` still does for an attribute whose grid should have `wanted`.
    pub(super) fn bears(&self, step: f32, wanted: f32) -> bool {
        step <= TOLERANCE * wanted
    }
}

/// How much coarser than the profile's a grid may be before the attribute keeps its full plane.
const TOLERANCE: f32 = 2.5;
/// Standard deviations below this (metres) are as good as flat: 20 µm is a tenth of a pixel at 7 cm.
const FLAT_METRES: f32 = 2e-5;
/// Radians by which a turn may be off because its packed spin has three components.
const TURN_RADIANS: f32 = 0.002;

/// The segment in the planes of `profile`.
#[must_use]
pub fn quantise(full: SegmentData, rate: TickRate, profile: Profile) -> SegmentData {
    let splats: Vec<Stored> = (0..full.splats).map_while(|index| stored(&full, index)).collect();
    match Steps::of(profile) {
        Some(steps) if full.splats > 0 && splats.len() == full.splats => {
            Packer { full, splats, steps }.pack(rate)
        }
        _ => full,
    }
}

/// A segment on its way.
struct Packer {
    full: SegmentData,
    splats: Vec<Stored>,
    steps: Steps,
}

impl Packer {
    fn pack(mut self, rate: TickRate) -> SegmentData {
        let mut out = SegmentData {
            id: self.full.id,
            start: self.full.start,
            end: self.full.end,
            lod: self.full.lod,
            full_splats: self.full.full_splats,
            splats: self.full.splats,
            keys: Keys::ONE,
            lod_gains: self.full.lod_gains,
            clusters: Vec::new(),
            planes: Default::default(),
            poses: Vec::new(),
            carries: false,
            grid: Grid::default(),
            palette: None,
            rig: None,
        };
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
        let tick_seconds = rate.seconds_from_ticks(1) as f32;
        out.grid.tick_seconds = tick_seconds;
        if self.lives(&mut out) {
            if !self.motions(&mut out) {
                return self.full;
            }
            self.rotations(&mut out);
        }
        self.means(&mut out);
        self.scales(&mut out);
        self.colours(&mut out);
        for plane in [Plane::Sh1, Plane::Sh2, Plane::Sh3] {
            let rounded = |half: f32| (half / self.steps.harmonic).round() * self.steps.harmonic;
            out.planes[plane.index()] = self.full.planes[plane.index()]
                .iter()
                .map(|&word| {
                    let [low, high] = from_halves(word).map(rounded);
                    halves(low, high)
                })
                .collect();
        }
        out.clusters = cluster::clusters(&out, rate);
        out
    }

    /// Windows and envelopes. Packed where windows stay exact and turns can be told from the window's middle in three
    /// components; else the full plane, and full motion and rotation with it. Whether they are packed.
    fn lives(&mut self, out: &mut SegmentData) -> bool {
        let ticks = u32::try_from(out.end - out.start).unwrap_or(u32::MAX);
        let step = life::window_step(ticks);
        let tick_seconds = out.grid.tick_seconds;
        let mut centred = self.splats.clone();
        centred.iter_mut().for_each(|splat| centre(splat, tick_seconds));
        let turns = centred.iter().all(|splat| {
            let along: f32 = (0..4).map(|at| splat.rotation[at] * splat.motion.spin[at]).sum();
            let spin = motion::own_spin(splat.rotation, splat.motion.spin);
            let across = spin.iter().map(|value| value * value).sum::<f32>().sqrt();
            along.abs() * across * life::half_length(splat.window, tick_seconds).powi(2) <= TURN_RADIANS
        });
        let short = |splat: &Stored| life::Short {
            window: splat.window,
            peak: splat.peak,
            inverse_sigma: splat.inverse_sigma,
        };
        let words: Option<Vec<[u32; 2]>> = if turns && life::step_sound(step) {
            centred.iter().map(|splat| life::pack_short(short(splat), step, ticks)).collect()
        } else {
            None
        };
        let Some(words) = words else {
            let record = |splat: &Stored| life::Record {
                t0: splat.t0,
                inverse_sigma: splat.inverse_sigma,
                window: splat.window,
            };
            out.planes[Plane::Life.index()] =
                self.splats.iter().flat_map(|splat| life::pack(record(splat))).collect();
            for plane in [Plane::Velocity, Plane::Curve, Plane::Rotation] {
                out.planes[plane.index()].clone_from(&self.full.planes[plane.index()]);
            }
            return false;
        };
        self.splats = centred;
        out.grid.window_step = step;
        let plain = |splat: &Stored| splat.window == (0, ticks) && splat.inverse_sigma <= 0.0;
        if !self.splats.iter().all(plain) {
            out.planes[Plane::PackedLife.index()] = words.into_flattened();
        }
        true
    }

    /// Velocity, curve and spin, packed or full; false when they fit neither.
    fn motions(&self, out: &mut SegmentData) -> bool {
        let tick_seconds = out.grid.tick_seconds;
        // Terms as what they add by the end of the window: all in one unit, however long it is.
        let added = |splat: &Stored| {
            let half = life::half_length(splat.window, tick_seconds);
            let motion = splat.motion;
            let spin = motion::own_spin(splat.rotation, motion.spin);
            [
                motion.velocity.map(|value| value * half),
                motion.quadratic.map(|value| value * half.powi(2)),
                motion.cubic.map(|value| value * half.powi(3)),
                spin.map(|value| value * half),
            ]
        };
        let mut largest = [0.0_f32; 4];
        for terms in self.splats.iter().map(added) {
            for (most, term) in largest.iter_mut().zip(terms) {
                *most = term.into_iter().map(f32::abs).fold(*most, f32::max);
            }
        }
        // The higher terms reach what they add at the very end only, so theirs may be coarser.
        let Steps { mean, rotation, .. } = self.steps;
        let wanted = [mean, 1.5 * mean, 2.0 * mean, rotation];
        let steps: [f32; 4] = std::array::from_fn(|at| wanted[at].max(largest[at] / motion::BIN_LIMIT));
        let optional = |words: Vec<u32>| if words.iter().all(|&word| word == 0) { Vec::new() } else { words };
        if (0..4).all(|at| steps[at] <= TOLERANCE * wanted[at]) && motion::steps_sound(steps) {
            let grid = &mut out.grid;
            [grid.velocity_step, grid.quadratic_step, grid.cubic_step, grid.spin_step] = steps;
            let terms = || self.splats.iter().map(added);
            let velocities =
                terms().flat_map(|[velocity, ..]| motion::pack_velocity_bins(velocity, steps[0]));
            out.planes[Plane::PackedVelocity.index()] = optional(velocities.collect());
            let curves = terms().flat_map(|[_, quadratic, cubic, spin]| {
                motion::pack_curve_bins([quadratic, cubic, spin], &out.grid)
            });
            out.planes[Plane::PackedCurve.index()] = optional(curves.collect());
            return true;
        }
        let velocities = self.splats.iter().flat_map(|splat| motion::pack_velocity(splat.motion.velocity));
        let curves = self.splats.iter().flat_map(|splat| motion::pack_curve(&splat.motion));
        out.planes[Plane::Velocity.index()] = optional(velocities.collect());
        out.planes[Plane::Curve.index()] = optional(curves.collect());
        self.splats.iter().all(|splat| motion::fits(&splat.motion))
    }

    fn means(&self, out: &mut SegmentData) {
        for splats in self.splats.chunks(CLUSTER_SPLATS) {
            let means: Vec<[f32; 3]> = splats.iter().map(|splat| splat.mean).collect();
            let (origin, step) =
                mean::grid(&means, mean_step(&self.steps, splats.iter().map(|splat| splat.scale)));
            out.clusters.push(Cluster { origin, step, ..Cluster::default() });
            out.planes[Plane::PackedMean.index()]
                .extend(means.iter().flat_map(|&mean| mean::pack_bins(mean, origin, step)));
        }
    }

    fn rotations(&self, out: &mut SegmentData) {
        let step = self.steps.rotation.max(rotation::THREE_LEAST_STEP);
        out.grid.rotation_step = step;
        out.planes[Plane::PackedRotation.index()] =
            self.splats.iter().map(|splat| rotation::pack_three(splat.rotation, step)).collect();
    }

    fn scales(&self, out: &mut SegmentData) {
        let logs = || self.splats.iter().flat_map(|splat| splat.scale).map(f32::ln);
        let Some((least, step)) = flat_least(logs, &self.steps) else {
            out.planes[Plane::ScaleOpacity.index()]
                .clone_from(&self.full.planes[Plane::ScaleOpacity.index()]);
            return;
        };
        (out.grid.scale_least, out.grid.scale_step) = (least, step);
        let pack = |splat: &Stored| scale_opacity::pack_bytes(splat.scale, splat.opacity, least, step);
        out.planes[Plane::PackedScaleOpacity.index()] = self.splats.iter().map(pack).collect();
    }

    fn colours(&self, out: &mut SegmentData) {
        let channels = || self.splats.iter().flat_map(|splat| splat.colour);
        let least = channels().fold(f32::INFINITY, f32::min);
        let most = channels().fold(f32::NEG_INFINITY, f32::max);
        let step = self.steps.colour.max((most - least) / colour::TEN_BITS);
        if !self.steps.bears(step, self.steps.colour) || !colour::grid_sound(least, step) {
            out.planes[Plane::Colour.index()].clone_from(&self.full.planes[Plane::Colour.index()]);
            return;
        }
        (out.grid.colour_least, out.grid.colour_step) = (least, step);
        out.planes[Plane::PackedColour.index()] =
            self.splats.iter().map(|splat| colour::pack_tens(splat.colour, least, step)).collect();
    }
}

/// The step of the means of a cluster: by the lower quartile of its splats' middle axes, in powers of two.
pub(super) fn mean_step(steps: &Steps, scales: impl Iterator<Item = [f32; 3]>) -> f32 {
    let mut sizes: Vec<f32> = scales
        .map(|mut axes| {
            axes.sort_by(f32::total_cmp);
            axes[1]
        })
        .collect();
    sizes.sort_by(f32::total_cmp);
    let size = sizes.get(sizes.len() / 4).copied().unwrap_or(steps.size);
    steps.mean * (size / steps.size).log2().floor().clamp(-1.0, 4.0).exp2()
}

/// The grid of a segment's log-scales, least and step; `None` when they lie too far apart.
pub(super) fn flat_least<I: Iterator<Item = f32>>(logs: impl Fn() -> I, steps: &Steps) -> Option<(f32, f32)> {
    let most = logs().fold(f32::NEG_INFINITY, f32::max);
    let flat = FLAT_METRES.ln().min(most);
    let least = logs().map(|log| log.max(flat)).fold(f32::INFINITY, f32::min);
    let step = steps.scale.max((most - least) / scale_opacity::BYTE_LIMIT);
    (steps.bears(step, steps.scale) && scale_opacity::grid_sound(least, step)).then_some((least, step))
}

/// Tells a splat's motion from the middle of its window.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
fn centre(stored: &mut Stored, tick_seconds: f32) {
    let t0 = life::middle(stored.window, tick_seconds);
    let mut splat = Splat {
        mean: stored.mean,
        rotation: stored.rotation,
        life: Life { t0: f64::from(stored.t0), ..Life::ALWAYS },
        motion: stored.motion,
        ..Splat::DEFAULT
    };
    motion::move_origin(&mut splat, f64::from(t0));
    if !motion::normalise(&mut splat) {
        return;
    }
    stored.peak = (f64::from(stored.t0) + f64::from(stored.peak) - f64::from(t0)) as f32;
    if stored.inverse_sigma <= 0.0 {
        stored.peak = 0.0;
    }
    (stored.mean, stored.rotation, stored.motion, stored.t0) = (splat.mean, splat.rotation, splat.motion, t0);
}
