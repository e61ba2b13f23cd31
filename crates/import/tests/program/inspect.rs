//! What is said about a file of weights, and what is proposed for it.

use std::fs;
use std::process::Command;

use eigenscope_checkpoint::safetensors::NamedValues;
use eigenscope_stage::Stage;
use eigenscope_testing::{Answer, TestFolder, program, workspace};
use serde_json::json;

use crate::{convnet, images, inspected, sequential, task, write, write_tensors};

#[test]
fn a_file_is_listed_with_a_proposal() {
    let folder = TestFolder::new();
    let path = folder.path("weights.safetensors");
    write(&path, &convnet(), sequential);
    let inspect = |more: &[&str]| {
        let mut command = Command::new(program(Stage::Model.program()));
        Answer::of(command.arg("inspect").arg(&path).args(more)).expect(0)
    };
    let text = inspect(&[]).stdout;
    for line in [
        "safetensors, 12 tensors, ",
        "  features.3.weight        [64, 32, 5, 5]  float32\n",
        "kind = \"convnet\"\n",
        "# or, in place of `kind`, as steps that can be changed:\n# steps = [\n#   { conv = { channels = 32, kernel = 5, name = \"conv1\" } },\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let report = inspect(&["--json"]).json();
    assert_eq!(report["kind"], "convnet");
    assert_eq!(report["steps"][2], json!({ "max-pool": 2 }));
    assert_eq!(report["tensors"][0]["name"], "classifier.0.bias");
    let mut broken = Command::new(program(Stage::Model.program()));
    let broken = Answer::of(broken.args(["inspect", "/nowhere/a.pt"])).expect(1);
    assert!(broken.stderr.contains("/nowhere/a.pt"), "{}", broken.stderr);
}

/// The output of `inspect` for a file with tensors of these names and shapes.
fn inspected_tensors(folder: &TestFolder, tensors: &[(&str, &[usize])]) -> String {
    let values: Vec<Vec<f32>> = tensors
        .iter()
        .map(|(_, shape)| vec![0.5; shape.iter().product()])
        .collect();
    let tensors: Vec<NamedValues<'_>> = tensors
        .iter()
        .zip(&values)
        .map(|((name, shape), values)| NamedValues {
            name,
            shape,
            values,
        })
        .collect();
    let path = folder.path("inspected.safetensors");
    write_tensors(&path, &tensors);
    inspected(&path)
}

#[test]
fn groups_are_proposed_where_the_channels_tell() {
    let folder = TestFolder::new();
    let text = inspected_tensors(
        &folder,
        &[
            ("0.weight", &[8, 1, 3, 3]),
            ("0.bias", &[8]),
            ("2.weight", &[8, 1, 3, 3]),
            ("4.weight", &[16, 8, 1, 1]),
            ("4.bias", &[16]),
            ("6.weight", &[16, 4, 3, 3]),
            ("6.bias", &[16]),
            ("9.weight", &[10, 16]),
            ("9.bias", &[10]),
        ],
    );
    for line in [
        "# a convolution that reads a part of the channels before it is taken for one of `groups`\n",
        "  { conv = { channels = 8, kernel = 3, padding = 1 } },\n",
        "  { conv = { channels = 8, kernel = 3, padding = 1, groups = 8, bias = false } },\n",
        "  { conv = { channels = 16, kernel = 1 } },\n",
        "  { conv = { channels = 16, kernel = 3, padding = 1, groups = 4 } },\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("no size of image fits"), "{text}");
    // One image is as good as another where a mean is taken of all places.
    let flat = inspected_tensors(
        &folder,
        &[
            ("0.weight", &[8, 1, 3, 3]),
            ("0.bias", &[8]),
            ("3.weight", &[10, 32]),
            ("3.bias", &[10]),
        ],
    );
    let remark =
        "# with these steps the weights fit images of 2 x 2 pixels; for larger ones, pooling";
    assert!(flat.contains(remark), "{flat}");
    assert!(!text.contains("with these steps"), "{text}");
}

/// Strides and pooling of AlexNet, as torchvision has it.
#[test]
fn what_weights_do_not_tell_is_called_a_guess() {
    let folder = TestFolder::new();
    let tensors: &[(&str, &[usize])] = &[
        ("features.0.weight", &[6, 3, 11, 11]),
        ("features.3.weight", &[8, 6, 5, 5]),
        ("features.6.weight", &[9, 8, 3, 3]),
        ("features.8.weight", &[8, 9, 3, 3]),
        ("features.10.weight", &[8, 8, 3, 3]),
        ("classifier.1.weight", &[10, 8 * 36]),
        ("classifier.1.bias", &[10]),
    ];
    let text = inspected_tensors(&folder, tensors);
    for line in [
        "# guess: the activations: ReLU behind every layer but the last; the weights fit any other as well\n",
        "# guess: strides, padding and pooling: such that the weights fit images of 224 x 224 pixels; others may fit, too\n",
        "# guess: check them by `print(model)` in PyTorch",
        "{ conv = { channels = 6, kernel = 11, stride = 4, padding = 2, bias = false } },\n  \"relu\",\n  { max-pool = { kernel = 3, stride = 2 } },\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(
        !text.contains("branches") && !text.contains("ReLU6"),
        "{text}"
    );
    // Convolutions of single channels are those of MobileNets.
    let tensors: &[(&str, &[usize])] = &[
        ("0.weight", &[8, 3, 3, 3]),
        ("2.weight", &[8, 1, 3, 3]),
        ("4.weight", &[16, 8, 1, 1]),
        ("9.weight", &[10, 16]),
        ("9.bias", &[10]),
    ];
    let text = inspected_tensors(&folder, tensors);
    assert!(
        text.contains(
            "# guess: ReLU where each channel has a convolution of its own: MobileNets have ReLU6"
        ),
        "{text}"
    );
    // What the tensors of a built-in network are is no guess.
    let path = folder.path("known.safetensors");
    write(&path, &convnet(), sequential);
    assert!(!inspected(&path).contains("guess"));
}

#[test]
fn sizes_that_no_network_has_are_not_proposed() {
    let folder = TestFolder::new();
    let large = 1 << 63;
    let text = inspected_tensors(
        &folder,
        &[
            ("b.0.conv1.weight", &[0, large, 1, 1]),
            ("b.0.conv2.weight", &[0, 0, 1, 1]),
            ("b.0.shortcut.weight", &[0, large, 1, 1]),
        ],
    );
    assert!(text.contains("steps cannot be proposed"), "{text}");
    assert!(!text.contains("stride"), "{text}");
}

#[test]
fn thousands_of_layers_are_proposed_at_once() {
    let folder = TestFolder::new();
    let names: Vec<[String; 2]> = (0..10_000)
        .map(|layer| ["weight", "bias"].map(|last| format!("blocks.{layer}.map.{last}")))
        .collect();
    let weight: &[usize] = &[1, 1];
    let bias: &[usize] = &[1];
    // Every other layer has a bias.
    let tensors: Vec<(&str, &[usize])> = (0..)
        .zip(&names)
        .flat_map(|(layer, [one, other])| {
            let own = [(one.as_str(), weight), (other.as_str(), bias)];
            own.into_iter().take(1 + layer % 2)
        })
        .collect();
    let text = inspected_tensors(&folder, &tensors);
    let count = |part: &str| text.matches(part).count();
    assert_eq!(count("{ linear = 1 }"), 5000);
    assert_eq!(count("{ linear = { outputs = 1, bias = false } }"), 5000);
}

#[test]
fn weights_in_parts_are_told() {
    let folder = TestFolder::new();
    let text = inspected_tensors(
        &folder,
        &[
            ("1.bias", &[6]),
            ("1.parametrizations.weight.original0", &[6, 1]),
            ("1.parametrizations.weight.original1", &[6, 9]),
            ("3.weight", &[2, 6]),
            ("3.bias", &[2]),
        ],
    );
    let remark = "# `1.parametrizations.weight.original0` is a part of a weight";
    assert!(text.contains(remark), "{text}");
}

/// LeNet-5, PyTorch's example for MNIST, its tutorial for CIFAR-10, and a network like VGG whose modules are numbered.
#[test]
fn padding_and_pooling_are_proposed_that_fit_usual_images() {
    let folder = TestFolder::new();
    let proposes = |convolutions: &[(&str, &[usize])], inputs, images: &str, steps: &str| {
        let linear: [(&str, &[usize]); 2] =
            [("linear.weight", &[10, inputs]), ("linear.bias", &[10])];
        let text = inspected_tensors(&folder, &[convolutions, &linear].concat());
        let remark = format!("the weights fit images of {images} pixels;");
        assert!(text.contains(&remark), "{text}");
        let (_, list) = text.split_once("steps = [").expect("steps");
        let list: Vec<&str> = list.split_whitespace().collect();
        let end = "{ linear = 10 }, ]";
        assert!(
            list.join(" ").starts_with(&format!("{steps} {end}")),
            "{text}"
        );
    };
    let conv = |channels: usize, kernel: usize, padding: &str| {
        format!(
            "{{ conv = {{ channels = {channels}, kernel = {kernel}{padding}, bias = false }} }},"
        )
    };
    let (relu, pool) = ("\"relu\",", "{ max-pool = 2 },");
    let (padded, not) = (conv(6, 5, ", padding = 2"), conv(6, 5, ""));
    let next = conv(16, 5, "");
    let lenet: &[(&str, &[usize])] = &[("c1.weight", &[6, 1, 5, 5]), ("c3.weight", &[16, 6, 5, 5])];
    let steps = format!("{padded} {relu} {pool} {next} {relu} {pool}");
    proposes(lenet, 16 * 25, "28 x 28", &steps);
    let tutorial: &[(&str, &[usize])] =
        &[("c1.weight", &[6, 3, 5, 5]), ("c2.weight", &[16, 6, 5, 5])];
    let steps = format!("{not} {relu} {pool} {next} {relu} {pool}");
    proposes(tutorial, 16 * 25, "32 x 32", &steps);
    let example: &[(&str, &[usize])] = &[
        ("c1.weight", &[32, 1, 3, 3]),
        ("c2.weight", &[64, 32, 3, 3]),
    ];
    let steps = format!(
        "{} {relu} {} {relu} {pool}",
        conv(32, 3, ""),
        conv(64, 3, "")
    );
    proposes(example, 9216, "28 x 28", &steps);
    let vgg: &[(&str, &[usize])] = &[
        ("features.0.weight", &[8, 3, 3, 3]),
        ("features.1.weight", &[8]),
        ("features.1.bias", &[8]),
        ("features.1.running_mean", &[8]),
        ("features.1.running_var", &[8]),
        ("features.4.weight", &[16, 8, 3, 3]),
        ("features.6.weight", &[16, 16, 3, 3]),
    ];
    let [first, next] = [8, 16].map(|channels| conv(channels, 3, ", padding = 1"));
    let steps = format!("{first} \"batch-norm\", {relu} {pool} {next} {relu} {next} {relu} {pool}");
    proposes(vgg, 16 * 64, "32 x 32", &steps);
}

/// Images of no usual size, of which the second is not square: two windows of 5 x 5, the first without padding, each before pooling;
/// and a stride, which is the same as pooling for the sizes.
#[test]
fn padding_and_pooling_are_proposed_that_fit_images_of_a_given_shape() {
    let folder = TestFolder::new();
    let tensors = |inputs| -> [(&str, Vec<usize>); 4] {
        [
            ("0.weight", vec![4, 1, 5, 5]),
            ("3.weight", vec![8, 4, 5, 5]),
            ("7.weight", vec![5, inputs]),
            ("7.bias", vec![5]),
        ]
    };
    let inspect = |inputs, shape: &str| {
        let tensors = tensors(inputs);
        let tensors = tensors.each_ref().map(|(name, shape)| (*name, &**shape));
        let unknown = inspected_tensors(&folder, &tensors);
        let mut command = Command::new(program(Stage::Model.program()));
        let path = folder.path("inspected.safetensors");
        let answer = Answer::of(command.arg("inspect").arg(path).args(["--shape", shape]));
        (unknown, answer)
    };
    let conv = |channels: usize, more: &str| {
        format!("  {{ conv = {{ channels = {channels}, kernel = 5{more}, bias = false }} }},\n")
    };
    let pooled = "  \"relu\",\n  { max-pool = 2 },\n";
    let steps = [
        conv(4, "").as_str(),
        pooled,
        conv(8, ", padding = 2").as_str(),
        pooled,
        "  { linear = 5 },\n",
    ]
    .concat();
    for (inputs, shape, size) in [
        (8 * 11 * 11, "1,48,48", "48 x 48"),
        (8 * 11 * 6, "1, 48, 28", "48 x 28"),
    ] {
        let (unknown, answer) = inspect(inputs, shape);
        assert!(!unknown.contains(&steps), "{unknown}");
        let text = answer.expect(0).stdout;
        assert!(text.contains(&steps), "{text}");
        let remark = format!("weights and steps fit images of 1 x {size} (channels");
        assert!(text.contains(&remark), "{text}");
    }
    let (_, answer) = inspect(8 * 11 * 11, "3,20,20");
    let text = answer.expect(0).stdout;
    assert!(text.contains("do not fit images of 3 x 20 x 20"), "{text}");
    for wrong in ["48,48", "1,0,48", "1,x,48"] {
        let (_, answer) = inspect(8 * 11 * 11, wrong);
        let said = answer.expect(1).stderr;
        assert!(said.contains("such as 3,32,32"), "{said}");
    }
}

/// A safetensors file of one tensor of integers.
#[test]
fn integers_are_no_weights_whoever_says_it() {
    let folder = TestFolder::new();
    let header = br#"{"fc.weight":{"dtype":"I64","shape":[3,400],"data_offsets":[0,9600]}}"#;
    let mut bytes = u64::try_from(header.len())
        .expect("short")
        .to_le_bytes()
        .to_vec();
    bytes.extend(header);
    bytes.extend([0; 9600]);
    let path = folder.path("weights.safetensors");
    fs::write(&path, bytes).expect("written");
    let text = inspected(&path);
    for line in [
        "safetensors, 1 tensor, 1200 values\n",
        "note: 1 tensor of int64: not floating-point numbers, so no weights\n",
        "# all weights are integers, as those of a quantised model (1 of int64): save the model as it was before it was quantised",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let steps = json!([{ "linear": { "outputs": 3, "bias": false } }]);
    let refused = task("model", &folder, &images(&folder)).set("steps", steps);
    let refused = refused.run(&folder).failure();
    assert!(
        refused.contains("holds int64, not floating-point numbers"),
        "{refused}"
    );
}

#[test]
fn what_to_do_with_a_quantised_model_depends_on_how_it_is_stored() {
    let fixture = |name| workspace("tests/reference/checkpoints").join(name);
    for (file, found, advice) in [
        (
            "int8.pt",
            "2 of int8",
            "`(tensor.float() - zero_point) * scale`",
        ),
        (
            "quantised.pt",
            "2 of qint8",
            "`layer.weight().dequantize()`",
        ),
    ] {
        let text = inspected(&fixture(file));
        let remark = format!("# all weights are integers, as those of a quantised model ({found})");
        assert!(text.contains(&remark) && text.contains(advice), "{text}");
    }
}
