//! Points whose numbers are those that formulas have exceptions for.

use super::Instance;
use crate::contract::scalar::Real;
use crate::registry::{Drawn, Notion, STRUCTURAL};

/// The rows in which each of the numbers meets each of the others, in any two places.
const PAIRS: u64 = (STRUCTURAL.len() * STRUCTURAL.len()) as u64;
/// The places that are looked at.
const PLACES: usize = STRUCTURAL.len() + 1;
/// All rows: those after the pairs have one structural number each.
pub(super) const ROWS: u64 = PAIRS + (PLACES * STRUCTURAL.len()) as u64;

/// The numbers of a point with structural ones in the places of arguments that are numbers. There are none where
/// there are no such places, or where the sample does not draw such numbers.
pub(super) fn planted<R: Real>(
    near: &dyn Instance<R>,
    drawn: &[Drawn],
    row: u64,
) -> Option<Vec<f64>> {
    let mut numbers = near.numbers();
    let (mut places, mut first) = (Vec::new(), 0);
    for (argument, size) in near.record().arguments.iter().zip(near.sizes()) {
        if argument.notion() == Notion::Scalar {
            places.extend(first..first + size);
        }
        first += size;
    }
    places.truncate(PLACES);
    for (place, number) in chosen(places.len(), row) {
        let number = STRUCTURAL[number];
        // Rounding to single precision moves a number by less.
        let is_of = |drawn: &&Drawn| {
            (drawn.number - numbers[places[place]]).abs() <= 1e-6 * drawn.number.abs()
        };
        let bounds = drawn.iter().find(is_of)?;
        if !(bounds.least..=bounds.most).contains(&number) {
            return None;
        }
        numbers[places[place]] = number;
    }
    (chosen(places.len(), row).next().is_some()).then_some(numbers)
}

/// In a row, the places and which number stands there: an orthogonal array of so many levels, or one alone.
fn chosen(places: usize, row: u64) -> impl Iterator<Item = (usize, usize)> {
    let (levels, row) = (STRUCTURAL.len(), row as usize);
    let pairs = levels * levels;
    let (first, second) = (row / levels, row % levels);
    let all = (0..places).map(move |place| match place {
        0 => (place, first),
        _ => (place, (second + first * (place - 1)) % levels),
    });
    let alone = row.checked_sub(pairs).map(|row| (row / levels, row % levels));
    all.filter(move |_| row < pairs && places > 1)
        .chain(alone.filter(move |(place, _)| *place < places))
}
