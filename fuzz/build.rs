//! Finds the kinds of artifact in the sources of `artifact`: the target `tables` reads the rows of every table, and must
//! name every kind of array.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let fuzz = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let sources = fuzz.join("../crates/artifact/src");
    let target = fuzz.join("fuzz_targets/tables.rs");
    for path in [&sources, &target] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let target = fs::read_to_string(target).expect("readable");
    for (module, text) in files(&sources) {
        for constant in text.split("pub const ").skip(1) {
            if let Some((name, rest)) = constant.split_once(": ")
                && rest.starts_with("ArtifactKind =")
                && module != "kind"
            {
                assert!(
                    target.contains(name),
                    "the target `tables` does not read {name}"
                );
            }
        }
    }
    let mut readers = String::new();
    for (module, text) in files(&sources.join("tables")) {
        for declaration in text.split("pub struct ").skip(1) {
            let name = declaration.split(':').next().expect("the name of the rows");
            let row = format!("eigenscope_artifact::tables::{module}::{name}");
            let read = match text.contains(&format!("impl ImageRecord for {name} ")) {
                true => {
                    format!("return drop(eigenscope_artifact::ImageTable::<{row}>::read(path));")
                }
                false => format!("return drop(read_records::<{row}>(path));"),
            };
            let _ = writeln!(readers, "if *kind == {row}::KIND {{ {read} }}");
        }
    }
    assert!(readers.lines().count() > 20, "no tables: {readers}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let function = format!("fn read_rows(path: &Path, kind: &KindName) {{\n{readers}}}\n");
    fs::write(out.join("read_rows.rs"), function).expect("written");
}

/// The source files in a folder by the names of their modules.
fn files(folder: &Path) -> Vec<(String, String)> {
    let paths = fs::read_dir(folder).expect("a folder");
    let paths = paths.map(|entry| entry.expect("readable").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let file = |path: PathBuf| {
        let module = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (module, fs::read_to_string(&path).expect("readable"))
    };
    sources.map(file).collect()
}
