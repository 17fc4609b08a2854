//! Gaussian-Flow (Lin et al., CVPR 2024): splats that move, turn and change colour by a polynomial and a Fourier series each
//! ([`curve`]), as its two code bases save them. Baked: each splat becomes the pieces that [`crate::split`] needs to stay
//! within the bound.
//!
//! ```text
//! t′ = t·factor + offset − time_centre        t from 0 to 1 over the performance
//! position = xyz + D(t′)     rotation = normalize(q + D(t′))     f_dc and f_rest + D(t′)     opacity, scale constant
//! ```
//! The bound is on distance; the bound on the angle follows from it and the size of the splat (its outline moves no farther).
//! Factor and offset stand in the settings beside the file.

mod curve;
mod model;

use std::path::Path;

use rayon::prelude::*;
use vivant::Result;
use vivant::splat::{Appearance, SH_C0};

use crate::Axes;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::report::Report;
use crate::split::{self, Bound, Piece, Reached, Sample};
use crate::temporal::{self, Clock, Temporal};
use crate::whole::Whole;

use model::Model;

/// How far a splat may be from its path, metres, if the user does not say.
const DISTANCE: f32 = 1e-3;
/// How far a colour may be off, in 0..1.
const COLOUR: f64 = 1.0 / 255.0;
/// Bounds on the angle, radians: beyond, a chord is no path; below, no eye sees it.
const ANGLE: [f64; 2] = [2e-3, 0.4];
/// Frames for which time runs from 0 to 1: those of the scenes that it is shown on.
const FRAMES: u32 = 300;
/// Numbers of a base colour and its harmonics.
const COLOURS: usize = 48;

/// What is read of these checkpoints.
pub(crate) const FORMAT: Format = Format {
    name: "gaussian-flow",
    system: "Gaussian-Flow (chkpnt*.pth, either code base)",
    fidelity: Fidelity::Baked,
    limits: "paths are followed within --error; the length is not in the file: --seconds",
    detect: |probe| probe.checkpoint.as_ref().is_some_and(model::is_known),
    open: Open::Whole(open),
};

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let mut report = Report::default();
    let model = Model::read(path, &mut report)?;
    let clock = Clock::normalised(options, FRAMES, "nothing says how many there are", &mut report)?;
    let splats = if model.rest_moves() {
        bake::<COLOURS>(&model, &clock, options, &mut report)
    } else {
        bake::<3>(&model, &clock, options, &mut report)
    };
    let info = clock.info(model.degree, Appearance::default());
    let mut whole = temporal::finish(path, 0, splats, info, options.axes.unwrap_or(Axes::RDF), report)?;
    whole.report.read = model.rows() as u64;
    Ok(whole)
}

/// All splats in pieces that hold `N` numbers of colour: the base's, or all.
fn bake<const N: usize>(
    model: &Model,
    clock: &Clock,
    options: &Options,
    report: &mut Report,
) -> vivant::splat::Splats {
    let distance = f64::from(options.bound.unwrap_or(DISTANCE)).max(1e-6);
    let frame = 1.0 / (temporal::per_second(options) * clock.unit());
    let follow = |row: usize| {
        let mut pieces = Vec::new();
        let bound = bound_of(model, row, distance, frame, N);
        let path = |t: f64| sample::<N>(model, row, t);
        let reached = split::follow(&path, [0.0, 1.0], &bound, &mut pieces);
        (pieces, reached)
    };
    let followed: Vec<(Vec<Piece<N>>, Reached)> = (0..model.rows()).into_par_iter().map(follow).collect();
    let finite = followed.iter().filter(|(_, own)| own.distance.is_finite());
    let reached = finite.fold(Reached::default(), |all, (_, own)| all.max(*own));
    let owned =
        |(row, (own, _)): (usize, (Vec<Piece<N>>, Reached))| own.into_iter().map(move |piece| (row, piece));
    let pieces: Vec<(usize, Piece<N>)> = followed.into_iter().enumerate().flat_map(owned).collect();
    report.note(format!(
        "{} splats became {} pieces of cubic paths: within {:.2} mm of theirs (wanted {:.2}), {:.2}° and {:.4} of a colour",
        model.rows(),
        pieces.len(),
        reached.distance * 1e3,
        distance * 1e3,
        reached.angle.to_degrees(),
        reached.held * f64::from(SH_C0),
    ));
    temporal::build(pieces.len(), model.degree, clock, |index, sh_rest| {
        let (row, piece) = &pieces[index];
        model.fill_rest(*row, sh_rest);
        if N == COLOURS {
            sh_rest.iter_mut().zip(&piece.held[3..]).for_each(|(rest, &held)| *rest = temporal::narrow(held));
        }
        let [mean, velocity, quadratic, cubic] = piece.position;
        Temporal {
            mean,
            motion: [velocity, quadratic, cubic],
            rotation: piece.rotation,
            spin: piece.spin,
            colour: [0, 1, 2].map(|channel| 0.5 + f64::from(SH_C0) * piece.held[channel]),
            t0: piece.t0,
            window: open_ended(piece.window),
            ..model.still(*row)
        }
    })
}

/// A window whose ends are those of the performance goes on for ever: at the last moment a splat still shows.
fn open_ended([start, end]: [f64; 2]) -> [f64; 2] {
    [if start <= 0.0 { f64::NEG_INFINITY } else { start }, if end >= 1.0 { f64::INFINITY } else { end }]
}

/// How well splat `row` has to be followed.
fn bound_of(model: &Model, row: usize, distance: f64, frame: f64, held: usize) -> Bound {
    let size = model.still(row).scale.into_iter().fold(0.0, f64::max);
    let angle = (distance / size).clamp(ANGLE[0], ANGLE[1]);
    // Of all harmonics together the colour may be off so much.
    let colour = COLOUR / f64::from(SH_C0) / if held == COLOURS { 4.0 } else { 1.0 };
    // Waves that move nothing by a fifth of what may be are no reason to cut.
    let waves = model.fastest(row, distance * 0.2, angle * 0.1, colour * 0.2);
    let longest = 0.5 / (waves as f64 * model.factor.abs()).max(0.5);
    Bound { distance, angle, held: colour, longest, least: frame }
}

fn sample<const N: usize>(model: &Model, row: usize, t: f64) -> Sample<N> {
    let mut sample = Sample { position: [0.0; 3], rotation: [0.0; 4], held: [0.0; N] };
    model.at(row, t, &mut sample.position, &mut sample.rotation, &mut sample.held);
    sample
}
