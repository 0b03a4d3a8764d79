//! What a rule has to say beside its result.
//!
//! A derivative may not exist, or be asked for in a direction in which it is not defined: eigenvectors
//! of a repeated eigenvalue are any basis of a plane, and a function that depends on which has no
//! gradient. A rule computes what is defined and [`report`]s the rest. Who wants to hear it calls the
//! transform in [`diagnosed`]; otherwise the first report of a primitive goes to the `log` crate, as a
//! warning.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// The primitive's name.
    pub primitive: &'static str,
    /// What is wrong.
    pub defect: Defect,
}

/// What is wrong with a derivative.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Defect {
    /// The cotangent asks how the result changes in a direction that is a choice of the algorithm and
    /// not a property of the argument.
    Gauge {
        /// The size of that part of the cotangent, relative to the whole.
        size: f64,
    },
    /// The derivative does not exist here.
    Undefined {
        /// Why.
        reason: Cow<'static, str>,
    },
}

impl Diagnostic {
    /// The derivative of `primitive` does not exist here.
    pub fn undefined(primitive: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { primitive, defect: Defect::Undefined { reason: reason.into() } }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: ", self.primitive)?;
        match &self.defect {
            Defect::Gauge { size } => write!(
                f,
                "{size:.1e} of the cotangent depends on a choice that the result leaves open, and is \
                 left out"
            ),
            Defect::Undefined { reason } => f.write_str(reason),
        }
    }
}

thread_local! {
    /// The lists of those who listen, innermost last.
    static LISTENING: RefCell<Vec<Vec<Diagnostic>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` and returns what rules reported meanwhile on this thread, in order. Where calls are
/// nested, the innermost hears it.
///
/// ```
/// use difrules_core::{Diagnostic, diagnosed, gradient, primitive, report};
///
/// #[primitive(partial = |x, y| {
///     if x == 0.0 {
///         report(Diagnostic::undefined("root", "the root of zero has a vertical tangent"));
///         return 0.0;
///     }
///     0.5 / y
/// })]
/// fn root(x: f64) -> f64 {
///     x.sqrt()
/// }
///
/// let (slope, found) = diagnosed(|| gradient(|x| root::on(*x), &0.0));
/// assert_eq!((slope, found.len()), (0.0, 1));
/// assert_eq!(found[0].to_string(), "`root`: the root of zero has a vertical tangent");
/// ```
pub fn diagnosed<Out>(f: impl FnOnce() -> Out) -> (Out, Vec<Diagnostic>) {
    /// Stops listening, also where `f` panics.
    struct Listening;

    impl Drop for Listening {
        fn drop(&mut self) {
            LISTENING.with_borrow_mut(Vec::pop);
        }
    }

    LISTENING.with_borrow_mut(|lists| lists.push(Vec::new()));
    let listening = Listening;
    let out = f();
    let heard = LISTENING.with_borrow_mut(|lists| lists.last_mut().map(std::mem::take));
    drop(listening);
    (out, heard.unwrap_or_default())
}

/// Tells whoever listens; else the log, once for each primitive.
pub fn report(diagnostic: Diagnostic) {
    static LOGGED: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let unheard = LISTENING.with_borrow_mut(|lists| match lists.last_mut() {
        Some(list) => {
            list.push(diagnostic);
            None
        }
        None => Some(diagnostic),
    });
    if let Some(diagnostic) = unheard {
        let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.insert(diagnostic.primitive) {
            log::warn!("{diagnostic}");
        }
    }
}

/// The bits of the tolerance.
static TOLERANCE: AtomicU64 = AtomicU64::new(1e-8_f64.to_bits());

/// The part of a cotangent, relative to the whole, that may depend on a gauge without a report:
/// 1e-8 unless [set](set_gauge_tolerance).
///
/// ```
/// assert_eq!(difrules_core::gauge_tolerance(), 1e-8);
/// ```
pub fn gauge_tolerance() -> f64 {
    f64::from_bits(TOLERANCE.load(Ordering::Relaxed))
}

/// Sets [`gauge_tolerance`], for all threads.
pub fn set_gauge_tolerance(tolerance: f64) {
    TOLERANCE.store(tolerance.to_bits(), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_listens() {
        let say = || report(Diagnostic::undefined("f", "no"));
        let ((), heard) = diagnosed(|| {
            say();
            assert_eq!(diagnosed(say).1.len(), 1);
            let panicked = std::panic::catch_unwind(|| diagnosed(|| panic!("in the middle")));
            assert!(panicked.is_err());
            say();
        });
        assert_eq!(heard, [Diagnostic::undefined("f", "no"), Diagnostic::undefined("f", "no")]);
        // Nobody listens: to the log.
        say();
        assert!(diagnosed(|| ()).1.is_empty());
    }
}
