//! L-BFGS.

use std::collections::VecDeque;

use difrules_core::Differentiable;
use difrules_core::contract::OutcomeOf;

use crate::algebra::scaling::binade;

/// L-BFGS, Newton's method with a curvature that the last steps say: for smooth functions of many numbers.
///
/// It works on the numbers of any [`Differentiable`] value. What it minimises is a closure that returns the value and
/// the gradient, as [`value_and_gradient`](difrules_core::value_and_gradient) does, or a `Result` or an `Option` of
/// them.
///
/// Nocedal and Wright 2006, "Numerical optimization", algorithms 7.4 and 7.5, with the line search 3.5 and 3.6 for
/// the strong conditions of Wolfe, of which the first is left out where the values differ by rounding alone (Hager
/// and Zhang 2005, "A new conjugate gradient method with guaranteed descent and an efficient line search"). How large that is
/// is seen along the way: where a step is so short that the slopes leave the value as it is, what it changes by is rounding.
/// Where a value is not finite, the step is too long.
///
/// ```
/// use difrules_core::{Real, lit, value_and_gradient};
/// use difrules_linalg::Lbfgs;
///
/// fn rosenbrock<T: Real>(x: &[T; 10]) -> T {
///     x.windows(2)
///         .map(|x| {
///             let (a, b) = (T::one() - x[0], x[1] - x[0] * x[0]);
///             a * a + b * b * lit(100.0)
///         })
///         .sum()
/// }
///
/// let found = Lbfgs::new().minimise(|x| value_and_gradient(rosenbrock, x), &[-1.0; 10])?;
/// assert!(found.x.iter().all(|x| (x - 1.0).abs() < 1e-6));
/// # Ok::<(), difrules_linalg::OptimiseError<[f64; 10]>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lbfgs {
    /// It ends where a relative change of no number, or of one, changes the value by more than this, relatively, or
    /// beside one, to first order (Dennis and Schnabel 1983, "Numerical methods for unconstrained optimization and
    /// nonlinear equations", section 7.2): 1e-9 by default.
    pub tolerance: f64,
    /// How many steps it remembers: 10 by default.
    pub memory: usize,
    /// After how many steps it gives up: 1000 by default.
    pub iterations: usize,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self { tolerance: 1e-9, memory: 10, iterations: 1000 }
    }
}

/// Where an optimiser ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum<X> {
    /// The point.
    pub x: X,
    /// The value there.
    pub value: f64,
    /// The gradient there.
    pub gradient: X,
    /// How many steps were made.
    pub iterations: usize,
    /// How often the function was evaluated.
    pub evaluations: usize,
}

/// Why an optimiser found no minimum.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimiseError<X, E = std::convert::Infallible> {
    /// The function's own error.
    #[error("{0}")]
    Function(E),
    /// Value or gradient are not finite at the start.
    #[error("value or gradient are not finite at the start")]
    NotFinite,
    /// No step along a direction of descent makes the value less, or no more than rounding over many steps: the gradient is
    /// not that of the value, or the tolerance is less than its rounding.
    #[error(
        "no step along the gradient makes the value less after {} steps: the gradient is not that of the value, or the \
         tolerance is less than its rounding", best.iterations
    )]
    NoDescent {
        /// The best point.
        best: Box<Optimum<X>>,
    },
    /// It took too many steps.
    #[error("no minimum after {} steps", best.iterations)]
    TooManySteps {
        /// The best point.
        best: Box<Optimum<X>>,
    },
}

/// A point on the way.
struct Point {
    x: Vec<f64>,
    value: f64,
    slope: Vec<f64>,
}

impl Point {
    /// Takes value and slope in another unit, a power of two.
    fn measure(&mut self, unit: f64) {
        if unit != 1.0 {
            self.value /= unit;
            self.slope.iter_mut().for_each(|slope| *slope /= unit);
        }
    }

    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.slope.iter().all(|x| x.is_finite())
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// The length, also where its square is no number.
fn norm(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * x.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

impl Lbfgs {
    /// With the settings that are given as defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The minimum that is found from a start, of a function that returns its value and its gradient.
    ///
    /// # Errors
    /// [`OptimiseError`].
    pub fn minimise<X, Y>(
        &self,
        mut function: impl FnMut(&X) -> Y,
        start: &X,
    ) -> Result<Optimum<X>, OptimiseError<X, Y::Error>>
    where
        X: Differentiable<Real = f64>,
        Y: OutcomeOf<(f64, X), Aux = ()>,
    {
        let shape = start.shape();
        let mut evaluations = 0;
        let mut evaluate = |x: Vec<f64>| -> Result<Point, Y::Error> {
            evaluations += 1;
            let (value, slope) = function(&X::from_reals(&shape, &x)).into_parts().0?;
            Ok(Point { x, value, slope: slope.to_reals() })
        };
        let mut here = evaluate(start.to_reals()).map_err(OptimiseError::Function)?;
        if !here.is_finite() {
            return Err(OptimiseError::NotFinite);
        }
        // Values in units in which a gradient has a square: where it has one already they stay as they are.
        let size = binade(&here.slope);
        let stays = (1e-100..1e100).contains(&size) || !(here.value / size).is_finite();
        let unit = if stays { 1.0 } else { size };
        here.measure(unit);
        let mut evaluate = |x: Vec<f64>| -> Result<Point, Y::Error> {
            let mut point = evaluate(x)?;
            point.measure(unit);
            Ok(point)
        };
        let mut past: VecDeque<Past> = VecDeque::new();
        let mut iterations = 0;
        // Of a value, relatively.
        let mut rounding = 1e-14;
        let mut progress = Progress::default();
        let ended = loop {
            let parts =
                here.slope.iter().zip(&here.x).map(|(slope, x)| slope.abs() * x.abs().max(1.0));
            let steepness = parts.fold(0.0, f64::max);
            if steepness <= self.tolerance * here.value.abs().max(1.0 / unit) {
                break Ended::Well;
            }
            if iterations == self.iterations {
                break Ended::Late;
            }
            if progress.is_over(here.value, steepness, rounding * here.value.abs()) {
                break Ended::Stuck;
            }
            let mut direction = newton(&past, &here.slope);
            let mut descent = dot(&direction, &here.slope);
            if descent.is_nan() || descent >= 0.0 {
                past.clear();
                direction = here.slope.iter().map(|x| -x).collect();
                descent = -dot(&here.slope, &here.slope);
            }
            // The first step is as long as the largest number, or one.
            let size = here.x.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
            let first = if past.is_empty() { (size / norm(&direction)).min(1.0) } else { 1.0 };
            let known = rounding;
            let next = search(&mut evaluate, &here, (&direction, descent), first, &mut rounding)
                .map_err(OptimiseError::Function)?;
            let Some(next) = next else {
                if rounding > known {
                    // What was too large a value may be none.
                    rounding = rounding.max(2.0 * known);
                    continue;
                }
                if past.is_empty() {
                    break Ended::Stuck;
                }
                // What was remembered may be what is wrong.
                past.clear();
                continue;
            };
            iterations += 1;
            let step: Vec<_> = next.x.iter().zip(&here.x).map(|(a, b)| a - b).collect();
            let change: Vec<_> = next.slope.iter().zip(&here.slope).map(|(a, b)| a - b).collect();
            let curvature = dot(&step, &change);
            if curvature > f64::EPSILON * norm(&change) * norm(&step) {
                past.push_back(Past { step, change, curvature });
                if past.len() > self.memory.max(1) {
                    past.pop_front();
                }
            }
            here = next;
        };
        here.measure(1.0 / unit);
        let x = X::from_reals(&start.shape(), &here.x);
        let gradient = X::from_reals(&start.shape(), &here.slope);
        let found = Optimum { x, value: here.value, gradient, iterations, evaluations };
        match ended {
            Ended::Well => Ok(found),
            Ended::Late => Err(OptimiseError::TooManySteps { best: Box::new(found) }),
            Ended::Stuck => Err(OptimiseError::NoDescent { best: Box::new(found) }),
        }
    }
}

enum Ended {
    Well,
    Late,
    Stuck,
}

/// Whether steps lead anywhere.
struct Progress {
    lowest: f64,
    flattest: f64,
    /// How many steps did not.
    idle: usize,
}

impl Default for Progress {
    fn default() -> Self {
        Self { lowest: f64::INFINITY, flattest: f64::INFINITY, idle: 0 }
    }
}

impl Progress {
    /// Whether many steps before this point have made neither the value less by more than rounding nor the slopes flatter.
    fn is_over(&mut self, value: f64, steepness: f64, rounding: f64) -> bool {
        const MANY: usize = 20;
        if value < self.lowest - rounding || steepness < 0.9 * self.flattest {
            self.idle = 0;
            self.lowest = self.lowest.min(value);
            self.flattest = self.flattest.min(steepness);
        } else {
            self.idle += 1;
        }
        self.idle > MANY
    }
}

/// A step that was made, and how the gradient changed by it.
struct Past {
    step: Vec<f64>,
    change: Vec<f64>,
    curvature: f64,
}

/// Minus the inverse of the curvature that is remembered, times the gradient.
fn newton(past: &VecDeque<Past>, slope: &[f64]) -> Vec<f64> {
    let mut direction: Vec<_> = slope.iter().map(|x| -x).collect();
    let add = |direction: &mut Vec<f64>, factor: f64, x: &[f64]| {
        direction.iter_mut().zip(x).for_each(|(d, x)| *d += factor * x);
    };
    let mut factors = Vec::with_capacity(past.len());
    for Past { step, change, curvature } in past.iter().rev() {
        let factor = dot(step, &direction) / curvature;
        add(&mut direction, -factor, change);
        factors.push(factor);
    }
    if let Some(Past { change, curvature, .. }) = past.back() {
        let scale = curvature / dot(change, change);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (Past { step, change, curvature }, factor) in past.iter().zip(factors.into_iter().rev()) {
        let back = dot(change, &direction) / curvature;
        add(&mut direction, factor - back, step);
    }
    direction
}

/// A point along a direction: how far, and value and slope there.
struct Along {
    step: f64,
    point: Point,
    slope: f64,
}

/// A step along a direction of this descent at which the value is less and the slope is flatter: the strong conditions of
/// Wolfe. Of the values' rounding it says what it sees.
fn search<E>(
    evaluate: &mut impl FnMut(Vec<f64>) -> Result<Point, E>,
    start: &Point,
    (direction, descent): (&[f64], f64),
    first: f64,
    relative: &mut f64,
) -> Result<Option<Point>, E> {
    const LESS: f64 = 1e-4;
    const FLATTER: f64 = 0.9;
    let rounding = *relative * start.value.abs();
    let mut at = |step: f64| -> Result<Along, E> {
        let x = start.x.iter().zip(direction).map(|(x, d)| x + step * d).collect();
        let point = evaluate(x)?;
        let slope = dot(&point.slope, direction);
        Ok(Along { step, point, slope })
    };
    let is_less = |along: &Along| {
        along.point.value <= start.value + LESS * along.step * descent
            // The difference is all rounding, but the slopes say that it is less.
            || along.point.value <= start.value + rounding && (2.0 * LESS - 1.0) * descent >= along.slope
    };
    let is_flat = |along: &Along| along.slope.abs() <= -FLATTER * descent;
    // The best point so far, between which and the other there is one that will do.
    let mut low = (0.0, start.value, descent);
    let mut high: Option<(f64, f64, f64)> = None;
    let mut best: Option<Along> = None;
    let mut step = first;
    // The right scale may be far: what is much too long, or too short, is so by ever larger factors.
    let (mut longer, mut shorter) = (4.0, 0.1);
    for tries in 0..60 {
        let here = at(step)?;
        // By the slopes of so short a step, which are those of a parabola, the value stays what it is.
        let short = step * -descent < 1e-12 * start.value.abs();
        if short && here.point.is_finite() && here.slope.abs() <= -descent {
            let change = step * 0.5 * (descent + here.slope);
            let noise = 2.0 * (here.point.value - start.value - change).abs();
            *relative = relative.max(noise / start.value.abs());
        }
        if !here.point.is_finite() {
            high = Some((step.min(f64::MAX), f64::INFINITY, f64::NAN));
        } else if !is_less(&here) || here.point.value > low.1 + rounding {
            high = Some((here.step, here.point.value, here.slope));
        } else {
            if is_flat(&here) {
                return Ok(Some(here.point));
            }
            let beyond = high.map_or(1.0, |high| high.0 - low.0);
            if here.slope * beyond >= 0.0 {
                high = Some(low);
            }
            low = (here.step, here.point.value, here.slope);
            best = Some(here);
        }
        let next = match high {
            None => {
                if tries > 8 {
                    longer *= longer;
                }
                (longer * step).min(f64::MAX)
            }
            Some(_) if tries > 8 && low.0 == 0.0 => {
                shorter *= shorter;
                shorter * step
            }
            Some(high) if tries > 8 && (low.0 / high.0).log10().abs() > 4.0 => {
                low.0.sqrt() * high.0.sqrt()
            }
            Some(high) => between(low, high),
        };
        // What is a larger value after a step that no value can tell is so by rounding.
        let is_noise = high.is_some_and(|high| {
            high.0 == step
                && high.1 > start.value + rounding
                && step * -descent <= 2e-17 * start.value.abs()
        });
        if is_noise
            || next == step
            || high.is_some_and(|high| (high.0 - low.0).abs() <= 1e-16 * low.0.abs())
        {
            break;
        }
        step = next;
    }
    // A point with a lesser value will do where there is no flat one.
    Ok(best.filter(|best| best.point.value < start.value).map(|best| best.point))
}

/// Where the cubic through two values and slopes is least, well inside.
fn between(low: (f64, f64, f64), high: (f64, f64, f64)) -> f64 {
    let width = high.0 - low.0;
    let slopes = low.2 + high.2 - 3.0 * (low.1 - high.1) / (low.0 - high.0);
    let root = (slopes * slopes - low.2 * high.2).sqrt().copysign(width);
    let cubic = high.0 - width * (high.2 + root - slopes) / (high.2 - low.2 + 2.0 * root);
    let part = (cubic - low.0) / width;
    // Also where it is no number.
    let part = if part.is_finite() { part.clamp(0.1, 0.9) } else { 0.5 };
    low.0 + part * width
}
