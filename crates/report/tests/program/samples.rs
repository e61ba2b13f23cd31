//! Images of a data set, pixel by pixel.

use std::collections::BTreeMap;
use std::io::Cursor;

use eigenscope_artifact::{
    ImageHeader, ImageWriter, PNG, PixelTransform, SourceCheck, Split, SplitName,
};
use eigenscope_stage::Input;
use eigenscope_testing::{TestFolder, provenance};
use serde_json::json;

use crate::drawn::{self, Drawing};

/// Stored side of the images.
const SIDE: usize = 4;

pub(crate) fn header(channels: usize, maximum: u8) -> ImageHeader {
    let transforms = match channels {
        3 => vec![PixelTransform::Scale, PixelTransform::Grey],
        _ => vec![PixelTransform::Scale],
    };
    ImageHeader {
        height: SIDE,
        width: SIDE,
        channels,
        maximum,
        classes: vec![
            "cat".to_owned(),
            "a dog of some rare and long-named breed".to_owned(),
        ],
        transforms,
        source: SourceCheck::Unpublished,
    }
}

/// Images of pixels that differ from each other, channel-major.
pub(crate) fn images(header: &ImageHeader, count: usize) -> Split {
    let values = count * header.stored_len();
    let value = |index: usize| (index * 37 % (usize::from(header.maximum) + 1)) as u8;
    Split {
        indices: (0..count as u32).collect(),
        labels: (0..count).map(|index| (index % 2) as u16).collect(),
        pixels: (0..values).map(value).collect(),
    }
}

pub(crate) fn data(
    folder: &TestFolder,
    header: &ImageHeader,
    split: SplitName,
    images: &Split,
) -> Input {
    let path = folder.path("images");
    let parameters = provenance();
    let mut writer = ImageWriter::create(&path, header.clone(), &parameters).expect("created");
    writer.write(split, images).expect("written");
    Input {
        task: "data.images".to_owned(),
        labels: BTreeMap::new(),
        content: writer.finish().expect("finished"),
        path,
        renamed: BTreeMap::new(),
    }
}

fn draw(folder: &TestFolder, input: &Input, count: usize, split: &str) -> Drawing {
    let parameters = json!({"count": count, "split": split});
    drawn::draw(folder, "samples", parameters, [("data", input.clone())])
}

/// The pixels of the PNG in the middle of every image pixel, image by image.
fn drawn_pixels(outcome: &Drawing) -> Vec<[u8; 3]> {
    let svg = outcome.svg();
    let document = roxmltree::Document::parse(&svg).expect("XML");
    let mut reader = png::Decoder::new(Cursor::new(outcome.bytes(PNG)))
        .read_info()
        .expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut bytes).expect("pixels");
    let mut pixels = Vec::new();
    for image in document
        .descendants()
        .filter(|node| node.has_tag_name("image"))
    {
        let side = |name: &str| -> f64 {
            let text = image.attribute(name).expect("a side");
            text.parse().expect("a number")
        };
        let middle = |from: f64, length: f64, index: usize| {
            let px = from + length * (index as f64 + 0.5) / SIDE as f64;
            (2.0 * px) as usize
        };
        for row in 0..SIDE {
            for column in 0..SIDE {
                let x = middle(side("x"), side("width"), column);
                let y = middle(side("y"), side("height"), row);
                let at = y * info.line_size + 3 * x;
                pixels.push([bytes[at], bytes[at + 1], bytes[at + 2]]);
            }
        }
    }
    pixels
}

#[test]
fn colour_images_are_drawn_as_they_are_stored() {
    let folder = TestFolder::new();
    let header = header(3, 255);
    let stored = images(&header, 7);
    let outcome = draw(
        &folder,
        &data(&folder, &header, SplitName::Train, &stored),
        6,
        "train",
    );
    let expected: Vec<[u8; 3]> = stored
        .pixels
        .chunks(3 * SIDE * SIDE)
        .take(6)
        .flat_map(|image| {
            let plane = |channel: usize, at: usize| image[channel * SIDE * SIDE + at];
            (0..SIDE * SIDE).map(move |at| [plane(0, at), plane(1, at), plane(2, at)])
        })
        .collect();
    assert_eq!(drawn_pixels(&outcome), expected);
    outcome.shows(&["The first 6 training images", "cat", "long-named"]);
    assert!(outcome.warnings().is_empty());
}

#[test]
fn of_images_ordered_by_class_some_of_each_class_are_drawn() {
    let folder = TestFolder::new();
    let header = header(1, 255);
    let mut stored = images(&header, 300);
    stored.labels = (0..300).map(|image| u16::from(image >= 200)).collect();
    let input = data(&folder, &header, SplitName::Train, &stored);
    let outcome = draw(&folder, &input, 4, "train");
    outcome.shows(&[
        "4 training images, spread over the classes",
        "cat",
        "long-named",
    ]);
    let image = SIDE * SIDE;
    let expected = [0, 1, 200, 201].map(|at| &stored.pixels[at * image..][..image]);
    let expected: Vec<[u8; 3]> = expected.concat().iter().map(|value| [*value; 3]).collect();
    assert_eq!(drawn_pixels(&outcome), expected);
}

#[test]
fn grey_images_span_black_to_white() {
    let folder = TestFolder::new();
    let header = header(1, 16);
    let stored = images(&header, 1);
    let outcome = draw(
        &folder,
        &data(&folder, &header, SplitName::Train, &stored),
        1,
        "train",
    );
    let level = |value: &u8| (255.0 * f64::from(*value) / 16.0).round() as u8;
    let expected: Vec<[u8; 3]> = stored
        .pixels
        .iter()
        .map(|value| [level(value); 3])
        .collect();
    assert_eq!(drawn_pixels(&outcome), expected);
    outcome.shows(&["The first training image"]);
}

#[test]
fn colours_of_a_smaller_range_are_spread_to_the_full_one() {
    let folder = TestFolder::new();
    let header = header(3, 15);
    let outcome = draw(
        &folder,
        &data(&folder, &header, SplitName::Train, &images(&header, 1)),
        1,
        "train",
    );
    let stored = images(&header, 1).pixels;
    assert_eq!(drawn_pixels(&outcome)[1][0], 17 * stored[1]);
}

#[test]
fn fewer_images_than_asked_for_are_told_and_none_refused() {
    let folder = TestFolder::new();
    let header = header(3, 255);
    let input = data(&folder, &header, SplitName::Train, &images(&header, 2));
    let few = draw(&folder, &input, 6, "train");
    assert_eq!(few.warnings(), ["there are 2 training images, not 6"]);
    assert_eq!(drawn_pixels(&few).len(), 2 * SIDE * SIDE);
    let by_default = draw(&folder, &input, 5, "train");
    assert!(by_default.warnings().is_empty(), "the default is at most 5");
    draw(&folder, &input, 5, "test").fails_with("there are no test images");
}

#[test]
fn of_four_channels_the_first_three_are_colours() {
    let folder = TestFolder::new();
    let header = header(4, 255);
    let stored = images(&header, 1);
    let input = data(&folder, &header, SplitName::Train, &stored);
    let outcome = draw(&folder, &input, 1, "train");
    let plane = |channel: usize, at: usize| stored.pixels[channel * SIDE * SIDE + at];
    let expected: Vec<[u8; 3]> = (0..SIDE * SIDE)
        .map(|at| [plane(0, at), plane(1, at), plane(2, at)])
        .collect();
    assert_eq!(drawn_pixels(&outcome), expected);
    let said = "images of 4 channels: the first three are drawn as red, green and blue";
    assert_eq!(outcome.warnings(), [said]);
    outcome.shows(&[said]);
}

#[test]
fn two_channels_stand_side_by_side() {
    let folder = TestFolder::new();
    let header = header(2, 255);
    let input = data(&folder, &header, SplitName::Train, &images(&header, 1));
    let outcome = draw(&folder, &input, 1, "train");
    outcome.shows(&["the two are drawn side by side"]);
    assert_eq!(outcome.svg().matches("<image").count(), 1);
}
