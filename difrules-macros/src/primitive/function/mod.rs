//! What the attribute finds out about the function it stands on.

mod argument;
mod output;
mod scalar;
mod types;

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{GenericParam, Ident, ItemFn, Type, WherePredicate};

use crate::errors::Errors;
use crate::primitive::options::Options;

use argument::{
    StorageParameter, argument, name_opaque_arguments, named_argument, shown, storage_bound,
};
use output::output;
use scalar::scalar_parameter;
use types::{bounds_of, drop_lifetimes, has_lifetime, is_parameter};

pub(crate) use argument::{Argument, Form};
pub(crate) use output::{Failing, Output};
pub(crate) use scalar::ScalarParameter;
pub(crate) use types::{bound_name, mentions, replace, substituted, with_lifetimes};

/// The function, understood.
pub(crate) struct Function {
    pub(crate) item: ItemFn,
    pub(crate) scalar: ScalarParameter,
    /// Type and const parameters that are neither the scalar nor a storage.
    pub(crate) parameters: Vec<GenericParam>,
    /// Parameters of all rules: the function's without its storages.
    pub(crate) rule_parameters: Vec<GenericParam>,
    /// Conditions about the scalar alone, or on nothing of the function's storages.
    pub(crate) rule_conditions: Vec<WherePredicate>,
    /// Conditions that do not mention the scalar.
    pub(crate) conditions: Vec<WherePredicate>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
}

impl Function {
    /// Nothing where it is not understood.
    pub(crate) fn new(mut item: ItemFn, options: &Options, errors: &Errors) -> Option<Self> {
        let shown: Vec<_> = item.sig.inputs.iter().map(shown).collect();
        let named_types = name_opaque_arguments(&mut item, options, errors);
        let signature = &item.sig;
        if let Some(token) = &signature.asyncness {
            errors.say(token.span(), "a primitive is not `async`: its rules need the value");
        }
        if let Some(token) = &signature.constness {
            errors.say(token.span(), "a primitive is not `const`: it looks at the mode first");
        }
        if !matches!(signature.safety, syn::Safety::Default) {
            errors.say(
                signature.safety.span(),
                "a primitive is a safe function: put the unsafe call into the body of a safe one",
            );
        }
        if let Some(variadic) = &signature.variadic {
            errors.say(variadic.span(), "a primitive has a fixed number of arguments");
        }
        let named: Vec<_> =
            signature.inputs.iter().map(|input| errors.keep(named_argument(input))).collect();
        // Without it nothing is known of the others.
        let scalar = scalar_parameter(&item, errors)?;
        let mut parameters = Vec::new();
        let mut rule_parameters = Vec::new();
        let mut storages: Vec<StorageParameter> = Vec::new();
        let mut declared = signature.generics.params.clone();
        for parameter in &mut declared {
            if let GenericParam::Type(parameter) = parameter {
                drop_lifetimes(&mut parameter.bounds);
            }
        }
        for parameter in &declared {
            match parameter {
                // An owned value has no lifetimes, and a rule's own are elided.
                GenericParam::Lifetime(_) => {}
                GenericParam::Type(parameter) if scalar.is(&parameter.ident) => {
                    rule_parameters.push(GenericParam::Type(parameter.clone()));
                }
                GenericParam::Type(parameter) => {
                    let bounds = bounds_of(&item, &parameter.ident);
                    match bounds.iter().find_map(storage_bound) {
                        Some(matrix) => storages
                            .push(StorageParameter { ident: parameter.ident.clone(), matrix }),
                        None => {
                            parameters.push(GenericParam::Type(parameter.clone()));
                            rule_parameters.push(GenericParam::Type(parameter.clone()));
                        }
                    }
                }
                GenericParam::Const(parameter) => {
                    parameters.push(GenericParam::Const(parameter.clone()));
                    rule_parameters.push(GenericParam::Const(parameter.clone()));
                }
            }
        }
        let mut conditions = Vec::new();
        let mut rule_conditions = Vec::new();
        for predicate in
            signature.generics.where_clause.iter().flat_map(|clause| &clause.predicates)
        {
            if storages.iter().any(|storage| mentions(predicate, &storage.ident)) {
                continue;
            }
            let mut predicate = predicate.clone();
            if let WherePredicate::Type(predicate) = &mut predicate {
                drop_lifetimes(&mut predicate.bounds);
            }
            if has_lifetime(&predicate, is_parameter) {
                continue;
            }
            if !scalar.mentioned_in(&predicate) {
                conditions.push(predicate.clone());
            }
            rule_conditions.push(predicate);
        }
        let arguments = named.into_iter().zip(shown).map(|(named, shown)| {
            errors.keep(argument(named?, shown, &scalar, &storages, options))
        });
        let arguments: Vec<_> = arguments.collect();
        let output = errors.keep(output(&signature.output, &scalar));
        let arguments: Vec<_> = arguments.into_iter().collect::<Option<_>>()?;
        let output = output?;
        named_types?;
        Some(Self {
            scalar,
            parameters,
            rule_parameters,
            rule_conditions,
            conditions,
            arguments,
            output,
            item,
        })
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.item.sig.ident
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.scalar, ScalarParameter::Plain(_))
    }

    /// Whether the scalar may be complex.
    pub(crate) fn is_complex(&self) -> bool {
        matches!(self.scalar, ScalarParameter::Generic { complex: true, .. })
    }

    /// The type with the scalar replaced by `scalar`, and its real type by `real`.
    pub(crate) fn substitute(
        &self,
        written: &Type,
        scalar: &TokenStream,
        real: &TokenStream,
    ) -> Type {
        let ident = match &self.scalar {
            ScalarParameter::Generic { ident, .. } | ScalarParameter::Plain(ident) => ident,
        };
        substituted(written, ident, scalar, real)
    }

    /// Whether the parameter is a dimension, which can be dynamic.
    pub(crate) fn is_dimension(&self, parameter: &GenericParam) -> bool {
        let GenericParam::Type(parameter) = parameter else { return false };
        let names = bounds_of(&self.item, &parameter.ident);
        names.iter().filter_map(bound_name).any(|name| name.starts_with("Dim"))
    }

    /// Whether this is the parameter that stands for the scalar.
    pub(crate) fn is_scalar_parameter(&self, ident: &Ident) -> bool {
        self.scalar.is(ident)
    }

    /// Whether the type is the scalar itself.
    pub(crate) fn is_scalar(&self, written: &Type) -> bool {
        matches!(written, Type::Path(path) if path.path.get_ident().is_some_and(|ident| self.scalar.is(ident)))
    }
}
