//! Splats → a segment that only has to be written: encoded, quantised, named after the palette, compressed. Needs of its writer a few numbers, so
//! that the segments of a long clip are prepared side by side and written in turn.

use std::sync::Arc;

use super::encode::{Dropped, encode};
use super::packed::quantise;
use super::palette::with_palette;
use crate::clip::{Compression, PackedSegment, Profile, Writer};
use crate::error::{Error, Result};
use crate::frame::Palette;
use crate::splat::{Life, ShOrigin, Splats};
use crate::time::TickRate;

/// Prepares segments for one writer, on any thread.
#[derive(Debug, Clone)]
pub struct Preparer {
    rate: TickRate,
    sh_degree: u8,
    profile: Profile,
    compression: Compression,
    /// The palette that was written before.
    palette: Option<Arc<Palette>>,
    /// Whether the clip is drawn from where splats are at t0, so that t0 must stay where it is.
    rest: bool,
    name: String,
}

/// A segment for [`Writer::push_prepared`].
#[derive(Debug)]
pub struct Prepared {
    level: u8,
    packed: PackedSegment,
    dropped: Dropped,
}

impl Preparer {
    /// Encodes splats into a segment over the ticks `[start, end)` of `level`. Windows are cut to the segment.
    ///
    /// # Errors
    /// As [`encode`]; [`Error::InvalidArgument`] for splats of a higher SH degree than the clip's.
    pub fn prepare(&self, level: u8, start: i64, end: i64, splats: &Splats) -> Result<Prepared> {
        if splats.sh_degree > self.sh_degree {
            return Err(Error::invalid(format!(
                "splats of SH degree {} do not fit a clip of degree {}",
                splats.sh_degree, self.sh_degree
            )));
        }
        let held = self.rest.then(|| held(splats));
        let encoded = encode(held.as_ref().unwrap_or(splats), start, end, self.rate)?;
        let mut data = quantise(encoded.data, self.rate, self.profile);
        if let Some(palette) = &self.palette {
            data = with_palette(data, palette);
        }
        let packed = PackedSegment::new(data, &encoded.channels, self.compression, &self.name)?;
        Ok(Prepared { level, packed, dropped: encoded.dropped })
    }
}

/// Standard deviation of an envelope that leaves no trace, seconds: over four hours it takes 1/10,000 of the opacity.
const ENDLESS_SECONDS: f32 = 1e6;

/// The splats, each with an envelope: t0 of a splat without one is free to be moved, as nothing else depends on it.
fn held(splats: &Splats) -> Splats {
    let mut out = splats.clone();
    if !out.motion.is_empty() {
        out.life.resize(splats.len(), Life::ALWAYS);
    }
    out.life.iter_mut().for_each(|life| life.sigma_t = life.sigma_t.min(ENDLESS_SECONDS));
    out
}

impl Writer {
    /// What prepares segments for this clip.
    #[must_use]
    pub fn preparer(&self) -> Preparer {
        let (info, options) = (self.info(), self.options());
        Preparer {
            rate: info.rate,
            sh_degree: info.sh_degree,
            profile: options.profile,
            compression: options.compression,
            palette: self.palette().cloned(),
            rest: info.appearance.sh_origin == ShOrigin::Rest,
            name: self.name().to_owned(),
        }
    }

    /// Writes a segment that [`Self::preparer`] made; what it left out is counted in the report.
    ///
    /// # Errors
    /// As [`Writer::push_data`].
    pub fn push_prepared(&mut self, prepared: &Prepared) -> Result<()> {
        self.push_packed(prepared.level, &prepared.packed)?;
        self.report.dropped_unseen += prepared.dropped.unseen;
        self.report.dropped_out_of_range += prepared.dropped.out_of_range;
        Ok(())
    }

    /// Encodes splats into a segment over the ticks `[start, end)` of `level` and writes it. Windows are cut to the
    /// segment; what cannot be shown or stored is counted in the report.
    ///
    /// # Errors
    /// As [`Preparer::prepare`] and [`Writer::push_data`].
    pub fn push_segment(&mut self, level: u8, start: i64, end: i64, splats: &Splats) -> Result<()> {
        let prepared = self.preparer().prepare(level, start, end, splats)?;
        self.push_prepared(&prepared)
    }
}
