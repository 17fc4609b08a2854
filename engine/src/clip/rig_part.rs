//! The rig: the joints that carry the splats of a clip, in a part of the file of its own.
//!
//! Like a palette it says itself what it is, so that it can be found where the index is lost, and the index names it once.
//! Unlike a palette it is needed: without the joints' rests nobody knows where splats belong, so a clip whose rig is
//! damaged does not open.

use std::sync::Arc;

use super::bytes::{array_at, put, u32_at, u64_at, word};
use super::palette::GLOBAL_BYTES;
use super::write::ALIGN;
use super::{ByteSource, Writer, read_run};
use crate::error::{Error, Result};
use crate::rig::{Affine, Harmonics, Joint, Kind, MAX_JOINTS, MAX_NAME_BYTES, Rig};

/// Kind of the entry in the index.
const KIND_RIG: u32 = 2;
const RIG_MAGIC: [u8; 4] = *b"RIG1";
const HEADER_BYTES: usize = 64;
/// Bytes of a joint: its rest, its ball, its parent, the length of its name.
const JOINT_BYTES: usize = 72;
/// The flag of a rig whose harmonics do not turn with their splats.
const HARMONICS_STAY: u32 = 1;
/// The number of a parent that is none.
const NO_PARENT: u32 = u32::MAX;

/// Where the rig lies, as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RigExtent {
    pub(super) joints: u32,
    pub(super) offset: u64,
    pub(super) stored_bytes: u64,
    pub(super) crc: u32,
}

impl RigExtent {
    pub(super) fn bytes(&self) -> [u8; GLOBAL_BYTES] {
        let mut out = [0; GLOBAL_BYTES];
        put(&mut out, 0x00, &KIND_RIG.to_le_bytes());
        put(&mut out, 0x04, &self.joints.to_le_bytes());
        put(&mut out, 0x08, &self.offset.to_le_bytes());
        put(&mut out, 0x10, &self.stored_bytes.to_le_bytes());
        put(&mut out, 0x18, &self.crc.to_le_bytes());
        out
    }

    /// Reads the entries of the index from byte `at` on, whose room was checked; `base` is where the index stands.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn parse(index: &[u8], at: usize, base: u64, file: &str) -> Result<Option<Self>> {
        let (count, len) = (u32_at(index, 0x18) as usize, u32_at(index, 0x1c) as usize);
        let mut found = None;
        let entries = index.get(at..).unwrap_or_default().chunks_exact(len.max(GLOBAL_BYTES)).take(count);
        for (number, record) in entries.enumerate().filter(|(_, record)| u32_at(record, 0) == KIND_RIG) {
            let extent = Self {
                joints: u32_at(record, 0x04),
                offset: u64_at(record, 0x08),
                stored_bytes: u64_at(record, 0x10),
                crc: u32_at(record, 0x18),
            };
            let flaw = if found.is_some() { Some(("kind", 0, "a clip has one rig")) } else { extent.flaw() };
            if let Some((field, field_at, why)) = flaw {
                let at = base.saturating_add((at + number * len + field_at) as u64);
                let why = format!("{why}; convert the source again");
                return Err(Error::malformed(file, &format!("index.global[{number}].{field}"), at, why));
            }
            found = Some(extent);
        }
        Ok(found)
    }

    /// The first thing wrong with it: the field, where it stands in the entry, and why.
    fn flaw(&self) -> Option<(&'static str, usize, &'static str)> {
        let joints = self.joints as usize;
        if !(1..=MAX_JOINTS).contains(&joints) {
            return Some(("joints", 0x04, "must be 1 to 65536"));
        }
        let least = (HEADER_BYTES + joints * JOINT_BYTES) as u64;
        let most = least + (joints * MAX_NAME_BYTES) as u64;
        if !(least..=most).contains(&self.stored_bytes) {
            return Some(("stored_bytes", 0x10, "is not what its joints need"));
        }
        None
    }

    /// Looks for a rig at byte `at` of a file that ends at `end`.
    pub(super) fn found_at(source: &dyn ByteSource, at: u64, end: u64) -> Option<Self> {
        let mut head = [0; HEADER_BYTES];
        source.read_at(at, &mut head).ok()?;
        let whole =
            array_at::<4>(&head, 0) == RIG_MAGIC && crc32c::crc32c(&head[..0x3c]) == u32_at(&head, 0x3c);
        let mut extent =
            Self { joints: u32_at(&head, 0x0c), offset: at, stored_bytes: u64_at(&head, 0x18), crc: 0 };
        let inside = at.checked_add(extent.stored_bytes).is_some_and(|last| last <= end);
        if !whole || !inside || extent.flaw().is_some() {
            return None;
        }
        let bytes = read_run(source, at, extent.stored_bytes).ok()?;
        extent.crc = crc32c::crc32c(&bytes);
        let body = crc32c::crc32c(&bytes[HEADER_BYTES..]);
        (body == u32_at(&head, 0x20) && extent.read(source).is_ok()).then_some(extent)
    }

    /// Reads the rig and checks all of it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] naming the place; [`Error::OutOfMemory`].
    pub(super) fn read(&self, source: &dyn ByteSource) -> Result<Rig> {
        let wrong = |field: &str, at: usize, why: &str| {
            let at = self.offset.saturating_add(at as u64);
            Error::malformed(source.name(), &format!("rig.{field}"), at, why)
        };
        let bytes = read_run(source, self.offset, self.stored_bytes)?;
        let joints = self.joints as usize;
        let table = HEADER_BYTES + joints * JOINT_BYTES;
        if crc32c::crc32c(&bytes) != self.crc || bytes.len() < table {
            return Err(wrong(
                "header",
                0,
                "the rig is damaged, and no splat has a place without: get another copy",
            ));
        }
        let flags = u32_at(&bytes, 0x10);
        let same = array_at::<4>(&bytes, 0) == RIG_MAGIC
            && u32_at(&bytes, 0x0c) == self.joints
            && u64_at(&bytes, 0x18) == self.stored_bytes;
        if !same {
            return Err(wrong("header", 0, "does not agree with the index; convert the source again"));
        }
        let kind = match u32_at(&bytes, 0x08) {
            0 => Kind::Joints,
            1 => Kind::Faces,
            _ => return Err(wrong("kind", 0x08, "is of a newer version of vivant; update it")),
        };
        let harmonics = if flags & HARMONICS_STAY == 0 { Harmonics::Turn } else { Harmonics::Stay };
        let mut names = table;
        let mut out = Vec::with_capacity(joints);
        for number in 0..joints {
            let at = HEADER_BYTES + number * JOINT_BYTES;
            let float = |index: usize| f32::from_bits(u32_at(&bytes, at + index * 4));
            let rest: Affine =
                std::array::from_fn(|row| std::array::from_fn(|column| float(row * 4 + column)));
            let length = u32_at(&bytes, at + 68) as usize;
            let name = names.checked_add(length).and_then(|end| bytes.get(names..end));
            let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) else {
                return Err(wrong("name", at + 68, "leaves the rig or is no text; convert the source again"));
            };
            names += length;
            let parent = match u32_at(&bytes, at + 64) {
                NO_PARENT => None,
                // Beyond 16 bits is beyond every joint, which the rig refuses.
                parent => Some(u16::try_from(parent).unwrap_or(u16::MAX)),
            };
            let ball = [12, 13, 14, 15].map(float);
            out.push(Joint { name: name.to_owned(), parent, rest, ball });
        }
        Rig::new(kind, out)
            .map(|rig| rig.with_harmonics(harmonics))
            .map_err(|error| wrong("joints", HEADER_BYTES, &format!("{error}; convert the source again")))
    }
}

impl Writer {
    /// Writes the rig whose joints the segments may name; a clip has one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a second one; [`Error::Io`].
    pub fn push_rig(&mut self, rig: Rig) -> Result<()> {
        if self.rig.is_some() {
            return Err(Error::invalid("a clip has one rig"));
        }
        self.pad_to(u64::from(ALIGN))?;
        let bytes = part(&rig);
        let extent = RigExtent {
            joints: word(rig.joints().len()),
            offset: self.position,
            stored_bytes: bytes.len() as u64,
            crc: crc32c::crc32c(&bytes),
        };
        self.put(&bytes)?;
        for seed in &mut self.identity {
            *seed = crc32c::crc32c_append(*seed, &extent.crc.to_le_bytes());
        }
        self.rig = Some((extent, Arc::new(rig)));
        Ok(())
    }
}

/// The bytes of a rig as a part of the file.
fn part(rig: &Rig) -> Vec<u8> {
    let names: usize = rig.joints().iter().map(|joint| joint.name.len()).sum();
    let table = HEADER_BYTES + rig.joints().len() * JOINT_BYTES;
    let mut out = vec![0; table];
    put(&mut out, 0x00, &RIG_MAGIC);
    put(&mut out, 0x04, &word(HEADER_BYTES).to_le_bytes());
    put(&mut out, 0x08, &u32::from(rig.kind() == Kind::Faces).to_le_bytes());
    put(&mut out, 0x0c, &word(rig.joints().len()).to_le_bytes());
    put(&mut out, 0x18, &((table + names) as u64).to_le_bytes());
    let flags = if rig.harmonics() == Harmonics::Stay { HARMONICS_STAY } else { 0 };
    put(&mut out, 0x10, &flags.to_le_bytes());
    for (number, joint) in rig.joints().iter().enumerate() {
        let at = HEADER_BYTES + number * JOINT_BYTES;
        for (index, value) in joint.rest.as_flattened().iter().chain(&joint.ball).enumerate() {
            put(&mut out, at + index * 4, &value.to_le_bytes());
        }
        put(&mut out, at + 64, &joint.parent.map_or(NO_PARENT, u32::from).to_le_bytes());
        put(&mut out, at + 68, &word(joint.name.len()).to_le_bytes());
        out.extend_from_slice(joint.name.as_bytes());
    }
    let body = crc32c::crc32c(&out[HEADER_BYTES..]);
    put(&mut out, 0x20, &body.to_le_bytes());
    let crc = crc32c::crc32c(&out[..0x3c]);
    put(&mut out, 0x3c, &crc.to_le_bytes());
    out
}
