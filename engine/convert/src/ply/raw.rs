//! The rows of a PLY file as they are stored, with columns of its own names: for formats that stand on the INRIA layout and
//! understand some of it differently.

use std::path::Path;

use vivant::splat::Splats;
use vivant::{Error, Result};

use super::channels;
use super::plan::{Colour, Plan};
use super::read::Opened;

/// What a file holds, before anything is understood.
#[derive(Debug)]
pub(crate) struct Raw {
    /// The file, as the user named it.
    pub(crate) file: String,
    /// Byte offset of the line that describes the rows.
    pub(crate) offset: u64,
    /// Raw values: logits, logarithms, quaternions of any length (reordered to xyzw), `f_dc_0..2` as colour.
    pub(crate) splats: Splats,
    /// The further columns, in the order asked for, [`Self::stride`] a row.
    pub(crate) extra: Vec<f32>,
    /// Number of further columns.
    pub(crate) stride: usize,
    /// The comments of the header.
    pub(crate) comments: Vec<String>,
    /// What is left out.
    pub(crate) notes: Vec<String>,
}

impl Raw {
    /// Reads the file: all that Gaussians of the INRIA layout have, and the columns `extra`.
    ///
    /// # Errors
    /// As [`super::read`]; [`Error::Malformed`] also where a column of these is missing.
    pub(crate) fn read(path: &Path, extra: &[&str]) -> Result<Self> {
        let opened = Opened::new(path)?;
        let file = opened.file.clone();
        let comments = opened.header.comments.clone();
        let vertex = opened.vertex()?.clone();
        let plan = Plan::with(&file, &vertex, extra)?;
        let lacks = [
            (plan.colour == Colour::Harmonic, "f_dc_0"),
            (plan.opacity, "opacity"),
            (plan.scales == 3, "scale_2"),
            (plan.rotation, "rot_0"),
        ];
        if let Some((_, name)) = lacks.into_iter().find(|(there, _)| !there) {
            let why = "missing; export the file again with all its properties";
            return Err(Error::malformed(&file, &format!("property {name}"), vertex.offset, why));
        }
        let body = opened.read_body(&vertex, &plan)?;
        if body.len() == 0 {
            let why = "0 rows; export the file with its splats";
            return Err(Error::malformed(&file, "element vertex", vertex.offset, why));
        }
        let mut notes = plan.notes;
        notes.extend(channels::not_used(&vertex, plan.leftovers.iter()));
        Ok(Self {
            file,
            offset: vertex.offset,
            splats: body.splats,
            extra: body.extra,
            stride: plan.extra,
            comments,
            notes,
        })
    }

    /// The further columns of row `index`.
    pub(crate) fn extra_of(&self, index: usize) -> &[f32] {
        &self.extra[index * self.stride..(index + 1) * self.stride]
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.splats.len()
    }
}
