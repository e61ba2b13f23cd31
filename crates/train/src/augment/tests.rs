use eigenscope_artifact::{PixelTransform, Pixels};
use eigenscope_testing::{Tolerance, assert_close, fixture};

use super::*;

#[derive(Deserialize)]
struct Truth {
    cases: Vec<Case>,
}

/// What torchvision makes of one image (tests/reference/augmentation_truth.json).
#[derive(Deserialize)]
struct Case {
    shape: [usize; 3],
    rotations: Vec<Rotated>,
    translations: Vec<Translated>,
    blurs: Vec<Blurred>,
}

#[derive(Deserialize)]
struct Rotated {
    degrees: f64,
    pixels: Vec<f64>,
}

#[derive(Deserialize)]
struct Translated {
    down: f64,
    right: f64,
    pixels: Vec<f64>,
}

#[derive(Deserialize)]
struct Blurred {
    sigma: f64,
    pixels: Vec<f64>,
}

const TOLERANCE: Tolerance = Tolerance::Absolute(1e-6);

#[test]
fn pixels_are_those_of_torchvision() {
    let Truth { cases } = fixture("augmentation_truth.json");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let shape = InputShape::from(case.shape);
        let image: Vec<f32> = (0..shape.len())
            .map(|pixel| (7919 * pixel % 1009) as f32 / 1009.0)
            .collect();
        let placed = |placement| {
            // Another image first: nothing of it must be left.
            let mut sampler = Sampler::new(shape);
            sampler.apply(Placement::rotation(1.0), &mut vec![1.0; shape.len()]);
            let mut pixels = image.clone();
            sampler.apply(placement, &mut pixels);
            pixels
        };
        for Rotated { degrees, pixels } in case.rotations {
            let found = placed(Placement::rotation(degrees));
            assert_close(format!("{degrees} degrees"), &found, &pixels, TOLERANCE);
        }
        for translated in case.translations {
            let Translated {
                down,
                right,
                pixels,
            } = translated;
            let found = placed(Placement::translation(down, right));
            assert_close(format!("{down} x {right}"), &found, &pixels, TOLERANCE);
        }
        for Blurred { sigma, pixels } in case.blurs {
            let mut found = image.repeat(2);
            Blur::new(sigma, shape).apply(&mut found);
            assert_close(
                format!("sigma {sigma}"),
                &found,
                &pixels.repeat(2),
                TOLERANCE,
            );
        }
    }
}

/// 500 images of 3 x 4 pixels in two channels; white is (1, 0), black (-1, -2).
fn data() -> DataSet {
    let normalise = PixelTransform::Normalise {
        mean: vec![0.5, 1.0],
        std: vec![0.5, 0.5],
    };
    let pixels = Pixels::new([2, 3, 4], 255, &[PixelTransform::Scale, normalise]);
    let stored = (0..500 * 24u32).map(|value| (value * 7 % 256) as u8);
    DataSet::new(&pixels.expect("it fits"), stored.collect(), vec![0; 500])
}

fn batch(steps: &[Augmentation]) -> Vec<f32> {
    let data = data();
    let rows: Vec<u32> = (0..500).collect();
    let augmenter = Augmenter::new(steps, &data).expect("large enough");
    augmenter.batch(&data, &rows, Seed(3), 7)
}

#[test]
fn half_of_the_images_are_flipped() {
    let (plain, flipped) = (batch(&[]), batch(&[Augmentation::Flip]));
    let mut count = 0;
    for (plain, flipped) in plain.chunks(24).zip(flipped.chunks(24)) {
        if plain == flipped {
            continue;
        }
        count += 1;
        for (plain, flipped) in plain.chunks(4).zip(flipped.chunks(4)) {
            assert!(plain.iter().eq(flipped.iter().rev()));
        }
    }
    // Binomial: mean 250, standard deviation 11; five of them allowed.
    assert!((194..=306).contains(&count), "{count}");
}

#[test]
fn salt_and_pepper_are_white_and_black_in_all_channels() {
    let plain = batch(&[]);
    let peppered = batch(&[Augmentation::SaltAndPepper { amount: 0.25 }]);
    let (mut salt, mut pepper) = (0, 0);
    for (plain, changed) in plain.chunks(24).zip(peppered.chunks(24)) {
        for pixel in 0..12 {
            let channels = [changed[pixel], changed[pixel + 12]];
            salt += usize::from(channels == [1.0, 0.0]);
            pepper += usize::from(channels == [-1.0, -2.0]);
            let is_extreme = channels == [1.0, 0.0] || channels == [-1.0, -2.0];
            assert!(is_extreme || channels == [plain[pixel], plain[pixel + 12]]);
        }
    }
    // Binomial: of 6000 pixels 750 each, standard deviation 26; five of them allowed.
    for count in [salt, pepper] {
        assert!((620..=880).contains(&count), "{salt} {pepper}");
    }
    let all = batch(&[Augmentation::SaltAndPepper { amount: 1.0 }]);
    assert!(
        all.iter()
            .all(|value| [1.0, 0.0, -1.0, -2.0].contains(value))
    );
}

#[test]
fn what_is_drawn_does_not_depend_on_the_rest_of_the_list() {
    let rotation = Augmentation::Rotation { degrees: 30.0 };
    let still = Augmentation::Blur { sigma: 0.0 };
    let alone = batch(&[rotation]);
    assert_ne!(alone, batch(&[]));
    assert_eq!(alone, batch(&[still, rotation]));
    assert_eq!(
        batch(&[]),
        batch(&[Augmentation::Translation { fraction: 0.0 }])
    );
    // A second one of a kind draws numbers of its own.
    let noise = Augmentation::Noise { std: 1.0 };
    let difference = |steps: &[Augmentation]| {
        let noisy = batch(steps);
        let plain = batch(&[]);
        let differences = noisy
            .iter()
            .zip(&plain)
            .map(|(noisy, plain)| f64::from(noisy - plain));
        differences.map(|value| value * value).sum::<f64>() / plain.len() as f64
    };
    // Variances of 12,000 values, standard deviation 1.3 %; five of them allowed. Twice the same noise would have 4.
    assert!((difference(&[noise]) - 1.0).abs() < 0.065);
    assert!((difference(&[noise, noise]) - 2.0).abs() < 0.13);
}

#[test]
fn angles_and_shifts_are_uniform_within_their_bounds() {
    let mut stream = Seed(9).stream("rotation", 0);
    let draws: Vec<f64> = (0..10_000).map(|_| symmetric(&mut stream)).collect();
    assert!(draws.iter().all(|draw| draw.abs() <= 1.0));
    let mean = |power| draws.iter().map(|draw| draw.powi(power)).sum::<f64>() / 10_000.0;
    // Standard deviations 0.0058 and 0.003; five of them allowed.
    assert!(mean(1).abs() < 0.03 && (mean(2) - 1.0 / 3.0).abs() < 0.015);
}

#[test]
fn a_blur_needs_room_to_mirror() {
    let pixels = Pixels::new([1, 2, 8], 255, &[]).expect("it fits");
    let data = DataSet::new(&pixels, vec![0; 16], vec![0]);
    let error = Augmenter::new(&[Augmentation::Blur { sigma: 0.5 }], &data).expect_err("too small");
    let text = "the blur of the training images needs an image of at least 3 x 3 pixels, its input has 2 x 8";
    assert_eq!(error.to_string(), text);
    assert!(Augmenter::new(&[Augmentation::Blur { sigma: 0.0 }], &data).is_ok());
}
