#!/usr/bin/env python3
"""Makes blas.json: values and gradients of the operations of BLAS that overwrite, with every option.

Run:  pip install numpy scipy mpmath jax
      python blas.py          (writes blas.json beside this file)

It takes a minute on one core. The committed file was made with the versions that its "made_with" says.

The values are those of the BLAS that SciPy links, where that has the operation with the options: the
routine itself is called. Every operation is also written once with whole matrices, of which the triangles that
are not read are replaced, and run in JAX, which differentiates it, and in 60-digit arithmetic (mpmath), where
the gradient is a central difference. The script stops unless BLAS, JAX and the 60-digit result agree to 1e-12.
The 60-digit result, rounded to double, is what is written.

Format: {"made_with", "cases": [{"primitive", "scalar", "left", "lower", "operation", "unit", "arguments",
"cotangent", "value", "gradients"}]}: arguments are A, B, C, alpha and beta, and gradients are by them; what an operation does
not take has the gradient zero. Matrices are as in reference.json, and so is the pairing:
L = Re(sum(conj(Ybar) * Y)), the gradient by X is dL/dRe(X) + i dL/dIm(X).

The imaginary parts of alpha and beta are ignored where they are real by definition, and so are those of the diagonals of
Hermitian matrices: zero gradients there. In the triangle of C that is not stored the value is that of C and the
gradient the cotangent. rot takes c = Re(beta) + 1 and s = alpha, and B and C for x and y; the value is the sum of both.
"""

import itertools
import json
from pathlib import Path

import jax
import mpmath
import numpy as np
import scipy
from scipy.linalg import blas

jax.config.update("jax_enable_x64", True)
mpmath.mp.dps = 60

NAMES = {
    # side, operation, diagonal: whether the operation has them
    "scal": (0, 0, 0), "rot": (0, 0, 0), "gemv": (0, 1, 0), "ger": (0, 0, 0), "gerc": (0, 0, 0),
    "symv": (0, 0, 0), "hemv": (0, 0, 0), "trmv": (0, 1, 1), "trsv": (0, 1, 1), "syr": (0, 0, 0),
    "her": (0, 0, 0), "gemm": (0, 1, 0), "symm": (1, 0, 0), "hemm": (1, 0, 0), "syrk": (0, 1, 0),
    "herk": (0, 1, 0), "syr2k": (0, 1, 0), "her2k": (0, 1, 0), "trmm": (1, 1, 1), "trsm": (1, 1, 1),
}
UPDATES = ("syr", "her", "syrk", "herk", "syr2k", "her2k")
SIZE, INNER = 4, 3


def shapes(name, left, operation):
    turned = lambda r, c: (r, c) if operation == 0 else (c, r)
    if name == "gemm":
        return turned(SIZE, INNER), (INNER, 2), (SIZE, 2)
    if name == "gemv":
        return turned(SIZE, INNER), (INNER, 1), (SIZE, 1)
    if name in ("ger", "gerc"):
        return (SIZE, 1), (INNER, 1), (SIZE, INNER)
    if name in ("symv", "hemv", "trmv", "trsv"):
        return (SIZE, SIZE), (SIZE, 1), (SIZE, 1)
    if name in ("syr", "her"):
        return (SIZE, 1), (SIZE, 1), (SIZE, SIZE)
    if name in UPDATES:
        return turned(SIZE, INNER), turned(SIZE, INNER), (SIZE, SIZE)
    if name in ("scal", "rot"):
        return (SIZE, 1), (SIZE, 1), (SIZE, 1)
    beside = (SIZE, INNER) if left else (INNER, SIZE)
    return (SIZE, SIZE), beside, beside


def applied(operation, a):
    return [lambda: a, lambda: a.T, lambda: a.conjugate().T][operation]()


def real(x):
    return (x + x.conjugate()) / 2


class Jax:
    """Arrays of JAX."""

    where = staticmethod(jax.numpy.where)
    solve = staticmethod(jax.numpy.linalg.solve)


class Digits:
    """Arrays of 60-digit numbers."""

    where = staticmethod(np.where)

    @staticmethod
    def solve(a, b):
        n = len(a)
        solution = mpmath.lu_solve
        columns = [solution(mpmath.matrix(a.tolist()), mpmath.matrix(b[:, j].tolist()))
                   for j in range(b.shape[1])]
        return np.array([[columns[j][i] for j in range(b.shape[1])] for i in range(n)])


def formula(xp, name, left, lower, operation, unit, a, b, c, alpha, beta):
    """C afterwards, by whole matrices."""
    hermitian = name.startswith("he")
    if name[:2] in ("sy", "he", "tr") and name not in UPDATES:
        stored = np.tril(np.ones((SIZE, SIZE), bool), -1)
        stored = stored if lower else stored.T
        diagonal = np.eye(SIZE, dtype=bool)
        if name.startswith("tr"):
            whole = xp.where(stored, a, a * 0)
            on = a * 0 + 1 if unit else a
            whole = applied(operation, xp.where(diagonal, on, whole))
        else:
            other = a.conjugate().T if hermitian else a.T
            whole = xp.where(stored, a, other)
            whole = xp.where(diagonal, real(a) if hermitian else a, whole)
        beside = (lambda m: whole @ m) if left else (lambda m: m @ whole)
        if name == "trmv":
            return whole @ c
        if name == "trsv":
            return xp.solve(whole, c)
        if name == "trmm":
            return alpha * beside(c)
        if name == "trsm":
            return alpha * xp.solve(whole, c) if left else alpha * xp.solve(whole.T, c.T).T
        return alpha * beside(b) + beta * c
    if name == "scal":
        return alpha * c
    if name == "rot":
        return (real(beta) + 1) * (b + c) + alpha * c - alpha.conjugate() * b
    if name in ("gemm", "gemv"):
        return alpha * (applied(operation, a) @ b) + beta * c
    if name in ("ger", "gerc"):
        return alpha * (a @ (b.conjugate().T if name == "gerc" else b.T)) + c
    p, q = (a, b) if name in ("syr", "her") else (applied(operation, a), applied(operation, b))
    turn = (lambda m: m.conjugate().T) if hermitian else (lambda m: m.T)
    if name.endswith("2k"):
        second = alpha.conjugate() if hermitian else alpha
        product = alpha * (p @ turn(q)) + second * (q @ turn(p))
    else:
        product = (real(alpha) if hermitian else alpha) * (p @ turn(p))
    factor = 1 if name in ("syr", "her") else real(beta) if hermitian else beta
    new = product + factor * c
    if hermitian:
        new = xp.where(np.eye(SIZE, dtype=bool), real(new), new)
    stored = np.tril(np.ones((SIZE, SIZE), bool))
    return xp.where(stored if lower else stored.T, new, c)


def by_blas(name, left, lower, operation, unit, a, b, c, alpha, beta):
    """The routine of BLAS itself; none where that has not this."""
    complex_ = np.iscomplexobj(a)
    prefix = "z" if complex_ else "d"
    if not complex_ and name.startswith("he"):
        return None
    if operation == 2 and not complex_:
        operation = 1
    if complex_ and (name in ("syrk", "syr2k") and operation == 2 or name in ("herk", "her2k") and operation == 1):
        return None
    routine = {"gerc": "gerc" if complex_ else "ger", "ger": "geru" if complex_ else "ger"}.get(name, name)
    call = getattr(blas, prefix + routine, None)
    if call is None:
        return None
    vector = lambda m: m[:, 0].copy()
    trans = {"trans": operation}
    if name == "scal":
        return call(alpha, vector(c)).reshape(-1, 1)
    if name == "rot":
        # BLAS has complex ones with a real sine only.
        return None if complex_ else sum(call(vector(b), vector(c), beta + 1, alpha)).reshape(-1, 1)
    if name == "gemv":
        return call(alpha, a, vector(b), beta=beta, y=vector(c), **trans).reshape(-1, 1)
    if name in ("ger", "gerc"):
        return call(alpha, vector(a), vector(b), a=c.copy(order="F"))
    if name in ("symv", "hemv"):
        return call(alpha, a, vector(b), beta=beta, y=vector(c), lower=lower).reshape(-1, 1)
    if name in ("trmv", "trsv"):
        return call(a, vector(c), lower=lower, diag=unit, **trans).reshape(-1, 1)
    if name in ("syr", "her"):
        alpha = alpha.real if name == "her" else alpha
        return call(alpha, vector(a), lower=lower, a=c.copy(order="F"))
    if name == "gemm":
        return call(alpha, a, b, beta=beta, c=c, trans_a=operation)
    if name in ("symm", "hemm"):
        return call(alpha, a, b, beta=beta, c=c, side=not left, lower=lower)
    if name in ("syrk", "herk"):
        alpha, beta = (alpha.real, beta.real) if name == "herk" else (alpha, beta)
        return call(alpha, a, beta=beta, c=c, lower=lower, **trans)
    if name in ("syr2k", "her2k"):
        beta = beta.real if name == "her2k" else beta
        return call(alpha, a, b, beta=beta, c=c, lower=lower, **trans)
    return call(alpha, a, c, side=not left, lower=lower, diag=unit, trans_a=operation)


def digits(x):
    entry = lambda z: mpmath.mpc(z) if np.iscomplexobj(x) else mpmath.mpf(z)
    x = np.asarray(x)
    return np.array([entry(z) for z in x.flat], dtype=object).reshape(x.shape)


def near(found, expected, what):
    found, expected = np.asarray(found), np.asarray(expected)
    size = max(1.0, np.abs(expected).max())
    assert np.abs(found - expected).max() < 1e-12 * size, what


def case(name, complex_, left, lower, operation, unit, random):
    def draw(shape):
        x = random.standard_normal(shape)
        x = x + 1j * random.standard_normal(shape) if complex_ else x
        return np.round(x, 3)

    arguments = [draw(shape) for shape in shapes(name, left, operation)]
    if name in ("trsm", "trsv"):
        arguments[0] += 3 * np.eye(SIZE)
    arguments += [draw((1, 1))[0, 0], draw((1, 1))[0, 0]]
    bar = draw(arguments[2].shape)
    options = (name, left, lower, operation, unit)

    def loss(*x):
        return (bar.conjugate() * formula(Jax, *options, *x)).sum().real

    by_jax = [np.conj(np.asarray(g)) for g in jax.grad(loss, argnums=range(5))(*arguments)]
    exact = [digits(x) if i < 3 else digits(x)[()] for i, x in enumerate(arguments)]
    to_double = lambda x: np.vectorize(complex if complex_ else float)(x)
    value = to_double(formula(Digits, *options, *exact))
    routine = by_blas(*options, *arguments)
    if routine is not None:
        near(routine, value, f"BLAS {options} {complex_}")
    exact_bar = digits(bar)

    def exact_loss(x):
        y = formula(Digits, *options, *x)
        return sum(mpmath.re(mpmath.conj(g) * z) for g, z in zip(exact_bar.flat, y.flat))

    step, gradients = mpmath.mpf(10) ** -20, []
    for i, x in enumerate(exact):
        flat = np.array([x], dtype=object) if i > 2 else x.flatten()
        by = []
        for k in range(len(flat)):
            slope = 0
            for part in (1, 1j) if complex_ else (1,):
                ends = []
                for sign in (1, -1):
                    moved = flat.copy()
                    moved[k] = moved[k] + sign * step * mpmath.mpmathify(part)
                    at = list(exact)
                    at[i] = moved[0] if i > 2 else moved.reshape(x.shape)
                    ends.append(exact_loss(at))
                slope += (ends[0] - ends[1]) / (2 * step) * part
            by.append(slope)
        by = to_double(np.array(by, dtype=object).reshape((1, 1) if i > 2 else x.shape))
        near(by_jax[i], by, f"gradient {i} of {options} {complex_}")
        gradients.append(by)
    matrix = lambda x: np.asarray(x).reshape((1, 1)) if np.ndim(x) == 0 else x
    return {
        "primitive": name, "scalar": "Complex<f64>" if complex_ else "f64",
        "left": left, "lower": lower, "operation": ["None", "Transpose", "Adjoint"][operation], "unit": unit,
        "arguments": [written(matrix(x)) for x in arguments], "cotangent": written(bar),
        "value": written(value), "gradients": [written(g) for g in gradients],
    }, routine is not None


def written(m):
    numbers = lambda x: [float(v) for v in np.asarray(x).flatten(order="F")]
    out = {"rows": m.shape[0], "cols": m.shape[1], "re": numbers(np.real(m))}
    if np.iscomplexobj(m):
        out["im"] = numbers(np.imag(m))
    return out


def main():
    random = np.random.default_rng(7)
    cases, routines = [], 0
    for (name, has), complex_ in itertools.product(NAMES.items(), (False, True)):
        options = itertools.product((True, False), (True, False), range(3), (False, True))
        for left, lower, operation, unit in options:
            if not left and not has[0] or operation and not has[1] or unit and not has[2]:
                continue
            made, compared = case(name, complex_, left, lower, operation, unit, random)
            cases.append(made)
            routines += compared
    made_with = {"numpy": np.__version__, "scipy": scipy.__version__, "mpmath": mpmath.__version__,
                 "jax": jax.__version__}
    path = Path(__file__).with_name("blas.json")
    path.write_text(json.dumps({"made_with": made_with, "cases": cases}) + "\n")
    print(f"{len(cases)} cases, {routines} against a routine of BLAS")


if __name__ == "__main__":
    main()
