//! What was read last, for sequences whose frames share much: a few frames in a row cost one reading. No I/O.

use std::sync::{Arc, Mutex, PoisonError};

use vivant::Result;

/// How many are kept: what is being read, and the one before it, as frames are read side by side.
const KEPT: usize = 2;

/// The last few of a number of things.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    kept: Mutex<Vec<(usize, Arc<T>)>>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { kept: Mutex::default() }
    }
}

impl<T> Recent<T> {
    /// Number `number`, which `read` gives unless it is at hand. Who asks meanwhile waits, and finds it.
    pub(crate) fn get(&self, number: usize, read: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = kept.iter().find(|(own, _)| *own == number) {
            return Ok(found.clone());
        }
        // Before the new one is read: there are never more in memory.
        if kept.len() == KEPT {
            kept.remove(0);
        }
        let new = Arc::new(read()?);
        kept.push((number, new.clone()));
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vivant::Error;

    #[test]
    fn the_last_two_are_at_hand() {
        let recent = Recent::default();
        let mut read = Vec::new();
        for number in [1, 1, 2, 1, 2, 3, 2, 1] {
            let found = recent.get(number, || {
                read.push(number);
                Ok(number * 10)
            });
            assert_eq!(*found.unwrap(), number * 10);
        }
        assert_eq!(read, [1, 2, 3, 1]);
        assert!(recent.get(9, || Err(Error::invalid("broken"))).is_err());
        assert_eq!(*recent.get(9, || Ok(90)).unwrap(), 90);
    }
}
