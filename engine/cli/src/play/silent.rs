//! Stands in for the loudspeaker where the program is built without one.

use std::time::Instant;

use vivant::playback::Player;

/// There is none.
pub(super) enum Speaker {}

impl Speaker {
    /// Nothing for a clip without sound; for one with sound, that it is not heard.
    pub(super) fn open(player: &mut Player, _begun: Instant) -> anyhow::Result<Option<Self>> {
        if player.clip().tracks().is_empty() {
            return Ok(None);
        }
        anyhow::bail!("this program was built without it")
    }
}
