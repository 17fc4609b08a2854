//! Rows of numbers and which of them is nearest: the arithmetic under [`super::palette`], in f32 and in one order.

/// Numbers that are compared at once.
const LANES: usize = 8;
/// Groups of rows that a search looks into.
const PROBES: usize = 6;

/// Rows of equally many numbers, each padded with zeros to whole lanes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    floats: usize,
    stride: usize,
    values: Vec<f32>,
}

/// Squared distance of two padded rows.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
    sums.iter().sum()
}

impl Rows {
    /// None yet, of so many numbers.
    pub(super) fn new(floats: usize) -> Self {
        Self { floats, stride: floats.next_multiple_of(LANES), values: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len() / self.stride.max(1)
    }

    /// Whether every number is zero, or there is none.
    pub(super) fn is_blank(&self) -> bool {
        self.values.iter().all(|&value| value == 0.0)
    }

    /// Numbers of a row, without the padding.
    pub(super) fn floats(&self) -> usize {
        self.floats
    }

    /// A row with its padding.
    pub(super) fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.stride..(at + 1) * self.stride]
    }

    /// Adds a row; numbers that are not there are zero.
    pub(super) fn push(&mut self, row: &[f32]) {
        let taken = row.len().min(self.floats);
        self.values.extend_from_slice(&row[..taken]);
        self.values.resize(self.values.len() + self.stride - taken, 0.0);
    }

    /// Adds a row of another that has the same padding.
    pub(super) fn push_padded(&mut self, row: &[f32]) {
        self.values.extend_from_slice(row);
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
    }

    pub(super) fn set(&mut self, at: usize, row: &[f32]) {
        self.values[at * self.stride..(at + 1) * self.stride].copy_from_slice(row);
    }

    /// `row` with the padding of these rows.
    pub(super) fn pad(&self, row: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.extend_from_slice(&row[..row.len().min(self.floats)]);
        out.resize(self.stride, 0.0);
    }

    pub(super) fn each(&mut self, change: impl Fn(f32) -> f32) {
        self.values.iter_mut().for_each(|value| *value = change(*value));
    }

    /// Squared distance of row `at` to another.
    pub(super) fn distance(&self, at: usize, other: &[f32]) -> f32 {
        distance(self.row(at), other)
    }

    /// The nearest row, the first of equals, and its squared distance.
    pub(super) fn nearest(&self, row: &[f32]) -> (usize, f32) {
        let mut best = (0, f32::INFINITY);
        for (at, own) in self.values.chunks_exact(self.stride.max(1)).enumerate() {
            let found = distance(own, row);
            if found < best.1 {
                best = (at, found);
            }
        }
        best
    }

    /// The same rows in an order in which each is followed by the nearest of those left, so that like ones are side by
    /// side.
    pub(super) fn chained(&self) -> Self {
        let mut left: Vec<usize> = (1..self.len()).collect();
        let mut out = Self::new(self.floats);
        let mut last = 0;
        if self.len() > 0 {
            out.push_padded(self.row(0));
        }
        while let Some(at) = (0..left.len()).min_by(|&a, &b| {
            self.distance(left[a], self.row(last)).total_cmp(&self.distance(left[b], self.row(last)))
        }) {
            last = left.swap_remove(at);
            out.push_padded(self.row(last));
        }
        out
    }

    /// Sums of nothing for each row.
    pub(super) fn weighted_sums(&self) -> Sums {
        Sums { stride: self.stride, values: vec![0.0; self.values.len()], weights: vec![0.0; self.len()] }
    }
}

/// Weighted sums of what belongs to each row.
pub(super) struct Sums {
    stride: usize,
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl Sums {
    pub(super) fn add(&mut self, row: usize, values: &[f32], weight: f32) {
        let weight = f64::from(weight);
        let sums = &mut self.values[row * self.stride..(row + 1) * self.stride];
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum += weight * f64::from(value);
        }
        self.weights[row] += weight;
    }

    /// Rows to which nothing belongs.
    pub(super) fn empty(&self) -> Vec<usize> {
        (0..self.weights.len()).filter(|&row| self.weights[row] <= 0.0).collect()
    }

    /// The means; a row to which nothing belongs is as before.
    pub(super) fn means(&self, before: &Rows) -> Rows {
        let mut out = before.clone();
        for (row, &weight) in self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let range = row * self.stride..(row + 1) * self.stride;
            for (value, &sum) in out.values[range.clone()].iter_mut().zip(&self.values[range]) {
                #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
                let mean = (sum / weight) as f32;
                *value = mean;
            }
        }
        out
    }
}

/// Finds the nearest row fast where like rows stand side by side: it looks into the groups of rows whose means are
/// nearest. Now and then it misses the very nearest, for one that is hardly farther.
pub(super) struct Search<'a> {
    rows: &'a Rows,
    means: Rows,
    group: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(rows: &'a Rows) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a root of at most 65536"
        )]
        let group = ((rows.len() as f64).sqrt().ceil() as usize).max(1);
        let mut sums = Rows { values: Vec::new(), ..rows.clone() };
        for _ in 0..rows.len().div_ceil(group) {
            sums.push(&[]);
        }
        let mut means = sums.weighted_sums();
        for at in 0..rows.len() {
            means.add(at / group, rows.row(at), 1.0);
        }
        Self { rows, means: means.means(&sums), group }
    }

    /// The nearest row and its squared distance.
    pub(super) fn nearest(&self, row: &[f32]) -> (usize, f32) {
        let mut groups = [(usize::MAX, f32::INFINITY); PROBES];
        for at in 0..self.means.len() {
            let found = self.means.distance(at, row);
            let place = groups.partition_point(|(_, distance)| *distance <= found);
            if place < PROBES {
                groups[place..].rotate_right(1);
                groups[place] = (at, found);
            }
        }
        let mut best = (0, f32::INFINITY);
        for (group, _) in groups.into_iter().filter(|(group, _)| *group != usize::MAX) {
            for at in group * self.group..((group + 1) * self.group).min(self.rows.len()) {
                let found = self.rows.distance(at, row);
                if found < best.1 || (found <= best.1 && at < best.0) {
                    best = (at, found);
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand rows on a circle, in order of the angle.
    fn circle() -> Rows {
        let mut rows = Rows::new(9);
        for number in 0..1000_u16 {
            let (sin, cos) = (f32::from(number) * 0.006).sin_cos();
            rows.push(&[sin, cos, 0.0, 1.0]);
        }
        rows
    }

    #[test]
    fn a_search_finds_what_looking_at_all_finds() {
        let rows = circle();
        let search = Search::new(&rows);
        let mut padded = Vec::new();
        for number in 0..200_u8 {
            let (sin, cos) = (f32::from(number) * 0.03).sin_cos();
            rows.pad(&[1.2 * sin, 1.1 * cos, 0.1, 1.0], &mut padded);
            assert_eq!(search.nearest(&padded), rows.nearest(&padded));
        }
        assert_eq!(Search::new(&Rows::new(9)).nearest(&padded).0, 0, "nothing to find");
    }

    #[test]
    fn a_chain_has_the_same_rows_with_like_ones_side_by_side() {
        let rows = circle();
        let mut mixed = Rows::new(9);
        (0..1000).for_each(|number| mixed.push_padded(rows.row(number * 387 % 1000)));
        let chained = mixed.chained();
        let length =
            |rows: &Rows| (1..1000).map(|at| rows.distance(at, rows.row(at - 1)).sqrt()).sum::<f32>();
        assert!(length(&chained) < 10.0 && length(&mixed) > 100.0);
        let sorted = |rows: &Rows| {
            let mut bits: Vec<[u32; 2]> =
                (0..1000).map(|at| [rows.row(at)[0].to_bits(), rows.row(at)[1].to_bits()]).collect();
            bits.sort_unstable();
            bits
        };
        assert_eq!(sorted(&chained), sorted(&mixed));
    }

    #[test]
    fn means_are_weighted_and_rows_without_any_stay() {
        let mut rows = Rows::new(1);
        rows.push(&[5.0]);
        rows.push(&[7.0]);
        let mut sums = rows.weighted_sums();
        sums.add(0, &[1.0], 3.0);
        sums.add(0, &[2.0], 1.0);
        assert_eq!(sums.empty(), [1]);
        let means = sums.means(&rows);
        assert_eq!((means.row(0)[0], means.row(1)[0], means.row(1)[1]), (1.25, 7.0, 0.0));
    }
}
