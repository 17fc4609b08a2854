//! Writes PLY: the INRIA layout for splats, the usual coloured vertices for points; binary, little-endian.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use vivant::channel::ChannelKind;
use vivant::splat::{SH_C0, Splats, sh_rest_len};
use vivant::{Error, Result};

use crate::Axes;

/// Opacities this close to 0 or 1 are moved off them: their logit would be infinite.
const OPACITY_MARGIN: f32 = 1e-6;

/// Writes points as `x y z red green blue`, as they are: no axis is turned.
///
/// # Errors
/// [`Error::InvalidArgument`] when there are not as many colours as points; [`Error::Io`] when the file cannot be written.
pub fn write_points(path: &Path, points: &[[f32; 3]], colours: &[[u8; 3]]) -> Result<()> {
    if points.len() != colours.len() {
        return Err(Error::invalid(format!("{} points but {} colours", points.len(), colours.len())));
    }
    write(path, |out| {
        write!(out, "ply\nformat binary_little_endian 1.0\nelement vertex {}\n", points.len())?;
        out.write_all(b"property float x\nproperty float y\nproperty float z\n")?;
        out.write_all(b"property uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n")?;
        for (point, colour) in points.iter().zip(colours) {
            write_floats(out, point)?;
            out.write_all(colour)?;
        }
        Ok(())
    })
}

/// Writes splats in the INRIA layout on the file's `axes` (usually [`Axes::RDF`]), their channels behind: labels as
/// `uint`, numbers as `float`. Lives and motions are left out.
///
/// # Errors
/// [`Error::Io`] when the file cannot be written.
pub fn write_splats(path: &Path, splats: &Splats, axes: Axes) -> Result<()> {
    let mut turned = splats.clone();
    axes.inverse().apply(&mut turned);
    let coefficients = sh_rest_len(turned.sh_degree);
    write(path, |out| {
        write!(out, "ply\nformat binary_little_endian 1.0\nelement vertex {}\n", turned.len())?;
        let names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"].map(str::to_owned);
        let rest = (0..coefficients * 3).map(|number| format!("f_rest_{number}"));
        let last = ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"];
        for name in names.into_iter().chain(rest).chain(last.map(str::to_owned)) {
            writeln!(out, "property float {name}")?;
        }
        for channel in &turned.channels {
            let kind = if channel.kind == ChannelKind::Label { "uint" } else { "float" };
            // A name is one word here.
            writeln!(out, "property {kind} {}", channel.name.replace(char::is_whitespace, "_"))?;
        }
        out.write_all(b"end_header\n")?;
        for index in 0..turned.len() {
            let splat = turned.get(index);
            write_floats(out, &splat.mean)?;
            write_floats(out, &[0.0; 3])?;
            write_floats(out, &splat.colour.map(|channel| (channel - 0.5) / SH_C0))?;
            let sh_rest = turned.sh_rest_of(index);
            for channel in 0..3 {
                for coefficient in 0..coefficients {
                    write_floats(out, &sh_rest[coefficient * 3 + channel..][..1])?;
                }
            }
            let opacity = splat.opacity.clamp(OPACITY_MARGIN, 1.0 - OPACITY_MARGIN);
            write_floats(out, &[(opacity / (1.0 - opacity)).ln()])?;
            write_floats(out, &splat.scale.map(f32::ln))?;
            let [x, y, z, w] = splat.rotation;
            write_floats(out, &[w, x, y, z])?;
            for channel in &turned.channels {
                out.write_all(&channel.words.get(index).copied().unwrap_or(0).to_le_bytes())?;
            }
        }
        Ok(())
    })
}

/// Creates the file, lets `body` fill it, and makes sure all of it reached the system.
fn write(path: &Path, body: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let handle = File::create(path).map_err(|source| Error::io(path, "cannot create", source))?;
    let mut out = BufWriter::with_capacity(1 << 20, handle);
    body(&mut out).and_then(|()| out.flush()).map_err(|source| Error::io(path, "cannot write", source))
}

fn write_floats(out: &mut impl Write, values: &[f32]) -> std::io::Result<()> {
    values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}
