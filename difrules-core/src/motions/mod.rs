#![doc = include_str!("../pages/motions.md")]

mod flat;
mod group;
mod manifold;
mod motion;
mod outcome;
mod planar;
mod products;
mod rotation;
mod similar;
mod spatial;
mod sphere;
mod transform;

pub use flat::Flat;
pub use group::LieGroup;
pub use manifold::{At, Manifold, Space, Tangent, along, lift};
pub use outcome::Reached;
pub use similar::stumpff_integral;
pub use transform::{
    gradient, hessian, hvp, jacobian, jacobian_reverse, jvp, value_and_gradient,
    value_and_jacobian, value_and_jacobian_reverse, value_gradient_and_hessian,
    value_gradient_and_hvp, vjp,
};

crate::public_path!();
