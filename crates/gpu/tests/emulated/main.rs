//! Cards on an emulated driver, which runs the kernels on the processor: what is found and why not, and training against plain
//! loops in double precision.
#![allow(clippy::expect_used, reason = "a test")]

mod bilinear;
mod case;
mod images;
mod network;
mod plain;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use eigenscope_gpu::{Card, GpuError, Libraries, Preparation, Search, Transform, cards};
use eigenscope_testing::emulated_cuda;

/// The emulated driver is for one thread, and its variable for the whole process.
fn emulator(like: &str) -> Option<(Libraries, MutexGuard<'static, ()>)> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = emulated_cuda()?;
    // SAFETY: all tests of this program hold the lock while they run, and nothing else reads variables.
    #[allow(unsafe_code, reason = "variables of the emulated driver")]
    unsafe {
        std::env::set_var("EMULATED_CUDA", like);
    }
    let search = Search {
        only: Some(folder),
        ..Search::default()
    };
    let libraries = search.libraries().expect("they are there");
    Some((libraries, guard))
}

#[test]
fn cards_are_listed() {
    let Some((libraries, _guard)) = emulator("cards=2,memory=2048") else {
        return;
    };
    let found = cards(&libraries.driver).expect("the driver starts");
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "emulated card, compute capability 9.0, 2048 MiB",
            "emulated card, compute capability 9.0, 2048 MiB"
        ]
    );
    let card = Card::open(&libraries, 1).expect("it opens");
    assert_eq!(
        card.versions().expect("they say so"),
        "emulated card (compute capability 9.0), driver for CUDA 13.0, NVRTC 13.0, cuBLAS 13.0.0"
    );
    assert_eq!(card.free_mib().expect("it says so"), 2048);
    let error = Card::open(&libraries, 2).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "there is no card number 2: the driver knows 2"
    );
}

#[test]
fn a_driver_that_fails_or_has_no_card_is_no_panic() {
    let Some((libraries, guard)) = emulator("fails") else {
        return;
    };
    let error = cards(&libraries.driver).expect_err("it fails");
    assert_eq!(
        error.to_string(),
        "the CUDA driver: cuInit failed: unknown error (error 999)"
    );
    drop(guard);
    let Some((libraries, _guard)) = emulator("none") else {
        return;
    };
    assert_eq!(cards(&libraries.driver).expect("no error"), []);
    let error = Card::open(&libraries, 0).expect_err("there is none");
    assert!(
        matches!(error, GpuError::NoCard { count: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_library_that_is_another_one_is_named_with_what_it_lacks() {
    let error = cards(&PathBuf::from("libc.so.6")).expect_err("it is no driver");
    assert_eq!(
        error.to_string(),
        "libc.so.6 has no function `cuInit`: it is too old, the CUDA driver of CUDA 11.4 or later is needed"
    );
}

/// Values in ±`scale` made of whole numbers.
fn pattern(count: usize, seed: usize, scale: f32) -> Vec<f32> {
    let value = |i: usize| ((i * 7919 + seed * 104_729 + i * i * 31) % 1009) as f32 / 504.5 - 1.0;
    (0..count).map(|i| scale * value(i)).collect()
}

/// Stored images made of whole numbers.
fn stored(count: usize, seed: usize) -> Vec<u8> {
    let byte = |value: &f32| (value * 127.0 + 128.0) as u8;
    pattern(count, seed, 1.0).iter().map(byte).collect()
}

/// What makes inputs of so many values of stored images, in ±1.
fn preparation(width: usize) -> Preparation {
    let transform = Transform::Normalise {
        mean: vec![128.0],
        std: vec![128.0],
    };
    Preparation::new([1, 1, width], &[transform]).expect("it fits")
}

/// The inputs that it makes.
fn inputs(stored: &[u8]) -> Vec<f32> {
    let input = |&byte: &u8| (f32::from(byte) - 128.0) / 128.0;
    stored.iter().map(input).collect()
}
