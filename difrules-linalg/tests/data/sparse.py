#!/usr/bin/env python3
"""Makes sparse.json: values, gradients and Hessian products of sparse matrices.

Run:  pip install jax==0.10.2 scipy==1.17.1
      python sparse.py          (writes sparse.json beside this file)

Values are SciPy's, of its sparse matrices: products, solutions and determinants by SuperLU. Derivatives are JAX's, of the same
functions of dense matrices with the values in their places, at float64. The script stops unless both have the same values.

A matrix is given by its pattern, a list of (row, column) in the order of compressed columns, of a symmetric one the
lower triangle, and the values in these places. The functions of values a and matrices b:
    ln_determinant   ln det A
    solve            sum w x x,  A x = b
    matmul           sum w y y,  y = A b
    tr_mul           sum w y y,  y = A^T b
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

jax.config.update("jax_enable_x64", True)
random = np.random.default_rng(20261127)


def symmetric():
    """Neighbours on a grid of 2 x 4, and a link across."""
    lower = {(i, i) for i in range(8)} | {(i + 1, i) for i in (0, 2, 4, 6)}
    lower |= {(i + 2, i) for i in range(6)} | {(7, 0)}
    places = sorted(lower, key=lambda place: (place[1], place[0]))
    # Rows of sizes from 1e-2 to 1e2.
    scale = 10.0 ** np.linspace(-2, 2, 8)
    values = [(5.0 if i == j else random.normal()) * scale[i] * scale[j] for i, j in places]
    return places, np.array(values), scale


def oblong():
    places = [(i, j) for j in range(6) for i in range(4) if (3 * i + 5 * j) % 4 < 2 and j != 2]
    return places, random.normal(size=len(places))


def dense(places, values, shape, mirrored):
    rows, columns = np.array(places).T
    a = jnp.zeros(shape).at[rows, columns].set(values)
    return a + a.T - jnp.diag(jnp.diag(a)) if mirrored else a


def sparse(places, values, shape, mirrored):
    rows, columns = np.array(places).T
    a = sp.csc_matrix((values, (rows, columns)), shape=shape)
    return sp.csc_matrix(a + sp.triu(a.T, 1)) if mirrored else a


def ln_determinant(a, b, w):
    return jnp.linalg.slogdet(a)[1] + 0 * jnp.sum(b)


def solve(a, b, w):
    return jnp.sum(w * jnp.linalg.solve(a, b) ** 2)


def matmul(a, b, w):
    return jnp.sum(w * (a @ b) ** 2)


def tr_mul(a, b, w):
    return jnp.sum(w * (a.T @ b) ** 2)


SCIPY = {
    ln_determinant: lambda a, b, w: np.sum(np.log(np.abs(splu(a).U.diagonal()))),
    solve: lambda a, b, w: np.sum(w * splu(a).solve(b) ** 2),
    matmul: lambda a, b, w: np.sum(w * (a @ b) ** 2),
    tr_mul: lambda a, b, w: np.sum(w * (a.T @ b) ** 2),
}

cases = []
for function in SCIPY:
    mirrored = function in (ln_determinant, solve)
    if mirrored:
        places, values, scale = symmetric()
        shape, out, into = (8, 8), 8, 8
    else:
        places, values = oblong()
        shape, scale = (4, 6), np.ones(6)
        out, into = (4, 6) if function is matmul else (6, 4)
    b = np.zeros((into, 0)) if function is ln_determinant else random.normal(size=(into, 2))
    if function is solve:
        b = b * scale[:, None]
    w = random.normal(size=(out, b.shape[1]))
    v = (random.normal(size=values.shape) * np.abs(values), random.normal(size=b.shape))

    def call(values, b):
        return function(dense(places, values, shape, mirrored), b, w)

    value = SCIPY[function](sparse(places, values, shape, mirrored), b, w)
    assert abs(value - call(values, b)) < 1e-12 * abs(value), function
    slope = jax.grad(call, (0, 1))
    gradient = slope(values, b)
    _, product = jax.jvp(slope, (values, b), v)
    plain = lambda x: np.asarray(x).ravel(order="F").tolist()
    cases.append({
        "name": function.__name__,
        "shape": shape,
        "places": places,
        "columns": b.shape[1],
        "point": [plain(values), plain(b)],
        "weights": plain(w),
        "direction": [plain(x) for x in v],
        "value": float(value),
        "gradient": [plain(x) for x in gradient],
        "product": [plain(x) for x in product],
    })

text = json.dumps({"cases": cases})
Path(__file__).with_name("sparse.json").write_text(text.replace('}, {', '},\n{') + "\n")
