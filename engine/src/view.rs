//! A view: where one eye or camera is, how it is turned, and what it sees.
//!
//! Right-handed, metres, +Y up, looking along −Z, as OpenXR. Angles are signed radians from the forward axis:
//! `left` and `down` are negative for an ordinary view, exactly `XrFovf`.

use glam::{DMat4, DQuat, DVec3};
use serde::{Deserialize, Serialize};

/// Half-angles of a view, radians, with OpenXR's signs. Asymmetric and canted views are ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fov {
    /// Angle to the left edge, negative for an ordinary view.
    pub left: f64,
    /// Angle to the right edge.
    pub right: f64,
    /// Angle to the upper edge.
    pub up: f64,
    /// Angle to the lower edge, negative for an ordinary view.
    pub down: f64,
}

/// One eye or one camera.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Position in the world, metres.
    pub position: [f64; 3],
    /// Orientation as a unit quaternion xyzw; identity looks along −Z with +Y up.
    pub orientation: [f64; 4],
    /// What it sees.
    pub fov: Fov,
}

impl View {
    /// The pose as a matrix from view space to the world.
    #[must_use]
    pub fn world_from_view(&self) -> DMat4 {
        let [x, y, z, w] = self.orientation;
        let rotation = DQuat::from_xyzw(x, y, z, w);
        let rotation = if rotation.length_squared() > 0.0 { rotation.normalize() } else { DQuat::IDENTITY };
        DMat4::from_rotation_translation(rotation, DVec3::from_array(self.position))
    }

    /// The inverse of [`Self::world_from_view`].
    #[must_use]
    pub fn view_from_world(&self) -> DMat4 {
        self.world_from_view().inverse()
    }

    /// A symmetric view at `position` that looks at `target`, with +Y up. `vertical` is the full vertical angle in
    /// radians, `aspect` is width over height.
    #[must_use]
    pub fn looking_at(position: DVec3, target: DVec3, vertical: f64, aspect: f64) -> Self {
        let forward = (target - position).normalize_or(DVec3::NEG_Z);
        let side = forward.cross(DVec3::Y).normalize_or(DVec3::X);
        let up = side.cross(forward);
        let rotation = DQuat::from_mat3(&glam::DMat3::from_cols(side, up, -forward));
        let tan = (vertical * 0.5).tan();
        let horizontal = (tan * aspect).atan();
        Self {
            position: position.to_array(),
            orientation: rotation.to_array(),
            fov: Fov { left: -horizontal, right: horizontal, up: vertical * 0.5, down: -vertical * 0.5 },
        }
    }

    /// Two views `separation` metres apart that share this view's orientation and angles, left first.
    #[must_use]
    pub fn stereo(&self, separation: f64) -> [Self; 2] {
        let right = self.world_from_view().transform_vector3(DVec3::X) * (separation * 0.5);
        let centre = DVec3::from_array(self.position);
        [centre - right, centre + right].map(|position| Self { position: position.to_array(), ..*self })
    }
}
