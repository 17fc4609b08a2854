//! Where the axes of a `.4dgs` file point, and how long its unit is: by its Coordinate Frame, else by the older key
//! `coordinate_system`, else as ours. Pure.

use vivant::splat::Splats;

use super::Contents;
use crate::Axes;
use crate::report::Report;

/// Handedness of a left-handed frame.
const LEFT: u8 = 2;

/// The file's axes, the user's first, and metres a unit.
pub(super) fn of(contents: &Contents, said: Option<Axes>, report: &mut Report) -> (Axes, f32) {
    if let Some(frame) = &contents.frame {
        let metres = if frame.metres_per_unit > 0.0 { frame.metres_per_unit } else { 1.0 };
        let axes = said.or_else(|| from_frame(frame.handedness == LEFT, frame.up_axis, frame.forward_axis));
        return (axes.unwrap_or(Axes::RUB), crate::temporal::narrow(metres));
    }
    let declared = contents.system.as_deref().and_then(from_name);
    if said.is_none() && declared.is_none() {
        report.note(
            "the file does not say where its axes point; they are taken as x right, y up, z back: see --axes",
        );
    }
    (said.or(declared).unwrap_or(Axes::RUB), 1.0)
}

/// What the registry's example and its like mean.
fn from_name(name: &str) -> Option<Axes> {
    match name {
        "y-up-right-handed" => Some(Axes::RUB),
        "y-down-right-handed" => Some(Axes::RDF),
        "z-up-right-handed" => "rfu".parse().ok(),
        _ => None,
    }
}

/// The axes of a frame with its signed axes 0..=5: +x, +y, +z, −x, −y, −z.
fn from_frame(left_handed: bool, up: u8, forward: u8) -> Option<Axes> {
    let vector = |signed: u8| {
        let mut vector = [0_i32; 3];
        *vector.get_mut(usize::from(signed % 3))? = if signed < 3 { 1 } else { -1 };
        (signed < 6).then_some(vector)
    };
    let ([a, b, c], [x, y, z]) = (vector(forward)?, vector(up)?);
    // Forward × up is right where the frame is right-handed.
    let across = [b * z - c * y, c * x - a * z, a * y - b * x];
    let right = if left_handed { across.map(|part| -part) } else { across };
    let letter = |axis: usize| {
        let along = [(right, ['r', 'l']), ([x, y, z], ['u', 'd']), ([a, b, c], ['f', 'b'])];
        along.into_iter().find_map(|(direction, [with, against])| match direction[axis] {
            1 => Some(with),
            -1 => Some(against),
            _ => None,
        })
    };
    let code: Option<String> = (0..3).map(letter).collect();
    code?.parse().ok()
}

/// Takes lengths from the file's unit to metres.
pub(super) fn scale(splats: &mut Splats, metres: f32) {
    if (metres - 1.0).abs() < f32::EPSILON {
        return;
    }
    let lengths = [splats.mean.as_flattened_mut(), splats.scale.as_flattened_mut()];
    lengths.into_iter().flatten().for_each(|length| *length *= metres);
    for motion in &mut splats.motion {
        let terms = [&mut motion.velocity, &mut motion.quadratic, &mut motion.cubic];
        terms.into_iter().flatten().for_each(|length| *length *= metres);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_are_meant() {
        // Up +y and forward −z, right-handed: ours.
        assert_eq!(from_frame(false, 1, 5), Some(Axes::RUB));
        // COLMAP's: up −y, forward +z.
        assert_eq!(from_frame(false, 4, 2), Some(Axes::RDF));
        // Up +z, forward +y, as in Blender.
        assert_eq!(from_frame(false, 2, 1), from_name("z-up-right-handed"));
        // Left-handed with up +y and forward +z, as in Unity: x is right.
        assert_eq!(from_frame(true, 1, 2), "ruf".parse().ok());
        assert_eq!(from_frame(false, 1, 4), None, "up and forward are one axis");
        assert_eq!(from_frame(false, 7, 1), None);
    }
}
