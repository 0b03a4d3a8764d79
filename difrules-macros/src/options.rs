//! The keys of the attribute.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprClosure, Ident, LitStr, Path, Result, Token, Type};

use crate::ungroup;

/// What stands in `#[primitive(..)]`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) forward: Option<Rule>,
    pub(crate) reverse: Option<Rule>,
    /// One a differentiable argument.
    pub(crate) partial: Vec<Partial>,
    /// The same for complex numbers, where they have another text.
    pub(crate) complex: Vec<Partial>,
    /// The same as expressions, where the rules themselves are none.
    pub(crate) symbolic: Vec<Partial>,
    pub(crate) saves: Option<Saves>,
    pub(crate) constant: Vec<Ident>,
    pub(crate) reads: Option<Reads>,
    /// Arguments whose tangents the forward rule takes as an `Option`.
    pub(crate) optional: Vec<Ident>,
    /// Whether the rules work entry by entry, and are told which zeros are strong.
    pub(crate) entrywise: bool,
    pub(crate) kernels: Vec<Kernel>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) sample: Option<Expr>,
    pub(crate) aliases: Vec<LitStr>,
    /// What the registry calls it, where that is not the function's name.
    pub(crate) name: Option<LitStr>,
    /// The type in whose `impl` the function stands.
    pub(crate) owner: Option<Type>,
    /// Where `difrules_core` is found.
    pub(crate) root: Option<Path>,
}

/// A partial derivative as the user gives it.
pub(crate) enum Partial {
    Closure(ExprClosure),
    /// `unknown`: nobody knows it.
    Unknown(Ident),
}

impl Partial {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Closure(closure) => closure.span(),
            Self::Unknown(unknown) => unknown.span(),
        }
    }
}

/// A rule as the user gives it.
pub(crate) enum Rule {
    Path(Path),
    Closure(ExprClosure),
}

/// `saves = path -> Type`.
pub(crate) struct Saves {
    pub(crate) augmented: Path,
    pub(crate) saved: Type,
}

/// `reads(a, return)`.
pub(crate) struct Reads {
    pub(crate) span: Span,
    pub(crate) values: Vec<Read>,
}

/// A value that a rule given by path reads.
pub(crate) enum Read {
    /// An argument; a `&mut` one as it was before the call.
    Argument(Ident),
    /// `mut x`: a `&mut` argument as the call left it.
    After(Ident),
    /// `return`: what the call returned.
    Output(Span),
}

impl Read {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Argument(name) | Self::After(name) => name.span(),
            Self::Output(span) => *span,
        }
    }
}

impl PartialEq for Read {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Argument(a), Self::Argument(b)) | (Self::After(a), Self::After(b)) => a == b,
            (Self::Output(_), Self::Output(_)) => true,
            _ => false,
        }
    }
}

/// What a kernel stands beside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Primal,
    Forward,
    Reverse,
}

/// A hand-made function for one base scalar.
pub(crate) struct Kernel {
    pub(crate) text: Text,
    pub(crate) scalar: Type,
    pub(crate) path: Path,
}

/// An instance that is registered.
pub(crate) struct Instance {
    /// `#[cfg(..)]`: when it is.
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) parameters: Parameters,
}

/// The type parameters of a registered instance.
pub(crate) enum Parameters {
    /// A scalar; all dimensions are dynamic.
    Scalar(Type),
    /// `<f64, U3>`: every parameter in order.
    All(syn::AngleBracketedGenericArguments),
}

impl Instance {
    pub(crate) fn span(&self) -> Span {
        match &self.parameters {
            Parameters::Scalar(scalar) => scalar.span(),
            Parameters::All(all) => all.span(),
        }
    }
}

const KEYS: &str = "`forward`, `reverse`, `partial`, `complex`, `symbolic`, `saves`, `reads`, `optional`, `entrywise`, `constant`, \
                    `kernel`, `instances`, `sample`, `name`, `alias`, `impl`, `crate`";

impl Parse for Options {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut options = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            let key: Ident = input.call(Ident::parse_any).map_err(|error| {
                Error::new(error.span(), format!("expected a key of `#[primitive]`: {KEYS}"))
            })?;
            // `kernel` and `alias` may come more than once: one for each scalar, one for each name.
            if seen.contains(&key) && key != "kernel" && key != "alias" {
                return Err(Error::new(
                    key.span(),
                    format!("`{key}` is given twice; keep one of them"),
                ));
            }
            match key.to_string().as_str() {
                "forward" => options.forward = Some(value(input, &key)?),
                "reverse" => options.reverse = Some(value(input, &key)?),
                "partial" => options.partial = partials(input, &key)?,
                "complex" => options.complex = partials(input, &key)?,
                "symbolic" => options.symbolic = partials(input, &key)?,
                "saves" => options.saves = Some(value(input, &key)?),
                "sample" => options.sample = Some(value(input, &key)?),
                "name" => options.name = Some(value(input, &key)?),
                "impl" => options.owner = Some(ungroup::of_type(value(input, &key)?)),
                "crate" => options.root = Some(value(input, &key)?),
                "constant" => {
                    options.constant = list(input, &key, "constant(n, side)", Ident::parse)?
                }
                "reads" => {
                    let values = list(input, &key, "reads(a, return)", Read::parse)?;
                    options.reads = Some(Reads { span: key.span(), values });
                }
                "optional" => options.optional = list(input, &key, "optional(a, b)", Ident::parse)?,
                "entrywise" => options.entrywise = true,
                "instances" => {
                    options.instances = list(input, &key, "instances(f32, f64)", Instance::parse)?;
                }
                "alias" => options
                    .aliases
                    .extend(list(input, &key, "alias(\"name\")", |input| input.parse::<LitStr>())?),
                "kernel" => {
                    let kernels = list(input, &key, "kernel(f64 = path)", kernels)?;
                    options.kernels.extend(kernels.into_iter().flatten());
                }
                _ => {
                    return Err(Error::new(
                        key.span(),
                        format!("`{key}` is no key of `#[primitive]`; the keys are {KEYS}"),
                    ));
                }
            }
            seen.push(key);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// `= value`.
fn value<T: Parse>(input: ParseStream, key: &Ident) -> Result<T> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("write `{key} = ..`")));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `(item, item)`.
fn list<T>(
    input: ParseStream,
    key: &Ident,
    form: &str,
    item: fn(ParseStream) -> Result<T>,
) -> Result<Vec<T>> {
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(key.span(), format!("write `{form}`")));
    }
    let content;
    syn::parenthesized!(content in input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated_with(&content, item)?.into_iter().collect())
}

/// `= closure` or `= (closure, unknown)`.
fn partials(input: ParseStream, key: &Ident) -> Result<Vec<Partial>> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("write `{key} = ..`")));
    }
    input.parse::<Token![=]>()?;
    partial_list(input, key)
}

/// `closure` or `(closure, unknown)`.
pub(crate) fn partial_list(input: ParseStream, key: &Ident) -> Result<Vec<Partial>> {
    let closures = match ungroup::of_expr(input.parse()?) {
        Expr::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.into_iter().collect(),
        Expr::Paren(one) => vec![*one.expr],
        other => vec![other],
    };
    closures
        .into_iter()
        .map(|closure| match ungroup::of_expr(closure) {
            Expr::Closure(closure) => Ok(Partial::Closure(closure)),
            Expr::Path(path) if path.path.is_ident("unknown") => {
                Ok(Partial::Unknown(Ident::new("unknown", path.span())))
            }
            other => Err(Error::new(
                other.span(),
                format!(
                    "a partial derivative is a closure: write `{key} = |x| ..`, or for several \
                     arguments `{key} = (|x, y| .., |x, y| ..)`, with `unknown` for one that nobody \
                     knows"
                ),
            )),
        })
        .collect()
}

impl Parse for Rule {
    fn parse(input: ParseStream) -> Result<Self> {
        match ungroup::of_expr(input.parse()?) {
            Expr::Path(path) if path.qself.is_none() => Ok(Self::Path(path.path)),
            Expr::Closure(closure) => Ok(Self::Closure(closure)),
            other => Err(Error::new(other.span(), "a rule is the path of a function or a closure")),
        }
    }
}

impl Parse for Saves {
    fn parse(input: ParseStream) -> Result<Self> {
        let augmented: Path = input.parse()?;
        if !input.peek(Token![->]) {
            return Err(Error::new(
                augmented.span(),
                "say what is saved: write `saves = path -> Type`, where `path` is a function of the \
                 same arguments that returns `(output, Type)`",
            ));
        }
        input.parse::<Token![->]>()?;
        Ok(Self { augmented, saved: ungroup::of_type(input.parse()?) })
    }
}

impl Parse for Read {
    fn parse(input: ParseStream) -> Result<Self> {
        if input.peek(Token![return]) {
            Ok(Self::Output(input.parse::<Token![return]>()?.span()))
        } else if input.peek(Token![mut]) {
            input.parse::<Token![mut]>()?;
            input.parse().map(Self::After)
        } else {
            input.parse().map(Self::Argument)
        }
    }
}

impl Parse for Instance {
    fn parse(input: ParseStream) -> Result<Self> {
        let conditions = input.call(Attribute::parse_outer)?;
        if let Some(other) = conditions.iter().find(|condition| !condition.path().is_ident("cfg")) {
            return Err(Error::new(
                other.span(),
                "an instance takes no attribute but `#[cfg(..)]`: `#[cfg(feature = \"f32\")] f32`",
            ));
        }
        let parameters = if input.peek(Token![<]) {
            let mut all: syn::AngleBracketedGenericArguments = input.parse()?;
            ungroup::arguments(&mut all);
            Parameters::All(all)
        } else {
            Parameters::Scalar(ungroup::of_type(input.parse()?))
        };
        Ok(Self { conditions, parameters })
    }
}

/// `f64 = path`, or `reverse(f64 = path, f32 = path)`.
fn kernels(input: ParseStream) -> Result<Vec<Kernel>> {
    if input.peek2(syn::token::Paren) {
        let name: Ident = input.parse()?;
        let text = match name.to_string().as_str() {
            "forward" => Text::Forward,
            "reverse" => Text::Reverse,
            _ => {
                return Err(Error::new(
                    name.span(),
                    "a kernel stands beside the function, `kernel(f64 = path)`, or beside a rule: \
                     `kernel(forward(f64 = path))`, `kernel(reverse(f64 = path))`",
                ));
            }
        };
        let content;
        syn::parenthesized!(content in input);
        let mut kernels = Punctuated::<Kernel, Token![,]>::parse_terminated(&content)?;
        kernels.iter_mut().for_each(|kernel| kernel.text = text);
        Ok(kernels.into_iter().collect())
    } else {
        Ok(vec![input.parse()?])
    }
}

impl Parse for Kernel {
    /// `f64 = path`, beside the function itself.
    fn parse(input: ParseStream) -> Result<Self> {
        let scalar = ungroup::of_type(input.parse()?);
        if !input.peek(Token![=]) {
            return Err(Error::new(scalar.span(), "write `kernel(f64 = path)`"));
        }
        input.parse::<Token![=]>()?;
        Ok(Self { text: Text::Primal, scalar, path: input.parse()? })
    }
}
