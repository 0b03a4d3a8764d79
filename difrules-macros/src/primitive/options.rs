//! The keys of the attribute.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprClosure, GenericArgument, Ident, LitStr, Path, Result, Token, Type,
};

use crate::errors::Errors;
use crate::tokens::{pretty, ungroup};

/// What stands in `#[primitive(..)]`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) forward: Option<Rule>,
    pub(crate) reverse: Option<Rule>,
    /// One a differentiable argument. Rules beside them are those of complex numbers, for which a slope does not say all.
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
    /// Whether numbers with tangents run the text as it is.
    pub(crate) direct: bool,
    /// Whether the forward rule says what rests.
    pub(crate) resting: bool,
    /// What a number of the result depends on.
    pub(crate) pattern: Pattern,
    /// Which arguments are symmetric, triangular, and so on.
    pub(crate) structure: Vec<Structured>,
    pub(crate) kernels: Vec<Kernel>,
    pub(crate) instances: Vec<Instance>,
    /// Whether it says `instances()`: there are none.
    pub(crate) without_instances: bool,
    pub(crate) sample: Option<Expr>,
    pub(crate) aliases: Vec<LitStr>,
    /// What the registry calls it, where that is not the function's name.
    pub(crate) name: Option<LitStr>,
    /// Where users find it, for the registry.
    pub(crate) path: Option<String>,
    /// The type in whose `impl` the function stands.
    pub(crate) owner: Option<Type>,
    /// Where `difrules_core` is found.
    pub(crate) root: Option<Path>,
    /// The keys whose values are not read, since something is wrong with them.
    unread: Vec<&'static str>,
}

/// `pattern(places, linear)`.
#[derive(Default)]
pub(crate) struct Pattern {
    /// Whether a number of the result depends on that in the same place alone, of arguments of its size.
    pub(crate) places: bool,
    /// Whether the result is linear in all arguments together.
    pub(crate) linear: bool,
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
    /// `x for a`, `x for (a, b)`: a `&mut` argument as it was before the call, where one of these varies.
    For(Ident, Vec<Ident>),
    /// `return`: what the call returned.
    Output(Span),
}

impl Read {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Argument(name) | Self::After(name) | Self::For(name, _) => name.span(),
            Self::Output(span) => *span,
        }
    }
}

impl PartialEq for Read {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::After(a), Self::After(b)) => a == b,
            (Self::Argument(a) | Self::For(a, _), Self::Argument(b) | Self::For(b, _)) => a == b,
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
    /// The types among the parameters.
    pub(crate) fn types(&self) -> impl Iterator<Item = &Type> {
        let (scalar, all) = match &self.parameters {
            Parameters::Scalar(scalar) => (Some(scalar), None),
            Parameters::All(all) => (None, Some(all)),
        };
        let of_all =
            all.into_iter().flat_map(|all| &all.args).filter_map(|argument| match argument {
                GenericArgument::Type(parameter) => Some(parameter),
                _ => None,
            });
        scalar.into_iter().chain(of_all)
    }

    pub(crate) fn span(&self) -> Span {
        match &self.parameters {
            Parameters::Scalar(scalar) => scalar.span(),
            Parameters::All(all) => all.span(),
        }
    }
}

const KEYS: [&str; 22] = [
    "forward",
    "reverse",
    "partial",
    "complex",
    "symbolic",
    "saves",
    "reads",
    "optional",
    "entrywise",
    "direct",
    "resting",
    "pattern",
    "constant",
    "structure",
    "kernel",
    "instances",
    "sample",
    "name",
    "path",
    "alias",
    "impl",
    "crate",
];

/// The keys, as a message lists them.
fn keys() -> String {
    KEYS.map(|key| format!("`{key}`")).join(", ")
}

impl Options {
    /// Reads all keys; one that cannot be read is left out and said.
    pub(crate) fn new(tokens: TokenStream, errors: &Errors) -> Self {
        let mut options = Self::default();
        let mut seen = Vec::new();
        for part in parts(tokens) {
            let read = |input: ParseStream| {
                while !input.is_empty() {
                    options.read(input, &mut seen)?;
                }
                Ok(())
            };
            errors.keep(read.parse2(part));
        }
        options
    }

    /// Whether one of these keys is given and could not be read.
    pub(crate) fn is_unread(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.unread.contains(key))
    }

    /// One key and the comma after it.
    fn read(&mut self, input: ParseStream, seen: &mut Vec<Ident>) -> Result<()> {
        let key: Ident = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), format!("expected a key of `#[primitive]`: {}", keys()))
        })?;
        let text = key.unraw().to_string();
        let Some(known) = KEYS.iter().copied().find(|known| *known == text) else {
            // What is misspelt is not missing, whatever it was meant to be.
            let meant = KEYS.iter().copied().find(|known| is_near(known, &text));
            match meant {
                Some(key) => self.unread.push(key),
                None => self.unread.extend(KEYS),
            }
            let meant = meant.map_or(String::new(), |known| format!(" did you mean `{known}`?"));
            return Err(Error::new(
                key.span(),
                format!("`{key}` is not a key of `#[primitive]`;{meant} the keys are {}", keys()),
            ));
        };
        // `kernel` and `alias` may come more than once: one for each scalar, one for each name.
        if seen.contains(&key) && key != "kernel" && key != "alias" {
            return Err(Error::new(
                key.span(),
                format!("`{key}` is given twice; keep one of them"),
            ));
        }
        seen.push(key.clone());
        self.value(input, &key).inspect_err(|_| self.unread.push(known))?;
        if !input.is_empty() && !input.peek(Token![,]) {
            // What comes next may be any of them.
            self.unread.extend(KEYS);
            return Err(Error::new(
                input.span(),
                format!("write a comma between `{key}` and the next key"),
            ));
        }
        input.parse::<Option<Token![,]>>()?;
        Ok(())
    }

    /// What comes after a key.
    fn value(&mut self, input: ParseStream, key: &Ident) -> Result<()> {
        match key.to_string().as_str() {
            "entrywise" | "direct" | "resting"
                if input.peek(Token![=]) || input.peek(syn::token::Paren) =>
            {
                let message = format!("`{key}` stands alone: write it without a value");
                return Err(Error::new(key.span(), message));
            }
            "forward" => self.forward = Some(value(input, key)?),
            "reverse" => self.reverse = Some(value(input, key)?),
            "partial" => self.partial = partials(input, key)?,
            "complex" => self.complex = partials(input, key)?,
            "symbolic" => self.symbolic = partials(input, key)?,
            "saves" => self.saves = Some(value(input, key)?),
            "sample" => {
                let sample: Expr = value(input, key)?;
                if let Expr::Lit(_) | Expr::Tuple(_) | Expr::Array(_) | Expr::Range(_) = sample {
                    return Err(Error::new(
                        sample.span(),
                        "a sample is drawn by a closure or a function: write `sample = |random| ..`",
                    ));
                }
                self.sample = Some(sample);
            }
            "name" => self.name = Some(value::<Quoted>(input, key)?.0),
            "path" => {
                let Quoted(path) = value(input, key)?;
                self.path = Some(pretty::text(&path.parse_with(Path::parse_mod_style).map_err(|_| {
                    Error::new(path.span(), "write the path at which users find it: `path = \"crate::module::name\"`")
                })?));
            }
            "impl" => self.owner = Some(ungroup::of_type(value(input, key)?)),
            "crate" => self.root = Some(value(input, key)?),
            "constant" => self.constant = list(input, key, "constant(n, side)", Ident::parse)?,
            "reads" => {
                let values = list(input, key, "reads(a, return)", Read::parse)?;
                self.reads = Some(Reads { span: key.span(), values });
            }
            "structure" => {
                self.structure = list(input, key, "structure(a = lower)", Structured::parse)?;
            }
            "optional" => self.optional = list(input, key, "optional(a, b)", Ident::parse)?,
            "entrywise" => self.entrywise = true,
            "direct" => self.direct = true,
            "resting" => self.resting = true,
            "pattern" => {
                for word in list(input, key, "pattern(places, linear)", Ident::parse)? {
                    match word.to_string().as_str() {
                        "places" => self.pattern.places = true,
                        "linear" => self.pattern.linear = true,
                        _ => {
                            let message = format!(
                                "`{word}` says nothing of a pattern: write `places`, `linear` or both"
                            );
                            return Err(Error::new(word.span(), message));
                        }
                    }
                }
            }
            "instances" => {
                self.instances = list(input, key, "instances(f32, f64)", Instance::parse)?;
                self.without_instances = self.instances.is_empty();
            }
            "alias" => {
                let names = list(input, key, "alias(\"name\")", Quoted::parse)?;
                self.aliases.extend(names.into_iter().map(|Quoted(name)| name));
            }
            _ => {
                let kernels = list(input, key, "kernel(f64 = path)", kernels)?;
                self.kernels.extend(kernels.into_iter().flatten());
            }
        }
        Ok(())
    }
}

/// The tokens of each key, so that one that cannot be read does not hide the others.
fn parts(tokens: TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is =
        |i: usize, c| matches!(tokens.get(i), Some(TokenTree::Punct(mark)) if mark.as_char() == c);
    let begins = |i: usize| {
        let Some(TokenTree::Ident(name)) = tokens.get(i) else { return false };
        let ends = |i: usize| i >= tokens.len() || is(i, ',');
        match tokens.get(i + 1) {
            // A list: of a key that is none, too.
            Some(TokenTree::Group(_)) => ends(i + 2) || KEYS.iter().any(|key| name == key),
            _ if is(i + 1, '=') => !is(i + 2, '='),
            _ => ends(i + 1) && KEYS.iter().any(|key| name == key),
        }
    };
    let mut parts = vec![TokenStream::new()];
    let mut i = 0;
    while i < tokens.len() {
        // The parameters of a closure are no keys, whatever they are called.
        let closure = is(i, '|')
            && i.checked_sub(1).is_some_and(|before| {
                let moved = matches!(&tokens[before], TokenTree::Ident(name) if name == "move");
                moved || is(before, '=')
            });
        let end = (i + 1..tokens.len()).find(|&end| closure && is(end, '|')).unwrap_or(i);
        let last = parts.last_mut().expect("one at least");
        last.extend(tokens[i..=end].iter().cloned());
        if is(i, ',') && begins(i + 1) {
            parts.push(TokenStream::new());
        }
        i = end + 1;
    }
    parts
}

/// Whether one word becomes the other by a letter or two.
fn is_near(known: &str, given: &str) -> bool {
    let given: Vec<char> = given.chars().collect();
    let mut row: Vec<usize> = (0..=given.len()).collect();
    for (i, a) in known.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in given.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[given.len()] <= 2.min(known.len() / 3)
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

/// A name in quotes.
struct Quoted(LitStr);

impl Parse for Quoted {
    fn parse(input: ParseStream) -> Result<Self> {
        let name = input.parse();
        name.map(Self)
            .map_err(|error| Error::new(error.span(), "write this in quotes, as a string"))
    }
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
    let errors = Errors::default();
    let mut partials = Vec::new();
    for closure in closures {
        partials.push(match ungroup::of_expr(closure) {
            Expr::Closure(closure) => Partial::Closure(closure),
            Expr::Path(path) if path.path.is_ident("unknown") => {
                Partial::Unknown(Ident::new("unknown", path.span()))
            }
            other => {
                errors.say(
                    other.span(),
                    format!(
                        "a partial derivative is a closure: write `{key} = |x| ..`, or for several \
                         arguments `{key} = (|x, y| .., |x, y| ..)`, with `unknown` for one that \
                         nobody knows"
                    ),
                );
                continue;
            }
        });
    }
    errors.finish(Some(partials))
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
            let name = input.parse()?;
            if !input.peek(Token![for]) {
                return Ok(Self::Argument(name));
            }
            input.parse::<Token![for]>()?;
            if !input.peek(syn::token::Paren) {
                return Ok(Self::For(name, vec![input.parse()?]));
            }
            let content;
            syn::parenthesized!(content in input);
            let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
            Ok(Self::For(name, names.into_iter().collect()))
        }
    }
}

/// `a = lower`, `lu.p = permutation`, `a = symmetric(triangle)`.
pub(crate) struct Structured {
    pub(crate) argument: Ident,
    /// The field of it that is meant; none for all of it.
    pub(crate) field: Option<Ident>,
    /// One of [`STRUCTURES`].
    pub(crate) kind: Ident,
    /// The constant arguments that say more.
    pub(crate) options: Vec<Ident>,
}

/// The structures that an argument may have, the variant of each in the registry, and how many options may
/// say more.
pub(crate) const STRUCTURES: [(&str, &str, std::ops::RangeInclusive<usize>); 9] = [
    ("symmetric", "Symmetric", 0..=1),
    ("hermitian", "Hermitian", 0..=1),
    ("lower", "Lower", 0..=0),
    ("upper", "Upper", 0..=0),
    ("unit_lower", "UnitLower", 0..=0),
    ("unit_upper", "UnitUpper", 0..=0),
    ("triangular", "Triangular", 1..=2),
    ("diagonal", "Diagonal", 0..=0),
    ("permutation", "Permutation", 0..=0),
];

impl Parse for Structured {
    fn parse(input: ParseStream) -> Result<Self> {
        let argument: Ident = input.parse()?;
        let dot = input.parse::<Option<Token![.]>>()?;
        let field = dot.map(|_| input.parse()).transpose()?;
        if !input.peek(Token![=]) {
            return Err(Error::new(argument.span(), "write `structure(a = lower)`"));
        }
        input.parse::<Token![=]>()?;
        let kind: Ident = input.parse()?;
        let mut options = Vec::new();
        if input.peek(syn::token::Paren) {
            let content;
            syn::parenthesized!(content in input);
            options.extend(Punctuated::<Ident, Token![,]>::parse_terminated(&content)?);
        }
        let Some((_, _, counts)) = STRUCTURES.iter().find(|(name, _, _)| kind == name) else {
            let names = STRUCTURES.map(|(name, _, _)| format!("`{name}`")).join(", ");
            return Err(Error::new(
                kind.span(),
                format!("`{kind}` is not a structure; the structures are {names}"),
            ));
        };
        if !counts.contains(&options.len()) {
            let (least, most) = (counts.start(), counts.end());
            return Err(Error::new(
                kind.span(),
                format!(
                    "`{kind}` takes {least} to {most} arguments that say which triangle is stored and what \
                     its diagonal is; found {}",
                    options.len()
                ),
            ));
        }
        Ok(Self { argument, field, kind, options })
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
            let scalar = input.parse().map_err(|error| {
                Error::new(error.span(), "an instance is a type, without quotes: `f32`, `f64`")
            });
            Parameters::Scalar(ungroup::of_type(scalar?))
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
