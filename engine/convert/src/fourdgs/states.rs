//! The temporal model *keyframe-delta*: a population that is told whole now and then, and between by what changed. No I/O.
//!
//! The format tells states, each for an interval; the model here tells splats, each for as long as it stays what it is. So
//! states are composed one after the other, of which two are ever held, and a splat whose numbers a step leaves alone goes
//! on: its window grows. What changed ends one splat and begins the next, which is the same splat of the capture.
//!
//! A delta is a difference of grid numbers, so nothing adds up over a chain; they become values once, here.

use std::collections::HashMap;

use ::fourdgs::keyframe_delta::State;
use ::fourdgs::keyframe_delta_file as file_reader;
use ::fourdgs::opcode as op;
use ::fourdgs::quantization::{
    Steps, dequantize_rotation, life_class, motion_step, mu_step, rct_inverse, support_k,
};
use ::fourdgs::records::{self, Header, Metadata, ObjectTrack, Quantization};
use ::fourdgs::serialization::{Cursor, MAGIC, Records};
use ::fourdgs::sh::band_range;
use ::fourdgs::{CoordinateFrame, ObjectLayer};
use vivant::{Error, Result};

use super::{Contents, Population, declared, refused};
use crate::temporal::Temporal;

/// Harmonics of a splat at degree 3, a byte each.
const BYTES: usize = 45;

/// Reads a file of this model.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Contents> {
    let mut reader = Reader::new(file);
    for record in Records::new(bytes, MAGIC.len()) {
        let record = record.map_err(|error| refused(file, error))?;
        reader.take(record.opcode, record.offset as u64, record.content)?;
    }
    if !reader.ended || !bytes.ends_with(&MAGIC) {
        return Err(reader.wrong("Footer", bytes.len() as u64, "the file is cut off before its end"));
    }
    reader.finish()
}

/// A splat as a state has it: its numbers on the file's grids.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    position: [i64; 3],
    scale: [i64; 3],
    rotation: [i64; 4],
    colour: [i64; 3],
    opacity: i64,
    motion: [i64; 3],
    mu: i64,
    sigma: i64,
    flags: i64,
    window: i64,
    object: u32,
    harmonics: Option<Box<[u8; BYTES]>>,
}

/// A splat that goes on, and since when.
#[derive(Debug)]
struct Open {
    row: Row,
    since: f64,
}

/// A state that has been read, but whose harmonics may still follow.
#[derive(Debug)]
struct Current {
    offset: u64,
    interval: [f64; 2],
    state: State,
    /// The splats whose harmonics follow, in the order of their bytes.
    named: Vec<i64>,
}

#[derive(Debug)]
struct Reader<'a> {
    file: &'a str,
    header: Option<Header>,
    quantization: Option<Quantization>,
    windows: Vec<(f64, f64)>,
    layer: ObjectLayer,
    frame: Option<CoordinateFrame>,
    metadata: Vec<Metadata>,
    sounds: u32,
    /// Whether the Footer was there.
    ended: bool,
    /// The last keyframe and the last state, by where they stand.
    keyframe: Option<(u64, State)>,
    current: Option<Current>,
    harmonics: HashMap<i64, Box<[u8; BYTES]>>,
    coefficients: usize,
    open: HashMap<i64, Open>,
    until: f64,
    out: Population,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str) -> Self {
        Self {
            file,
            header: None,
            quantization: None,
            windows: Vec::new(),
            layer: ObjectLayer::default(),
            frame: None,
            metadata: Vec::new(),
            sounds: 0,
            ended: false,
            keyframe: None,
            current: None,
            harmonics: HashMap::new(),
            coefficients: 0,
            open: HashMap::new(),
            until: 0.0,
            out: Population::default(),
        }
    }

    fn wrong(&self, field: &str, offset: u64, why: &str) -> Error {
        Error::malformed(self.file, field, offset, format!("{why}; copy or export it again"))
    }

    fn take(&mut self, opcode: u8, offset: u64, content: &[u8]) -> Result<()> {
        let file = self.file;
        let failed = |error| refused(file, error);
        match opcode {
            op::HEADER if self.header.is_none() => {
                self.header = Some(Header::parse(content).map_err(failed)?)
            }
            op::QUANTIZATION if self.quantization.is_none() => {
                let parsed = Quantization::parse(content).map_err(failed)?;
                ::fourdgs::registry::check_quantization_scheme(&parsed.scheme).map_err(failed)?;
                self.quantization = Some(parsed);
            }
            op::WINDOW_TABLE if self.windows.is_empty() => {
                self.windows = records::WindowTable::parse(content).map_err(failed)?.windows;
            }
            op::HEADER | op::QUANTIZATION | op::WINDOW_TABLE => {
                return Err(self.wrong("record", offset, "a second Header, Quantization or Window Table"));
            }
            op::METADATA => self.metadata.push(Metadata::parse(content).map_err(failed)?),
            op::COORDINATE_FRAME => self.frame = Some(CoordinateFrame::parse(content).map_err(failed)?),
            op::OBJECT_TRACK => self.layer.tracks.push(ObjectTrack::parse(content).map_err(failed)?),
            op::AUDIO | op::AUDIO_SOURCE => self.sounds += 1,
            op::CHUNK => self.keyframe(offset, content)?,
            op::DELTA_CHUNK => self.delta(offset, content)?,
            op::SH_BAND_STREAM => self.band(offset, content)?,
            op::FOOTER => self.ended = true,
            _ => {}
        }
        Ok(())
    }

    fn keyframe(&mut self, offset: u64, content: &[u8]) -> Result<()> {
        self.settle()?;
        let file = self.file;
        let failed = |error| refused(file, error);
        let (state, head) = file_reader::decode_keyframe_chunk(content, &self.windows).map_err(failed)?;
        let Some(quantization) = &self.quantization else {
            return Err(self.wrong("Chunk", offset, "stands before the Quantization record"));
        };
        file_reader::check_keyframe_mu_t(&state, head.t0, quantization).map_err(failed)?;
        let named = state.ids.clone();
        self.keyframe = Some((offset, state.clone()));
        self.current = Some(Current { offset, interval: [head.t0, head.t1], state, named });
        Ok(())
    }

    fn delta(&mut self, offset: u64, content: &[u8]) -> Result<()> {
        let file = self.file;
        let (head, _) = records::parse_delta_chunk_records(content).map_err(|error| refused(file, error))?;
        self.settle()?;
        let keyframe =
            self.keyframe.as_ref().filter(|(at, _)| *at == head.reference_offset).map(|(_, state)| state);
        let last = self.current.as_ref().filter(|last| last.offset == head.reference_offset);
        let Some(reference) = last.map(|last| &last.state).or(keyframe) else {
            let why = "refers to a record that is neither its keyframe nor the one before it";
            return Err(self.wrong("Delta Chunk reference_offset", offset, why));
        };
        let (state, head, named) = file_reader::compose_delta_chunk(reference, content, &self.windows)
            .map_err(|error| refused(file, error))?;
        self.current = Some(Current { offset, interval: [head.t0, head.t1], state, named });
        Ok(())
    }

    /// Harmonics of the splats that the record before has named.
    fn band(&mut self, offset: u64, content: &[u8]) -> Result<()> {
        let file = self.file;
        let mut cursor = Cursor::new(content);
        let failed = |error| refused(file, error);
        let band = cursor.u8().map_err(failed)?;
        let named = self.current.as_ref().map(|current| current.named.as_slice()).unwrap_or_default();
        let (_, stream) = ::fourdgs::stream::decode_stream(&mut cursor, Some(named.len())).map_err(failed)?;
        let range = band_range(band)
            .filter(|&(first, last)| stream.count == named.len() && stream.channels == 3 * (last - first));
        let Some((first, last)) = range else {
            let why = "has not the numbers that its Chunk promises";
            return Err(self.wrong("SH Band Stream", offset, why));
        };
        for (index, id) in named.iter().enumerate() {
            let bytes = self.harmonics.entry(*id).or_insert_with(|| Box::new([128; BYTES]));
            for channel in 0..3 {
                for coefficient in first..last {
                    let value = stream.get(index, channel * (last - first) + coefficient - first);
                    bytes[channel * 15 + coefficient] = u8::try_from(value).map_err(|_beyond| {
                        Error::malformed(file, "SH Band Stream", offset, "a value beyond a byte")
                    })?;
                }
            }
        }
        self.coefficients = self.coefficients.max(last);
        Ok(())
    }

    /// Takes the last state, now that all of it has been read.
    fn settle(&mut self) -> Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        let [start, end] = current.interval;
        if (start - self.until).abs() > 1e-9 || end.is_nan() || end <= start {
            let why = "the intervals of the states do not follow one another";
            return Err(self.wrong("Chunk t0", current.offset, why));
        }
        let grids = grids(self.file, self.header.as_ref(), self.quantization.as_ref(), &self.windows)?;
        let mut next = HashMap::with_capacity(current.state.ids.len());
        for (index, &id) in current.state.ids.iter().enumerate() {
            let row = Row::of(&current.state, index, self.harmonics.get(&id).map(Box::as_ref))
                .ok_or_else(|| self.wrong("Chunk", current.offset, "lacks an attribute"))?;
            let open = match self.open.remove(&id) {
                Some(open) if open.row == row => open,
                ended => {
                    if let Some(ended) = ended {
                        close(&mut self.out, &grids, &ended, start);
                    }
                    Open { row, since: start }
                }
            };
            next.insert(id, open);
        }
        // In the order of their names, so that a file always converts to the same clip.
        let mut dead: Vec<(i64, Open)> = self.open.drain().collect();
        dead.sort_unstable_by_key(|(id, _)| *id);
        dead.iter().for_each(|(_, open)| close(&mut self.out, &grids, open, start));
        (self.open, self.until) = (next, end);
        Ok(())
    }

    fn finish(mut self) -> Result<Contents> {
        self.settle()?;
        let grids = grids(self.file, self.header.as_ref(), self.quantization.as_ref(), &self.windows)?;
        let mut left: Vec<(i64, Open)> = self.open.drain().collect();
        left.sort_unstable_by_key(|(id, _)| *id);
        left.iter().for_each(|(_, open)| close(&mut self.out, &grids, open, self.until));
        self.layer.check().map_err(|error| refused(self.file, error))?;
        // Rows are as wide as the highest band of any.
        self.out.coefficients = self.coefficients;
        self.out.harmonics = narrowed(&self.out.harmonics, self.coefficients);
        let header = self.header.unwrap_or_default();
        let mut notes = Vec::new();
        if self.sounds > 0 {
            notes.push("the sound of a keyframe-delta file is not read".to_owned());
        }
        Ok(Contents {
            seconds: header.duration_sec,
            system: declared(&header, &self.metadata, "coordinate_system"),
            colours: declared(&header, &self.metadata, "color_space"),
            population: self.out,
            layer: self.layer,
            frame: self.frame,
            sources: Vec::new(),
            notes,
        })
    }
}

/// Rows of the first `coefficients` of 15 a colour.
fn narrowed(rows: &[u8], coefficients: usize) -> Vec<u8> {
    rows.chunks_exact(15).flat_map(|colour| &colour[..coefficients]).copied().collect()
}

impl Row {
    fn of(state: &State, index: usize, harmonics: Option<&[u8; BYTES]>) -> Option<Self> {
        let values = |attribute: u8, count: usize| {
            state.bins.get(&attribute)?.values.get(index * count..(index + 1) * count)
        };
        let three = |attribute| values(attribute, 3)?.first_chunk::<3>().copied();
        let one = |attribute| values(attribute, 1)?.first().copied();
        let [x, y, z] = three(op::A_ROTATION)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the same bits, as the format has it"
        )]
        let object = one(op::A_OBJECT_ID).unwrap_or(0) as u32;
        Some(Self {
            position: three(op::A_POSITION)?,
            scale: three(op::A_SCALE)?,
            rotation: [x, y, z, one(op::A_ROTATION_INDEX)?],
            colour: three(op::A_COLOR)?,
            opacity: one(op::A_OPACITY)?,
            motion: three(op::A_MOTION)?,
            mu: one(op::A_MU_T)?,
            sigma: one(op::A_SIGMA_T)?,
            flags: one(op::A_FLAGS)?,
            window: one(op::A_WINDOW_INDEX)?,
            object,
            harmonics: harmonics.copied().map(Box::new),
        })
    }
}

/// What makes values of grid numbers.
struct Grids<'a> {
    steps: Steps,
    origin: [f64; 3],
    windows: &'a [(f64, f64)],
    cutoff: f64,
}

fn grids<'a>(
    file: &str,
    header: Option<&Header>,
    quantization: Option<&Quantization>,
    windows: &'a [(f64, f64)],
) -> Result<Grids<'a>> {
    let (Some(header), Some(quantization)) = (header, quantization) else {
        let why = "the file has no Header or no Quantization record; copy or export it again";
        return Err(Error::malformed(file, "record", 0, why));
    };
    let origin = std::array::from_fn(|axis| quantization.pos_origin.get(axis).copied().unwrap_or(0.0));
    Ok(Grids { steps: quantization.steps(), origin, windows, cutoff: header.cutoff })
}

/// Ends a splat at `end`.
fn close(out: &mut Population, grids: &Grids<'_>, open: &Open, end: f64) {
    let row = &open.row;
    let steps = &grids.steps;
    let wide = |bin: i64, step: f64| bin as f64 * step;
    let window = usize::try_from(row.window).ok().and_then(|index| grids.windows.get(index).copied());
    let (low, high) = window.unwrap_or((0.0, 0.0));
    let never_fades = row.flags & op::FLAG_NEVER_FADES != 0;
    let class = life_class(row.sigma, steps.sigma_log, never_fades, high - low, support_k(grids.cutoff));
    let speed = motion_step(class, steps.motion);
    let moment = mu_step(row.sigma, steps.sigma_log, never_fades, steps.time);
    let [x, y, z, largest] = row.rotation;
    out.splats.push(Temporal {
        mean: std::array::from_fn(|axis| wide(row.position[axis], steps.pos) + grids.origin[axis]),
        motion: [row.motion.map(|bin| wide(bin, speed)), [0.0; 3], [0.0; 3]],
        rotation: dequantize_rotation(largest, &[x, y, z], steps.rot).map(f64::from),
        scale: row.scale.map(|bin| wide(bin, steps.scale_log).exp()),
        opacity: wide(row.opacity, steps.alpha).clamp(0.0, 1.0),
        colour: rct_inverse(&row.colour).map(|bin| wide(bin, steps.rgb).clamp(0.0, 1.0)),
        t0: wide(row.mu, moment),
        sigma: if never_fades { f64::INFINITY } else { wide(row.sigma, steps.sigma_log).exp() },
        least: grids.cutoff,
        window: [low.max(open.since), high.min(end)],
        ..Temporal::DEFAULT
    });
    // The middle byte is nearest to nothing.
    let harmonics = row.harmonics.as_deref().unwrap_or(&[128; BYTES]);
    out.harmonics.extend_from_slice(harmonics);
    out.objects.push(row.object);
}
