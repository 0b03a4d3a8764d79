//! Any text is parsed, printed, simplified and differentiated without a panic, and what is printed is read as the same.
//!
//! `cargo +nightly fuzz run text`; without a nightly compiler: `cargo run --release --example fuzz -- 600`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../check.rs"]
mod check;

fuzz_target!(|text: &str| check::check(text));
