//! `Ex4DGS` (Lee et al. 2024): static splats that drift, and dynamic ones on keyframes, in two PLY files side by side.
//!
//! ```text
//! point_cloud.ply           the INRIA layout and xyz_disp_0..2: position = xyz + xyz_disp·t/duration
//! dynamic_point_cloud.ply   motion_xyz_K_J  motion_rot_K_J  motion_f_dc_* motion_f_rest_* motion_scale_* motion_opacity
//!                           motion_opacity_c_0..1 motion_opacity_v_0..1
//! ```
//! t counts frames; keyframe k is at k·interval − shift, with shift = `time_pad`, and an interval more for cube and pchip.
//! Positions between keyframes are cubics, so pieces of an interval are exact; rotations are followed ([`crate::split`]).
//! What the files lack is in the trainer's `cfg_args`, looked for beside them and up to three folders above. Static
//! quaternions go into the rasteriser's matrix as they are, whatever their length ([`curves::shape`]).

mod keyframes;
mod settings;

use std::path::Path;

use vivant::splat::{Antialias, Appearance, SH_C0};
use vivant::{Error, Result};

use crate::curves::{self, LookColumns, Part, Scales};
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::{Column, Raw, Table};
use crate::report::Report;
use crate::split::{self, Piece, Reached, Sample};
use crate::temporal::{self, Clock, Temporal, sigmoid};
use crate::whole::Whole;
use crate::{Axes, rows};

use keyframes::{Opacity, cubic, turn};
use settings::Settings;

const STATIC: &str = "point_cloud.ply";
const DYNAMIC: &str = "dynamic_point_cloud.ply";

/// What is read of `Ex4DGS`.
pub(crate) const FORMAT: Format = Format {
    name: "ex4dgs",
    system: "Ex4DGS (point_cloud.ply with dynamic_point_cloud.ply)",
    fidelity: Fidelity::Baked,
    limits: "positions exact, rotations followed within a hundredth; cfg_args of the trainer must lie near",
    detect: |probe| {
        probe.has_vertex("xyz_disp_0")
            || probe.has_vertex("motion_xyz_0_0")
            || (probe.folder && probe.holds(STATIC) && probe.holds(DYNAMIC))
    },
    open: Open::Whole(open),
};

/// Opacity that a rasteriser draws at all.
const DRAWN: f64 = 1.0 / 255.0;
/// Most keyframes.
const MAX_KEYFRAMES: usize = 1 << 16;

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let (still, moving) = (folder.join(STATIC), folder.join(DYNAMIC));
    let file = moving.display().to_string();
    let bytes = std::fs::read(&moving).map_err(|source| Error::io(&moving, "cannot read", source))?;
    let table = Table::parse(&file, &bytes)?;
    let columns = Columns::find(&table, &file)?;
    let mut report = Report::default();
    let settings = Settings::find(folder, columns.place.len(), &file, &mut report)?;
    let frames = settings.duration;
    let per_second = temporal::per_second(options);
    let seconds = options.seconds.unwrap_or(frames / per_second);
    let clock = Clock::new(options, seconds, seconds / frames)?;

    let drifting = Raw::read(&still, &["xyz_disp_0", "xyz_disp_1", "xyz_disp_2"])?;
    let degree = drifting.splats.sh_degree.max(columns.look.degree);
    report.notes.extend(drifting.notes.iter().cloned());
    let own = drifting.splats.sh_stride();
    let mut splats = temporal::build(drifting.len(), drifting.splats.sh_degree, &clock, |index, sh_rest| {
        sh_rest.copy_from_slice(&drifting.splats.sh_rest_of(index)[..own]);
        drift(&drifting, index, frames)
    });
    rows::raise_degree(&mut splats, degree);

    let (parts, reached) = curves::parts(table.len(), &file, |row, parts| {
        columns.path(&table, row, &settings).parts(row, options, parts)
    })?;
    if !parts.is_empty() {
        curves::note(&mut report, table.len(), parts.len(), &reached);
    }
    let mut dynamic = temporal::build(parts.len(), columns.look.degree, &clock, |index, sh_rest| {
        let look = columns.look.look(&table, parts[index].row as usize);
        sh_rest.copy_from_slice(&look.sh_rest[..sh_rest.len()]);
        parts[index].temporal(&look)
    });
    rows::raise_degree(&mut dynamic, degree);
    splats.append(&dynamic)?;

    // Its rasteriser widens by 0.1 px² and fades by as much as it widens.
    let appearance = Appearance { antialias: Antialias::Mip, ..Appearance::default() };
    let info = clock.info(degree, appearance);
    let axes = options.axes.unwrap_or(Axes::RDF);
    let mut whole = temporal::finish(&still, drifting.offset, splats, info, axes, report)?;
    whole.report.read = (drifting.len() + table.len()) as u64;
    whole.report.files = 2;
    whole.files = vec![still, moving];
    Ok(whole)
}

/// A static splat.
fn drift(raw: &Raw, index: usize, frames: f64) -> Temporal {
    let splats = &raw.splats;
    let moved = raw.extra_of(index);
    let velocity = [0, 1, 2].map(|axis: usize| f64::from(moved[axis]) / frames);
    let scale = splats.scale[index].map(|log| f64::from(log).exp());
    let (scale, rotation) = curves::shape(splats.rotation[index].map(f64::from), scale);
    Temporal {
        mean: splats.mean[index].map(f64::from),
        motion: [velocity, [0.0; 3], [0.0; 3]],
        rotation,
        scale,
        opacity: sigmoid(f64::from(splats.opacity[index])),
        colour: splats.colour[index].map(|dc| 0.5 + f64::from(SH_C0) * f64::from(dc)),
        ..Temporal::DEFAULT
    }
}

/// Where the numbers of a dynamic splat are.
struct Columns {
    look: LookColumns,
    /// Position and quaternion (xyzw) at each keyframe.
    place: Vec<[Column; 3]>,
    turn: Vec<[Column; 4]>,
    centres: [Column; 2],
    lengths: [Column; 2],
}

impl Columns {
    fn find(table: &Table<'_>, file: &str) -> Result<Self> {
        let has = |name: String| table.names().any(|own| own == name);
        let count = (0..MAX_KEYFRAMES).take_while(|key| has(format!("motion_xyz_{key}_0"))).count();
        if count < 4 {
            let why = format!("{count} keyframes, where 4 or more belong; export the file again");
            return Err(Error::malformed(file, "properties motion_xyz_*", table.offset(), why));
        }
        let place = (0..count).map(|key| {
            let [x, y, z] = [0, 1, 2].map(|axis| table.column(&format!("motion_xyz_{key}_{axis}")));
            Ok([x?, y?, z?])
        });
        let turn = (0..count).map(|key| {
            let [w, x, y, z] = [0, 1, 2, 3].map(|part| table.column(&format!("motion_rot_{key}_{part}")));
            Ok([x?, y?, z?, w?])
        });
        Ok(Self {
            look: LookColumns::find(table, "motion_", file)?,
            place: place.collect::<Result<_>>()?,
            turn: turn.collect::<Result<_>>()?,
            centres: table.columns(["motion_opacity_c_0", "motion_opacity_c_1"])?,
            lengths: table.columns(["motion_opacity_v_0", "motion_opacity_v_1"])?,
        })
    }

    fn path(&self, table: &Table<'_>, row: usize, settings: &Settings) -> Keyed {
        let pad = settings.var_pad / settings.interval;
        Keyed {
            place: self.place.iter().map(|place| table.numbers(row, *place)).collect(),
            turn: self.turn.iter().map(|turn| table.numbers(row, *turn)).collect(),
            scale: self.look.scale(table, row).map(|scale| scale.max(1e-12).ln()),
            peak: self.look.look(table, row).opacity,
            opacity: Opacity::new(table.numbers(row, self.centres), table.numbers(row, self.lengths), pad),
            settings: settings.clone(),
        }
    }
}

/// A dynamic splat.
struct Keyed {
    place: Vec<[f64; 3]>,
    turn: Vec<[f64; 4]>,
    scale: Scales,
    peak: f64,
    opacity: Opacity,
    settings: Settings,
}

impl Keyed {
    /// The pieces in which it shows, in frames; and how far they are from it.
    fn parts(&self, row: usize, options: &Options, parts: &mut Vec<Part>) -> Reached {
        let (interval, shift) = (self.settings.interval, self.settings.shift());
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let mut reached = Reached::default();
        if self.peak <= DRAWN {
            return reached;
        }
        // Fainter than this share of its peak nothing is drawn.
        let reach = (2.0 * (self.peak / DRAWN).ln()).sqrt();
        for ([from, to], [centre, sigma]) in self.opacity.stretches() {
            let frames = |keyframes: f64| keyframes * interval - shift;
            let envelope = [frames(centre), sigma * interval];
            let (mut start, mut end) = (frames(from).max(0.0), frames(to).min(self.settings.duration));
            if sigma.is_finite() {
                start = start.max(envelope[0] - reach * envelope[1]);
                end = end.min(envelope[0] + reach * envelope[1]);
            }
            while start < end {
                let key = ((start + shift) / interval + 1e-9).floor();
                let stop = (frames(key + 1.0)).min(end);
                reached = reached.max(self.interval(key, [start, stop], options, |piece| {
                    parts.push(Part { row, piece, envelope });
                }));
                start = stop;
            }
        }
        reached
    }

    /// The pieces of a window that lies between two keyframes.
    fn interval(
        &self,
        key: f64,
        window: [f64; 2],
        options: &Options,
        mut push: impl FnMut(Piece<3>),
    ) -> Reached {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and is checked"
        )]
        let at = key as usize;
        let last = self.place.len() - 1;
        let near = |step: usize| (at + step).saturating_sub(1).min(last);
        let (interval, shift) = (self.settings.interval, self.settings.shift());
        let cubics = [0, 1, 2].map(|axis: usize| {
            let y = [0, 1, 2, 3].map(|step| self.place[near(step)][axis]);
            cubic(self.settings.between, y)
        });
        let path = |t: f64| {
            let x = (t + shift) / interval - key;
            Sample {
                position: cubics.map(|[a, b, c, d]| a + x * (b + x * (c + x * d))),
                rotation: turn(self.turn[near(1)], self.turn[near(2)], x),
                held: self.scale,
            }
        };
        let bound = curves::bound(options, interval, 1.0);
        let mut pieces = Vec::new();
        let reached = split::follow(&path, window, &bound, &mut pieces);
        pieces.into_iter().for_each(&mut push);
        reached
    }
}
