//! Matrix equations. The rule of each is one more linear equation with the factors of the first.

pub(crate) mod continuous_lyapunov;
pub(crate) mod continuous_riccati;
pub(crate) mod discrete_lyapunov;
pub(crate) mod discrete_riccati;
pub(crate) mod linear;
mod riccati;
pub(crate) mod sylvester;
