#!/usr/bin/env python3
"""Makes reference.json: values and gradients of the linear-algebra primitives.

Run:  pip install numpy mpmath jax torch
      python reference.py          (writes reference.json beside this file)

It takes two minutes on one core. The committed file was made with Python 3.11, NumPy
2.4.6, mpmath 1.3.0, JAX 0.10.2 and PyTorch 2.15.0; its "made_with" says so too.

Every primitive is written once and run three ways: in PyTorch and in JAX, which
differentiate it in double precision, and in 60-digit arithmetic (mpmath), where
the gradient is a central difference. The script stops unless PyTorch, JAX
and the 60-digit result agree, in value and gradients, to 1e-12 relative to the
largest entry. The 60-digit result, rounded to double, is what is written.
The 8 x 8 cases have condition number 1e8, which takes eight of the sixteen digits
of a double, and in gradients some more: there the bound is 1e-7.

PyTorch and JAX bring their own decompositions and solvers, and the rules of these. What
they have not is plain array code here, which all three run and differentiate by itself:
full_piv_lu, hessenberg, symmetric_tridiagonal, bidiagonal and udu; and what makes a
matrix of diagonals. The script also stops unless these values solve the
defining equations (RECONSTRUCTIONS). No case rests on mpmath alone.

Format: {"made_with": ..., "cases": [{"primitive", "scalar", "arguments", "values",
"cotangents", "gradients"}]}: a value and a cotangent for each output, a gradient for
each argument. A matrix is {"rows", "cols", "re", "im"}, in column-major order, "im" only
when complex; a vector is n x 1, a scalar 1 x 1. What is real by definition has no "im" in
the complex cases either (singular values, norms, the p of lp_norm), and the outputs of
eigen and complex_eigenvalues have it in the real ones.

Conventions
- With cotangents Ybar, L = Re(sum(conj(Ybar) * Y)) = Re tr(Ybar^H Y), summed over the
  outputs. The gradient for an argument X is dL/dRe(X) + i dL/dIm(X): PyTorch's; JAX gives
  its conjugate.
- cholesky, ln_determinant, udu and the symmetric_* and generalized_symmetric_eigen are
  evaluated at (A + A^H)/2: Hermitian gradients.
- The triangular solves and cholesky_solve read one triangle only (the other holds
  numbers that must be ignored) and their gradients are zero outside it. The
  diagonal counts as free complex numbers.
- dot, transpose and tr_mul do not conjugate.
- lu, full_piv_lu: P A = L U and P A Q = L U, packed: U and, below its diagonal, L. The
  pivot has the largest |re| + |im|, of what is left of its column or of everything, and
  comes first among equals, in column-major order. P and Q are constant.
- qr, lq, svd and bidiagonal are thin. The diagonals of R and of LQ's L are real and >= 0.
- svd, eigen, symmetric_eigen, generalized_symmetric_eigen: the first entry of largest
  modulus in each column of U or V is real and positive. Singular values decrease,
  real eigenvalues increase, complex ones are in order of real part, then imaginary part.
  V^H V = 1, V^H B V = 1 for A V = B V diag(w), and columns of norm 1 in eigen.
- hessenberg, symmetric_tridiagonal: A = Q H Q^H, Q's first column is that of 1 and the
  entries below the diagonal are real and >= 0.
- bidiagonal: A = U B V^H with a real B >= 0. B is upper bidiagonal and V's first column
  that of 1; where A has more columns than rows it is the adjoint of this: B is lower
  bidiagonal and U's first column that of 1.
- udu: A = U diag(d) U^H, U unit upper triangular.
- polar: with the svd A = W S V^H, U = W V^H and P = V S V^H.
- lstsq: the solution of least norm where there are many.
- tridiagonal_solve ignores lower[0] and upper[n-1], toeplitz_solve ignores row[0]: zero
  gradients there. T_ij is col[i-j] for i >= j and row[j-i] for i < j.
- norm is Frobenius, one_norm the largest column sum of moduli, norm_inf the largest
  modulus, lp_norm (sum |a|^p)^(1/p), spectral_norm, nuclear_norm and condition_number
  the first, the sum, and the first over the last of the singular values.
"""

import json
import platform
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import torch

SEED = 20240607
SEED_OF_DECOMPOSITIONS = 20240608
STEP = mp.mpf(10) ** -20
TOLERANCE = 1e-12
TOLERANCE_ILL_CONDITIONED = 1e-7
TIE = 1e-3

jax.config.update("jax_enable_x64", True)
mp.mp.dps = 60


# --- The three ways to compute. ---------------------------------------------


def eliminated(xp, a):
    """L, without its ones, and U of A = L U, in one matrix."""
    if 0 in a.shape:
        return a
    low = a[1:, :1] / a[:1, :1]
    rest = eliminated(xp, a[1:, 1:] - low * a[:1, 1:])
    return xp.concatenate([a[:1], xp.concatenate([low, rest], 1)])


def pivots(a, full):
    """The orders of rows and columns in which the doubles `a` need no pivoting."""
    a, (rows, cols) = a.copy(), map(np.arange, a.shape)
    for k in range(min(a.shape)):
        size = abs(a.real) + abs(a.imag)
        left = size[k:, k:] if full else size[k:, k : k + 1]
        j, i = k + np.array(divmod(left.T.argmax(), len(left)))
        rows[[k, i]], cols[[k, j]] = rows[[i, k]], cols[[j, k]]
        a[[k, i]] = a[[i, k]]
        a[:, [k, j]] = a[:, [j, k]]
        a[k + 1 :, k:] -= np.outer(a[k + 1 :, k] / a[k, k], a[k, k:])
    return rows, cols


def packed(xp, low, up):
    """L, without its ones, and U in one matrix."""
    k = min(len(low), up.shape[1])
    square = xp.tril(low[:k], -1) + up[:, :k]
    if len(low) > k:
        return xp.concatenate([square, low[k:]])
    return xp.concatenate([square, up[:, k:]], 1)


def mp_cholesky(a):
    n = a.shape[0]
    low = a * 0
    for j in range(n):
        low[j, j] = mp.sqrt(mp.re(a[j, j] - (low[j, :j] * low[j, :j].conj()).sum()))
        for i in range(j + 1, n):
            low[i, j] = (a[i, j] - (low[i, :j] * low[j, :j].conj()).sum()) / low[j, j]
    return low


def mp_solve(low, b, lower):
    n = low.shape[0]
    x = b * 0
    for i in range(n) if lower else reversed(range(n)):
        x[i] = (b[i] - low[i] @ x) / low[i, i]
    return x


def mp_lu(a):
    return eliminated(MP, a[pivots(MP.double(a), False)[0]])


def mp_solve_square(a, b):
    factors = mp_lu(a)
    x = mp_solve(np.tril(factors, -1) + np.eye(len(a)), b[pivots(MP.double(a), False)[0]], True)
    return mp_solve(np.triu(factors), x, False)


def mp_determinant(a):
    swapped = np.eye(len(a))[pivots(MP.double(a), False)[0]]
    return mp_lu(a).diagonal().prod() * round(np.linalg.det(swapped))


def mp_slogdet(a):
    determinant = mp_determinant(a)
    return determinant / abs(determinant), mp.log(abs(determinant))


def mp_qr(a):
    q = a.copy()
    for j in range(a.shape[1]):
        q[:, j] -= q[:, :j] @ (adjoint(q[:, :j]) @ q[:, j])
        q[:, j] /= mp.sqrt(mp.re((q[:, j] * q[:, j].conj()).sum()))
    return q, adjoint(q) @ a


@cache
def mp_eigh_of_rows(rows):
    is_complex = any(isinstance(x, mp.mpc) for row in rows for x in row)
    w, v = (mp.eighe if is_complex else mp.eigsy)(mp.matrix(rows))
    return np.array(list(w)), np.array(v.tolist())


def mp_eigh(a):
    return mp_eigh_of_rows(tuple(map(tuple, a)))


def mp_eig(a):
    w, v = mp.eig(mp.matrix(a.tolist()))
    return np.array(list(map(mp.mpc, w))), np.array(v.tolist())


def mp_svd(a):
    if a.shape[0] < a.shape[1]:
        return tuple(map(adjoint, reversed(mp_svd(adjoint(a)))))
    w, v = mp_eigh(adjoint(a) @ a)
    s, v = MP.sqrt(w[::-1]), v[:, ::-1]
    return a @ v / s, s, adjoint(v)


def mp_pinv(a):
    if a.shape[0] < a.shape[1]:
        return adjoint(mp_pinv(adjoint(a)))
    return mp_solve_square(adjoint(a) @ a, adjoint(a))


MP = SimpleNamespace(
    real=np.vectorize(mp.re, otypes=[object]),
    log=np.vectorize(mp.log, otypes=[object]),
    sqrt=np.vectorize(mp.sqrt, otypes=[object]),
    tril=np.tril,
    triu=np.triu,
    diag=np.diag,
    concatenate=np.concatenate,
    stack=np.stack,
    array=lambda a: as_mp(a),
    double=lambda a: as_double(a, True),
    cholesky=mp_cholesky,
    solve=mp_solve,
    lu=mp_lu,
    solve_square=mp_solve_square,
    inverse=lambda a: mp_solve_square(a, as_mp(np.eye(len(a)))),
    determinant=mp_determinant,
    slogdet=mp_slogdet,
    qr=mp_qr,
    eigh=mp_eigh,
    eig=mp_eig,
    svd=mp_svd,
    pinv=mp_pinv,
    lstsq=lambda a, b: mp_pinv(a) @ b,
)
JAX = SimpleNamespace(
    real=jnp.real,
    log=jnp.log,
    sqrt=jnp.sqrt,
    tril=jnp.tril,
    triu=jnp.triu,
    diag=jnp.diag,
    concatenate=jnp.concatenate,
    stack=jnp.stack,
    array=jnp.asarray,
    double=lambda a: np.asarray(jax.lax.stop_gradient(a)),
    cholesky=jnp.linalg.cholesky,
    solve=lambda low, b, lower: jax.scipy.linalg.solve_triangular(low, b, lower=lower),
    lu=lambda a: packed(JAX, *jax.scipy.linalg.lu(a)[1:]),
    solve_square=jnp.linalg.solve,
    inverse=jnp.linalg.inv,
    determinant=jnp.linalg.det,
    slogdet=jnp.linalg.slogdet,
    qr=jnp.linalg.qr,
    eigh=jnp.linalg.eigh,
    eig=lambda a: jax.lax.linalg.eig(a, compute_left_eigenvectors=False, enable_eigvec_derivs=True),
    svd=lambda a: jnp.linalg.svd(a, full_matrices=False),
    pinv=jnp.linalg.pinv,
    lstsq=lambda a, b: jnp.linalg.lstsq(a, b)[0],
)
TORCH = SimpleNamespace(
    real=torch.real,
    log=torch.log,
    sqrt=torch.sqrt,
    tril=torch.tril,
    triu=torch.triu,
    diag=torch.diag,
    concatenate=torch.concatenate,
    stack=torch.stack,
    array=torch.tensor,
    double=lambda a: a.detach().resolve_conj().numpy(),
    cholesky=torch.linalg.cholesky,
    solve=lambda low, b, lower: torch.linalg.solve_triangular(low, b, upper=not lower),
    lu=lambda a: packed(TORCH, *torch.linalg.lu(a)[1:]),
    solve_square=torch.linalg.solve,
    inverse=torch.linalg.inv,
    determinant=torch.linalg.det,
    slogdet=torch.linalg.slogdet,
    qr=torch.linalg.qr,
    eigh=torch.linalg.eigh,
    eig=torch.linalg.eig,
    svd=lambda a: torch.linalg.svd(a, full_matrices=False),
    pinv=torch.linalg.pinv,
    lstsq=lambda a, b: torch.linalg.lstsq(a, b).solution,
)


def adjoint(a):
    return a.conj().T


def hermitian(a):
    return (a + adjoint(a)) / 2


def cholesky_solve(xp, low, b):
    low = xp.tril(low)
    return xp.solve(adjoint(low), xp.solve(low, b, True), False)


def ln_determinant(xp, a):
    return 2 * xp.log(xp.real(xp.cholesky(hermitian(a)).diagonal())).sum()


def column(v):
    return v.reshape(-1, 1)


def nrm2(xp, a):
    return xp.sqrt(xp.real(a * a.conj()).sum())


def phases(xp, v):
    """Of each column's first entry of largest modulus, which no other may nearly tie."""
    moduli = np.abs(xp.double(v))
    assert (np.sort(moduli, 0)[-2] < (1 - TIE) * moduli.max(0)).all()
    largest = v[moduli.argmax(0), np.arange(v.shape[1])]
    return largest / abs(largest)


def full_piv_lu(xp, a):
    rows, cols = pivots(xp.double(a), True)
    return eliminated(xp, a[rows][:, cols])


def qr(xp, a):
    q, r = xp.qr(a[:, : min(a.shape)])
    q = q * (r.diagonal() / abs(r.diagonal()))
    return q, xp.triu(adjoint(q) @ a)


def lq(xp, a):
    q, r = qr(xp, adjoint(a))
    return adjoint(r), adjoint(q)


def svd(xp, a):
    u, s, v_t = xp.svd(a)
    phase = phases(xp, u)
    return u * phase.conj(), column(s), column(phase) * v_t


def symmetric_eigen(xp, a):
    w, v = xp.eigh(hermitian(a))
    return column(w), v * phases(xp, v).conj()


def generalized_symmetric_eigen(xp, a, b):
    low = xp.cholesky(hermitian(b))
    half = adjoint(xp.solve(low, hermitian(a), True))
    w, v = xp.eigh(hermitian(xp.solve(low, half, True)))
    v = xp.solve(adjoint(low), v, False)
    return column(w), v * phases(xp, v).conj()


def eigen(xp, a):
    w, v = xp.eig(a)
    values = xp.double(w).ravel()
    order = np.lexsort((values.imag, values.real.round(9)))
    w, v = w[order], v[:, order]
    v = v / xp.sqrt(xp.real(v * v.conj()).sum(0))
    return column(w), v * phases(xp, v).conj()


def basis(xp, a):
    """A list with the first column of the identity in the field of `a`."""
    return [a[0] * 0 + xp.array(np.eye(a.shape[1])[0])]


def orthonormal(xp, v, others):
    for other in others * 2:
        v = v - other * (other.conj() * v).sum()
    return v / nrm2(xp, v)


def hessenberg(xp, a):
    """By Arnoldi's iteration."""
    q = basis(xp, a)
    while len(q) < len(a):
        q.append(orthonormal(xp, a @ q[-1], q))
    q = xp.stack(q, 1)
    return q, xp.triu(adjoint(q) @ a @ q, -1)


def symmetric_tridiagonal(xp, a):
    q, h = hessenberg(xp, hermitian(a))
    return q, column(xp.real(h.diagonal())), column(xp.real(h.diagonal(-1)))


def bidiagonal(xp, a):
    """By the iteration of Golub, Kahan and Lanczos."""
    if a.shape[0] < a.shape[1]:
        v, diagonal, off_diagonal, u_t = bidiagonal(xp, adjoint(a))
        return adjoint(u_t), diagonal, off_diagonal, adjoint(v)
    u, v = [], basis(xp, a)
    while len(u) < a.shape[1]:
        if u:
            v.append(orthonormal(xp, adjoint(a) @ u[-1], v))
        u.append(orthonormal(xp, a @ v[-1], u))
    u, v = xp.stack(u, 1), xp.stack(v, 1)
    b = xp.real(adjoint(u) @ a @ v)
    return u, column(b.diagonal()), column(b.diagonal(1)), adjoint(v)


def udu(xp, a):
    back = np.arange(len(a))[::-1].copy()
    factors = eliminated(xp, hermitian(a)[back][:, back])
    u = xp.tril(factors, -1) + xp.array(np.eye(len(a)))
    return u[back][:, back], column(xp.real(factors.diagonal())[back])


def polar(xp, a):
    u, s, v_t = xp.svd(a)
    return u @ v_t, adjoint(v_t) * s @ v_t


def tridiagonal_solve(xp, lower, diagonal, upper, b):
    a = xp.diag(lower[1:, 0], -1) + xp.diag(diagonal[:, 0]) + xp.diag(upper[:-1, 0], 1)
    return xp.solve_square(a, b)


def toeplitz_solve(xp, col, row, b):
    n = len(col)
    entries = xp.concatenate([row[np.arange(n - 1, 0, -1), 0], col[:, 0]])
    i = np.arange(n)
    return xp.solve_square(entries[n - 1 + i[:, None] - i], b)


def ln_abs_determinant(xp, a):
    sign, y = xp.slogdet(a)
    return y, sign


def condition_number(xp, a):
    s = xp.svd(a)[1]
    return s[0] / s[-1]


PRIMITIVES = {
    "add": lambda xp, a, b: a + b,
    "sub": lambda xp, a, b: a - b,
    "neg": lambda xp, a: -a,
    "scale": lambda xp, s, a: s * a,
    "component_mul": lambda xp, a, b: a * b,
    "matmul": lambda xp, a, b: a @ b,
    "tr_mul": lambda xp, a, b: a.T @ b,
    "transpose": lambda xp, a: a.T,
    "adjoint": lambda xp, a: adjoint(a),
    "sum": lambda xp, a: a.sum(),
    "trace": lambda xp, a: a.trace(),
    "diagonal": lambda xp, a: a.diagonal().reshape(-1, 1),
    "dot": lambda xp, a, b: (a * b).sum(),
    "nrm2": lambda xp, a: xp.sqrt(xp.real(a * a.conj()).sum()),
    "cholesky": lambda xp, a: xp.cholesky(hermitian(a)),
    "solve_lower_triangular": lambda xp, low, b: xp.solve(xp.tril(low), b, True),
    "solve_upper_triangular": lambda xp, u, b: xp.solve(xp.triu(u), b, False),
    "cholesky_solve": cholesky_solve,
    "ln_determinant": ln_determinant,
    "axpy": lambda xp, s, x, y: s * x + y,
    "gemm": lambda xp, s, a, b, t, c: s * (a @ b) + t * c,
    "symmetric_part": lambda xp, a: hermitian(a),
    "lu": lambda xp, a: xp.lu(a),
    "full_piv_lu": full_piv_lu,
    "qr": qr,
    "lq": lq,
    "svd": svd,
    "singular_values": lambda xp, a: column(xp.svd(a)[1]),
    "symmetric_eigen": symmetric_eigen,
    "symmetric_eigenvalues": lambda xp, a: column(xp.eigh(hermitian(a))[0]),
    "generalized_symmetric_eigen": generalized_symmetric_eigen,
    "eigen": eigen,
    "complex_eigenvalues": lambda xp, a: eigen(xp, a)[0],
    "hessenberg": hessenberg,
    "symmetric_tridiagonal": symmetric_tridiagonal,
    "bidiagonal": bidiagonal,
    "udu": udu,
    "polar": polar,
    "inverse": lambda xp, a: xp.inverse(a),
    "pseudo_inverse": lambda xp, a: xp.pinv(a),
    "solve": lambda xp, a, b: xp.solve_square(a, b),
    "lstsq": lambda xp, a, b: xp.lstsq(a, b),
    "tridiagonal_solve": tridiagonal_solve,
    "toeplitz_solve": toeplitz_solve,
    "determinant": lambda xp, a: xp.determinant(a),
    "ln_abs_determinant": ln_abs_determinant,
    "norm": nrm2,
    "lp_norm": lambda xp, a, p: (abs(a) ** p).sum() ** (1 / p),
    "norm_inf": lambda xp, a: abs(a).max(),
    "one_norm": lambda xp, a: abs(a).sum(0).max(),
    "spectral_norm": lambda xp, a: xp.svd(a)[1].max(),
    "nuclear_norm": lambda xp, a: xp.svd(a)[1].sum(),
    "normalize": lambda xp, a: a / nrm2(xp, a),
    "condition_number": condition_number,
}


def outputs(xp, f, arguments):
    y = f(xp, *arguments)
    return y if isinstance(y, tuple) else (y,)


def loss(xp, f, cotangents, arguments):
    pairs = zip(cotangents, outputs(xp, f, arguments), strict=True)
    return sum(xp.real(y_bar.conj() * y).sum() for y_bar, y in pairs)


def as_mp(a):
    return np.vectorize(mp.mpmathify, otypes=[object])(a)


def as_double(a, is_complex):
    """A matrix of doubles: vectors have one column, scalars are 1 x 1."""
    a = np.atleast_2d(np.asarray(a))
    a = np.vectorize(complex, otypes=[complex])(a)
    return a if is_complex else a.real


def mp_gradients(f, cotangents, arguments):
    cotangents, arguments = ([as_mp(a) for a in x] for x in (cotangents, arguments))
    gradients = []
    for k, a in enumerate(arguments):
        is_complex = isinstance(a.flat[0], mp.mpc)
        gradient = a * 0
        for i in np.ndindex(a.shape):
            for unit in (1, mp.j) if is_complex else (1,):
                ends = []
                for h in (STEP, -STEP):
                    moved = a.copy()
                    moved[i] += h * unit
                    moved_arguments = arguments[:k] + [moved] + arguments[k + 1 :]
                    ends.append(loss(MP, f, cotangents, moved_arguments))
                gradient[i] += unit * (ends[0] - ends[1]) / (2 * STEP)
        gradients.append(as_double(gradient, is_complex))
    return gradients


def jax_values(f, arguments):
    return [np.asarray(y) for y in outputs(JAX, f, [jnp.asarray(a) for a in arguments])]


def jax_gradients(f, cotangents, arguments):
    cotangents, arguments = ([jnp.asarray(a) for a in x] for x in (cotangents, arguments))
    gradient = jax.grad(lambda a: loss(JAX, f, cotangents, a))
    return [np.conj(g) for g in gradient(arguments)]


def torch_values(f, arguments):
    arguments = [torch.tensor(a) for a in arguments]
    return [y.resolve_conj().numpy() for y in outputs(TORCH, f, arguments)]


def torch_gradients(f, cotangents, arguments):
    arguments = [torch.tensor(a, requires_grad=True) for a in arguments]
    cotangents = [torch.tensor(c) for c in cotangents]
    gradient = torch.autograd.grad(loss(TORCH, f, cotangents, arguments), arguments)
    return [g.resolve_conj().numpy() for g in gradient]


# --- The arguments. ---------------------------------------------------------


class Draw:
    """Seeded random matrices of one scalar type."""

    def __init__(self, rng, is_complex):
        self.rng = rng
        self.is_complex = is_complex

    def matrix(self, rows, cols):
        a = self.rng.standard_normal((rows, cols))
        return a + 1j * self.rng.standard_normal((rows, cols)) if self.is_complex else a

    def scalar(self):
        return self.matrix(1, 1)

    def triangular(self, n):
        """All entries set, the diagonal away from zero: for either triangle."""
        a = self.matrix(n, n)
        return a + np.diag(2 * np.sqrt(n) * np.sign(np.diag(a.real)))

    def definite(self, n):
        a = self.matrix(n, n)
        return hermitian(a @ adjoint(a) / n + 2 * np.eye(n))

    def ill_conditioned(self, n):
        q, _ = np.linalg.qr(self.matrix(n, n))
        return hermitian(q * np.logspace(0, -8, n) @ adjoint(q))

    def factor(self, a):
        """The Cholesky factor of `a`, with numbers to ignore above its diagonal."""
        return np.linalg.cholesky(a) + np.triu(self.matrix(*a.shape), 1)

    def with_singular_values(self, rows, cols, s):
        (u, _), (v, _) = (np.linalg.qr(self.matrix(n, len(s))) for n in (rows, cols))
        return u * s @ adjoint(v)

    def well_conditioned(self, rows, cols):
        return self.with_singular_values(rows, cols, np.linspace(3, 1, min(rows, cols)))

    def indefinite(self, n):
        q, _ = np.linalg.qr(self.matrix(n, n))
        return hermitian(q * np.linspace(-2, 3, n) @ adjoint(q))

    def diagonalizable(self, n):
        """Its eigenvalues and, but for conjugates, their real parts are apart; not all are real."""
        while True:
            a = self.matrix(n, n)
            w, v = np.linalg.eig(a)
            i, j = np.triu_indices(n, 1)
            conjugate = abs(w[i] - w[j].conj()) < 1e-9
            apart = (abs(w[i] - w[j]) > 0.5) & (conjugate | (abs((w[i] - w[j]).real) > 0.1))
            if apart.all() and np.linalg.cond(v) < 10 and np.iscomplexobj(w):
                return a

    def cotangent(self, value):
        """As the values that it is for: they may be real where the arguments are not."""
        is_complex = np.iscomplexobj(value)
        c = Draw(self.rng, self.is_complex or is_complex).matrix(*value.shape)
        return c if is_complex else c.real.copy()


def argument_lists(draw):
    """Yields (primitive, its arguments)."""
    m, s = draw.matrix, draw.scalar
    for shape in [(1, 1), (5, 3)]:
        yield from ((name, [m(*shape), m(*shape)]) for name in ("add", "sub", "component_mul"))
        yield from ((name, [m(*shape)]) for name in ("neg", "transpose", "adjoint", "sum"))
        yield "scale", [s(), m(*shape)]
        yield "axpy", [s(), m(*shape), m(*shape)]
        yield "nrm2", [m(*shape)]
    yield "axpy", [s(), m(6, 1), m(6, 1)]
    yield "nrm2", [m(6, 1)]
    for shape in [(1, 1), (6, 1), (3, 2)]:
        yield "dot", [m(*shape), m(*shape)]
    for n, k, p in [(1, 1, 1), (5, 3, 4), (5, 3, 1)]:
        yield "matmul", [m(n, k), m(k, p)]
        yield "tr_mul", [m(k, n), m(k, p)]
        yield "gemm", [s(), m(n, k), m(k, p), s(), m(n, p)]
    for n in [1, 7]:
        yield from ((name, [m(n, n)]) for name in ("trace", "diagonal", "symmetric_part"))
    yield "diagonal", [m(5, 3)]
    for n, p in [(1, 1), (7, 1), (5, 3)]:
        yield "solve_lower_triangular", [draw.triangular(n), m(n, p)]
        yield "solve_upper_triangular", [draw.triangular(n), m(n, p)]
        yield "cholesky_solve", [draw.factor(draw.definite(n)), m(n, p)]
    for n in [1, 3, 7]:
        yield "cholesky", [draw.definite(n)]
        yield "ln_determinant", [draw.definite(n)]
    ill = draw.ill_conditioned(8)
    yield "cholesky", [ill]
    yield "ln_determinant", [ill]
    yield "cholesky_solve", [draw.factor(ill), m(8, 2)]


def decomposition_lists(draw):
    """Yields (primitive, its arguments)."""
    m, well = draw.matrix, draw.well_conditioned
    for shape in [(5, 5), (5, 3), (3, 5)]:
        yield "lu", [m(*shape)]
        yield "full_piv_lu", [m(*shape)]
    for shape in [(5, 5), (6, 4), (4, 6)]:
        a = well(*shape)
        names = ("qr", "svd", "singular_values", "bidiagonal", "polar", "pseudo_inverse")
        yield from ((name, [a]) for name in names)
        yield from ((name, [a]) for name in ("spectral_norm", "nuclear_norm", "condition_number"))
    yield "lq", [well(4, 6)]
    a = draw.indefinite(5)
    names = ("symmetric_eigen", "symmetric_eigenvalues", "symmetric_tridiagonal", "udu")
    yield from ((name, [a]) for name in names)
    yield "generalized_symmetric_eigen", [draw.indefinite(5), draw.definite(5)]
    a = draw.diagonalizable(5)
    yield from ((name, [a]) for name in ("eigen", "complex_eigenvalues", "hessenberg"))
    a = well(5, 5)
    yield from ((name, [a]) for name in ("inverse", "determinant", "ln_abs_determinant"))
    yield "solve", [a, m(5, 3)]
    yield "lstsq", [well(6, 4), m(6, 2)]
    yield "lstsq", [well(4, 6), m(4, 2)]
    yield "tridiagonal_solve", [m(6, 1), 3 + m(6, 1), m(6, 1), m(6, 2)]
    yield "toeplitz_solve", [np.eye(6, 1) * 4 + m(6, 1), m(6, 1), m(6, 2)]
    for p in [3.0, 1.5]:
        yield "lp_norm", [m(5, 3), np.array([[p]])]
    yield from ((name, [m(5, 3)]) for name in ("norm", "norm_inf", "one_norm", "normalize"))

    a = draw.with_singular_values(8, 8, np.logspace(5, -3, 8))
    names = ("lu", "qr", "svd", "singular_values", "polar", "inverse", "pseudo_inverse")
    yield from ((name, [a]) for name in names)
    names = ("determinant", "ln_abs_determinant", "spectral_norm", "nuclear_norm")
    yield from ((name, [a]) for name in (*names, "condition_number"))
    yield from ((name, [a, m(8, 2)]) for name in ("solve", "lstsq"))
    a = draw.ill_conditioned(8)
    yield from ((name, [a]) for name in ("symmetric_eigen", "symmetric_eigenvalues"))
    yield "generalized_symmetric_eigen", [a, draw.definite(8)]


# --- The file. --------------------------------------------------------------


def distance(a, b):
    return np.abs(a - b).max() / max(np.abs(b).max(), np.finfo(float).tiny)


def full_piv_lu_product(a, factors):
    rows, cols = pivots(a, True)
    k = min(a.shape)
    low = np.tril(factors, -1)[:, :k] + np.eye(len(a), k)
    return [(low @ np.triu(factors)[:k], a[rows][:, cols])]


def symmetric_tridiagonal_product(a, q, diagonal, off_diagonal):
    t = np.diag(diagonal[:, 0]) + np.diag(off_diagonal[:, 0], 1) + np.diag(off_diagonal[:, 0], -1)
    return [(q @ t @ adjoint(q), a), (adjoint(q) @ q, np.eye(len(a)))]


def bidiagonal_product(a, u, diagonal, off_diagonal, v_t):
    side = 1 if a.shape[0] >= a.shape[1] else -1
    b = np.diag(diagonal[:, 0]) + np.diag(off_diagonal[:, 0], side)
    one = np.eye(len(b))
    return [(u @ b @ v_t, a), (adjoint(u) @ u, one), (v_t @ adjoint(v_t), one)]


def tridiagonal_product(lower, diagonal, upper, b, x):
    product = diagonal * x
    product[1:] += lower[1:] * x[:-1]
    product[:-1] += upper[:-1] * x[1:]
    return [(product, b)]


def toeplitz_product(col, row, b, x):
    n = len(col)
    t = [[col[i - j, 0] if i >= j else row[j - i, 0] for j in range(n)] for i in range(n)]
    return [(np.array(t) @ x, b)]


# What must be equal, by the arguments and the values.
RECONSTRUCTIONS = {
    "full_piv_lu": full_piv_lu_product,
    "hessenberg": lambda a, q, h: [(q @ h @ adjoint(q), a), (adjoint(q) @ q, np.eye(len(a)))],
    "symmetric_tridiagonal": symmetric_tridiagonal_product,
    "bidiagonal": bidiagonal_product,
    "udu": lambda a, u, d: [(u * d.T @ adjoint(u), a), (np.tril(u), np.eye(len(a)))],
    "tridiagonal_solve": tridiagonal_product,
    "toeplitz_solve": toeplitz_product,
}


def make_case(draw, primitive, arguments):
    f = PRIMITIVES[primitive]
    by_jax, by_torch = jax_values(f, arguments), torch_values(f, arguments)
    fields = [np.iscomplexobj(y) for y in by_jax]
    values = outputs(MP, f, list(map(as_mp, arguments)))
    values = [as_double(*pair) for pair in zip(values, fields, strict=True)]
    cotangents = [draw.cotangent(y) for y in values]
    if primitive == "cholesky":
        cotangents = list(map(np.tril, cotangents))

    if primitive in RECONSTRUCTIONS:
        for found, expected in RECONSTRUCTIONS[primitive](*arguments, *values):
            assert distance(found, expected) <= TOLERANCE, primitive

    exact = mp_gradients(f, cotangents, arguments)
    by_jax += jax_gradients(f, cotangents, arguments)
    by_torch += torch_gradients(f, cotangents, arguments)
    tolerance = TOLERANCE_ILL_CONDITIONED if arguments[0].shape == (8, 8) else TOLERANCE
    for e, j, t in zip(values + exact, by_jax, by_torch, strict=True):
        error = max(distance(j, t), distance(j, e), distance(t, e))
        assert error <= tolerance, (primitive, e.shape, error)
    return {
        "primitive": primitive,
        "scalar": "Complex<f64>" if draw.is_complex else "f64",
        "arguments": [entry(a) for a in arguments],
        "values": [entry(y) for y in values],
        "cotangents": [entry(c) for c in cotangents],
        "gradients": [entry(g) for g in exact],
    }


def entry(a):
    rows, cols = a.shape
    out = {"rows": rows, "cols": cols, "re": a.real.flatten("F").tolist()}
    if np.iscomplexobj(a):
        out["im"] = a.imag.flatten("F").tolist()
    return out


def to_json(v):
    """json.dumps, but with 17 significant digits and no negative zeros."""
    if isinstance(v, float):
        return format(v + 0.0, ".17g")
    if isinstance(v, list):
        return "[" + ",".join(map(to_json, v)) + "]"
    if isinstance(v, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{to_json(x)}" for k, x in v.items()) + "}"
    return json.dumps(v)


def main():
    cases = []
    seeds = {argument_lists: SEED, decomposition_lists: SEED_OF_DECOMPOSITIONS}
    for lists, seed in seeds.items():
        rng = np.random.default_rng(seed)
        for is_complex in (False, True):
            draw = Draw(rng, is_complex)
            cases += [make_case(draw, *pair) for pair in lists(draw)]
    cases.sort(key=lambda c: list(PRIMITIVES).index(c["primitive"]))
    made_with = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "mpmath": mp.__version__,
        "jax": jax.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    lines = ",\n".join(map(to_json, cases))
    path = Path(__file__).with_name("reference.json")
    path.write_text(f'{{"made_with":{to_json(made_with)},\n"cases":[\n{lines}\n]}}\n')
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
