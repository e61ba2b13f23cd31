use super::*;

fn tensors(all: &[(&str, &[usize])]) -> Vec<TensorShape> {
    let tensors = all.iter().map(|(name, shape)| TensorShape {
        name: (*name).to_owned(),
        shape: shape.to_vec(),
        foreign_type: None,
        is_assumed: false,
    });
    tensors.collect()
}

fn matched(ours: &[TensorShape], theirs: &[TensorShape], names: &[(&str, &str)]) -> Matching {
    let names = names.iter();
    let names = names.map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned()));
    matching(ours, theirs, &names.collect(), true)
}

fn unknown(layer: &str, is_ours: bool, why: &str) -> Unknown {
    Unknown {
        layer: layer.to_owned(),
        is_ours,
        why: why.to_owned(),
    }
}

fn pairs(matching: &Matching) -> Vec<(&str, &str)> {
    let used = matching.used.iter();
    used.map(|pair| (pair.ours.as_str(), pair.theirs.as_str()))
        .collect()
}

/// A convolution, a normalisation, a linear map.
fn network() -> Vec<TensorShape> {
    tensors(&[
        ("conv1.weight", &[8, 1, 3, 3]),
        ("conv1.bias", &[8]),
        ("norm1.weight", &[8]),
        ("norm1.bias", &[8]),
        ("norm1.running_mean", &[8]),
        ("norm1.running_var", &[8]),
        ("linear.weight", &[10, 72]),
        ("linear.bias", &[10]),
    ])
}

/// The same under the names of an `nn.Sequential`.
fn sequential() -> Vec<TensorShape> {
    tensors(&[
        ("features.0.weight", &[8, 1, 3, 3]),
        ("features.0.bias", &[8]),
        ("features.1.weight", &[8]),
        ("features.1.bias", &[8]),
        ("features.1.running_mean", &[8]),
        ("features.1.running_var", &[8]),
        ("features.1.num_batches_tracked", &[]),
        ("classifier.2.weight", &[10, 72]),
        ("classifier.2.bias", &[10]),
    ])
}

#[test]
fn equal_names_match_whatever_the_order() {
    let mut theirs = network();
    theirs.reverse();
    let matching = matched(&network(), &theirs, &[]);
    assert!(matching.is_complete() && !matching.by_order);
    assert_eq!(matching.used.len(), 8);
    assert!(matching.used.iter().all(|pair| pair.ours == pair.theirs));
}

#[test]
fn other_names_match_in_order() {
    let matching = matched(&network(), &sequential(), &[]);
    assert!(matching.is_complete() && matching.by_order, "{matching}");
    assert_eq!(matching.left_over, [""; 0]);
    assert_eq!(pairs(&matching)[0], ("conv1.bias", "features.0.bias"));
    assert!(pairs(&matching).contains(&("linear.weight", "classifier.2.weight")));
}

#[test]
fn names_that_are_given_come_first() {
    let ours = tensors(&[("a.weight", &[4, 4]), ("b.weight", &[4, 4])]);
    let theirs = tensors(&[("x.weight", &[4, 4]), ("y.weight", &[4, 4])]);
    let matching = matched(&ours, &theirs, &[("a", "y")]);
    assert!(matching.is_complete());
    let expected = [("a.weight", "y.weight"), ("b.weight", "x.weight")];
    assert_eq!(pairs(&matching), expected);

    let matching = matched(&ours, &theirs, &[("c", "x"), ("a", "z")]);
    assert!(!matching.is_complete());
    assert_eq!(
        matching.unknown,
        [
            ("a", false, "the file has no tensors `z.*`; it has x, y"),
            ("c", true, "the network has no such layer; it has a, b"),
        ]
        .map(|(layer, is_ours, why)| unknown(layer, is_ours, why))
    );
}

#[test]
fn tensors_without_a_layer_are_named_one_by_one() {
    let ours = tensors(&[
        ("a.weight", &[4, 4]),
        ("a.bias", &[4]),
        ("b.weight", &[4, 4]),
    ]);
    let theirs = tensors(&[("w2", &[4, 4]), ("w1", &[4, 4]), ("b1", &[4])]);
    let names = [("a.weight", "w1"), ("a.bias", "b1"), ("b", "w2")];
    let matching = matched(&ours, &theirs, &names);
    assert!(matching.is_complete(), "{matching}");
    let expected = [("a.bias", "b1"), ("a.weight", "w1"), ("b.weight", "w2")];
    assert_eq!(pairs(&matching), expected);
    assert_eq!(matching.left_over, [""; 0]);

    let names = [("a", "w1"), ("b.weight", "w3"), ("c.weight", "w2")];
    let matching = matched(&ours, &theirs, &names);
    assert_eq!(
        matching.unknown,
        [
            (
                "a",
                false,
                "`w1` of the file is one tensor, and the layer has bias and weight: name each, such as \"a.weight\" = \"w1\"",
            ),
            ("b.weight", false, "the file has no tensor `w3`; it has b1, w1, w2"),
            ("c.weight", true, "the network has no such layer; it has a, b"),
        ]
        .map(|(layer, is_ours, why)| unknown(layer, is_ours, why))
    );
}

#[test]
fn a_layer_is_named_as_a_whole_or_tensor_by_tensor() {
    let ours = tensors(&[("a.weight", &[4, 4]), ("a.bias", &[4])]);
    let theirs = tensors(&[("x.weight", &[4, 4]), ("x.bias", &[4]), ("y", &[4, 4])]);
    let matching = matched(&ours, &theirs, &[("a", "x"), ("a.weight", "y")]);
    let why = "`a` is named as a whole, which gives its weight, too: name the layer, or each of its tensors";
    assert_eq!(matching.unknown, [unknown("a.weight", true, why)]);
    let names = [("a.weight", "y"), ("a.bias", "x.bias")];
    assert!(matched(&ours, &theirs, &names).is_complete());
}

#[test]
fn a_layer_of_the_file_is_given_once() {
    let ours = tensors(&[("a.weight", &[4, 4]), ("b.weight", &[4, 4])]);
    let theirs = tensors(&[("x.weight", &[4, 4]), ("y.weight", &[4, 4])]);
    let matching = matched(&ours, &theirs, &[("a", "x"), ("b", "x")]);
    let why = "`x` of the file is given to `a` already; a layer of the file is used once";
    assert_eq!(matching.unknown, [unknown("b", false, why)]);
}

#[test]
fn all_that_does_not_fit_is_said_at_once() {
    let mut theirs = sequential();
    theirs[0].shape = vec![8, 1, 5, 5];
    theirs[7].foreign_type = Some("64-bit integers".to_owned());
    theirs.remove(5);
    theirs.push(tensors(&[("ema.weight", &[3])]).remove(0));
    let matching = matched(&network(), &theirs, &[]);
    assert!(!matching.is_complete());
    assert_eq!(
        matching.to_string(),
        "wrong: `conv1.weight` from `features.0.weight` has shape [8, 1, 5, 5], the network needs [8, 1, 3, 3], \
         `linear.weight` from `classifier.2.weight` holds 64-bit integers, not floating-point numbers: if the model is quantised, save it as it was before; \
         missing in the file: norm1.running_var; left over in the file: ema.weight; 5 tensors fit"
    );
}

#[test]
fn a_bias_that_the_network_has_not_is_refused() {
    let ours = tensors(&[("linear.weight", &[10, 72])]);
    let theirs = tensors(&[("fc.weight", &[10, 72]), ("fc.bias", &[10])]);
    let matching = matched(&ours, &theirs, &[]);
    assert!(!matching.is_complete());
    assert_eq!(matching.unwanted, ["fc.bias"]);
}

#[test]
fn layers_that_are_not_ours_are_left_over() {
    let ours = tensors(&[("a.weight", &[4, 2]), ("b.weight", &[3, 4])]);
    let theirs = tensors(&[
        ("0.weight", &[7]),
        ("1.weight", &[4, 2]),
        ("2.weight", &[4, 2]),
        ("3.weight", &[3, 4]),
    ]);
    let matching = matched(&ours, &theirs, &[]);
    assert!(matching.is_complete());
    let expected = [("a.weight", "1.weight"), ("b.weight", "3.weight")];
    assert_eq!(pairs(&matching), expected);
    assert_eq!(matching.left_over, ["0.weight", "2.weight"]);
}

#[test]
fn files_without_order_are_matched_by_shapes_and_numbers() {
    let ours = tensors(&[
        ("conv1.weight", &[4, 1, 3, 3]),
        ("conv2.weight", &[4, 4, 3, 3]),
        ("conv3.weight", &[4, 4, 3, 3]),
        ("linear.weight", &[3, 4]),
    ]);
    // As a file that sorts names has them.
    let theirs = tensors(&[
        ("classifier.weight", &[3, 4]),
        ("features.0.weight", &[4, 1, 3, 3]),
        ("features.10.weight", &[4, 4, 3, 3]),
        ("features.2.weight", &[4, 4, 3, 3]),
    ]);
    let theirs = in_usual_order(theirs);
    let matching = matching(&ours, &theirs, &BTreeMap::new(), false);
    assert!(matching.is_complete(), "{matching}");
    let expected = [
        ("conv1.weight", "features.0.weight"),
        ("conv2.weight", "features.2.weight"),
        ("conv3.weight", "features.10.weight"),
        ("linear.weight", "classifier.weight"),
    ];
    assert_eq!(pairs(&matching), expected);
    assert_eq!(matching.uncertain, ["conv2", "conv3"]);
}

#[test]
fn a_convolution_of_single_pixels_is_a_linear_map() {
    let ours = tensors(&[("a.weight", &[4, 2])]);
    assert!(matched(&ours, &tensors(&[("x.weight", &[4, 2, 1, 1])]), &[]).is_complete());
    assert!(!matched(&ours, &tensors(&[("x.weight", &[1, 4, 2])]), &[]).is_complete());
}

#[test]
fn dimensions_in_the_order_of_keras_are_told() {
    let ours = tensors(&[("linear.weight", &[10, 64]), ("linear.bias", &[10])]);
    let theirs = tensors(&[("linear.weight", &[64, 10]), ("linear.bias", &[10])]);
    let matching = matched(&ours, &theirs, &[]);
    let [(_, wrong)] = &matching.different[..] else {
        panic!("one tensor differs: {matching:?}");
    };
    assert!(
        wrong.contains("needs [10, 64] (the order of dimensions is that of Keras"),
        "{wrong}"
    );
}
