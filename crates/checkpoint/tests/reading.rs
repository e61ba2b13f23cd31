//! Files that PyTorch, safetensors and NumPy wrote are read with the names, shapes and values that these programs give.
#![allow(clippy::expect_used, reason = "a test")]

mod truth;

use eigenscope_checkpoint::npz::Npz;
use eigenscope_checkpoint::{Checkpoint, Format};
use truth::{Truth, assert_holds, path};

#[test]
fn state_dictionaries_are_read_from_every_format() {
    for (name, model) in Truth::read().models {
        for (ending, format) in [
            ("pt", Format::Torch),
            ("legacy.pt", Format::TorchLegacy),
            ("safetensors", Format::SafeTensors),
        ] {
            let file = format!("{name}.{ending}");
            let checkpoint = Checkpoint::open(&path(&file), None).expect(&file);
            assert_eq!(checkpoint.format(), format, "{file}");
            let tensors = model.tensors.iter();
            let weights: Vec<_> = tensors
                .filter(|tensor| !tensor.name.ends_with("num_batches_tracked"))
                .collect();
            assert_holds(&file, &checkpoint, &weights);
        }
    }
}

#[test]
fn what_people_put_around_a_state_dictionary_does_no_harm() {
    let forms = Truth::read().forms;
    assert!(forms.len() >= 24, "{}", forms.len());
    for (file, form) in forms {
        let key = Some(form.key.as_str()).filter(|key| !key.is_empty());
        let checkpoint = Checkpoint::open(&path(&file), key).expect(&file);
        let tensors: Vec<_> = form.tensors.iter().collect();
        assert_holds(&file, &checkpoint, &tensors);
    }
}

#[test]
fn notes_say_what_was_passed_over() {
    let notes = |file: &str| {
        let checkpoint = Checkpoint::open(&path(file), None).expect(file);
        let notes = checkpoint.notes().iter();
        notes.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        notes("nested.pt"),
        [
            "a pickled `__main__.Config` at `config` passed over; nothing of it was run",
            "a pickled `__main__.Optimiser` at `config.optimiser` passed over; nothing of it was run",
            "a pickled `argparse.Namespace` at `args` passed over; nothing of it was run",
            "the state of an optimiser at `optimizer` left out",
        ]
    );
    assert_eq!(
        notes("compiled.pt"),
        [
            "the prefix `_orig_mod.` taken from every name",
            "the prefix `module.` taken from every name",
        ]
    );
    assert_eq!(
        notes("counted.pt"),
        ["1 counter `num_batches_tracked` left out"]
    );
    let types = notes("types.safetensors");
    assert!(
        types.contains(&"1 tensor of bfloat16, converted to float32".to_owned()),
        "{types:?}"
    );
    let parallel = Checkpoint::open(&path("parallel.pt"), None).expect("readable");
    assert_eq!(parallel.tensors()[0].name, "layer0.weight");
    assert_eq!(parallel.tensors()[0].stored_as, "module.layer0.weight");
}

#[test]
fn several_places_with_tensors_are_listed() {
    let message = |file: &str, key| {
        let error = Checkpoint::open(&path(file), key).expect_err("refused");
        let message = error.to_string();
        let (_, message) = message.split_once(".pt: ").expect("the file's name");
        message.to_owned()
    };
    assert_eq!(
        message("two.pt", None),
        "it holds tensors in several places: `model` (2 tensors), `ema.inner.state` (2 tensors); choose one with `key`"
    );
    assert_eq!(
        message("two.pt", Some("ema.outer")),
        "nothing is at `ema.outer`: `model` (2 tensors), `ema.inner.state` (2 tensors); choose one with `key`"
    );
    assert!(message("nested.pt", Some("epoch")).starts_with("no tensor is in the chosen place"));
}

/// Each tensor with its type, so that what is said of quantised models can name them.
#[test]
fn quantised_weights_are_listed_with_their_types() {
    let tensors = |file: &str| {
        let checkpoint = Checkpoint::open(&path(file), None).expect(file);
        let tensors = checkpoint.tensors().iter();
        tensors
            .map(|tensor| format!("{} {:?} {}", tensor.name, tensor.shape, tensor.dtype))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        tensors("int8.pt"),
        [
            "0.weight [2, 3] int8",
            "0.bias [2] int8",
            "2.weight [2, 2] int8",
            "2.bias [2] int8"
        ]
    );
    let found = tensors("quantised.pt");
    for tensor in [
        "0._packed_params._packed_params.0 [2, 3] qint8",
        "0._packed_params._packed_params.1 [2] float32",
        "2._packed_params._packed_params.0 [2, 2] qint8",
    ] {
        assert!(found.iter().any(|found| found == tensor), "{found:?}");
    }
    let whole = Checkpoint::open(&path("quantised.module.pt"), None);
    let message = whole.expect_err("nothing is a plain tensor").to_string();
    assert!(
        message.contains("2 tensors of qint8 in packed layers")
            && message.contains("`layer.weight().dequantize()`"),
        "{message}"
    );
}

#[test]
fn parts_of_one_state_dictionary_are_taken_together() {
    for (file, key, place) in [
        ("parts.pt", "model", "key = \"model\""),
        ("split.pt", ".", "key = \".\""),
    ] {
        let found = Checkpoint::open(&path(file), None).expect("one place");
        let chosen = Checkpoint::open(&path(file), Some(key)).expect("the same");
        let names = |checkpoint: &Checkpoint| -> Vec<String> {
            let tensors = checkpoint.tensors().iter();
            tensors.map(|tensor| tensor.name.clone()).collect()
        };
        let expected = [
            "encoder.layer0.weight",
            "encoder.layer1.weight",
            "decoder.layer0.weight",
        ];
        assert_eq!(names(&found), expected, "{file}");
        assert_eq!(names(&chosen), expected, "{file}");
        let notes: Vec<String> = found.notes().iter().map(ToString::to_string).collect();
        let note = notes.iter().find(|note| note.starts_with("taken together"));
        let note = note.expect("it is said");
        assert!(note.contains(place) && note.contains("decoder`"), "{note}");
    }
    let error = Checkpoint::open(&path("copies.pt"), None).expect_err("two models");
    let message = error.to_string();
    assert!(
        message.ends_with(
            "several places: `model` (3 tensors), `ema` (3 tensors); choose one with `key`"
        ),
        "{message}"
    );
}

#[test]
fn torchscript_is_refused_with_what_to_do() {
    let error = Checkpoint::open(&path("script.pt"), None).expect_err("refused");
    let message = error.to_string();
    assert!(message.contains("TorchScript"), "{message}");
    assert!(message.contains("torch.jit.load"), "{message}");
}

#[test]
fn arrays_of_numpy_are_read() {
    let arrays = Truth::read().arrays;
    for file in ["arrays.npz", "arrays.compressed.npz"] {
        let npz = Npz::open(&path(file)).expect(file);
        assert_eq!(npz.arrays().len(), arrays.len());
        for (name, expected) in &arrays {
            let array = npz.array(name).expect("an array");
            assert_eq!(array.shape, expected.shape, "{file}, {name}");
            let values = npz.read_doubles(array).expect("readable");
            assert_eq!(values, expected.values, "{file}, {name}");
        }
        let bytes = npz.read_bytes(npz.array("big").expect("an array"));
        assert_eq!(bytes.expect("small integers"), (0..24).collect::<Vec<u8>>());
        let error = npz.array("images").expect_err("there is none").to_string();
        assert!(
            error.contains("no array `images`; there are `c`, `fortran`"),
            "{error}"
        );
    }
    let npy = Npz::open(&path("array.npy")).expect("readable");
    let array = npy.array("array").expect("named as the file");
    assert!(array.fortran_order);
    let values = npy.read_doubles(array).expect("readable");
    assert_eq!(values, arrays["fortran"].values);
    let objects = Npz::open(&path("objects.npz"))
        .expect_err("refused")
        .to_string();
    assert!(objects.contains("array of Python objects"), "{objects}");
}
