//! Writes what trainers write, byte by byte.

/// A binary little-endian PLY of one vertex element of floats.
pub(crate) fn ply(comments: &[String], names: &[String], rows: &[Vec<f32>]) -> Vec<u8> {
    let mut out = b"ply\nformat binary_little_endian 1.0\n".to_vec();
    for comment in comments {
        out.extend_from_slice(format!("comment {comment}\n").as_bytes());
    }
    out.extend_from_slice(format!("element vertex {}\n", rows.len()).as_bytes());
    for name in names {
        out.extend_from_slice(format!("property float {name}\n").as_bytes());
    }
    out.extend_from_slice(b"end_header\n");
    for row in rows {
        assert_eq!(row.len(), names.len());
        row.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }
    out
}

/// `prefix0`, `prefix1`, ….
pub(crate) fn numbered(prefix: &str, count: usize) -> impl Iterator<Item = String> + '_ {
    (0..count).map(move |number| format!("{prefix}{number}"))
}
