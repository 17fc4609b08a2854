//! Several pictures in one: a stereo pair side by side, or a contact sheet over time.

use super::Image;
use crate::error::{Error, Result};

/// The pictures in one row, without a gap.
///
/// # Errors
/// As [`contact_sheet`].
pub fn side_by_side(images: &[Image]) -> Result<Image> {
    contact_sheet(images, images.len(), 0)
}

/// The pictures in rows of `columns`, `gap` transparent pixels apart; all must be of one size.
///
/// # Errors
/// [`Error::InvalidArgument`] when there is no picture or no column, or when sizes differ;
/// [`Error::LimitExceeded`] when the sheet would be wider or higher than 65535 pixels.
pub fn contact_sheet(images: &[Image], columns: usize, gap: u32) -> Result<Image> {
    let Some(first) = images.first().filter(|_| columns > 0) else {
        return Err(Error::invalid("a contact sheet needs at least one picture and one column"));
    };
    let wanted = (first.width, first.height);
    if let Some(other) = images.iter().find(|image| (image.width, image.height) != wanted) {
        return Err(Error::invalid(format!(
            "a contact sheet needs pictures of one size, not {} × {} and {} × {}",
            first.width, first.height, other.width, other.height
        )));
    }
    let columns = columns.min(images.len());
    let width = side(first.width, columns, gap)?;
    let height = side(first.height, images.len().div_ceil(columns), gap)?;
    let mut sheet = Image::filled(width, height, [0.0; 4]);
    let pitch_x = first.width as usize + gap as usize;
    let pitch_y = first.height as usize + gap as usize;
    for (index, image) in images.iter().enumerate() {
        let (left, top) = (index % columns * pitch_x, index / columns * pitch_y);
        for (row, pixels) in image.pixels.chunks_exact(image.width.max(1) as usize).enumerate() {
            let start = (top + row) * width as usize + left;
            sheet.pixels[start..start + pixels.len()].copy_from_slice(pixels);
        }
    }
    Ok(sheet)
}

/// The length of `count` cells of `cell` pixels with gaps between them.
fn side(cell: u32, count: usize, gap: u32) -> Result<u32> {
    let cells = count as u128 * u128::from(cell);
    let length = cells + (count as u128).saturating_sub(1) * u128::from(gap);
    let limit = u16::MAX;
    u16::try_from(length).map(u32::from).map_err(|_too_long| Error::LimitExceeded {
        what: "the side of the contact sheet, in pixels".to_owned(),
        value: u64::try_from(length).unwrap_or(u64::MAX),
        limit: u64::from(limit),
    })
}
