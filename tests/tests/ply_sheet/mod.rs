//! A PLY writer of the tests' own, made from the format's description and not from the importer: columns of f64,
//! written in any encoding, order and type. What it writes is what the importer is held against.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::Path;

/// Encodings by their names in the header.
pub(crate) const ENCODINGS: [&str; 3] = ["binary_little_endian", "binary_big_endian", "ascii"];

/// A column: type, name, values; a list column has one list a row.
#[derive(Clone)]
pub(crate) enum Column {
    Number(&'static str, String, Vec<f64>),
    List(&'static str, &'static str, String, Vec<Vec<f64>>),
}

impl Column {
    pub(crate) fn number(kind: &'static str, name: &str, values: &[f64]) -> Self {
        Self::Number(kind, name.to_owned(), values.to_vec())
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Number(_, name, _) | Self::List(_, _, name, _) => name,
        }
    }
}

/// A table of the file.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) rows: usize,
    pub(crate) columns: Vec<Column>,
}

impl Table {
    pub(crate) fn new(name: &'static str, rows: usize) -> Self {
        Self { name, rows, columns: Vec::new() }
    }

    pub(crate) fn with(mut self, kind: &'static str, name: &str, values: &[f64]) -> Self {
        assert_eq!(values.len(), self.rows, "{name}");
        self.columns.push(Column::number(kind, name, values));
        self
    }

    pub(crate) fn with_each(
        mut self,
        kind: &'static str,
        names: &[&str],
        value: impl Fn(usize, usize) -> f64,
    ) -> Self {
        for (number, name) in names.iter().enumerate() {
            let values: Vec<f64> = (0..self.rows).map(|row| value(row, number)).collect();
            self.columns.push(Column::number(kind, name, &values));
        }
        self
    }

    pub(crate) fn with_list(
        mut self,
        count: &'static str,
        item: &'static str,
        name: &str,
        lists: Vec<Vec<f64>>,
    ) -> Self {
        assert_eq!(lists.len(), self.rows, "{name}");
        self.columns.push(Column::List(count, item, name.to_owned(), lists));
        self
    }
}

fn put(out: &mut Vec<u8>, encoding: &str, kind: &str, value: f64) {
    if encoding == "ascii" {
        let text = match kind {
            "double" | "float64" => format!("{value:?} "),
            "float" | "float32" => format!("{:?} ", value as f32),
            _ => format!("{value} "),
        };
        out.extend(text.replace("inf", "Infinity").bytes());
        return;
    }
    let mut bytes = match kind {
        "char" | "int8" => (value as i8).to_le_bytes().to_vec(),
        "uchar" | "uint8" => (value as u8).to_le_bytes().to_vec(),
        "short" | "int16" => (value as i16).to_le_bytes().to_vec(),
        "ushort" | "uint16" => (value as u16).to_le_bytes().to_vec(),
        "int" | "int32" => (value as i32).to_le_bytes().to_vec(),
        "uint" | "uint32" => (value as u32).to_le_bytes().to_vec(),
        "float" | "float32" => (value as f32).to_le_bytes().to_vec(),
        "double" | "float64" => value.to_le_bytes().to_vec(),
        other => panic!("no such type: {other}"),
    };
    if encoding == "binary_big_endian" {
        bytes.reverse();
    }
    out.extend(bytes);
}

/// The bytes of a file with these tables.
pub(crate) fn bytes(encoding: &str, tables: &[Table]) -> Vec<u8> {
    let mut header = format!("ply\nformat {encoding} 1.0\ncomment made by a test\n");
    let mut body = Vec::new();
    for table in tables {
        header += &format!("element {} {}\n", table.name, table.rows);
        for column in &table.columns {
            header += &match column {
                Column::Number(kind, name, _) => format!("property {kind} {name}\n"),
                Column::List(count, item, name, _) => format!("property list {count} {item} {name}\n"),
            };
        }
        for row in 0..table.rows {
            for column in &table.columns {
                match column {
                    Column::Number(kind, _, values) => put(&mut body, encoding, kind, values[row]),
                    Column::List(count, item, _, lists) => {
                        put(&mut body, encoding, count, lists[row].len() as f64);
                        lists[row].iter().for_each(|value| put(&mut body, encoding, item, *value));
                    }
                }
            }
            if encoding == "ascii" {
                body.push(b'\n');
            }
        }
    }
    let mut out = (header + "end_header\n").into_bytes();
    out.extend(body);
    out
}

pub(crate) fn write(path: &Path, encoding: &str, tables: &[Table]) {
    std::fs::write(path, bytes(encoding, tables)).unwrap();
}

/// Deterministic numbers in −1..1.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
    }
}

/// A vertex table in the INRIA layout with plausible random values, rounded to f32.
pub(crate) fn gaussians(rows: usize, degree: usize, seed: u64) -> Table {
    let mut noise = Noise(seed);
    let mut table = Table::new("vertex", rows);
    let rest = 3 * ((degree + 1) * (degree + 1) - 1);
    let names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"].map(str::to_owned);
    let last =
        ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"].map(str::to_owned);
    for name in names.into_iter().chain((0..rest).map(|number| format!("f_rest_{number}"))).chain(last) {
        let (centre, spread) = match name.as_str() {
            "nx" | "ny" | "nz" => (0.0, 0.0),
            "opacity" => (1.0, 4.0),
            scale if scale.starts_with("scale") => (-4.0, 2.0),
            _ => (0.0, 1.0),
        };
        let values: Vec<f64> =
            (0..rows).map(|_| f64::from((centre + spread * noise.next()) as f32)).collect();
        table = table.with("float", &name, &values);
    }
    table
}
