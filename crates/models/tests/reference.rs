//! Forward pass and evaluation against PyTorch (tests/reference/bilinear_truth.json).

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_models::{StoredModel, evaluate, networks};
use eigenscope_testing::{Digits, Tolerance, assert_close, fixture};
use serde::Deserialize;

#[derive(Deserialize)]
struct Truth {
    train_rows: usize,
    models: Vec<Model>,
}

#[derive(Deserialize)]
#[allow(non_snake_case, reason = "the fixture uses the formulas' letters")]
struct Model {
    hidden: usize,
    E: Vec<Vec<f32>>,
    W: Vec<Vec<f32>>,
    U: Vec<Vec<f32>>,
    logit_rows: Vec<usize>,
    logits: Vec<Vec<f64>>,
    test_correct: usize,
    test_loss: f64,
}

fn stored(model: &Model) -> StoredModel {
    let classes = (0..10).map(|class| class.to_string()).collect();
    let architecture =
        networks::bilinear(model.hidden, false).architecture(InputShape::from([1, 8, 8]), classes);
    let architecture = architecture.expect("any input fits");
    // Any order will do: the model puts them into its own.
    let tensors = [
        ("unembed.weight", &model.U),
        ("embed.weight", &model.E),
        ("gate.weight", &model.W),
    ]
    .map(|(name, rows)| NamedTensor {
        name: name.to_owned(),
        shape: vec![rows.len(), rows[0].len()],
        data: rows.concat(),
    })
    .to_vec();
    StoredModel::new(architecture, tensors).expect("the fixture's tensors fit")
}

#[test]
fn logits_accuracy_and_loss_are_those_of_pytorch() {
    let truth: Truth = fixture("bilinear_truth.json");
    let digits = Digits::read();
    let device = Device::flex();
    for expected in &truth.models {
        let model = stored(expected).load(&device).expect("it loads");
        let inputs = digits.inputs(expected.logit_rows.iter().copied());
        let inputs = TensorData::new(inputs, [expected.logit_rows.len(), 64]);
        let logits = model.forward(Tensor::from_data(inputs, &device));
        let logits = logits.into_data().try_into_vec::<f32>().expect("f32");
        let tolerance = Tolerance::OfLargest(1e-5);
        assert_close("logits", &logits, &expected.logits.concat(), tolerance);
        let test = truth.train_rows..digits.labels.len();
        let (inputs, labels) = (digits.inputs(test.clone()), digits.labels(test));
        let evaluation = evaluate(&model, &inputs, &labels, 100, &device).expect("finite");
        assert_eq!(
            (evaluation.images, evaluation.correct),
            (360, expected.test_correct)
        );
        let (found, expected) = (evaluation.loss_nats, expected.test_loss);
        assert_close("loss", &[found], &[expected], Tolerance::Relative(1e-5));
    }
}

#[test]
fn a_tensor_that_does_not_fit_is_named() {
    let model = Model {
        hidden: 1,
        E: vec![vec![0.0; 64]],
        W: vec![vec![0.0]; 2],
        U: vec![vec![0.0]; 10],
        logit_rows: vec![],
        logits: vec![],
        test_correct: 0,
        test_loss: 0.0,
    };
    let StoredModel {
        architecture,
        tensors,
    } = stored(&model);
    let refuse = |tensors: Vec<NamedTensor>| {
        StoredModel::new(architecture.clone(), tensors)
            .expect_err("a tensor is wrong")
            .to_string()
    };
    assert_eq!(
        refuse(tensors[1..].to_vec()),
        "tensor `embed.weight` is missing"
    );
    let mut misshapen = tensors.clone();
    misshapen[0].shape = vec![64, 1];
    assert_eq!(
        refuse(misshapen),
        "tensor `embed.weight` has shape [64, 1], expected [1, 64]"
    );
    let mut infinite = tensors;
    infinite[2].data[3] = f32::INFINITY;
    assert_eq!(
        refuse(infinite),
        "tensor `unembed.weight` holds inf at position 3"
    );
}
