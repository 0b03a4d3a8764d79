use difrules_linalg::Matrix;

fn total<T>(a: &Matrix<T>) {
    let _ = a.shape();
}

fn main() {}
