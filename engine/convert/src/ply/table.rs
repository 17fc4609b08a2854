//! The rows of a binary PLY file in memory, number by number: for formats whose columns are not those of a splat, or whose
//! file lies in an archive.

use vivant::{Error, Result};

use super::MAX_SPLATS;
use super::header::{Element, Encoding, Header, MAX_HEADER, Scalar, Shape};

/// The vertices of a file.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    file: String,
    vertex: Element,
    rows: &'a [u8],
    stride: usize,
    big_endian: bool,
}

/// One of its columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    offset: usize,
    scalar: Scalar,
}

impl<'a> Table<'a> {
    /// Parses the header and holds it against the bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::Unsupported`] for text, and for rows with lists; [`Error::LimitExceeded`].
    pub(crate) fn parse(file: &str, bytes: &'a [u8]) -> Result<Self> {
        let header = Header::parse(file, &bytes[..bytes.len().min(MAX_HEADER)])?;
        header.check_length(file, bytes.len() as u64)?;
        let unsupported =
            |what: &str| Error::unsupported(format!("{file}: {what}; save it as the trainer does"));
        if header.encoding == Encoding::Ascii {
            return Err(unsupported("numbers as text"));
        }
        let Some(vertex) = header.elements.first().filter(|element| element.name == "vertex").cloned() else {
            let why = "the vertices must stand first; export the file again";
            return Err(Error::malformed(file, "element vertex", header.length, why));
        };
        let Some(stride) = vertex.stride() else { return Err(unsupported("lists in its rows")) };
        if vertex.count > MAX_SPLATS {
            let what = format!("{file}: element vertex: splats in one file");
            return Err(Error::LimitExceeded { what, value: vertex.count, limit: MAX_SPLATS });
        }
        let start = usize::try_from(header.length).unwrap_or(usize::MAX);
        let count = usize::try_from(vertex.count).unwrap_or(usize::MAX);
        // Held against the length by check_length.
        let rows = bytes.get(start..).and_then(|rows| rows.get(..count * stride)).unwrap_or_default();
        let big_endian = header.encoding == Encoding::BigEndian;
        Ok(Self { file: file.to_owned(), vertex, rows, stride, big_endian })
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len().checked_div(self.stride).unwrap_or(0)
    }

    /// The names of its columns, in the order of the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.vertex.properties.iter().map(|property| property.name.as_str())
    }

    /// The column of this name.
    ///
    /// # Errors
    /// [`Error::Malformed`] where there is none.
    pub(crate) fn column(&self, name: &str) -> Result<Column> {
        let mut offset = 0;
        for property in &self.vertex.properties {
            let Shape::Scalar(scalar) = property.shape else { continue };
            if property.name == name {
                return Ok(Column { offset, scalar });
            }
            offset += scalar.size();
        }
        let why = "the vertices have no number of that name; export the file again with all its properties";
        Err(Error::malformed(&self.file, &format!("property {name}"), self.vertex.offset, why))
    }

    /// The columns of these names, in this order.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub(crate) fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[Column; N]> {
        let mut columns = [Column { offset: 0, scalar: Scalar::F32 }; N];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = self.column(name)?;
        }
        Ok(columns)
    }

    /// The number of a row in a column.
    pub(crate) fn number(&self, row: usize, column: Column) -> f64 {
        column.scalar.read(&self.rows[row * self.stride + column.offset..], self.big_endian)
    }

    /// The numbers of a row in several columns.
    pub(crate) fn numbers<const N: usize>(&self, row: usize, columns: [Column; N]) -> [f64; N] {
        columns.map(|column| self.number(row, column))
    }

    /// Where the file describes its rows.
    pub(crate) fn offset(&self) -> u64 {
        self.vertex.offset
    }
}
