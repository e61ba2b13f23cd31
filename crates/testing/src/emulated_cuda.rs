//! An emulated graphics card: libraries with the names and functions of CUDA's that compute on the processor.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use eigenscope_artifact::Digest;

use crate::{programs, workspace};

/// Files that the library is made of, in the crate `gpu`.
const SOURCES: [&str; 2] = ["cuda.cpp", "kernel.h"];

/// Names under which the library is looked for. They are links to one file: the loader loads it once.
const NAMES: [&str; 3] = ["libcuda.so.1", "libnvrtc.so.13", "libcublas.so.13"];

/// A folder with emulated libraries of CUDA. Says why and gives none if there is no C++ compiler here; kernels need it at run time.
///
/// The variable `EMULATED_CUDA` chooses what the card is like; the source says how.
///
/// # Panics
/// The library does not compile.
pub fn emulated_cuda() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(build).clone()
}

fn build() -> Option<PathBuf> {
    let compiler = Command::new("c++").arg("--version").output();
    if !compiler.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no C++ compiler here (Debian's package `g++`)");
        return None;
    }
    let source = |name: &str| workspace("crates/gpu/emulation").join(name);
    let texts = SOURCES.map(|name| std::fs::read(source(name)).expect("a source file"));
    let digest = Digest::of(&texts.concat()).short();
    let folder = programs().join(format!("emulated-cuda-{digest}"));
    if folder.exists() {
        return Some(folder);
    }
    // Tests of several programs build it at the same time; the first one that is done places it.
    let new = tempfile::tempdir_in(programs()).expect("a temporary folder");
    let library = new.path().join("emulated.so");
    let output = Command::new("c++")
        .args([
            "-std=c++17",
            "-O2",
            "-march=native",
            "-shared",
            "-fPIC",
            "-o",
        ])
        .args([&library, &source("cuda.cpp")])
        .arg("-ldl")
        .output()
        .expect("the compiler starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::copy(source("kernel.h"), new.path().join("kernel.h")).expect("copied");
    for name in NAMES {
        #[cfg(unix)]
        std::os::unix::fs::symlink("emulated.so", new.path().join(name)).expect("linked");
        #[cfg(not(unix))]
        std::fs::copy(&library, new.path().join(name)).expect("copied");
    }
    if std::fs::rename(new.path(), &folder).is_err() {
        assert!(folder.exists(), "the library is placed");
    }
    Some(folder)
}
