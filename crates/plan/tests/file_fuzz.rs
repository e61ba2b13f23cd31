//! Pipeline files are untrusted: any text gives a plan or problems that can be shown, never a panic.

mod sample;

use proptest::prelude::*;
use sample::{PIPELINE, plan, rendered};

/// Reads the text; whatever comes out must be usable.
fn exercise(text: &str) -> Result<(), TestCaseError> {
    match plan(text) {
        Ok(plan) => {
            for (index, task) in plan.tasks.iter().enumerate() {
                prop_assert!(task.inputs.iter().all(|input| input.task < index));
            }
        }
        Err(errors) => {
            prop_assert!(!errors.errors().is_empty());
            prop_assert!(rendered(&errors).contains("pipelines/test.toml"));
        }
    }
    Ok(())
}

/// Parts that a file could be made of.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[data.mnist]\n".to_owned()),
        Just("[train.bilinear]\n".to_owned()),
        Just("[metric.final]\n".to_owned()),
        Just("[[data.mnist]]\n".to_owned()),
        Just("data = 'data.mnist'\n".to_owned()),
        Just("hidden = [1, 2]\n".to_owned()),
        Just("optimizer = { sgd = { lr = [1] } }\n".to_owned()),
        Just("histories = 'train.bilinear[hidden=1|2,seed=\"'\n".to_owned()),
        Just("\"\\u0041é\" = \"\\t[\"\n".to_owned()),
        "[a-z]{1,6} = [0-9eE+._-]{1,8}\n",
        "\\PC{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        exercise(&text)?;
    }

    #[test]
    fn likely_fragments_are_survived(parts in prop::collection::vec(fragment(), 0..20)) {
        exercise(&parts.concat())?;
    }

    #[test]
    fn mutations_of_a_valid_file_are_survived(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, "\\PC{0,3}"), 1..6),
    ) {
        let mut text: Vec<char> = PIPELINE.chars().collect();
        for (place, removed, inserted) in edits {
            let start = place.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        exercise(&text.into_iter().collect::<String>())?;
    }
}

#[test]
fn deep_nesting_is_refused() -> Result<(), TestCaseError> {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}{}", "[".repeat(70), "]".repeat(70)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("[data.mnist]\n{} = 1", vec!["a"; 100_000].join(".")),
        format!("[data.mnist]\n{} = 1", vec!["a"; 79].join(".")),
        format!("{} = 1", "a".repeat(1 << 20)),
        format!("[train.bilinear]\ndata = '{}'", "train.".repeat(100_000)),
    ] {
        exercise(&text)?;
    }
    Ok(())
}
