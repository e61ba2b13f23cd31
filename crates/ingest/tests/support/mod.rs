//! Task files, IDX files and runs of the program, for the tests of this folder.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::{IMAGES, ImageReader, Images};
use eigenscope_stage::{Stage, TaskFile};
use eigenscope_testing::{TaskOutcome, TestFolder, TestTask, describe, idx};
use serde_json::{Map, Value, json};

/// A data directory, an output folder and the parameters of one task.
pub struct Bench {
    root: TestFolder,
    pub parameters: Value,
    pub seed: u64,
    pub download: bool,
}

impl Bench {
    pub fn new() -> Self {
        let root = TestFolder::new();
        for name in ["data", "out"] {
            std::fs::create_dir(root.path(name)).expect("created");
        }
        Self {
            root,
            parameters: defaults("digits").into(),
            seed: 7,
            download: false,
        }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.root.path("data")
    }

    pub fn output(&self) -> PathBuf {
        self.root.path("out/images.parquet")
    }

    pub fn set(&mut self, name: &str, value: Value) {
        self.parameters[name] = value;
    }

    pub fn place(&self, path: &str, bytes: &[u8]) {
        let path = self.data_dir().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(path, bytes).expect("written");
    }

    fn test_task(&self, kind: &str, data_dir: &Path) -> TestTask {
        let mut parameters = defaults(kind);
        let given = self.parameters.as_object().expect("parameters").clone();
        parameters.extend(given);
        TestTask::new(Stage::Data, kind, parameters.into())
            .seed(self.seed)
            .data_dir(data_dir)
            .download(self.download)
            .writes(&[IMAGES])
    }

    pub fn task(&self, kind: &str, data_dir: &Path) -> TaskFile {
        self.test_task(kind, data_dir).file(&self.root.path("out"))
    }

    pub fn run(&self, kind: &str) -> TaskOutcome {
        self.run_with(kind, &self.data_dir())
    }

    pub fn run_with(&self, kind: &str, data_dir: &Path) -> TaskOutcome {
        let task = self.test_task(kind, data_dir);
        task.run_into(&self.root.path("out"))
    }

    /// Removes the artifact of an earlier run.
    pub fn clear(&self) {
        std::fs::remove_file(self.output()).expect("removed");
    }

    pub fn images(&self) -> Images {
        ImageReader::open(&self.output())
            .and_then(ImageReader::read)
            .expect("a readable artifact")
    }
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_eigenscope-ingest"))
}

/// Values of all parameters of a kind that have a default; none for a kind that is not there.
fn defaults(kind: &str) -> Map<String, Value> {
    let mut kinds = describe(Stage::Data).kinds.into_iter();
    let kind = kinds.find(|known| known.name == kind);
    let parameters = kind.map_or_else(Vec::new, |kind| kind.parameters);
    let parameters = parameters.into_iter();
    parameters
        .filter_map(|parameter| Some((parameter.name, parameter.default?)))
        .collect()
}

/// Serves files by path, forever.
pub fn serve(files: Vec<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let (mut first, mut line) = (String::new(), String::new());
            let _ = reader.read_line(&mut first);
            while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                line.clear();
            }
            let path = first.split(' ').nth(1).unwrap_or_default();
            let body = files
                .iter()
                .find(|(name, _)| name == path)
                .map(|file| file.1.as_slice());
            let status = if body.is_some() {
                "200 OK"
            } else {
                "404 Not Found"
            };
            let body = body.unwrap_or_default();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(body));
        }
    });
    format!("http://{address}/")
}

pub fn sha256(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A PNG picture of 8 bits a value, `[height, width, channels]`.
pub fn png([height, width, channels]: &[u32; 3], values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, *width, *height);
    encoder.set_color(match channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(values).expect("as many values");
    writer.finish().expect("finished");
    bytes
}

/// A grey PNG picture of 16 bits a value, `[height, width]`.
pub fn deep_png([height, width]: [u32; 2], values: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    let mut writer = encoder.write_header().expect("a header");
    let values: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect();
    writer.write_image_data(&values).expect("as many values");
    writer.finish().expect("finished");
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

/// Four small IDX files: three training images (labels 5, 0, 4) and two test images (labels 7, 2) of 2 x 2.
pub fn small_idx() -> [(&'static str, Vec<u8>); 4] {
    [
        (
            "train-images-idx3-ubyte",
            idx(&[3, 2, 2], &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 255, 1]),
        ),
        ("train-labels-idx1-ubyte", idx(&[3], &[5, 0, 4])),
        (
            "t10k-images-idx3-ubyte",
            idx(&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        ("t10k-labels-idx1-ubyte", idx(&[2], &[7, 2])),
    ]
}

pub fn user_files(bench: &mut Bench) {
    for (parameter, (name, bytes)) in ["train_images", "train_labels", "test_images", "test_labels"]
        .into_iter()
        .zip(small_idx())
    {
        bench.place(&format!("own/{name}"), &bytes);
        bench.set(parameter, json!(format!("own/{name}")));
    }
}

/// The folder of real data, if the environment names one.
pub fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("EIGENSCOPE_DATA_DIR").map(PathBuf::from);
    if folder.is_none() {
        let mut out = std::io::stdout();
        let _ = writeln!(out, "skipped: EIGENSCOPE_DATA_DIR is not set");
    }
    folder
}
