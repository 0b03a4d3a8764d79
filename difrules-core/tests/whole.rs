//! Values that stay in one piece: the same numbers as those of calls on entries, in every mode.

use difrules_core::contract::{Adjoint, Elementwise, Over};
use difrules_core::registry::by_path;
use difrules_core::testing::check;
use difrules_core::{
    Differentiable, Dual, Real, Recording, ReplayError, Scalar, Slot, Var, Whole, checkpointed,
    gradient, hessian, hvp, jacobian, jacobian_reverse, jvp, math, primitive, value_and_gradient,
    vjp,
};
use nalgebra::{
    Complex, DMatrix, DMatrixView, DVector, Matrix2, convert, dmatrix, dvector, matrix, vector,
};

/// The shapes do not fit.
#[derive(Debug, PartialEq)]
struct Misfit;

/// A B.
#[primitive(
    forward = |a, b, _, a_dot, b_dot| a_dot * b + a * b_dot,
    reverse = |a, b, _, y_bar| (&y_bar * b.adjoint(), a.adjoint() * &y_bar),
    instances(f64, Complex<f64>),
    sample = |random| (random.matrix(2, 3), random.matrix(3, 2)),
)]
fn product<T: Scalar>(a: &DMatrix<T>, b: &DMatrix<T>) -> Result<DMatrix<T>, Misfit> {
    if a.ncols() == b.nrows() { Ok(a * b) } else { Err(Misfit) }
}

/// C <- alpha A + C, with a view of any storage.
#[primitive(
    forward = |alpha, a, _, _, alpha_dot, a_dot, c_dot| *c_dot += a_dot * alpha + a * alpha_dot,
    reverse = add_to_reverse,
    reads(alpha, a),
    instances(f64),
    sample = |random| (random.normal(), random.matrix(2, 2), random.matrix(2, 2)),
)]
fn add_to<T: Real>(alpha: T, a: DMatrixView<'_, T>, c: &mut DMatrix<T>) {
    *c += a * alpha;
}

fn add_to_reverse<T: Real>(
    alpha: T,
    a: &DMatrix<T>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, DMatrix<T>>,
    c_bar: Adjoint<'_, DMatrix<T>>,
) {
    alpha_bar.add(|| a.dot(&c_bar));
    a_bar.add(|| &c_bar * alpha);
}

/// The inner product, whose forward rule says which arguments vary, by adding to the tangent.
#[primitive(
    forward = |a, b, _, a_dot, b_dot| {
        let by = |dot: Option<&DVector<T>>, other: &DVector<T>, mark: f64| {
            dot.map_or(T::zero(), |dot| dot.dot(other) + convert::<f64, T>(mark))
        };
        by(a_dot, b, 1000.0) + by(b_dot, a, 2000.0)
    },
    optional(a, b),
    instances(f64),
)]
fn marked<T: Real>(a: &DVector<T>, b: &DVector<T>) -> T {
    a.dot(b)
}

/// The same function in two primitives: A + A^T, and the trace.
#[derive(Clone, Differentiable)]
struct Halves<T: Real> {
    symmetric: DMatrix<T>,
    trace: T,
}

#[primitive(
    forward = |_, _, a_dot| Halves { symmetric: a_dot + a_dot.transpose(), trace: a_dot.trace() },
    reverse = |_, _, (symmetric, trace)| {
        let identity = DMatrix::identity(symmetric.nrows(), symmetric.ncols());
        &symmetric + symmetric.transpose() + identity * trace
    },
    instances(f64),
    sample = |random| random.matrix(2, 2),
)]
fn halves<T: Real>(a: &DMatrix<T>) -> Halves<T> {
    Halves { symmetric: a + a.transpose(), trace: a.trace() }
}

/// The sum of all entries of all matrices, weighted by a structure's numbers.
#[primitive(
    forward = |all, weights, _, all_dot, weights_dot| {
        all.iter().zip(all_dot).fold(weights_dot.0, |sum, (a, a_dot)| {
            sum + a_dot.sum() * weights.1 + a.sum() * weights_dot.1
        })
    },
    reverse = |all, weights, _, y_bar| {
        let like = |a: &DMatrix<T>| DMatrix::repeat(a.nrows(), a.ncols(), y_bar * weights.1);
        let sum = all.iter().fold(T::zero(), |sum, a| sum + a.sum());
        (all.iter().map(like).collect::<Vec<_>>(), (y_bar, y_bar * sum))
    },
    instances(f64),
    sample = |random| (vec![random.matrix(1, 2), random.matrix(2, 1)], (random.normal(), random.normal())),
)]
fn total<T: Real>(all: &[DMatrix<T>], weights: &(T, T)) -> T {
    all.iter().fold(weights.0, |sum, a| sum + a.sum() * weights.1)
}

/// A plain function of doubles.
#[primitive(
    forward = |x, _, x_dot| x.component_mul(x_dot) * 2.0,
    reverse = |x, _, y_bar| x.component_mul(&y_bar) * 2.0,
    sample = |random| random.vector(3),
)]
fn plain_squares(x: &DVector<f64>) -> DVector<f64> {
    x.component_mul(x)
}

#[test]
fn the_rules_hold() {
    for name in ["product", "add_to", "halves", "total", "plain_squares"] {
        let record = by_path(&format!("all::whole::{name}")).unwrap();
        check(record).assert();
    }
}

/// A program on entries, and the same in one piece.
fn entries<T: Real>(a: &DMatrix<T>, x: T, w: &DMatrix<T>) -> T {
    let mut c = product(a, &product(w, a).unwrap()).unwrap();
    let square = product(a, a).unwrap();
    add_to(x, DMatrixView::from(&square), &mut c);
    let Halves { symmetric, trace } = halves(&c);
    total(&[symmetric, c], &(trace * x, x))
}

fn pieces<T: Real>(a: &Whole<DMatrix<T>>, x: T, w: &DMatrix<f64>) -> T {
    let mut c = product::whole(a, &product::whole(w, a).unwrap()).unwrap();
    add_to::whole(x, &product::whole(a, a).unwrap(), &mut c);
    let (symmetric, trace) = halves::whole(&c);
    let all = Whole::gather(vec![symmetric.entries(), c.entries()]);
    total::whole::<T>(&all, &Whole::gather((trace * x, x)))
}

fn point() -> (DMatrix<f64>, f64) {
    (dmatrix![0.5, -1.0; 2.0, 0.25], 1.5)
}

fn weights() -> DMatrix<f64> {
    dmatrix![1.0, 0.5; -0.5, 2.0]
}

fn lifted<T: Real>() -> DMatrix<T> {
    weights().map(convert)
}

fn whole_point() -> (Whole<DMatrix<f64>>, f64) {
    let (a, x) = point();
    (Whole::gather(a), x)
}

#[test]
fn every_transform_gives_the_same_digits() {
    let w = &weights();
    let (at, whole_at) = (point(), whole_point());
    let value = entries(&at.0, at.1, &lifted());
    assert_eq!(pieces(&whole_at.0, whole_at.1, w), value);

    let (y, (by_a, by_x)) = value_and_gradient(|(a, x)| entries(a, *x, &lifted()), &at);
    let (whole_y, (by_whole, by_whole_x)) =
        value_and_gradient(|(a, x)| pieces(a, *x, w), &whole_at);
    assert_eq!((whole_y, by_whole.entries(), by_whole_x), (y, by_a, by_x));

    let direction = (dmatrix![1.0, 0.0; -1.0, 2.0], 0.5);
    let whole_direction = (Whole::gather(direction.0.clone()), direction.1);
    let found = jvp(|(a, x)| pieces(a, *x, w), &whole_at, &whole_direction);
    assert_eq!(found, jvp(|(a, x)| entries(a, *x, &lifted()), &at, &direction));

    let (by_a, by_x) = hvp(|(a, x)| entries(a, *x, &lifted()), &at, &direction);
    let (by_whole, by_whole_x) = hvp(|(a, x)| pieces(a, *x, w), &whole_at, &whole_direction);
    assert_eq!((by_whole.entries(), by_whole_x), (by_a, by_x));

    let found = hessian(|(a, x)| pieces(a, *x, w), &whole_at);
    assert_eq!(found, hessian(|(a, x)| entries(a, *x, &lifted()), &at));
    let square = |a: &Whole<DMatrix<Dual<f64, 4>>>| product::whole(a, a);
    let expected = jacobian(|a| product(a, a), &at.0).unwrap();
    assert_eq!(jacobian(square, &whole_at.0).unwrap(), expected);
    let found = jacobian_reverse(|a: &Whole<DMatrix<Var<f64>>>| product::whole(a, a), &whole_at.0);
    assert_eq!(found.unwrap(), jacobian_reverse(|a| product(a, a), &at.0).unwrap());
    let (y, a_bar) = vjp(|a| product(a, a), &at.0, w).unwrap();
    let run = |a: &Whole<DMatrix<Var<f64>>>| product::whole(a, a);
    let (whole_y, whole_bar) = vjp(run, &whole_at.0, &Whole::gather(w.clone())).unwrap();
    assert_eq!((whole_y.entries(), whole_bar.entries()), (y, a_bar));
}

#[test]
fn modes_nest() {
    let (at, whole_at) = (point(), whole_point());
    let w = &weights();
    // The third derivative: a Hessian's product, differentiated.
    let by_entries = gradient(
        |(a, x)| {
            let direction = (a.map(|_| convert(1.0)), Var::constant(0.0));
            hvp(|(a, x)| entries(a, *x, &lifted()), &(a.clone(), *x), &direction).1
        },
        &at,
    );
    let by_pieces = gradient(
        |(a, x): &(Whole<DMatrix<Var<f64>>>, Var<f64>)| {
            let ones = Whole::gather(DMatrix::repeat(2, 2, Var::constant(1.0)));
            let direction = (ones, Var::constant(0.0));
            hvp(|(a, x)| pieces(a, *x, w), &(a.clone(), *x), &direction).1
        },
        &whole_at,
    );
    assert_eq!((by_pieces.0.entries(), by_pieces.1), by_entries);
}

#[test]
fn a_tangent_is_there_only_where_its_argument_varies() {
    let (a, b) = (dvector![1.0, 2.0], dvector![3.0, 0.5]);
    let constant = |x: &DVector<f64>| x.map(Dual::constant);
    let (by_a, by_b) = (3.5 + 1000.0, 3.0 + 2000.0);
    let one = dvector![1.0, 1.0];
    assert_eq!(jvp(|a| marked(a, &constant(&b)), &a, &one), (4.0, by_a));
    assert_eq!(jvp(|b| marked(&constant(&a), b), &b, &one), (4.0, by_b));
    assert_eq!(
        jvp(|(a, b)| marked(a, b), &(a.clone(), b.clone()), &(one.clone(), one.clone())),
        (4.0, by_a + by_b)
    );
    let (whole, ones) = (Whole::gather(a.clone()), Whole::gather(one));
    assert_eq!(jvp(|a| marked::whole(a, &b), &whole, &ones), (4.0, by_a));
    // A point of which a part stands still.
    let point = (whole, Whole::gather(b));
    let still = (ones, Whole::gather(dvector![0.0, 0.0]));
    assert_eq!(jvp(|(a, b)| marked::whole(a, b), &point, &still), (4.0, by_a));
    assert_eq!(jvp(|a| marked(a, a), &a, &dvector![0.0, 0.0]), (5.0, 0.0));
}

#[test]
fn errors_pass_unchanged() {
    let found = gradient(
        |a: &Whole<DMatrix<Var<f64>>>| {
            let row = dmatrix![1.0, 2.0, 3.0];
            product::whole(a, &row).map(|y| y.entries().sum())
        },
        &whole_point().0,
    );
    assert_eq!(found.err(), Some(Misfit));
}

#[test]
fn recordings_and_checkpoints_take_what_is_whole() {
    let w = weights();
    let run = |(a, x): &(Whole<DMatrix<Var<f64>>>, Var<f64>)| pieces(a, *x, &weights());
    let mut recording = Recording::new(run, &whole_point());
    let elsewhere = (Whole::gather(dmatrix![1.0, 0.5; 0.25, -1.0]), -0.5);
    let mut found = elsewhere.clone();
    let y = recording.value_and_gradient(&elsewhere, &mut found).unwrap();
    let (expected, by) = value_and_gradient(|(a, x)| pieces(a, *x, &w), &elsewhere);
    assert_eq!((y, found.0.entries(), found.1), (expected, by.0.entries(), by.1));

    // A result that is whole, and one that failed where it was recorded.
    let run = |a: &Whole<DMatrix<Var<f64>>>| product::whole(a, a).unwrap();
    let mut recording = Recording::new(run, &whole_point().0);
    let at = &elsewhere.0;
    assert_eq!(recording.value(at).unwrap().entries(), at.entries() * at.entries());
    let looked = |a: &Whole<DMatrix<Var<f64>>>| match product::whole(a, &dmatrix![1.0]) {
        Ok(y) => y.entries()[0],
        Err(Misfit) => a.entries()[0],
    };
    let mut recording = Recording::new(looked, &whole_point().0);
    assert!(matches!(recording.value(at), Err(ReplayError::Read { .. })));

    let loops = |a: &Whole<DMatrix<Var<f64>>>| {
        let start = Whole::<DMatrix<Var<f64>>>::constant(DMatrix::identity(2, 2));
        checkpointed(7, &start, a, |_, state, a| product::whole(state, a).unwrap())
            .entries()
            .trace()
    };
    let plain = |a: &DMatrix<Var<f64>>| {
        (0..7).fold(DMatrix::identity(2, 2), |state, _| product(&state, a).unwrap()).trace()
    };
    assert_eq!(gradient(loops, &whole_point().0).entries(), gradient(plain, &point().0));
    let mut recording = Recording::new(loops, &whole_point().0);
    let mut found = at.clone();
    recording.value_and_gradient(at, &mut found).unwrap();
    assert_eq!(found.entries(), gradient(plain, &at.entries()));
}

/// Parameters that stay in one piece.
#[derive(Clone, Differentiable)]
struct Layer<T: Real> {
    weights: Whole<DMatrix<T>>,
    bias: T,
    #[constant]
    name: String,
}

fn energy<T: Real>(layers: &[Layer<T>]) -> T {
    layers.iter().fold(T::zero(), |sum, layer| {
        assert!(layer.name.starts_with("layer"));
        let square = product::whole(&layer.weights, &layer.weights).unwrap();
        sum + square.entries().trace() * layer.bias
    })
}

#[test]
fn structures_hold_what_is_whole() {
    let layer = |weights: DMatrix<f64>, bias, name: &str| Layer {
        weights: Whole::gather(weights),
        bias,
        name: name.into(),
    };
    let (first, second) = (point().0, dmatrix![3.0]);
    let layers = vec![layer(first.clone(), 0.5, "layer 1"), layer(second, 2.0, "layer 2")];
    let slopes = gradient(|layers| energy(layers), &layers);
    assert_eq!(slopes[0].weights.entries(), first.transpose() * (2.0 * 0.5));
    assert_eq!(slopes[0].bias, (&first * &first).trace());
    assert_eq!((slopes[1].weights.entries(), slopes[1].bias), (dmatrix![12.0], 9.0));
    assert_eq!(slopes[1].name, "layer 2");
    // A structure in one piece comes apart into a tuple of its fields.
    let (weights, bias) = Whole::gather(layers[0].clone()).into_parts();
    assert_eq!((weights.entries(), bias), (first, 0.5));
}

#[test]
fn a_plain_function_is_called_in_a_mode() {
    fn energy<T: Over<f64>>(x: &Whole<DVector<T>>) -> T {
        plain_squares::whole::<T>(x).entries().sum()
    }
    let x = Whole::gather(dvector![1.0, -2.0, 3.0]);
    assert_eq!(energy(&x), 14.0);
    assert_eq!(gradient(energy, &x).entries(), dvector![2.0, -4.0, 6.0]);
    assert_eq!(jvp(energy, &x, &x), (14.0, 28.0));
}

#[test]
fn complex_numbers_stay_in_one_piece() {
    let a = DMatrix::from_fn(2, 2, |i, j| Complex::new(i as f64 + 1.0, j as f64 - 0.5));
    let energy = |a: &Whole<DMatrix<Complex<Var<f64>>>>| -> Var<f64> {
        product::whole(a, a)
            .unwrap()
            .entries()
            .iter()
            .map(|x| x.norm_sqr())
            .fold(Var::constant(0.0), |sum, x| sum + x)
    };
    let by_entries = gradient(
        |a| {
            product(a, a)
                .unwrap()
                .iter()
                .map(|x| x.norm_sqr())
                .fold(Var::constant(0.0), |s, x| s + x)
        },
        &a,
    );
    assert_eq!(gradient(energy, &Whole::gather(a)).entries(), by_entries);
}

#[test]
fn pieces_of_many_kinds_are_put_together() {
    // Entries that are constants, and numbers of the tape in any order.
    let found = gradient(
        |x: &nalgebra::Vector2<Var<f64>>| {
            let a = matrix![x[1], Var::constant(2.0); x[0] * x[1], x[0]];
            let whole = Whole::gather(DMatrix::from_iterator(2, 2, a.iter().copied()));
            product::whole(&whole, &whole).unwrap().entries().sum()
        },
        &vector![3.0, 5.0],
    );
    let expected = gradient(
        |x: &nalgebra::Vector2<Var<f64>>| {
            let a = matrix![x[1], Var::constant(2.0); x[0] * x[1], x[0]];
            (a * a).sum()
        },
        &vector![3.0, 5.0],
    );
    assert_eq!(found, expected);
    // More numbers than a primitive has arguments.
    let many: Vec<f64> = (0..600).map(f64::from).collect();
    let slopes = gradient(
        |x: &Vec<Var<f64>>| {
            let parts = x.iter().rev().map(|x| DMatrix::from_element(1, 1, *x)).collect();
            let weights = (Var::constant(0.0), Var::constant(2.0));
            total::whole::<Var<f64>>(&Whole::gather(parts), &Whole::gather(weights))
        },
        &many,
    );
    assert_eq!(slopes, vec![2.0; 600]);
}

#[test]
fn scalar_primitives_have_a_name_for_all_kinds() {
    fn slope<P: Elementwise<f64>>() -> &'static str {
        <P::At as difrules_core::contract::Primitive>::record().name
    }
    assert_eq!((slope::<math::tanh>(), slope::<math::hypot>()), ("tanh", "hypot"));
    assert_eq!(<Matrix2<f64> as Differentiable>::count(&(nalgebra::U2, nalgebra::U2)), 4);
}
