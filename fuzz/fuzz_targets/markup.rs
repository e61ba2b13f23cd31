//! Markup of texts in figures.
#![no_main]

use eigenscope_figure::markup;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(runs) = markup::parse(text) {
        assert!(runs.iter().all(|run| !run.text.is_empty()));
        assert!(markup::plain(text).is_ok());
    }
    let words = markup::words(text);
    let blanks = |text: &str| text.chars().filter(|&character| character != ' ').count();
    assert_eq!(
        words.iter().map(|word| blanks(word)).sum::<usize>(),
        blanks(text)
    );
});
