//! The ray along which is picked: a pointer in a hand, or the centre of a pixel of a view.

use glam::DVec3;

use crate::error::{Error, Result};
use crate::view::View;

/// A half line in the world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ray {
    /// Where it begins, metres.
    pub origin: [f64; 3],
    /// Where it leads; of any length but zero.
    pub direction: [f64; 3],
    /// How wide a pixel is a metre along the ray, metres: a renderer widens splats that are smaller. 0 for none.
    pub footprint: f64,
}

impl Ray {
    /// The ray through a point of a picture of `width` × `height` pixels; the centre of the upper left pixel is
    /// (0.5, 0.5).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a view whose angles make no picture, a picture without pixels, and a point outside.
    pub fn through(view: &View, [width, height]: [u32; 2], [x, y]: [f64; 2]) -> Result<Self> {
        let fov = &view.fov;
        let angles = [fov.left, fov.right, fov.up, fov.down];
        let sound = angles.iter().all(|angle| angle.abs() < std::f64::consts::FRAC_PI_2)
            && fov.right > fov.left
            && fov.up > fov.down;
        let (columns, rows) = (f64::from(width), f64::from(height));
        let inside = (0.0..columns).contains(&x) && (0.0..rows).contains(&y);
        if !(sound && inside) {
            return Err(Error::invalid(format!(
                "no ray goes through ({x}, {y}) of a picture of {width} × {height} pixels seen through {fov:?}"
            )));
        }
        let [left, right, up, down] = angles.map(f64::tan);
        let in_view = DVec3::new(left + (right - left) * x / columns, up + (down - up) * y / rows, -1.0);
        let direction = view.world_from_view().transform_vector3(in_view);
        // The width of a pixel where the view's axis has come a metre, seen along the ray.
        let footprint = (right - left) / columns / in_view.length();
        Ok(Self { origin: view.position, direction: direction.to_array(), footprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_looks_ahead_and_edges_look_aside() {
        let view = View::looking_at(DVec3::new(1.0, 2.0, 3.0), DVec3::new(1.0, 2.0, 0.0), 1.0, 1.0);
        let ray = |x: f64, y: f64| Ray::through(&view, [100, 100], [x, y]).unwrap();
        let ahead = DVec3::from_array(ray(50.0, 50.0).direction);
        assert!((ahead - DVec3::NEG_Z).length() < 1e-12, "{ahead}");
        let corner = DVec3::from_array(ray(0.0, 0.0).direction);
        assert!(corner.x < -0.5 && corner.y > 0.5, "{corner}");
        assert!(Ray::through(&view, [100, 100], [100.0, 5.0]).is_err());
        assert!(Ray::through(&view, [0, 0], [0.0, 0.0]).is_err());
    }
}
