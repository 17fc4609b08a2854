//! `GaussianAvatars`: splats bound to the faces of a head model, as PLY, with the vertices that move it as a NumPy archive.
//!
//! The PLY is that of 3D Gaussian splatting with `binding_0`, the number of each splat's face; positions, rotations and
//! scales are told in the frame of the face ([`super::faces`]). The trainer's own file of motion holds parameters of FLAME,
//! whose model may not be passed on: so the motion comes as vertices that were evaluated before. Harmonics are trained
//! along the axes of the world and do not turn with the faces.

use std::path::{Path, PathBuf};

use vivant::rig::{Affine, Binding, Harmonics, IDENTITY, Joint, Kind};
use vivant::splat::{Appearance, ClipInfo, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};
use vivant::{Error, Result};

use super::faces::Mesh;
use crate::axes::Axes;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::{self, Raw};
use crate::report::Report;
use crate::rigged::Rigged;
use crate::sh_rotate::ShRotation;
use crate::source::Imported;

/// What is read of them.
pub(crate) const FORMAT: Format = Format {
    name: "gaussian-avatars",
    system: "GaussianAvatars: PLY with binding_0, and its vertices as NumPy archive (vertices [T,V,3], faces [F,3])",
    fidelity: Fidelity::Exact,
    limits: "the vertices come from --motion VERTICES.npz, or vertices.npz beside the PLY; FLAME itself is not read",
    detect: |probe| probe.has_vertex("binding_0"),
    open: Open::Rigged(|path, motion, options| Ok(Box::new(Avatar::open(path, motion, options)?))),
};

/// The archive's name beside the PLY.
const VERTICES: &str = "vertices.npz";

/// A head that faces carry.
#[derive(Debug)]
pub(crate) struct Avatar {
    files: Vec<PathBuf>,
    mesh: Mesh,
    splats: Splats,
    bindings: Vec<Binding>,
    info: ClipInfo,
    report: Report,
}

impl Avatar {
    /// Opens the PLY, and the motion or the archive beside it.
    ///
    /// # Errors
    /// Whatever is wrong with a file; [`Error::InvalidArgument`] without vertices.
    pub(crate) fn open(path: &Path, motion: Option<&Path>, options: &Options) -> Result<Self> {
        let archive = match motion {
            Some(motion) => motion.to_owned(),
            None => path.with_file_name(VERTICES),
        };
        if !archive.exists() {
            return Err(Error::invalid(format!(
                "{}: its splats lie on faces, and what moves those is not there: give the vertices with --motion \
                 VERTICES.npz (vertices [T,V,3], faces [F,3]), or put {VERTICES} beside it",
                path.display()
            )));
        }
        let axes = options.axes.unwrap_or(Axes::RUB);
        let mesh = Mesh::open(&archive, axes)?;
        let local = Options { axes: Some(Axes::RUB), ..options.clone() };
        let Imported { mut splats, ids, mut report } = ply::read(path, &local)?;
        report.notes.retain(|note| !note.contains("binding_0"));
        if !axes.is_identity() {
            // Their means are told in faces, which the vertices turn; harmonics along the world.
            let turn = ShRotation::new(axes.columns());
            let stride = splats.sh_stride().max(1);
            splats.sh_rest.chunks_exact_mut(stride).for_each(|rest| turn.apply(rest));
        }
        let faces = Raw::read(path, &["binding_0"])?;
        let mut bindings = Vec::with_capacity(splats.len());
        for index in 0..splats.len() {
            let row = ids.as_ref().map_or(index, |ids| ids.get(index).map_or(index, |&row| row as usize));
            bindings.push(Binding::one(face_of(
                path,
                row,
                faces.extra.get(row).copied(),
                mesh.face_count(),
            )?));
        }
        report.files = 2;
        let frames = mesh.frame_count();
        let info = info_of(frames, options, splats.sh_degree);
        let files = vec![path.to_owned(), mesh.path().to_owned()];
        Ok(Self { files, mesh, splats, bindings, info, report })
    }
}

/// The face that row `row` names.
fn face_of(path: &Path, row: usize, face: Option<f32>, faces: usize) -> Result<u16> {
    let whole = face.filter(|face| face.fract() == 0.0 && (0.0..faces as f32).contains(face));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 65536")]
    let number = whole.map(|face| face as u16);
    number.ok_or_else(|| {
        let field = format!("vertex {row}, property binding_0");
        let why =
            format!("{face:?} is none of the mesh's {faces} faces; give the vertices that belong to it");
        Error::malformed(&path.display().to_string(), &field, 0, why)
    })
}

/// A clip of so many frames.
pub(super) fn info_of(frames: usize, options: &Options, sh_degree: u8) -> ClipInfo {
    let appearance = Appearance::default();
    if frames == 1 {
        return ClipInfo {
            rate: TickRate { num: 1000, den: 1 },
            duration: 0,
            fps: (0, 1),
            sh_degree,
            appearance,
        };
    }
    let ticks = i64::try_from(frames).unwrap_or(i64::MAX).saturating_mul(i64::from(TICKS_PER_FRAME));
    ClipInfo {
        rate: options.fps.tick_rate(),
        duration: ticks,
        fps: options.fps.fraction(),
        sh_degree,
        appearance,
    }
}

impl Rigged for Avatar {
    fn info(&self) -> ClipInfo {
        self.info
    }

    fn frame_count(&self) -> usize {
        self.mesh.frame_count()
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn rig(&self) -> Result<vivant::rig::Rig> {
        let joints = vec![Joint::new("", None, IDENTITY); self.mesh.face_count()];
        Ok(vivant::rig::Rig::new(Kind::Faces, joints)?.with_harmonics(Harmonics::Stay))
    }

    fn splats(&self) -> Result<(Splats, Vec<Binding>)> {
        Ok((self.splats.clone(), self.bindings.clone()))
    }

    fn joints(&self, index: usize) -> Result<Vec<Affine>> {
        self.mesh.joints(index)
    }

    fn report(&self) -> Report {
        self.report.clone()
    }
}
