//! What a rule has to say beside its result.
//!
//! A derivative may not exist, or be asked for in a direction in which it is not defined: eigenvectors
//! of a repeated eigenvalue are any basis of a plane, and a function that depends on which has no
//! gradient. A rule computes what is defined and [`report`]s the rest, which is NaN, so that nobody takes
//! it for a stationary point; in a call of [`leaving_out_undefined`] it is zero. Who wants to hear it calls
//! the transform in [`diagnosed`]; otherwise the first report of a primitive goes to the `log` crate, as a
//! warning.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread::LocalKey;

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
    /// An equality decided about a number that varies: a shortcut that the program took there, as it
    /// does at plain numbers, may have left out a derivative (see [`algorithms`](crate::algorithms)).
    /// The diagnostic's `primitive` is the question that was asked, `is_zero`, `is_one` or `==`.
    Decided {
        /// The line of the program, as `file:line`; empty where the program was built without debug
        /// information.
        place: String,
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
                "{size:.1e} of the cotangent depends on a choice that the result leaves open"
            ),
            Defect::Undefined { reason } => f.write_str(reason),
            Defect::Decided { place } if place.is_empty() => {
                f.write_str("decided about a number that varies")
            }
            Defect::Decided { place } => {
                write!(f, "decided about a number that varies, at {place}")
            }
        }
    }
}

thread_local! {
    /// The list of the innermost who listens.
    static LISTENING: RefCell<Option<Vec<Diagnostic>>> = const { RefCell::new(None) };
    /// The primitive whose last result jumps.
    static JUMPS: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Tells whether the result of the primitive of this name, which is running on plain numbers, jumps where its
/// argument moves, as eigenvectors of a repeated eigenvalue do. Each of its calls tells, the last thing that it does.
///
/// A zero before what jumps is [no zero of a product](crate::infinities), and the reverse rule is told which zeros of
/// its cotangent are strong, by a negative sign: another asks for what is undefined.
#[doc(hidden)]
pub fn jumps(primitive: &'static str, whether: bool) {
    if whether {
        JUMPS.set(Some(primitive));
    } else if jumped(|| primitive) {
        JUMPS.set(None);
    }
}

/// Calls a rule between a call of a primitive and the question whether its result [jumps](jumps).
#[inline]
pub(crate) fn between<Out>(f: impl FnOnce() -> Out) -> Out {
    let before = JUMPS.get();
    let out = f();
    JUMPS.set(before);
    out
}

/// Whether the primitive of this name, which has just run, [told](jumps) that its result jumps.
pub(crate) fn jumped(primitive: impl FnOnce() -> &'static str) -> bool {
    JUMPS.get().is_some_and(|name| name == primitive())
}

/// The NaN that stands for a derivative of what jumps: like any other, but that no product with a zero hides it.
#[doc(hidden)]
pub const OF_JUMP: f64 = f64::from_bits(0x7ffc << 48);

/// Whether it is [`OF_JUMP`], or came out of it.
pub(crate) fn is_of_jump(x: f64) -> bool {
    // Arithmetic keeps the bits of a NaN; conversions keep the first of them.
    x.is_nan() && x.to_bits() & OF_JUMP.to_bits() == OF_JUMP.to_bits()
}

/// Calls `f` and returns what rules reported meanwhile on this thread, in order. Where calls are
/// nested, the innermost hears it.
///
/// ```
/// use difrules_core::diagnostic::Diagnostic;
/// use difrules_core::{diagnosed, gradient, primitive, report};
///
/// #[primitive(partial = |x, y| {
///     if x == 0.0 {
///         report(Diagnostic::undefined("root", "the root of zero has a vertical tangent"));
///         return f64::NAN;
///     }
///     0.5 / y
/// })]
/// fn root(x: f64) -> f64 {
///     x.sqrt()
/// }
///
/// let (slope, found) = diagnosed(|| gradient(|x| root::on(*x), &0.0_f64));
/// assert!(slope.is_nan() && found.len() == 1);
/// assert_eq!(found[0].to_string(), "`root`: the root of zero has a vertical tangent");
/// ```
pub fn diagnosed<Out>(f: impl FnOnce() -> Out) -> (Out, Vec<Diagnostic>) {
    /// Lets who listened before listen again, also where `f` panics.
    struct Before(Option<Vec<Diagnostic>>, Option<&'static str>);

    impl Drop for Before {
        fn drop(&mut self) {
            LISTENING.set(self.0.take());
            JUMPS.set(self.1);
        }
    }

    let before = Before(LISTENING.replace(Some(Vec::new())), JUMPS.get());
    let out = f();
    let heard = LISTENING.take();
    drop(before);
    (out, heard.unwrap_or_default())
}

/// Tells whoever listens; else the log, once for each primitive.
pub fn report(diagnostic: Diagnostic) {
    static LOGGED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    // Where the thread ends already nobody listens.
    let mut unheard = Some(diagnostic);
    let _ = LISTENING.try_with(|list| {
        if let Some(list) = list.borrow_mut().as_mut() {
            list.extend(unheard.take());
        }
    });
    if let Some(diagnostic) = unheard {
        let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        if !logged.contains(&diagnostic.primitive) {
            logged.push(diagnostic.primitive);
            log::warn!("{diagnostic}");
        }
    }
}

/// How a thread wants its diagnostics, for tasks that others do for it.
#[cfg(feature = "rayon")]
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    listening: bool,
    leaving_out: bool,
}

#[cfg(feature = "rayon")]
impl Wanted {
    /// How this thread wants them.
    pub(crate) fn here() -> Self {
        let listening = LISTENING.with_borrow(Option::is_some);
        Self { listening, leaving_out: leaves_out_undefined() }
    }

    /// Calls `f` as if it were on that thread; returns what that is to hear.
    pub(crate) fn heed<Out>(self, f: impl FnOnce() -> Out) -> (Out, Vec<Diagnostic>) {
        let call = || with_setting(&LEAVING_OUT, self.leaving_out, f);
        if self.listening { diagnosed(call) } else { (call(), Vec::new()) }
    }
}

/// Tells what was heard in a task, in place of it.
#[cfg(feature = "rayon")]
pub(crate) fn relay(heard: Vec<Diagnostic>) {
    LISTENING.with_borrow_mut(|list| {
        let Some(list) = list else { return };
        for diagnostic in heard {
            // A line that decides is told of once.
            let once = matches!(diagnostic.defect, Defect::Decided { .. });
            if !once || !list.contains(&diagnostic) {
                list.push(diagnostic);
            }
        }
    });
}

/// Tells whoever listens that this question was answered yes about a number that varies: once for each
/// line of the program. Rules of ours ask it with care and are left out.
#[cold]
pub(crate) fn decided(question: &'static str) {
    if LISTENING.try_with(|list| list.borrow().is_none()).unwrap_or(true) {
        return;
    }
    let Some(place) = place_in_program() else { return };
    let diagnostic = Diagnostic { primitive: question, defect: Defect::Decided { place } };
    LISTENING.with_borrow_mut(|list| match list {
        Some(list) if !list.contains(&diagnostic) => list.push(diagnostic),
        _ => {}
    });
}

/// The line of the user's program that is running: that which is not nalgebra's or the standard
/// library's. None where a rule of these crates asks.
fn place_in_program() -> Option<String> {
    // The standard library prints the frames, innermost first, and has no other way to them.
    let frames = std::backtrace::Backtrace::force_capture().to_string();
    let places = frames.lines().filter_map(|line| line.trim_start().strip_prefix("at "));
    for place in places {
        // Paths in the current directory are printed without it.
        let place = match (place.strip_prefix("./"), std::env::current_dir()) {
            (Some(rest), Ok(directory)) => format!("{}/{rest}", directory.display()),
            _ => place.to_string(),
        };
        let file = place.rsplitn(3, ':').last().unwrap_or_default();
        let of = |part: &str| file.contains(part);
        if file.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/src/")) {
            // The question itself; else a rule.
            let question = ["/diagnostic.rs", "/field.rs", "/dual.rs", "/var.rs"];
            if !question.iter().any(|name| file.ends_with(name)) {
                return None;
            }
        } else if of("/difrules-linalg/src/") {
            return None;
        } else if !(of("/rustc/") || of("/registry/src/") || of("/library/core/")) {
            return Some(place.rsplitn(2, ':').last().unwrap_or_default().to_string());
        }
    }
    Some(String::new())
}

thread_local! {
    /// Whether rules leave out what is undefined.
    static LEAVING_OUT: Cell<bool> = const { Cell::new(false) };
}

/// Calls `f` with rules that leave out what is undefined, as if the part of a direction or of a cotangent
/// that asks for it were zero, and still [`report`] it. It holds for this thread until `f` ends; outside, what
/// is undefined is NaN.
///
/// This is for who knows that the part does not matter, such as a gauge of eigenvectors that a later
/// step removes; a gradient without it is one of a function that is constant along it.
///
/// ```
/// use difrules_core::diagnostic::leaves_out_undefined;
/// use difrules_core::{diagnosed, gradient, leaving_out_undefined, primitive, report};
/// use difrules_core::diagnostic::Diagnostic;
///
/// #[primitive(partial = |x, y| {
///     if x == 0.0 {
///         report(Diagnostic::undefined("root", "the root of zero has a vertical tangent"));
///         return if leaves_out_undefined() { 0.0 } else { f64::NAN };
///     }
///     0.5 / y
/// })]
/// fn root(x: f64) -> f64 {
///     x.sqrt()
/// }
///
/// let slope = || gradient(|x| root::on(*x), &0.0_f64);
/// assert!(slope().is_nan());
/// assert_eq!(leaving_out_undefined(slope), 0.0);
/// let (slope, found) = diagnosed(|| leaving_out_undefined(slope));
/// assert_eq!((slope, found.len()), (0.0, 1));
/// ```
pub fn leaving_out_undefined<Out>(f: impl FnOnce() -> Out) -> Out {
    with_setting(&LEAVING_OUT, true, f)
}

/// Calls `f` with a setting of this thread.
pub(crate) fn with_setting<Out>(
    setting: &'static LocalKey<Cell<bool>>,
    whether: bool,
    f: impl FnOnce() -> Out,
) -> Out {
    /// Puts back what was before, also where `f` panics.
    struct Before(&'static LocalKey<Cell<bool>>, bool);

    impl Drop for Before {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }

    let _before = Before(setting, setting.replace(whether));
    f()
}

/// Whether rules leave out what is undefined: in a call of [`leaving_out_undefined`]. Elsewhere it is NaN.
pub fn leaves_out_undefined() -> bool {
    LEAVING_OUT.get()
}
