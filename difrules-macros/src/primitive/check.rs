//! Whether the keys, the function and each other fit.

use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{FnArg, Ident, LitStr, Pat, ReturnType, Signature, Type};

use super::expand::{Expansion, parameter_ident};
use crate::errors::Errors;
use crate::primitive::function::{Argument, Form, mentions};
use crate::primitive::options::{
    Instance, Kernel, Options, Parameters, Partial, Read, Rule, Structured, Text,
};
use crate::tokens::pretty;

/// The keys without the function, of which the names of its arguments are enough.
pub(super) fn keys(signature: &Signature, options: &Options, errors: &Errors) {
    let given: Vec<_> = signature.inputs.iter().filter_map(name).collect();
    let reads = options.reads.iter().flat_map(|reads| &reads.values);
    let reads = reads.flat_map(|read| match read {
        Read::Argument(name) | Read::After(name) => vec![name],
        Read::For(name, varying) => std::iter::once(name).chain(varying).collect(),
        Read::Output(_) => Vec::new(),
    });
    let structured = options.structure.iter();
    let structured = structured.flat_map(|of| std::iter::once(&of.argument).chain(&of.options));
    let names = options.constant.iter().chain(&options.optional).chain(reads).chain(structured);
    for name in names {
        if !given.contains(&name) {
            errors.say(name.span(), format!("`{}` has no argument `{name}`", signature.ident));
        }
    }
    let values = options.reads.as_ref().map_or(&[][..], |reads| &reads.values);
    for read in repeated(values, |a, b| a == b) {
        errors.say(read.span(), "a rule is passed each value once; remove this one");
    }
    let same = |a: &Structured, b: &Structured| a.argument == b.argument && a.field == b.field;
    for of in repeated(&options.structure, same) {
        errors.say(of.argument.span(), "this has a structure already; keep one of them");
    }
    let shown = |instance: &Instance| match &instance.parameters {
        Parameters::Scalar(scalar) => pretty::text(scalar),
        Parameters::All(all) => pretty::text(&all.args),
    };
    for instance in repeated(&options.instances, |a, b| shown(a) == shown(b)) {
        errors.say(instance.span(), "this instance is given twice; keep one of them");
    }
    let unconditional = options.instances.iter().find(|instance| instance.conditions.is_empty());
    if let (Some(first), None) = (options.instances.first(), unconditional) {
        errors.say(
            first.span(),
            "a primitive needs an instance in every build: leave one without `#[cfg(..)]`",
        );
    }
    for instance in &options.instances {
        let of = instance.types().next();
        if let Some(integer) = of.filter(|of| is_no_scalar(of)) {
            errors.say(
                integer.span(),
                format!(
                    "`{}` is not a scalar: write `f64`, `f32`, or `Complex` of them",
                    pretty::text(integer)
                ),
            );
        }
    }
    let same = |a: &Kernel, b: &Kernel| {
        a.text == b.text && pretty::text(&a.scalar) == pretty::text(&b.scalar)
    };
    for kernel in repeated(&options.kernels, same) {
        errors.say(kernel.scalar.span(), "this scalar has two kernels; keep one of them");
    }
    let name = options.name.as_ref().map(LitStr::value);
    let name = name.unwrap_or_else(|| signature.ident.unraw().to_string());
    let twice = repeated(&options.aliases, |a, b| a.value() == b.value());
    let named = options.aliases.iter().filter(|alias| alias.value() == name);
    for alias in twice.chain(named) {
        errors.say(alias.span(), "the primitive has this name already; remove this alias");
    }
}

/// Whether a type is one of Rust's own that is never a scalar.
fn is_no_scalar(of: &Type) -> bool {
    const NONE: [&str; 16] = [
        "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
        "bool", "char", "str", "String",
    ];
    matches!(of, Type::Path(path) if NONE.iter().any(|name| path.path.is_ident(name)))
}

/// The name of a scalar that comes with Rust or nalgebra, without its path.
fn known_scalar(of: &Type) -> Option<String> {
    let name = pretty::short_name(of);
    ["f32", "f64", "Complex<f32>", "Complex<f64>"].contains(&&*name).then_some(name)
}

/// What is the same as something before it.
fn repeated<'a, X>(
    all: &'a [X],
    same: impl Fn(&X, &X) -> bool + 'a,
) -> impl Iterator<Item = &'a X> {
    let again = all.iter().enumerate().filter(move |(i, x)| all[..*i].iter().any(|y| same(x, y)));
    again.map(|(_, x)| x)
}

/// The name of an argument, if it has one.
fn name(input: &FnArg) -> Option<&Ident> {
    match input {
        FnArg::Typed(input) => match &*input.pat {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}

impl Expansion<'_> {
    pub(super) fn check(&self, errors: &Errors) {
        self.check_arguments(errors);
        self.check_keys(errors);
        self.check_instances(errors);
        self.check_kernels(errors);
        self.check_partials(errors);
    }

    fn check_arguments(&self, errors: &Errors) {
        let (function, options) = (self.function, self.options);
        let (ident, arguments) = (function.ident(), &function.arguments);
        if arguments.len() > 16 {
            errors.say(
                function.item.sig.inputs.span(),
                "a primitive has at most 16 arguments; group some into tuples",
            );
        }
        if arguments.iter().all(Argument::is_constant) {
            errors.say(
                ident.span(),
                "a primitive needs an argument to differentiate by; all of these are constants",
            );
        }
        if function.output.value.is_none() && !arguments.iter().any(Argument::is_in_place) {
            errors.say(
                ident.span(),
                "a primitive returns a value or overwrites a `&mut` argument; this does neither",
            );
        }
        for optional in &options.optional {
            let argument = arguments.iter().find(|argument| argument.ident == *optional);
            let has_form = |argument: &Argument| {
                matches!(argument.form, Form::Reference | Form::Storage | Form::View)
            };
            if argument.is_some_and(|argument| !has_form(argument)) {
                errors.say(
                    optional.span(),
                    "only what is passed by reference or as a view has an optional tangent; a number's \
                     is zero where it does not vary",
                );
            }
        }
        for of in &options.structure {
            for name in &of.options {
                if arguments.iter().any(|a| a.ident == *name && !a.is_constant()) {
                    errors.say(
                        name.span(),
                        format!(
                            "`{name}` is no constant, which alone says what another argument is"
                        ),
                    );
                }
            }
        }
        let reads = options.reads.as_ref().map_or(&[][..], |reads| &reads.values);
        for read in reads {
            match read {
                Read::After(name)
                    if arguments.iter().any(|a| a.ident == *name && !a.is_in_place()) =>
                {
                    errors.say(
                        name.span(),
                        format!("`{name}` is not a `&mut` argument of `{ident}`"),
                    );
                }
                Read::For(name, _)
                    if arguments.iter().any(|a| a.ident == *name && !a.is_in_place()) =>
                {
                    errors.say(
                        name.span(),
                        format!(
                            "`{name}` is not a `&mut` argument of `{ident}`, which alone is copied before \
                             the call; leave out `for`"
                        ),
                    );
                }
                Read::For(_, varying) => {
                    for name in varying {
                        if arguments.iter().any(|a| a.ident == *name && a.is_constant()) {
                            errors.say(
                                name.span(),
                                format!("`{name}` is a constant, which never varies"),
                            );
                        }
                    }
                }
                Read::Output(span) if function.output.value.is_none() => {
                    errors.say(*span, format!("`{ident}` returns nothing"));
                }
                _ => {}
            }
        }
    }

    fn check_keys(&self, errors: &Errors) {
        let (function, options) = (self.function, self.options);
        let has_rule = options.forward.is_some() || options.reverse.is_some();
        let has_partial = !options.partial.is_empty();
        if !has_rule && !has_partial && !options.is_unread(&["forward", "reverse", "partial"]) {
            errors.say(
                function.ident().span(),
                "a primitive needs a rule: give `forward = ..`, `reverse = ..` or, for real numbers, \
                 `partial = |x| ..`",
            );
        }
        if has_rule && has_partial && !self.has_rules_of_complex_numbers() {
            errors.say(
                options.partial[0].span(),
                "`partial` makes both rules; leave out `forward` and `reverse`, or `partial`",
            );
        }
        let closures = |rule: &Option<Rule>| !matches!(rule, Some(Rule::Path(_)));
        if let Some(reads) = &options.reads
            && closures(&options.forward)
            && closures(&options.reverse)
            && !options.is_unread(&["forward", "reverse"])
        {
            errors.say(
                reads.span,
                "`reads` says what rules given by path read; in a closure, write `_` for what it \
                 does not read",
            );
        }
    }

    /// Whether the two rules can be those of complex numbers, beside partial derivatives for real ones: closures, of which the
    /// second takes slots.
    fn has_rules_of_complex_numbers(&self) -> bool {
        let (function, options) = (self.function, self.options);
        // Beside the arguments and the result.
        let takes = |rule: &Option<Rule>, last: usize| match rule {
            Some(Rule::Closure(closure)) => {
                closure.inputs.len() == function.arguments.len() + 1 + last
            }
            _ => false,
        };
        let count = self.differentiable().count();
        function.is_complex()
            && options.complex.is_empty()
            && options.saves.is_none()
            && takes(&options.forward, count)
            && takes(&options.reverse, count + 1)
    }

    fn check_instances(&self, errors: &Errors) {
        let (function, instances) = (self.function, &self.options.instances);
        let unsaid = instances.is_empty() && !self.options.without_instances;
        if !function.is_plain() && unsaid && !self.options.is_unread(&["instances"]) {
            let others = function.parameters.iter().any(|p| !function.is_dimension(p));
            let none = if others { ", or `instances()` if there is none to name" } else { "" };
            errors.say(
                function.ident().span(),
                format!(
                    "say at which types a generic primitive is registered: `instances(f32, f64)`{none}"
                ),
            );
        }
        if self.options.without_instances {
            self.check_without_instances(errors);
        }
        if let (true, Some(instance)) = (function.is_plain(), instances.first()) {
            errors.say(
                instance.span(),
                "a plain function has one instance, its own type: leave out `instances`",
            );
            return;
        }
        for instance in instances {
            match &instance.parameters {
                Parameters::Scalar(scalar) => {
                    let other = function.parameters.iter().find(|p| !function.is_dimension(p));
                    if let Some(other) = other.and_then(parameter_ident) {
                        errors.say(
                            scalar.span(),
                            format!(
                                "`{other}` is not a dimension, which would be dynamic: write all \
                                 parameters in order, `<..>`"
                            ),
                        );
                    }
                }
                Parameters::All(all) => {
                    let wanted = function.rule_parameters.len();
                    if all.args.len() != wanted {
                        errors.say(
                            all.span(),
                            format!(
                                "write all {wanted} parameters in order; found {}",
                                all.args.len()
                            ),
                        );
                    }
                }
            }
        }
    }

    /// Whether a primitive may be without instances: where nobody can name its parameters, and what it
    /// differentiates by is known without them.
    fn check_without_instances(&self, errors: &Errors) {
        let function = self.function;
        let others = function.parameters.iter().filter(|p| !function.is_dimension(p));
        let others: Vec<_> = others.filter_map(parameter_ident).collect();
        if others.is_empty() {
            errors.say(
                function.ident().span(),
                "`instances()` is for what is generic over types that nobody can name, as those of closures; say \
                 at which this is registered: `instances(f32, f64)`",
            );
        }
        for argument in function.arguments.iter().filter(|argument| !argument.is_constant()) {
            if let Some(other) = others.iter().find(|other| mentions(&argument.value, other)) {
                errors.say(
                    argument.ident.span(),
                    format!(
                        "without an instance nobody knows what `{}` is, since `{other}` says it: name one, \
                         `instances(<..>)`",
                        argument.ident
                    ),
                );
            }
        }
    }

    fn check_kernels(&self, errors: &Errors) {
        let kernels = &self.options.kernels;
        for kernel in kernels {
            if self.function.is_plain() {
                errors.say(
                    kernel.path.span(),
                    "a plain function is its own kernel; make it generic to give others",
                );
                continue;
            }
            let (rule, key) = match kernel.text {
                Text::Primal => continue,
                Text::Forward => (&self.options.forward, "forward"),
                Text::Reverse => (&self.options.reverse, "reverse"),
            };
            if rule.is_none() && !self.options.is_unread(&[key]) {
                errors.say(
                    kernel.path.span(),
                    "a kernel stands beside a general rule, which serves the other scalars and all \
                     higher orders: give the rule too",
                );
            }
        }
        if !self.function.is_plain() {
            self.check_kernels_against_instances(errors);
        }
        let views = |a: &&Argument| matches!(a.form, Form::Storage | Form::StorageMut);
        let primal = kernels.iter().find(|kernel| kernel.text == Text::Primal);
        if let (Some(kernel), Some(argument)) = (primal, self.function.arguments.iter().find(views))
        {
            errors.say(
                kernel.path.span(),
                format!(
                    "a kernel takes owned matrices, but `{}` is of any storage",
                    argument.ident
                ),
            );
        }
    }

    /// The checker calls the kernel of a scalar at its instances.
    fn check_kernels_against_instances(&self, errors: &Errors) {
        let instances = self.options.instances.iter();
        let instances = instances.map(|instance| instance.types().find_map(known_scalar));
        // A type by a name of the user's own may be any of them.
        let Some(instances) = instances.collect::<Option<Vec<_>>>() else { return };
        if instances.is_empty() {
            return;
        }
        for kernel in &self.options.kernels {
            let Some(scalar) = known_scalar(&kernel.scalar) else { continue };
            if !instances.contains(&scalar) {
                errors.say(
                    kernel.scalar.span(),
                    format!(
                        "no instance is of `{scalar}`, so nothing would check this kernel: write \
                         `instances({}, {scalar})`",
                        instances.join(", ")
                    ),
                );
            }
        }
    }

    fn check_partials(&self, errors: &Errors) {
        let (function, options) = (self.function, self.options);
        if let Some(complex) = options.complex.first() {
            if options.partial.is_empty() && !options.is_unread(&["partial"])
                || !function.is_complex()
                || function.rule_parameters.len() > 1
            {
                errors.say(
                    complex.span(),
                    "`complex` is for `partial` derivatives of a function that is generic over \
                     `T: Scalar` alone",
                );
            } else {
                self.check_closures(&options.complex, errors);
            }
        }
        if !options.symbolic.is_empty() {
            self.check_closures(&options.symbolic, errors);
            let unknown = if options.partial.is_empty() { self.unknown() } else { Vec::new() };
            for argument in unknown.into_iter().map(|i| &function.arguments[i]) {
                if argument.form != Form::Value || !function.is_scalar(&argument.value) {
                    errors.say(
                        argument.written.span(),
                        "only a number passed by value has an `unknown` derivative",
                    );
                }
            }
        }
        let Some(first) = options.partial.first() else { return };
        let mut of_numbers = true;
        for argument in function.arguments.iter().filter(|argument| !argument.is_constant()) {
            if argument.form != Form::Value || !function.is_scalar(&argument.value) {
                errors.say(
                    argument.written.span(),
                    "`partial` is for numbers passed by value; give a matrix `forward` and `reverse`",
                );
                of_numbers = false;
            }
        }
        if !function.output.value.as_ref().is_some_and(|value| function.is_scalar(value)) {
            let span = match &function.item.sig.output {
                ReturnType::Default => function.ident().span(),
                ReturnType::Type(_, written) => written.span(),
            };
            errors.say(
                span,
                "`partial` is for functions that return one number; give `forward` and `reverse`",
            );
            of_numbers = false;
        }
        // Else the closures go.
        if of_numbers {
            self.check_closures(&options.partial, errors);
        }
        if options.partial.iter().all(|partial| matches!(partial, Partial::Unknown(_))) {
            errors.say(
                first.span(),
                "a primitive has a derivative that is known; make the arguments constants instead",
            );
        }
    }

    /// The closures of partial derivatives, by their parameters.
    fn check_closures(&self, partials: &[Partial], errors: &Errors) {
        let function = self.function;
        let wanted = self.differentiable().count();
        // A function of constants alone is an error of its own.
        if partials.len() != wanted && wanted > 0 {
            let names: Vec<_> =
                function.arguments.iter().map(|argument| argument.ident.to_string()).collect();
            let closures = vec![format!("|{}| ..", names.join(", ")); wanted].join(", ");
            errors.say(
                partials[0].span(),
                format!(
                    "`{}` has {wanted} differentiable arguments and needs a partial derivative by \
                     each, `({closures})`; found {}",
                    function.ident(),
                    partials.len(),
                ),
            );
        }
        let arity = function.arguments.len();
        let most = arity + if self.options.saves.is_some() { 2 } else { 1 };
        for partial in partials {
            let Partial::Closure(closure) = partial else { continue };
            if !(arity..=most).contains(&closure.inputs.len()) {
                errors.say(
                    closure.span(),
                    format!(
                        "a partial derivative takes the arguments of `{}`, and its result if it needs \
                         that{}: {arity} to {most} parameters; found {}",
                        function.ident(),
                        if self.options.saves.is_some() { ", and what `saves` saves" } else { "" },
                        closure.inputs.len(),
                    ),
                );
            }
        }
    }
}
