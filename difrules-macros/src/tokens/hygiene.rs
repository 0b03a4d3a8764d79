//! The expansion's local names.

/// Tokens whose local names neither see nor hide the user's.
macro_rules! quote {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}

pub(crate) use quote;
