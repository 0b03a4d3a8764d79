//! The `impl` or `trait` in which the attribute stands, which it is not handed.

use std::fs;

use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, ImplItemFn, ItemFn, ItemImpl, ItemTrait, Signature, TraitItemFn};

use crate::tokens::{pretty, rename};

/// What is to be written in place of this function, where the file that holds the attribute says that it
/// belongs to an `impl` or a `trait`; nothing where it is free, or nobody can tell.
pub(crate) fn advice(signature: &Signature) -> Option<String> {
    let span = proc_macro::Span::call_site();
    // What stands at the beginning of a line is in nothing.
    if span.column() <= 1 {
        return None;
    }
    let text = fs::read_to_string(span.local_file()?).ok()?;
    let mut file = syn::parse_file(&text).ok()?;
    let mut search =
        Search { wanted: pretty::text(signature), within: None, found: None, ambiguous: false };
    search.visit_file_mut(&mut file);
    search.found.filter(|_| !search.ambiguous).flatten()
}

/// Looks for functions with an attribute `primitive` and the wanted signature.
struct Search {
    wanted: String,
    /// What to write for a function of the innermost `impl` or `trait`.
    within: Option<String>,
    /// The same for the function, once it is found.
    found: Option<Option<String>>,
    /// Whether another one has the same signature and is elsewhere.
    ambiguous: bool,
}

impl Search {
    fn compare(&mut self, attributes: &[Attribute], signature: &Signature, advice: Option<String>) {
        let marked = |attribute: &Attribute| {
            // Within a condition too: `cfg_attr(.., primitive(..))`.
            pretty::text(attribute).contains("primitive")
        };
        if !attributes.iter().any(marked) || pretty::text(signature) != self.wanted {
            return;
        }
        self.ambiguous |= self.found.as_ref().is_some_and(|found| *found != advice);
        self.found = Some(advice);
    }

    fn inside(&mut self, advice: String, visit: impl FnOnce(&mut Self)) {
        let outside = self.within.replace(advice);
        visit(self);
        self.within = outside;
    }
}

impl VisitMut for Search {
    fn visit_item_impl_mut(&mut self, item: &mut ItemImpl) {
        let of = pretty::text(&item.self_ty);
        let advice = if let Some((of_trait, _)) = &item.trait_ {
            let name = of_trait.segments.last().map_or(String::new(), pretty::text);
            format!(
                "a function of the trait `{name}` for `{of}` cannot be a primitive: write a free function and call it here"
            )
        } else if item.generics.params.is_empty() && !rename::mentions_parameters(&item.self_ty) {
            format!("say in whose `impl` the function stands: add `impl = {of}` to the attribute")
        } else {
            format!(
                "a function of the generic `{of}` cannot be a primitive, since its rules could not name the \
                 parameters: write a free function"
            )
        };
        self.inside(advice, |search| visit_mut::visit_item_impl_mut(search, item));
    }

    fn visit_item_trait_mut(&mut self, item: &mut ItemTrait) {
        let advice = format!(
            "a function of the trait `{}` cannot be a primitive: write a free function and call it here",
            item.ident
        );
        self.inside(advice, |search| visit_mut::visit_item_trait_mut(search, item));
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut ImplItemFn) {
        self.compare(&item.attrs, &item.sig, self.within.clone());
        visit_mut::visit_impl_item_fn_mut(self, item);
    }

    fn visit_trait_item_fn_mut(&mut self, item: &mut TraitItemFn) {
        self.compare(&item.attrs, &item.sig, self.within.clone());
        visit_mut::visit_trait_item_fn_mut(self, item);
    }

    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        self.compare(&item.attrs, &item.sig, None);
        visit_mut::visit_item_fn_mut(self, item);
    }
}
