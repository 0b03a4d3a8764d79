//! Look-ups by name and by path.

use std::any::TypeId;

use super::{Instance, Record, registry};

/// Why a primitive is not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// Nothing of this name is registered in the crates that are linked.
    #[error(
        "no primitive is called `{name}` in the crates that are linked; one that only `Cargo.toml` names is \
         linked by `use that_crate as _;`"
    )]
    Unknown {
        /// The name or path that was looked for.
        name: String,
    },
    /// Several primitives have this name, and take so many arguments.
    #[error(
        "`{name}` with {arity} arguments may be {}; write the path of the one that is meant",
        list(paths)
    )]
    Ambiguous {
        /// The name that was looked for.
        name: String,
        /// How many arguments it was to take.
        arity: usize,
        /// The paths of those that it fits.
        paths: Vec<&'static str>,
    },
    /// What has this name takes another number of arguments.
    #[error(
        "`{name}` takes {} argument{}, not {arity}",
        list(arities),
        if arities[..] == [1] { "" } else { "s" }
    )]
    Arity {
        /// The name that was looked for.
        name: String,
        /// How many arguments it was to take.
        arity: usize,
        /// How many arguments there may be.
        arities: Vec<usize>,
    },
    /// What has this name takes so many arguments, but none of its instances takes these types.
    #[error("`{name}` takes no arguments of these types; it has {}", instances(scalars))]
    Types {
        /// The name that was looked for.
        name: String,
        /// The scalars of the instances that there are.
        scalars: Vec<&'static str>,
    },
}

/// Where there are instances, as a message says it.
fn instances(scalars: &[&'static str]) -> String {
    if scalars.is_empty() {
        "no instances".into()
    } else {
        format!("instances at {}", list(scalars))
    }
}

/// `a`, `a or b`, `a, b or c`; texts in backticks.
fn list<X: Listed>(all: &[X]) -> String {
    let shown: Vec<_> = all.iter().map(Listed::shown).collect();
    match &shown[..] {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        other => other.concat(),
    }
}

/// An entry of a list in a message.
trait Listed {
    fn shown(&self) -> String;
}

impl Listed for &str {
    fn shown(&self) -> String {
        format!("`{self}`")
    }
}

impl Listed for usize {
    fn shown(&self) -> String {
        self.to_string()
    }
}

/// The primitive of this path, `difrules_core::math::exp`: one that can be written in `use` where its crate
/// [says so](crate::public_path).
///
/// ```
/// let exp = difrules_core::registry::by_path("difrules_core::math::exp").unwrap();
/// assert_eq!(exp.name, "exp");
/// ```
#[must_use]
pub fn by_path(path: &str) -> Option<&'static Record> {
    registry().by_path(path)
}

/// The primitives of this name or alias that take `arity` arguments, sorted by path.
///
/// ```
/// assert_eq!(difrules_core::registry::by_name("atan2", 2).len(), 1);
/// assert!(difrules_core::registry::by_name("atan2", 1).is_empty());
/// ```
#[must_use]
pub fn by_name(name: &str, arity: usize) -> &'static [&'static Record] {
    let found = registry().by_name(name);
    let first = found.partition_point(|record| record.arguments.len() < arity);
    let count = found[first..].partition_point(|record| record.arguments.len() == arity);
    &found[first..first + count]
}

/// The primitive of this name, alias or path that takes `arity` arguments. One of several crates is found by
/// its crate and its name, `difrules_linalg::add`, in whatever module it is.
///
/// # Errors
/// Nothing of this name, or several things, or one that takes another number of arguments.
///
/// ```
/// use difrules_core::registry::FindError;
/// use difrules_core::find;
///
/// let sin = find("sin", 1)?;
/// assert_eq!(sin.path, "difrules_core::math::sin");
/// assert_eq!(find("difrules_core::math::sin", 1)?.path, sin.path);
/// assert_eq!(find("difrules_core::sin", 1)?.path, sin.path);
/// assert_eq!(find("sin", 2).unwrap_err().to_string(), "`sin` takes 1 argument, not 2");
/// assert!(matches!(find("sine", 1), Err(FindError::Unknown { .. })));
/// # Ok::<(), FindError>(())
/// ```
pub fn find(name: &str, arity: usize) -> Result<&'static Record, FindError> {
    only(name, arity, &of_arity(name, arity)?, |record| record)
}

/// The instance of the primitive of this name, alias or path, as [`find`] takes them, that takes owned arguments
/// of these types.
///
/// # Errors
/// Those of [`find`], and [`FindError::Types`].
///
/// ```
/// use std::any::TypeId;
/// use difrules_core::registry::by_types;
///
/// let (float, double) = (TypeId::of::<f32>(), TypeId::of::<f64>());
/// let (atan2, instance) = by_types("atan2", &[float, float]).unwrap();
/// assert_eq!((atan2.name, instance.scalar), ("atan2", "f32"));
/// assert_eq!(
///     by_types("atan2", &[float, double]).unwrap_err().to_string(),
///     "`atan2` takes no arguments of these types; it has instances at `f32` or `f64`"
/// );
/// ```
pub fn by_types(
    name: &str,
    types: &[TypeId],
) -> Result<(&'static Record, &'static Instance), FindError> {
    let found = of_arity(name, types.len())?;
    let takes = |instance: &&Instance| instance.argument_types().iter().map(|(id, _)| id).eq(types);
    let fitting =
        found.iter().filter_map(|record| Some((*record, record.instances.iter().find(takes)?)));
    let fitting: Vec<_> = fitting.collect();
    if fitting.is_empty() {
        let instances = found.iter().flat_map(|record| record.instances);
        let scalars = distinct(instances.map(|instance| instance.scalar));
        return Err(FindError::Types { name: name.into(), scalars });
    }
    only(name, types.len(), &fitting, |(record, _)| record)
}

/// The primitives that this may be the name of and that take so many arguments: one or several.
fn of_arity(name: &str, arity: usize) -> Result<Vec<&'static Record>, FindError> {
    let registry = registry();
    let found = match (registry.by_name(name), registry.by_path(name)) {
        ([], Some(record)) => vec![record],
        ([], None) => of_crate(name),
        (found, _) => found.to_vec(),
    };
    if found.is_empty() {
        return Err(FindError::Unknown { name: name.into() });
    }
    let (fitting, others): (Vec<&Record>, Vec<_>) =
        found.into_iter().partition(|record| record.arguments.len() == arity);
    if fitting.is_empty() {
        let arities = distinct(others.iter().map(|record| record.arguments.len()));
        return Err(FindError::Arity { name: name.into(), arity, arities });
    }
    Ok(fitting)
}

/// The values, each once, sorted: there are few.
fn distinct<X: Ord>(all: impl Iterator<Item = X>) -> Vec<X> {
    let mut sorted = Vec::new();
    for x in all {
        if let Err(place) = sorted.binary_search(&x) {
            sorted.insert(place, x);
        }
    }
    sorted
}

/// What there is one of, among those that are sorted by path.
fn only<X: Copy>(
    name: &str,
    arity: usize,
    fitting: &[X],
    record: impl Fn(X) -> &'static Record,
) -> Result<X, FindError> {
    if let [one] = fitting {
        return Ok(*one);
    }
    let paths = fitting.iter().map(|x| record(*x).path).collect();
    Err(FindError::Ambiguous { name: name.into(), arity, paths })
}

/// The primitives of a crate, `crate::name`.
fn of_crate(path: &str) -> Vec<&'static Record> {
    let Some((of, name)) = path.split_once("::") else { return Vec::new() };
    let all = registry().by_name(name).iter().copied();
    all.filter(|record| record.module.split("::").next() == Some(of)).collect()
}
