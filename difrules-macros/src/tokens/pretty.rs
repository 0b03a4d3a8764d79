//! Tokens as a person would write them on one line.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;

/// The tokens as text, spaced as rustfmt spaces types and expressions.
pub(crate) fn text(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    write(&mut text, tokens.to_token_stream());
    text
}

/// A type without the path before its name.
pub(crate) fn short_name(written: &Type) -> String {
    match written {
        Type::Path(path) => path.path.segments.last().map_or(String::new(), text),
        other => text(other),
    }
}

fn write(text: &mut String, tokens: TokenStream) {
    let mut tokens = tokens.into_iter().peekable();
    let mut angles = 0_usize;
    // Whether an operand comes next, so that `-`, `*` and `&` are prefixes.
    let mut prefix = true;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    // What a macro hands over holds together as it stands.
                    Delimiter::None if is_one(&group.stream()) => ("", ""),
                    Delimiter::None => ("(", ")"),
                };
                if group.delimiter() == Delimiter::Brace && !text.is_empty() && !text.ends_with(' ')
                {
                    text.push(' ');
                }
                text.push_str(open);
                write(text, group.stream());
                text.push_str(close);
                if group.delimiter() == Delimiter::Brace {
                    text.push(' ');
                }
                prefix = false;
            }
            TokenTree::Punct(punct) => {
                let mut operator = String::from(punct.as_char());
                let mut joint = punct.spacing() == Spacing::Joint;
                while joint {
                    match tokens.peek() {
                        Some(TokenTree::Punct(next)) => {
                            operator.push(next.as_char());
                            joint = next.spacing() == Spacing::Joint;
                            tokens.next();
                        }
                        _ => break,
                    }
                }
                match operator.as_str() {
                    "::" | "." | "'" | "!" | "?" | "#" => text.push_str(&operator),
                    "," | ";" | ":" => {
                        text.push_str(&operator);
                        if tokens.peek().is_some() {
                            text.push(' ');
                        }
                    }
                    // A generic list follows a path; a comparison has an operand on both sides.
                    "<" if text.ends_with("::") || is_type(text) => {
                        angles += 1;
                        text.push('<');
                    }
                    ">" | ">>" if angles > 0 => {
                        angles = angles.saturating_sub(operator.len());
                        text.push_str(&operator);
                    }
                    "-" | "*" | "&" if prefix => text.push_str(&operator),
                    _ => {
                        if !text.ends_with(' ') {
                            text.push(' ');
                        }
                        text.push_str(&operator);
                        text.push(' ');
                    }
                }
                prefix = !matches!(operator.as_str(), "?" | "." | "::" | "'");
            }
            TokenTree::Ident(ident) => {
                word(text, &ident.to_string());
                prefix = false;
            }
            TokenTree::Literal(literal) => {
                word(text, &literal.to_string());
                prefix = false;
            }
        }
    }
    text.truncate(text.trim_end().len());
}

/// Whether the tokens are an operand without parentheses, or a type.
fn is_one(tokens: &TokenStream) -> bool {
    let expression = syn::parse2::<syn::Expr>(tokens.clone());
    !matches!(
        expression,
        Ok(syn::Expr::Binary(_) | syn::Expr::Unary(_) | syn::Expr::Cast(_) | syn::Expr::Range(_))
    )
}

/// Whether the text ends with a type's name, which starts with a capital.
fn is_type(text: &str) -> bool {
    let name = text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    name.len() > 1 && name.starts_with(char::is_uppercase)
}

/// Appends a word, apart from a word before it.
fn word(text: &mut String, word: &str) {
    if text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ')') {
        text.push(' ');
    }
    text.push_str(word);
}
