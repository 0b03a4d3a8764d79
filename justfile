# `just` lists what there is.
default:
    @just --list

# All that a change must pass, as on a new machine.
ci:
    .ci/run

# All tests.
test:
    cargo test --workspace

# The core alone, and linear algebra with `f64` alone: a short cycle.
quick:
    cargo test -p difrules-core
    cargo test -p difrules-linalg

# Processes that communicate: the test and the example, where MPI and libclang are on the system.
mpi:
    cargo test -p difrules-core --features mpi --test mpi --config 'target."cfg(all())".runner="mpirun --oversubscribe -n 4"'
    cargo run -p difrules-core --features mpi --example spread --config 'target."cfg(all())".runner="mpirun --oversubscribe -n 4"'

# Form and lints.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# The documentation, as `.ci/run` builds it.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Writes the tables that come from the registry.
generate:
    DIFRULES_UPDATE=1 cargo test -p difrules-core --test all generated

# One benchmark: `just bench matrices`.
bench name:
    cargo bench -p difrules-tests --no-default-features --bench {{name}}

# Attacks the parser of expressions for so many seconds.
fuzz seconds="600":
    cargo run --release -p difrules-symbolic --example fuzz -- {{seconds}}
