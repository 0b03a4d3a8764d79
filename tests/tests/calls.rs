//! Primitives called through the registry, without their types.

use std::any::{Any, TypeId};

use difrules_core::registry::{CallError, FindError, Notion, Partial, by_types};
use difrules_core::testing::Sampler;
use difrules_core::{Differentiable, Mode, Real, find, primitive, primitives};
use difrules_linalg::{
    Bidiagonal, ColPivQr, Eigen, Error, FullPivLu, Lblt, Lu, Svd, SymmetricEigen,
    SymmetricTridiagonal, Udu,
};
use nalgebra::{DMatrix, DVector, Dyn, RowDVector, dmatrix, dvector};

/// A primitive with one rule alone.
#[primitive(reverse = |x, _, y_bar| y_bar * (x + x), instances(f64))]
fn square<T: Real>(x: T) -> T {
    x * x
}

/// Where an output of any type goes.
type Boxed = Option<Box<dyn Any>>;

fn refs(values: &mut [Box<dyn Any>]) -> Vec<&mut dyn Any> {
    values.iter_mut().map(|x| &mut **x).collect()
}

fn some(values: &mut [Box<dyn Any>]) -> Vec<Option<&mut dyn Any>> {
    values.iter_mut().map(|x| Some(&mut **x as &mut dyn Any)).collect()
}

/// The real numbers of the types that the linked primitives take and give.
fn reals(value: &dyn Any) -> Vec<f64> {
    fn of<X: Differentiable>(value: &dyn Any) -> Option<Vec<f64>> {
        let mut reals = Vec::new();
        value.downcast_ref::<X>()?.for_each_real(&mut |x| reals.push(x.to_f64()));
        Some(reals)
    }
    macro_rules! first {
        ($($scalar:ty, $real:ty);*) => {
            None$(
                .or_else(|| of::<$scalar>(value))
                .or_else(|| of::<($real, $scalar)>(value))
                .or_else(|| of::<DMatrix<$scalar>>(value))
                .or_else(|| of::<DVector<$scalar>>(value))
                .or_else(|| of::<RowDVector<$scalar>>(value))
                .or_else(|| of::<(DMatrix<$scalar>, DMatrix<$scalar>)>(value))
                .or_else(|| of::<Lu<$scalar, Dyn, Dyn>>(value))
                .or_else(|| of::<FullPivLu<$scalar, Dyn, Dyn>>(value))
                .or_else(|| of::<Bidiagonal<$scalar, Dyn, Dyn>>(value))
                .or_else(|| of::<SymmetricTridiagonal<$scalar, Dyn>>(value))
                .or_else(|| of::<Eigen<$scalar, Dyn>>(value))
                .or_else(|| of::<Lblt<$scalar, Dyn>>(value))
                .or_else(|| of::<Udu<$scalar, Dyn>>(value))
                .or_else(|| of::<ColPivQr<$scalar, Dyn, Dyn>>(value))
                .or_else(|| of::<Svd<$scalar, Dyn, Dyn>>(value))
                .or_else(|| of::<SymmetricEigen<$scalar, Dyn>>(value))
                // What a call that returns nothing returns.
                .or_else(|| of::<[$scalar; 0]>(value))
            )*
        };
    }
    type Complex<T> = nalgebra::Complex<T>;
    let found: Option<Vec<f64>> = first!(f32, f32; f64, f64; Complex<f32>, f32; Complex<f64>, f64);
    found.expect("a type that this test knows")
}

/// Every registered instance: the call, the two rules and their pairing, by the registry alone.
#[test]
fn every_instance_runs() {
    let mut ran = 0;
    for record in primitives() {
        for instance in record.instances {
            let what = format!("{} at {}", record.path, instance.scalar);
            let Some(sample) = instance.sample else { continue };
            let draw = |seed| sample(&mut Sampler::new(3, seed));
            let (mut point, mut tangents) = (draw(1), draw(2));
            let (mut plain, mut y, mut y_dot): (Boxed, Boxed, Boxed) = (None, None, None);
            if !(record.forward && record.reverse)
                || record.arguments.iter().any(|argument| argument.notion() == Notion::Constant)
                // Asked for what nobody knows, a rule refuses.
                || record.partials.contains(&Partial::Unknown)
            {
                continue;
            }
            instance.call(&mut refs(&mut draw(1)), &mut plain).expect(&what);
            let mut evaluated = draw(1);
            instance
                .forward(&mut refs(&mut evaluated), &mut some(&mut tangents), &mut y, &mut y_dot)
                .expect(&what);
            let (plain, y, y_dot) = (plain.unwrap(), y.unwrap(), y_dot.unwrap());
            assert_eq!(reals(&*plain), reals(&*y), "{what}");
            let mut z: Boxed = None;
            let pullback = instance.reverse(&mut refs(&mut point), &mut z).expect(&what);
            let mut adjoints = instance.zeros(&mut refs(&mut draw(1))).expect(&what);
            // <y, y_dot> = <y^T dy/dx, x_dot>, with the tangents of the `&mut` arguments after the
            // call as their cotangents.
            let mut forward: f64 = reals(&*y).iter().zip(reals(&*y_dot)).map(|(a, b)| a * b).sum();
            for ((argument, adjoint), tangent) in
                record.arguments.iter().zip(&mut adjoints).zip(&mut tangents)
            {
                if argument.in_place {
                    forward += reals(&**tangent).iter().map(|x| x * x).sum::<f64>();
                    std::mem::swap(adjoint, tangent);
                }
            }
            pullback.pull(&*z.unwrap(), &mut some(&mut adjoints)).expect(&what);
            let pairs = adjoints.iter().zip(draw(2));
            let reverse: f64 = pairs
                .map(|(a, x)| reals(&**a).iter().zip(reals(&*x)).map(|(a, b)| a * b).sum::<f64>())
                .sum();
            let single = instance.scalar.contains("32");
            let tolerance = if single { 1e-3 } else { 1e-10 } * (1.0 + forward.abs());
            assert!((forward - reverse).abs() < tolerance, "{what}: {forward} {reverse}");
            ran += 1;
        }
    }
    assert!(ran > 150, "{ran}");
}

#[test]
fn a_call_by_the_types_of_the_arguments() {
    let matrix = TypeId::of::<DMatrix<f64>>();
    let (record, matmul) = by_types("matmul", &[matrix, matrix]).unwrap();
    assert_eq!(record.name, "matmul");
    let (mut a, mut b) = (dmatrix![1.0, 2.0; 3.0, 4.0], dmatrix![0.0, 1.0; 1.0, 0.0]);
    let mut c = DMatrix::zeros(0, 0);
    matmul.call(&mut [&mut a, &mut b], &mut c).unwrap();
    assert_eq!(c, dmatrix![2.0, 1.0; 4.0, 3.0]);
    assert!(matches!(by_types("matmul", &[matrix]), Err(FindError::Arity { .. })));
    let number = TypeId::of::<f64>();
    let error = by_types("matmul", &[matrix, number]).unwrap_err();
    assert!(matches!(error, FindError::Types { .. }), "{error}");
    // In place, and an adjoint that nobody wants.
    let axpy = find("axpy", 3).unwrap().instance("f64").unwrap();
    let (mut alpha, mut x, mut y) = (2.0_f64, dmatrix![1.0; 2.0], dmatrix![10.0; 20.0]);
    let pullback = axpy.reverse(&mut [&mut alpha, &mut x, &mut y], &mut [0.0_f64; 0]).unwrap();
    assert_eq!(y, dmatrix![12.0; 24.0]);
    let (mut alpha_bar, mut y_bar) = (0.0_f64, dmatrix![1.0; 1.0]);
    pullback.pull(&[0.0_f64; 0], &mut [Some(&mut alpha_bar), None, Some(&mut y_bar)]).unwrap();
    assert_eq!((alpha_bar, y_bar), (3.0, dmatrix![1.0; 1.0]));
}

/// One evaluation for several tangents, and none for a pullback whose caller kept the result.
#[test]
fn evaluations_are_kept() {
    let solve = find("solve_lower_triangular", 2).unwrap().instance("f64").unwrap();
    let (mut l, mut b) = (dmatrix![2.0, 0.0; 1.0, 4.0], dmatrix![2.0; 9.0]);
    let (mut x, mut x_dot) = (DMatrix::<f64>::zeros(0, 0), DMatrix::<f64>::zeros(0, 0));
    let pushforward = solve.pushforward(&mut [&mut l, &mut b], &mut x).unwrap();
    assert_eq!(x, dmatrix![1.0; 2.0]);
    for mut b_dot in [dmatrix![2.0; 1.0], dmatrix![0.0; 4.0]] {
        let expected = l.solve_lower_triangular(&b_dot).unwrap();
        pushforward.push(&mut [None, Some(&mut b_dot)], &mut x_dot).unwrap();
        assert_eq!(x_dot, expected);
    }
    let error = pushforward.push(&mut [None, Some(&mut dmatrix![1.0])], &mut x_dot).unwrap_err();
    assert!(error.to_string().contains("the tangent of `b` has the shape"), "{error}");
    // The result is taken as it is: this one is another's.
    let other = dmatrix![10.0; 0.0];
    let mut l_bar = DMatrix::zeros(2, 2);
    let pullback = solve.reverse_at(&mut [&mut l, &mut b], &other).unwrap();
    pullback.pull(&dmatrix![2.0; 0.0], &mut [Some(&mut l_bar), None]).unwrap();
    assert_eq!(l_bar, dmatrix![-10.0, 0.0; 0.0, 0.0]);
    let error = solve.reverse_at(&mut [&mut l, &mut b], &0_u8).unwrap_err();
    assert!(error.to_string().contains("the output has to be of the type"), "{error}");
    // A `&mut` argument is given as it was before the call, and is overwritten.
    let axpy = find("axpy", 3).unwrap().instance("f64").unwrap();
    let (mut alpha, mut x, mut y) = (2.0_f64, dmatrix![1.0; 2.0], dmatrix![10.0; 20.0]);
    let (mut nothing, mut y_dot) = ([0.0_f64; 0], dmatrix![1.0; 0.0]);
    let pushforward = axpy.pushforward(&mut [&mut alpha, &mut x, &mut y], &mut nothing).unwrap();
    assert_eq!(y, dmatrix![12.0; 24.0]);
    let mut tangents: [Option<&mut dyn Any>; 3] = [Some(&mut 1.0_f64), None, Some(&mut y_dot)];
    pushforward.push(&mut tangents, &mut [0.0_f64; 0]).unwrap();
    assert_eq!(y_dot, dmatrix![2.0; 2.0]);
    let (mut y, mut alpha_bar, mut y_bar) = (dmatrix![10.0; 20.0], 0.0_f64, dmatrix![1.0; 1.0]);
    let pullback = axpy.reverse_at(&mut [&mut alpha, &mut x, &mut y], &nothing).unwrap();
    pullback.pull(&nothing, &mut [Some(&mut alpha_bar), None, Some(&mut y_bar)]).unwrap();
    assert_eq!((y, alpha_bar), (dmatrix![12.0; 24.0], 3.0));
    // Neither rule is there for every primitive.
    let square = find("all::calls::square", 1).unwrap().instance("f64").unwrap();
    let error = square.pushforward(&mut [&mut 1.0], &mut 0.0).unwrap_err();
    assert!(matches!(error, CallError::MissingRule(_)), "{error}");
}

#[test]
fn wrong_calls_are_named() {
    let solve = find("solve_lower_triangular", 2).unwrap().instance("f64").unwrap();
    let (mut l, mut b, mut x) =
        (dmatrix![2.0, 0.0; 1.0, 4.0], dmatrix![1.0; 2.0], DMatrix::<f64>::zeros(0, 0));
    let path = "difrules_linalg::solve_lower_triangular";
    let told = |result: Result<(), CallError>| result.unwrap_err().to_string();
    let found = told(solve.call(&mut [&mut l], &mut x));
    assert_eq!(found, format!("`{path}` takes 2 arguments; here are 1 values"));
    let found = told(solve.call(&mut [&mut l, &mut dvector![1.0, 2.0]], &mut x));
    assert!(
        found.contains("argument `b` has to be of the type") && found.contains("Matrix<f64"),
        "{found}"
    );
    let found = told(solve.call(&mut [&mut l, &mut b], &mut 0_u8));
    assert!(found.contains("the output has to be of the type"), "{found}");
    let mut tangent = DMatrix::<f64>::zeros(1, 1);
    let mut x_dot = DMatrix::<f64>::zeros(0, 0);
    let found = told(solve.forward(
        &mut [&mut l, &mut b],
        &mut [None, Some(&mut tangent)],
        &mut x,
        &mut x_dot,
    ));
    assert!(
        found.contains("the tangent of `b` has the shape 1 x 1, but its value has 2 x 1"),
        "{found}"
    );
    // The primitive's own error comes with its type.
    let error = solve.call(&mut [&mut l, &mut dmatrix![1.0]], &mut x).unwrap_err();
    let CallError::Failed { error, text, .. } = error else { panic!("{error}") };
    assert!(error.downcast_ref::<Error>().is_some(), "{text}");
    let pullback = solve.reverse(&mut [&mut l, &mut b], &mut x).unwrap();
    let found = told(pullback.pull(&dmatrix![1.0], &mut [None, None]));
    assert!(found.contains("the cotangent has the shape"), "{found}");
    let found = told(pullback.pull(&x, &mut [None]));
    assert!(found.contains("takes 2 arguments; here are 1 adjoints"), "{found}");
    let square = find("all::calls::square", 1).unwrap().instance("f64").unwrap();
    let error = square.forward(&mut [&mut 1.0], &mut [None], &mut 0.0, &mut 0.0).unwrap_err();
    let CallError::MissingRule(missing) = error else { panic!("{error}") };
    assert_eq!((missing.primitive, missing.mode), ("all::calls::square", Mode::Forward));
}
