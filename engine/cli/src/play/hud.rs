//! What the window shows on top of the picture: lines of text and the bar to scrub with. Draws into 0RGB pixels.

use font8x8::UnicodeFonts;

/// Height of the bar, px; the pointer grabs it in twice that.
const BAR_PX: usize = 6;
/// Side of a character, px.
const GLYPH_PX: usize = 8;
const INK: u32 = 0x00F2_F2F2;
const SHADE: u32 = 0x0010_1014;
const TRACK: u32 = 0x0045_4850;
const PLAYED: u32 = 0x00E8_A33D;

/// A window's pixels, row by row.
pub(crate) struct Surface<'a> {
    pub(crate) pixels: &'a mut [u32],
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Surface<'_> {
    fn set(&mut self, x: usize, y: usize, colour: u32) {
        if x < self.width
            && let Some(pixel) = self.pixels.get_mut(y * self.width + x)
        {
            *pixel = colour;
        }
    }

    /// A line of text with its upper left corner at (x, y), shaded so that it reads on anything.
    pub(crate) fn text(&mut self, x: usize, y: usize, text: &str) {
        for (column, character) in text.chars().enumerate() {
            let Some(rows) = font8x8::BASIC_FONTS.get(character) else { continue };
            for (dy, row) in rows.iter().enumerate() {
                for dx in 0..GLYPH_PX {
                    if row >> dx & 1 == 1 {
                        let (px, py) = (x + column * GLYPH_PX + dx, y + dy);
                        self.set(px + 1, py + 1, SHADE);
                        self.set(px, py, INK);
                    }
                }
            }
        }
    }

    /// The bar along the lower edge, `share` of it played.
    pub(crate) fn bar(&mut self, share: f64) {
        let played = share.clamp(0.0, 1.0) * self.width as f64;
        for y in self.height.saturating_sub(BAR_PX)..self.height {
            for x in 0..self.width {
                self.set(x, y, if (x as f64) < played { PLAYED } else { TRACK });
            }
        }
    }
}

/// Whether the pointer at `y` grabs the bar of a window of `height` px.
pub(crate) fn grabs_bar(y: f64, height: f64) -> bool {
    y >= height - 2.0 * BAR_PX as f64
}

/// A media time as minutes, seconds and hundredths.
pub(crate) fn clock(nanos: i64) -> String {
    let hundredths = nanos.max(0) / 10_000_000;
    format!("{}:{:02}.{:02}", hundredths / 6000, hundredths / 100 % 60, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_marks_pixels_and_stays_inside() {
        let (width, height) = (20, 10);
        let mut pixels = vec![0; width * height];
        let mut surface = Surface { pixels: &mut pixels, width, height };
        surface.text(2, 1, "Hi, this is longer than the window");
        surface.text(100, 100, "outside");
        surface.bar(0.5);
        assert!(pixels.contains(&INK) && pixels.contains(&PLAYED) && pixels.contains(&TRACK));
    }

    #[test]
    fn times_read_well() {
        assert_eq!(clock(0), "0:00.00");
        assert_eq!(clock(83_456_000_000), "1:23.45");
    }
}
