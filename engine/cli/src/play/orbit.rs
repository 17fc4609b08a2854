//! The camera of the window: walks round the performer, nearer and farther, up and down.

use glam::DVec3;
use vivant::view::View;

use crate::camera::{EYE_DISTANCE, Subject};

/// Steepest look up or down, radians.
const STEEPEST: f64 = 1.4;

/// Where the viewer stands, seen from the subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orbit {
    subject: Subject,
    distance: Option<f64>,
    zoom: f64,
    yaw: f64,
    pitch: f64,
}

impl Orbit {
    /// In front of `subject`, at `distance` metres or as far as it takes to see all of it.
    pub(crate) fn new(subject: Subject, distance: Option<f64>) -> Self {
        Self { subject, distance, zoom: 1.0, yaw: 0.0, pitch: 0.0 }
    }

    /// Back to the front.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.subject, self.distance);
    }

    /// Turns by a drag of `dx`, `dy` px.
    pub(crate) fn drag(&mut self, dx: f64, dy: f64) {
        self.yaw -= dx * 0.006;
        self.pitch = (self.pitch + dy * 0.006).clamp(-STEEPEST, STEEPEST);
    }

    /// Walks nearer (positive) or farther.
    pub(crate) fn approach(&mut self, steps: f64) {
        self.zoom = (self.zoom * 0.9_f64.powf(steps)).clamp(0.05, 20.0);
    }

    /// The views: one, or the eyes of a stereo pair.
    pub(crate) fn views(&self, aspect: f64, stereo: bool) -> Vec<View> {
        let front = self.subject.view(aspect, self.distance, self.yaw);
        let eye = DVec3::from_array(front.position);
        let middle = self.subject.middle();
        let reach = eye.distance(middle) * self.zoom;
        let level = DVec3::new(self.yaw.sin(), 0.0, self.yaw.cos()) * self.pitch.cos();
        let position = middle + (level + DVec3::Y * self.pitch.sin()) * reach;
        let view = View::looking_at(position, middle, front.fov.up * 2.0, aspect);
        if stereo { view.stereo(EYE_DISTANCE).to_vec() } else { vec![view] }
    }
}
