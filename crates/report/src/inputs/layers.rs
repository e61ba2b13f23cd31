//! Choice of the layers in a figure with a column for each layer.

use eigenscope_artifact::tables::layers::LayerSpectrumRow;
use eigenscope_stage::{Context, LAYERS, Parameter, ParameterType, TaskError};

use crate::parts::series::enumerate;

/// Most columns of a figure.
const MOST_LAYERS: usize = 12;

/// The parameter that chooses layers.
pub(crate) fn layers_parameter(role: &str) -> Parameter {
    Parameter::optional(
        "layers",
        ParameterType::set(ParameterType::Text),
        Vec::<String>::new(),
        "layers to draw; all if empty",
    )
    .naming(role, LAYERS)
}

/// Chooses the layers of `drawn` that are in all `spectra` and, if it is not empty, in `wanted`. Layers without a spectrum
/// and layers after the twelfth are left out with a warning.
///
/// # Errors
/// A wanted layer that is unknown or has no spectrum, and no layer at all.
pub(crate) fn choose_layers(
    context: &Context,
    drawn: &[String],
    spectra: &[Vec<String>],
    wanted: &[String],
) -> Result<Vec<String>, TaskError> {
    let whole = |layer: &&String| spectra.iter().all(|spectrum| spectrum.contains(layer));
    let (chosen, without): (Vec<&String>, Vec<&String>) = drawn
        .iter()
        .filter(|layer| wanted.is_empty() || wanted.contains(layer))
        .partition(whole);
    if let Some(layer) = wanted.iter().find(|layer| !chosen.contains(layer)) {
        return Err(format!(
            "`layers` names `{layer}`; layers with a spectrum are {}",
            enumerate(drawn.iter().filter(whole))
        )
        .into());
    }
    if chosen.is_empty() {
        return Err(format!(
            "no layer has a spectrum: the spectra are of {}, the other table of {}",
            enumerate(distinct(spectra.iter().flatten().map(String::as_str)).iter()),
            enumerate(drawn.iter()),
        )
        .into());
    }
    if chosen.len() > MOST_LAYERS {
        context.warn(format!(
            "the first {MOST_LAYERS} of {} layers are drawn; choose others with `layers`",
            chosen.len()
        ));
    }
    if !without.is_empty() {
        let without = enumerate(without.into_iter());
        context.warn(format!("left out for want of a spectrum: {without}"));
    }
    Ok(chosen.into_iter().take(MOST_LAYERS).cloned().collect())
}

/// Layers such as "layer conv2" or "layers conv1 and conv2".
pub(crate) fn in_words<'a>(layers: impl ExactSizeIterator<Item = &'a str>) -> String {
    let plural = if layers.len() == 1 { "" } else { "s" };
    format!("layer{plural} {}", enumerate(layers))
}

/// A title with the number of layers, if some are left out because there are too many.
pub(crate) fn counted(title: &str, shown: usize, all: usize) -> String {
    match shown {
        MOST_LAYERS if shown < all => format!("{title}, first {shown} of {all} layers"),
        _ => title.to_owned(),
    }
}

/// Removes repeated items.
pub(crate) fn distinct<'a>(items: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for item in items {
        if !seen.iter().any(|other| other == item) {
            seen.push(item.to_owned());
        }
    }
    seen
}

/// The one value of a column, such as `activations` or `weights`.
///
/// # Errors
/// An empty table, and several values.
pub(crate) fn the_one<'a>(of: impl Iterator<Item = &'a str>) -> Result<String, TaskError> {
    match distinct(of).as_slice() {
        [] => Err("the table has no rows".into()),
        [one] => Ok(one.clone()),
        several => Err(format!(
            "the table is of {}, expected one of them",
            enumerate(several.iter())
        )
        .into()),
    }
}

/// Layers that have eigenvalues of a series, in table order.
///
/// # Errors
/// No layer has.
pub(crate) fn layers_with(
    rows: &[LayerSpectrumRow],
    series: &str,
) -> Result<Vec<String>, TaskError> {
    let of_series = rows.iter().filter(|row| row.series == series);
    let layers = distinct(of_series.map(|row| row.layer.as_str()));
    if layers.is_empty() {
        let found = distinct(rows.iter().map(|row| row.series.as_str()));
        return Err(format!(
            "eigenvalues of the {series} are needed, the spectrum has those of: {}",
            enumerate(found.iter())
        )
        .into());
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_of_one_kind() {
        let refusal = |of: &[&str]| {
            let error = the_one(of.iter().copied()).expect_err("refused");
            error.to_string()
        };
        assert_eq!(the_one(["weights"; 2].into_iter()).expect("one"), "weights");
        assert_eq!(refusal(&[]), "the table has no rows");
        assert!(refusal(&["weights", "activations"]).contains("weights and activations"));
    }

    #[test]
    fn a_series_that_is_missing_is_named_with_those_that_are_there() {
        let row = |layer: &str| LayerSpectrumRow {
            series: "weights".to_owned(),
            layer: layer.to_owned(),
            rank: 1,
            eigenvalue: 1.0,
        };
        let rows = [row("layer2"), row("layer1"), row("layer2")];
        let layers = layers_with(&rows, "weights").expect("there are");
        assert_eq!(layers, ["layer2", "layer1"]);
        let error = layers_with(&rows, "activations").expect_err("refused");
        assert!(error.to_string().ends_with("has those of: weights"));
    }
}
