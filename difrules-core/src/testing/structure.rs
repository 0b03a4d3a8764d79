//! What the numbers of all samples have in common.

/// Entries of the arguments that vary together, and those that never vary: what two differences of
/// samples show of matrices that are symmetric, triangular, banded, and so on.
#[derive(Debug)]
pub(super) struct Structure {
    /// Entries that vary together, each with its sign.
    pub(super) classes: Vec<Vec<(usize, f64)>>,
    /// Entries that are the same in every sample.
    pub(super) held: Vec<usize>,
}

impl Structure {
    pub(super) fn of(sizes: &[usize], differences: [&[f64]; 2], known: &[bool]) -> Self {
        let (mut classes, mut held): (Vec<Vec<(usize, f64)>>, _) = (Vec::new(), Vec::new());
        let mut first = 0;
        for &size in sizes {
            let varies = |j: &usize| differences.iter().any(|difference| difference[*j] != 0.0);
            let mut entries: Vec<_> = (first..first + size).filter(|j| known[*j]).collect();
            held.extend(entries.iter().copied().filter(|j| !varies(j)));
            entries.retain(varies);
            // Those that vary together stand side by side then.
            let key = |j: usize| differences[0][j].abs();
            entries.sort_by(|a, b| key(*a).total_cmp(&key(*b)).then(a.cmp(b)));
            let start = classes.len();
            for j in entries {
                let together = classes[start..].last_mut().and_then(|class| {
                    let (i, _) = class[0];
                    let sign = if (differences[0][i] > 0.0) == (differences[0][j] > 0.0) {
                        1.0
                    } else {
                        -1.0
                    };
                    let same = differences.iter().all(|difference| {
                        (difference[i] - sign * difference[j]).abs() <= 1e-13 * difference[i].abs()
                    });
                    same.then_some((class, sign))
                });
                match together {
                    Some((class, sign)) => class.push((j, sign)),
                    None => classes.push(vec![(j, 1.0)]),
                }
            }
            classes[start..].sort_by_key(|class| class[0].0);
            first += size;
        }
        Self { classes, held }
    }

    /// Whether every entry varies for itself.
    pub(super) fn is_free(&self) -> bool {
        self.held.is_empty() && self.classes.iter().all(|class| class.len() == 1)
    }
}
