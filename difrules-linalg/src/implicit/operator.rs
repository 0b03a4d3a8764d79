//! Solving with the Jacobian of the equations, which is a constant there.

use std::sync::Arc;

use difrules_core::diagnostic::Diagnostic;
use difrules_core::{
    Cotangent, Differentiable, Dual, Real, Slot, Var, jacobian, jvp, lift, lit, primitive, report,
    vjp,
};
use nalgebra::{DMatrix, DVector};

use super::equation::{Equation, count, still};
use super::error::Defect;
use super::krylov::{self, Limits, Unsolved};
use crate::algebra::scaling::binade;
use crate::blas::options::Operation;
use crate::decomposition::cholesky::cholesky;
use crate::decomposition::lu::{Lu, lu};

/// A square matrix A of which is known how to solve with it.
pub trait Operator: 'static {
    /// A^-1 b, or A^-T b.
    ///
    /// # Errors
    /// If an iteration does not come to an end.
    fn solve(&self, transposed: bool, b: &DVector<f64>) -> Result<DVector<f64>, Unsolved>;
}

/// A^-1 b, or A^-T b, for a matrix A that is a constant and is given by how to solve with it.
///
/// # Derivation
/// It is linear in b: dx = A^-1 db, and b_bar = A^-T x_bar. Both are the same primitive again, so that it has
/// derivatives of every order, and at plain numbers alone somebody solves, at f64.
#[primitive(
    forward = operator_solve_forward,
    reverse = operator_solve_reverse,
    reads(transposed, operator),
    constant(transposed, operator),
    instances()
)]
pub(super) fn operator_solve<T: Real, A: Operator>(
    transposed: bool,
    operator: &Arc<A>,
    b: &DVector<T>,
) -> DVector<T> {
    let plain = b.map(|x| x.to_f64());
    // A zero is the zero that is not negative: what it is taken from stays as it is.
    let x = if plain.iter().all(|&x| x == 0.0) {
        DVector::zeros(plain.len())
    } else {
        operator.solve(transposed, &plain).unwrap_or_else(|unsolved| {
            report(Diagnostic::undefined("operator_solve", unsolved.reason()));
            DVector::from_element(plain.len(), f64::NAN)
        })
    };
    x.map(lit)
}

fn operator_solve_forward<T: Real, A: Operator>(
    transposed: bool,
    operator: &Arc<A>,
    b_dot: &DVector<T>,
) -> DVector<T> {
    operator_solve(transposed, operator, b_dot)
}

fn operator_solve_reverse<T: Real, A: Operator>(
    transposed: bool,
    operator: &Arc<A>,
    x_bar: Cotangent<'_, DVector<T>>,
    b_bar: Slot<'_, DVector<T>>,
) {
    b_bar.add(|| operator_solve(!transposed, operator, &x_bar.into_owned()));
}

/// How to solve with the Jacobian of equations: [`Dense`], [`Gmres`] or [`ConjugateGradients`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot solve with the Jacobian of these equations",
    note = "what can are `Dense`, and `Gmres` and `ConjugateGradients` of a function that owns what it has (`'static`)"
)]
pub trait LinearSolver<E: Equation> {
    /// What solves.
    #[doc(hidden)]
    type Operator: Operator;
    /// Looks at the Jacobian at a point, once.
    #[doc(hidden)]
    fn prepare(
        &self,
        equation: &Arc<E>,
        x: &E::Unknown,
        p: &E::Parameters,
    ) -> Result<Self::Operator, Defect<E::Error>>;
}

/// All entries of the Jacobian, factored once: n / 4 evaluations in forward mode and n^3 / 3 multiplications and
/// additions for n unknowns. The Jacobian of a gradient is factored by Cholesky where it is definite.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Dense;

/// The Jacobian by products alone, solved by the method of generalised minimal residuals: for many unknowns and a
/// Jacobian whose products are cheap. Each product is an evaluation in forward mode, or in reverse mode where the
/// sweep asks for the transpose.
///
/// Each equation is divided by its size, whatever it is multiplied by. Nothing else is preconditioned: give equations in
/// which each unknown is determined mostly by its own, and unknowns of one size.
///
/// ```
/// use difrules_linalg::{Gmres, Implicit};
///
/// let options = Implicit::new().linear_solver(Gmres { tolerance: 1e-10, ..Gmres::default() });
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gmres {
    /// What may be left of a right-hand side, relative to it; 1e-12 by default.
    pub tolerance: f64,
    /// After how many products it starts again, which bounds its memory: 50 by default.
    pub restart: usize,
    /// After how many products it gives up: 2000 by default.
    pub iterations: usize,
}

impl Default for Gmres {
    fn default() -> Self {
        Self { tolerance: 1e-12, restart: 50, iterations: 2000 }
    }
}

/// The Jacobian by products alone, solved by conjugate gradients: for a [`minimum`](crate::minimum), whose Jacobian is
/// the Hessian, and other equations with a symmetric, positive definite one.
///
/// ```
/// use difrules_linalg::{ConjugateGradients, Implicit};
///
/// let options = Implicit::new().linear_solver(ConjugateGradients::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConjugateGradients {
    /// What may be left of a right-hand side, relative to it; 1e-12 by default.
    pub tolerance: f64,
    /// After how many products it gives up: 2000 by default.
    pub iterations: usize,
}

impl Default for ConjugateGradients {
    fn default() -> Self {
        Self { tolerance: 1e-12, iterations: 2000 }
    }
}

/// The factors of a Jacobian.
pub enum Factors {
    /// Of the Jacobian whose rows are divided by `scale`, powers of two: their reciprocals may be no numbers.
    General {
        scale: DVector<f64>,
        factors: Box<Lu<f64, nalgebra::Dyn, nalgebra::Dyn>>,
    },
    Definite(DMatrix<f64>),
}

/// The first pivot that is zero but for the rounding of what was taken off to make it; these numbers are all of one
/// row of a triangle and the column of another, so the scales of equations and unknowns do not matter.
fn lost(packed: &DMatrix<f64>) -> Option<usize> {
    let rounding = f64::EPSILON * packed.nrows() as f64;
    (0..packed.nrows()).find(|&k| {
        let taken: f64 = (0..k).map(|l| (packed[(k, l)] * packed[(l, k)]).abs()).sum();
        packed[(k, k)].abs() <= rounding * taken
    })
}

impl Factors {
    fn new<F>(mut jacobian: DMatrix<f64>, symmetric: bool) -> Result<Self, Defect<F>> {
        let size = jacobian.nrows();
        if let Some(k) = jacobian.iter().position(|x| !x.is_finite()) {
            return Err(Defect::NotFinite { equation: k % size });
        }
        if symmetric {
            // Halved first: the sum of two numbers may be none.
            jacobian *= 0.5;
            jacobian += jacobian.transpose();
            let rounding = f64::EPSILON * size as f64;
            let definite = cholesky(&jacobian)
                .ok()
                .filter(|l| (0..size).all(|k| l[(k, k)] * l[(k, k)] > rounding * jacobian[(k, k)]));
            if let Some(l) = definite {
                return Ok(Self::Definite(l));
            }
        }
        let scale = DVector::from_fn(size, |i, _| binade(jacobian.row(i).iter()));
        for (i, mut row) in jacobian.row_iter_mut().enumerate() {
            row /= scale[i];
        }
        let factors = lu(&jacobian).map_err(|_| Defect::Singular { pivot: 0 })?;
        match lost(&factors.packed) {
            Some(pivot) => Err(Defect::Singular { pivot }),
            None => Ok(Self::General { scale, factors: Box::new(factors) }),
        }
    }
}

impl Operator for Factors {
    fn solve(&self, transposed: bool, b: &DVector<f64>) -> Result<DVector<f64>, Unsolved> {
        let mut x = b.clone();
        match self {
            Self::Definite(l) => {
                l.solve_lower_triangular_mut(&mut x);
                l.tr_solve_lower_triangular_mut(&mut x);
            }
            Self::General { scale, factors } if transposed => {
                let _ = factors.solve(Operation::Adjoint, &mut x);
                x.component_div_assign(scale);
            }
            Self::General { scale, factors } => {
                x.component_div_assign(scale);
                let _ = factors.solve(Operation::None, &mut x);
            }
        }
        Ok(x)
    }
}

impl<E: Equation> LinearSolver<E> for Dense {
    type Operator = Factors;

    fn prepare(
        &self,
        equation: &Arc<E>,
        x: &E::Unknown,
        p: &E::Parameters,
    ) -> Result<Factors, Defect<E::Error>> {
        let p = still::<_, 4>(p);
        let jacobian = jacobian(|x| equation.residual::<Dual<f64, 4>>(x, &p), x);
        Factors::new(jacobian.map_err(Defect::Function)?, E::SYMMETRIC)
    }
}

/// The Jacobian of equations at a point, by products.
pub struct Products<E: Equation, M> {
    equation: Arc<E>,
    x: E::Unknown,
    p: E::Parameters,
    method: M,
    /// How large the rows are.
    sizes: DVector<f64>,
}

impl<E: Equation, M> Products<E, M> {
    /// Takes powers of two about as large as the rows, or columns of what is symmetric: what is left of a right-hand side is
    /// measured by them, or an equation that is small beside the others would be left as it is.
    ///
    /// As large as what the rows make of two random vectors. What cancels there by chance is of no matter: it is a weight.
    fn measured(mut self) -> Self {
        let product = |k| {
            let v = DVector::from_fn(count(&self.x), |i, _| super::convergence::random(i, k));
            self.product(false, &v)
        };
        self.sizes = product(0).zip_map(&product(1), |a, b| binade([&a, &b]));
        self
    }

    /// A v, or A^T v; NaN where the function fails, which it did not do at this point.
    fn product(&self, transposed: bool, v: &DVector<f64>) -> DVector<f64> {
        let product = if transposed && !E::SYMMETRIC {
            let p = lift::<_, Var<f64>>(&self.p);
            vjp(|x| self.equation.residual::<Var<f64>>(x, &p), &self.x, v)
                .map(|(_, x_bar)| x_bar.to_reals())
        } else {
            let p = still::<_, 1>(&self.p);
            let direction = E::Unknown::from_reals(&self.x.shape(), v.as_slice());
            jvp(|x| self.equation.residual::<Dual<f64>>(x, &p), &self.x, &direction)
                .map(|(_, tangent)| tangent.data.into())
        };
        product.map_or_else(|_| DVector::from_element(v.len(), f64::NAN), DVector::from_vec)
    }

    /// Tries to solve once, so that a Jacobian with which that cannot be done is an error of the call and not of a
    /// rule.
    fn tried(self) -> Result<Self, Defect<E::Error>>
    where
        Self: Operator,
    {
        let mut right = DVector::from_fn(count(&self.x), |i, _| super::convergence::random(i, 0));
        let product = self.product(false, &right);
        if let Some(equation) = product.iter().position(|x| !x.is_finite()) {
            return Err(Defect::NotFinite { equation });
        }
        right.component_mul_assign(&self.sizes);
        self.solve(false, &right).map_err(Defect::NotSolved)?;
        Ok(self)
    }
}

impl<E: Equation + 'static> Operator for Products<E, Gmres> {
    fn solve(&self, transposed: bool, b: &DVector<f64>) -> Result<DVector<f64>, Unsolved> {
        let Gmres { tolerance, restart, iterations } = self.method;
        let limits = Limits { tolerance, iterations };
        if transposed {
            // The transpose of the rows divided by their sizes.
            let product = |v: &DVector<f64>| self.product(true, &v.component_div(&self.sizes));
            let solved = krylov::gmres(limits, restart, product, b);
            return solved.map(|x| x.component_div(&self.sizes));
        }
        let product = |v: &DVector<f64>| self.product(false, v).component_div(&self.sizes);
        krylov::gmres(limits, restart, product, &b.component_div(&self.sizes))
    }
}

impl<E: Equation + 'static> Operator for Products<E, ConjugateGradients> {
    fn solve(&self, transposed: bool, b: &DVector<f64>) -> Result<DVector<f64>, Unsolved> {
        let ConjugateGradients { tolerance, iterations } = self.method;
        let limits = Limits { tolerance, iterations };
        // On both sides, by the root, so that it stays symmetric.
        let sizes = self.sizes.map(|size| binade([&size.sqrt()]));
        let product = |v: &DVector<f64>| {
            self.product(transposed, &v.component_div(&sizes)).component_div(&sizes)
        };
        let solved = krylov::conjugate_gradients(limits, product, &b.component_div(&sizes));
        solved.map(|x| x.component_div(&sizes))
    }
}

macro_rules! by_products {
    ($($method:ty),*) => {$(
        impl<E: Equation + 'static> LinearSolver<E> for $method {
            type Operator = Products<E, $method>;

            fn prepare(
                &self,
                equation: &Arc<E>,
                x: &E::Unknown,
                p: &E::Parameters,
            ) -> Result<Self::Operator, Defect<E::Error>> {
                let (x, p) = (x.clone(), p.clone());
                let sizes = DVector::repeat(count(&x), 1.0);
                Products { equation: equation.clone(), x, p, method: *self, sizes }
                    .measured()
                    .tried()
            }
        }
    )*};
}
by_products!(Gmres, ConjugateGradients);
