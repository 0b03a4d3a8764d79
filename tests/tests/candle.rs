//! Registered primitives as operations of candle, with their backward pass: an adapter that knows
//! the registry alone.

use std::any::Any;

use approx::assert_relative_eq;
use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, DType, Device, Error, Layout, Result, Shape, Storage, Tensor,
    Var, WithDType, bail,
};
use difrules_core::registry::Instance;
use difrules_core::{Real, Record, find, gradient, primitive};
use difrules_linalg::{cholesky, ln_determinant, solve_lower_triangular};
use nalgebra::{DMatrix, DVector};

/// A registered primitive, at whichever of its instances the tensors are of.
#[derive(Clone, Copy)]
struct Registered(&'static Record);

impl Registered {
    /// The primitive of this name; none that overwrites an argument, which candle's tensors forbid.
    fn find(name: &str, arity: usize) -> Result<Self> {
        let record = find(name, arity).map_err(Error::msg)?;
        if record.arguments.iter().any(|argument| argument.in_place) {
            bail!("`{}` overwrites its arguments", record.path)
        }
        Ok(Self(record))
    }

    fn instance(self, dtype: DType) -> Result<&'static Instance> {
        // candle and difrules call the real types by the same names, Rust's.
        let Some(instance) = self.0.instance(dtype.as_str()) else {
            bail!("`{}` has no instance at {dtype:?}", self.0.path)
        };
        Ok(instance)
    }

    fn forward(self, arguments: &[(&CpuStorage, &Layout)]) -> Result<(CpuStorage, Shape)> {
        let dtype = arguments[0].0.dtype();
        let instance = self.instance(dtype)?;
        match dtype {
            DType::F32 => forward::<f32>(instance, arguments),
            _ => forward::<f64>(instance, arguments),
        }
    }

    /// The gradients of the arguments, of those that have one.
    fn backward(
        self,
        arguments: &[&Tensor],
        result: &Tensor,
        result_bar: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        let dtype = result_bar.dtype();
        let instance = self.instance(dtype)?;
        match dtype {
            DType::F32 => backward::<f32>(instance, arguments, result, result_bar),
            _ => backward::<f64>(instance, arguments, result, result_bar),
        }
    }
}

fn forward<S: WithDType + Real>(
    instance: &Instance,
    arguments: &[(&CpuStorage, &Layout)],
) -> Result<(CpuStorage, Shape)> {
    let values = arguments.iter().map(|(storage, layout)| value::<S>(storage, layout));
    let mut values = values.collect::<Result<Vec<_>>>()?;
    let mut output = None::<Box<dyn Any>>;
    instance.call(&mut refs(&mut values), &mut output).map_err(Error::msg)?;
    let (data, shape) = entries::<S>(&*output.expect("the call succeeded"))?;
    Ok((S::to_cpu_storage_owned(data), shape))
}

/// candle keeps the arguments and the result of an operation for its backward pass and nothing else.
/// Where the reverse rule reads more, what the call saved, the primitive is evaluated a second time.
fn backward<S: WithDType + Real>(
    instance: &Instance,
    arguments: &[&Tensor],
    result: &Tensor,
    result_bar: &Tensor,
) -> Result<Vec<Option<Tensor>>> {
    let values = arguments.iter().map(|x| tensor_value::<S>(x));
    let mut values = values.collect::<Result<Vec<_>>>()?;
    let cotangent = tensor_value::<S>(result_bar)?;
    let mut adjoints = instance.zeros(&mut refs(&mut values)).map_err(Error::msg)?;
    let result = tensor_value::<S>(result)?;
    let pullback = instance.reverse_at(&mut refs(&mut values), &*result).map_err(Error::msg)?;
    // The rule makes no gradient that candle does not ask for.
    let wanted = arguments.iter().map(|x| x.track_op());
    let places = refs(&mut adjoints).into_iter().zip(wanted.clone());
    let mut places: Vec<_> = places.map(|(place, wanted)| wanted.then_some(place)).collect();
    pullback.pull(&*cotangent, &mut places).map_err(Error::msg)?;
    let gradients = adjoints.iter().zip(wanted).map(|(adjoint, wanted)| {
        if !wanted {
            return Ok(None);
        }
        let (data, shape) = entries::<S>(&**adjoint)?;
        Tensor::from_vec(data, shape, &Device::Cpu).map(Some)
    });
    gradients.collect()
}

impl CustomOp1 for Registered {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(storage, layout)])
    }

    fn bwd(&self, x: &Tensor, result: &Tensor, result_bar: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.backward(&[x], result, result_bar)?.remove(0))
    }
}

impl CustomOp2 for Registered {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(s1, l1), (s2, l2)])
    }

    fn bwd(
        &self,
        x: &Tensor,
        y: &Tensor,
        result: &Tensor,
        result_bar: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [x_bar, y_bar] =
            self.backward(&[x, y], result, result_bar)?.try_into().expect("as many");
        Ok((x_bar, y_bar))
    }
}

fn refs(values: &mut [Box<dyn Any>]) -> Vec<&mut dyn Any> {
    values.iter_mut().map(|x| &mut **x).collect()
}

/// What a primitive takes for a tensor: a number, a vector or a matrix, by the tensor's rank.
///
/// The layout says where an entry is, whichever way the tensor is transposed, cut out or repeated.
fn value<S: WithDType + Real>(storage: &CpuStorage, layout: &Layout) -> Result<Box<dyn Any>> {
    let data = &S::cpu_storage_as_slice(storage)?[layout.start_offset()..];
    Ok(match (layout.dims(), layout.stride()) {
        ([], []) => Box::new(data[0]),
        (&[rows], &[down]) => Box::new(DVector::from_fn(rows, |i, _| data[i * down])),
        (&[rows, columns], &[down, right]) => {
            Box::new(DMatrix::from_fn(rows, columns, |i, j| data[i * down + j * right]))
        }
        (dims, _) => bail!("a primitive takes no tensor of the shape {dims:?}"),
    })
}

fn tensor_value<S: WithDType + Real>(tensor: &Tensor) -> Result<Box<dyn Any>> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("the tensor is not in the CPU's memory") };
    value::<S>(storage, layout)
}

/// What a tensor stores of a primitive's value, row by row; the value stores it column by column.
fn entries<S: WithDType + Real>(value: &dyn Any) -> Result<(Vec<S>, Shape)> {
    if let Some(&x) = value.downcast_ref::<S>() {
        Ok((vec![x], ().into()))
    } else if let Some(x) = value.downcast_ref::<DVector<S>>() {
        Ok((x.as_slice().to_vec(), x.len().into()))
    } else if let Some(x) = value.downcast_ref::<DMatrix<S>>() {
        Ok((x.transpose().as_slice().to_vec(), x.shape().into()))
    } else {
        bail!("a primitive's value is neither a number nor a vector nor a matrix")
    }
}

/// log(1 + exp(x)), as a user registers it.
#[primitive(partial = |x| (T::one() + (-x).exp()).recip(), instances(f32, f64))]
fn my_softplus<T: Real>(x: T) -> T {
    x.exp().ln_1p()
}

/// A primitive without a reverse rule.
#[primitive(forward = |x, _, x_dot| x_dot * (x + x), instances(f64))]
fn square<T: Real>(x: T) -> T {
    x * x
}

fn apply1(name: &str, x: &Tensor) -> Result<Tensor> {
    x.apply_op1(Registered::find(name, 1)?)
}

fn apply2(name: &str, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    x.apply_op2(y, Registered::find(name, 2)?)
}

fn tensor<S: WithDType + Real>(matrix: &DMatrix<S>) -> Result<Tensor> {
    let (data, shape) = entries::<S>(matrix)?;
    Tensor::from_vec(data, shape, &Device::Cpu)
}

fn matrix<S: WithDType + Real>(tensor: &Tensor) -> Result<DMatrix<S>> {
    Ok(*tensor_value::<S>(tensor)?.downcast().expect("a tensor of rank two"))
}

/// A factor that is far from symmetric, and right-hand sides: no two entries are the same.
fn point<S: Real>() -> (DMatrix<S>, DMatrix<S>) {
    let entry = |i: usize, j: usize, seed: f64| (2.7 * i as f64 + 1.3 * j as f64 + seed).sin();
    let m = DMatrix::from_fn(4, 4, |i, j| S::from_f64(entry(i, j, 0.2)).unwrap());
    let b = DMatrix::from_fn(4, 2, |i, j| S::from_f64(entry(i, j, 0.9)).unwrap());
    (m, b)
}

/// sum(tanh(L^-1 B)) + sum(L * L * L) + my_softplus(logdet A), with A = M M^T + I = L L^T, in candle.
fn loss_in_candle(m: &Tensor, b: &Tensor) -> Result<Tensor> {
    let a = (m.matmul(&m.t()?)? + Tensor::eye(m.dim(0)?, m.dtype(), &Device::Cpu)?)?;
    let l = apply1("cholesky", &a)?;
    let x = apply2("solve_lower_triangular", &l, b)?;
    let volume = apply1("my_softplus", &apply1("ln_determinant", &a)?)?;
    (x.tanh()?.sum_all()? + (l.sqr()? * &l)?.sum_all()?)? + volume
}

/// The same by difrules alone.
fn loss<T: Real>(m: &DMatrix<T>, b: &DMatrix<T>) -> T {
    let a = m * m.transpose() + DMatrix::identity(m.nrows(), m.ncols());
    let l = cholesky(&a).unwrap();
    let x = solve_lower_triangular(&l, b).unwrap();
    let volume = my_softplus(ln_determinant(&a).unwrap());
    x.map(|x| x.tanh()).sum() + l.map(|x| x * x * x).sum() + volume
}

/// The loss and its gradients at [`point`], by candle.
fn by_candle<S: Real + WithDType>() -> Result<(S, DMatrix<S>, DMatrix<S>)> {
    let (m, b) = point::<S>();
    let (m, b) = (Var::from_tensor(&tensor(&m)?)?, Var::from_tensor(&tensor(&b)?)?);
    let loss = loss_in_candle(&m, &b)?;
    let gradients = loss.backward()?;
    let gradient = |x: &Var| matrix(gradients.get(x).expect("the loss depends on it"));
    Ok((loss.to_scalar()?, gradient(&m)?, gradient(&b)?))
}

#[test]
fn a_loss_of_two_matrices() -> Result<()> {
    let (found, m_bar, b_bar) = by_candle::<f64>()?;
    let (m, b) = point::<f64>();
    assert_relative_eq!(found, loss(&m, &b), max_relative = 1e-13);
    let (our_m_bar, our_b_bar) = gradient(|(m, b)| loss(m, b), &(m.clone(), b.clone()));
    assert_relative_eq!(m_bar, our_m_bar, epsilon = 1e-13, max_relative = 1e-12);
    assert_relative_eq!(b_bar, our_b_bar, epsilon = 1e-13, max_relative = 1e-12);
    // Central differences.
    let differences = |at: &DMatrix<f64>, f: &dyn Fn(&DMatrix<f64>) -> f64| {
        let step = 1e-5;
        DMatrix::from_fn(at.nrows(), at.ncols(), |i, j| {
            let moved = |step: f64| {
                let mut at = at.clone();
                at[(i, j)] += step;
                f(&at)
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        })
    };
    let value = |m: &DMatrix<f64>, b: &DMatrix<f64>| -> Result<f64> {
        loss_in_candle(&tensor(m)?, &tensor(b)?)?.to_scalar()
    };
    assert_relative_eq!(m_bar, differences(&m, &|m| value(m, &b).unwrap()), epsilon = 1e-8);
    assert_relative_eq!(b_bar, differences(&b, &|b| value(&m, b).unwrap()), epsilon = 1e-8);
    Ok(())
}

/// A right-hand side that is data: the other gradient is the same, and this one is not there.
#[test]
fn an_argument_without_a_gradient() -> Result<()> {
    let (m, b) = point::<f64>();
    let (m, data) = (Var::from_tensor(&tensor(&m)?)?, tensor(&b)?);
    let gradients = loss_in_candle(&m, &data)?.backward()?;
    assert!(gradients.get(&data).is_none());
    assert_eq!(matrix::<f64>(gradients.get(&m).expect("a gradient"))?, by_candle::<f64>()?.1);
    Ok(())
}

#[test]
fn in_single_precision() -> Result<()> {
    let (single, double) = (by_candle::<f32>()?, by_candle::<f64>()?);
    assert_relative_eq!(single.0, double.0 as f32, max_relative = 1e-5);
    assert_relative_eq!(single.1, double.1.map(|x| x as f32), epsilon = 1e-4);
    assert_relative_eq!(single.2, double.2.map(|x| x as f32), epsilon = 1e-4);
    Ok(())
}

/// Views that are transposed, cut out and repeated, against copies of them that are not.
#[test]
fn strided_layouts() -> Result<()> {
    let (m, b) = point::<f64>();
    let solved = |copy: fn(&Tensor) -> Result<Tensor>| {
        let (u, wide) = (Var::from_tensor(&tensor(&m)?)?, Var::from_tensor(&tensor(&b)?)?);
        let l = copy(&u.t()?.narrow(0, 1, 3)?.narrow(1, 1, 3)?)?;
        let turned = apply2("solve_lower_triangular", &l, &copy(&wide.narrow(0, 1, 3)?)?)?;
        let repeated = copy(&wide.narrow(0, 0, 3)?.narrow(1, 1, 1)?.broadcast_as((3, 5))?)?;
        let repeated = apply2("solve_lower_triangular", &l, &repeated)?;
        // The gradient of a sum comes repeated too, and that of `t` transposed.
        let gradients = (turned.t()?.sqr()?.sum_all()? + repeated.sum_all()?)?.backward()?;
        let gradient = |x: &Var| matrix::<f64>(gradients.get(x).expect("the loss depends on it"));
        let values = (matrix::<f64>(&turned)?, matrix::<f64>(&repeated)?);
        Ok::<_, Error>((values, gradient(&u)?, gradient(&wide)?))
    };
    let strided = solved(|x| Ok(x.clone()))?;
    assert_eq!(strided, solved(Tensor::contiguous)?);
    let l = m.transpose().view((1, 1), (3, 3)).into_owned();
    let right_side = b.rows(1, 3).into_owned();
    assert_eq!(strided.0.0, solve_lower_triangular(&l, &right_side).unwrap());
    Ok(())
}

#[test]
fn refusals() -> Result<()> {
    let told = |result: Result<Tensor>| result.unwrap_err().to_string();
    let x = Tensor::new(&[[1.0, 2.0], [2.0, 1.0]], &Device::Cpu)?;
    let found = told(apply1("cholesky", &x));
    assert!(found.contains("NotPositiveDefinite { pivot: 1, value: -3.0 }"), "{found}");
    let found = told(apply2("cholesky", &x, &x));
    assert!(found.contains("`cholesky` takes 1 argument, not 2"), "{found}");
    let found = told(apply2("solve_lower_triangular", &x, &x.to_dtype(DType::F32)?));
    assert!(found.contains("unexpected dtype"), "{found}");
    let found = told(apply1("cholesky", &x.to_dtype(DType::F16)?));
    assert!(found.contains("has no instance at F16"), "{found}");
    let found = told(apply1("cholesky", &x.get(0)?));
    assert!(found.contains("argument `a` has to be of the type"), "{found}");
    let found = told(apply1("cholesky", &x.unsqueeze(0)?));
    assert!(found.contains("the shape [1, 2, 2]"), "{found}");
    assert!(Registered::find("axpy", 3).is_err_and(|e| e.to_string().contains("overwrites")));
    // Without the reverse rule the operation runs, and its backward pass names what is missing.
    let x = Var::new(3.0, &Device::Cpu)?;
    let y = apply1("square", &x)?;
    assert_eq!(y.to_scalar::<f64>()?, square(3.0));
    let found = y.backward().unwrap_err().to_string();
    assert!(found.contains("`candle::square` has no reverse rule"), "{found}");
    Ok(())
}
