//! Tapes that are open.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{Number, OBSERVED, Tape};

/// A tape that is open for as long as this lives.
pub(crate) struct Opened<S: Number> {
    stamp: u32,
    scalar: std::marker::PhantomData<S>,
}

impl<S: Number> Opened<S> {
    /// Opens a tape with this many inputs, numbered from 1.
    pub(crate) fn new(inputs: usize) -> Self {
        Self::with_stamp(inputs, 0, |_| {})
    }

    /// Opens a tape that looks at each operation.
    pub(crate) fn observed(inputs: usize, prepare: impl FnOnce(&mut Tape<S>)) -> Self {
        Self::with_stamp(inputs, OBSERVED, prepare)
    }

    fn with_stamp(inputs: usize, observed: u32, prepare: impl FnOnce(&mut Tape<S>)) -> Self {
        /// Zero is the stamp of constants. A stamp comes back only after 2^31 tapes.
        static STAMPS: AtomicU32 = AtomicU32::new(1);
        let mut stamp = 0;
        while stamp == 0 {
            stamp = STAMPS.fetch_add(1, Ordering::Relaxed) << 1;
        }
        let stamp = stamp | observed;
        let mut tapes = S::tapes().borrow_mut();
        let mut tape = tapes.spare.take().unwrap_or_else(|| Box::new(Tape::new()));
        tape.stamp = stamp;
        tape.others = 1;
        tape.number(inputs);
        tape.inputs = inputs as u32;
        prepare(&mut tape);
        tapes.open(tape);
        Self { stamp, scalar: std::marker::PhantomData }
    }

    /// The stamp of its handles.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// How many values it has numbered.
    #[cfg(feature = "rayon")]
    pub(crate) fn values(&self) -> usize {
        S::tapes().borrow_mut().tape(self.stamp).values()
    }

    /// Closes the tape and gives it to `f`: what is recorded meanwhile goes to the tapes outside.
    pub(crate) fn close<Out>(self, f: impl FnOnce(&mut Tape<S>) -> Out) -> Out {
        let mut tape = self.take().expect("open until now");
        let out = f(&mut tape);
        self.reuse(tape);
        out
    }

    /// Closes the tape and keeps it.
    pub(crate) fn keep(self) -> Box<Tape<S>> {
        self.take().expect("open until now")
    }

    fn take(&self) -> Option<Box<Tape<S>>> {
        S::tapes().borrow_mut().close(self.stamp)
    }

    /// Empties the tape and leaves its memory to the next one.
    fn reuse(&self, mut tape: Box<Tape<S>>) {
        tape.clear();
        tape.plan = None;
        tape.observer = None;
        S::tapes().borrow_mut().spare = Some(tape);
    }
}

impl<S: Number> Drop for Opened<S> {
    /// Leaves no open tape behind a panic.
    fn drop(&mut self) {
        if let Some(tape) = self.take() {
            self.reuse(tape);
        }
    }
}
