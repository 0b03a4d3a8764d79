//! The place of a thread's tapes, and what becomes of them when it ends.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::sync::{Mutex, PoisonError};

use super::{Number, Tapes};
use crate::cast::Emptied;

/// What is to be done with the tapes of one scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// Their memory is given back; they stay.
    Memory,
    /// The thread ends: another one has them next.
    Thread,
}

/// The tapes of a thread that ended, by their scalar. They are empty.
static LEFT: Mutex<Vec<(TypeId, Emptied)>> = Mutex::new(Vec::new());

/// What is done with all tapes of a thread.
struct AllTapes(RefCell<Vec<Box<dyn Fn(Leaving)>>>);

impl AllTapes {
    fn leave(&self, leaving: Leaving) {
        // What a tape keeps may use tapes when it is dropped.
        let all = self.0.take();
        all.iter().for_each(|leave| leave(leaving));
        if leaving == Leaving::Memory {
            self.0.borrow_mut().extend(all);
        }
    }
}

impl Drop for AllTapes {
    fn drop(&mut self) {
        self.leave(Leaving::Thread);
        BY_TYPE.with(|by_type| by_type.take());
    }
}

thread_local! {
    static ALL_TAPES: AllTapes = const { AllTapes(RefCell::new(Vec::new())) };
    // Those that are made while the thread's values are dropped, after the others.
    static LATE_TAPES: AllTapes = const { AllTapes(RefCell::new(Vec::new())) };
    // Without a destructor, so that it is there as long as the thread.
    static BY_TYPE: ManuallyDrop<RefCell<Vec<(TypeId, &'static dyn Any)>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Gives back the memory of this thread's closed tapes.
pub(crate) fn release() {
    // A thread that ends has none any more.
    let _ = ALL_TAPES.try_with(|all| all.leave(Leaving::Memory));
}

/// New tapes for this thread, where `forget` makes it look for them again: those of a thread that has
/// ended, so that threads that come and go leave nothing.
#[cold]
#[inline(never)]
pub(crate) fn new_tapes<S: Number>(forget: fn()) -> &'static RefCell<Tapes<S>> {
    let id = TypeId::of::<S>();
    let left = {
        let mut all = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().position(|(other, _)| *other == id);
        found.map(|place| all.swap_remove(place).1)
    };
    let tapes = left.and_then(Emptied::take::<Tapes<S>>);
    let tapes = tapes.unwrap_or_else(|| Box::leak(Box::new(RefCell::new(Tapes::new()))));
    let leave = Box::new(move |leaving| match leaving {
        Leaving::Memory => {
            let memory = tapes.borrow_mut().spare.take();
            drop(memory);
        }
        Leaving::Thread => {
            forget();
            // Dropped first: what a tape keeps may use tapes, new ones.
            drop(tapes.take());
            LEFT.lock().unwrap_or_else(PoisonError::into_inner).push((id, Emptied::new(tapes)));
        }
    });
    let keep = |all: &AllTapes| all.0.borrow_mut().push(leave);
    if ALL_TAPES.try_with(|_| ()).is_ok() {
        ALL_TAPES.with(keep);
    } else {
        // A thread that ends does not come here a third time.
        let _ = LATE_TAPES.try_with(keep);
    }
    tapes
}

/// The tapes of a scalar that has no place of its own for them: looked up by type.
pub(crate) fn tapes_by_type<S: Number>() -> &'static RefCell<Tapes<S>> {
    let id = TypeId::of::<S>();
    BY_TYPE.with(|by_type| {
        let find = |all: &[(TypeId, &'static dyn Any)]| {
            all.iter().find(|(other, _)| *other == id).map(|(_, tapes)| *tapes)
        };
        let known = find(&by_type.borrow());
        let tapes = known.unwrap_or_else(|| {
            let tapes: &'static dyn Any = new_tapes::<S>(|| {
                BY_TYPE.with(|all| all.borrow_mut().retain(|(id, _)| *id != TypeId::of::<S>()));
            });
            by_type.borrow_mut().push((id, tapes));
            tapes
        });
        tapes.downcast_ref().expect("stored by its type")
    })
}
