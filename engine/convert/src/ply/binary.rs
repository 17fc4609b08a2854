//! Binary rows of a PLY file, either byte order, through one bounded buffer. Reads; does not interpret.

use std::fs::File;
use std::io::{BufReader, Read};

use rayon::prelude::*;
use vivant::{Error, Result};

use super::body::Body;
use super::header::{Element, Scalar, Shape};
use super::plan::{Plan, SLOTS};
use crate::rows;

/// Bytes read at a time: a few windows of the INRIA layout.
const BLOCK: usize = 8 << 20;

/// The body of a binary file.
pub(super) struct Binary<'a> {
    pub(super) file: &'a str,
    pub(super) reader: BufReader<File>,
    /// Byte offset of the reader.
    pub(super) at: u64,
    pub(super) big_endian: bool,
}

impl Binary<'_> {
    /// Reads exactly `bytes.len()` bytes of `element`'s row `row`.
    fn fill(&mut self, bytes: &mut [u8], element: &str, row: u64) -> Result<()> {
        self.reader.read_exact(bytes).map_err(|source| {
            if source.kind() == std::io::ErrorKind::UnexpectedEof {
                let field = format!("{element} {row}");
                let why = "the file ends here although its header promises more; copy or export it again";
                Error::malformed(self.file, &field, self.at, why)
            } else {
                Error::io(self.file, "cannot read", source)
            }
        })?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn skip_bytes(&mut self, count: u64) -> Result<()> {
        let offset = i64::try_from(count)
            .map_err(|_overflow| Error::malformed(self.file, "body", self.at, "a length beyond any file"))?;
        self.reader.seek_relative(offset).map_err(|source| Error::io(self.file, "cannot read", source))?;
        self.at += count;
        Ok(())
    }

    /// Passes over an element that is of no use here.
    pub(super) fn skip(&mut self, element: &Element, file_length: u64) -> Result<()> {
        if let Some(stride) = element.stride() {
            // Held against the length of the file by Header::check_length.
            return self.skip_bytes(element.count.saturating_mul(stride as u64));
        }
        for row in 0..element.count {
            self.walk_row(element, row, file_length, |_, _| {})?;
        }
        Ok(())
    }

    /// Reads the rows of the vertex element into `body`, which has room for them.
    pub(super) fn read_rows(
        &mut self,
        vertex: &Element,
        plan: &Plan,
        file_length: u64,
        body: &mut Body,
    ) -> Result<()> {
        let Some(stride) = vertex.stride().filter(|&stride| stride > 0) else {
            return self.walk_rows(vertex, plan, file_length, body);
        };
        let count = body.len();
        // Whole windows a block, so that every thread has one.
        let per_block = (BLOCK / stride / rows::WINDOW).max(1) * rows::WINDOW;
        let mut block = vec![0; per_block.min(count) * stride];
        let mut first = 0;
        while first < count {
            let taken = per_block.min(count - first);
            let bytes = &mut block[..taken * stride];
            self.fill(bytes, &vertex.name, first as u64)?;
            let big_endian = self.big_endian;
            body.windows(first, taken).into_par_iter().zip(bytes.par_chunks(rows::WINDOW * stride)).for_each(
                |(mut window, bytes)| {
                    // Every row fills the same slots.
                    let mut slots = plan.blank();
                    for (index, row) in bytes.chunks_exact(stride).enumerate() {
                        for column in &plan.columns {
                            slots[column.slot] = number(&row[column.offset..], column.scalar, big_endian);
                        }
                        plan.settle_row(&mut slots);
                        window.store(&slots, index);
                    }
                },
            );
            first += taken;
        }
        Ok(())
    }

    /// The slow way, for rows with lists in them, whose length is not known before they are read.
    fn walk_rows(&mut self, vertex: &Element, plan: &Plan, file_length: u64, body: &mut Body) -> Result<()> {
        let slot_of = plan.slots_by_property(vertex.properties.len());
        let count = body.len();
        let mut slots = plan.blank();
        for mut window in body.windows(0, count) {
            for index in 0..window.splats.len() {
                let row = (window.splats.first + index) as u64;
                self.walk_row(vertex, row, file_length, |property, value| {
                    if let Some(slot) = slot_of[property] {
                        slots[slot] = value;
                    }
                })?;
                plan.settle_row(&mut slots);
                window.store(&slots, index);
            }
        }
        Ok(())
    }

    /// Reads one row number by number; lists are passed over.
    fn walk_row(
        &mut self,
        element: &Element,
        row: u64,
        file_length: u64,
        mut each: impl FnMut(usize, f32),
    ) -> Result<()> {
        for (number_of, property) in element.properties.iter().enumerate() {
            let (Shape::Scalar(scalar) | Shape::List { count: scalar, .. }) = property.shape;
            let mut bytes = [0; 8];
            let field = &mut bytes[..scalar.size()];
            self.fill(field, &element.name, row)?;
            match property.shape {
                Shape::Scalar(_) => each(number_of, number(field, scalar, self.big_endian)),
                Shape::List { item, .. } => {
                    let length = scalar.read(field, self.big_endian);
                    let size = length * item.size() as f64;
                    let left = file_length.saturating_sub(self.at);
                    if length < 0.0 || size > left as f64 {
                        return Err(Error::malformed(
                            self.file,
                            &format!("{} {row}, property {}", element.name, property.name),
                            self.at - scalar.size() as u64,
                            format!(
                                "a list of {length} numbers where {left} bytes are left; export the file again"
                            ),
                        ));
                    }
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a whole number between 0 and the length of the file"
                    )]
                    let size = size as u64;
                    self.skip_bytes(size)?;
                }
            }
        }
        Ok(())
    }
}

/// A number as the model's f32.
#[inline]
fn number(bytes: &[u8], scalar: Scalar, big_endian: bool) -> f32 {
    // Nearly every column is one: spare it the way through f64.
    if scalar == Scalar::F32 {
        let raw = bytes.first_chunk().copied().unwrap_or_default();
        return if big_endian { f32::from_be_bytes(raw) } else { f32::from_le_bytes(raw) };
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the model is f32; what is beyond becomes infinite and is dropped"
    )]
    let narrow = scalar.read(bytes, big_endian) as f32;
    narrow
}

/// Slots must fit the blank splat: a plan with a slot beyond it does not compile into a row.
const _: () = assert!(super::plan::SH_REST + 45 == super::plan::FILTER && super::plan::FILTER + 1 == SLOTS);
