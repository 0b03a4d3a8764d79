//! Reading the observations.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The fewest observations that eleven parameters are fitted to.
const FEWEST: usize = 20;

/// One row of the file.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Row {
    decimal_year: f64,
    co2_ppmv: f64,
}

/// Times, in years, and values, in parts per million by volume.
#[derive(Debug)]
pub(crate) struct Observations {
    pub(crate) times: Vec<f64>,
    pub(crate) values: Vec<f64>,
}

/// Why a file is no series of observations.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: csv::Error },
    #[error("{}, line {line}: {reason}", path.display())]
    BadRow { path: PathBuf, line: u64, reason: String },
    #[error("{} has {found} rows; the fit needs {FEWEST} at least", path.display())]
    TooFew { path: PathBuf, found: usize },
    #[error("{}, line {line}: the time {time} is also on line {first}", path.display())]
    Duplicate { path: PathBuf, line: u64, time: f64, first: u64 },
}

/// Reads a file with the columns `decimal_year` and `co2_ppmv`.
pub(crate) fn read(path: &Path) -> Result<Observations, DataError> {
    let owned = || path.to_path_buf();
    let unreadable = |source| DataError::Unreadable { path: owned(), source };
    let mut reader = csv::Reader::from_path(path).map_err(unreadable)?;
    let headers = reader.headers().map_err(unreadable)?.clone();
    let mut rows: Vec<(u64, Row)> = Vec::new();
    for record in reader.records() {
        let bad = |line, reason: String| DataError::BadRow { path: owned(), line, reason };
        let line_of = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
        let record = record.map_err(|error| match error.kind() {
            csv::ErrorKind::Io(_) => DataError::Unreadable { path: owned(), source: error },
            _ => bad(line_of(error.position()), error.to_string()),
        })?;
        let line = line_of(record.position());
        let row: Row = record.deserialize(Some(&headers)).map_err(|error| {
            let reason = match error.kind() {
                csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
                _ => error.to_string(),
            };
            bad(line, reason)
        })?;
        if !row.decimal_year.is_finite() || !row.co2_ppmv.is_finite() {
            return Err(bad(line, "a number is not finite".into()));
        }
        rows.push((line, row));
    }
    if rows.len() < FEWEST {
        return Err(DataError::TooFew { path: owned(), found: rows.len() });
    }
    let mut sorted: Vec<_> = rows.iter().map(|(line, row)| (row.decimal_year, *line)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for pair in sorted.windows(2) {
        if pair[0].0 == pair[1].0 {
            let (time, first, line) = (pair[0].0, pair[0].1, pair[1].1);
            return Err(DataError::Duplicate { path: owned(), line, time, first });
        }
    }
    Ok(Observations {
        times: rows.iter().map(|(_, row)| row.decimal_year).collect(),
        values: rows.iter().map(|(_, row)| row.co2_ppmv).collect(),
    })
}
