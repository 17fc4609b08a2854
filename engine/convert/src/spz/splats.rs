//! The arrays of an SPZ file as splats. Pure.
//!
//! ```text
//! mean      24-bit whole numbers of 2^-fraction bits; version 1: halves
//! opacity   u8 / 255
//! colour    u8: (u8 / 255 − 0.5) / 0.15 is the harmonic of degree 0
//! scale     u8: ln s = u8 / 16 − 10
//! rotation  versions 1, 2: x y z as u8 / 127.5 − 1, w the positive rest
//!           from 3: u32, 2 bits: which of x y z w is largest; then 10 bits each, a sign and 9 of |q| · √2
//! harmonic  (u8 − 128) / 128, coefficient by coefficient, red, green, blue
//! ```

use half::f16;
use rayon::prelude::*;
use vivant::splat::{SH_C0, Splats};

use super::{Header, Unpacked};
use crate::rows;

/// How much of a harmonic of degree 0 a full byte is.
pub(super) const COLOUR_SCALE: f32 = 0.15;

/// The splats, activated, on the file's axes.
pub(super) fn splats(unpacked: &Unpacked) -> Splats {
    let header = unpacked.header;
    let [means, opacities, colours, scales, rotations, harmonics] = &unpacked.arrays;
    let mut splats = rows::zeroed(header.splats, header.played_degree());
    rows::all(&mut splats).into_par_iter().for_each(|rows| {
        let stored = header.harmonics();
        for at in 0..rows.len() {
            let index = rows.first + at;
            rows.mean[at] = mean(&header, means, index);
            rows.opacity[at] = f32::from(opacities[index]) / 255.0;
            rows.colour[at] = three(colours, index)
                .map(|byte| 0.5 + SH_C0 * (f32::from(byte) / 255.0 - 0.5) / COLOUR_SCALE);
            rows.scale[at] = three(scales, index).map(|byte| (f32::from(byte) / 16.0 - 10.0).exp());
            rows.rotation[at] = if header.version >= 3 {
                smallest_three(rotations.as_chunks().0[index])
            } else {
                first_three(three(rotations, index))
            };
            let own = &mut rows.sh_rest[at * rows.sh_stride..(at + 1) * rows.sh_stride];
            for (value, byte) in own.iter_mut().zip(&harmonics[index * stored..]) {
                *value = (f32::from(*byte) - 128.0) / 128.0;
            }
        }
    });
    splats
}

fn three(bytes: &[u8], index: usize) -> [u8; 3] {
    bytes.as_chunks().0[index]
}

fn mean(header: &Header, bytes: &[u8], index: usize) -> [f32; 3] {
    if header.version == 1 {
        let halves: [u8; 6] = bytes.as_chunks().0[index];
        return [0, 2, 4].map(|at| f16::from_le_bytes([halves[at], halves[at + 1]]).to_f32());
    }
    let unit = 1.0 / (1_u32 << header.fraction_bits) as f32;
    [0, 1, 2].map(|axis| {
        let [a, b, c] = three(bytes, index * 3 + axis);
        // Into the upper three bytes and back, which brings the sign along.
        let whole = i32::from_le_bytes([0, a, b, c]) >> 8;
        whole as f32 * unit
    })
}

fn first_three(bytes: [u8; 3]) -> [f32; 4] {
    let [x, y, z] = bytes.map(|byte| f32::from(byte) / 127.5 - 1.0);
    [x, y, z, (1.0 - x * x - y * y - z * z).max(0.0).sqrt()]
}

fn smallest_three(bytes: [u8; 4]) -> [f32; 4] {
    let mut word = u32::from_le_bytes(bytes);
    let largest = (word >> 30) as usize;
    let mut rotation = [0.0; 4];
    // The last stands lowest.
    for (part, value) in rotation.iter_mut().enumerate().rev() {
        if part != largest {
            let size = (word & 0x1ff) as f32 / 511.0 * std::f32::consts::FRAC_1_SQRT_2;
            *value = if word & 0x200 == 0 { size } else { -size };
            word >>= 10;
        }
    }
    let rest: f32 = rotation.iter().map(|part| part * part).sum();
    rotation[largest] = (1.0 - rest).max(0.0).sqrt();
    rotation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_means_and_places_of_rotations() {
        let header = Header {
            version: 2,
            splats: 1,
            sh_degree: 0,
            fraction_bits: 12,
            antialiased: false,
            extended: false,
        };
        let bytes = [0x00, 0xf0, 0xff, 0x00, 0x10, 0x00, 0xff, 0xff, 0x7f];
        assert_eq!(mean(&header, &bytes, 0), [-1.0, 1.0, 2048.0 - 1.0 / 4096.0]);
        assert_eq!(smallest_three(0xc000_0000_u32.to_le_bytes()), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(smallest_three(0_u32.to_le_bytes()), [1.0, 0.0, 0.0, 0.0]);
        let turned = smallest_three((3_u32 << 30 | 1023 << 20).to_le_bytes());
        assert!(
            (turned[0] + std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6
                && (turned[3] - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-5
        );
    }
}
