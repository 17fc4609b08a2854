//! Handles: 64-bit names for objects, which a host may keep too long, mix up or make up without harm.
//!
//! From the top: 8 bits of kind, 24 of generation, 32 of slot. A slot's generation counts what has lived in it; one
//! that has counted to the end is never used again, so no handle ever comes to mean something else. A call takes its
//! own reference to the object out of the table, so what is destroyed meanwhile dies when the last call on it ends.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::result::{Failure, Outcome, VVT_ERR_BAD_HANDLE, VVT_ERR_OUT_OF_MEMORY, VVT_ERR_STATE};

const GENERATION_BITS: u32 = 24;
const SLOT_BITS: u32 = 32;
const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;
/// Objects at once; far more than any host has, far less than would exhaust memory by the table alone.
const MAX_SLOTS: usize = 1 << 16;

/// What a handle can name.
pub(crate) trait Object: Any + Send + Sync {
    /// The top byte of its handles; not 0, so that 0 is no handle.
    const KIND: u8;
    /// Its handle type in C.
    const NAME: &str;
}

struct Entry {
    handle: u64,
    /// The engine it belongs to; 0 for an engine.
    owner: u64,
    object: Arc<dyn Any + Send + Sync>,
}

/// All objects of the process.
struct Table {
    /// Each slot's generation, and what lives there.
    slots: Vec<(u32, Option<Entry>)>,
    free: Vec<u32>,
}

static TABLE: Mutex<Table> = Mutex::new(Table { slots: Vec::new(), free: Vec::new() });

fn table() -> MutexGuard<'static, Table> {
    // Nothing that can panic runs under this lock.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn insert(&mut self, kind: u8, owner: u64, object: Arc<dyn Any + Send + Sync>) -> Outcome<u64> {
        if owner != 0 && self.find(owner).is_none() {
            return Err(Failure::new(VVT_ERR_BAD_HANDLE, "the engine was destroyed meanwhile"));
        }
        if self.free.is_empty() && self.slots.len() < MAX_SLOTS {
            self.free.extend(u32::try_from(self.slots.len()));
            self.slots.push((0, None));
        }
        let slot = self.free.pop();
        let Some((slot, (generation, entry))) =
            slot.and_then(|slot| Some((slot, self.slots.get_mut(slot as usize)?)))
        else {
            let text = format!("{MAX_SLOTS} objects exist already: destroy some");
            return Err(Failure::new(VVT_ERR_OUT_OF_MEMORY, text));
        };
        *generation += 1;
        let high = (u64::from(kind) << GENERATION_BITS) | u64::from(*generation);
        let handle = (high << SLOT_BITS) | u64::from(slot);
        *entry = Some(Entry { handle, owner, object });
        Ok(handle)
    }

    fn find(&self, handle: u64) -> Option<&Entry> {
        let slot = usize::try_from(handle & u64::from(u32::MAX)).ok()?;
        self.slots.get(slot)?.1.as_ref().filter(|entry| entry.handle == handle)
    }

    fn remove(&mut self, handle: u64) -> Option<Entry> {
        self.find(handle)?;
        let slot = u32::try_from(handle & u64::from(u32::MAX)).ok()?;
        let (generation, entry) = self.slots.get_mut(slot as usize)?;
        if *generation < LAST_GENERATION {
            self.free.push(slot);
        }
        entry.take()
    }

    fn owned_by(&self, owner: u64) -> Vec<u64> {
        let entries = self.slots.iter().filter_map(|(_, entry)| entry.as_ref());
        entries.filter(|entry| entry.owner == owner).map(|entry| entry.handle).collect()
    }
}

/// Names an object that belongs to the engine `owner` (0 for an engine itself).
pub(crate) fn insert<T: Object>(owner: u64, object: T) -> Outcome<u64> {
    let object: Arc<dyn Any + Send + Sync> = Arc::new(object);
    // An object that is not taken in must die outside the lock, like every other.
    let spare = object.clone();
    let inserted = table().insert(T::KIND, owner, object);
    drop(spare);
    inserted
}

/// The object that `handle` names.
pub(crate) fn get<T: Object>(handle: u64) -> Outcome<Arc<T>> {
    check_kind::<T>(handle)?;
    let object = table().find(handle).map(|entry| entry.object.clone());
    object.and_then(|object| object.downcast().ok()).ok_or_else(|| stale::<T>(handle))
}

/// The engine that what `handle` names belongs to; 0 for an engine, and where there is nothing.
pub(crate) fn owner_of(handle: u64) -> u64 {
    table().find(handle).map_or(0, |entry| entry.owner)
}

/// Takes away what `handle` names, and with an engine all that belongs to it. Dropping the result may take a while.
pub(crate) fn remove<T: Object>(handle: u64) -> Outcome<Vec<Arc<dyn Any + Send + Sync>>> {
    check_kind::<T>(handle)?;
    let mut table = table();
    let first = table.remove(handle).ok_or_else(|| stale::<T>(handle))?;
    let owned = table.owned_by(handle);
    let mut objects: Vec<_> =
        owned.into_iter().filter_map(|handle| table.remove(handle)).map(|entry| entry.object).collect();
    objects.push(first.object);
    Ok(objects)
}

/// The objects of one kind that belong to an engine, with their handles, in the order of their slots.
pub(crate) fn all_of<T: Object>(owner: u64) -> Vec<(u64, Arc<T>)> {
    let table = table();
    let handles = table.owned_by(owner);
    let entries = handles.into_iter().filter_map(|handle| table.find(handle));
    entries.filter_map(|entry| Some((entry.handle, entry.object.clone().downcast().ok()?))).collect()
}

/// Locks an object's state, unless a panic left it half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Outcome<MutexGuard<'_, T>> {
    mutex.lock().map_err(|_poisoned| {
        Failure::new(VVT_ERR_STATE, "a bug in the library broke this object earlier: destroy it")
    })
}

fn check_kind<T: Object>(handle: u64) -> Outcome<()> {
    let bad = |text| Err(Failure::new(VVT_ERR_BAD_HANDLE, text));
    let kind = handle >> (GENERATION_BITS + SLOT_BITS);
    match kind {
        _ if handle == 0 => bad(format!("the {} is null", T::NAME)),
        kind if kind != u64::from(T::KIND) => bad(format!("{handle:#018x} is no {}", T::NAME)),
        _ => Ok(()),
    }
}

fn stale<T: Object>(handle: u64) -> Failure {
    let text = format!("the {} {handle:#018x} was destroyed or never existed", T::NAME);
    Failure::new(VVT_ERR_BAD_HANDLE, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Apple(u32);
    struct Pear;

    impl Object for Apple {
        const KIND: u8 = 0x71;
        const NAME: &str = "vvt_apple";
    }
    impl Object for Pear {
        const KIND: u8 = 0x72;
        const NAME: &str = "vvt_pear";
    }

    fn why<T>(outcome: Outcome<T>) -> String {
        let failure = outcome.err().unwrap();
        assert_eq!(failure.code, VVT_ERR_BAD_HANDLE);
        failure.text
    }

    #[test]
    fn a_handle_names_its_object_until_it_is_removed() {
        let apple = insert(0, Apple(5)).unwrap();
        assert_eq!(get::<Apple>(apple).unwrap().0, 5);
        assert!(why(get::<Pear>(apple)).contains("is no vvt_pear"));
        assert!(why(get::<Apple>(0)).contains("null"));
        assert!(why(get::<Apple>(apple ^ (1 << SLOT_BITS))).contains("destroyed or never existed"));
        let kept = get::<Apple>(apple).unwrap();
        assert_eq!(remove::<Apple>(apple).unwrap().len(), 1);
        assert_eq!(kept.0, 5, "a call in progress keeps what it uses");
        assert!(why(get::<Apple>(apple)).contains("destroyed"));
        assert!(remove::<Apple>(apple).is_err());
    }

    #[test]
    fn what_an_engine_owns_goes_with_it() {
        let tree = insert(0, Apple(1)).unwrap();
        let (one, two) = (insert(tree, Apple(2)).unwrap(), insert(tree, Pear).unwrap());
        assert_eq!((owner_of(one), owner_of(tree), owner_of(7)), (tree, 0, 0));
        assert_eq!(all_of::<Apple>(tree).iter().map(|(handle, _)| *handle).collect::<Vec<_>>(), [one]);
        assert_eq!(remove::<Apple>(tree).unwrap().len(), 3);
        assert!(get::<Apple>(one).is_err() && get::<Pear>(two).is_err());
    }

    #[test]
    fn an_object_that_a_panic_left_half_done_stays_shut() {
        let state = Mutex::new(0);
        let half_done = || {
            let _state = lock(&state);
            panic!("half done");
        };
        assert_eq!(crate::guard::guard(half_done), crate::result::VVT_ERR_PANIC);
        assert_eq!(lock(&state).err().unwrap().code, VVT_ERR_STATE);
    }

    #[test]
    fn no_handle_comes_twice_and_used_up_slots_rest() {
        let mut table = Table { slots: Vec::new(), free: Vec::new() };
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let handle = table.insert(1, 0, Arc::new(())).unwrap();
            assert!(seen.insert(handle));
            table.remove(handle).unwrap();
        }
        assert_eq!(table.slots.len(), 1);
        table.slots[0].0 = LAST_GENERATION - 1;
        let last = table.insert(1, 0, Arc::new(())).unwrap();
        table.remove(last).unwrap();
        let next = table.insert(1, 0, Arc::new(())).unwrap();
        let slot = |handle| handle & u64::from(u32::MAX);
        assert_eq!((slot(last), slot(next)), (0, 1), "the first slot is used up");
    }
}
