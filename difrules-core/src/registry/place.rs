//! Under which path a primitive is found: one that a user can write in `use`.

/// A module whose primitives are found elsewhere; what [`public_path`](crate::public_path) registers.
#[doc(hidden)]
#[derive(Debug)]
pub struct PublicPath {
    /// The path of the module in which this is written.
    pub here: &'static str,
    /// The module that the primitives are in, or in modules below it: from `crate` on, or `here`.
    pub module: &'static str,
    /// The module that re-exports them, likewise.
    pub public: &'static str,
}

inventory::collect!(PublicPath);

/// A path as the source of a module writes it, from the crate's name on.
pub(super) fn resolved(here: &str, written: &str) -> String {
    let path: String = written.chars().filter(|c| !c.is_whitespace()).collect();
    let of_crate = here.split("::").next().unwrap_or_default();
    match path.strip_prefix("$crate").or(path.strip_prefix("crate")) {
        Some(rest) if rest.is_empty() || rest.starts_with("::") => of_crate.to_string() + rest,
        _ => path.strip_prefix("::").unwrap_or(&path).to_string(),
    }
}

/// The public path of a function in a module: by the registered module that is nearest to it.
pub(super) fn public(module: &str, function: &str) -> String {
    let all = inventory::iter::<PublicPath>().filter_map(|place| {
        let of = resolved(place.here, place.module);
        let inside = module.strip_prefix(&*of)?;
        (inside.is_empty() || inside.starts_with("::")).then_some((of.len(), place))
    });
    match all.max_by_key(|(length, _)| *length) {
        Some((_, place)) => format!("{}::{function}", resolved(place.here, place.public)),
        None => format!("{module}::{function}"),
    }
}

/// Says under which path primitives are found that a module re-exports: the registry gives their public
/// path, and finds them by it.
///
/// Without arguments it speaks of the module in which it stands, and of all modules below it;
/// `crate::a => crate::b` says that `b` re-exports the primitives of `a` and of the modules below that. What
/// stands nearest to a primitive holds; a key `path = ".."` of the attribute holds before all. A primitive that
/// is not `pub` is found by the path of its module, as is one that nothing is said of.
///
/// ```
/// pub mod shapes {
///     difrules_core::public_path!();
///     mod circle {
///         /// The area of a circle.
///         #[difrules_core::primitive(partial = |r| 2.0 * std::f64::consts::PI * r)]
///         pub fn area(r: f64) -> f64 {
///             std::f64::consts::PI * r * r
///         }
///     }
///     pub use circle::area;
/// }
///
/// let area = difrules_core::find("area", 1)?;
/// assert!(area.path.ends_with("shapes::area") && area.module.ends_with("shapes::circle"));
/// # Ok::<(), difrules_core::registry::FindError>(())
/// ```
#[macro_export]
macro_rules! public_path {
    () => {
        $crate::__private::inventory::submit! {
            $crate::__private::PublicPath {
                here: $crate::__private::core::module_path!(),
                module: $crate::__private::core::module_path!(),
                public: $crate::__private::core::module_path!(),
            }
        }
    };
    ($($module:path => $public:path),+ $(,)?) => {$(
        $crate::__private::inventory::submit! {
            $crate::__private::PublicPath {
                here: $crate::__private::core::module_path!(),
                module: $crate::__private::core::stringify!($module),
                public: $crate::__private::core::stringify!($public),
            }
        }
    )+};
}
