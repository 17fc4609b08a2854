//! Opens a PLY file and leads it through header, plan, body and activation. The only place here that opens files.
//!
//! Nothing is allocated for the rows before the header's promise has been held against the length of the file, and
//! the body goes through a bounded buffer: the peak is the splats themselves and one block.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use vivant::{Error, Result};

use super::ascii::Ascii;
use super::binary::Binary;
use super::body::Body;
use super::filter::Filter;
use super::header::{Element, Encoding, Header, MAX_HEADER};
use super::packed::Packed;
use super::plan::{Kind, Plan};
use super::{MAX_SPLATS, channels, gaussians, ids, points};
use crate::options::{Options, Stored};
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::{Axes, cleanse, still};

/// Where a file says its attributes are stored activated; found by [`read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) opacity: Stored,
    pub(crate) scale: Stored,
}

impl Found {
    /// Of what can be stored in one way only.
    const ACTIVATED: Self = Self { opacity: Stored::Activated, scale: Stored::Activated };
}

/// Reads the header of a PLY file and holds it against the file's length.
///
/// # Errors
/// [`Error::Io`], [`Error::Malformed`], [`Error::Unsupported`] and [`Error::LimitExceeded`], each naming the file.
pub fn probe(path: &Path) -> Result<Summary> {
    let opened = Opened::new(path)?;
    let vertex = opened.vertex()?;
    if let Some(packed) = Packed::new(&opened.file, &opened.header)? {
        return Ok(Summary::gaussians(vertex.count, packed.sh_degree));
    }
    let plan = Plan::new(&opened.file, vertex)?;
    let appearance = plan.appearance();
    Ok(Summary { kind: plan.kind, splats: vertex.count, sh_degree: plan.sh_degree, appearance })
}

/// Reads a PLY file into the model: static splats on our axes.
///
/// # Errors
/// As [`probe`]; also [`Error::Malformed`] when the body is damaged or no splat of it can be used.
pub fn read(path: &Path, options: &Options) -> Result<Imported> {
    read_and_tell(path, options).map(|(imported, _)| imported)
}

/// Whether a file says by what numbers its splats are known from frame to frame.
pub(crate) fn has_ids(path: &Path) -> bool {
    let found = Opened::new(path).and_then(|opened| Ok(ids::has(&opened.header, opened.vertex()?)));
    // What is wrong with it its reader says.
    found.unwrap_or(false)
}

/// Decides by one file how its sequence stores attributes.
pub(super) fn settle(path: &Path, options: &Options) -> Result<Options> {
    let undecided = options.opacity == Stored::Detect || options.scale == Stored::Detect;
    if !undecided || probe(path)?.kind != Kind::Gaussians {
        return Ok(options.clone());
    }
    let (_, found) = read_and_tell(path, options)?;
    Ok(Options { opacity: found.opacity, scale: found.scale, ..options.clone() })
}

/// [`read`], and how the attributes turned out to be stored.
pub(crate) fn read_and_tell(path: &Path, options: &Options) -> Result<(Imported, Found)> {
    let opened = Opened::new(path)?;
    let file = opened.file.clone();
    let vertex = opened.vertex()?.clone();
    if let Some(packed) = Packed::new(&file, &opened.header)? {
        return Ok((opened.read_packed(&packed, &vertex, options)?, Found::ACTIVATED));
    }
    let mut plan = Plan::new(&file, &vertex)?;
    let mut options = options.clone();
    if plan.filter.is_some() {
        let filter = Filter::new(&options);
        options = filter.decide(&options);
        plan.filter = Some(filter);
    }
    let numbers = ids::read(path, &opened.header, &vertex)?;
    let mut report = Report { files: 1, read: vertex.count, notes: plan.notes.clone(), ..Report::default() };
    let carried = channels::read(&opened, &vertex, &plan, &options, &mut report)?;
    let mut splats = opened.read_body(&vertex, &plan)?.splats;
    splats.channels = carried;
    let found = gaussians::activate(&mut splats, &plan, &options, &mut report);
    let dropped = cleanse::cleanse(&file, vertex.offset, &mut splats, &mut report)?;
    if plan.kind == Kind::Points {
        points::size(&mut splats, &mut report);
    }
    options.axes.unwrap_or(Axes::RDF).apply(&mut splats);
    let ids = match numbers {
        Some(numbers) => Some(cleanse::of_kept(numbers, &dropped)),
        None => cleanse::kept(splats.len() + dropped.len(), &dropped),
    };
    Ok((Imported { splats, ids, report }, found))
}

/// A file whose header has been read and believed.
pub(super) struct Opened {
    pub(super) file: String,
    pub(super) handle: File,
    length: u64,
    pub(super) header: Header,
}

impl Opened {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let file = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
        // A pipe or a device would block, or never end.
        if !metadata.is_file() {
            return Err(Error::invalid(format!(
                "{file}: not an ordinary file; give a PLY file or a folder of them"
            )));
        }
        let mut handle = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
        let mut start = Vec::new();
        let limit = MAX_HEADER as u64;
        handle.by_ref().take(limit).read_to_end(&mut start).map_err(|e| Error::io(path, "cannot read", e))?;
        let header = Header::parse(&file, &start)?;
        header.check_length(&file, metadata.len())?;
        Ok(Self { file, handle, length: metadata.len(), header })
    }

    /// The element with the splats.
    pub(super) fn vertex(&self) -> Result<&Element> {
        let named = |name: &str| self.header.elements.iter().find(|element| element.name == name);
        let Some(vertex) = named("vertex") else {
            let why = "the header has no element of that name; export the file as vertices";
            return Err(Error::malformed(&self.file, "element vertex", self.header.length, why));
        };
        if vertex.count > MAX_SPLATS {
            let what = format!("{}: element vertex: splats in one file", self.file);
            return Err(Error::LimitExceeded { what, value: vertex.count, limit: MAX_SPLATS });
        }
        Ok(vertex)
    }

    /// Reads a compressed file to the end.
    fn read_packed(mut self, packed: &Packed, vertex: &Element, options: &Options) -> Result<Imported> {
        let file = self.file.as_str();
        let at = SeekFrom::Start(self.header.length);
        self.handle.seek(at).map_err(|source| Error::io(file, "cannot seek", source))?;
        // What is promised was held against the length of the file; what follows is none of ours.
        let mut body = Vec::new();
        let read = self.handle.take(self.length - self.header.length).read_to_end(&mut body);
        read.map_err(|source| Error::io(file, "cannot read", source))?;
        let splats = packed.splats(&self.header, &body);
        let report = Report { files: 1, read: vertex.count, ..Report::default() };
        still::finish(
            file,
            "element vertex",
            vertex.offset,
            splats,
            report,
            options.axes.unwrap_or(Axes::RDF),
        )
    }

    /// Reads the rows as they are stored, before activation.
    pub(super) fn read_body(mut self, vertex: &Element, plan: &Plan) -> Result<Body> {
        let file = self.file.as_str();
        let at = self.header.length;
        self.handle.seek(SeekFrom::Start(at)).map_err(|source| Error::io(file, "cannot seek", source))?;
        let reader = BufReader::with_capacity(64 * 1024, self.handle);
        let before = self.header.elements.iter().take_while(|element| element.name != vertex.name);
        let count = usize::try_from(vertex.count).unwrap_or(usize::MAX);
        let room = || Body::new(count, plan);
        let encoding = self.header.encoding;
        if encoding == Encoding::Ascii {
            let mut body = Ascii::new(file, reader, at);
            before.into_iter().try_for_each(|element| body.skip(element))?;
            let mut rows = room();
            body.read_rows(vertex, plan, &mut rows)?;
            return Ok(rows);
        }
        let mut body = Binary { file, reader, at, big_endian: encoding == Encoding::BigEndian };
        before.into_iter().try_for_each(|element| body.skip(element, self.length))?;
        let mut rows = room();
        body.read_rows(vertex, plan, self.length, &mut rows)?;
        Ok(rows)
    }
}
