//! Data sets of the user's: what is known of them while a pipeline file is read, pipelines that are written for them, and what is noticed
//! when files change, appear or go.

use eigenscope_checkpoint::npz::{ArrayValues, NpzWriter};
use eigenscope_testing::{TestProject, fixture, hexadecimal, idx};
use serde_json::Value;

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The files of a small MNIST, whose pixels have one value.
fn files(value: u8) -> [Vec<u8>; 4] {
    [
        idx(&[3, 2, 2], &[value; 12]),
        idx(&[3], &[0, 1, 2]),
        idx(&[2, 2, 2], &[value; 8]),
        idx(&[2], &[0, 1]),
    ]
}

/// The reasons why `data.mnist` is not up to date.
fn reasons(project: &TestProject) -> String {
    let answer = project.json(&["explain", "p.toml", "data.mnist"]);
    let chain = &answer["explanations"][0]["chain"][0];
    match chain["reasons"].as_array() {
        None => String::new(),
        Some(reasons) => reasons.iter().filter_map(|one| one.as_str()).collect(),
    }
}

#[test]
fn files_of_a_published_set_that_appear_at_a_better_place_are_read() {
    let project = TestProject::new("[data.mnist]\n");
    for (name, bytes) in NAMES.iter().zip(files(7)) {
        project.write(&format!("data/MNIST/raw/{name}"), bytes);
    }
    project.run();
    assert_eq!(reasons(&project), "");
    project.write("data/mnist.npz", "passed over: the files are there");
    assert_eq!(reasons(&project), "");
    // Another tool unpacks its files.
    let [images, ..] = files(9);
    project.write(&format!("data/mnist/{}", NAMES[0]), &images);
    assert!(
        reasons(&project).contains("there is a file mnist/train-images-idx3-ubyte now"),
        "{}",
        reasons(&project)
    );
    assert_eq!(project.run().ran, 1);
    assert_eq!(reasons(&project), "");
    // It goes again: what lies behind it would be read.
    std::fs::remove_file(project.path(&format!("data/mnist/{}", NAMES[0]))).expect("removed");
    assert!(
        reasons(&project).contains("MNIST/raw/train-images-idx3-ubyte would be read in its place"),
        "{}",
        reasons(&project)
    );
    assert_eq!(project.run().ran, 1);
    // Without any data the result is kept, and `status` says so.
    std::fs::remove_dir_all(project.path("data/MNIST")).expect("removed");
    std::fs::remove_file(project.path("data/mnist.npz")).expect("removed");
    assert_eq!(reasons(&project), "");
    let status = project.call(&["status", "p.toml", "--check"]).expect(0);
    assert!(
        status
            .stdout
            .contains("files that it was made from are gone: MNIST/raw/t10k-images-idx3-ubyte"),
        "{}",
        status.stdout
    );
}

/// A BMP picture, in colours or with a palette of greys; its values depend on the class.
fn bmp(height: u32, width: u32, in_colours: bool, class: u32, number: u32) -> Vec<u8> {
    let value = |row: u32, column: u32| {
        let stripe = if class == 0 { row } else { column };
        let value = (stripe * 40 + number * 13) % 200 + (row * 7 + column * 3 + number) % 50;
        u8::try_from(value).expect("below 256")
    };
    let (bits, palette) = match in_colours {
        true => (24u16, Vec::new()),
        false => (
            8,
            (0..=255).flat_map(|grey| [grey, grey, grey, 0]).collect(),
        ),
    };
    let mut pixels = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let value = value(row, column);
            match in_colours {
                true => pixels.extend([value, 255 - value, value / 2]),
                false => pixels.push(value),
            }
        }
        pixels.resize(pixels.len().next_multiple_of(4), 0);
    }
    let start = 54 + palette.len() as u32;
    let mut bytes = b"BM".to_vec();
    for number in [start + pixels.len() as u32, 0, start, 40, width, height] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    for number in [0, pixels.len() as u32, 0, 0, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    [bytes, palette, pixels].concat()
}

/// Writes pictures of two classes into `data/NAME`.
fn pictures(project: &TestProject, name: &str, size: [u32; 2], in_colours: bool) {
    let [height, width] = size;
    for (class, letter) in [(0, "a"), (1, "b")] {
        for number in 0..20 {
            let picture = bmp(height, width, in_colours, class, number);
            project.write(&format!("data/{name}/{letter}/{number:02}.bmp"), picture);
        }
    }
}

/// Numbers of 16 images of 8 x 8 pixels of two classes.
fn small_images() -> (Vec<u8>, Vec<u8>) {
    let pixel = |image: usize, at: usize| match image % 2 {
        0 => (at / 8 * 30 + image) % 256,
        _ => (at % 8 * 30 + image) % 256,
    };
    let pixels = (0..16).flat_map(|image| (0..64).map(move |at| pixel(image, at) as u8));
    (pixels.collect(), (0..16).map(|image| image % 2).collect())
}

/// Writes a pipeline for images in the data folder, and runs it to the end; what `init` said and wrote.
fn init_and_run(project: &TestProject, name: &str, images: &str) -> (String, String) {
    let arguments = ["init", name, "--images", images];
    let answer = project.call(&arguments).expect(0);
    let command = format!("now: eigenscope run {name}\n");
    assert!(answer.stderr.contains(&command), "{}", answer.stderr);
    project.call(&["run", name]).expect(0);
    let written = project.read(&format!("pipelines/{name}.toml"));
    (answer.stderr, written)
}

#[test]
fn a_written_pipeline_runs_on_pictures_in_colours() {
    let project = TestProject::new("");
    pictures(&project, "faces", [40, 30], true);
    let (said, written) = init_and_run(&project, "faces", "data/faces");
    assert!(
        said.contains("40 images of 2 classes, none for testing: a 20, b 20"),
        "{said}"
    );
    assert!(said.contains("40 x 30"), "{said}");
    assert!(
        written.contains("kind = \"image-folder\"\nfolder = \"faces\"\n"),
        "{written}"
    );
    assert!(written.contains("[train.convnet]"), "{written}");
}

#[test]
fn a_written_pipeline_runs_on_small_grey_pictures() {
    let project = TestProject::new("");
    pictures(&project, "signs", [8, 8], false);
    let (_, written) = init_and_run(&project, "signs", "data/signs");
    assert!(written.contains("[train.mlp]"), "{written}");
}

#[test]
fn a_written_pipeline_runs_on_arrays_with_names_of_their_own() {
    let project = TestProject::new("");
    let (pixels, labels) = small_images();
    let pixels: Vec<f32> = pixels
        .iter()
        .map(|pixel| f32::from(*pixel) / 255.0)
        .collect();
    let labels: Vec<i64> = labels.iter().map(|label| i64::from(*label) + 1).collect();
    let mut file = NpzWriter::new(Vec::new());
    let added = file.add("images", &[16, 8, 8], ArrayValues::F32(&pixels));
    added.expect("added");
    let added = file.add("labels", &[16], ArrayValues::I64(&labels));
    added.expect("added");
    project.write("data/own.npz", file.finish().expect("finished"));
    let (said, written) = init_and_run(&project, "own", "data/own.npz");
    let chosen = "chosen by what was found, to be checked in [data.images]: first_label = 1, range = [0.0, 1.0], ";
    assert!(said.contains(chosen), "{said}");
    for line in [
        "train_images = \"images\"\n",
        "train_labels = \"labels\"\n",
        "range = [0.0, 1.0]\n",
        "first_label = 1\n",
    ] {
        assert!(written.contains(line), "`{line}` is not in {written}");
    }
}

#[test]
fn a_written_pipeline_runs_on_a_table_of_text() {
    let project = TestProject::new("");
    let (pixels, labels) = small_images();
    let mut table = String::new();
    for (label, image) in labels.iter().zip(pixels.chunks(64)) {
        table.push_str(&label.to_string());
        for pixel in image {
            // As of a camera with 12 bits.
            table.push_str(&format!(",{}", 16 * u32::from(*pixel)));
        }
        table.push('\n');
    }
    project.write("data/own.csv", table);
    let (_, written) = init_and_run(&project, "own", "data/own.csv");
    assert!(written.contains("range = [0.0, 3600.0]\n"), "{written}");
}

#[test]
fn a_written_pipeline_runs_on_tables_of_hugging_face() {
    let project = TestProject::new("");
    let truth: Value = fixture("parquet_truth.json");
    let table = hexadecimal(truth["rgb"]["file"].as_str().expect("text"));
    for split in ["train", "test"] {
        let path = format!("data/hub/data/{split}-00000-of-00001.parquet");
        project.write(&path, &table);
    }
    let (_, written) = init_and_run(&project, "hub", "data/hub");
    let line = "train = [\"hub/data/train-00000-of-00001.parquet\"]\n";
    assert!(written.contains(line), "{written}");
}

/// Labels 0, 10 and 20, which are three classes and not 21.
#[test]
fn labels_with_gaps_are_mapped_by_init_and_are_one_warning_without() {
    let project = TestProject::new("");
    let row = |image: usize| {
        let values: Vec<String> = (0..16)
            .map(|value| (image * 31 % 97 + value * 9).to_string())
            .collect();
        format!("{},{}\n", [0, 10, 20][image % 3], values.join(","))
    };
    let table: String = (0..60).map(row).collect();
    project.write("data/own.csv", &table);
    let (_, written) = init_and_run(&project, "own", "data/own.csv");
    assert!(written.contains("classes = [0, 10, 20]\n"), "{written}");
    project.write(
        "p.toml",
        "[data.one]\nkind = \"csv\"\nfile = \"own.csv\"\n\n[data.two]\nkind = \"csv\"\nfile = \"own.csv\"\ntest_fraction = 0.3\n",
    );
    let line = "  data.one and data.two: 18 of 21 classes have no images: 1 to 9, 11 to 19; `classes = [0, 10, 20]` leaves them out\n";
    let run = project.call(&["run", "p.toml"]).expect(0).stderr;
    let status = project.call(&["status", "p.toml"]).expect(0).stdout;
    for said in [run, status] {
        assert!(said.contains(&format!("1 warning:\n{line}")), "{said}");
    }
}

#[test]
fn a_pipeline_that_is_there_is_replaced_on_demand_only() {
    let project = TestProject::new("");
    pictures(&project, "faces", [20, 20], true);
    project.write("pipelines/p.toml", "mine");
    let arguments = ["init", "p", "--images", "data/faces"];
    let answer = project.call(&arguments).expect(2);
    let message =
        "pipelines/p.toml is there already: choose another name, or give --force to replace it";
    assert!(answer.stderr.contains(message), "{}", answer.stderr);
    assert_eq!(project.read("pipelines/p.toml"), "mine");
    project
        .call(&[&arguments[..], &["--force"]].concat())
        .expect(0);
    assert!(project.read("pipelines/p.toml").contains("[data.images]"));
}

#[test]
fn no_pipeline_is_written_for_files_that_are_not_understood() {
    let project = TestProject::new("");
    pictures(&project, "faces", [20, 20], true);
    let picture = std::fs::read(project.path("data/faces/a/00.bmp")).expect("a picture");
    project.write("data/flat/1.bmp", &picture);
    project.write("data/mixed/1.bmp", &picture);
    project.write("data/mixed/cat/1.bmp", &picture);
    project.write("data/tables/notes.txt", "x");
    project.write("data/tables/own.csv", "label,p0\n1,2\n");
    project.write("data/pixels.csv", "pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n");
    project.write("data/alone/cat/1.bmp", &picture);
    project.write("data/alone/dog/1.bmp", &picture);
    project.write("data/own.npy", "one array");
    project.write("data/own.npz", "no arrays");
    project.write("data/own.parquet", "no table");
    project.write("data/short.npz", arrays(3));
    pictures(&project, "broken", [20, 20], true);
    for name in ["a/03.bmp", "b/01.bmp"] {
        project.write(
            &format!("data/broken/{name}"),
            &picture[..picture.len() / 2],
        );
    }
    for (images, parts) in [
        (
            "flat",
            ["the picture 1.bmp stands beside", "CLASS/picture.png"],
        ),
        ("mixed", ["the picture 1.bmp stands beside", "move it into"]),
        (
            "tables",
            [
                "there are no pictures in it",
                "given instead: data/tables/own.csv",
            ],
        ),
        (
            "alone",
            ["no image is left for testing", "for these images"],
        ),
        (
            "own.npy",
            ["is one array", "x_train=images, y_train=labels"],
        ),
        ("pixels.csv", ["expected a column of labels", "set `label`"]),
        ("own.npz", ["own.npz", "for these images"]),
        (
            "short.npz",
            ["3 labels, but `x_train` has 4 images", "for these images"],
        ),
        (
            "broken",
            [
                "2 of 40 pictures cannot be read",
                "data/broken/b/01.bmp: the picture is damaged",
            ],
        ),
        (
            "own.parquet",
            ["own.parquet: expected a Parquet table", "for these images"],
        ),
    ] {
        let answer = project.call(&["init", "p", "--images", &format!("data/{images}")]);
        let answer = answer.expect(2);
        for part in parts {
            assert!(answer.stderr.contains(part), "`{part}`: {}", answer.stderr);
        }
        assert!(!project.path("pipelines/p.toml").exists(), "{images}");
    }
}

/// A `.npz` file of four images and so many labels.
fn arrays(labels: usize) -> Vec<u8> {
    let mut file = NpzWriter::new(Vec::new());
    for (name, shape, values) in [
        (
            "x_train",
            &[4, 2, 2][..],
            &[0, 200, 7, 9, 1, 2, 3, 4, 9, 9, 9, 9, 5, 6, 7, 8][..],
        ),
        ("y_train", &[labels], &[0, 1, 0, 1][..labels]),
    ] {
        let values = ArrayValues::U8(values);
        file.add(name, shape, values).expect("added");
    }
    file.finish().expect("finished")
}

#[test]
fn a_file_that_cannot_be_used_is_refused_before_any_task_runs() {
    let text = "[data.digits]\n\n[data.own]\nkind = \"npz\"\nfile = \"own.npz\"\n";
    let project = TestProject::new(text);
    project.write("data/own.npz", arrays(3));
    let refused = |command: &[&str]| {
        let answer = project.call(command).expect(2);
        for part in ["3 labels, but `x_train` has 4 images", "p.toml:5:8"] {
            assert!(answer.stderr.contains(part), "`{part}`: {}", answer.stderr);
        }
    };
    refused(&["run", "p.toml"]);
    assert!(!project.path("artifacts/p/data.digits").exists());
    // What does not need the file is made, and what is known is said.
    project.call(&["run", "p.toml", "data.digits"]).expect(0);
    project.call(&["status", "p.toml"]).expect(0);
    project.write("data/own.npz", arrays(4));
    assert_eq!(project.run().ran, 1);
    project.write("data/own.npz", arrays(2));
    project.call(&["status", "p.toml"]).expect(0);
    let answer = project.call(&["run", "p.toml"]).expect(2);
    assert!(answer.stderr.contains("2 labels, but"), "{}", answer.stderr);
}

#[test]
fn pipelines_and_tasks_that_are_not_named_well_are_answered_with_those_that_are() {
    let project = TestProject::new("[data.digits]\n");
    project.write("pipelines/faces.toml", "[data.digits]\n");
    for (arguments, parts) in [
        (
            &["run", "pp.toml"][..],
            [
                "there is no file pp.toml: did you mean `p.toml`?",
                "by name: faces",
            ],
        ),
        (
            &["run", "face.toml"],
            ["there is no file face.toml: did you mean `faces`?", "faces"],
        ),
        (
            &["run", "pipelines/face.toml"],
            ["did you mean `pipelines/faces.toml`?", "faces"],
        ),
        (
            &["explain", "faces"],
            ["no task is named", "eigenscope explain faces data.digits"],
        ),
    ] {
        let answer = project.call(arguments).expect(2);
        for part in parts {
            assert!(answer.stderr.contains(part), "`{part}`: {}", answer.stderr);
        }
    }
}

#[test]
fn the_next_command_names_another_data_folder() {
    let project = TestProject::new("");
    pictures(&project, "faces", [20, 20], true);
    std::fs::rename(project.path("data"), project.path("my data")).expect("renamed");
    let arguments = [
        "init",
        "p",
        "--images",
        "my data/faces",
        "--data-dir",
        "my data",
    ];
    let answer = project.call(&arguments).expect(0);
    let command = "now: eigenscope run p --data-dir 'my data'\n";
    assert!(answer.stderr.contains(command), "{}", answer.stderr);
}

#[test]
fn what_does_not_fit_the_images_is_refused_when_the_file_is_read() {
    let project = TestProject::new("");
    pictures(&project, "faces", [12, 10], true);
    let data = "[data.faces]\nkind = \"image-folder\"\nfolder = \"faces\"\n";
    for (rest, words) in [
        (
            "size = [8]\n",
            ["expected [height, width], found [8]", "size = [8]"],
        ),
        (
            "background = [1, 2]\n",
            ["expected [grey] or", "background = [1, 2]"],
        ),
        (
            "class_names = [\"a\"]\n",
            ["1 names, but 2 classes: a, b", "class_names"],
        ),
        ("classes = [0, 2]\n", ["2", "classes = [0, 2]"]),
        (
            "\n[train.convnet]\ndata = \"data.faces\"\n",
            ["16", "data = \"data.faces\""],
        ),
        (
            "\n[train.bilinear]\ndata = \"data.faces\"\nhidden = 2\nbatch = 100\n",
            ["100", "data = \"data.faces\""],
        ),
    ] {
        project.write("p.toml", format!("{data}{rest}"));
        let answer = project.call(&["status", "p.toml"]).expect(2);
        for word in words {
            assert!(answer.stderr.contains(word), "`{word}`: {}", answer.stderr);
        }
        assert!(answer.stderr.contains("p.toml:"), "{}", answer.stderr);
    }
    // Files that are not there yet are none of these faults.
    std::fs::remove_dir_all(project.path("data")).expect("removed");
    project.write("p.toml", format!("{data}classes = [0, 2]\n"));
    project.call(&["status", "p.toml"]).expect(0);
}
