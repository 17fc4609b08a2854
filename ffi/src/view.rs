//! Views and instances as C says them, and as the engine understands them.

#![expect(unsafe_code, reason = "promises about layout")]

use glam::{DMat3, DMat4, DQuat, Mat4};
use vivant::view::{Fov, View};

use crate::memory::{Growing, check_flags};
use crate::player::vvt_player;
use crate::result::{Failure, Outcome};

/// The pose is `world_from_view`, not `position` and `orientation`.
pub const VVT_VIEW_POSE_MATRIX: u32 = 1;

/// How far a pose matrix may be from a rotation, per element of its square.
const RIGID_TOLERANCE: f64 = 1e-3;

/// One eye or one camera: right-handed, metres, +Y up, looking along -Z, as OpenXR.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct vvt_view {
    /// With VVT_VIEW_POSE_MATRIX: the pose, column-major, a rotation and a translation.
    pub world_from_view: [f32; 16],
    /// Without it: the position in the world, metres.
    pub position: [f32; 3],
    /// And the orientation, a quaternion x y z w; all zero is none.
    pub orientation: [f32; 4],
    /// Angle from the forward axis to the left edge, radians; negative for an ordinary view, as in XrFovf.
    pub fov_left: f32,
    /// To the right edge.
    pub fov_right: f32,
    /// To the upper edge.
    pub fov_up: f32,
    /// To the lower edge; negative for an ordinary view.
    pub fov_down: f32,
    /// VVT_VIEW_ flags.
    pub flags: u32,
}

// SAFETY: repr(C), numbers only; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_view {
    const NAME: &str = "vvt_view";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// A player that stands somewhere in a picture.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct vvt_instance {
    /// The player.
    pub player: vvt_player,
    /// Where its clip stands, column-major: a rotation, a translation and one positive scale. All zero is the identity.
    pub world_from_object: [f32; 16],
    /// 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: repr(C), numbers only; layout.rs checks that there is no padding.
unsafe impl Growing for vvt_instance {
    const NAME: &str = "vvt_instance";
    const FIRST_BYTES: usize = size_of::<Self>();
}

fn is_affine(matrix: &DMat4) -> bool {
    matrix.is_finite() && matrix.row(3).to_array() == [0.0, 0.0, 0.0, 1.0]
}

/// The engine's view. Poses are checked here, angles by the renderer.
pub(crate) fn view_of(view: &vvt_view) -> Outcome<View> {
    check_flags(view.flags, VVT_VIEW_POSE_MATRIX, "vvt_view.flags")?;
    let fov = Fov {
        left: view.fov_left.into(),
        right: view.fov_right.into(),
        up: view.fov_up.into(),
        down: view.fov_down.into(),
    };
    if view.flags & VVT_VIEW_POSE_MATRIX == 0 {
        let (position, orientation) = (view.position.map(f64::from), view.orientation.map(f64::from));
        return Ok(View { position, orientation, fov });
    }
    let pose = Mat4::from_cols_array(&view.world_from_view).as_dmat4();
    let rotation = DMat3::from_mat4(pose);
    let straight = (rotation.transpose() * rotation).abs_diff_eq(DMat3::IDENTITY, RIGID_TOLERANCE);
    if !(is_affine(&pose) && straight && rotation.determinant() > 0.0) {
        return Err(Failure::invalid(
            "world_from_view must be a rotation and a translation, column-major, without scale or mirroring",
        ));
    }
    let orientation = DQuat::from_mat3(&rotation).to_array();
    Ok(View { position: pose.w_axis.truncate().to_array(), orientation, fov })
}

/// Where an instance stands. That the matrix is a similarity is checked by the renderer.
pub(crate) fn place_of(instance: &vvt_instance) -> Outcome<DMat4> {
    check_flags(instance.flags, 0, "vvt_instance.flags")?;
    check_flags(instance.reserved, 0, "vvt_instance.reserved")?;
    if instance.world_from_object.iter().all(|&value| value == 0.0) {
        return Ok(DMat4::IDENTITY);
    }
    let place = Mat4::from_cols_array(&instance.world_from_object).as_dmat4();
    if is_affine(&place) { Ok(place) } else { Err(Failure::invalid("world_from_object must be affine")) }
}

#[cfg(test)]
mod tests {
    use glam::{Quat, Vec3};

    use super::*;

    #[test]
    fn both_ways_to_say_a_pose_agree() {
        let (turn, place) =
            (Quat::from_rotation_y(0.7) * Quat::from_rotation_x(-0.2), Vec3::new(1.0, -2.0, 3.0));
        let parts = vvt_view {
            position: place.to_array(),
            orientation: turn.to_array(),
            fov_right: 0.5,
            ..vvt_view::default()
        };
        let matrix = vvt_view {
            world_from_view: Mat4::from_rotation_translation(turn, place).to_cols_array(),
            fov_right: 0.5,
            flags: VVT_VIEW_POSE_MATRIX,
            ..vvt_view::default()
        };
        let (parts, matrix) = (view_of(&parts).unwrap(), view_of(&matrix).unwrap());
        assert!(parts.world_from_view().abs_diff_eq(matrix.world_from_view(), 1e-6));
        assert_eq!(parts.fov, matrix.fov);
    }

    #[test]
    fn poses_that_are_none_are_refused() {
        let mut sheared = Mat4::IDENTITY.to_cols_array();
        sheared[4] = 0.5;
        let mut transposed = Mat4::IDENTITY.to_cols_array();
        transposed[3] = 1.5;
        for wrong in [
            [0.0; 16],
            [f32::NAN; 16],
            sheared,
            transposed,
            Mat4::from_scale(Vec3::splat(2.0)).to_cols_array(),
            Mat4::from_scale(Vec3::new(-1.0, 1.0, 1.0)).to_cols_array(),
        ] {
            let view =
                vvt_view { world_from_view: wrong, flags: VVT_VIEW_POSE_MATRIX, ..vvt_view::default() };
            assert!(view_of(&view).is_err(), "{wrong:?}");
        }
        assert!(view_of(&vvt_view { flags: 2, ..vvt_view::default() }).is_err());
        assert_eq!(place_of(&vvt_instance::default()).unwrap(), DMat4::IDENTITY);
        assert!(place_of(&vvt_instance { world_from_object: transposed, ..Default::default() }).is_err());
    }
}
