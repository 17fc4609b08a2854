//! The order of splats inside a segment: by the start of their windows, coarsely, then along a Morton curve.
//!
//! 256 neighbours form a cluster that the slice kernel rejects unread by its box and its interval, so neighbours
//! should be near in both. Time first: a cluster that ends before now costs nothing, wherever it is. Morton, G. M.,
//! "A computer oriented geodetic data base" (1966): interleaving the bits of the coordinates.

use super::motion;
use crate::splat::Splat;

/// Splats that a time bucket holds at least, on average: sixteen clusters, or the boxes grow too large.
const BUCKET_SPLATS: usize = 4096;
/// Time buckets a segment has at most.
const MAX_BUCKETS: usize = 16;

/// Spreads the low 21 bits of `value` to every third bit.
fn spread(value: u64) -> u64 {
    let mut x = value & 0x1f_ffff;
    x = (x | x << 32) & 0x001f_0000_0000_ffff;
    x = (x | x << 16) & 0x001f_0000_ff00_00ff;
    x = (x | x << 8) & 0x100f_00f0_0f00_f00f;
    x = (x | x << 4) & 0x10c3_0c30_c30c_30c3;
    (x | x << 2) & 0x1249_2492_4924_9249
}

/// The Morton code of a point in a box.
fn morton(point: [f64; 3], low: [f64; 3], size: f64) -> u64 {
    let mut code = 0;
    for axis in 0..3 {
        let unit = ((point[axis] - low[axis]) / size).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2097151")]
        let cell = (unit * f64::from((1_u32 << 21) - 1)) as u64;
        code |= spread(cell) << axis;
    }
    code
}

/// One splat with its window in ticks of the segment.
pub(super) type Windowed = (Splat, (u32, u32));

/// The order in which `splats` should stand in a segment of `ticks`; equal input gives equal order. `seconds` turns a
/// tick of the segment into the clock of t0.
pub(super) fn order(splats: &[Windowed], ticks: u32, seconds: impl Fn(u32) -> f64) -> Vec<usize> {
    let middle = ticks / 2;
    let points: Vec<[f64; 3]> = splats
        .iter()
        .map(|(splat, (start, end))| {
            // At the middle of the segment, or as near to it as the splat shows.
            let time = seconds(middle.clamp(*start, *end));
            motion::position(splat.mean, &splat.motion, time - splat.life.t0)
        })
        .collect();
    let mut low = [f64::INFINITY; 3];
    let mut high = [f64::NEG_INFINITY; 3];
    for point in &points {
        for axis in 0..3 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    // One cell size for all axes keeps the cells cubes; the least keeps a single point from dividing by zero.
    let size = (0..3).map(|axis| high[axis] - low[axis]).fold(1e-9, f64::max);
    let buckets = (splats.len() / BUCKET_SPLATS).clamp(1, MAX_BUCKETS) as u64;
    let mut keyed: Vec<(u64, u64, usize)> = points
        .iter()
        .zip(splats)
        .enumerate()
        .map(|(index, (point, (_, (start, _))))| {
            let bucket = u64::from(*start) * buckets / u64::from(ticks).max(1);
            (bucket, morton(*point, low, size), index)
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, _, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreading_leaves_two_bits_between() {
        assert_eq!(spread(0b101), 0b100_0001);
        assert_eq!(spread(0x1f_ffff).count_ones(), 21);
        assert_eq!(spread(0x1f_ffff) & (spread(0x1f_ffff) << 1), 0);
    }

    #[test]
    fn neighbours_in_order_are_neighbours_in_space() {
        let splats: Vec<Windowed> = (0..512_u16)
            .map(|index| {
                // A scrambled walk over an 8×8×8 grid.
                let cell = u32::from(index) * 197 % 512;
                let mean =
                    [cell % 8, cell / 8 % 8, cell / 64].map(|value| f32::from(u8::try_from(value).unwrap()));
                (Splat { mean, ..Splat::DEFAULT }, (0, 10))
            })
            .collect();
        let sorted = order(&splats, 10, |_| 0.0);
        let way: f32 = sorted
            .windows(2)
            .map(|pair| {
                let [a, b] = [splats[pair[0]].0.mean, splats[pair[1]].0.mean];
                (0..3).map(|axis| (a[axis] - b[axis]).abs()).sum::<f32>()
            })
            .sum();
        // A Morton walk over a grid steps just under 2 on average, a random one almost 8.
        assert!(way < 512.0 * 2.0, "{way}");
        let mut seen = sorted;
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..512));
    }
}
