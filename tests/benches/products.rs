//! `matmul` on variables, recording and sweep, against the plain products of nalgebra:
//! `cargo bench --bench products`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use difrules_core::testing::Sampler;
use difrules_core::{Real, value_and_gradient, vjp};
use difrules_linalg::{Error, matmul, sum};
use difrules_tests::compare;
use nalgebra::{DMatrix, Matrix4};

/// Counts the allocations.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)] // A global allocator is unsafe by its trait; this one hands everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    large();
    small();
}

/// One product of large matrices: three plain products are what value and sweep need.
fn large() {
    const SIZE: usize = 256;
    let mut random = Sampler::new(1, 1);
    let point: (DMatrix<f64>, DMatrix<f64>) =
        (random.matrix(SIZE, SIZE), random.matrix(SIZE, SIZE));
    let (a, b) = &point;
    let c_bar: DMatrix<f64> = random.matrix(SIZE, SIZE);
    let ours = || vjp(|(a, b)| matmul(a, b), &point, &c_bar).expect("they fit");

    let (c, (a_bar, b_bar)) = ours();
    assert!((c - a * b).norm() < 1e-9);
    assert!((a_bar - &c_bar * b.transpose()).norm() < 1e-9);
    assert!((b_bar - a.tr_mul(&c_bar)).norm() < 1e-9);

    let mut ours = || {
        black_box(ours());
    };
    // The fastest way of nalgebra, which has no fast product of a transposed matrix: nothing is
    // allocated, and the transposes are copies.
    let mut outputs = [(); 3].map(|()| DMatrix::zeros(SIZE, SIZE));
    let mut transposed = DMatrix::zeros(SIZE, SIZE);
    let mut products = || {
        let [c, a_bar, b_bar] = &mut outputs;
        c.gemm(1.0, black_box(a), black_box(b), 0.0);
        b.transpose_to(&mut transposed);
        a_bar.gemm(1.0, &c_bar, &transposed, 0.0);
        a.transpose_to(&mut transposed);
        b_bar.gemm(1.0, &transposed, &c_bar, 0.0);
        black_box(&outputs);
    };
    let mut written = || {
        black_box((black_box(a) * black_box(b), &c_bar * b.transpose(), a.tr_mul(&c_bar)));
    };
    let name = format!("value and sweep of matmul, n = {SIZE}");
    compare(&name, Some(1.5), ("ours", &mut ours), ("three products", &mut products));
    compare(&name, None, ("ours", &mut ours), ("three products as written", &mut written));
}

/// The product of all factors.
fn chain<T: Real>(factors: &[Matrix4<T>]) -> Result<T, Error> {
    let (first, others) = factors.split_first().expect("at least one");
    let mut product = *first;
    for factor in others {
        product = matmul(&product, factor)?;
    }
    Ok(sum(&product))
}

/// Value and gradient of the chain as one would write them for it alone: no tape, nothing general.
fn by_hand(factors: &[Matrix4<f64>]) -> (f64, Vec<Matrix4<f64>>) {
    let mut products = Vec::with_capacity(factors.len());
    products.push(factors[0]);
    for factor in &factors[1..] {
        products.push(products[products.len() - 1] * factor);
    }
    let mut product_bar = Matrix4::repeat(1.0);
    let mut by_factors = vec![product_bar; factors.len()];
    for i in (1..factors.len()).rev() {
        by_factors[i] = products[i - 1].transpose() * product_bar;
        product_bar *= factors[i].transpose();
    }
    by_factors[0] = product_bar;
    (products[products.len() - 1].sum(), by_factors)
}

/// A chain of products of small matrices, where every product is a node of its own.
fn small() {
    const PRODUCTS: usize = 100;
    /// How many chains one timing is about.
    const CHAINS: usize = 100;
    let mut random = Sampler::new(1, 1);
    let factors: Vec<Matrix4<f64>> = (0..=PRODUCTS)
        // Orthogonal, so that no product grows or vanishes.
        .map(|_| Matrix4::<f64>::from_fn(|_, _| random.normal()).qr().q())
        .collect();
    let gradient =
        || value_and_gradient(|factors| chain(factors), black_box(&factors)).expect("they fit");
    let plain = || {
        let (first, others) = black_box(&factors).split_first().expect("at least one");
        others.iter().fold(*first, |product, factor| product * factor).sum()
    };

    let (value, by_factors) = gradient();
    assert_eq!(value, plain());
    for (ours, by_hand) in by_factors.iter().zip(by_hand(&factors).1) {
        assert!((ours - by_hand).norm() <= 1e-12 * by_hand.norm());
    }
    // The sum of all entries is linear in every factor.
    for (factor, by_factor) in factors.iter().zip(&by_factors) {
        assert!((factor.dot(by_factor) - value).abs() <= 1e-12 * value.abs());
    }

    let before = ALLOCATIONS.load(Ordering::Relaxed);
    black_box(gradient());
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;

    let mut ours = || (0..CHAINS).for_each(|_| drop(black_box(gradient())));
    let mut products = || {
        (0..CHAINS).for_each(|_| {
            black_box(plain());
        });
    };
    let name = format!("{CHAINS} times value and gradient of {PRODUCTS} products, n = 4");
    compare(&name, Some(4.0), ("ours", &mut ours), ("the products", &mut products));
    let mut written = || (0..CHAINS).for_each(|_| drop(black_box(by_hand(black_box(&factors)))));
    compare("the same, by hand", None, ("by hand", &mut written), ("the products", &mut products));
    println!(
        "allocations in one of them: {allocations}, {:.2} a product",
        allocations as f64 / PRODUCTS as f64
    );
}
