//! What a `macro_rules!` hands over: types and expressions in groups that have no delimiters.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ItemFn, Type};

/// The tokens with parentheses where such a group holds an operand together: the compiler reads what a
/// macro writes as if they were not there, `2.0 * $x` of `1.0 + y` as `2.0 * 1.0 + y`.
pub(crate) fn parenthesised(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is_operator = |token: Option<&TokenTree>| match token {
        Some(TokenTree::Punct(mark)) => "+-*/%^&|<>.?!".contains(mark.as_char()),
        Some(TokenTree::Ident(name)) => name == "as",
        _ => false,
    };
    let one = |i: usize| match &tokens[i] {
        TokenTree::Group(group) => {
            let inside = parenthesised(group.stream());
            let beside = is_operator(i.checked_sub(1).and_then(|before| tokens.get(before)))
                || is_operator(tokens.get(i + 1));
            let holds =
                group.delimiter() == Delimiter::None && beside && is_operation(inside.clone());
            let delimiter = if holds { Delimiter::Parenthesis } else { group.delimiter() };
            let mut group_of = Group::new(delimiter, inside);
            group_of.set_span(group.span());
            group_of.into()
        }
        other => other.clone(),
    };
    (0..tokens.len()).map(one).collect()
}

/// Whether the tokens are an expression that an operator beside it takes apart.
fn is_operation(tokens: TokenStream) -> bool {
    matches!(
        syn::parse2::<Expr>(tokens),
        Ok(Expr::Binary(_) | Expr::Unary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::If(_))
    )
}

/// Takes such groups away from what the attribute looks at, and parentheses around types. The function's body stays as it is.
struct Ungroup;

impl VisitMut for Ungroup {
    fn visit_type_mut(&mut self, found: &mut Type) {
        ungrouped_type(found);
        visit_mut::visit_type_mut(self, found);
    }

    fn visit_expr_mut(&mut self, found: &mut Expr) {
        ungrouped(found);
        visit_mut::visit_expr_mut(self, found);
    }

    fn visit_block_mut(&mut self, _: &mut Block) {}
}

/// The function without such groups in its signature.
pub(crate) fn function(item: &mut ItemFn) {
    Ungroup.visit_item_fn_mut(item);
}

/// Parameters without such groups.
pub(crate) fn arguments(all: &mut syn::AngleBracketedGenericArguments) {
    Ungroup.visit_angle_bracketed_generic_arguments_mut(all);
}

/// The type without the groups around it and its parts.
pub(crate) fn of_type(mut written: Type) -> Type {
    Ungroup.visit_type_mut(&mut written);
    written
}

/// The expression without the groups around it, which hold together what is more than an operand.
pub(crate) fn of_expr(mut written: Expr) -> Expr {
    ungrouped(&mut written);
    written
}

fn ungrouped_type(found: &mut Type) {
    loop {
        let inside = match found {
            Type::Group(group) => &mut group.elem,
            // Parentheses that hold several bounds together stay.
            Type::Paren(paren)
                if !matches!(*paren.elem, Type::TraitObject(_) | Type::ImplTrait(_)) =>
            {
                &mut paren.elem
            }
            _ => return,
        };
        *found = std::mem::replace(&mut **inside, Type::Verbatim(Default::default()));
    }
}

fn ungrouped(found: &mut Expr) {
    while let Expr::Group(group) = found {
        *found = std::mem::replace(&mut *group.expr, Expr::Verbatim(Default::default()));
    }
}
