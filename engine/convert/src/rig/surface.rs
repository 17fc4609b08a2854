//! The splats of a surface: which triangle each lies on, where, how it lies there, how wide it is, and its colour. Pure.
//!
//! Candidates are strewn by area and thinned to the wanted number (`scatter`). A splat is a flat disc. Its two axes in
//! the surface are those along which its triangle is stretched most and least over the motion, so that stretching
//! changes its two scales and needs no turn. Its colour is what the material shows over the disc, averaged in linear
//! light, under a little light from above in the rest pose, fixed over time.

use glam::{Mat2, Vec2, Vec3};
use rayon::prelude::*;

use super::material::Material;
use super::model::{Model, Triangle};
use super::scatter::{self, Candidate};
use super::texture;

/// Candidates a splat: enough for blue noise (Yuksel recommends three to five).
const CANDIDATES: usize = 4;

/// Standard deviation of a splat against how far it must reach: at the middle between three neighbours their opacities
/// add up to more than 0.98.
const WIDTH: f32 = 1.2;

/// The narrowest and widest a splat may be, against the width in a perfect packing.
const WIDTHS: [f32; 2] = [0.6, 1.6];

/// Opacity of what is not transparent: the most that a renderer lets a splat hide.
const OPACITY: f32 = 0.99;

/// A splat more transparent than this is left out.
const OPACITY_MIN: f32 = 0.05;

/// Least area of a triangle, square metres, that can carry a splat: a tenth of a millimetre across.
const AREA_MIN: f64 = 1e-10;

/// Light from above: what faces down is darker by this share, in linear light.
const SHADE: f32 = 0.25;

/// A splat on its triangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Disc {
    /// The vertices of its triangle.
    pub(crate) corners: [u32; 3],
    /// Weights of the three.
    pub(crate) weights: Vec3,
    /// From edges of the triangle to the disc's two axes at rest, both as plane vectors.
    pub(crate) edges_from_axes: Mat2,
    /// Standard deviation at rest, metres.
    pub(crate) sigma: f32,
    /// sRGB-encoded.
    pub(crate) colour: [f32; 3],
    pub(crate) opacity: f32,
    /// The bind that moves it most.
    pub(crate) bind: u32,
}

/// One triangle at rest.
struct Face {
    triangle: Triangle,
    area: f64,
    normal: Vec3,
    piece: u32,
}

/// Strews `count` splats over a model whose vertices are at `rest`, and which is stretched as in `poses`.
pub(crate) fn cover(model: &Model, rest: &[Vec3], poses: &[Vec<Vec3>], count: usize) -> Vec<Disc> {
    let pieces = pieces(model, rest);
    let faces: Vec<Face> =
        model.triangles.iter().filter_map(|&triangle| face(triangle, rest, &pieces)).collect();
    let area: f64 = faces.iter().map(|face| face.area).sum();
    let strewn = strew(model, rest, &faces, area, count.saturating_mul(CANDIDATES));
    // What is transparent takes no splats from the rest.
    let shown = area * strewn.shown;
    let kept = scatter::spread(&strewn.candidates, shown, count);
    let packed = 2.0 * scatter::packing_radius(shown, count.min(kept.len())) / 3.0_f32.sqrt() * WIDTH;
    kept.par_iter()
        .with_min_len(1024)
        .map(|kept| {
            let spot = strewn.spots[kept.candidate];
            let sigma = (kept.reach * WIDTH).clamp(packed * WIDTHS[0], packed * WIDTHS[1]);
            disc(model, rest, poses, &faces[spot.face as usize], spot.weights, sigma)
        })
        .filter(|disc| disc.opacity >= OPACITY_MIN)
        .collect()
}

fn face(triangle: Triangle, rest: &[Vec3], pieces: &[u32]) -> Option<Face> {
    let [a, b, c] = triangle.corners.map(|corner| rest[corner as usize]);
    let cross = (b - a).cross(c - a);
    let area = f64::from(cross.length()) * 0.5;
    let normal = cross.try_normalize()?;
    let piece = pieces[triangle.corners[0] as usize];
    (area > AREA_MIN && area.is_finite()).then_some(Face { triangle, area, normal, piece })
}

/// For every vertex, the number of the connected piece it belongs to. Vertices at one place are one: texture seams
/// split them.
fn pieces(model: &Model, rest: &[Vec3]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(rest.len()).collect();
    let bits = |index: &u32| rest[*index as usize].to_array().map(f32::to_bits);
    order.sort_unstable_by_key(|index| (bits(index), *index));
    let mut above: Vec<u32> = (0..).take(rest.len()).collect();
    for pair in order.windows(2) {
        if bits(&pair[0]) == bits(&pair[1]) {
            join(&mut above, pair[0], pair[1]);
        }
    }
    for triangle in &model.triangles {
        let [a, b, c] = triangle.corners;
        join(&mut above, a, b);
        join(&mut above, b, c);
    }
    (0..).take(rest.len()).map(|index| root(&mut above, index)).collect()
}

/// The representative of a vertex's piece, with the way to it halved.
fn root(above: &mut [u32], mut index: u32) -> u32 {
    while above[index as usize] != index {
        let up = above[above[index as usize] as usize];
        above[index as usize] = up;
        index = up;
    }
    index
}

fn join(above: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(above, a), root(above, b));
    above[a.max(b) as usize] = a.min(b);
}

/// Where a candidate lies.
#[derive(Clone, Copy)]
struct Spot {
    face: u32,
    weights: Vec3,
}

struct Strewn {
    candidates: Vec<Candidate>,
    spots: Vec<Spot>,
    /// The share of the area that is not transparent.
    shown: f64,
}

/// Strews candidates evenly by area: the n-th lies in the n-th of equal shares of the surface, at a random place of
/// the triangle found there.
fn strew(model: &Model, rest: &[Vec3], faces: &[Face], area: f64, count: usize) -> Strewn {
    let mut strewn = Strewn { candidates: Vec::new(), spots: Vec::new(), shown: 0.0 };
    let share = area / count.max(1) as f64;
    let mut before = 0.0;
    let mut number = 0_usize;
    for (index, face) in faces.iter().enumerate() {
        let end = before + face.area;
        while number < count && (number as f64 + f64::from(unit(number, 0))) * share < end {
            let weights = barycentric(unit(number, 1), unit(number, 2));
            number += 1;
            let (_, alpha) = look(model, &face.triangle, weights);
            if alpha < OPACITY_MIN {
                continue;
            }
            let place = at(&face.triangle, weights, |corner| rest[corner as usize]);
            strewn.candidates.push(Candidate { place, normal: face.normal, piece: face.piece });
            strewn.spots.push(Spot { face: u32::try_from(index).unwrap_or(u32::MAX), weights });
        }
        before = end;
    }
    strewn.shown = strewn.candidates.len() as f64 / number.max(1) as f64;
    strewn
}

/// A number in 0..1 that depends on nothing but two numbers: the finaliser of `SplitMix64` (Steele et al. 2014).
fn unit(number: usize, stream: u64) -> f32 {
    let mut word = (number as u64).wrapping_mul(4).wrapping_add(stream).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((word ^ (word >> 31)) >> 40) as f32 / 16_777_216.0
}

/// Two uniform numbers as an even spread over a triangle (Osada et al. 2002).
fn barycentric(u: f32, v: f32) -> Vec3 {
    let root = u.sqrt();
    Vec3::new(1.0 - root, root * (1.0 - v), root * v)
}

/// A value at a place of a triangle.
fn at<T: std::ops::Mul<f32, Output = T> + std::ops::Add<Output = T>>(
    triangle: &Triangle,
    weights: Vec3,
    value: impl Fn(u32) -> T,
) -> T {
    let [a, b, c] = triangle.corners;
    value(a) * weights.x + value(b) * weights.y + value(c) * weights.z
}

/// Linear colour and opacity at a place of a triangle.
fn look(model: &Model, triangle: &Triangle, weights: Vec3) -> (Vec3, f32) {
    let Some(material) = model.materials.get(triangle.material as usize) else { return (Vec3::ONE, 1.0) };
    let (colour, alpha) = raw_look(model, material, triangle, weights);
    (colour, material.opacity(alpha))
}

fn raw_look(model: &Model, material: &Material, triangle: &Triangle, weights: Vec3) -> (Vec3, f32) {
    let look = |corner: u32| model.looks[corner as usize];
    let uv = at(triangle, weights, |corner| Vec2::from_array(look(corner).uv));
    let tint = at(triangle, weights, |corner| glam::Vec4::from_array(look(corner).colour));
    let (colour, alpha) = material.at(uv.to_array());
    (Vec3::from_array(colour) * tint.truncate(), alpha * tint.w)
}

/// Makes the splat at a place of a face.
fn disc(model: &Model, rest: &[Vec3], poses: &[Vec<Vec3>], face: &Face, weights: Vec3, sigma: f32) -> Disc {
    let triangle = face.triangle;
    let [a, b, c] = triangle.corners.map(|corner| rest[corner as usize]);
    let (ab, ac) = (b - a, c - a);
    let axis = ab.try_normalize().unwrap_or(Vec3::X);
    let across = face.normal.cross(axis);
    let axes_from_edges =
        Mat2::from_cols(Vec2::new(ab.dot(axis), ab.dot(across)), Vec2::new(ac.dot(axis), ac.dot(across)));
    let plain = axes_from_edges.inverse();
    let edges_from_axes = plain * principal(poses, &triangle, plain);
    let (colour, opacity) = footprint(model, &triangle, weights, edges_from_axes * sigma);
    let shade = 1.0 - SHADE * 0.5 * (1.0 - face.normal.y);
    let [x, y, z] = weights.to_array();
    let heaviest = if x >= y && x >= z {
        0
    } else if y >= z {
        1
    } else {
        2
    };
    let vertex = model.vertices[triangle.corners[heaviest] as usize];
    let lead = (0..4).fold(0, |best, at| if vertex.weights[at] > vertex.weights[best] { at } else { best });
    Disc {
        corners: triangle.corners,
        weights,
        edges_from_axes,
        sigma,
        colour: (colour * shade).to_array().map(texture::encoded),
        opacity: opacity * OPACITY,
        bind: vertex.binds[lead],
    }
}

/// The turn in the plane of a triangle that brings the first axis along its greatest stretch over the poses.
fn principal(poses: &[Vec<Vec3>], triangle: &Triangle, edges_from_axes: Mat2) -> Mat2 {
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for pose in poses {
        let [a, b, c] = triangle.corners.map(|corner| pose[corner as usize]);
        let [x, y] =
            [edges_from_axes.x_axis, edges_from_axes.y_axis].map(|axis| (b - a) * axis.x + (c - a) * axis.y);
        xx += x.dot(x);
        xy += x.dot(y);
        yy += y.dot(y);
    }
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    if angle.is_finite() { Mat2::from_angle(angle) } else { Mat2::IDENTITY }
}

/// What the material shows over a disc: the middle and eight places around it, within the triangle, since beyond its
/// edge the texture may show something else.
fn footprint(model: &Model, triangle: &Triangle, weights: Vec3, edges_from_disc: Mat2) -> (Vec3, f32) {
    let Some(material) = model.materials.get(triangle.material as usize) else { return (Vec3::ONE, 1.0) };
    let (mut colour, mut alpha, mut weight) = (Vec3::ZERO, 0.0, 0.0);
    for number in 0..9_u8 {
        let turn = f32::from(number) * std::f32::consts::FRAC_PI_4;
        let radius = if number == 8 { 0.0 } else { 0.7 };
        let edge = edges_from_disc * (Vec2::from_angle(turn) * radius);
        let moved = (weights + Vec3::new(-edge.x - edge.y, edge.x, edge.y)).max(Vec3::ZERO);
        let moved = moved / moved.element_sum().max(f32::MIN_POSITIVE);
        let (seen, there) = raw_look(model, material, triangle, moved);
        colour += seen * there;
        weight += there;
        alpha += there / 9.0;
    }
    let colour = if weight > 0.0 { colour / weight } else { Vec3::ZERO };
    (colour, material.opacity(alpha).clamp(0.0, 1.0))
}
