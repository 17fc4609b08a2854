//! Seeded random numbers: PCG-XSH-RR 64/32 (O'Neill 2014). The same on every machine.

/// A generator; equal seeds give equal numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_add(0x9E37_79B9_7F4A_7C15));
        random.word();
        random
    }

    /// 32 random bits.
    pub fn word(&mut self) -> u32 {
        let state = self.0;
        self.0 = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_possible_truncation, reason = "the generator takes these bits")]
        let (shuffled, rotation) = ((((state >> 18) ^ state) >> 27) as u32, (state >> 59) as u32);
        shuffled.rotate_right(rotation)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        (self.word() >> 8) as f32 / 16_777_216.0
    }

    /// Uniform in `low..high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.word() % bound.max(1)
    }

    /// Roughly normal, mean 0, deviation 1 (the sum of twelve uniforms).
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }

    /// A random unit quaternion xyzw.
    pub fn rotation(&mut self) -> [f32; 4] {
        let q = glam::Vec4::new(self.normal(), self.normal(), self.normal(), self.normal());
        q.try_normalize().unwrap_or(glam::Vec4::W).to_array()
    }
}
