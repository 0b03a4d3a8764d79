"""Value and gradient of the exponential of the matrices of `functions.rs`, by JAX and by PyTorch if they are there, on
one thread, in double precision.

A line a measurement: the peer, n, and the median of the times in microseconds.
"""

import statistics
import time

import one_thread  # noqa: F401
import numpy as np


def point(n):
    i = np.arange(n)
    a = np.sin(1.0 + i[:, None] * 37 + i[None, :] * 11 + i[:, None] * i[None, :] * 5)
    return a * (2.0 / abs(a).sum(0).max())


def report(name, n, run):
    run()
    times = []
    for _ in range(60):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e6)
    print(name, n, round(statistics.median(times), 1), flush=True)


def with_torch():
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    for n in (4, 16, 64, 256):
        a = torch.tensor(point(n), requires_grad=True)

        def run():
            a.grad = None
            torch.linalg.matrix_exp(a).sum().backward()

        report("torch", n, run)


def with_jax():
    import jax

    jax.config.update("jax_enable_x64", True)
    both = jax.jit(jax.value_and_grad(lambda a: jax.scipy.linalg.expm(a).sum()))
    for n in (4, 16, 64, 256):
        a = jax.numpy.array(point(n))
        report("jax", n, lambda: jax.block_until_ready(both(a)))


for peer in (with_jax, with_torch):
    try:
        peer()
    except ImportError as error:
        print(error)
