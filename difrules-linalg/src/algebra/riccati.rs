//! The stabilising solutions of the algebraic Riccati equations, for plain numbers: from an invariant subspace,
//! refined by Newton's method.

use difrules_core::{Real, Scalar};
use nalgebra::{Complex, DMatrix};

use crate::algebra::hermitian_eigen::hermitian;
use crate::algebra::modulus::largest_modulus;
use crate::algebra::scaling::times_power;
use crate::algebra::schur::{any_schur_factors, schur_factors_by_sign};
use crate::algebra::sylvester::{Triangular, eigenvalues};
use crate::blas::options::{Operation, Side, Triangle};
use crate::block::{block, block_mut, product, solve_again, triple};
use crate::decomposition::cholesky::cholesky;
use crate::error::{Error, overflow};
use crate::systems::solve::solve;
use crate::tolerance::moduli;

/// What an equation is made of: dx = A x + B u at the costs x^H Q x + u^H R u, with Hermitian Q and R.
pub(crate) struct Regulator<T: Scalar> {
    pub(crate) discrete: bool,
    pub(crate) a: DMatrix<T>,
    pub(crate) b: DMatrix<T>,
    pub(crate) q: DMatrix<T>,
    pub(crate) r: DMatrix<T>,
}

/// X, and the vectors and the triangle of the Schur form of A - B K.
pub(crate) struct Stabilising<T: Scalar> {
    pub(crate) x: DMatrix<T>,
    pub(crate) vectors: DMatrix<T>,
    pub(crate) triangle: DMatrix<T>,
}

/// The gain K and the closed loop A - B K.
pub(crate) struct ClosedLoop<T: Scalar> {
    pub(crate) k: DMatrix<T>,
    pub(crate) a: DMatrix<T>,
}

impl<T: Scalar> Regulator<T> {
    /// K = R^-1 B^H X, or (R + B^H X B)^-1 B^H X A in discrete time.
    ///
    /// # Errors
    /// [`Error::Singular`].
    pub(crate) fn closed_loop(&self, x: &DMatrix<T>) -> Result<ClosedLoop<T>, Error> {
        let bx = product((block(&self.b), true), (block(x), false));
        let k = if self.discrete {
            solve(&self.weight(&bx), &product((block(&bx), false), (block(&self.a), false)))?
        } else {
            solve(&self.r, &bx)?
        };
        let a = &self.a - product((block(&self.b), false), (block(&k), false));
        Ok(ClosedLoop { k, a })
    }

    /// R + B^H X B in discrete time, from B^H X.
    fn weight(&self, bx: &DMatrix<T>) -> DMatrix<T> {
        &self.r + product((block(bx), false), (block(&self.b), false))
    }

    /// What X leaves of the equation: A^H X + X A - K^H R K + Q, or A_c^H X A_c - X + K^H R K + Q with the closed loop
    /// A_c in discrete time.
    fn residual(&self, x: &DMatrix<T>, closed: &ClosedLoop<T>) -> DMatrix<T> {
        let costs = triple((&closed.k, true), &self.r, (&closed.k, false));
        hermitian(&if self.discrete {
            triple((&closed.a, true), x, (&closed.a, false)) - x + costs + &self.q
        } else {
            let moved = product((block(x), false), (block(&self.a), false));
            &moved + moved.adjoint() - costs + &self.q
        })
    }

    /// The stabilising solution by the invariant subspace that belongs to the closed loop: in continuous time of the
    /// Hamiltonian [A -G; -Q -A^H] with G = B R^-1 B^H, for its eigenvalues in the left half plane (Laub 1979, "A Schur
    /// method for solving algebraic Riccati equations"). In discrete time of the pencil [A 0; -Q I] - l [I G; 0 A^H],
    /// for those in the unit circle, which is M z = l L z; (M + L)^-1 (M - L) has the same subspaces and the eigenvalues
    /// (l - 1) / (l + 1), those of the circle in the left half plane (so A may be singular).
    ///
    /// The states are scaled so that rows and columns are balanced, Q and G with them (Benner 2001, "Symplectic
    /// balancing of Hamiltonian matrices").
    fn by_subspace(&self, damping: f64) -> Result<DMatrix<T>, Error> {
        let size = self.a.nrows();
        let factor = cholesky(&self.r)?;
        let mut root = self.b.clone();
        let lower = Triangle::Lower;
        let adjoint = Operation::Adjoint;
        solve_again(Side::Right, lower, adjoint, block(&factor), &mut block_mut(&mut root));
        let g = product((block(&root), false), (block(&root), true));
        overflow("r^-1", g.as_slice())?;
        let powers = self.units(&g, damping);
        let scaled = |m: &DMatrix<T>, (by_row, by_column): (f64, f64)| {
            let (rows, columns) = m.shape_generic();
            DMatrix::from_fn_generic(rows, columns, |i, j| {
                times_power(m[(i, j)], by_row * powers[i] + by_column * powers[j])
            })
        };
        let a = scaled(&self.a, (-1.0, 1.0));
        let (g, q) = (scaled(&g, (-1.0, -1.0)), scaled(&self.q, (1.0, 1.0)));
        let blocks = |corners: [&DMatrix<T>; 4]| {
            DMatrix::from_fn(2 * size, 2 * size, |i, j| {
                corners[2 * (i / size) + j / size][(i % size, j % size)]
            })
        };
        let (zero, identity) = (DMatrix::zeros(size, size), DMatrix::identity(size, size));
        let matrix = if self.discrete {
            let first = blocks([&a, &zero, &-q, &identity]);
            let second = blocks([&identity, &g, &zero, &a.adjoint()]);
            solve(&(&first + &second), &(first - second)).map_err(|_| on_boundary(true))?
        } else {
            blocks([&a, &-g, &-q, &-a.adjoint()])
        };
        let (vectors, _, count) = schur_factors_by_sign(&matrix)?;
        if count != size {
            return Err(on_boundary(self.discrete));
        }
        let upper = vectors.view((0, 0), (size, size)).adjoint();
        let lower = vectors.view((size, 0), (size, size)).adjoint();
        // X = U2 U1^-1, and Hermitian.
        let x = solve(&upper, &lower).map_err(|_| not_stabilisable())?;
        Ok(scaled(&hermitian(&x), (-1.0, -1.0)))
    }

    /// The exponents of powers of two d by which A' = D^-1 A D, G' = D^-1 G D^-1 and Q' = D Q D have rows and columns of
    /// about one size; then X' = D X D. Sweeps over the states, each of which takes a step for one.
    fn units(&self, g: &DMatrix<T>, damping: f64) -> Vec<f64> {
        let size = g.nrows();
        let [a, g, q] = [&self.a, g, &self.q].map(|m| moduli(block(m)));
        let mut powers = vec![0.0_f64; size];
        for _ in 0..SWEEPS {
            let mut moved = false;
            for i in 0..size {
                let (mut row, mut column) = (0.0, 0.0);
                for j in 0..size {
                    let (unit, of_a) = (powers[j].exp2(), if i == j { 0.0 } else { 1.0 });
                    row += of_a * a[(i, j)] * unit + g[(i, j)] / unit;
                    column += of_a * a[(j, i)] / unit + q[(i, j)] * unit;
                }
                // The row has 1 / d, and 1 / d^2 on the diagonal of G, the column d and d^2: so their ratio goes with
                // a power of d between the second and the fourth, and steps for the second may go back and forth.
                let ratio = row.log2() - column.log2() - 2.0 * powers[i];
                let best = powers[i] + (ratio / damping).round();
                if best.is_finite() && best.abs() < 400.0 && best != powers[i] {
                    powers[i] = best;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        powers
    }

    /// The stabilising solution.
    ///
    /// Newton's method, which takes a Lyapunov equation a step (Kleinman 1968, "On an iterative technique for Riccati
    /// equation computations"; Hewer 1971, "An iterative technique for the computation of the steady state gains for the
    /// discrete optimal regulator"), mends what the subspace lost, as its residual is that of the arguments themselves. It
    /// ends with the step whose square is less than a rounding, or is rounding itself.
    ///
    /// # Errors
    /// [`Error::NotPositiveDefinite`]; [`Error::NoStabilizingSolution`]; [`Error::NoConvergence`]; [`Error::Overflow`].
    pub(crate) fn stabilise(&self) -> Result<Stabilising<T>, Error> {
        if !self.discrete {
            return self.stabilise_in(3.0);
        }
        // Strong inputs in discrete time are lost in even units, and weak ones in others.
        let found =
            self.stabilise_in(2.0).or_else(|error| self.stabilise_in(3.0).map_err(|_| error));
        found.or_else(|error| self.stabilise_from_dearer().map_err(|_| error))
    }

    /// The same in discrete time where inputs cost next to nothing: the solution where they cost a part of what the states
    /// do stabilises too, and Newton's method goes down from there.
    fn stabilise_from_dearer(&self) -> Result<Stabilising<T>, Error> {
        cholesky(&self.r)?;
        let costs = triple((&self.b, true), &self.q, (&self.b, false));
        let part = largest_modulus(costs.iter()) * DEARER;
        let mut r = self.r.clone();
        (0..r.nrows()).for_each(|i| r[(i, i)] += nalgebra::convert(part));
        let [a, b, q] = [&self.a, &self.b, &self.q].map(Clone::clone);
        let dearer = Self { discrete: self.discrete, a, b, q, r };
        self.refine(dearer.by_subspace(2.0)?)
    }

    /// The same, with units of the states by these steps.
    fn stabilise_in(&self, damping: f64) -> Result<Stabilising<T>, Error> {
        self.refine(self.by_subspace(damping)?)
    }

    /// Newton's method from a stabilising X.
    fn refine(&self, mut x: DMatrix<T>) -> Result<Stabilising<T>, Error> {
        overflow("x", x.as_slice())?;
        let mut last: f64 = f64::INFINITY;
        for step in 0..=STEPS {
            let lost = || if step == 0 { not_stabilisable() } else { on_boundary(self.discrete) };
            let closed = self.closed_loop(&x).map_err(|_| lost())?;
            overflow("x", closed.a.as_slice())?;
            let (vectors, triangle) = any_schur_factors(&closed.a)?;
            let is_stable = |l: &Complex<f64>| {
                if self.discrete { l.norm() < 1.0 } else { l.re < 0.0 }
            };
            if !eigenvalues((block(&triangle), false)).iter().all(is_stable) {
                return Err(lost());
            }
            let found = Stabilising { x, vectors, triangle };
            let residual = self.residual(&found.x, &closed);
            let change = self.moved(&found, &residual).map_err(|_| lost())?;
            let size = relative(&change, &found.x);
            if last <= FINE || size >= last / 2.0 && last <= ROUGH {
                let is_determined = self.is_determined(&found, &closed).map_err(|_| lost())?;
                return if is_determined { Ok(found) } else { Err(on_boundary(self.discrete)) };
            }
            last = size;
            x = found.x + change;
        }
        Err(on_boundary(self.discrete))
    }

    /// How X moves, to first order, where the equation has a Hermitian C added to it.
    fn moved(&self, found: &Stabilising<T>, c: &DMatrix<T>) -> Result<DMatrix<T>, Error> {
        let Stabilising { vectors, triangle, .. } = found;
        let mut moved = triple((vectors, true), c, (vectors, false));
        let equation = Triangular::lyapunov(self.discrete, true, triangle);
        equation.solve(&mut block_mut(&mut moved))?;
        let moved = hermitian(&triple((vectors, false), &moved, (vectors, true)));
        Ok(if self.discrete { moved } else { -moved })
    }

    /// Whether X is determined by the arguments as they are rounded.
    ///
    /// A rounding E of what is summed on the diagonal of the equation, with each state in units of its own, moves X by a
    /// D that is positive as E is. D has to be small beside X, and what the term of second order, D G D, or
    /// A_c^H D G D A_c, moves it by beside D: else there may be no solution (Kantorovich's condition for Newton's method).
    fn is_determined(&self, found: &Stabilising<T>, closed: &ClosedLoop<T>) -> Result<bool, Error> {
        let (x, size) = (&found.x, found.x.nrows());
        let absolute = |m: &DMatrix<T>| moduli(block(m));
        let moving = absolute(&self.a) + absolute(&self.b) * absolute(&closed.k);
        let through = if self.discrete {
            product((block(&closed.a), true), (block(x), false))
        } else {
            x.clone()
        };
        let terms = absolute(&through) * moving;
        let rounding = |i: usize| {
            // X itself is a term in discrete time alone.
            let own = self.q[(i, i)].modulus()
                + if self.discrete { x[(i, i)].modulus() } else { nalgebra::zero() };
            f64::EPSILON * size as f64 * (2.0 * terms[(i, i)] + own.to_f64())
        };
        let mut e = DMatrix::zeros(size, size);
        (0..size).for_each(|i| e[(i, i)] = nalgebra::convert(rounding(i)));
        let d = self.moved(found, &e)?;
        // D G D = D B (dK), as K moves with X by R^-1 B^H D, or (R + B^H X B)^-1 B^H D A_c.
        let by_input = product((block(&self.b), true), (block(&d), false));
        let second = if self.discrete {
            let bx = product((block(&self.b), true), (block(x), false));
            let by_input = product((block(&by_input), false), (block(&closed.a), false));
            product((block(&by_input), true), (block(&solve(&self.weight(&bx), &by_input)?), false))
        } else {
            product((block(&by_input), true), (block(&solve(&self.r, &by_input)?), false))
        };
        let again = self.moved(found, &hermitian(&second))?;
        let small = |part: T, whole: f64| part.modulus().to_f64() <= 0.02 * whole;
        let along = (0..size).all(|i| small(again[(i, i)], d[(i, i)].modulus().to_f64()));
        let most = largest_modulus(x.iter());
        Ok(along && d.iter().all(|&d| small(d, most)))
    }
}

/// A relative step of which the square is less than a rounding.
const FINE: f64 = 1e-9;

/// A relative step from which on a step that is not smaller than the one before is rounding.
const ROUGH: f64 = 1e-3;

/// Which part of the costs of the states is added to those of the inputs.
const DEARER: f64 = 1e-3;

/// How often the units of the states are looked at.
const SWEEPS: usize = 20;

/// How many steps Newton's method may take: from the subspace two are enough.
const STEPS: usize = 30;

fn not_stabilisable() -> Error {
    let reason = "the closed loop is not stable, as of what cannot be stabilised";
    Error::NoStabilizingSolution { reason }
}

fn on_boundary(discrete: bool) -> Error {
    let reason = if discrete {
        "an eigenvalue of the symplectic pencil is on the unit circle, but for rounding"
    } else {
        "an eigenvalue of the Hamiltonian matrix is on the imaginary axis, but for rounding"
    };
    Error::NoStabilizingSolution { reason }
}

/// The norm of a change over that of X.
fn relative<T: Scalar>(change: &DMatrix<T>, x: &DMatrix<T>) -> f64 {
    let norm = |m: &DMatrix<T>| m.iter().fold(0.0, |sum: f64, x| sum.hypot(x.modulus().to_f64()));
    let change = norm(change);
    if change == 0.0 { 0.0 } else { change / norm(x) }
}
