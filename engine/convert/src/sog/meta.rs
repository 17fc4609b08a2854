//! What a `meta.json` says, of any version: which pictures hold what, and what their bytes mean. No I/O.
//!
//! A byte of a picture is looked up in a table: version 2 (and TSOG) writes the table down as a codebook, version 1 as its
//! two ends. With the tables filled, and the values in them activated, all versions are one.

use serde::Deserialize;
use vivant::splat::{Antialias, Appearance, Kernel, SH_C0};

use crate::temporal::narrow;

/// Entries of a table: a byte names one.
const ENTRIES: usize = 256;

/// What each byte of a channel means; what it never should be is NaN.
pub(crate) type Table = [f32; ENTRIES];

/// A `meta.json` as it stands. Members that are not read are ignored, as the specification asks.
#[derive(Debug, Deserialize)]
pub(crate) struct Meta {
    /// Version 1 has none.
    pub(crate) version: Option<u64>,
    /// Number of splats; version 1 says it as the shape of the means.
    count: Option<u64>,
    /// Whether it was trained with the Mip filter (until 2026).
    #[serde(default)]
    antialias: bool,
    /// How it was trained, by a name (since 2026).
    model: Option<String>,
    means: Means,
    scales: Coded,
    quats: Files,
    sh0: Coded,
    #[serde(rename = "shN")]
    sh_rest: Option<Rest>,
}

#[derive(Debug, Deserialize)]
struct Means {
    shape: Option<Vec<u64>>,
    mins: [f64; 3],
    maxs: [f64; 3],
    files: [String; 2],
}

#[derive(Debug, Deserialize)]
struct Files {
    files: [String; 1],
}

/// Numbers by codebook, or between two ends.
#[derive(Debug, Deserialize)]
struct Coded {
    codebook: Option<Vec<Option<f64>>>,
    mins: Option<Vec<f64>>,
    maxs: Option<Vec<f64>>,
    files: [String; 1],
}

#[derive(Debug, Deserialize)]
struct Rest {
    count: Option<u64>,
    bands: Option<u8>,
    codebook: Option<Vec<Option<f64>>>,
    mins: Option<f64>,
    maxs: Option<f64>,
    files: [String; 2],
}

/// A scene by its manifest: the same for all versions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// Number of splats.
    pub(crate) count: u64,
    /// Ends of the means along each axis, in the logarithmic domain.
    pub(crate) mean_ends: [[f64; 2]; 3],
    /// Low bytes of the means, then high bytes.
    pub(crate) means: [String; 2],
    /// Scales, quaternions, base colour with opacity.
    pub(crate) singles: [String; 3],
    /// Standard deviations, metres, by axis.
    pub(crate) scale: [Table; 3],
    /// Base colours by channel.
    pub(crate) colour: [Table; 3],
    /// Opacities.
    pub(crate) opacity: Table,
    /// The harmonics above, if there are any.
    pub(crate) palette: Option<Palette>,
    /// How it asks to be drawn.
    pub(crate) appearance: Appearance,
    /// What had to be assumed.
    pub(crate) note: Option<String>,
}

/// Harmonics that splats share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Palette {
    /// Number of rows, where it is said.
    pub(crate) count: Option<u64>,
    /// SH degree; version 1 tells it by the width of the picture.
    pub(crate) degree: Option<u8>,
    /// Values.
    pub(crate) table: Table,
    /// The rows, then which row each splat has.
    pub(crate) files: [String; 2],
}

/// What is wrong with a member: its name and why.
pub(crate) type Fault = (&'static str, String);

impl Meta {
    /// The scene, or the member that is wrong.
    pub(crate) fn layout(self) -> Result<Layout, Fault> {
        let first = self.version.is_none();
        let count = match first {
            true => self.means.shape.as_ref().and_then(|shape| shape.first().copied()),
            false => self.count,
        };
        let count = count.ok_or(("count", "is missing; export the file again".to_owned()))?;
        let mut mean_ends = [[0.0; 2]; 3];
        for (axis, ends) in mean_ends.iter_mut().enumerate() {
            let (low, high) = (self.means.mins[axis], self.means.maxs[axis]);
            // As in the reader of those who made the format: an axis without extent has one of 1 (and its bytes are 0).
            *ends = [low, if high == low && self.version != Some(4) { low + 1.0 } else { high }];
        }
        let scale = tables::<3>(&self.scales, first, "scales")?.map(|table| table.map(f32::exp));
        let tint = |table: Table| table.map(|harmonic| 0.5 + SH_C0 * harmonic);
        let (colour, opacity) = if first {
            let [red, green, blue, logit] = tables::<4>(&self.sh0, true, "sh0")?;
            ([red, green, blue].map(tint), logit.map(|logit| 1.0 / (1.0 + (-logit).exp())))
        } else {
            (tables::<3>(&self.sh0, false, "sh0")?.map(tint), between(0.0, 1.0))
        };
        let palette = self.sh_rest.map(|rest| rest.palette(first)).transpose()?;
        let (appearance, note) = appearance(self.antialias, self.model.as_deref());
        let ([scales], [quats], [sh0]) = (self.scales.files, self.quats.files, self.sh0.files);
        Ok(Layout {
            count,
            mean_ends,
            means: self.means.files,
            singles: [scales, quats, sh0],
            scale,
            colour,
            opacity,
            palette,
            appearance,
            note,
        })
    }
}

impl Rest {
    fn palette(self, first: bool) -> Result<Palette, Fault> {
        let table = match (first, self.codebook, self.mins, self.maxs) {
            (true, _, Some(low), Some(high)) => between(low, high),
            (false, Some(book), ..) => book_table(&book, "shN.codebook")?,
            _ => return Err(("shN", "has no values; export the file again".to_owned())),
        };
        let degree = if first { None } else { Some(self.bands.unwrap_or(0)) };
        if !degree.is_none_or(|degree| (1..=3).contains(&degree)) {
            return Err(("shN.bands", "is not 1, 2 or 3; export the file again".to_owned()));
        }
        Ok(Palette { count: self.count, degree, table, files: self.files })
    }
}

/// The tables of `N` channels: one codebook for all, or two ends for each.
fn tables<const N: usize>(coded: &Coded, first: bool, name: &'static str) -> Result<[Table; N], Fault> {
    let mut tables = [[0.0; ENTRIES]; N];
    match (first, &coded.codebook, &coded.mins, &coded.maxs) {
        (false, Some(book), ..) => tables = [book_table(book, name)?; N],
        (true, _, Some(low), Some(high)) if low.len() >= N && high.len() >= N => {
            for (table, (&low, &high)) in tables.iter_mut().zip(low.iter().zip(high)) {
                *table = between(low, high);
            }
        }
        (true, ..) => return Err((name, format!("has not {N} mins and maxs; export the file again"))),
        (false, ..) => return Err((name, "has no codebook; export the file again".to_owned())),
    }
    Ok(tables)
}

/// A byte evenly between two ends.
fn between(low: f64, high: f64) -> Table {
    std::array::from_fn(|byte| narrow(low + (high - low) * (byte as f64 / 255.0)))
}

/// A codebook as it stands. Some writers lost the first entry; it is one step before the second, as their reader has it.
fn book_table(book: &[Option<f64>], name: &'static str) -> Result<Table, Fault> {
    let mut table = [f32::NAN; ENTRIES];
    if book.is_empty() || book.len() > ENTRIES {
        let why = format!("{} entries, where a byte names 1 to {ENTRIES}; export the file again", book.len());
        return Err((name, why));
    }
    for (entry, value) in table.iter_mut().zip(book) {
        *entry = value.map_or(f32::NAN, narrow);
    }
    if let [None, Some(second), .., Some(last)] = book {
        table[0] = narrow(second + (second - last) / 255.0);
    }
    Ok(table)
}

/// How it was trained.
fn appearance(antialias: bool, model: Option<&str>) -> (Appearance, Option<String>) {
    let plain = Appearance::default();
    let mip = Appearance { antialias: Antialias::Mip, ..plain };
    match model {
        None if antialias => (mip, None),
        None | Some("default") => (plain, None),
        Some("antialiased") => (mip, None),
        Some("2dgs") => (Appearance { kernel: Kernel::Surfel, ..plain }, None),
        Some(other) => {
            (plain, Some(format!("the model '{other}' is not known; drawn as ordinary Gaussians")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_first_entry_is_a_step_before_the_second() {
        let book: Vec<Option<f64>> =
            (0..256).map(|entry| (entry > 0).then_some(f64::from(entry) * 2.0)).collect();
        let table = book_table(&book, "scales").unwrap();
        assert!((table[0] - (2.0 + (2.0 - 510.0) / 255.0)).abs() < 1e-6);
        assert!((table[255] - 510.0).abs() < 1e-6);
        assert!(book_table(&[Some(1.0)], "scales").unwrap()[1].is_nan());
        assert!(book_table(&[], "scales").is_err());
        assert!(book_table(&[Some(0.0); 257], "scales").is_err());
    }

    #[test]
    fn what_was_trained_how_is_drawn_so() {
        assert_eq!(appearance(false, None), (Appearance::default(), None));
        assert_eq!(appearance(true, None).0.antialias, Antialias::Mip);
        assert_eq!(appearance(false, Some("antialiased")).0.antialias, Antialias::Mip);
        assert_eq!(appearance(false, Some("2dgs")).0.kernel, Kernel::Surfel);
        assert!(appearance(false, Some("hexagons")).1.is_some());
    }
}
