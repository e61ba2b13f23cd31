//! The table `[sections]`: sentences for the headings of tables, and headings that no table has.

mod sample;

use std::fs;
use std::path::Path;

use eigenscope_plan::file::FileErrors;
use eigenscope_plan::{Plan, parse, read};
use sample::{PIPELINE, codes, programs, rendered};

fn parsed(sections: &str) -> Result<Plan, FileErrors> {
    let text = PIPELINE.replace(
        "[figure.similarity]\n",
        "[figure.similarity]\nsection = \"Similarity\"\n",
    );
    assert_ne!(text, PIPELINE);
    let text = format!("{text}\n[sections]\n{sections}");
    parse("p", Path::new("p.toml"), &text, &programs())
}

#[test]
fn a_heading_has_a_sentence() {
    let plan = parsed("Similarity = \"Alike.\"\n").expect("a plan");
    assert_eq!(plan.sections["Similarity"], "Alike.");
    assert_eq!(plan.sections.len(), 1);
}

#[test]
fn headings_without_tables_and_sentences_that_are_none_are_mistakes() {
    let errors = parsed("Similarty = \"Alike.\"\nSimilarity = 3\n").expect_err("mistakes");
    assert_eq!(codes(&errors), ["unknown_section", "wrong_type"]);
    let text = rendered(&errors);
    assert!(
        text.contains("no table has the section `Similarty`"),
        "{text}"
    );
    assert!(text.contains("`Similarity`"), "{text}");
}

#[test]
fn a_file_that_extends_another_may_leave_out_the_tables_of_a_section() {
    let folder = tempfile::tempdir().expect("a folder");
    let base = PIPELINE.replace(
        "[figure.similarity]\n",
        "[figure.similarity]\nsection = \"Similarity\"\n",
    );
    let base = format!("{base}\n[sections]\nSimilarity = \"Alike.\"\n");
    let over = "extends = \"base\"\n[figure]\nsimilarity = false\n";
    fs::write(folder.path().join("base.toml"), base).expect("written");
    fs::write(folder.path().join("over.toml"), over).expect("written");
    let plan = read(&folder.path().join("over.toml"), &programs()).expect("a plan");
    assert_eq!(plan.sections["Similarity"], "Alike.");
    assert!(plan.tasks.iter().all(|task| task.heading.is_none()));
}
