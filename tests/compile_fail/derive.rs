//! `#[derive(Differentiable)]`.
#![allow(unused)]

mod derive_on_a_union {
    use difrules_core::Differentiable;

    #[derive(Clone, Copy, Differentiable)]
    union Either<T: Copy> {
        first: T,
        second: T,
    }
}

mod derive_on_an_enum {
    use difrules_core::Differentiable;

    #[derive(Clone, Differentiable)]
    enum Shape<T> {
        Circle(T),
        Rectangle(T, T),
    }
}

mod derive_with_a_lifetime {
    use difrules_core::Differentiable;

    #[derive(Clone, Differentiable)]
    struct Parameters<'a, T> {
        length: T,
        #[constant]
        name: &'a str,
    }
}

mod derive_with_constant_of_the_scalar {
    use difrules_core::Differentiable;

    #[derive(Clone, Differentiable)]
    struct Parameters<T> {
        length: T,
        #[constant]
        noise: T,
    }
}

mod derive_with_unknown_key {
    use difrules_core::Differentiable;

    #[derive(Clone, Differentiable)]
    #[differentiable(root = difrules_core)]
    struct Parameters<T> {
        length: T,
    }
}

mod derive_with_unmarked_field {
    use difrules_core::Differentiable;

    #[derive(Clone, Differentiable)]
    struct Parameters<T> {
        length: T,
        name: String,
    }
}

mod derive_without_scalar {
    use difrules_core::Differentiable;

    #[derive(Clone, Differentiable)]
    struct Parameters {
        length: f64,
    }
}

fn main() {}
