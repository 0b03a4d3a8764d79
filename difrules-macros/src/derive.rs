//! `#[derive(Differentiable)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Data, DataStruct, DeriveInput, Error, GenericParam, Ident, Index, Member, Path, Result, Type,
};

use crate::function::{bound_name, mentions};
use crate::hygiene::quote;
use crate::rename;

/// A field of the structure.
struct Field<'a> {
    member: Member,
    written: &'a Type,
    constant: bool,
}

pub(crate) fn differentiable(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let root = root(&item)?;
    let tokens = implementation(&item)?;
    Ok(match root {
        Some(root) => rename::root(tokens, &root),
        None => tokens,
    })
}

/// `#[differentiable(crate = path)]`.
fn root(item: &DeriveInput) -> Result<Option<Path>> {
    let mut root = None;
    for attribute in item.attrs.iter().filter(|a| a.path().is_ident("differentiable")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                root = Some(meta.value()?.parse()?);
                return Ok(());
            }
            Err(meta.error("the only key is `crate = path`, where `difrules_core` is found"))
        })?;
    }
    Ok(root)
}

fn fields<'a>(structure: &'a DataStruct, scalar: &Ident) -> Result<Vec<Field<'a>>> {
    let members = structure.fields.members();
    let mut fields = Vec::new();
    for (field, member) in structure.fields.iter().zip(members) {
        let constant = field.attrs.iter().any(|attribute| attribute.path().is_ident("constant"));
        let scalar = mentions(&field.ty, scalar);
        if !constant && !scalar {
            return Err(Error::new(
                field.ty.span(),
                "this field has no derivative: mark it `#[constant]`",
            ));
        }
        if constant && scalar {
            return Err(Error::new(
                field.ty.span(),
                "a constant is not made of the scalar; write `f64` for its numbers",
            ));
        }
        fields.push(Field { member, written: &field.ty, constant });
    }
    Ok(fields)
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

fn implementation(item: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(structure) = &item.data else {
        return Err(Error::new(
            item.ident.span(),
            "only a structure has derivatives: which variant a value has cannot change by a little; \
             use a structure of `Option`s, or mark the field that holds this `#[constant]`",
        ));
    };
    let (scalar, complex) = scalar(item)?;
    if let Some(lifetime) = item.generics.lifetimes().next() {
        return Err(Error::new(
            lifetime.span(),
            "a mode keeps copies of values, so a differentiable structure owns what it holds",
        ));
    }
    let fields = fields(structure, scalar)?;
    if fields.iter().all(|field| field.constant) {
        return Err(Error::new(
            item.ident.span(),
            "a differentiable structure has a field made of its scalar; this has none",
        ));
    }
    let (ident, visibility) = (&item.ident, &item.vis);

    // The parameters of the implementations, and the arguments of the structure.
    let bound =
        if complex { quote!(::difrules_core::Scalar) } else { quote!(::difrules_core::Real) };
    let others: Vec<_> = item
        .generics
        .params
        .iter()
        .filter(|parameter| !is(parameter, scalar))
        .map(crate::expand::without_default)
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
        (quote!(__K: ::difrules_core::Kind,), quote!(<__K as ::difrules_core::Kind>::Of<#s>))
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
        (quote!(__K,), quote!(<#scalar as ::difrules_core::Scalar>::Kind,))
    } else {
        (quote!(), quote!())
    };
    let real =
        if complex { quote!(<#scalar as ::difrules_core::Scalar>::Real) } else { quote!(#scalar) };

    // A shape is pairs of pairs, since long tuples neither print nor compare.
    let nest = |parts: Vec<TokenStream>| {
        parts.into_iter().rev().fold(quote!(()), |rest, part| quote!((#part, #rest)))
    };
    let shape_of_family = nest(
        fields
            .iter()
            .map(|field| {
                let written = field.written;
                if field.constant {
                    return quote!(#written);
                }
                let f64_tokens = if complex {
                    quote!(<__K as ::difrules_core::Kind>::Of<f64>)
                } else {
                    quote!(f64)
                };
                let real = quote!(f64);
                let at = crate::function::substituted(written, scalar, &f64_tokens, &real);
                let span = written.span().resolved_at(Span::mixed_site());
                quote_spanned!(span=> ::difrules_core::Shape<#at>)
            })
            .collect(),
    );
    let shape = nest(
        fields
            .iter()
            .map(|Field { member, written, constant }| {
                if *constant {
                    quote!(::difrules_core::__private::core::clone::Clone::clone(&self.#member))
                } else {
                    quote!(<#written as ::difrules_core::Differentiable>::shape(&self.#member))
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
            quote!(::difrules_core::__private::core::clone::Clone::clone(#name))
        } else {
            quote!(<#written as ::difrules_core::Differentiable>::build_with(#name, source))
        }
    });
    let mapped = build(&|field, _| {
        let (member, written) = (&field.member, field.written);
        if field.constant {
            quote!(::difrules_core::__private::core::clone::Clone::clone(&self.#member))
        } else {
            quote!(<#written as ::difrules_core::Differentiable>::map_with(&self.#member, map))
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
    let fields_written: Vec<_> = varying.iter().map(|field| field.written).collect();
    let indices: Vec<_> = (0..varying.len()).map(Index::from).collect();
    let family = format_ident!("__{}Family", ident);
    Ok(quote! {
        #[allow(unused_variables, unreachable_pub, clippy::all, clippy::pedantic)]
        const _: () = {
            /// The structure, apart from its scalar.
            #visibility struct #family<#family_kind #(#others),*>(
                ::difrules_core::__private::core::marker::PhantomData<fn() -> (#family_kind #(#types,)*)>,
            )
            where #(#conditions),*;

            impl<#kind #(#others),*> ::difrules_core::Family for #family<#family_kind #(#family_arguments),*>
            where #(#conditions),*
            {
                type Of<__S: ::difrules_core::Real> = #ident #at;
                type Shape = #shape_of_family;
            }

            impl<#scalar: #bound, #(#others),*> ::difrules_core::Differentiable for #ident #written
            where #(#conditions),*
            {
                type Real = #real;
                type Family = #family<#kind_of #(#family_arguments),*>;
                type Ref<'__a> = &'__a Self;
                type Cotangent<'__a> = (#(
                    <#fields_written as ::difrules_core::Differentiable>::Cotangent<'__a>,
                )*);
                type Adjoint<'__a> = (#(
                    <#fields_written as ::difrules_core::Differentiable>::Adjoint<'__a>,
                )*);

                type Parts = (#(<#fields_written as ::difrules_core::Differentiable>::Parts,)*);

                fn parts(
                    whole: <#real as ::difrules_core::Real>::Whole<Self::Family>,
                ) -> Self::Parts {
                    let lent = <#real as ::difrules_core::Real>::lend::<Self::Family>(&whole);
                    let value = <#real as ::difrules_core::Real>::value_of::<Self::Family>(lent);
                    let #shapes = ::difrules_core::Differentiable::shape(value);
                    let mut offset = 0;
                    (#({
                        let start = offset;
                        offset += <#fields_written as ::difrules_core::Differentiable>::count(&#varying_names);
                        <#fields_written as ::difrules_core::Differentiable>::parts(
                            <#real as ::difrules_core::Real>::part::<
                                Self::Family,
                                <#fields_written as ::difrules_core::Differentiable>::Family,
                            >(lent, start, |all| ::difrules_core::__private::core::clone::Clone::clone(&all.#members)),
                        )
                    },)*)
                }

                fn shape(&self) -> ::difrules_core::Shape<Self> {
                    #shape
                }

                fn notion() -> ::difrules_core::Notion {
                    ::difrules_core::Notion::Structure
                }

                fn count(#shapes: &::difrules_core::Shape<Self>) -> usize {
                    0 #(+ <#fields_written as ::difrules_core::Differentiable>::count(#varying_names))*
                }

                fn pieces(
                    #shapes: &::difrules_core::Shape<Self>,
                    pieces: &mut ::difrules_core::__private::std::vec::Vec<usize>,
                ) {
                    #(<#fields_written as ::difrules_core::Differentiable>::pieces(#varying_names, pieces);)*
                }

                fn build_with(
                    #shapes: &::difrules_core::Shape<Self>,
                    source: &mut impl ::difrules_core::Source<#real>,
                ) -> Self {
                    #built
                }

                fn map_with<__S: ::difrules_core::Real>(
                    &self,
                    map: &mut impl ::difrules_core::Map<#real, __S>,
                ) -> ::difrules_core::With<Self, __S> {
                    #mapped
                }

                fn for_each_real(&self, f: &mut impl ::difrules_core::__private::core::ops::FnMut(#real)) {
                    #(<#fields_written as ::difrules_core::Differentiable>::for_each_real(&self.#members, f);)*
                }

                fn update_reals(&mut self, f: &mut impl ::difrules_core::__private::core::ops::FnMut(&mut #real)) {
                    #(<#fields_written as ::difrules_core::Differentiable>::update_reals(&mut self.#members, f);)*
                }

                fn zip_reals<__S: ::difrules_core::Real>(
                    &mut self,
                    other: &::difrules_core::With<Self, __S>,
                    f: &mut impl ::difrules_core::__private::core::ops::FnMut(&mut #real, __S),
                ) {
                    #(<#fields_written as ::difrules_core::Differentiable>::zip_reals(
                        &mut self.#members,
                        &other.#members,
                        f,
                    );)*
                }

                fn add_to(&self, adjoint: Self::Adjoint<'_>) {
                    #(<#fields_written as ::difrules_core::Differentiable>::add_to(
                        &self.#members,
                        adjoint.#indices,
                    );)*
                }

                fn by_ref(&self) -> &Self {
                    self
                }

                fn as_cotangent<'__a>(
                    #shapes: &::difrules_core::Shape<Self>,
                    mut reals: &'__a mut [#real],
                ) -> Self::Cotangent<'__a> {
                    (#(::difrules_core::__private::take_cotangent::<#fields_written>(#varying_names, &mut reals),)*)
                }

                fn as_adjoint<'__a>(
                    #shapes: &::difrules_core::Shape<Self>,
                    mut reals: &'__a mut [#real],
                ) -> Self::Adjoint<'__a> {
                    (#(<#fields_written as ::difrules_core::Differentiable>::as_adjoint(
                        #varying_names,
                        ::difrules_core::__private::take_front::<#fields_written>(#varying_names, &mut reals),
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
