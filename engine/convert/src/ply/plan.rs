//! Which property of the vertex element becomes which number of a splat. Pure.
//!
//! A splat is laid out as 60 slots: mean xyz, rotation xyzw, scale xyz, opacity, colour rgb, 45 harmonics, filter. The plan
//! maps columns to slots, and with that does all the reordering: `rot_0` is w, and `f_rest_*` is channel-major (all of
//! red, then green, then blue) where ours is coefficient-major. What the file lacks keeps a default. A format that stands on
//! this one names further columns, which get slots behind these.

use vivant::splat::{Antialias, Appearance, sh_rest_len};
use vivant::{Error, Result};

use super::filter::Filter;
use super::header::{Element, Property, Scalar, Shape};
use crate::options::Options;

pub(super) const MEAN: usize = 0;
pub(super) const ROTATION: usize = 3;
pub(super) const SCALE: usize = 7;
pub(super) const OPACITY: usize = 10;
pub(super) const COLOUR: usize = 11;
pub(super) const SH_REST: usize = 14;
/// The width of Mip-Splatting's 3D filter.
pub(super) const FILTER: usize = 59;
/// Slots of a splat at SH degree 3.
pub(super) const SLOTS: usize = 60;

/// What a PLY file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Gaussians with sizes of their own.
    Gaussians,
    /// Bare points, whose size is found from their neighbours.
    Points,
}

/// Where the base colour comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Colour {
    /// `f_dc_*`: `0.5 + C0·f_dc`.
    Harmonic,
    /// Integers whose full scale is the given number.
    Integer(f32),
    /// Floats, 0..=1 or 0..=255.
    Float,
    /// None: mid grey.
    None,
}

/// One column that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// Index among the element's properties.
    pub(super) property: usize,
    /// Byte offset in a row without lists.
    pub(super) offset: usize,
    pub(super) scalar: Scalar,
    pub(super) slot: usize,
}

/// How the rows of a vertex element become splats.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub(super) columns: Vec<Column>,
    pub(super) kind: Kind,
    pub(super) colour: Colour,
    pub(super) sh_degree: u8,
    /// Number of `scale_*` columns, 0..=3.
    pub(super) scales: usize,
    /// Whether there is a rotation.
    pub(super) rotation: bool,
    /// Whether there is an opacity.
    pub(super) opacity: bool,
    /// How the 3D filter is folded into the rows, if there is one.
    pub(super) filter: Option<Filter>,
    /// The properties that are no part of a splat, by number.
    pub(super) leftovers: Vec<usize>,
    /// Number of columns beyond a splat's own.
    pub(super) extra: usize,
    /// What is left out, for the report.
    pub(super) notes: Vec<String>,
}

/// Names under which colours are found, after `f_dc_*`.
pub(super) const COLOURS: [[&str; 3]; 3] =
    [["red", "green", "blue"], ["r", "g", "b"], ["diffuse_red", "diffuse_green", "diffuse_blue"]];

/// Columns that carry nothing for a splat and are not worth a word.
const SILENT: [&str; 4] = ["nx", "ny", "nz", super::ids::NAME];

impl Plan {
    /// Finds the attributes in a vertex element.
    ///
    /// # Errors
    /// [`Error::Malformed`] where x, y or z is missing or a group of columns has gaps.
    pub(super) fn new(file: &str, vertex: &Element) -> Result<Self> {
        Self::with(file, vertex, &[])
    }

    /// [`Self::new`] with columns of the names `extra` behind the splat's own.
    ///
    /// # Errors
    /// As [`Self::new`], also for one of those that is missing.
    pub(super) fn with(file: &str, vertex: &Element, extra: &[&str]) -> Result<Self> {
        let mut finder = Finder::new(file, vertex);
        for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
            if !finder.take(name, MEAN + axis) {
                return Err(
                    finder.wrong(name, "the vertices have no number of that name; export positions as x y z")
                );
            }
        }
        let scales = finder.take_run("scale_", 3, |axis| SCALE + axis)?;
        // rot_0 is the real part.
        let rotation = finder.take_run("rot_", 4, |part| ROTATION + (part + 3) % 4)?;
        if rotation != 0 && rotation != 4 {
            return Err(finder.wrong("rot_3", "a rotation needs rot_0 to rot_3; export the file again"));
        }
        let opacity = finder.take("opacity", OPACITY);
        let filtered = scales > 0 && finder.take("filter_3D", FILTER);
        if filtered {
            let note = "Mip-Splatting's filter_3D is folded into scales and opacities";
            finder.notes.push(note.to_owned());
        }
        let colour = finder.take_colour()?;
        let sh_degree = finder.take_harmonics()?;
        for (number, name) in extra.iter().enumerate() {
            if !finder.take(name, SLOTS + number) {
                return Err(finder.wrong(name, "missing; export the file again with all its properties"));
            }
        }
        let kind = if scales > 0 { Kind::Gaussians } else { Kind::Points };
        let rotation = rotation == 4;
        let leftovers = finder.leftovers();
        Ok(Self {
            columns: finder.columns,
            kind,
            colour,
            sh_degree,
            scales,
            rotation,
            opacity,
            filter: filtered.then(|| Filter::new(&Options::default())),
            leftovers,
            extra: extra.len(),
            notes: finder.notes,
        })
    }

    /// The slots before any column is read.
    pub(super) fn blank(&self) -> Vec<f32> {
        let mut slots = vec![0.0; SLOTS + self.extra];
        slots[ROTATION + 3] = 1.0;
        slots
    }

    /// Does to the slots of a whole row what they have to say to each other.
    #[inline]
    pub(super) fn settle_row(&self, slots: &mut [f32]) {
        if let Some(filter) = self.filter {
            let width = slots[FILTER];
            let (scales, rest) = slots[SCALE..].split_at_mut(OPACITY - SCALE);
            filter.fold(width, &mut scales[..self.scales], &mut rest[0]);
        }
    }

    /// How a clip of it asks to be drawn: who trains with the 3D filter trains with the 2D one.
    pub(super) fn appearance(&self) -> Appearance {
        let antialias = if self.filter.is_some() { Antialias::Mip } else { Antialias::default() };
        Appearance { antialias, ..Appearance::default() }
    }

    /// The slot of each of the element's `count` properties that has one.
    pub(super) fn slots_by_property(&self, count: usize) -> Vec<Option<usize>> {
        let mut slots = vec![None; count];
        for column in &self.columns {
            slots[column.property] = Some(column.slot);
        }
        slots
    }
}

struct Finder<'a> {
    file: &'a str,
    vertex: &'a Element,
    offsets: Vec<usize>,
    taken: Vec<bool>,
    columns: Vec<Column>,
    notes: Vec<String>,
}

impl<'a> Finder<'a> {
    fn new(file: &'a str, vertex: &'a Element) -> Self {
        let mut at = 0;
        let offsets = vertex
            .properties
            .iter()
            .map(|property| {
                let here = at;
                if let Shape::Scalar(scalar) = property.shape {
                    at += scalar.size();
                }
                here
            })
            .collect();
        let taken = vec![false; vertex.properties.len()];
        Self { file, vertex, offsets, taken, columns: Vec::new(), notes: Vec::new() }
    }

    fn wrong(&self, property: &str, why: &str) -> Error {
        Error::malformed(self.file, &format!("property {property}"), self.vertex.offset, why)
    }

    fn find(&self, name: &str) -> Option<(usize, Scalar)> {
        let property = self.vertex.properties.iter().position(|property| property.name == name)?;
        match self.vertex.properties[property].shape {
            Shape::Scalar(scalar) => Some((property, scalar)),
            Shape::List { .. } => None,
        }
    }

    /// Reads `name` into `slot`; says whether there is such a column.
    fn take(&mut self, name: &str, slot: usize) -> bool {
        let Some((property, scalar)) = self.find(name) else { return false };
        self.columns.push(Column { property, offset: self.offsets[property], scalar, slot });
        self.taken[property] = true;
        true
    }

    /// Reads `prefix0`, `prefix1`, … up to `most`; the number found. Gaps are an error.
    fn take_run(&mut self, prefix: &str, most: usize, slot: impl Fn(usize) -> usize) -> Result<usize> {
        let count = self.run_length(prefix, most)?;
        for number in 0..count {
            self.take(&format!("{prefix}{number}"), slot(number));
        }
        Ok(count)
    }

    /// One more than the highest number of a run; an error where one below it is missing.
    fn run_length(&self, prefix: &str, most: usize) -> Result<usize> {
        let has = |number: usize| self.find(&format!("{prefix}{number}")).is_some();
        let count = (0..most).rev().find(|&number| has(number)).map_or(0, |last| last + 1);
        match (0..count).find(|&number| !has(number)) {
            Some(gap) => Err(self.wrong(
                &format!("{prefix}{gap}"),
                &format!("missing although {prefix}{} is there; export the file again", count - 1),
            )),
            None => Ok(count),
        }
    }

    fn take_colour(&mut self) -> Result<Colour> {
        match self.take_run("f_dc_", 3, |channel| COLOUR + channel)? {
            3 => return Ok(Colour::Harmonic),
            0 => {}
            count => {
                let why = "a colour needs f_dc_0 to f_dc_2; export the file again";
                return Err(self.wrong(&format!("f_dc_{count}"), why));
            }
        }
        for names in COLOURS {
            let found = names.map(|name| self.find(name).map(|(_, scalar)| scalar));
            if let [Some(red), Some(_), Some(_)] = found {
                for (channel, name) in names.into_iter().enumerate() {
                    self.take(name, COLOUR + channel);
                }
                return Ok(match red {
                    Scalar::F32 | Scalar::F64 => Colour::Float,
                    Scalar::I16 | Scalar::U16 => Colour::Integer(65_535.0),
                    _ => Colour::Integer(255.0),
                });
            }
        }
        Ok(Colour::None)
    }

    /// Reads `f_rest_*`; the degree they make.
    fn take_harmonics(&mut self) -> Result<u8> {
        const DEGREE_4: usize = 72;
        let count = self.run_length("f_rest_", DEGREE_4 + 1)?;
        let degree = match count {
            0 => 0,
            9 => 1,
            24 => 2,
            45 => 3,
            DEGREE_4 => {
                self.notes
                    .push("harmonics of degree 4 are left out: 3 is the most that is played".to_owned());
                3
            }
            _ => {
                return Err(self.wrong(
                    "f_rest_*",
                    &format!(
                        "{count} of them; harmonics come as 9, 24 or 45 (degree 1, 2 or 3): export it again"
                    ),
                ));
            }
        };
        let stored = count / 3;
        for channel in 0..3 {
            for coefficient in 0..sh_rest_len(degree) {
                let name = format!("f_rest_{}", channel * stored + coefficient);
                self.take(&name, SH_REST + coefficient * 3 + channel);
            }
        }
        Ok(degree)
    }

    /// The columns that are not used and may mean something.
    fn leftovers(&self) -> Vec<usize> {
        let unused = |(property, taken): (&Property, &bool)| {
            let name = property.name.as_str();
            !*taken && !SILENT.contains(&name) && !name.starts_with("f_rest_")
        };
        let properties = self.vertex.properties.iter().zip(&self.taken).enumerate();
        properties.filter(|(_, property)| unused(*property)).map(|(number, _)| number).collect()
    }
}
