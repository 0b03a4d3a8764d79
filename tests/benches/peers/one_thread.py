"""Keeps a peer to one thread: import it before the peer.

JAX 0.10 takes a thread a core whatever its flags say, so where the system can, the process is kept to one core.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
else:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
