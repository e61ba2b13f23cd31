//! The task kind `clipping`: PyTorch's counts for every kind of network, NumPy's for bases of channels, and what it and `accuracy` refuse. Fixture and
//! tolerances: `tests/reference/README.md` of the workspace.

use std::collections::BTreeMap;

use crate::fixtures::classes;
use crate::fixtures::place::Place;
use eigenscope_artifact::tables::layers::{ClippingRow, LearnedDimensionsRow};
use eigenscope_artifact::tables::training::AccuracyRow;
use eigenscope_artifact::{
    BASES, BasesHeader, CovarianceOf, Digest, InputDigest, InputShape, NamedTensor, PixelTransform,
    Provenance, TENSORS, write_tensors,
};
use eigenscope_metrics::layers::ClippedLayer;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Architecture, Runner, networks};
use eigenscope_stage::Input;
use eigenscope_testing::{
    TaskOutcome, class_names, cut, fixture, floats, made_by, model_with, numbers, provenance,
};
use serde_json::{Value, json};

/// One network of `clipping_truth.json`.
struct Case(Value);

fn cases() -> Vec<Case> {
    let truth: Value = fixture("clipping_truth.json");
    let cases = truth["cases"].as_array().expect("a list");
    cases.iter().cloned().map(Case).collect()
}

fn mlp() -> Case {
    cases().swap_remove(0)
}

fn counts(value: &Value) -> Vec<u32> {
    let counts = numbers(value).into_iter();
    counts.map(|count| count as u32).collect()
}

impl Case {
    fn architecture(&self) -> Architecture {
        let side = self.0["side"].as_u64().expect("a size") as usize;
        let layers = numbers(&self.0["layers"]).into_iter();
        let mut layers: Vec<usize> = layers.map(|width| width as usize).collect();
        let (input, classes) = (InputShape::from([1, side, side]), classes());
        let architecture = match self.0["network"].as_str() {
            Some("mlp") => networks::mlp(layers).architecture(input, classes),
            Some("cnn") => networks::cnn(layers).architecture(input, classes),
            _ => networks::bilinear(layers.remove(0), true).architecture(input, classes),
        };
        architecture.expect("it fits")
    }

    fn model(&self, place: &Place) -> Input {
        let model = model_with(&self.architecture(), |_, parameter| {
            floats(&self.0["weights"][&parameter.name])
        });
        let path = place.path("model.parquet");
        model.write(&path, &provenance()).expect("written");
        made_by("train.m", &path)
    }

    fn tensors(&self) -> Vec<NamedTensor> {
        self.architecture()
            .layers()
            .map(|(_, layer)| {
                let data = floats(&self.0["bases"][&layer.name]["vectors"]);
                NamedTensor {
                    shape: vec![data.len() / layer.inputs(), layer.inputs()],
                    name: layer.name.clone(),
                    data,
                }
            })
            .collect()
    }

    /// The rows that are not near a tie.
    fn images(&self, place: &Place) -> Input {
        let rows = numbers(&self.0["rows"]).into_iter().map(|row| row as usize);
        let InputShape { height, width, .. } = self.architecture().input;
        let transforms = vec![
            PixelTransform::Scale,
            PixelTransform::Resize { height, width },
        ];
        place.images_of(0..100, rows, transforms, classes())
    }

    /// Layers with the count at every rank, in the order of the model.
    fn correct(&self) -> Vec<(String, Vec<u32>)> {
        let architecture = self.architecture();
        let names = architecture.layers().map(|(_, layer)| &layer.name);
        names
            .map(|name| (name.clone(), counts(&self.0["correct"][name])))
            .collect()
    }
}

fn bases(place: &Place, tensors: &[NamedTensor], provenance: &Provenance) -> Input {
    let path = place.path("bases.parquet");
    let header = BasesHeader {
        of: CovarianceOf::Activations,
        layers: BTreeMap::new(),
    };
    write_tensors(&path, BASES, &header, tensors, provenance).expect("written");
    made_by("decompose.b", &path)
}

/// Made from the model `task` with the given content.
fn made_from(task: &str, content: Digest) -> Provenance {
    Provenance {
        inputs: vec![InputDigest {
            role: "model".to_owned(),
            task: task.to_owned(),
            content,
        }],
        ..provenance()
    }
}

/// Runs a task on model, bases and data.
fn run(place: &Place, threads: usize, parameters: Value, inputs: [&Input; 3]) -> TaskOutcome {
    let roles = ["model", "bases", "data"].into_iter().zip(inputs);
    let inputs: Vec<_> = roles
        .map(|(role, input)| (role, vec![input.clone()]))
        .collect();
    let outputs = [ClippingRow::KIND, LearnedDimensionsRow::KIND];
    place.run_with(threads, "clipping", parameters, &inputs, &outputs)
}

fn parameters(layers: &[&str], split: &str, within_fraction: f64) -> Value {
    json!({"layers": layers, "split": split, "within_fraction": within_fraction})
}

#[test]
fn the_counts_of_pytorch_for_every_network() {
    for case in cases() {
        let place = Place::new();
        let (model, data) = (case.model(&place), case.images(&place));
        let origin = made_from("train.m", model.content);
        let bases = bases(&place, &case.tensors(), &origin);
        let outcome = run(
            &place,
            1,
            parameters(&[], "test", 0.01),
            [&model, &bases, &data],
        );
        let rows: Vec<ClippingRow> = outcome.rows();
        let images = numbers(&case.0["rows"]).len() as u32;
        let mut found: Vec<(String, Vec<u32>)> = Vec::new();
        for row in &rows {
            assert_eq!((row.of.as_str(), row.images), ("activations", images));
            assert_eq!(
                row.accuracy_fraction,
                f64::from(row.correct) / f64::from(images)
            );
            if row.kept == 1 {
                found.push((row.layer.clone(), Vec::new()));
            }
            let (layer, counts) = found.last_mut().expect("ranks begin with 1");
            counts.push(row.correct);
            assert_eq!((&row.layer, row.kept as usize), (&*layer, counts.len()));
        }
        assert_eq!(found, case.correct());

        let again = run(
            &place,
            4,
            parameters(&[], "test", 0.01),
            [&model, &bases, &data],
        );
        outcome.assert_same_bytes(&again);
    }
}

#[test]
fn learned_dimensions_are_the_smallest_rank_from_which_on_none_loses_more() {
    let (place, case) = (Place::new(), mlp());
    let (model, data) = (case.model(&place), case.images(&place));
    let bases = bases(&place, &case.tensors(), &provenance());
    let images = numbers(&case.0["rows"]).len() as f64;
    let unclipped = case.0["correct_unclipped"].as_f64().expect("a count");
    for within in [0.0, 0.01, 0.1, 1.0] {
        let parameters = parameters(&["layer2", "layer1"], "test", within);
        let outcome = run(&place, 2, parameters, [&model, &bases, &data]);
        let rows: Vec<LearnedDimensionsRow> = outcome.rows();
        assert_eq!(rows.len(), 2);
        for (row, (layer, correct)) in rows.iter().zip(case.correct()) {
            assert_eq!((&row.layer, row.of.as_str()), (&layer, "activations"));
            assert_eq!(row.inputs, if layer == "layer1" { 64 } else { 12 });
            assert_eq!(row.accuracy_fraction, unclipped / images);
            assert_eq!(row.within_fraction, within);
            let enough = |count: &u32| f64::from(*count) / images >= unclipped / images - within;
            let expected = correct.iter().position(enough);
            assert_eq!(row.first_dimensions, expected.map(|index| index as u32 + 1));
            let always = (0..correct.len()).find(|&index| correct[index..].iter().all(enough));
            assert_eq!(row.dimensions, always.map(|index| index as u32 + 1));
            assert_eq!((row.spikes, row.spikes_accuracy_fraction), (None, None));
        }
        // The 24 eigenvectors stored of layer 1 do not give everything back.
        assert_eq!(rows[0].dimensions.is_none(), within < 0.1);
    }
}

#[test]
fn either_split_is_measured() {
    let (place, case) = (Place::new(), mlp());
    let model = case.model(&place);
    let bases = bases(&place, &case.tensors(), &provenance());
    let scale = || vec![PixelTransform::Scale];
    let (train, test) = (0..30, 1437..1477);
    let data = place.images_of(train, test, scale(), classes());
    for (split, images) in [("train", 30), ("test", 40)] {
        let parameters = parameters(&["layer3"], split, 0.01);
        let rows: Vec<ClippingRow> = run(&place, 1, parameters, [&model, &bases, &data]).rows();
        assert_eq!(rows.len(), 8);
        assert!(
            rows.iter()
                .all(|row| row.images == images && row.layer == "layer3")
        );
    }
    for split in ["train", "test"] {
        let data = place.images_of([], [], scale(), classes());
        run(
            &place,
            1,
            parameters(&[], split, 0.01),
            [&model, &bases, &data],
        )
        .fails_with(&format!("data.digits has no {split} images"));
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let (place, case) = (Place::new(), mlp());
    let (model, data) = (case.model(&place), case.images(&place));
    let good = bases(&place, &case.tensors(), &provenance());
    let run = |model: &Input, bases: &Input, data: &Input| {
        run(
            &place,
            1,
            parameters(&[], "test", 0.01),
            [model, bases, data],
        )
    };
    run(&cut(&model), &good, &data).fails_with("(cut) is not a readable Parquet file");
    run(&model, &cut(&good), &data).fails_with("(cut) is not a readable Parquet file");
    run(&model, &good, &cut(&data)).fails_with("(cut) is not a readable Parquet file");
    run(&model, &model, &data).fails_with("expected");

    let foreign = made_from("train.m[seed=1]", good.content);
    let foreign = bases(&place, &case.tensors(), &foreign);
    run(&model, &foreign, &data)
        .fails_with("`model` of `bases` is train.m[seed=1], `model` is train.m");
    let good = bases(
        &place,
        &case.tensors(),
        &made_from("train.m", model.content),
    );

    let small = vec![PixelTransform::Resize {
        height: 4,
        width: 4,
    }];
    let data = place.images(10, small, classes());
    run(&model, &good, &data).fails_with(
        "`data.digits` does not fit `train.m`: its images are 1 x 4 x 4 after their transforms, the model takes 1 x 8 x 8",
    );
    let mut names = classes();
    names.swap(0, 1);
    let data = place.images(10, vec![PixelTransform::Scale], names);
    run(&model, &good, &data)
        .fails_with("`data.digits` does not fit `train.m`: its classes are [1, 0, 2");
}

#[test]
fn bases_of_other_layers_or_spaces_are_refused() {
    let (place, case) = (Place::new(), mlp());
    let (model, data) = (case.model(&place), case.images(&place));
    let run = |tensors: &[NamedTensor], layers: &[&str]| {
        let bases = bases(&place, tensors, &provenance());
        run(
            &place,
            1,
            parameters(layers, "test", 0.01),
            [&model, &bases, &data],
        )
    };
    let [first, second] = [0, 1].map(|layer| case.tensors().swap_remove(layer));
    run(std::slice::from_ref(&second), &["layer2", "layer1"])
        .fails_with("decompose.b has no basis of layer `layer1`, only of layer2");

    let mut other = second.clone();
    other.name = "conv1".to_owned();
    run(&[first, other], &["layer1"]).fails_with(
        "train.m and decompose.b do not fit together: layers [layer1, layer2, layer3] and [layer1, conv1]",
    );

    let reads = "but the layer reads 12 values in train.m: expected 1 to 12 vectors of 12 values";
    for shape in [vec![16, 9], vec![144], vec![0, 12], vec![13, 12]] {
        let mut wrong = second.clone();
        wrong.data.resize(shape.iter().product(), 0.0);
        wrong.shape = shape.clone();
        let message =
            format!("decompose.b: the basis of layer `layer2` has shape {shape:?}, {reads}");
        run(&[wrong], &[]).fails_with(&message);
    }

    for (value, length) in [(f32::NAN, "NaN"), (2.0, "2.")] {
        let mut wrong = second.clone();
        wrong.data[12] = value;
        let message = format!("decompose.b: eigenvector 2 of layer `layer2` has length {length}");
        run(&[wrong], &[]).fails_with(&message);
    }
}

#[test]
fn a_model_with_an_empty_layer_is_refused() {
    let (place, case) = (Place::new(), mlp());
    let data = case.images(&place);
    let Architecture { input, classes, .. } = case.architecture();
    let architecture = networks::mlp(vec![0])
        .architecture(input, classes)
        .expect("any input fits");
    let shapes = architecture.parameters().into_iter();
    let tensors: Vec<_> = shapes.map(|empty| empty.initial(|| 0.0)).collect();
    let path = place.path("model.parquet");
    write_tensors(&path, TENSORS, &architecture, &tensors, &provenance()).expect("written");
    let model = made_by("train.m", &path);
    let bases = bases(&place, &case.tensors()[..1], &provenance());
    run(
        &place,
        1,
        parameters(&[], "test", 0.01),
        [&model, &bases, &data],
    )
    .fails_with("architecture: shape [0, 1, 1] holds no value");
}

#[test]
fn the_accuracy_of_outputs_that_are_no_numbers_is_refused() {
    let (place, case) = (Place::new(), mlp());
    let data = case.images(&place);
    let accuracy = |largest: f32| {
        let model = model_with(&case.architecture(), |_, parameter| {
            let weights = floats(&case.0["weights"][&parameter.name]).into_iter();
            weights.map(|weight| largest * weight).collect()
        });
        let path = place.path("model.parquet");
        model.write(&path, &provenance()).expect("written");
        let inputs = [
            ("model", vec![made_by("train.m", &path)]),
            ("data", vec![data.clone()]),
        ];
        let parameters = json!({"split": "test"});
        place.run("accuracy", parameters, &inputs, AccuracyRow::KIND)
    };
    accuracy(1.0).succeeded();
    accuracy(1e30).fails_with("the outputs of train.m on these images are no numbers");
}

/// Bases of channels clip every pixel of a kernel alike; the third convolution has two groups.
#[test]
fn the_counts_of_numpy_for_bases_of_channels() {
    let truth: Value = fixture("channels_truth.json");
    let steps = json!([
        { "conv": { "channels": 4, "kernel": 3, "padding": 1 } }, "tanh",
        { "conv": { "channels": 4, "kernel": 2 } }, "tanh",
        { "conv": { "channels": 6, "kernel": 3, "stride": 2, "groups": 2 } }, "tanh",
        "flatten", { "linear": 4 },
    ]);
    let steps = StepList::parse(&steps).expect("a list");
    let architecture = steps.architecture("network", InputShape::from([2, 9, 8]), class_names(4));
    let model = model_with(&architecture.expect("it fits"), |number, _| {
        floats(&truth["tensors"][number])
    });
    let (inputs, width) = (floats(&truth["images"]), model.architecture.input.len());
    let labels: Vec<u16> = counts(&truth["labels"])
        .into_iter()
        .map(|label| label as u16)
        .collect();
    let runner = Runner::new(&model).expect("it loads");
    let layers = truth["layers"].as_array().expect("a list");
    for ((position, layer), expected) in model.architecture.layers().zip(layers) {
        let channels = layer.group_channels();
        let basis = NamedTensor {
            name: layer.name.clone(),
            shape: vec![channels, channels],
            data: floats(&expected["vectors"]),
        };
        let clipped = ClippedLayer::new(&model, &runner, (position, layer.clone()), &basis);
        let correct = clipped.expect("it fits").correct(&labels, |range| {
            inputs[range.start * width..range.end * width].to_vec()
        });
        let correct = correct.expect("it runs").into_iter();
        let correct: Vec<u32> = correct.map(|count| count as u32).collect();
        assert_eq!(correct, counts(&expected["correct"]), "{}", layer.name);
    }
}
