//! The one error type of the engine, sorted by what the caller can do about it.
//!
//! Every variant prints as one line that names the thing at fault and, for files, the field and the byte.

use std::path::Path;

/// What went wrong, by what the caller can do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing failed: check the path, the disk, the permissions.
    #[error("{file}: {what}: {source}")]
    Io {
        /// The file, as the user named it.
        file: String,
        /// What was being done, for example `cannot open`.
        what: String,
        /// The system's own reason.
        source: std::io::Error,
    },
    /// The file is damaged or is not what it claims to be: get another copy or convert it again.
    #[error("{file}: {field} at byte {offset}: {why}")]
    Malformed {
        /// The file, as the user named it.
        file: String,
        /// The field that is wrong, by its name in the format's description.
        field: String,
        /// Byte offset of that field from the start of the file.
        offset: u64,
        /// What is wrong with it and what to do.
        why: String,
    },
    /// Well formed, but beyond what this version plays.
    #[error("{what}")]
    Unsupported {
        /// What is not supported, and what to do instead.
        what: String,
    },
    /// A hard limit would be passed; nothing was allocated.
    #[error("{what}: {value} exceeds the limit of {limit}")]
    LimitExceeded {
        /// The quantity that is limited, with the file where there is one.
        what: String,
        /// What was asked for.
        value: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// Host or device memory ran out.
    #[error("out of memory: {what}")]
    OutOfMemory {
        /// What was to be allocated.
        what: String,
    },
    /// The GPU was lost (driver reset, removal): create the device again.
    #[error("the GPU device was lost while {doing}; create the device again")]
    DeviceLost {
        /// What was being done.
        doing: &'static str,
    },
    /// The device or the system lacks something the player cannot do without.
    #[error("{what}")]
    MissingFeature {
        /// The feature by its Vulkan name, who lacks it, and how to get it.
        what: String,
    },
    /// The caller passed something that cannot be right.
    #[error("{what}")]
    InvalidArgument {
        /// Which argument, and what would be right.
        what: String,
    },
}

/// The engine's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::Io`] about `file`.
    pub fn io(file: impl AsRef<Path>, what: &str, source: std::io::Error) -> Self {
        Self::Io { file: file.as_ref().display().to_string(), what: what.to_owned(), source }
    }

    /// An [`Error::Malformed`] about `field` at `offset` of `file`.
    pub fn malformed(file: &str, field: &str, offset: u64, why: impl Into<String>) -> Self {
        Self::Malformed { file: file.to_owned(), field: field.to_owned(), offset, why: why.into() }
    }

    /// An [`Error::InvalidArgument`].
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::InvalidArgument { what: what.into() }
    }

    /// An [`Error::Unsupported`].
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}
