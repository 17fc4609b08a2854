//! Packets back to samples, in any order.
//!
//! An Opus decoder carries state from packet to packet. In order that is free; after a jump the four packets before
//! are decoded and dropped, the 80 ms that RFC 7845 asks for. What arrives here passed its checksum and is hostile
//! all the same: a packet that is refused, has another length than 20 ms, or makes the decoder panic is silence.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ropus::{Channels, DecodeMode};

use crate::clip::{AUDIO_RATE, AudioTrack, Clip, PACKET_SAMPLES, PacketReader};
use crate::error::{Error, Result};

/// Packets that a decoder needs before the first that it gets right.
const PREROLL: u64 = 4;

/// Decodes one track of one clip.
pub struct Decoder {
    track: usize,
    audio: AudioTrack,
    opus: ropus::Decoder,
    reader: PacketReader,
    /// The packet that the decoder's state is ready for.
    next: Option<u64>,
    /// One packet as it comes, mono or stereo.
    samples: Vec<f32>,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("track", &self.track)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder for `clip.tracks()[track]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the clip has no such track; [`Error::OutOfMemory`].
    pub fn new(clip: &Clip, track: usize) -> Result<Self> {
        let Some(audio) = clip.tracks().get(track).map(|track| track.audio) else {
            return Err(Error::invalid(format!("{} has no sound track {track}", clip.name())));
        };
        Ok(Self {
            track,
            audio,
            opus: decoder(audio.channels)?,
            reader: PacketReader::new(),
            next: None,
            samples: vec![0.0; PACKET_SAMPLES * usize::from(audio.channels)],
        })
    }

    /// The track.
    #[must_use]
    pub fn track(&self) -> &AudioTrack {
        &self.audio
    }

    /// Decodes one packet of [`AudioTrack::packets`]; a mono one into both channels. The first sample is number
    /// `packet` · 960 − `pre_skip` of the track.
    ///
    /// # Errors
    /// Whatever keeps the packet from sounding: [`Error::Malformed`] when it is damaged, [`Error::Io`]. `frames` is
    /// then silence, and the packets after it can still be had.
    pub fn decode(
        &mut self,
        clip: &Clip,
        packet: u64,
        frames: &mut [[f32; 2]; PACKET_SAMPLES],
    ) -> Result<()> {
        *frames = [[0.0; 2]; PACKET_SAMPLES];
        if self.next != Some(packet) {
            self.opus = decoder(self.audio.channels)?;
            for before in packet.saturating_sub(PREROLL)..packet {
                // Damage there is told by whoever asks for that packet.
                self.one(clip, before).ok();
            }
        }
        self.next = packet.checked_add(1);
        self.one(clip, packet)?;
        let channels = usize::from(self.audio.channels);
        for (to, from) in frames.iter_mut().zip(self.samples.chunks_exact(channels)) {
            // The decoder promises finite samples; the mixer of a host must not depend on it.
            *to = [from[0], from[channels - 1]].map(|value| if value.is_finite() { value } else { 0.0 });
        }
        Ok(())
    }

    fn one(&mut self, clip: &Clip, packet: u64) -> Result<()> {
        let bytes = self.reader.read(clip, self.track, packet)?;
        let (opus, samples) = (&mut self.opus, &mut self.samples);
        // An empty packet would ask the decoder to invent a replacement for a lost one.
        let decoded = (!bytes.is_empty()).then(|| {
            catch_unwind(AssertUnwindSafe(|| opus.decode_float(bytes, samples, DecodeMode::Normal)))
        });
        let why = match decoded {
            Some(Ok(Ok(PACKET_SAMPLES))) => return Ok(()),
            Some(Ok(Ok(len))) => format!("it lasts {len} samples where 960 are due"),
            Some(Ok(Err(error))) => error.to_string(),
            Some(Err(_)) => "the decoder gave up on it".to_owned(),
            None => "it is empty".to_owned(),
        };
        self.opus = decoder(self.audio.channels)?;
        let field = format!("track[{}].packet[{packet}]", self.track);
        Err(Error::malformed(clip.name(), &field, 0, format!("{why}; convert the source again")))
    }
}

fn decoder(channels: u8) -> Result<ropus::Decoder> {
    let layout = if channels == 1 { Channels::Mono } else { Channels::Stereo };
    ropus::Decoder::new(AUDIO_RATE, layout)
        .map_err(|error| Error::OutOfMemory { what: format!("an Opus decoder: {error}") })
}
