//! Natural order of names: runs of digits compare as numbers, so that `frame2` comes before `frame10`. Pure.
//!
//! Names that are equal as numbers but not as text (`f1`, `f01`) fall back to the order of their bytes, so the order
//! is total and does not depend on the file system.

use std::cmp::Ordering;
use std::path::Path;

/// Compares two paths component by component in natural order.
pub(crate) fn compare_paths(a: &Path, b: &Path) -> Ordering {
    let mut left = a.components().map(|part| part.as_os_str().as_encoded_bytes());
    let mut right = b.components().map(|part| part.as_os_str().as_encoded_bytes());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return a.as_os_str().cmp(b.as_os_str()),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(two)) => match compare(one, two) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// Compares two names; digits as numbers of any length, the rest as bytes.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(&one), Some(&two)) = (left.first(), right.first()) {
        let ordering = if one.is_ascii_digit() && two.is_ascii_digit() {
            compare_numbers(take_digits(&mut left), take_digits(&mut right))
        } else {
            left = &left[1..];
            right = &right[1..];
            one.cmp(&two)
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Splits the leading digits off `text`.
fn take_digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits
}

/// Compares digit strings as numbers, without a limit on their length.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.iter().position(|&d| d != b'0').unwrap_or(digits.len());
    let (a, b) = (&a[significant(a)..], &b[significant(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_order_as_numbers() {
        let mut names =
            ["f10.ply", "f9.ply", "f2b.ply", "f2.ply", "f01.ply", "f1.ply", "e99", "f", "f1a2", "f1a10"];
        names.sort_by(|a, b| compare_paths(Path::new(a), Path::new(b)));
        assert_eq!(
            names,
            ["e99", "f", "f01.ply", "f1.ply", "f1a2", "f1a10", "f2.ply", "f2b.ply", "f9.ply", "f10.ply"]
        );
    }

    #[test]
    fn numbers_longer_than_any_integer_still_compare() {
        let (small, large) = ("9".repeat(40), format!("1{}", "0".repeat(40)));
        assert_eq!(compare(small.as_bytes(), large.as_bytes()), Ordering::Less);
    }

    #[test]
    fn folders_compare_before_names() {
        let (a, b) = (Path::new("take2/f9"), Path::new("take10/f1"));
        assert_eq!(compare_paths(a, b), Ordering::Less);
    }
}
