//! What allocates: nothing at static sizes, and `cholesky` no more than its products.

use crate::{ALLOCATIONS, ALONE};
use difrules_core::contract::passing::Arguments;
use difrules_core::contract::{Inputs, Primitive, Room};
use difrules_core::testing::Sampler;
use difrules_core::{Differentiable, Scalar, Slot};
use difrules_gemm::keeps_memory;
use difrules_linalg::{
    Diagonal, Operation, Side, Triangle, asum, bidiagonal, cholesky, cholesky_solve, col_piv_qr,
    complex_eigenvalues, condition_number, determinant, eigen, full_piv_lu, gemm, gemv,
    generalized_symmetric_eigen, ger, gerc, hemm, hemv, her, her2k, herk, hessenberg, inverse,
    lblt, lblt_solve, ln_abs_determinant, ln_determinant, lp_norm, lq, lstsq, lu, lu_solve, norm,
    norm_inf, normalize, nuclear_norm, one_norm, polar, pseudo_inverse, qr, rot, scal, schur,
    singular_values, solve, solve_lower_triangular, solve_triangular, solve_upper_triangular,
    spectral_norm, svd, symm, symmetric_eigen, symmetric_eigenvalues, symmetric_tridiagonal, symv,
    syr, syr2k, syrk, toeplitz_solve, tridiagonal_solve, trmm, trmv, trsm, trsv, udu, udu_solve,
};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, DMatrix, DefaultAllocator, DimName, Dyn, OMatrix, U1, U2, U3, U4, convert,
};

/// Counts what a primitive allocates at plain numbers: the call, the forward rule and the reverse rule.
fn allocations<P: Primitive>(name: &str, inputs: Inputs<P, f64>, wrong: &mut Vec<String>) {
    let mut tangents = P::Arguments::map::<f64, f64>(&inputs, &mut |_, x| x + 1.0);
    let mut again = P::Arguments::map::<f64, f64>(&inputs, &mut |_, x| x);
    let arguments = P::Arguments::IN_PLACE.len();
    let mut adjoints = [const { Vec::new() }; 8];
    P::Arguments::map::<f64, f64>(&inputs, &mut |argument, x| {
        adjoints[argument].push(0.0);
        x
    });
    let mut slots = [const { None }; 8];
    for (slot, adjoint) in slots.iter_mut().zip(&mut adjoints) {
        *slot = Some(Room::from(&mut adjoint[..]));
    }
    let mut count = |what: &str, before: usize| {
        let count = ALLOCATIONS.get() - before;
        if count > 0 {
            wrong.push(format!("{name}, {what}: {count}"));
        }
    };
    let now = || ALLOCATIONS.get();
    let before = now();
    assert!(
        P::into_result::<f64>(P::primal::<f64>(P::Arguments::lend(&mut again))).is_ok(),
        "{name}"
    );
    count("call", before);
    let Ok(evaluation) = P::evaluate::<f64>(inputs) else { panic!("{name}") };
    let before = now();
    let output = P::forward(&evaluation, &mut tangents);
    count("forward", before);
    let mut outputs = output.to_reals();
    P::Arguments::map::<f64, f64>(&tangents, &mut |argument, x| {
        if P::Arguments::IN_PLACE[argument] {
            outputs.push(x);
        }
        x
    });
    let shapes = P::shapes(&evaluation);
    let residual = P::residual(evaluation);
    let before = now();
    P::reverse(&residual, &shapes, &mut outputs, &mut slots[..arguments]);
    count("reverse", before);
}

fn any<T: Scalar, R: DimName, C: DimName>(random: &mut Sampler) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    OMatrix::from_fn_generic(R::name(), C::name(), |_, _| random.normal())
}

fn definite<T: Scalar>(random: &mut Sampler) -> OMatrix<T, U4, U4> {
    let a: OMatrix<T, U4, U4> = any(random);
    a * a.adjoint() + OMatrix::<T, U4, U4>::identity()
}

fn static_sizes<T: Scalar<Real = f64>>(scalar: &str, wrong: &mut Vec<String>) {
    let mut random = Sampler::new(1, 1);
    let r = &mut random;
    macro_rules! count {
        ($($primitive:ident<$($dimension:ident),*>($($argument:expr),*);)*) => {$(
            let name = concat!(stringify!($primitive), " ", $(stringify!($dimension)),*);
            let inputs = ($($argument,)*);
            allocations::<$primitive<T::Kind, $($dimension),*>>(&format!("{name} at {scalar}"), inputs, wrong);
        )*};
    }
    let (lower, general) = (Triangle::Lower, Diagonal::General);
    let singular_free = definite::<T>(r);
    count! {
        cholesky<U4>(definite::<T>(r));
        lu<U4, U4>(any::<T, U4, U4>(r));
        lu<U4, U3>(any::<T, U4, U3>(r));
        full_piv_lu<U3, U4>(any::<T, U3, U4>(r));
        qr<U4, U4>(any::<T, U4, U4>(r));
        qr<U4, U3>(any::<T, U4, U3>(r));
        qr<U3, U4>(any::<T, U3, U4>(r));
        lq<U3, U4>(any::<T, U3, U4>(r));
        col_piv_qr<U4, U3>(any::<T, U4, U3>(r));
        svd<U4, U4>(any::<T, U4, U4>(r));
        svd<U4, U3>(any::<T, U4, U3>(r));
        svd<U3, U4>(any::<T, U3, U4>(r));
        singular_values<U4, U4>(any::<T, U4, U4>(r));
        symmetric_eigen<U4>(definite::<T>(r));
        symmetric_eigenvalues<U4>(definite::<T>(r));
        generalized_symmetric_eigen<U4>(definite::<T>(r), definite::<T>(r));
        eigen<U4>(any::<T, U4, U4>(r));
        complex_eigenvalues<U4>(any::<T, U4, U4>(r));
        schur<U4>(any::<T, U4, U4>(r));
        hessenberg<U4>(any::<T, U4, U4>(r));
        bidiagonal<U4, U3>(any::<T, U4, U3>(r));
        bidiagonal<U3, U4>(any::<T, U3, U4>(r));
        symmetric_tridiagonal<U4>(definite::<T>(r));
        polar<U4, U4>(any::<T, U4, U4>(r));
        polar<U4, U3>(any::<T, U4, U3>(r));
        polar<U3, U4>(any::<T, U3, U4>(r));
        udu<U4>(definite::<T>(r));
        lblt<U4>(definite::<T>(r));
        inverse<U4>(any::<T, U4, U4>(r));
        pseudo_inverse<U4, U3>(any::<T, U4, U3>(r));
        solve<U4, U2>(any::<T, U4, U4>(r), any::<T, U4, U2>(r));
        solve_lower_triangular<U4, U2>(singular_free, any::<T, U4, U2>(r));
        solve_upper_triangular<U4, U2>(singular_free, any::<T, U4, U2>(r));
        cholesky_solve<U4, U2>(singular_free, any::<T, U4, U2>(r));
        lstsq<U4, U3, U2>(any::<T, U4, U3>(r), any::<T, U4, U2>(r));
        lstsq<U3, U4, U2>(any::<T, U3, U4>(r), any::<T, U3, U2>(r));
        determinant<U4>(any::<T, U4, U4>(r));
        ln_determinant<U4>(definite::<T>(r));
        ln_abs_determinant<U4>(any::<T, U4, U4>(r));
        norm<U4, U3>(any::<T, U4, U3>(r));
        one_norm<U4, U3>(any::<T, U4, U3>(r));
        norm_inf<U4, U3>(any::<T, U4, U3>(r));
        lp_norm<U4, U3>(any::<T, U4, U3>(r), 3.0);
        spectral_norm<U4, U3>(any::<T, U4, U3>(r));
        nuclear_norm<U4, U3>(any::<T, U4, U3>(r));
        condition_number<U4, U3>(any::<T, U4, U3>(r));
        normalize<U4, U3>(any::<T, U4, U3>(r));
        udu_solve<U4, U2>(udu(&definite::<T>(r)).unwrap(), any::<T, U4, U2>(r));
        lblt_solve<U4, U2>(lblt(&definite::<T>(r)).unwrap(), any::<T, U4, U2>(r));
        asum<U4, U3>(any::<T, U4, U3>(r));
        scal<U4, U3>(r.normal(), any::<T, U4, U3>(r));
        rot<U4, U3>(any::<T, U4, U3>(r), any::<T, U4, U3>(r), 0.6, r.normal());
        ger<U4, U3>(r.normal(), any::<T, U4, U1>(r), any::<T, U3, U1>(r), any::<T, U4, U3>(r));
        gerc<U4, U3>(r.normal(), any::<T, U4, U1>(r), any::<T, U3, U1>(r), any::<T, U4, U3>(r));
        symv<U4>(lower, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U1>(r), r.normal(), any::<T, U4, U1>(r));
        hemv<U4>(lower, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U1>(r), r.normal(), any::<T, U4, U1>(r));
        syr<U4>(lower, r.normal(), any::<T, U4, U1>(r), any::<T, U4, U4>(r));
        her<U4>(lower, 0.7, any::<T, U4, U1>(r), any::<T, U4, U4>(r));
        symm<U4, U4, U3>(Side::Left, lower, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U3>(r), r.normal(), any::<T, U4, U3>(r));
        hemm<U3, U4, U3>(Side::Right, lower, r.normal(), any::<T, U3, U3>(r), any::<T, U4, U3>(r), r.normal(), any::<T, U4, U3>(r));
        toeplitz_solve<U4, U2>(any::<T, U4, U1>(r), any::<T, U4, U1>(r), any::<T, U4, U2>(r));
    }
    for operation in [Operation::None, Operation::Transpose, Operation::Adjoint] {
        count! {
            lu_solve<U4, U2>(operation, lu(&any::<T, U4, U4>(r)).unwrap(), any::<T, U4, U2>(r));
            gemv<U4, U4, U4, U4>(operation, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U1>(r), r.normal(), any::<T, U4, U1>(r));
            gemm<U4, U4, U4, U2, U4, U2>(operation, Operation::None, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U2>(r), r.normal(), any::<T, U4, U2>(r));
            syrk<U4, U4, U4>(lower, operation, r.normal(), any::<T, U4, U4>(r), r.normal(), any::<T, U4, U4>(r));
            herk<U4, U4, U4>(lower, operation, 0.7, any::<T, U4, U4>(r), 0.3, any::<T, U4, U4>(r));
            syr2k<U4, U4, U4>(lower, operation, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U4>(r), r.normal(), any::<T, U4, U4>(r));
            her2k<U4, U4, U4>(lower, operation, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U4>(r), 0.3, any::<T, U4, U4>(r));
            trmm<U4, U4, U3>(Side::Left, lower, operation, general, r.normal(), any::<T, U4, U4>(r), any::<T, U4, U3>(r));
            trmm<U3, U4, U3>(Side::Right, lower, operation, Diagonal::Unit, r.normal(), any::<T, U3, U3>(r), any::<T, U4, U3>(r));
            trsm<U4, U4, U3>(Side::Left, lower, operation, general, r.normal(), singular_free, any::<T, U4, U3>(r));
            trmv<U4>(lower, operation, general, any::<T, U4, U4>(r), any::<T, U4, U1>(r));
            trsv<U4>(lower, operation, general, singular_free, any::<T, U4, U1>(r));
            solve_triangular<U4, U2>(lower, operation, general, singular_free, any::<T, U4, U2>(r));
        }
    }
    let diagonals: [OMatrix<T, U4, U1>; 3] = [any(r), any(r), any(r)];
    count! {
        tridiagonal_solve<U4, U2>(diagonals[0], diagonals[1], diagonals[2], any::<T, U4, U2>(r));
    }
}

/// BLAS of level 3 in the memory that its arguments have, at sizes of several blocks.
fn products<T: Scalar<Real = f64>>(scalar: &str, wrong: &mut Vec<String>) {
    let mut random = Sampler::new(1, 1);
    let n = 70;
    let lower = Triangle::Lower;
    let mut count = || {
        let mut found = Vec::new();
        let mut any = || random.matrix::<T>(n, n);
        for (operation, side) in [
            (Operation::None, Side::Left),
            (Operation::Transpose, Side::Right),
            (Operation::Adjoint, Side::Left),
        ] {
            let general = Diagonal::General;
            let singular_free = any() + DMatrix::identity(n, n) * convert::<f64, T>(20.0);
            let (alpha, beta): (T, T) = (convert(0.7), convert(0.3));
            macro_rules! count {
                ($($primitive:ident<$($dimension:ident),*>($($argument:expr),*);)*) => {$(
                    let name = format!("{} {operation:?} {side:?} at {scalar}, n = {n}", stringify!($primitive));
                    let inputs = ($($argument,)*);
                    allocations::<$primitive<T::Kind, $($dimension),*>>(&name, inputs, &mut found);
                )*};
            }
            count! {
                gemm<Dyn, Dyn, Dyn, Dyn, Dyn, Dyn>(operation, Operation::None, alpha, any(), any(), beta, any());
                gemm<Dyn, Dyn, Dyn, Dyn, Dyn, Dyn>(operation, Operation::Transpose, alpha, any(), any(), beta, any());
                symm<Dyn, Dyn, Dyn>(side, lower, alpha, any(), any(), beta, any());
                hemm<Dyn, Dyn, Dyn>(side, lower, alpha, any(), any(), beta, any());
                syrk<Dyn, Dyn, Dyn>(lower, operation, alpha, any(), beta, any());
                herk<Dyn, Dyn, Dyn>(lower, operation, 0.7, any(), 0.3, any());
                syr2k<Dyn, Dyn, Dyn>(lower, operation, alpha, any(), any(), beta, any());
                her2k<Dyn, Dyn, Dyn>(lower, operation, alpha, any(), any(), 0.3, any());
                trmm<Dyn, Dyn, Dyn>(side, lower, operation, general, alpha, any(), any());
                trsm<Dyn, Dyn, Dyn>(side, lower, operation, general, alpha, singular_free, any());
            }
        }
        found
    };
    // The first round has to find memory that stays.
    count();
    wrong.extend(count());
}

// One test in this file: another thread's allocations would be counted too.
#[test]
fn rules_allocate_nothing_of_their_own() {
    let _alone = ALONE.lock();
    let mut wrong = Vec::new();
    static_sizes::<f64>("f64", &mut wrong);
    static_sizes::<Complex<f64>>("Complex<f64>", &mut wrong);
    if keeps_memory() {
        products::<f64>("f64", &mut wrong);
        products::<Complex<f64>>("Complex<f64>", &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    reverse_cholesky();
}

fn reverse_cholesky() {
    let most_of_large = if keeps_memory() { 0 } else { 64 };
    for (size, most) in [(1, 0), (4, 0), (10, 0), (100, most_of_large)] {
        let factor = DMatrix::from_fn(size, size, |i, j| ((i * 7 + j * 13) % 11) as f64);
        let a = &factor * factor.transpose() + DMatrix::identity(size, size) * 10.0;
        let l = cholesky(&a).expect("positive definite");
        let shape = Differentiable::shape(&a);
        let mut l_bar = factor.clone();
        let mut a_bar = DMatrix::<f64>::zeros(size, size);
        // The first round has to find memory that stays.
        let allocations = [(); 2].map(|()| {
            let before = ALLOCATIONS.get();
            let cotangent = DMatrix::as_cotangent(&shape, l_bar.as_mut_slice());
            cholesky::reverse(&l, cotangent, Slot::new(&shape, Some(a_bar.as_mut_slice())));
            ALLOCATIONS.get() - before
        })[1];
        // Where the products are matrixmultiply's, it allocates a workspace for each; nothing else does.
        assert!(allocations <= most, "{allocations} allocations at n = {size}");
    }
}
