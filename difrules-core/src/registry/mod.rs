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
//! assert_eq!(sin.path, "difrules_core::math::sin");
//! assert!(sin.forward && sin.reverse);
//! assert_eq!(sin.symbolic, ["x.cos()"]);
//! assert!(matches!(sin.partials, [difrules_core::registry::Partial::Known(_)]));
//! for primitive in difrules_core::primitives() {
//!     println!("{primitive}");
//! }
//! ```

pub(crate) mod call;
mod check;
mod find;
mod missing;
mod place;
mod sampler;

use std::fmt;
use std::sync::OnceLock;

use call::Calls;
use difrules_symbolic::Formula;

pub use call::{CallError, Pullback, Pushforward};
pub use check::{Check, Failure, Sample};
pub use find::{FindError, by_name, by_path, by_types, find};
pub use missing::{MissingRule, UnknownPartial};
pub use place::PublicPath;
pub use sampler::Sampler;
pub(crate) use sampler::Style;
#[cfg(feature = "checker")]
pub(crate) use sampler::{Drawn, STRUCTURAL};

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
#[non_exhaustive]
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

/// Which entries of a matrix count, or have to be what others are.
///
/// A cotangent has the structure of its argument: it is symmetric where that is, and nothing is added to it where
/// that is structurally zero or is not stored. The [checker](crate::testing) demands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Structure {
    /// A = A^T. With an option that names a triangle, only that one is stored, and has the cotangent.
    Symmetric,
    /// A = A^H; with an option as above.
    Hermitian,
    /// What is above the diagonal is zero, or not read.
    Lower,
    /// What is below the diagonal is zero, or not read.
    Upper,
    /// What is above the diagonal is zero, or not read, and that is of ones, or not read.
    UnitLower,
    /// What is below the diagonal is zero, or not read, and that is of ones, or not read.
    UnitUpper,
    /// Lower or upper as an option says; where a second one says so, the diagonal is of ones and not read.
    Triangular,
    /// A diagonal of a matrix that is zero elsewhere, or has other diagonals that are given so: a vector.
    Diagonal,
    /// An order of rows or columns, or swaps that make one: a constant.
    Permutation,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Symmetric => "symmetric",
            Self::Hermitian => "hermitian",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::UnitLower => "unit_lower",
            Self::UnitUpper => "unit_upper",
            Self::Triangular => "triangular",
            Self::Diagonal => "diagonal",
            Self::Permutation => "permutation",
        })
    }
}

/// What is known of the entries of an argument, or of a field of one.
///
/// ```
/// use difrules_core::registry::Structure;
/// use difrules_core::primitive;
/// use nalgebra::DMatrix;
///
/// /// The sum of the entries on the diagonal and below.
/// #[primitive(
///     forward = |_, _, l_dot| l_dot.lower_triangle().sum(),
///     reverse = |l, _, y_bar| DMatrix::from_element(l.nrows(), l.ncols(), y_bar).lower_triangle(),
///     structure(l = lower)
/// )]
/// fn lower_sum(l: &DMatrix<f64>) -> f64 {
///     l.lower_triangle().sum()
/// }
///
/// let record = difrules_core::find("lower_sum", 1).unwrap();
/// assert_eq!(record.arguments[0].structure[0].kind, Structure::Lower);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Structured {
    /// The field of the argument; empty if all of it is meant.
    pub field: &'static str,
    /// What it is.
    pub kind: Structure,
    /// The constant arguments that say which triangle is stored, and then what its diagonal is.
    pub options: &'static [&'static str],
}

impl Structured {
    /// What the attribute writes.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        field: &'static str,
        kind: Structure,
        options: &'static [&'static str],
    ) -> Self {
        Self { field, kind, options }
    }
}

/// `lower`, `symmetric(triangle)`, `p: permutation`.
impl fmt::Display for Structured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}", self.kind)?;
        if !self.options.is_empty() {
            write!(f, "({})", self.options.join(", "))?;
        }
        Ok(())
    }
}

/// What the registry knows of one primitive. `#[primitive]` makes it; nobody else does.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record {
    /// Where it is found, `crate::module::name`: a path that can be written in `use`, where its crate
    /// [says so](crate::public_path).
    pub path: &'static str,
    /// The module whose source has it.
    pub module: &'static str,
    /// The function's name.
    pub name: &'static str,
    /// Other names it is found by.
    pub aliases: &'static [&'static str],
    /// What it takes.
    pub arguments: &'static [Argument],
    /// What it returns, as the source writes it.
    pub result: &'static str,
    /// Whether it has a forward rule.
    pub forward: bool,
    /// Whether it has a reverse rule.
    pub reverse: bool,
    /// The rules that are closures, as the source writes them: a partial derivative an argument,
    /// or the forward and the reverse rule.
    pub symbolic: &'static [&'static str],
    /// What is known of the derivative by each argument, where the result is one number.
    pub partials: &'static [Partial],
    /// The types at which it can be called without knowing it at compile time.
    pub instances: &'static [Instance],
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
            write!(f, "{separator}{argument}")?;
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
    #[must_use]
    pub fn instance(&self, scalar: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.scalar == scalar)
    }
}

/// What the registry knows of the derivative by an argument.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Partial {
    /// It is an expression, see [`symbolic`](crate::symbolic).
    Known(Formula),
    /// Nobody knows it; a mode that needs it says so, see [`UnknownPartial`].
    Unknown,
    /// The rule is a program.
    Code,
    /// The argument is a constant.
    Constant,
}

impl Partial {
    /// What the attribute writes of it.
    fn read(text: &'static str) -> Self {
        match text {
            "constant" => Self::Constant,
            "unknown" => Self::Unknown,
            "code" => Self::Code,
            formula => Self::Known(Formula::read(formula)),
        }
    }
}

/// One argument of a primitive.
#[derive(Debug)]
#[non_exhaustive]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type, as the source writes it.
    pub type_name: &'static str,
    /// What [`notion`](Argument::notion) calls.
    notion_of: fn() -> Notion,
    /// Whether it is read and overwritten: a `&mut` argument.
    pub in_place: bool,
    /// What is known of its entries: that they are those of a symmetric matrix, a triangle, and so on.
    pub structure: &'static [Structured],
}

impl Argument {
    /// What the attribute writes.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        name: &'static str,
        type_name: &'static str,
        notion_of: fn() -> Notion,
        in_place: bool,
        structure: &'static [Structured],
    ) -> Self {
        Self { name, type_name, notion_of, in_place, structure }
    }

    /// What kind of value it is, at the primitive's first instance.
    #[must_use]
    pub fn notion(&self) -> Notion {
        (self.notion_of)()
    }

    /// Whether derivatives by it exist.
    #[must_use]
    pub fn differentiable(&self) -> bool {
        self.notion() != Notion::Constant
    }
}

/// `x: &DVector<T>`.
impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.type_name)
    }
}

/// A primitive at one choice of its type parameters, all dimensions dynamic unless the source says
/// otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub struct Instance {
    /// The scalar, or all type parameters, as the source writes them.
    pub scalar: &'static str,
    /// Draws a random point of its domain, the owned arguments, boxed; none where the source gives no
    /// `sample`, and none without the feature `calls`.
    pub sample: Option<Sample>,
    /// Checks the rules at this instance; present with the feature `testing`.
    #[doc(hidden)]
    pub check: Option<Check>,
    /// How to call it, see [`Instance::call`].
    #[doc(hidden)]
    pub calls: Calls,
}

impl Instance {
    /// What the attribute writes.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        scalar: &'static str,
        sample: Option<Sample>,
        check: Option<Check>,
        calls: Calls,
    ) -> Self {
        Self { scalar, sample, check, calls }
    }
}

/// The scalar, or all type parameters.
impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.scalar)
    }
}

/// What the attribute writes of a primitive.
#[doc(hidden)]
#[derive(Debug)]
pub struct Written {
    pub module: &'static str,
    /// The function, after the type in whose `impl` it is.
    pub function: &'static str,
    /// Whether the function is `pub`.
    pub public: bool,
    /// `path = ".."`.
    pub path: Option<&'static str>,
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub arguments: &'static [Argument],
    pub result: &'static str,
    pub forward: bool,
    pub reverse: bool,
    pub symbolic: &'static [&'static str],
    /// See [`Partial::read`].
    pub partials: &'static [&'static str],
    pub instances: &'static [Instance],
    pub file: &'static str,
    pub line: u32,
    pub doc: &'static str,
    /// What it becomes when it is asked for.
    pub record: OnceLock<Record>,
}

impl Written {
    /// The record of this.
    pub fn record(&self) -> &Record {
        self.record.get_or_init(|| self.into())
    }
}

impl From<&Written> for Record {
    fn from(written: &Written) -> Self {
        let Written { module, function, .. } = *written;
        // There are as many as primitives, and they stay as long as the program.
        let path = match written.path {
            Some(path) => place::resolved(module, path),
            None if written.public => place::public(module, function),
            None => format!("{module}::{function}"),
        };
        Self {
            path: path.leak(),
            module,
            name: written.name,
            aliases: written.aliases,
            arguments: written.arguments,
            result: written.result,
            forward: written.forward,
            reverse: written.reverse,
            symbolic: written.symbolic,
            partials: written
                .partials
                .iter()
                .map(|text| Partial::read(text))
                .collect::<Vec<_>>()
                .leak(),
            instances: written.instances,
            file: written.file,
            line: written.line,
            doc: written.doc,
        }
    }
}

/// What `inventory` collects.
#[doc(hidden)]
#[derive(Debug)]
pub struct Registered(pub &'static Written);

inventory::collect!(Registered);

struct Index {
    /// All, by path.
    sorted: Vec<&'static Record>,
    /// The names and aliases, sorted, with how many arguments there are.
    names: Vec<(&'static str, usize)>,
    /// What has each of these names.
    named: Vec<&'static Record>,
    duplicates: Vec<Duplicate>,
}

impl Index {
    fn by_path(&self, path: &str) -> Option<&'static Record> {
        let place = self.sorted.partition_point(|record| record.path < path);
        self.sorted.get(place).copied().filter(|record| record.path == path)
    }

    /// Those of this name or alias, of few arguments first.
    fn by_name(&self, name: &str) -> &[&'static Record] {
        let first = self.names.partition_point(|&(other, _)| other < name);
        let count = self.names[first..].partition_point(|&(other, _)| other == name);
        &self.named[first..first + count]
    }
}

/// A record by a name, of which there may be several with as many arguments.
type Named = (&'static str, usize, &'static Record);

/// Sorts records by their names, and those of one name by their places.
fn sort(all: &mut [Named]) {
    all.sort_unstable_by_key(|&(name, arity, record)| {
        (name, arity, record.path, record.file, record.line)
    });
}

/// Two primitives of one path: functions inside of functions, or two versions of one crate.
///
/// Both are registered; [`by_path`] finds the first.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
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

fn registry() -> &'static Index {
    static REGISTRY: OnceLock<Index> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let records = inventory::iter::<Registered>().map(|found| found.0.record());
        let mut by_path: Vec<Named> = records.map(|record| (record.path, 0, record)).collect();
        sort(&mut by_path);
        let sorted: Vec<_> = by_path.iter().map(|&(_, _, record)| record).collect();
        let same_path = |first: &&Record, second: &&Record| first.path == second.path;
        let duplicates = sorted
            .chunk_by(same_path)
            .flat_map(|same| same[1..].iter().map(|&second| Duplicate { first: same[0], second }));
        let duplicates = duplicates.collect();
        let mut by_name: Vec<Named> = Vec::new();
        for &record in &sorted {
            let others = record.aliases.iter().enumerate().filter(|(i, alias)| {
                **alias != record.name && !record.aliases[..*i].contains(alias)
            });
            let names = std::iter::once(&record.name).chain(others.map(|(_, alias)| alias));
            by_name.extend(names.map(|&name| (name, record.arguments.len(), record)));
        }
        sort(&mut by_name);
        let names = by_name.iter().map(|&(name, arity, _)| (name, arity)).collect();
        let named = by_name.iter().map(|&(_, _, record)| record).collect();
        Index { sorted, names, named, duplicates }
    })
}

/// The registered primitives of all linked crates, sorted by path.
///
/// ```
/// let with_reverse_rule = difrules_core::primitives().iter().filter(|record| record.reverse);
/// assert!(with_reverse_rule.count() > 30);
/// ```
#[must_use]
pub fn primitives() -> &'static [&'static Record] {
    &registry().sorted
}

/// The primitives that share their path with an earlier one.
///
/// ```
/// assert!(difrules_core::registry::duplicates().is_empty());
/// ```
#[must_use]
pub fn duplicates() -> &'static [Duplicate] {
    &registry().duplicates
}
