"""Value and gradient of the programs of `matrices.rs` by PyTorch, on one thread, in double precision.

A line a measurement: the program, n, and the median of the times in milliseconds.
"""

import statistics
import time

import one_thread  # noqa: F401
import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def chain(operation):
    def program(a):
        x = a
        for _ in range(10):
            x = operation(x, a)
        return x.sum()

    return program


PROGRAMS = {
    "additions": chain(torch.add),
    "products_of_entries": chain(torch.mul),
    "products": chain(torch.matmul),
    "tanh_of_entries": lambda a: torch.tanh(a).sum(),
    "factor": lambda a: torch.linalg.cholesky(a).sum(),
    "square_and_sum": lambda a: (a @ a + a).sum(),
}


def point(n):
    """A symmetric matrix near the identity, as in `matrices.rs`."""
    i = torch.arange(n)
    near = ((i[:, None] * i[None, :] + i[:, None] + i[None, :]) % 11) / 11.0 - 0.5
    return torch.eye(n) + near / (2 * n)


def milliseconds(program, a):
    start = time.perf_counter()
    a.grad = None
    program(a).backward()
    return (time.perf_counter() - start) * 1e3


for name, program in PROGRAMS.items():
    for n in (4, 16, 64, 256, 512):
        a = point(n).requires_grad_()
        times = [milliseconds(program, a) for _ in range(26)]
        print(name, n, statistics.median(times[1:]))
