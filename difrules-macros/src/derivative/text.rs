//! Tokens as text that is parsed, and back.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// Tokens as text, with the place of each.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    places: Vec<(usize, Span)>,
}

impl Text {
    pub(crate) fn write(&mut self, tokens: TokenStream) {
        for token in tokens {
            self.places.push((self.text.len(), token.span()));
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("(", ")"),
                    };
                    self.text.push_str(open);
                    self.write(group.stream());
                    self.places.push((self.text.len(), group.span_close()));
                    self.text.push_str(close);
                }
                TokenTree::Punct(punct) => {
                    self.text.push(punct.as_char());
                    if punct.spacing() == Spacing::Alone {
                        self.text.push(' ');
                    }
                }
                other => {
                    self.text.push_str(&other.to_string());
                    self.text.push(' ');
                }
            }
        }
    }

    pub(super) fn span_at(&self, position: usize) -> Span {
        let token = self.places.iter().rev().find(|(start, _)| *start <= position);
        token.map_or_else(Span::call_site, |(_, span)| *span)
    }
}
