//! Times of many frames, and their medians.

use vivant::gpu::Span;

/// Samples of one quantity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(Vec<u64>);

impl Series {
    /// Adds a sample.
    pub(crate) fn add(&mut self, sample: u64) {
        self.0.push(sample);
    }

    /// The value below which `share` of the samples lie; 0 without samples.
    pub(crate) fn percentile(&self, share: f64) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let index = (last as f64 * share).round() as usize;
        sorted.get(index).copied().unwrap_or(0)
    }

    /// The median in milliseconds, for nanoseconds.
    pub(crate) fn median_ms(&self) -> f64 {
        self.percentile(0.5) as f64 * 1e-6
    }

    /// The 95th percentile in milliseconds, for nanoseconds.
    pub(crate) fn p95_ms(&self) -> f64 {
        self.percentile(0.95) as f64 * 1e-6
    }
}

/// GPU times by stage (`sort.scan` counts as `sort`), in order of first appearance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stages(Vec<(&'static str, Series)>);

impl Stages {
    /// Adds one frame's spans.
    pub(crate) fn add(&mut self, spans: &[Span]) {
        let mut frame: Vec<(&'static str, u64)> = Vec::new();
        for span in spans {
            let stage = span.name.split('.').next().unwrap_or(span.name);
            match frame.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, nanos)) => *nanos += span.nanos,
                None => frame.push((stage, span.nanos)),
            }
        }
        for (stage, nanos) in frame {
            match self.0.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, series)) => series.add(nanos),
                None => {
                    let mut series = Series::default();
                    series.add(nanos);
                    self.0.push((stage, series));
                }
            }
        }
    }

    /// Each stage with its samples.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Series)> {
        self.0.iter().map(|(name, series)| (*name, series))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_the_middle() {
        let mut series = Series::default();
        assert_eq!(series.percentile(0.5), 0);
        [9_000_000, 1_000_000, 5_000_000].into_iter().for_each(|v| series.add(v));
        assert!((series.median_ms() - 5.0).abs() < 1e-9);
        assert!((series.p95_ms() - 9.0).abs() < 1e-9);
    }

    #[test]
    fn kernels_add_up_to_stages() {
        let mut stages = Stages::default();
        let span = |name, nanos| Span { name, nanos };
        stages.add(&[span("cull", 5), span("sort.scan", 1), span("sort.scatter", 2), span("sort.scan", 3)]);
        let found: Vec<_> = stages.iter().map(|(name, s)| (name, s.percentile(0.5))).collect();
        assert_eq!(found, [("cull", 5), ("sort", 6)]);
    }
}
