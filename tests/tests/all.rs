//! What needs several crates, in one program, a module a subject. The others ask what is registered in a program of
//! their own, or are compiled with more.

mod bad_values;
mod calls;
mod documents;
pub mod hygiene;
mod num_dual;
mod paths;
mod statements;
