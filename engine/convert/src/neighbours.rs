//! Distance to the k-th nearest neighbour of every point of a cloud. Pure, parallel.
//!
//! A k-d tree by medians (Bentley 1975), split along the widest side of the box and stored in place: the median of a
//! range stands in its middle, so the tree is the sorted array and one byte a node for the axis. Unlike a grid it does
//! not degenerate when one stray point stretches the box a thousandfold, and equal points cost nothing extra because a
//! branch that can only tie is not entered. Building and asking are O(n log n).

use rayon::prelude::*;

/// Neighbours that are asked for.
pub(crate) const K: usize = 8;

/// Points below which a range is searched one by one.
const LEAF: usize = 16;

/// Points below which building does not fork.
const FORK: usize = 32_768;

#[derive(Clone, Copy)]
struct Node {
    place: [f32; 3],
    index: u32,
    /// Axis along which the range that has this node in its middle is split.
    axis: u8,
}

/// For every point, the distance to its [`K`]-th nearest other point; to the farthest one where there are fewer,
/// 0 where there is none. Points must be finite and fewer than 2³².
pub(crate) fn kth_distances(points: &[[f32; 3]]) -> Vec<f32> {
    let mut nodes: Vec<Node> =
        points.iter().zip(0_u32..).map(|(&place, index)| Node { place, index, axis: 0 }).collect();
    build(&mut nodes);
    let found: Vec<f32> =
        nodes.par_iter().with_min_len(1024).map(|node| kth_distance(&nodes, node.place)).collect();
    let mut distances = vec![0.0; points.len()];
    for (node, distance) in nodes.iter().zip(found) {
        distances[node.index as usize] = distance;
    }
    distances
}

/// Sorts a range into a tree.
fn build(nodes: &mut [Node]) {
    if nodes.len() <= LEAF {
        return;
    }
    let axis = widest(nodes);
    let middle = nodes.len() / 2;
    let along = usize::from(axis);
    nodes.select_nth_unstable_by(middle, |a, b| a.place[along].total_cmp(&b.place[along]));
    nodes[middle].axis = axis;
    let (low, rest) = nodes.split_at_mut(middle);
    let high = &mut rest[1..];
    if low.len() > FORK {
        rayon::join(|| build(low), || build(high));
    } else {
        build(low);
        build(high);
    }
}

/// The axis along which a range reaches farthest.
fn widest(nodes: &[Node]) -> u8 {
    let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
    for node in nodes {
        for axis in 0..3 {
            low[axis] = low[axis].min(node.place[axis]);
            high[axis] = high[axis].max(node.place[axis]);
        }
    }
    let side = |axis: u8| high[usize::from(axis)] - low[usize::from(axis)];
    (1..3).fold(0, |best, axis| if side(axis) > side(best) { axis } else { best })
}

/// The squares of the least distances met so far, ascending.
struct Nearest {
    squares: [f32; K + 1],
    count: usize,
}

impl Nearest {
    /// The square beyond which a point is of no use.
    fn worst(&self) -> f32 {
        if self.count <= K { f32::INFINITY } else { self.squares[K] }
    }

    fn offer(&mut self, square: f32) {
        if square >= self.worst() {
            return;
        }
        let mut place = self.count.min(K);
        while place > 0 && self.squares[place - 1] > square {
            self.squares[place] = self.squares[place - 1];
            place -= 1;
        }
        self.squares[place] = square;
        self.count = (self.count + 1).min(K + 1);
    }
}

/// The point itself is among those met, at distance 0: so one more than [`K`] is kept.
fn kth_distance(nodes: &[Node], from: [f32; 3]) -> f32 {
    let mut nearest = Nearest { squares: [f32::INFINITY; K + 1], count: 0 };
    search(nodes, from, &mut nearest);
    nearest.squares[nearest.count.saturating_sub(1)].sqrt()
}

fn search(nodes: &[Node], from: [f32; 3], nearest: &mut Nearest) {
    if nodes.len() <= LEAF {
        nodes.iter().for_each(|node| nearest.offer(square_distance(node.place, from)));
        return;
    }
    let middle = nodes.len() / 2;
    let node = &nodes[middle];
    let axis = usize::from(node.axis);
    let side = from[axis] - node.place[axis];
    let (low, high) = (&nodes[..middle], &nodes[middle + 1..]);
    let (near, far) = if side < 0.0 { (low, high) } else { (high, low) };
    search(near, from, nearest);
    nearest.offer(square_distance(node.place, from));
    if side * side < nearest.worst() {
        search(far, from, nearest);
    }
}

fn square_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let [x, y, z] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    x * x + y * y + z * z
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of a linear congruential generator, in a box with one stray.
    fn cloud(count: usize) -> Vec<[f32; 3]> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 16_777_216.0
        };
        let mut points: Vec<[f32; 3]> = (0..count).map(|_| [next(), next() * 0.1, next()]).collect();
        if let Some(last) = points.last_mut() {
            *last = [500_000.0, 0.0, 0.0];
        }
        points
    }

    fn by_hand(points: &[[f32; 3]], index: usize) -> f32 {
        let mut squares: Vec<f32> = points.iter().map(|&p| square_distance(p, points[index])).collect();
        squares.sort_by(f32::total_cmp);
        squares[K.min(points.len() - 1)].sqrt()
    }

    #[test]
    fn the_tree_agrees_with_looking_at_every_point() {
        for count in [1, 2, K, K + 1, LEAF, LEAF + 1, 1000, 3001] {
            let points = cloud(count);
            let distances = kth_distances(&points);
            for (index, &distance) in distances.iter().enumerate() {
                assert_eq!(distance.to_bits(), by_hand(&points, index).to_bits(), "{index} of {count}");
            }
        }
        assert!(kth_distances(&[]).is_empty());
    }

    #[test]
    fn equal_points_are_no_trouble() {
        let begun = std::time::Instant::now();
        assert!(kth_distances(&vec![[1.0; 3]; 200_000]).iter().all(|d| d.to_bits() == 0));
        assert!(begun.elapsed().as_secs() < 5, "the search does not prune ties");
    }
}
