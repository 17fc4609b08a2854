//! The sound of a `.4dgs` file: of its sources the first that can be played becomes the clip's track. No I/O.
//!
//! A clip has one track at one place. So a source that moves sounds from where it starts, one that repeats sounds once, and
//! the other sources are left out; each of these is said.

use ::fourdgs::AudioSource;
use vivant::audio::Placement;
use vivant::splat::{Splat, Splats};

use crate::Axes;
use crate::report::Report;
use crate::sound::{Sound, start_nanos};
use crate::temporal::narrow;

/// Largest gain that a track holds.
const MOST_GAIN: f64 = 16.0;

/// The sound for the clip, its place on our axes in metres.
pub(super) fn of(sources: &[AudioSource], axes: Axes, metres: f32, report: &mut Report) -> Option<Sound> {
    let mut found = None;
    for source in sources {
        let name = format!("sound {} ({})", source.source_id, shortened(&source.name));
        if found.is_some() {
            report.note(format!("{name} is left out: a clip has one track"));
            continue;
        }
        match decode(&name, source, axes, metres) {
            Ok(sound) => {
                if !source.keyframes.is_empty() {
                    report.note(format!("{name} moves; it sounds from where it starts"));
                }
                if source.loop_ {
                    report.note(format!("{name} repeats; it sounds once"));
                }
                found = Some(sound);
            }
            Err(why) => report.note(format!("{name} is left out: {why}")),
        }
    }
    found
}

fn decode(name: &str, source: &AudioSource, axes: Axes, metres: f32) -> Result<Sound, String> {
    if source.codec != "wav" {
        return Err(format!("its coding '{}' is not read", shortened(&source.codec)));
    }
    let state = source.state_at(source.start_sec);
    let position = source.spatial.then(|| turned(state.position.map(narrow), axes, metres));
    let placement = Placement {
        start_nanos: start_nanos(name, source.start_sec).map_err(|error| error.to_string())?,
        position,
        gain: narrow(source.gain.clamp(0.0, MOST_GAIN)),
        ..Placement::default()
    };
    Sound::from_wav(name, source.data.clone(), placement).map_err(|error| error.to_string())
}

/// A place of the file on our axes.
fn turned(place: [f32; 3], axes: Axes, metres: f32) -> [f32; 3] {
    let mut one = Splats::new(0);
    one.push(&Splat { mean: place, ..Splat::DEFAULT }, &[]);
    axes.apply(&mut one);
    one.mean[0].map(|length| length * metres)
}

/// Names are shown: no longer than a line can bear.
fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(48).collect()
}
