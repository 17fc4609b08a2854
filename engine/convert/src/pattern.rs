//! File-name patterns: `*` and `?` as in a shell, `%d` and `%04d` as in printf. Pure.

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// `?`: one character.
    One,
    /// `*`: any characters, even none.
    Any,
    /// `%d`: digits, at least this many; more only where the first is no zero.
    Digits(usize),
}

/// A pattern for one component of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

impl Pattern {
    /// The pattern in `text`; `None` if it has no wildcard.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let (part, length) = match character {
                '*' => (Part::Any, 1),
                '?' => (Part::One, 1),
                '%' => parse_number(rest).unwrap_or((Part::Literal('%'), 1)),
                other => (Part::Literal(other), other.len_utf8()),
            };
            rest = &rest[length..];
            // Two stars in a row mean no more than one.
            if part != Part::Any || parts.last() != Some(&Part::Any) {
                parts.push(part);
            }
        }
        parts.iter().any(|part| !matches!(part, Part::Literal(_))).then_some(Self(parts))
    }

    /// Whether a name matches. A dot at the start must be asked for, as in a shell.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if name.starts_with('.') && self.0.first() != Some(&Part::Literal('.')) {
            return false;
        }
        let name: Vec<char> = name.chars().collect();
        // reached[i]: the parts so far can end before character i. One pass a part, so no pattern is slow.
        let mut reached = vec![false; name.len() + 1];
        reached[0] = true;
        for part in &self.0 {
            reached = advance(part, &reached, &name);
        }
        reached.last().copied().unwrap_or(false)
    }
}

/// Where a match can end after `part`, given where it could begin.
fn advance(part: &Part, from: &[bool], name: &[char]) -> Vec<bool> {
    let mut to = vec![false; from.len()];
    for start in (0..from.len()).filter(|&start| from[start]) {
        match part {
            Part::Literal(wanted) if name.get(start) == Some(wanted) => to[start + 1] = true,
            Part::One if start < name.len() => to[start + 1] = true,
            Part::Literal(_) | Part::One => {}
            Part::Any => {
                to[start..].fill(true);
                break;
            }
            Part::Digits(width) => {
                let run = name[start..].iter().take_while(|c| c.is_ascii_digit()).count();
                let zero = name.get(start) == Some(&'0');
                let most = if zero { run.min((*width).max(1)) } else { run };
                for length in (*width).max(1)..=most {
                    to[start + length] = true;
                }
            }
        }
    }
    to
}

/// `%d`, `%4d` or `%04d` at the start of `text`, and its length.
fn parse_number(text: &str) -> Option<(Part, usize)> {
    let digits = text[1..].bytes().take_while(u8::is_ascii_digit).count();
    let width = text[1..=digits].parse().unwrap_or(0_usize);
    (text.as_bytes().get(1 + digits) == Some(&b'd') && width <= 20)
        .then_some((Part::Digits(width), digits + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn stars_and_question_marks() {
        assert!(matches("*.ply", "a.ply"));
        assert!(matches("*.ply", "a.b.ply"));
        assert!(!matches("*.ply", "a.ply.bak"));
        assert!(!matches("*.ply", ".hidden.ply"));
        assert!(matches("f?.p*", "f1.ply"));
        assert!(!matches("f?.p*", "f12.ply"));
        assert!(matches("**a**b*", "xxaybz"));
        assert!(Pattern::parse("plain.ply").is_none());
        assert!(Pattern::parse("100%.ply").is_none());
    }

    #[test]
    fn printf_numbers() {
        assert!(matches("frame%04d.ply", "frame0007.ply"));
        assert!(matches("frame%04d.ply", "frame12345.ply"));
        assert!(!matches("frame%04d.ply", "frame007.ply"));
        assert!(!matches("frame%04d.ply", "frame00007.ply"));
        assert!(matches("frame%d.ply", "frame7.ply"));
        assert!(matches("frame%d.ply", "frame0.ply"));
        assert!(!matches("frame%d.ply", "frame.ply"));
        assert!(!matches("frame%d.ply", "frame-1.ply"));
        assert!(matches("%d_%02d.ply", "12_03.ply"));
    }

    #[test]
    fn a_hostile_pattern_is_not_slow() {
        let pattern = "*a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199)));
        assert!(matches(&pattern, &"a".repeat(200)));
    }
}
