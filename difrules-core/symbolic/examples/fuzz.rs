//! What the fuzz target does, without its compiler: texts by a grammar, some of them damaged, for so many seconds.
//!
//! `cargo run --release -p difrules-symbolic --example fuzz -- 600`, with a seed after it if one likes.

use std::time::{Duration, Instant};

#[path = "../fuzz/check.rs"]
mod check;

/// Steele and Vigna's generator splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const OPERATORS: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "&&",
    "||",
    "**",
    ",",
    ".",
    " as f64 +",
    "=",
];
const FUNCTIONS: &[&str] = &[
    "sin",
    "exp",
    "ln",
    "sqrt",
    "tanh",
    "recip",
    "abs2",
    "neg",
    "pos",
    "cos",
    "f",
    "material::exp",
    "T::pi",
    "zero",
    "convert",
    "is_zero",
    "select",
    "add",
    "powi",
    "powf",
    "left_div",
    "e",
    "i",
    "math::sin",
    "max",
];
const LEAVES: &[&str] = &[
    "x",
    "y",
    "z",
    "1",
    "2",
    "0",
    "3.5",
    "1e-310",
    "1e300",
    "999999",
    "524288",
    "π",
    "f64::NAN",
    "f64::INFINITY",
    "std::f64::consts::E",
    "a::b",
    "true",
    "s1",
    "0.1f32",
    "7u8",
    "_",
    "é",
];
const PIECES: &[&str] = &[
    "(", ")", "{", "}", "if ", "else", "let ", ";", "::", "::<f64>", "<T>::", "!", "&", "*", "-",
    "as f64", ".", ",", " ", "\n", "²", "🦀", "\"", "1e", "0x1",
];

fn text(random: &mut Random, depth: usize, out: &mut String) {
    let kind = if depth == 0 { random.below(2) } else { random.below(12) };
    match kind {
        0 | 1 => *out += random.one(LEAVES),
        2..=5 => {
            let brackets = random.below(3) == 0;
            *out += if brackets { "(" } else { "" };
            text(random, depth - 1, out);
            *out += " ";
            // The last ones are rare, since most are no operators.
            let common = if random.below(20) == 0 { OPERATORS.len() } else { 14 };
            *out += random.one(&OPERATORS[..common]);
            *out += " ";
            text(random, depth - 1, out);
            *out += if brackets { ")" } else { "" };
        }
        6 => {
            *out += random.one(&["-", "!", "- -", "*", "&"]);
            text(random, depth - 1, out);
        }
        7 | 8 => {
            *out += random.one(FUNCTIONS);
            *out += "(";
            for i in 0..[1, 1, 1, 2, 3, 0][random.below(6)] {
                *out += if i > 0 { ", " } else { "" };
                text(random, depth - 1, out);
            }
            *out += ")";
        }
        9 => {
            *out += "(";
            text(random, depth - 1, out);
            *out += ").";
            *out += random.one(FUNCTIONS);
            *out += "()";
        }
        10 => {
            *out += "if ";
            text(random, depth - 1, out);
            *out += " { ";
            text(random, depth - 1, out);
            *out += " } else { ";
            text(random, depth - 1, out);
            *out += " }";
        }
        _ => {
            *out += "{ let s1 = ";
            text(random, depth - 1, out);
            *out += "; let y = s1 + s1; ";
            text(random, depth - 1, out);
            *out += " }";
        }
    }
}

/// A piece put in, taken out, or said again.
fn damage(random: &mut Random, text: &mut String) {
    let places: Vec<_> = text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
    let mut ends = [places[random.below(places.len())], places[random.below(places.len())]];
    ends.sort_unstable();
    match random.below(3) {
        0 => text.insert_str(ends[0], random.one(PIECES)),
        1 => text.replace_range(ends[0]..ends[1], ""),
        _ => {
            let part = text[ends[0]..ends[1]].to_string();
            text.insert_str(ends[1], &part);
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let seconds = arguments.next().unwrap_or(10);
    let mut random = Random(arguments.next().unwrap_or(1));
    let (start, mut count) = (Instant::now(), 0_u64);
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut given = String::new();
        let depth = random.below(7);
        text(&mut random, depth, &mut given);
        for _ in 0..random.below(8) / 4 {
            damage(&mut random, &mut given);
        }
        let began = Instant::now();
        if std::panic::catch_unwind(|| check::check(&given)).is_err() {
            eprintln!("found: {given:?}");
            std::process::exit(1);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "too slow: {given:?}");
        count += 1;
    }
    println!("{count} texts in {seconds} seconds, nothing found");
}
