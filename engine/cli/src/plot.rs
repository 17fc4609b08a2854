//! A clip over time as an SVG: bit rate, live splats and memory, one panel each over a shared axis of seconds.
//!
//! Values change only where a segment starts or ends, so the curves are steps. A clip with more steps than the picture
//! has columns shows the highest value of each column: peaks are what budgets are made of, and none is lost.

use std::fmt::Write;

use vivant::clip::{Clip, Summary};

const WIDTH: f64 = 960.0;
const PANEL: f64 = 190.0;
const GAP: f64 = 44.0;
const TOP: f64 = 64.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const BOTTOM: f64 = 56.0;
/// Steps that are drawn one by one.
const COLUMNS: usize = 850;

/// One curve.
struct Panel {
    title: &'static str,
    unit: &'static str,
    colour: &'static str,
    /// By step.
    values: Vec<f64>,
    /// Over time, for the dashed line.
    mean: f64,
}

/// The picture of a clip that has a duration.
pub(crate) fn svg(clip: &Clip, summary: &Summary) -> String {
    let rate = clip.info().rate;
    let second = f64::from(rate.num) / f64::from(rate.den.max(1));
    let seconds = clip.span() as f64 / second;
    let steps: Vec<[f64; 2]> = summary
        .moments
        .iter()
        .map(|moment| [moment.start as f64 / second, moment.end as f64 / second])
        .collect();
    let panel = |title, unit, colour, of: &dyn Fn(&vivant::clip::Moment) -> f64| {
        let values: Vec<f64> = summary.moments.iter().map(of).collect();
        let area: f64 = values.iter().zip(&steps).map(|(value, [start, end])| value * (end - start)).sum();
        Panel { title, unit, colour, values, mean: area / seconds }
    };
    let panels = [
        panel("Bit rate", "Mb/s", "#1f6f8b", &|m| m.stored_bytes_per_tick * second * 8e-6),
        panel("Live splats", "thousand", "#b5502f", &|m| m.splats as f64 * 1e-3),
        panel("Memory of the live segments, decoded", "MB", "#4d7c3a", &|m| m.bytes as f64 * 1e-6),
    ];
    let height = TOP + 3.0 * PANEL + 2.0 * GAP + BOTTOM;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let name = std::path::Path::new(clip.name()).file_name().unwrap_or_default().to_string_lossy();
    text(&mut out, [LEFT, 26.0], "start", 17, &format!("{name} over time"));
    for (number, panel) in panels.iter().enumerate() {
        let top = TOP + number as f64 * (PANEL + GAP);
        draw(&mut out, panel, &steps, seconds, top, number == 2);
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) * 0.5;
    text(&mut out, [middle, height - 12.0], "middle", 13, "seconds");
    out.push_str("</svg>\n");
    out
}

/// One panel with its axes; the last carries the numbers of the time axis.
fn draw(out: &mut String, panel: &Panel, steps: &[[f64; 2]], seconds: f64, top: f64, last: bool) {
    let width = WIDTH - LEFT - RIGHT;
    let (spacing, high) = scale(panel.values.iter().copied().fold(0.0, f64::max), 4.0);
    let x = |time: f64| LEFT + time / seconds * width;
    let y = |value: f64| top + PANEL - value / high * PANEL;
    for number in 0..=8 {
        let value = spacing * f64::from(number);
        if value > high * 1.001 {
            break;
        }
        line(out, [LEFT, y(value), LEFT + width, y(value)], "#ddd", "");
        text(out, [LEFT - 8.0, y(value) + 4.0], "end", 12, &label(value, spacing));
    }
    let (spacing, _) = scale(seconds, 8.0);
    let mut time = 0.0;
    while time <= seconds * 1.0001 {
        line(out, [x(time), top, x(time), top + PANEL], "#eee", "");
        if last {
            text(out, [x(time), top + PANEL + 18.0], "middle", 12, &label(time, spacing));
        }
        time += spacing;
    }
    line(out, [LEFT, top + PANEL, LEFT + width, top + PANEL], "#555", "");
    line(out, [LEFT, top, LEFT, top + PANEL], "#555", "");
    let peak = panel.values.iter().copied().fold(0.0, f64::max);
    let title = format!("{}, {} (mean {:.3}, highest {:.3})", panel.title, panel.unit, panel.mean, peak);
    text(out, [LEFT, top - 8.0], "start", 13, &title);
    let mut path = String::new();
    for (number, (time, value)) in points(panel, steps, seconds).into_iter().enumerate() {
        let command = if number == 0 { 'M' } else { 'L' };
        // A String takes whatever is written to it.
        write!(path, "{command}{:.2} {:.2}", x(time), y(value)).ok();
    }
    writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>", panel.colour).ok();
    line(
        out,
        [LEFT, y(panel.mean), LEFT + width, y(panel.mean)],
        panel.colour,
        " stroke-dasharray=\"5 4\" opacity=\"0.6\"",
    );
}

/// The corners of a curve in seconds and its unit: both ends of every step, or of every column.
fn points(panel: &Panel, steps: &[[f64; 2]], seconds: f64) -> Vec<(f64, f64)> {
    let pairs = steps.iter().zip(&panel.values);
    if steps.len() <= COLUMNS {
        return pairs.flat_map(|(&[start, end], &value)| [(start, value), (end, value)]).collect();
    }
    let mut columns = vec![0.0_f64; COLUMNS];
    for (&[start, end], &value) in pairs {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of the columns: small and not negative"
        )]
        let [from, to] = [start, end].map(|time| (time / seconds * COLUMNS as f64) as usize);
        let to = to.max(from + 1).min(COLUMNS);
        columns
            .get_mut(from..to)
            .unwrap_or_default()
            .iter_mut()
            .for_each(|column| *column = column.max(value));
    }
    let time = |column: usize| column as f64 / COLUMNS as f64 * seconds;
    columns
        .iter()
        .enumerate()
        .flat_map(|(column, &value)| [(time(column), value), (time(column + 1), value)])
        .collect()
}

/// The distance of round grid lines, 1, 2 or 5 times a power of ten, about `wanted` of them up to `most`, and the line
/// at or above `most`.
fn scale(most: f64, wanted: f64) -> (f64, f64) {
    if most <= 0.0 || !most.is_finite() {
        return (1.0, 1.0);
    }
    let rough = most / wanted;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    let spacing = factor * power;
    (spacing, (most / spacing).ceil() * spacing)
}

/// A grid line's value with the decimals that its spacing needs.
fn label(value: f64, spacing: f64) -> String {
    let decimals = if spacing >= 1.0 {
        0
    } else if spacing >= 0.1 {
        1
    } else if spacing >= 0.01 {
        2
    } else {
        4
    };
    format!("{value:.decimals$}")
}

fn line(out: &mut String, [x0, y0, x1, y1]: [f64; 4], colour: &str, more: &str) {
    writeln!(
        out,
        "<line x1=\"{x0:.2}\" y1=\"{y0:.2}\" x2=\"{x1:.2}\" y2=\"{y1:.2}\" stroke=\"{colour}\"{more}/>"
    )
    .ok();
}

fn text(out: &mut String, [x, y]: [f64; 2], anchor: &str, size: u32, text: &str) {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // XML cannot hold control characters, and a name can.
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    writeln!(
        out,
        "<text x=\"{x:.2}\" y=\"{y:.2}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{escaped}</text>"
    )
    .ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grid_lines_are_round_and_hold_everything() {
        assert_eq!(scale(122.6, 4.0), (50.0, 150.0));
        assert_eq!(scale(8.0, 8.0), (1.0, 8.0));
        assert_eq!(scale(0.0, 4.0), (1.0, 1.0));
        for most in [1e-6, 0.37, 1.0, 99.9, 183.512, 1e9] {
            let (spacing, high) = scale(most, 4.0);
            assert!(high >= most && high - most < spacing && (2.0..=4.0).contains(&(high / spacing).ceil()));
        }
    }

    #[test]
    fn columns_keep_every_peak() {
        let steps: Vec<[f64; 2]> = (0..10_000_u32).map(|at| [f64::from(at), f64::from(at) + 1.0]).collect();
        let mut values = vec![1.0; 10_000];
        values[9_999] = 5.0;
        values[4_321] = 7.0;
        let panel = Panel { title: "", unit: "", colour: "", values, mean: 0.0 };
        let points = points(&panel, &steps, 10_000.0);
        assert_eq!(points.len(), 2 * COLUMNS);
        let highest = |from: f64, to: f64| {
            points
                .iter()
                .filter(|(time, _)| (from..=to).contains(time))
                .map(|point| point.1)
                .fold(0.0, f64::max)
        };
        assert!((highest(4_300.0, 4_340.0) - 7.0).abs() < 1e-9 && (highest(9_980.0, 1e5) - 5.0).abs() < 1e-9);
        assert!((highest(0.0, 4_200.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn names_cannot_leave_their_element() {
        let mut out = String::new();
        text(&mut out, [0.0, 0.0], "start", 9, "a<b>&\u{1b}");
        assert!(out.contains(">a&lt;b&gt;&amp;\u{fffd}<"), "{out}");
    }
}
