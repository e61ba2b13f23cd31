//! Every analysis of the digits pipeline on the same digits in colours, and with a fourth channel; their classes have names of many
//! scripts.

use std::fs;
use std::ops::Range;

use eigenscope_testing::{Digits, TestProject, idx, workspace};

/// Pixels of an image.
const PIXELS: usize = 64;
/// Colours of the strokes, which take turns; the fourth channel is that of an opaque image.
const COLOURS: [[f32; 4]; 3] = [
    [1.0, 0.5, 0.1, 1.0],
    [0.2, 0.8, 1.0, 1.0],
    [0.9, 0.2, 0.7, 1.0],
];

/// Names of the classes; the last two look like markup.
const NAMES: [&str; 10] = [
    "кот",
    "Łódź",
    "γάτα",
    "猫",
    "狗",
    "חתול",
    "قطة",
    "고양이",
    "🐱 x^{2}",
    "ねこ y_{3",
];

/// Images `[images, channels, 8, 8]` and labels of some digits as IDX files.
fn coloured(digits: &Digits, rows: Range<usize>, channels: usize) -> [Vec<u8>; 2] {
    let sizes = [rows.len() as u32, channels as u32, 8, 8];
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for row in rows {
        labels.push(digits.labels[row] as u8);
        let image = &digits.pixels[row * PIXELS..][..PIXELS];
        let colour = &COLOURS[row % COLOURS.len()][..channels];
        for (channel, strength) in colour.iter().enumerate() {
            images.extend(image.iter().map(|value| match channel {
                3 => u8::MAX,
                _ => (255.0 / 16.0 * f32::from(*value) * strength) as u8,
            }));
        }
    }
    [idx(&sizes, &images), idx(&sizes[..1], &labels)]
}

/// The digits pipeline on the user's files, with few epochs.
fn pipeline() -> String {
    let files = ["train_images", "train_labels", "test_images", "test_labels"];
    let files: String = files.map(|name| format!("{name} = \"{name}\"\n")).concat();
    let kind = format!("kind = \"idx\"\n{files}class_names = {NAMES:?}\n");
    let text = fs::read_to_string(workspace("pipelines/digits.toml")).expect("a pipeline");
    let text = text.replace("[data.digits]\n", "[data.digits]\nkind = \"digits\"\n");
    let lines = text.lines().map(|line| match line {
        "kind = \"digits\"" => kind.clone(),
        line if line.starts_with("epochs = ") => "epochs = 2\n".to_owned(),
        line => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn every_analysis_runs_on_images_of_three_and_four_channels() {
    let digits = Digits::read();
    for channels in [3, 4] {
        let project = TestProject::new(&pipeline());
        let train = coloured(&digits, 0..600, channels);
        let test = coloured(&digits, Digits::TRAIN..digits.labels.len(), channels);
        for (split, files) in [("train", train), ("test", test)] {
            for (name, file) in ["images", "labels"].into_iter().zip(files) {
                project.write(&format!("data/{split}_{name}"), file);
            }
        }
        let answer = project.call(&["run", "p.toml"]).expect(0);
        let said = answer
            .stderr
            .contains("images of 4 channels: the first three are drawn as red, green and blue");
        assert_eq!(said, channels == 4, "{}", answer.stderr);
        assert!(answer.stderr.contains("猫 as Mao"), "{}", answer.stderr);
        let figures = fs::read_dir(project.path("artifacts/p/figures")).expect("figures");
        let names = figures.map(|file| file.expect("readable").file_name());
        let pictures = names.filter(|name| name.to_string_lossy().ends_with(".png"));
        assert!(pictures.count() > 30);
    }
}
