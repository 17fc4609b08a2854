//! What an import did to the splats, said once: how many were read, dropped, mended, and what was assumed. Pure.

use std::fmt;

/// Why a splat was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// A NaN, or an infinity where none makes sense.
    NotFinite,
    /// Farther from the origin, larger, or brighter than any capture: a wild value.
    Absurd,
    /// A quaternion of length zero turns nothing.
    NoRotation,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "not finite",
            Self::Absurd => "out of any range",
            Self::NoRotation => "of length zero",
        })
    }
}

/// The first splat that was dropped, for whoever looks for the fault in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstDropped {
    /// The file, as the user named it.
    pub file: String,
    /// Its index in that file, from 0.
    pub index: usize,
    /// The attribute that was wrong, by its name in the model.
    pub attribute: &'static str,
    /// What was wrong with it.
    pub flaw: Flaw,
}

/// As `splat 3, rotation: of length zero`.
impl fmt::Display for FirstDropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "splat {}, {}: {}", self.index, self.attribute, self.flaw)
    }
}

/// What happened on the way from the file to the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Files read.
    pub files: u64,
    /// Splats (or points) the files hold.
    pub read: u64,
    /// Dropped as [`Flaw::NotFinite`].
    pub not_finite: u64,
    /// Dropped as [`Flaw::Absurd`].
    pub absurd: u64,
    /// Dropped as [`Flaw::NoRotation`].
    pub no_rotation: u64,
    /// Splats kept whose scale was zero or too small and was raised to the least scale.
    pub thin: u64,
    /// The first splat dropped.
    pub first_dropped: Option<FirstDropped>,
    /// What was assumed or left out, one line each, without repetition.
    pub notes: Vec<String>,
}

impl Report {
    /// Number of splats dropped, for whatever reason.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.not_finite + self.absurd + self.no_rotation
    }

    /// Adds a note unless it is there already.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Counts one dropped splat; call in order of index.
    pub(crate) fn drop_one(&mut self, file: &str, index: usize, attribute: &'static str, flaw: Flaw) {
        match flaw {
            Flaw::NotFinite => self.not_finite += 1,
            Flaw::Absurd => self.absurd += 1,
            Flaw::NoRotation => self.no_rotation += 1,
        }
        if self.first_dropped.is_none() {
            self.first_dropped = Some(FirstDropped { file: file.to_owned(), index, attribute, flaw });
        }
    }

    /// Adds what a later frame reports.
    pub fn absorb(&mut self, later: Self) {
        self.files += later.files;
        self.read += later.read;
        self.not_finite += later.not_finite;
        self.absurd += later.absurd;
        self.no_rotation += later.no_rotation;
        self.thin += later.thin;
        if self.first_dropped.is_none() {
            self.first_dropped = later.first_dropped;
        }
        for note in later.notes {
            self.note(note);
        }
    }
}

/// Lines for a person: what was read, what was dropped, what was assumed.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        write!(
            f,
            "read {} splat{} from {} file{}",
            self.read,
            plural(self.read),
            self.files,
            plural(self.files)
        )?;
        if self.dropped() > 0 {
            write!(f, "\ndropped {}:", self.dropped())?;
            let counts = [
                (self.not_finite, Flaw::NotFinite),
                (self.absurd, Flaw::Absurd),
                (self.no_rotation, Flaw::NoRotation),
            ];
            let mut separator = " ";
            for (count, flaw) in counts.iter().filter(|(count, _)| *count > 0) {
                write!(f, "{separator}{count} {flaw}")?;
                separator = ", ";
            }
            if let Some(first) = &self.first_dropped {
                write!(f, "; the first is {first} ({})", first.file)?;
            }
        }
        if self.thin > 0 {
            write!(f, "\nraised {} vanishing scale{} to the least", self.thin, plural(self.thin))?;
        }
        for note in &self.notes {
            write!(f, "\nnote: {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_add_up_and_say_each_thing_once() {
        let mut one = Report { files: 1, read: 10, ..Report::default() };
        one.note("a");
        let mut two = Report { files: 1, read: 5, thin: 1, ..Report::default() };
        two.note("a");
        two.drop_one("b.ply", 3, "rotation", Flaw::NoRotation);
        two.drop_one("b.ply", 4, "mean", Flaw::NotFinite);
        one.absorb(two);
        assert_eq!(
            one.to_string(),
            "read 15 splats from 2 files\n\
             dropped 2: 1 not finite, 1 of length zero; the first is splat 3, rotation: of length zero (b.ply)\n\
             raised 1 vanishing scale to the least\nnote: a"
        );
    }
}
