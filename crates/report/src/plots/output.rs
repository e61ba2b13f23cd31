//! Declaration of figure kinds, and writing of figures.

use eigenscope_artifact::{INTERACTIVE, PDF, PNG, SVG, atomic};
use eigenscope_stage::{Context, TaskError, TaskFunction, TaskKind};

use super::style::{Style, Styled};
use eigenscope_figure::{Figure, Spelling, interactive, pdf, png, png_for_print, spellings, svg};

/// Pixels of the PNG for each px of the drawing on a screen, and for each inch on paper.
const PNG_SCALE: f64 = 2.0;
const DOTS_PER_INCH: f64 = 300.0;

/// Declares a kind of figure, which is written in four forms and has a style.
pub(super) fn figure_kind(name: &str, summary: &str, run: TaskFunction) -> TaskKind {
    TaskKind::new(name, summary, run)
        .shared_parameters::<Style>(Style::parameters())
        .writes(SVG)
        .writes(PNG)
        .writes(PDF)
        .writes(INTERACTIVE)
}

/// Words in a warning at most.
const SHOWN: usize = 5;

/// Draws a figure and writes its four files. The SVG holds the provenance of the task. Warnings name the words that the pictures
/// write in other letters, and a lack of room. The form for pages has no style: it is for a screen.
pub(super) fn write(context: &Context, mut figure: Figure) -> Result<(), TaskError> {
    let style: Style = context.shared_parameters()?;
    figure.metadata = serde_json::to_string(context.provenance())?;
    if let Some(warning) = respelled(&spellings(&figure)?) {
        context.warn(warning);
    }
    let for_pages = serde_json::to_vec(&interactive(&figure)?)?;
    let Styled { figure, warnings } = style.apply(figure)?;
    context.warn_all(warnings);
    let drawing = svg(&figure)?;
    let picture = match style.is_for_paper() {
        true => png_for_print(&drawing, DOTS_PER_INCH)?,
        false => png(&drawing, PNG_SCALE)?,
    };
    let page = pdf(&drawing, &figure.plain_title()?)?;
    atomic::write_file(context.output(SVG)?, drawing.as_bytes())?;
    atomic::write_file(context.output(PNG)?, &picture)?;
    atomic::write_file(context.output(PDF)?, &page)?;
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
        "the font of the pictures lacks some letters: they write {}; the report has the names as they are",
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
                "the font of the pictures lacks some letters: they write 猫 as X, 狗 as X, 鸟 as X, 鱼 as X, 马 as X, 1 more; the report has the names as they are"
            )
        );
    }
}
