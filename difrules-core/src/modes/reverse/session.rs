//! The beginning of a computation in reverse mode.

use crate::contract::value::{Differentiable, With};
use crate::modes::maps::Numbering;
use crate::modes::reverse::var::Var;
use crate::tape::Opened;

/// The point `x` as the inputs of a tape that was opened for it.
pub(crate) fn inputs<X: Differentiable>(tape: &Opened<X::Real>, x: &X) -> With<X, Var<X::Real>> {
    x.map_with(&mut Numbering { stamp: tape.stamp(), next: 1 })
}
