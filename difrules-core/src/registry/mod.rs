//! The primitives of every linked crate.
//!
//! `#[primitive]` puts a [`Record`] of the function into a registry at link time, with `inventory`:
//! there is no list to keep. Nothing runs at start-up but one push a primitive; the records are made
//! when someone asks for the first time.
//!
//! A crate that is only named in `Cargo.toml` and never in code is not linked, and neither are its
//! records; `use that_crate as _;` links it. The compiler finds such crates, with
//! `#![warn(unused_crate_dependencies)]` in the crate root, and so does
//! `cargo run --example rules -- --unlinked`.
//!
//! A dynamic library (`cdylib`) that is loaded at run time has a copy of `difrules-core` and a
//! registry of its own: inside it are its primitives and those of the crates that it names, and the
//! program that loads it sees none of them. To show them, the library exports a function.
//!
//! ```
//! let sin = difrules_core::find("sin", 1).expect("difrules-core registers it");
//! assert_eq!(sin.path, "difrules_core::math::elementary::trigonometric::sin");
//! assert!(sin.forward && sin.reverse);
//! assert_eq!(sin.symbolic, ["x.cos()"]);
//! assert!(matches!(sin.partials, [difrules_core::Partial::Known(_)]));
//! for primitive in difrules_core::primitives() {
//!     println!("{primitive}");
//! }
//! ```

pub(crate) mod call;
mod check;
mod missing;
mod sampler;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use call::Calls;
use difrules_symbolic::Formula;

pub use call::{CallError, Pullback, Pushforward};
pub use check::{Check, Failure, Sample};
pub use missing::{MissingRule, UnknownPartial};
pub use sampler::Sampler;
pub(crate) use sampler::Style;

/// A direction of differentiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Tangents, with the computation.
    Forward,
    /// Cotangents, against the computation.
    Reverse,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        })
    }
}

/// What kind of value an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notion {
    /// One number.
    Scalar,
    /// A matrix of one column.
    Vector,
    /// A matrix.
    Matrix,
    /// A tuple or another container.
    Structure,
    /// No derivative: a size, a flag, data.
    Constant,
}

impl fmt::Display for Notion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scalar => "scalar",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::Structure => "structure",
            Self::Constant => "constant",
        })
    }
}

/// What the registry knows of one primitive. `#[primitive]` makes it; nobody else does.
#[derive(Debug)]
pub struct Record {
    /// Its module and its name, `crate::module::name`.
    pub path: &'static str,
    /// The function's name.
    pub name: &'static str,
    /// Other names it is found by.
    pub aliases: Vec<&'static str>,
    /// What it takes.
    pub arguments: Vec<Argument>,
    /// What it returns, as the source writes it.
    pub result: &'static str,
    /// Whether it has a forward rule.
    pub forward: bool,
    /// Whether it has a reverse rule.
    pub reverse: bool,
    /// The rules that are closures, as the source writes them: a partial derivative an argument,
    /// or the forward and the reverse rule.
    pub symbolic: Vec<&'static str>,
    /// What is known of the derivative by each argument, where the result is one number.
    pub partials: &'static [Partial],
    /// The types at which it can be called without knowing it at compile time.
    pub instances: Vec<Instance>,
    /// The source file.
    pub file: &'static str,
    /// The line in it.
    pub line: u32,
    /// Its documentation.
    pub doc: &'static str,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.path)?;
        for (i, argument) in self.arguments.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{}: {}", argument.name, argument.type_name)?;
        }
        write!(f, ") -> {}", self.result)
    }
}

impl Record {
    /// The instance that the record shows as `scalar`, `f64` or `f64, U3`.
    ///
    /// ```
    /// let exp = difrules_core::find("exp", 1).unwrap();
    /// assert!(exp.instance("Complex<f64>").is_some() && exp.instance("i32").is_none());
    /// ```
    pub fn instance(&self, scalar: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.scalar == scalar)
    }
}

/// What the registry knows of the derivative by an argument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Partial {
    /// It is an expression, see [`symbolic`](crate::symbolic).
    Known(Formula),
    /// Nobody knows it; a mode that needs it says so, see [`UnknownPartial`](crate::UnknownPartial).
    Unknown,
    /// The rule is a program.
    Code,
    /// The argument is a constant.
    Constant,
}

/// One argument of a primitive.
#[derive(Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type, as the source writes it.
    pub type_name: &'static str,
    /// What [`notion`](Argument::notion) calls.
    #[doc(hidden)]
    pub notion_of: fn() -> Notion,
    /// Whether it is read and overwritten: a `&mut` argument.
    pub in_place: bool,
}

impl Argument {
    /// What kind of value it is, at the primitive's first instance.
    pub fn notion(&self) -> Notion {
        (self.notion_of)()
    }

    /// Whether derivatives by it exist.
    pub fn differentiable(&self) -> bool {
        self.notion() != Notion::Constant
    }
}

/// A primitive at one choice of its type parameters, all dimensions dynamic unless the source says
/// otherwise.
#[derive(Debug)]
pub struct Instance {
    /// The scalar, or all type parameters, as the source writes them.
    pub scalar: &'static str,
    /// Draws a random point of its domain, the owned arguments, boxed; none where the source gives no
    /// `sample`.
    pub sample: Option<fn(&mut Sampler) -> Vec<Box<dyn Any>>>,
    /// Checks the rules at this instance; present with the feature `testing`.
    #[doc(hidden)]
    pub check: Option<Check>,
    /// How to call it, see [`Instance::call`].
    #[doc(hidden)]
    pub calls: Calls,
}

/// What `inventory` collects.
#[doc(hidden)]
pub struct Registered(pub fn() -> &'static Record);

inventory::collect!(Registered);

struct Registry {
    sorted: Vec<&'static Record>,
    by_path: HashMap<&'static str, &'static Record>,
    by_name: HashMap<&'static str, HashMap<usize, Vec<&'static Record>>>,
    duplicates: Vec<Duplicate>,
}

/// Two primitives of one path: functions inside of functions, or two versions of one crate.
///
/// Both are registered; [`by_path`] finds the first.
#[derive(Debug, Clone, Copy)]
pub struct Duplicate {
    /// The one that is found by its path.
    pub first: &'static Record,
    /// The one that is found by its name, or among [`primitives`].
    pub second: &'static Record,
}

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second } = self;
        write!(
            f,
            "`{}` is registered twice: at {}:{} and at {}:{}",
            first.path, first.file, first.line, second.file, second.line
        )
    }
}

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut sorted: Vec<_> = inventory::iter::<Registered>().map(|found| (found.0)()).collect();
        sorted.sort_by_key(|record| (record.path, record.file, record.line));
        let mut by_path = HashMap::new();
        let mut duplicates = Vec::new();
        let mut by_name: HashMap<_, HashMap<_, Vec<_>>> = HashMap::new();
        for &record in &sorted {
            let first = *by_path.entry(record.path).or_insert(record);
            if !std::ptr::eq(first, record) {
                duplicates.push(Duplicate { first, second: record });
            }
            for name in std::iter::once(&record.name).chain(&record.aliases) {
                let by_arity = by_name.entry(*name).or_default();
                let same: &mut Vec<&'static Record> =
                    by_arity.entry(record.arguments.len()).or_default();
                if !same.iter().any(|other| std::ptr::eq(*other, record)) {
                    same.push(record);
                }
            }
        }
        Registry { sorted, by_path, by_name, duplicates }
    })
}

/// The registered primitives of all linked crates, sorted by path.
///
/// ```
/// let with_reverse_rule = difrules_core::primitives().iter().filter(|record| record.reverse);
/// assert!(with_reverse_rule.count() > 30);
/// ```
pub fn primitives() -> &'static [&'static Record] {
    &registry().sorted
}

/// The primitive of this path, `crate::module::name`.
///
/// ```
/// let exp = difrules_core::by_path("difrules_core::math::elementary::exponential::exp").unwrap();
/// assert_eq!(exp.name, "exp");
/// ```
pub fn by_path(path: &str) -> Option<&'static Record> {
    registry().by_path.get(path).copied()
}

/// The primitives of this name or alias that take `arity` arguments, sorted by path.
///
/// ```
/// assert_eq!(difrules_core::by_name("atan2", 2).len(), 1);
/// assert!(difrules_core::by_name("atan2", 1).is_empty());
/// ```
pub fn by_name(name: &str, arity: usize) -> &'static [&'static Record] {
    let by_arity = registry().by_name.get(name);
    by_arity.and_then(|by_arity| by_arity.get(&arity)).map_or(&[], Vec::as_slice)
}

/// The primitives that share their path with an earlier one.
///
/// ```
/// assert!(difrules_core::duplicates().is_empty());
/// ```
pub fn duplicates() -> &'static [Duplicate] {
    &registry().duplicates
}

/// The instance of a primitive of this name or alias that takes owned arguments of these types;
/// none where several do.
///
/// ```
/// use std::any::TypeId;
///
/// let float = TypeId::of::<f32>();
/// let (atan2, instance) = difrules_core::by_types("atan2", &[float, float]).unwrap();
/// assert_eq!((atan2.name, instance.scalar), ("atan2", "f32"));
/// assert!(difrules_core::by_types("atan2", &[float, TypeId::of::<f64>()]).is_none());
/// ```
pub fn by_types(name: &str, types: &[TypeId]) -> Option<(&'static Record, &'static Instance)> {
    type Found = Option<(&'static Record, &'static Instance)>;
    static BY_TYPES: OnceLock<HashMap<&'static str, HashMap<Vec<TypeId>, Found>>> = OnceLock::new();
    let by_types = BY_TYPES.get_or_init(|| {
        let mut by_types: HashMap<_, HashMap<_, Found>> = HashMap::new();
        for &record in primitives() {
            for instance in &record.instances {
                let types: Vec<_> =
                    instance.argument_types().into_iter().map(|(id, _)| id).collect();
                for name in std::iter::once(&record.name).chain(&record.aliases) {
                    by_types
                        .entry(*name)
                        .or_default()
                        .entry(types.clone())
                        .and_modify(|found| *found = None)
                        .or_insert(Some((record, instance)));
                }
            }
        }
        by_types
    });
    *by_types.get(name)?.get(types)?
}

/// The primitive of this path, name or alias that takes `arity` arguments; none where the name
/// fits several.
///
/// ```
/// use difrules_core::find;
///
/// let by_name = find("sin", 1).unwrap();
/// let by_path = find("difrules_core::math::elementary::trigonometric::sin", 1).unwrap();
/// assert_eq!(by_name.path, by_path.path);
/// assert!(find("sin", 2).is_none());
/// ```
pub fn find(name: &str, arity: usize) -> Option<&'static Record> {
    match by_name(name, arity) {
        [record] => Some(record),
        [] => by_path(name).filter(|record| record.arguments.len() == arity),
        _ => None,
    }
}
