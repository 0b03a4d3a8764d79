#!/usr/bin/env python3
"""Makes elementary.json: values and gradients of rearrangements, products and reductions.

Run:  pip install numpy mpmath jax
      python elementary.py         (writes elementary.json beside this file)

It takes half a minute on one core. The committed file was made with the versions that its "made_with" says.

Every primitive is written once and run twice: in JAX, which differentiates it in double precision, and in 60-digit
arithmetic (mpmath), where the gradient is a central difference. The script stops unless both agree, in value and
gradients, to 1e-12 relative to the largest entry. The 60-digit result, rounded to double, is what is written.

Format and conventions are those of reference.py: with a cotangent Ybar, L = Re(sum(conj(Ybar) * Y)), and the gradient
for an argument X is dL/dRe(X) + i dL/dIm(X), of which JAX gives the conjugate. Besides:
- quadratic_form, mul_tr and cross do not conjugate; ad_mul conjugates its first argument, outer its second.
- variance is that of the population, E |x - mean|^2, a real number.
- logsumexp is of all entries, row_logsumexp and softmax of each column; complex logarithms are principal.
- the constants: view is the block from (1, 0) on with all but the first row and the last column; select_rows takes the
  rows 1, 0, 1, 1, select_columns the columns 2, 2, 0; the offsets of diagonal_at and from_diagonal_at are 1 and -2;
  reshape makes 6 x 2 of 3 x 4 or 4 x 3; map is exp.
- "cumprod" stands there with no zero, one, two and many zeros among the entries of a column.
"""

import json
import platform
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np

SEED = 20261126
STEP = mp.mpf(10) ** -20
TOLERANCE = 1e-12

jax.config.update("jax_enable_x64", True)
mp.mp.dps = 60

MP = SimpleNamespace(
    exp=np.vectorize(mp.exp, otypes=[object]),
    log=np.vectorize(mp.log, otypes=[object]),
    real=np.vectorize(mp.re, otypes=[object]),
    conj=np.conj,
    concatenate=np.concatenate,
    stack=np.stack,
    cumsum=np.cumsum,
    cumprod=np.cumprod,
    tril=np.tril,
    triu=np.triu,
    reshape=lambda a, shape: np.reshape(a, shape, order="F"),
)
JAX = SimpleNamespace(
    exp=jnp.exp,
    log=jnp.log,
    real=jnp.real,
    conj=jnp.conj,
    concatenate=jnp.concatenate,
    stack=jnp.stack,
    cumsum=jnp.cumsum,
    cumprod=jnp.cumprod,
    tril=jnp.tril,
    triu=jnp.triu,
    reshape=lambda a, shape: jnp.reshape(a, shape, order="F"),
)


def kronecker(xp, a, b):
    blocks = [xp.concatenate([a[i, j] * b for j in range(a.shape[1])], 1) for i in range(a.shape[0])]
    return xp.concatenate(blocks, 0)


def with_diagonal(xp, d, row, column):
    """The matrix of zeros but for the numbers d, from an entry of the first row or column downwards."""
    size = d.shape[0] + row + column
    zero = d[0, 0] * 0
    at = {(row + i, column + i): d[i, 0] for i in range(d.shape[0])}
    return xp.stack([xp.stack([at.get((i, j), zero) for j in range(size)]) for i in range(size)])


def diagonal(xp, a, row, column):
    count = min(a.shape[0] - row, a.shape[1] - column)
    return xp.stack([a[row + i : row + i + 1, column + i] for i in range(count)])


def cross(xp, a, b):
    return xp.stack([a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))])


def variance(xp, a):
    d = a - a.sum() / a.size
    return xp.real((d * xp.conj(d)).sum() / a.size)


RUN = {
    "component_div": lambda xp, a, b: a / b,
    "ad_mul": lambda xp, a, b: xp.conj(a).T @ b,
    "mul_tr": lambda xp, a, b: a @ b.T,
    "quadratic_form": lambda xp, x, a, y: (x.T @ a @ y)[0, 0],
    "row_sum": lambda xp, a: a.sum(0)[None, :],
    "column_sum": lambda xp, a: a.sum(1)[:, None],
    "mean": lambda xp, a: a.sum() / a.size,
    "variance": variance,
    "from_diagonal": lambda xp, d: with_diagonal(xp, d, 0, 0),
    "from_diagonal_at": lambda xp, d: with_diagonal(xp, d, 2, 0),
    "diagonal_at": lambda xp, a: diagonal(xp, a, 0, 1),
    "lower_triangle": lambda xp, a: xp.tril(a),
    "upper_triangle": lambda xp, a: xp.triu(a),
    "kronecker": kronecker,
    "cross": cross,
    "outer": lambda xp, x, y: x @ xp.conj(y).T,
    "hstack": lambda xp, a, b: xp.concatenate([a, b], 1),
    "vstack": lambda xp, a, b: xp.concatenate([a, b], 0),
    "view": lambda xp, a: a[1:, :-1],
    "select_rows": lambda xp, a: a[np.array([1, 0, 1, 1]), :],
    "select_columns": lambda xp, a: a[:, np.array([2, 2, 0])],
    "reshape": lambda xp, a: xp.reshape(a, (6, 2)),
    "cumsum": lambda xp, a: xp.cumsum(a, 0),
    "cumprod": lambda xp, a: xp.cumprod(a, 0),
    "logsumexp": lambda xp, a: xp.log(xp.exp(a).sum()),
    "row_logsumexp": lambda xp, a: xp.log(xp.exp(a).sum(0)[None, :]),
    "softmax": lambda xp, a: xp.exp(a) / xp.exp(a).sum(0)[None, :],
    "map": lambda xp, a: xp.exp(a),
}


def points(random):
    """The arguments of each case."""

    def normal(rows, cols):
        return random.standard_normal((rows, cols))

    def zeroed(*places):
        a = normal(5, 2)
        for place in places:
            a[place] = 0.0
        return a

    return [
        ("component_div", [normal(2, 3), normal(2, 3)]),
        ("ad_mul", [normal(4, 2), normal(4, 3)]),
        ("mul_tr", [normal(2, 4), normal(3, 4)]),
        ("quadratic_form", [normal(3, 1), normal(3, 4), normal(4, 1)]),
        ("quadratic_form", [normal(1, 1), normal(1, 1), normal(1, 1)]),
        ("row_sum", [normal(3, 4)]),
        ("column_sum", [normal(3, 4)]),
        ("mean", [normal(3, 4)]),
        ("variance", [normal(3, 4)]),
        # Few digits, which every reader of decimals rounds alike.
        ("variance", [np.round(normal(5, 1) * 8.0) / 8.0 + 1e6]),
        ("from_diagonal", [normal(3, 1)]),
        ("from_diagonal_at", [normal(3, 1)]),
        ("diagonal_at", [normal(3, 4)]),
        ("diagonal_at", [normal(4, 3)]),
        ("lower_triangle", [normal(3, 4)]),
        ("upper_triangle", [normal(4, 3)]),
        ("kronecker", [normal(2, 3), normal(3, 2)]),
        ("cross", [normal(3, 1), normal(3, 1)]),
        ("outer", [normal(3, 1), normal(2, 1)]),
        ("hstack", [normal(2, 3), normal(2, 1)]),
        ("vstack", [normal(1, 3), normal(2, 3)]),
        ("view", [normal(3, 4)]),
        ("select_rows", [normal(3, 2)]),
        ("select_columns", [normal(2, 3)]),
        ("reshape", [normal(3, 4)]),
        ("reshape", [normal(4, 3)]),
        ("cumsum", [normal(4, 3)]),
        ("cumprod", [normal(4, 3)]),
        ("cumprod", [zeroed((0, 0), (4, 1))]),
        ("cumprod", [zeroed((2, 0), (1, 1), (3, 1))]),
        ("cumprod", [zeroed(*((i, 0) for i in range(5)), (1, 1), (2, 1), (4, 1))]),
        ("logsumexp", [normal(3, 4)]),
        ("logsumexp", [normal(3, 1) + np.array([[0.0], [-40.0], [-45.0]])]),
        ("row_logsumexp", [normal(4, 3)]),
        ("softmax", [normal(4, 3)]),
        ("softmax", [normal(3, 1) * 10.0]),
        ("map", [normal(2, 3)]),
    ]


def exact(x):
    """The doubles as numbers of 60 digits."""
    convert = (lambda z: mp.mpc(z.real, z.imag)) if np.iscomplexobj(x) else mp.mpf
    return np.vectorize(convert, otypes=[object])(x)


def paired(cotangent, y):
    return sum(mp.re(mp.conj(c) * v) for c, v in zip(cotangent.flat, np.asarray(y).flat))


def numbers(x):
    """A result of 60 digits, or of JAX, as an array of doubles."""
    x = np.asarray(x)
    x = x.reshape(1, 1) if x.ndim == 0 else x
    if x.dtype == object:
        x = np.vectorize(complex, otypes=[complex])(x)
    return x


def gradient(run, arguments, cotangent):
    """The central difference of L by each part of each entry."""
    gradients = []
    for k, x in enumerate(arguments):
        complex_entries = isinstance(x.flat[0], mp.mpc)
        found = np.zeros(x.shape, complex)
        for place in np.ndindex(x.shape):
            for unit in [mp.mpf(1), mp.mpc(0, 1)] if complex_entries else [mp.mpf(1)]:
                sides = []
                for sign in (1, -1):
                    moved = [a.copy() for a in arguments]
                    moved[k][place] += sign * STEP * unit
                    sides.append(paired(cotangent, run(*moved)))
                found[place] += complex((sides[0] - sides[1]) / (2 * STEP) * unit)
        gradients.append(found)
    return gradients


def close(name, what, found, expected):
    off = abs(found - expected).max() / max(abs(expected).max(), 1e-3)
    assert off < TOLERANCE, f"{name}: {what} differ by {off}"


def written(x, is_complex):
    columns = numbers(x).astype(complex).ravel(order="F")
    rows, cols = numbers(x).shape
    entry = {"rows": rows, "cols": cols, "re": [float(z.real) for z in columns]}
    if is_complex:
        entry["im"] = [float(z.imag) for z in columns]
    return entry


def main():
    random = np.random.default_rng(SEED)
    cases = []
    for scalar in ("f64", "Complex<f64>"):
        is_complex = scalar != "f64"
        real, imaginary = points(random), points(random)
        for (name, arguments), (_, others) in zip(real, imaginary):
            if is_complex:
                # A zero stays one.
                arguments = [a + 1j * np.where(a == 0, 0.0, b) for a, b in zip(arguments, others)]
            run = RUN[name]
            precise = [exact(a) for a in arguments]
            value = run(MP, *precise)
            real_result = not is_complex or name == "variance"
            shape = numbers(value).shape
            cotangent = random.standard_normal(shape)
            if not real_result:
                cotangent = cotangent + 1j * random.standard_normal(shape)
            gradients = gradient(lambda *x: run(MP, *x), precise, exact(cotangent))

            def paired_in_jax(*x):
                return jnp.real((jnp.conj(cotangent) * run(JAX, *x)).sum())

            others = jax.grad(paired_in_jax, tuple(range(len(arguments))))(*arguments)
            close(name, "values", numbers(run(JAX, *arguments)), numbers(value))
            for found, expected in zip(others, gradients):
                close(name, "gradients", np.conj(np.asarray(found)), expected)
            cases.append(
                {
                    "primitive": name,
                    "scalar": scalar,
                    "arguments": [written(a, is_complex) for a in arguments],
                    "values": [written(value, not real_result)],
                    "cotangents": [written(cotangent, not real_result)],
                    "gradients": [written(g, is_complex) for g in gradients],
                }
            )
    made_with = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "mpmath": mp.__version__,
        "jax": jax.__version__,
    }
    text = json.dumps({"made_with": made_with, "cases": cases})
    Path(__file__).with_name("elementary.json").write_text(text + "\n")
    print(len(cases), "cases")


main()
