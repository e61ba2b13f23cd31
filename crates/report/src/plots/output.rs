//! Declaration of figure kinds, and writing of figures.

use eigenscope_artifact::{INTERACTIVE, PNG, SVG, atomic};
use eigenscope_stage::{Context, TaskError, TaskFunction, TaskKind};

use eigenscope_figure::{Figure, Spelling, interactive, png, spellings, svg};

/// Pixels of the PNG for each px of the drawing.
const PNG_SCALE: f64 = 2.0;

/// Declares a kind of figure, which is written in three forms.
pub(super) fn figure_kind(name: &str, summary: &str, run: TaskFunction) -> TaskKind {
    TaskKind::new(name, summary, run)
        .writes(SVG)
        .writes(PNG)
        .writes(INTERACTIVE)
}

/// Words in a warning at most.
const SHOWN: usize = 5;

/// Draws a figure and writes its three files. The SVG holds the provenance of the task. A warning names the words that the SVG and
/// the PNG write in other letters.
pub(super) fn write(context: &Context, mut figure: Figure) -> Result<(), TaskError> {
    figure.metadata = serde_json::to_string(context.provenance())?;
    if let Some(warning) = respelled(&spellings(&figure)?) {
        context.warn(warning);
    }
    let for_pages = serde_json::to_vec(&interactive(&figure)?)?;
    let drawing = svg(&figure)?;
    let picture = png(&drawing, PNG_SCALE)?;
    atomic::write_file(context.output(SVG)?, drawing.as_bytes())?;
    atomic::write_file(context.output(PNG)?, &picture)?;
    atomic::write_file(context.output(INTERACTIVE)?, &for_pages)?;
    Ok(())
}

/// A warning about words that are drawn in other letters; `None` for none.
fn respelled(spellings: &[Spelling]) -> Option<String> {
    if spellings.is_empty() {
        return None;
    }
    let shown = spellings.iter().take(SHOWN);
    let shown = shown.map(|spelling| format!("{} as {}", spelling.word, spelling.drawn));
    let mut shown: Vec<String> = shown.collect();
    if let Some(rest @ 1..) = spellings.len().checked_sub(SHOWN) {
        shown.push(format!("{rest} more"));
    }
    Some(format!(
        "the font of the pictures lacks some letters: the SVG and the PNG write {}; the report has the names as they are",
        shown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_other_letters_are_named() {
        assert_eq!(respelled(&[]), None);
        let words = ["猫", "狗", "鸟", "鱼", "马", "牛"].map(|word| Spelling {
            word: word.to_owned(),
            drawn: "X".to_owned(),
        });
        assert_eq!(
            respelled(&words).as_deref(),
            Some(
                "the font of the pictures lacks some letters: the SVG and the PNG write 猫 as X, 狗 as X, 鸟 as X, 鱼 as X, 马 as X, 1 \
                 more; the report has the names as they are"
            )
        );
    }
}
