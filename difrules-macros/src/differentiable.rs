//! `#[derive(Differentiable)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Data, DataStruct, DeriveInput, Error, GenericParam, Ident, Index, Member, Path, Result, Type,
};

use crate::errors::Errors;
use crate::primitive::function::{bound_name, mentions};
use crate::tokens::hygiene::quote;
use crate::tokens::rename;

/// A field of the structure.
struct Field<'a> {
    member: Member,
    written: &'a Type,
    constant: bool,
}

pub(crate) fn differentiable(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let errors = Errors::default();
    let root = root(&item, &errors);
    let tokens = implementation(&item, &errors);
    let tokens = tokens.map(|tokens| rename::root(tokens, root.as_ref()));
    errors.finish(tokens)
}

/// `#[differentiable(crate = path)]`.
fn root(item: &DeriveInput, errors: &Errors) -> Option<Path> {
    let mut root = None;
    for attribute in item.attrs.iter().filter(|a| a.path().is_ident("differentiable")) {
        errors.keep(attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                root = Some(meta.value()?.parse()?);
                return Ok(());
            }
            Err(meta.error("the only key is `crate = path`, where `difrules_core` is found"))
        }));
    }
    root
}

fn fields<'a>(structure: &'a DataStruct, scalar: &Ident, errors: &Errors) -> Vec<Field<'a>> {
    let members = structure.fields.members();
    let mut fields = Vec::new();
    for (field, member) in structure.fields.iter().zip(members) {
        let constant = field.attrs.iter().any(|attribute| attribute.path().is_ident("constant"));
        let scalar = mentions(&field.ty, scalar);
        if !constant && !scalar {
            errors.say(field.ty.span(), "this field has no derivative: mark it `#[constant]`");
        }
        if constant && scalar {
            errors.say(
                field.ty.span(),
                "a constant is not made of the scalar; write `f64` for its numbers",
            );
        }
        fields.push(Field { member, written: &field.ty, constant });
    }
    fields
}

/// The scalar: the parameter bounded by `Real` or `Scalar`, or the only one without a bound.
fn scalar(item: &DeriveInput) -> Result<(&Ident, bool)> {
    let clauses = item.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let names = |ident: &Ident| {
        let inline = item.generics.type_params().filter(|p| p.ident == *ident);
        let inline = inline.flat_map(|parameter| &parameter.bounds);
        let clauses = clauses.clone().filter_map(|predicate| match predicate {
            syn::WherePredicate::Type(of) => match &of.bounded_ty {
                Type::Path(path) if path.path.is_ident(ident) => Some(&of.bounds),
                _ => None,
            },
            _ => None,
        });
        inline.chain(clauses.flatten()).filter_map(bound_name).collect::<Vec<_>>()
    };
    let parameters = || item.generics.type_params().map(|parameter| &parameter.ident);
    let bounded = |wanted: &str| {
        let wanted = wanted.to_string();
        parameters().find(|ident| names(ident).contains(&wanted))
    };
    if let Some(real) = bounded("Real") {
        return Ok((real, false));
    }
    if let Some(complex) = bounded("Scalar") {
        return Ok((complex, true));
    }
    let mut free = parameters().filter(|ident| names(ident).is_empty());
    match (free.next(), free.next()) {
        (Some(only), None) => Ok((only, false)),
        _ => Err(Error::new(
            item.ident.span(),
            "a differentiable structure is generic over its scalar: give it a parameter, \
             `struct Name<T: difrules_core::Real>`, or `difrules_core::Scalar` for complex numbers",
        )),
    }
}

fn implementation(item: &DeriveInput, errors: &Errors) -> Option<TokenStream> {
    let Data::Struct(structure) = &item.data else {
        errors.say(
            item.ident.span(),
            "only a structure has derivatives: which variant a value has cannot change by a little; \
             use a structure of `Option`s, or mark the field that holds this `#[constant]`",
        );
        return None;
    };
    for lifetime in item.generics.lifetimes() {
        errors.say(
            lifetime.span(),
            "a mode keeps copies of values, so a differentiable structure must own what it holds",
        );
    }
    let (scalar, complex) = errors.keep(scalar(item))?;
    let fields = fields(structure, scalar, errors);
    if fields.iter().all(|field| field.constant) {
        errors.say(
            item.ident.span(),
            "a differentiable structure needs a field made of its scalar; this has none",
        );
    }
    if errors.are_some() {
        return None;
    }
    let (ident, visibility) = (&item.ident, &item.vis);

    // The parameters of the implementations, and the arguments of the structure.
    let bound = if complex { quote!(__difrules::Scalar) } else { quote!(__difrules::Real) };
    let others: Vec<_> = item
        .generics
        .params
        .iter()
        .filter(|parameter| !is(parameter, scalar))
        .map(crate::primitive::expand::without_default)
        .collect();
    let arguments = |of: &TokenStream| {
        let arguments = item.generics.params.iter().map(|parameter| match parameter {
            parameter if is(parameter, scalar) => of.clone(),
            GenericParam::Type(other) => other.ident.to_token_stream(),
            GenericParam::Const(other) => other.ident.to_token_stream(),
            GenericParam::Lifetime(_) => TokenStream::new(),
        });
        quote!(<#(#arguments),*>)
    };
    let types = item.generics.type_params().filter(|parameter| parameter.ident != *scalar);
    let types: Vec<_> = types.map(|parameter| &parameter.ident).collect();
    // What a mode keeps has no lifetimes.
    let conditions: Vec<_> = item
        .generics
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates)
        .filter(|predicate| !mentions(predicate, scalar))
        .map(ToTokens::to_token_stream)
        .chain(types.iter().map(|parameter| quote!(#parameter: 'static)))
        .collect();
    let written = arguments(&scalar.to_token_stream());
    let s = quote!(__S);
    let (kind, of) = if complex {
        (
            quote!(__K: __difrules::contract::Kind,),
            quote!(<__K as __difrules::contract::Kind>::Of<#s>),
        )
    } else {
        (quote!(), s.clone())
    };
    let at = arguments(&of);
    let family_arguments = item.generics.params.iter().filter_map(|parameter| match parameter {
        parameter if is(parameter, scalar) => None,
        GenericParam::Type(other) => Some(other.ident.to_token_stream()),
        GenericParam::Const(other) => Some(other.ident.to_token_stream()),
        GenericParam::Lifetime(_) => None,
    });
    let family_arguments: Vec<_> = family_arguments.collect();
    let (family_kind, kind_of) = if complex {
        (quote!(__K,), quote!(<#scalar as __difrules::Scalar>::Kind,))
    } else {
        (quote!(), quote!())
    };
    let real =
        if complex { quote!(<#scalar as __difrules::Scalar>::Real) } else { quote!(#scalar) };

    // A shape is pairs of pairs, since long tuples neither print nor compare.
    let nest = |parts: Vec<TokenStream>| {
        parts.into_iter().rev().fold(quote!(()), |rest, part| quote!((#part, #rest)))
    };
    let f64_tokens =
        if complex { quote!(<__K as __difrules::contract::Kind>::Of<f64>) } else { quote!(f64) };
    let at_f64 = |field: &Field| {
        let real = quote!(f64);
        crate::primitive::function::substituted(field.written, scalar, &f64_tokens, &real)
    };
    let shape_of_family = nest(
        fields
            .iter()
            .map(|field| {
                let written = field.written;
                if field.constant {
                    return quote!(#written);
                }
                let at = at_f64(field);
                let span = written.span().resolved_at(Span::mixed_site());
                quote_spanned!(span=> __difrules::contract::Shape<#at>)
            })
            .collect(),
    );
    let shape = nest(
        fields
            .iter()
            .map(|Field { member, written, constant }| {
                if *constant {
                    quote!(__difrules::__private::core::clone::Clone::clone(&self.#member))
                } else {
                    quote!(<#written as __difrules::Differentiable>::shape(&self.#member))
                }
            })
            .collect(),
    );
    let names: Vec<_> =
        (0..fields.len()).map(|i| Ident::new(&format!("field{i}"), Span::mixed_site())).collect();
    let shapes = nest(names.iter().map(ToTokens::to_token_stream).collect());
    let build = |value: &dyn Fn(&Field, &Ident) -> TokenStream| {
        let values: Vec<_> =
            fields.iter().zip(&names).map(|(field, name)| value(field, name)).collect();
        // Fields are evaluated in their order, which is that of the numbers.
        let members = fields.iter().map(|field| &field.member);
        quote!(#ident { #(#members: #values),* })
    };
    let built = build(&|field, name| {
        let written = field.written;
        if field.constant {
            quote!(__difrules::__private::core::clone::Clone::clone(#name))
        } else {
            quote!(<#written as __difrules::Differentiable>::build_with(#name, source))
        }
    });
    let mapped = build(&|field, _| {
        let (member, written) = (&field.member, field.written);
        if field.constant {
            quote!(__difrules::__private::core::clone::Clone::clone(&self.#member))
        } else {
            quote!(<#written as __difrules::Differentiable>::map_with(&self.#member, map))
        }
    });
    let varying: Vec<_> = fields.iter().filter(|field| !field.constant).collect();
    let varying_names: Vec<_> = fields
        .iter()
        .zip(&names)
        .filter(|(field, _)| !field.constant)
        .map(|(_, name)| name)
        .collect();
    let members: Vec<_> = varying.iter().map(|field| &field.member).collect();
    let labels: Vec<_> =
        members.iter().map(|member| member.to_token_stream().to_string()).collect();
    let fields_at_f64: Vec<_> = varying.iter().map(|field| at_f64(field)).collect();
    let fields_written: Vec<_> = varying.iter().map(|field| field.written).collect();
    let indices: Vec<_> = (0..varying.len()).map(Index::from).collect();
    let family = format_ident!("__{}Family", ident);
    Some(quote! {
        #[allow(unused_variables, unreachable_pub, clippy::all, clippy::pedantic)]
        const _: () = {
            /// The structure, apart from its scalar.
            #visibility struct #family<#family_kind #(#others),*>(
                __difrules::__private::core::marker::PhantomData<fn() -> (#family_kind #(#types,)*)>,
            )
            where #(#conditions),*;

            impl<#kind #(#others),*> __difrules::contract::Family for #family<#family_kind #(#family_arguments),*>
            where #(#conditions),*
            {
                type Of<__S: __difrules::Real> = #ident #at;
                type Shape = #shape_of_family;

                fn written(
                    #shapes: &Self::Shape,
                ) -> __difrules::__private::std::string::String {
                    __difrules::__private::listed(
                        [#((
                            #labels,
                            <<#fields_at_f64 as __difrules::Differentiable>::Family as
                                __difrules::contract::Family>::written(#varying_names),
                        )),*],
                    )
                }
            }

            impl<#scalar: #bound, #(#others),*> __difrules::Differentiable for #ident #written
            where #(#conditions),*
            {
                type Real = #real;
                type Family = #family<#kind_of #(#family_arguments),*>;
                type Ref<'__a> = &'__a Self;
                type Cotangent<'__a> = (#(
                    <#fields_written as __difrules::Differentiable>::Cotangent<'__a>,
                )*);
                type Adjoint<'__a> = (#(
                    <#fields_written as __difrules::Differentiable>::Adjoint<'__a>,
                )*);

                type Parts = (#(<#fields_written as __difrules::Differentiable>::Parts,)*);

                fn parts(
                    whole: <#real as __difrules::Real>::Whole<Self::Family>,
                ) -> Self::Parts {
                    let lent = <#real as __difrules::Real>::lend::<Self::Family>(&whole);
                    let value = <#real as __difrules::Real>::value_of::<Self::Family>(lent);
                    let #shapes = __difrules::Differentiable::shape(value);
                    let mut offset = 0;
                    (#({
                        let start = offset;
                        offset += <#fields_written as __difrules::Differentiable>::count(&#varying_names);
                        <#fields_written as __difrules::Differentiable>::parts(
                            <#real as __difrules::Real>::part::<
                                Self::Family,
                                <#fields_written as __difrules::Differentiable>::Family,
                            >(lent, start, |all| __difrules::__private::core::clone::Clone::clone(&all.#members)),
                        )
                    },)*)
                }

                fn shape(&self) -> __difrules::contract::Shape<Self> {
                    #shape
                }

                fn notion() -> __difrules::registry::Notion {
                    __difrules::registry::Notion::Structure
                }

                fn count(#shapes: &__difrules::contract::Shape<Self>) -> usize {
                    0 #(+ <#fields_written as __difrules::Differentiable>::count(#varying_names))*
                }

                fn pieces(
                    #shapes: &__difrules::contract::Shape<Self>,
                    pieces: &mut __difrules::__private::std::vec::Vec<usize>,
                ) {
                    #(<#fields_written as __difrules::Differentiable>::pieces(#varying_names, pieces);)*
                }

                fn build_with(
                    #shapes: &__difrules::contract::Shape<Self>,
                    source: &mut impl __difrules::contract::Source<#real>,
                ) -> Self {
                    #built
                }

                fn map_with<__S: __difrules::Real>(
                    &self,
                    map: &mut impl __difrules::contract::Map<#real, __S>,
                ) -> __difrules::With<Self, __S> {
                    #mapped
                }

                fn for_each_real(&self, f: &mut impl __difrules::__private::core::ops::FnMut(#real)) {
                    #(<#fields_written as __difrules::Differentiable>::for_each_real(&self.#members, f);)*
                }

                fn update_reals(&mut self, f: &mut impl __difrules::__private::core::ops::FnMut(&mut #real)) {
                    #(<#fields_written as __difrules::Differentiable>::update_reals(&mut self.#members, f);)*
                }

                fn zip_reals<__S: __difrules::Real>(
                    &mut self,
                    other: &__difrules::With<Self, __S>,
                    f: &mut impl __difrules::__private::core::ops::FnMut(&mut #real, __S),
                ) {
                    #(<#fields_written as __difrules::Differentiable>::zip_reals(
                        &mut self.#members,
                        &other.#members,
                        f,
                    );)*
                }

                fn add_to(&self, adjoint: Self::Adjoint<'_>) {
                    #(<#fields_written as __difrules::Differentiable>::add_to(
                        &self.#members,
                        adjoint.#indices,
                    );)*
                }

                fn by_ref(&self) -> &Self {
                    self
                }

                fn as_cotangent<'__a>(
                    #shapes: &__difrules::contract::Shape<Self>,
                    mut reals: &'__a mut [#real],
                ) -> Self::Cotangent<'__a> {
                    (#(__difrules::__private::take_cotangent::<#fields_written>(#varying_names, &mut reals),)*)
                }

                fn as_adjoint<'__a>(
                    #shapes: &__difrules::contract::Shape<Self>,
                    mut reals: &'__a mut [#real],
                ) -> Self::Adjoint<'__a> {
                    (#(<#fields_written as __difrules::Differentiable>::as_adjoint(
                        #varying_names,
                        __difrules::__private::take_front::<#fields_written>(#varying_names, &mut reals),
                    ),)*)
                }
            }
        };
    })
}

/// Whether this is the parameter of that name.
fn is(parameter: &GenericParam, ident: &Ident) -> bool {
    matches!(parameter, GenericParam::Type(parameter) if parameter.ident == *ident)
}
