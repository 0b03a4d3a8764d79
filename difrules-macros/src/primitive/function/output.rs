//! What a function returns.

use syn::spanned::Spanned;
use syn::{Error, GenericArgument, PathArguments, Result, ReturnType, Type};

use super::scalar::ScalarParameter;
use super::types::{has_lifetime, is_parameter};

/// What the function returns.
pub(crate) struct Output {
    /// The whole type as written.
    pub(crate) written: Type,
    /// The type on success; none for `()`.
    pub(crate) value: Option<Type>,
    /// How it says that there is no value.
    pub(crate) failing: Failing,
}

/// How a function says that it has no value.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Failing {
    Never,
    /// By a `Result`.
    Error,
    /// By an `Option`.
    Nothing,
}

pub(super) fn output(output: &ReturnType, scalar: &ScalarParameter) -> Result<Output> {
    let written = match output {
        ReturnType::Default => syn::parse_quote!(()),
        ReturnType::Type(_, written) => (**written).clone(),
    };
    if let Type::Reference(_) = &written {
        return Err(Error::new(written.span(), "a primitive returns a value, not a reference"));
    }
    if has_lifetime(&written, is_parameter) {
        return Err(Error::new(
            written.span(),
            "a primitive returns what owns its numbers: an owned matrix, not a view",
        ));
    }
    if let Type::ImplTrait(_) = &written {
        return Err(Error::new(
            written.span(),
            "write the result's type out: the modes know it by its type",
        ));
    }
    let is_unit = |written: &Type| matches!(written, Type::Tuple(tuple) if tuple.elems.is_empty());
    if let Type::Path(path) = &written
        && let Some(segment) = path.path.segments.last().filter(|s| s.ident == "Result")
    {
        if let PathArguments::AngleBracketed(arguments) = &segment.arguments
            && let Some(GenericArgument::Type(success)) = arguments.args.first()
        {
            let mut others = arguments.args.iter().skip(1);
            let generic = matches!(scalar, ScalarParameter::Generic { .. });
            if let Some(error) = others.find(|error| generic && scalar.mentioned_in(error)) {
                return Err(Error::new(
                    error.span(),
                    "an error passes through every mode unchanged, so its type is free of the scalar",
                ));
            }
            let value = (!is_unit(success)).then(|| success.clone());
            return Ok(Output { value, failing: Failing::Error, written });
        }
        return Err(Error::new(written.span(), "write the result's type out: `Result<Y, Error>`"));
    }
    if let Type::Path(path) = &written
        && let Some(segment) = path.path.segments.last().filter(|s| s.ident == "Option")
        && let PathArguments::AngleBracketed(arguments) = &segment.arguments
        && let Some(GenericArgument::Type(success)) = arguments.args.first()
    {
        let value = (!is_unit(success)).then(|| success.clone());
        return Ok(Output { value, failing: Failing::Nothing, written });
    }
    let value = (!is_unit(&written)).then(|| written.clone());
    Ok(Output { value, failing: Failing::Never, written })
}
