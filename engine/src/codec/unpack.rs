//! A segment's planes → splats again: for the reference renderer, for export, and for tests.

use super::stored::stored;
use super::{Decoder, motion, sh};
use crate::clip::Clip;
use crate::error::Result;
use crate::frame::SegmentData;
use crate::splat::{Life, Performance, Splat, Splats, sh_rest_len};
use crate::time::TickRate;

/// The splats of a segment in its order, with t0 and windows on the clip's clock. Windows are the stored, effective
/// ones: cut to the segment and to where the envelope shows. Their SH degree is that of the planes present.
#[must_use]
pub fn splats_of(data: &SegmentData, rate: TickRate) -> Splats {
    let shown = data.shown_planes();
    let degree = sh::DEGREES.iter().filter(|(plane, _)| shown & plane.bit() != 0).count();
    let mut out = Splats::new(u8::try_from(degree).unwrap_or(0));
    let mut rest = Vec::with_capacity(45);
    for index in 0..data.splats {
        let Some(splat) = splat(data, index, rate) else { break };
        rest.clear();
        for (plane, floats) in &sh::DEGREES {
            sh::unpack(sh::words_of(data, *plane, index), floats.len(), &mut rest);
        }
        out.push(&splat, &rest);
    }
    out
}

/// One splat without its harmonics; `None` beyond the planes.
fn splat(data: &SegmentData, index: usize, rate: TickRate) -> Option<Splat> {
    let found = stored(data, index)?;
    let origin = rate.seconds_from_ticks(data.start);
    let t0 = origin + f64::from(found.t0);
    let sigma_t = if found.inverse_sigma > 0.0 { found.inverse_sigma.recip() } else { f32::INFINITY };
    let start = data.start + i64::from(found.window.0);
    let end = data.start + i64::from(found.window.1);
    let mut splat = Splat {
        mean: found.mean,
        rotation: found.rotation,
        scale: found.scale,
        opacity: found.opacity,
        colour: found.colour,
        life: Life { t0, sigma_t, start, end },
        motion: found.motion,
    };
    // The model has one t0 for both: the motion moves to the envelope's peak.
    if found.peak != 0.0 {
        motion::move_origin(&mut splat, t0 + f64::from(found.peak));
    }
    Some(splat)
}

/// The whole clip as a performance: every segment decoded, windows that fill the clip opened again. A splat that the
/// writer cut at segment edges comes back as its pieces.
///
/// # Errors
/// As [`Decoder::decode`].
pub fn performance_of(clip: &Clip) -> Result<Performance> {
    let info = clip.info();
    let mut splats = Splats::new(info.sh_degree);
    let mut decoder = Decoder::new()?;
    let floats = sh_rest_len(info.sh_degree) * 3;
    for node in 0..clip.nodes().len() {
        let data = decoder.decode(clip, u32::try_from(node).unwrap_or(u32::MAX))?;
        let part = splats_of(&data, info.rate);
        for index in 0..part.len() {
            let mut splat = part.get(index);
            if (splat.life.start, splat.life.end) == (0, clip.span()) {
                (splat.life.start, splat.life.end) = (i64::MIN, i64::MAX);
            }
            let rest = part.sh_rest_of(index);
            splats.push(&splat, &rest[..rest.len().min(floats)]);
        }
    }
    Ok(Performance { info, splats })
}
