//! Nothing: a package has to have a library. The programs are in `ui`, the test of them in `compile_fail.rs`.
