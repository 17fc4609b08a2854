//! The performance model: temporal Gaussians in one structure of arrays, whatever trained them.
//!
//! Every constant-parameter 4D Gaussian is exactly a 3D Gaussian that moves in a straight line under a Gaussian
//! opacity envelope, so one record plays all sources. With `dt = t - t0` in seconds:
//!
//! ```text
//! position(t) = mean + velocity·dt + quadratic·dt² + cubic·dt³
//! rotation(t) = normalize(rotation + spin·dt)
//! opacity(t)  = opacity · exp(−½ (dt / sigma_t)²)     inside the window [start, end), else 0
//! colour(dir) = max(0, base + Σ_{k≥1} Y_k(dir) · sh_k)
//! ```
//!
//! A static scene is `sigma_t = ∞` with an open window; a frame of a sequence is a window with no motion.
//! This is the import side's view of a clip: exact, plain, f32 (f64 for time). The planes the GPU reads are made
//! from it by [`crate::codec`].

mod appearance;

pub use appearance::{Antialias, Appearance, ColourDomain, Kernel, ShOrigin};

use crate::channel::{self, Channel};
use crate::error::{Error, Result};
use crate::time::TickRate;

/// `Y_0`, the constant spherical harmonic: `1 / (2·√π)`.
pub const SH_C0: f32 = 0.282_094_8;

/// How a splat moves: everything beyond its place at `t0`. Metres and seconds; see the module for the formula.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Motion {
    /// First-order term, m/s.
    pub velocity: [f32; 3],
    /// Second-order term, m/s² (the factor of dt², so half the acceleration).
    pub quadratic: [f32; 3],
    /// Third-order term, m/s³ (the factor of dt³).
    pub cubic: [f32; 3],
    /// Rate of the quaternion, xyzw, 1/s; the sum is normalised after it is added.
    pub spin: [f32; 4],
}

/// When a splat is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Life {
    /// Centre of the opacity envelope and origin of the motion, seconds from the start of the clip.
    pub t0: f64,
    /// Standard deviation of the envelope, seconds; infinity for none.
    pub sigma_t: f32,
    /// First tick at which the splat shows; `i64::MIN` for always.
    pub start: i64,
    /// First tick at which it no longer shows; `i64::MAX` for never.
    pub end: i64,
}

impl Life {
    /// Always there, no envelope.
    pub const ALWAYS: Self = Self { t0: 0.0, sigma_t: f32::INFINITY, start: i64::MIN, end: i64::MAX };
}

/// Everything about one splat; the unit in which [`Splats`] is filled and read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Splat {
    /// Centre at `t0`, metres, right-handed, +Y up.
    pub mean: [f32; 3],
    /// Unit quaternion xyzw at `t0`.
    pub rotation: [f32; 4],
    /// Standard deviations along the rotated axes, metres, linear.
    pub scale: [f32; 3],
    /// Peak opacity in 0..=1.
    pub opacity: f32,
    /// Base colour `0.5 + C0·f_dc` as trained, sRGB-encoded unless the clip's [`ColourDomain`] is linear; may lie outside
    /// 0..1.
    pub colour: [f32; 3],
    /// When it is there.
    pub life: Life,
    /// How it moves.
    pub motion: Motion,
}

impl Splat {
    /// A grey, round, opaque, static splat of 1 cm at the origin: what is not set is this.
    pub const DEFAULT: Self = Self {
        mean: [0.0; 3],
        rotation: [0.0, 0.0, 0.0, 1.0],
        scale: [0.01; 3],
        opacity: 1.0,
        colour: [0.5; 3],
        life: Life::ALWAYS,
        motion: Motion { velocity: [0.0; 3], quadratic: [0.0; 3], cubic: [0.0; 3], spin: [0.0; 4] },
    };
}

/// Number of SH coefficients above the base colour for a degree: 0, 3, 8, 15.
#[must_use]
pub const fn sh_rest_len(degree: u8) -> usize {
    let d = degree as usize + 1;
    d * d - 1
}

/// A set of splats, one array per attribute, all of the same length.
///
/// `life` and `motion` are empty when every splat is static; `sh_rest` is empty at degree 0; `channels` is empty when
/// splats carry nothing besides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Splats {
    /// Centres at `t0`, metres.
    pub mean: Vec<[f32; 3]>,
    /// Unit quaternions xyzw at `t0`.
    pub rotation: Vec<[f32; 4]>,
    /// Linear standard deviations, metres.
    pub scale: Vec<[f32; 3]>,
    /// Peak opacities, 0..=1.
    pub opacity: Vec<f32>,
    /// Base colours, in the clip's [`ColourDomain`].
    pub colour: Vec<[f32; 3]>,
    /// Spherical-harmonic degree of `sh_rest`, 0..=3.
    pub sh_degree: u8,
    /// Coefficients above the base, [`sh_rest_len`] × RGB a splat, coefficient-major with RGB interleaved.
    pub sh_rest: Vec<f32>,
    /// Lives, or empty when all are [`Life::ALWAYS`].
    pub life: Vec<Life>,
    /// Motions, or empty when nothing moves.
    pub motion: Vec<Motion>,
    /// What they carry besides, at most [`channel::MOST_CHANNELS`], each with a word a splat.
    pub channels: Vec<Channel>,
}

impl Splats {
    /// An empty set that will hold `sh_degree` harmonics.
    #[must_use]
    pub fn new(sh_degree: u8) -> Self {
        Self { sh_degree, ..Self::default() }
    }

    /// Number of splats.
    #[must_use]
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// Floats of `sh_rest` a splat.
    #[must_use]
    pub fn sh_stride(&self) -> usize {
        sh_rest_len(self.sh_degree) * 3
    }

    /// Appends one splat. `sh_rest` must hold [`Self::sh_stride`] floats; missing ones are zero. In every channel it has
    /// 0; what it has in another set, [`channel::push`] brings.
    pub fn push(&mut self, splat: &Splat, sh_rest: &[f32]) {
        let before = self.len();
        if splat.life != Life::ALWAYS && self.life.is_empty() {
            self.life.resize(before, Life::ALWAYS);
        }
        if splat.motion != Motion::default() && self.motion.is_empty() {
            self.motion.resize(before, Motion::default());
        }
        self.mean.push(splat.mean);
        self.rotation.push(splat.rotation);
        self.scale.push(splat.scale);
        self.opacity.push(splat.opacity);
        self.colour.push(splat.colour);
        if !self.life.is_empty() || splat.life != Life::ALWAYS {
            self.life.push(splat.life);
        }
        if !self.motion.is_empty() || splat.motion != Motion::default() {
            self.motion.push(splat.motion);
        }
        let stride = self.sh_stride();
        let copied = sh_rest.len().min(stride);
        self.sh_rest.extend_from_slice(&sh_rest[..copied]);
        self.sh_rest.resize(self.len() * stride, 0.0);
        // Longer where a whole set is being appended, whose channels came first.
        let short = self.channels.iter_mut().filter(|channel| channel.words.len() <= before);
        short.for_each(|channel| channel.words.resize(before + 1, 0));
    }

    /// Splat `index`, without its harmonics.
    #[must_use]
    pub fn get(&self, index: usize) -> Splat {
        Splat {
            mean: self.mean[index],
            rotation: self.rotation[index],
            scale: self.scale[index],
            opacity: self.opacity[index],
            colour: self.colour[index],
            life: self.life.get(index).copied().unwrap_or(Life::ALWAYS),
            motion: self.motion.get(index).copied().unwrap_or_default(),
        }
    }

    /// The harmonics of splat `index` above the base colour; empty at degree 0.
    #[must_use]
    pub fn sh_rest_of(&self, index: usize) -> &[f32] {
        let stride = self.sh_stride();
        &self.sh_rest[index * stride..(index + 1) * stride]
    }

    /// Copies the splats named by `indices`, in that order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut out = Self::new(self.sh_degree);
        for &index in indices {
            out.push(&self.get(index), self.sh_rest_of(index));
        }
        out.channels = channel::select(&self.channels, indices);
        out
    }

    /// Appends every splat of `other`, which must have the same SH degree. Channels are joined by name, see
    /// [`channel::append`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the degrees differ.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        if other.sh_degree != self.sh_degree {
            return Err(Error::invalid(format!(
                "cannot join splats of SH degree {} and {}",
                self.sh_degree, other.sh_degree
            )));
        }
        let before = self.len();
        channel::append(&mut self.channels, before, &other.channels, other.len());
        for index in 0..other.len() {
            self.push(&other.get(index), other.sh_rest_of(index));
        }
        Ok(())
    }
}

/// What a clip is, apart from its splats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipInfo {
    /// Ticks a second.
    pub rate: TickRate,
    /// Length in ticks; a static scene has 0.
    pub duration: i64,
    /// Frames a second as a fraction, for display and stepping; (0, 1) for a static scene.
    pub fps: (u32, u32),
    /// Highest SH degree of any splat.
    pub sh_degree: u8,
    /// How it asks to be drawn.
    pub appearance: Appearance,
}

/// A whole performance in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Performance {
    /// What it is.
    pub info: ClipInfo,
    /// Its splats; windows are in ticks of `info.rate`.
    pub splats: Splats,
}
