//! What a sparse Cholesky factorisation knows before it sees a number: the order of the rows, and where the factor has
//! entries.

use amd::Control;
use nalgebra_sparse::pattern::SparsityPattern;

/// The symbolic analysis of A = P^T L L^H P, for a pattern of the lower triangle of A.
///
/// The order is by approximate minimum degree (Amestoy, Davis and Duff 1996). The column j of L has the rows of A below its
/// diagonal and those of the columns whose parent it is, without j; the parent of a column is its second row, which is its
/// parent in the elimination tree (Liu 1990, "The role of elimination trees in sparse factorization", section 2).
#[derive(Debug)]
pub(super) struct Analysis {
    /// The row of A that is the k-th of L.
    pub(super) order: Vec<usize>,
    /// Where each column of L begins: its diagonal entry. One more for the end.
    pub(super) offsets: Vec<usize>,
    /// The row of each entry of L, column by column, in ascending order.
    pub(super) rows: Vec<usize>,
    /// Where the entries left of the diagonal begin for each row of L. One more for the end.
    pub(super) left_offsets: Vec<usize>,
    /// The places of these entries, and their columns.
    pub(super) left: Vec<(usize, usize)>,
    /// Where in L each entry of A starts out.
    pub(super) places: Vec<Place>,
}

/// Where an entry of A is in L.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The number of the entry of L.
    pub(super) at: usize,
    /// Whether the entry of A is above the diagonal after its rows and columns have changed places, so that its
    /// conjugate is below.
    pub(super) mirrored: bool,
    /// Whether it is on the diagonal.
    pub(super) diagonal: bool,
}

impl Analysis {
    /// Of a pattern of a lower triangle, its lanes the columns.
    pub(super) fn new(lower: &SparsityPattern) -> Self {
        let size = lower.major_dim();
        let order = minimum_degree(lower);
        let mut position = vec![0; size];
        order.iter().enumerate().for_each(|(k, &row)| position[row] = k);
        let moved = |(column, row): (usize, usize)| {
            let (i, j) = (position[row], position[column]);
            (i.max(j), i.min(j), i < j)
        };
        let mut below = vec![Vec::new(); size];
        for entry in lower.entries() {
            let (i, j, _) = moved(entry);
            if i != j {
                below[j].push(i);
            }
        }
        let (mut offsets, mut rows) = (vec![0], Vec::new());
        let mut children = vec![Vec::new(); size];
        let mut seen = vec![usize::MAX; size];
        for j in 0..size {
            let start = rows.len();
            rows.push(j);
            seen[j] = j;
            let mut add = |rows: &mut Vec<usize>, i: usize| {
                if seen[i] != j {
                    seen[i] = j;
                    rows.push(i);
                }
            };
            for i in std::mem::take(&mut below[j]) {
                add(&mut rows, i);
            }
            for child in std::mem::take(&mut children[j]) {
                let (start, end): (usize, usize) = (offsets[child], offsets[child + 1]);
                for k in start + 1..end {
                    let i = rows[k];
                    add(&mut rows, i);
                }
            }
            rows[start..].sort_unstable();
            if let Some(&parent) = rows.get(start + 1) {
                children[parent].push(j);
            }
            offsets.push(rows.len());
        }
        let (left_offsets, left) = transposed(&offsets, &rows);
        let places = lower.entries().map(|entry| {
            let (i, j, mirrored) = moved(entry);
            let column = &rows[offsets[j]..offsets[j + 1]];
            let at = offsets[j] + column.binary_search(&i).expect("L has the entries of A");
            Place { at, mirrored, diagonal: i == j }
        });
        let places = places.collect();
        Self { order, offsets, rows, left_offsets, left, places }
    }

    /// How many rows there are.
    pub(super) fn size(&self) -> usize {
        self.order.len()
    }

    /// How many entries L has.
    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }
}

/// The entries left of the diagonal, row by row: where each row begins, and the place and the column of each.
fn transposed(offsets: &[usize], rows: &[usize]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let size = offsets.len() - 1;
    let below = |column: usize| offsets[column] + 1..offsets[column + 1];
    let mut starts = vec![0; size + 1];
    for column in 0..size {
        below(column).for_each(|place| starts[rows[place] + 1] += 1);
    }
    (0..size).for_each(|row| starts[row + 1] += starts[row]);
    let mut next = starts.clone();
    let mut left = vec![(0, 0); starts[size]];
    for column in 0..size {
        for place in below(column) {
            let row = rows[place];
            left[next[row]] = (place, column);
            next[row] += 1;
        }
    }
    (starts, left)
}

/// An order of the rows in which the factor has few entries. Any order is right.
fn minimum_degree(lower: &SparsityPattern) -> Vec<usize> {
    let size = lower.major_dim();
    // All of the symmetric pattern, with its diagonal, whether A has it or not.
    let mut columns: Vec<Vec<i64>> = (0..size).map(|j| vec![number(j)]).collect();
    for (j, i) in lower.entries().filter(|(j, i)| i != j) {
        columns[j].push(number(i));
        columns[i].push(number(j));
    }
    let (mut offsets, mut rows) = (vec![0], Vec::new());
    for mut column in columns {
        column.sort_unstable();
        rows.append(&mut column);
        offsets.push(number(rows.len()));
    }
    let ordered = amd::order(number(size), &offsets, &rows, &Control::default());
    let order: Vec<usize> = match ordered {
        Ok((order, ..)) => order.iter().filter_map(|k| usize::try_from(*k).ok()).collect(),
        Err(_) => Vec::new(),
    };
    let mut found = vec![false; size];
    order.iter().filter(|row| **row < size).for_each(|row| found[*row] = true);
    let whole = order.len() == size && found.iter().all(|found| *found);
    assert!(whole, "an order has each row once");
    order
}

/// The number as the ordering takes it.
fn number(x: usize) -> i64 {
    i64::try_from(x).expect("fewer rows than there are addresses")
}
