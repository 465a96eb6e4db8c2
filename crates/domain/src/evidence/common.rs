//! What the checks of one review have in common.

use std::{
    any::{Any, TypeId},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hashbrown::HashMap;

/// Answers that were worked out of the facts of one service, by their types, with the sources that each was found in.
#[derive(Default)]
pub struct Common(Mutex<Answers>);

type Answers = HashMap<TypeId, (Arc<dyn Any + Send + Sync>, u32)>;

impl Common {
    pub(super) fn get<T: Clone + 'static>(&self) -> Option<(T, u32)> {
        let known = self.known();
        let (answer, touched) = known.get(&TypeId::of::<T>())?;
        Some((answer.downcast_ref::<T>()?.clone(), *touched))
    }

    pub(super) fn keep<T: Send + Sync + 'static>(&self, answer: T, touched: u32) {
        self.known().insert(TypeId::of::<T>(), (Arc::new(answer), touched));
    }

    // A check that panics leaves no answer half written.
    fn known(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Common")
    }
}
