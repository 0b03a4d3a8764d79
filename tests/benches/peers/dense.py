"""Value and gradient of the programs of `dense.rs` by PyTorch and, jitted, by JAX, on one thread, in double precision.

A line a measurement: the program, n, and the best time of each in microseconds, NaN where it is not installed.
"""

import time

import one_thread  # noqa: F401

try:
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
except ImportError:
    torch = None
try:
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
except ImportError:
    jax = None
if torch is None and jax is None:
    raise SystemExit

import math


def entries(n, shift, definite):
    """The matrix of `dense.rs`."""
    a = [[math.sin(1 + i * 37 + j * 11 + i * j * 5) for j in range(n)] for i in range(n)]
    if definite:
        a = [[(a[i][j] + a[j][i]) / 2 for j in range(n)] for i in range(n)]
    for i in range(n):
        a[i][i] += shift
    return a


def programs(np, linalg, logabsdet):
    def total(*parts):
        return sum((w * part).sum() for w, part in parts)

    return {
        "svd": lambda a, w: total(*zip((w, w[0], w), linalg.svd(a, full_matrices=False))),
        "symmetric_eigen": lambda a, w: total(*zip((w[0], w), linalg.eigh(a))),
        "qr": lambda a, w: total(*zip((w, w), linalg.qr(a))),
        "solve": lambda a, w: total((w, linalg.solve(a, w))),
        "inverse": lambda a, w: total((w, linalg.inv(a))),
        "ln_abs_determinant": lambda a, w: logabsdet(a),
        "cholesky": lambda a, w: total((w, linalg.cholesky(a))),
        "matmul": lambda a, w: total((w, a @ a)),
    }


def best(f, limit=1.5):
    f()
    times, end = [], time.perf_counter() + limit
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 2000):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


NAN = float("nan")
ours = programs(torch, torch.linalg, lambda a: torch.linalg.slogdet(a)[1]) if torch else {}
theirs = programs(jnp, jnp.linalg, lambda a: jnp.linalg.slogdet(a)[1]) if jax else {}
for name in ours or theirs:
    for n in (4, 16, 64, 256, 512):
        symmetric = name in ("symmetric_eigen", "cholesky")
        a = entries(n, 2.0 * n if name == "cholesky" else 2.0, symmetric)
        w = entries(n, 0.0, False)
        found = [NAN, NAN]
        if torch:
            x, weights = torch.tensor(a, requires_grad=True), torch.tensor(w)

            def step():
                x.grad = None
                ours[name](x, weights).backward()

            found[0] = best(step)
        if jax:
            x, weights = jnp.array(a), jnp.array(w)
            jitted = jax.jit(jax.value_and_grad(theirs[name]))
            found[1] = best(lambda: jax.block_until_ready(jitted(x, weights)))
        print(name, n, *found, flush=True)
