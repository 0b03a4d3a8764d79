#!/usr/bin/env python3
"""Makes reference.json: values and gradients of the linear-algebra primitives.

Run:  pip install numpy mpmath jax torch
      python reference.py          (writes reference.json beside this file)

The committed file was made with Python 3.11, NumPy 2.4.6, mpmath 1.3.0,
JAX 0.10.2 and PyTorch 2.15.0; its "made_with" says so too.

Every primitive is written once and run three ways: in PyTorch and in JAX, which
differentiate it in double precision, and in 60-digit arithmetic (mpmath), where
the gradient is a central difference. The script stops unless PyTorch, JAX
and the 60-digit result agree, in value and gradients, to 1e-9 relative to the
largest entry. The 60-digit result, rounded to double, is what is written.
The 8 x 8 cases have condition number 1e8; there the bound is 1e-8.

Format: {"made_with": ..., "cases": [{"primitive", "scalar", "arguments", "value",
"cotangent", "gradients"}]}. A matrix is {"rows", "cols", "re", "im"}, in column-major
order, "im" only when complex; a vector is n x 1, a scalar 1 x 1.

Conventions
- With cotangent Ybar, L = Re(sum(conj(Ybar) * Y)) = Re tr(Ybar^H Y). The gradient
  for an argument X is dL/dRe(X) + i dL/dIm(X): PyTorch's; JAX gives its conjugate.
- cholesky and ln_determinant are evaluated at (A + A^H)/2: Hermitian gradients.
- The triangular solves and cholesky_solve read one triangle only (the other holds
  numbers that must be ignored) and their gradients are zero outside it. The
  diagonal counts as free complex numbers.
- dot, transpose and tr_mul do not conjugate.
"""

import json
import platform
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import torch

SEED = 20240607
STEP = mp.mpf(10) ** -20
TOLERANCE = 1e-9
TOLERANCE_ILL_CONDITIONED = 1e-8

jax.config.update("jax_enable_x64", True)
mp.mp.dps = 60


# --- The three ways to compute. ---------------------------------------------


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


MP = SimpleNamespace(
    real=np.vectorize(mp.re, otypes=[object]),
    log=np.vectorize(mp.log, otypes=[object]),
    sqrt=np.vectorize(mp.sqrt, otypes=[object]),
    tril=np.tril,
    triu=np.triu,
    cholesky=mp_cholesky,
    solve=mp_solve,
)
JAX = SimpleNamespace(
    real=jnp.real,
    log=jnp.log,
    sqrt=jnp.sqrt,
    tril=jnp.tril,
    triu=jnp.triu,
    cholesky=jnp.linalg.cholesky,
    solve=lambda low, b, lower: jax.scipy.linalg.solve_triangular(low, b, lower=lower),
)
TORCH = SimpleNamespace(
    real=torch.real,
    log=torch.log,
    sqrt=torch.sqrt,
    tril=torch.tril,
    triu=torch.triu,
    cholesky=torch.linalg.cholesky,
    solve=lambda low, b, lower: torch.linalg.solve_triangular(low, b, upper=not lower),
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
}


def loss(xp, f, cotangent, arguments):
    return xp.real(cotangent.conj() * f(xp, *arguments)).sum()


def as_mp(a):
    return np.vectorize(mp.mpmathify, otypes=[object])(a)


def as_double(a, is_complex):
    """A matrix of doubles: vectors have one column, scalars are 1 x 1."""
    a = np.atleast_2d(np.asarray(a))
    a = np.vectorize(complex, otypes=[complex])(a)
    return a if is_complex else a.real


def mp_gradients(f, cotangent, arguments):
    cotangent, arguments = as_mp(cotangent), [as_mp(a) for a in arguments]
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
                    ends.append(loss(MP, f, cotangent, moved_arguments))
                gradient[i] += unit * (ends[0] - ends[1]) / (2 * STEP)
        gradients.append(as_double(gradient, is_complex))
    return gradients


def jax_gradients(f, cotangent, arguments):
    arguments = [jnp.asarray(a) for a in arguments]
    gradient = jax.grad(lambda a: loss(JAX, f, jnp.asarray(cotangent), a))
    return [np.conj(g) for g in gradient(arguments)]


def torch_gradients(f, cotangent, arguments):
    arguments = [torch.tensor(a, requires_grad=True) for a in arguments]
    gradient = torch.autograd.grad(loss(TORCH, f, torch.tensor(cotangent), arguments), arguments)
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


# --- The file. --------------------------------------------------------------


def distance(a, b):
    return np.abs(a - b).max() / max(np.abs(b).max(), np.finfo(float).tiny)


def make_case(draw, primitive, arguments):
    f = PRIMITIVES[primitive]
    real_result = primitive in ("nrm2", "ln_determinant")
    value = as_double(f(MP, *map(as_mp, arguments)), draw.is_complex and not real_result)
    cotangent = draw.matrix(*value.shape)
    if real_result:
        cotangent = cotangent.real.copy()
    if primitive == "cholesky":
        cotangent = np.tril(cotangent)

    exact = mp_gradients(f, cotangent, arguments)
    by_jax = jax_gradients(f, cotangent, arguments)
    by_torch = torch_gradients(f, cotangent, arguments)
    value_by_jax = np.asarray(f(JAX, *map(jnp.asarray, arguments)))
    value_by_torch = f(TORCH, *map(torch.tensor, arguments)).resolve_conj().numpy()
    tolerance = TOLERANCE_ILL_CONDITIONED if arguments[0].shape == (8, 8) else TOLERANCE
    results = zip(
        [value, *exact], [value_by_jax, *by_jax], [value_by_torch, *by_torch], strict=True
    )
    for e, j, t in results:
        error = max(distance(j, t), distance(j, e), distance(t, e))
        assert error <= tolerance, (primitive, e.shape, error)
    return {
        "primitive": primitive,
        "scalar": "Complex<f64>" if draw.is_complex else "f64",
        "arguments": [entry(a) for a in arguments],
        "value": entry(value),
        "cotangent": entry(cotangent),
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
    rng = np.random.default_rng(SEED)
    cases = []
    for is_complex in (False, True):
        draw = Draw(rng, is_complex)
        cases += [make_case(draw, *pair) for pair in argument_lists(draw)]
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
