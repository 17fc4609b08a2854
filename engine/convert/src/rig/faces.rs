//! Faces that carry splats: the frame of a face, and meshes whose vertices move.
//!
//! `GaussianAvatars` (Qian et al. 2024): with the corners v₀ v₁ v₂ of a face, a₀ = v₁−v₀, a₁ = a₀×(v₂−v₀), a₂ = a₀×a₁, all
//! of length one, R = [a₀ a₁ a₂], s = (|v₁−v₀| + |a₂·(v₂−v₀)|) / 2 and c the middle, a splat told at x in the frame of its face
//! stands at s·R·x + c. A face without area keeps a frame that is right-handed, and a size of nearly nothing.
//!
//! A mesh that moves is a NumPy archive with `vertices` [T, V, 3] in metres and `faces` [F, 3].

use std::path::{Path, PathBuf};

use glam::{DAffine3, DMat3, DVec3};
use vivant::rig::{Affine, MAX_JOINTS, narrow};
use vivant::{Error, Result};

use crate::axes::Axes;
use crate::npz::{Array, Npz};

/// Bytes of vertices that are held at once; beyond, frames are read one by one.
const MOST_BYTES: usize = 1 << 30;
/// The least size of a face, metres.
const LEAST_SIZE: f64 = 1e-9;

/// The frame of a face: from it to the object.
#[must_use]
pub fn frame([a, b, c]: [DVec3; 3]) -> DAffine3 {
    let along = (b - a).try_normalize().unwrap_or(DVec3::X);
    let up = along.cross(c - a).try_normalize().unwrap_or_else(|| along.any_orthonormal_vector());
    let side = along.cross(up);
    let size = (0.5 * ((b - a).length() + side.dot(c - a).abs())).max(LEAST_SIZE);
    DAffine3 { matrix3: DMat3::from_cols(along, up, side) * size, translation: (a + b + c) / 3.0 }
}

/// A mesh whose vertices move.
#[derive(Debug)]
pub(crate) struct Mesh {
    path: PathBuf,
    faces: Vec<[usize; 3]>,
    vertices: usize,
    frames: usize,
    source: Source,
    turn: DMat3,
}

/// Where the vertices come from.
#[derive(Debug)]
enum Source {
    Held(Vec<f32>),
    Read(Box<Array>),
}

impl Mesh {
    /// Opens an archive. `axes` says where its axes point; they must not mirror.
    ///
    /// # Errors
    /// As [`Npz`]; [`Error::Malformed`] for faces without vertices; [`Error::LimitExceeded`] for too many faces.
    pub(crate) fn open(path: &Path, axes: Axes) -> Result<Self> {
        let turn = DMat3::from_cols_array_2d(&axes.columns());
        if turn.determinant() < 0.0 {
            return Err(Error::invalid(format!(
                "{}: axes that mirror turn the faces inside out: give axes that turn",
                path.display()
            )));
        }
        let archive = Npz::open(path)?;
        let array = archive.array("vertices")?;
        let &[frames, vertices, _] = array.expect_shape(&[None, None, Some(3)])? else {
            return Err(Error::invalid("three sides"));
        };
        let indices = archive.array("faces")?;
        let count = indices.expect_shape(&[None, Some(3)])?.first().copied().unwrap_or(0);
        if count > MAX_JOINTS {
            let what = format!("{}: faces of a mesh that carries splats", path.display());
            return Err(Error::LimitExceeded { what, value: count as u64, limit: MAX_JOINTS as u64 });
        }
        let wrong =
            |field: &str, why: String| Err(Error::malformed(&path.display().to_string(), field, 0, why));
        if frames == 0 || count == 0 {
            return wrong("array vertices", "there is no frame or no face; save it again".to_owned());
        }
        let flat = indices.read::<i64>()?;
        let mut faces = Vec::with_capacity(count);
        for (number, corners) in flat.as_chunks::<3>().0.iter().enumerate() {
            let known =
                corners.map(|corner| usize::try_from(corner).ok().filter(|&corner| corner < vertices));
            let [Some(a), Some(b), Some(c)] = known else {
                return wrong(
                    "array faces",
                    format!("face {number} names {corners:?} of {vertices} vertices; save it again"),
                );
            };
            faces.push([a, b, c]);
        }
        let held = array.count().saturating_mul(4) <= MOST_BYTES;
        let source = if held { Source::Held(array.read()?) } else { Source::Read(Box::new(array)) };
        Ok(Self { path: path.to_owned(), faces, vertices, frames, source, turn })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn frame_count(&self) -> usize {
        self.frames
    }

    pub(crate) fn face_count(&self) -> usize {
        self.faces.len()
    }

    /// The frames of all faces at `index`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a vertex that is no place; as [`Array::read_rows`].
    pub(crate) fn joints(&self, index: usize) -> Result<Vec<Affine>> {
        let read;
        let numbers: &[f32] = match &self.source {
            Source::Held(all) => {
                let each = self.vertices * 3;
                all.get(index * each..(index + 1) * each).unwrap_or_default()
            }
            Source::Read(array) => {
                read = array.read_rows::<f32>(index, 1)?;
                &read
            }
        };
        let places: Vec<DVec3> = numbers
            .as_chunks::<3>()
            .0
            .iter()
            .map(|place| self.turn * DVec3::from_array(place.map(f64::from)))
            .collect();
        if let Some(bad) =
            places.iter().position(|place| !(place.is_finite() && place.abs().max_element() < 1e6))
        {
            let field = format!("array vertices, frame {index}, vertex {bad}");
            let why = "is not finite or farther than any stage; save it again";
            return Err(Error::malformed(&self.path.display().to_string(), &field, 0, why));
        }
        Ok(self.faces.iter().map(|corners| narrow(&frame(corners.map(|corner| places[corner])))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_carries_as_gaussian_avatars_does() {
        // Golden numbers, worked out in f64 from the formulas above and by nobody's code.
        let corners = [DVec3::ZERO, DVec3::X, DVec3::new(0.2, 0.8, 0.1)];
        let map = frame(corners);
        let size = map.matrix3.x_axis.length();
        assert!((size - 0.903_112_887_414_927_6).abs() < 1e-9, "{size}");
        let place = map.transform_point3(DVec3::new(0.1, 0.2, 0.3));
        let wanted = DVec3::new(0.490_311_288_741_492_7, -0.024_578_488_299_304_37, 0.178_955_910_816_318_84);
        assert!((place - wanted).length() < 1e-9, "{place}");
    }

    #[test]
    fn faces_without_area_stay_frames() {
        for corners in
            [[DVec3::ZERO; 3], [DVec3::ZERO, DVec3::X, DVec3::X * 2.0], [DVec3::X, DVec3::X, DVec3::Y]]
        {
            let map = frame(corners);
            assert!(map.is_finite() && map.matrix3.determinant() > 0.0, "{corners:?}: {map:?}");
        }
    }
}
