//! Images on a card: stored ones that it transforms, and inputs that are handed over.

use eigenscope_gpu::network::{Map, Network, Training, memory_mib};
use eigenscope_gpu::{
    Card, DataSets, EpochPlan, EpochTraining, Images, Math, Preparation, Settings, StepInputs,
    Transform,
};

use crate::case::{BATCH, CLASSES, Case, IMAGES, SGD, with_card};
use crate::plain::Step;
use crate::{emulator, inputs, stored};

/// A layer of linear outputs.
fn case(width: usize) -> Case {
    Case::new(width, vec![Step::Map(Map::linear(width, CLASSES, true))])
}

#[test]
fn inputs_that_are_handed_over_train_as_stored_images_do() {
    with_card(|card| {
        let case = case(9);
        let all = inputs(&case.pixels);
        let plan = case.plan(0.1);
        let mut made_here = case.training(card, SGD);
        let mut handed_over = case.training_of(card, SGD, StepInputs::HandedOver);
        for _ in 0..3 {
            made_here.start(&plan).expect("it starts");
            assert_eq!(made_here.awaited(), None);
            handed_over.start(&plan).expect("it starts");
            assert_eq!(handed_over.awaited(), Some(0..3));
            let error = handed_over.finish().expect_err("nothing to work with");
            assert_eq!(error.to_string(), "steps 0..3 have no inputs");
            let error = handed_over.hand_over(&all[9..]).expect_err("too few");
            assert_eq!(error.to_string(), "252 values for 29 images of steps 0..3");
            let order = plan.order.iter();
            let drawn = order.flat_map(|&image| all[9 * image as usize..][..9].to_vec());
            handed_over
                .hand_over(&drawn.collect::<Vec<f32>>())
                .expect("they are taken");
            assert_eq!(handed_over.awaited(), None);
            let results =
                [&mut made_here, &mut handed_over].map(|it| it.finish().expect("it ends"));
            assert_eq!(results[0], results[1]);
            // The last step has five images.
            let last =
                [&mut made_here, &mut handed_over].map(|it| it.step_inputs(2).expect("read"));
            assert_eq!(last[0].len(), 5 * 9);
            assert_eq!(last[0], last[1]);
        }
        let tensors = [&made_here, &handed_over].map(|it| it.tensors().expect("it reads"));
        assert_eq!(tensors[0], tensors[1]);
        let error = made_here.hand_over(&all).expect_err("it makes its own");
        assert_eq!(error.to_string(), "inputs that nobody awaits");
    });
}

#[test]
fn transforms_that_do_not_fit_are_refused() {
    let refused = |stored, transforms: &[Transform]| {
        let error = Preparation::new(stored, transforms).expect_err("it does not fit");
        error.to_string()
    };
    let resize = Transform::Resize {
        height: 2,
        width: 3,
    };
    let three = [(); 3].map(|()| resize.clone());
    assert_eq!(
        refused([1, 4, 4], &three),
        "after 2 resizes a card does not transform images of [1, 2, 3] by Resize { height: 2, width: 3 }"
    );
    let two = Preparation::new([1, 4, 5], &three[..2]).expect("they fit");
    assert_eq!((two.stored(), two.width()), (20, 6));
    assert!(refused([2, 4, 4], &[Transform::Grey]).contains("by Grey"));
    let mean = Transform::Normalise {
        mean: vec![0.0],
        std: vec![1.0],
    };
    assert!(refused([3, 4, 4], &[mean]).contains("[3, 4, 4] by Normalise"));
    assert_eq!(refused([1, 0, 4], &[]), "images of [1, 0, 4] values");
    let large = Transform::Resize {
        height: 1 << 40,
        width: 1 << 40,
    };
    assert!(refused([1, 4, 4], &[large, resize]).starts_with("images of [1, 1099511627776"));
}

#[test]
fn enlarged_images_take_the_room_of_stored_ones() {
    // 2000 enlarged images are 373 MiB as the network sees them.
    let Some((libraries, _guard)) = emulator("memory=640") else {
        return;
    };
    let card = Card::open(&libraries, 0).expect("it opens");
    let (images, small, large) = (2000, 28 * 28, 221 * 221);
    let resize = Transform::Resize {
        height: 221,
        width: 221,
    };
    let preparation = Preparation::new([1, 28, 28], &[resize]).expect("it fits");
    let (mut network, value) = Network::new(large);
    network
        .map(value, Map::linear(large, CLASSES, false))
        .expect("it fits");
    let needs = |stored| memory_mib(&network, stored, BATCH, images, 2);
    assert!(needs(large) > needs(small) + 90, "{}", needs(small));
    assert!(needs(small) < 640);
    let settings = Settings {
        batch: BATCH,
        epoch_images: IMAGES,
        math: Math::F32,
        inputs: StepInputs::Stored { noise_std: 0.5 },
        optimiser: SGD,
    };
    let pixels = stored(images * small, 3);
    let sets = DataSets {
        preparation: &preparation,
        train: Images {
            labels: &vec![0; images],
            pixels: &pixels,
        },
        test: Images {
            labels: &[1, 2],
            pixels: &pixels[..2 * small],
        },
    };
    let weight = vec![0.0; large * CLASSES];
    let training = Training::new(&card, network.clone(), settings, &[&weight], sets);
    let mut training = training.expect("there is room");
    let plan = EpochPlan {
        order: (0..IMAGES as u32).map(|image| 1999 - image).collect(),
        schedule: vec![[0.0; 3]; 3],
        noise: vec![[7; 64]; 3],
        ..EpochPlan::default()
    };
    training.start(&plan).expect("it starts");
    let result = training.finish().expect("it ends");
    // All classes are alike.
    assert!((result.train_loss - (CLASSES as f64).ln()).abs() < 1e-6);
}
