//! Linear maps of rows: one, or two in a row by the cheaper of two orders of multiplication.

use burn::tensor::Tensor;

/// x -> W x + b of every row.
#[derive(Debug, Clone)]
pub(crate) struct LoadedLinear {
    /// W `[outputs, inputs]`.
    pub(crate) weight: Tensor<2>,
    /// b `[outputs]`.
    pub(crate) bias: Option<Tensor<1>>,
}

impl LoadedLinear {
    /// `[N, outputs]` of rows `[N, inputs]`.
    pub(crate) fn apply(&self, rows: Tensor<2>) -> Tensor<2> {
        self.add_bias(rows.matmul(self.weight.clone().transpose()))
    }

    /// `second` after this map. Without a bias between them the two weights are multiplied first where that is less
    /// work: the same function and the same gradients, but for rounding.
    pub(crate) fn then(&self, second: &Self, rows: Tensor<2>) -> Tensor<2> {
        let [between, inputs] = self.weight.dims();
        let chain = Chain {
            rows: rows.dims()[0],
            inputs,
            between,
            outputs: second.weight.dims()[0],
        };
        if self.bias.is_some() || !chain.weights_first(self.weight.is_require_grad()) {
            return second.apply(self.apply(rows));
        }
        let weight = second.weight.clone().matmul(self.weight.clone());
        second.add_bias(rows.matmul(weight.transpose()))
    }

    fn add_bias(&self, rows: Tensor<2>) -> Tensor<2> {
        match &self.bias {
            None => rows,
            Some(bias) => rows + bias.clone().unsqueeze(),
        }
    }
}

/// Sizes of a product of rows with two matrices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    pub(crate) rows: usize,
    pub(crate) inputs: usize,
    pub(crate) between: usize,
    pub(crate) outputs: usize,
}

impl Chain {
    /// Whether multiplying the two matrices first takes fewer multiplications. With gradients, every product has two
    /// more of its size behind it, except that the rows, being data, have no gradient.
    pub(crate) fn weights_first(self, gradients: bool) -> bool {
        let Self {
            rows,
            inputs,
            between,
            outputs,
        } = self;
        let size = |a: usize, b: usize, c: usize| a as f64 * b as f64 * c as f64;
        let (data, inner) = if gradients { (2.0, 3.0) } else { (1.0, 1.0) };
        let in_turn = data * size(rows, inputs, between) + inner * size(rows, between, outputs);
        let weights_first =
            inner * size(outputs, between, inputs) + data * size(rows, inputs, outputs);
        weights_first < in_turn
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// The bilinear models on MNIST.
    fn bilinear(hidden: usize) -> Chain {
        Chain {
            rows: 2048,
            inputs: 784,
            between: hidden,
            outputs: 2 * hidden,
        }
    }

    #[test]
    fn the_order_with_fewer_multiplications_is_taken() {
        // In millions: 963 + 1106 in turn, 423 + 1927 weights first; 1606 + 3072 and 1176 + 3211.
        assert!(!bilinear(300).weights_first(true));
        assert!(bilinear(500).weights_first(true));
        // Forward only: 803 + 1024 in turn, 392 + 1606 weights first; 1606 + 4096 and 1568 + 3211.
        assert!(!bilinear(500).weights_first(false));
        assert!(bilinear(1000).weights_first(false));
    }

    #[test]
    fn both_orders_are_the_same_function() {
        let device = Device::flex();
        // Many rows and a wide middle: the weights come first.
        let (first, second) = (
            linear([9, 2], false, &device),
            linear([2, 9], true, &device),
        );
        let rows = counting([50, 2], &device);
        let together = first.then(&second, rows.clone());
        assert_close(together, second.apply(first.apply(rows)));
    }

    #[cfg(feature = "autodiff")]
    #[test]
    fn both_orders_have_the_same_gradients() {
        let device = Device::flex().autodiff();
        let tracked = |shape| LoadedLinear {
            weight: counting(shape, &device).require_grad(),
            bias: None,
        };
        let (first, second) = (tracked([9, 2]), tracked([2, 9]));
        let rows = counting([50, 2], &device);
        // A loss whose gradient differs from output to output.
        let gradients = |outputs: Tensor<2>| {
            let mut gradients = (outputs.clone() * outputs).sum().backward();
            [&first, &second].map(|map| map.weight.grad_remove(&mut gradients).expect("tracked"))
        };
        let together = gradients(first.then(&second, rows.clone()));
        let in_turn = gradients(second.apply(first.apply(rows)));
        for (together, in_turn) in together.into_iter().zip(in_turn) {
            assert_close(together, in_turn);
        }
    }

    fn assert_close(found: Tensor<2>, expected: Tensor<2>) {
        let tolerance = burn::tensor::Tolerance::relative(1e-5);
        found
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
    }

    fn linear(shape: [usize; 2], bias: bool, device: &Device) -> LoadedLinear {
        let values = vec![0.5; shape[0]];
        LoadedLinear {
            weight: counting(shape, device),
            bias: bias.then(|| Tensor::from_data(TensorData::new(values, [shape[0]]), device)),
        }
    }

    fn counting([rows, columns]: [usize; 2], device: &Device) -> Tensor<2> {
        let values = (0..rows * columns).map(|i| (i % 7) as f32 - 3.0).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, [rows, columns]), device)
    }
}
