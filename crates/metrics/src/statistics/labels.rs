//! The labels that tell swept inputs apart.

use eigenscope_artifact::summarise;
use eigenscope_stage::Input;

use crate::error::MetricError;

/// Hidden size: the label `hidden`, or else that parameter of the task that made the input, where there is one.
pub(crate) fn hidden(input: &Input) -> Result<Option<u32>, MetricError> {
    if !input.labels.contains_key("hidden") {
        let parameters = summarise(&input.path)?.provenance.parameters;
        let size = parameters.get("hidden").and_then(|size| size.as_u64());
        return Ok(size.and_then(|size| u32::try_from(size).ok()));
    }
    let Some(value) = number(input, "hidden", u64::from(u32::MAX))? else {
        return Ok(None);
    };
    u32::try_from(value)
        .map(Some)
        .map_err(|_| wrong(input, "hidden", u64::from(u32::MAX)))
}

/// Label `seed`, where there is one.
pub(crate) fn seed(input: &Input) -> Result<Option<u64>, MetricError> {
    number(input, "seed", u64::MAX)
}

fn number(input: &Input, label: &'static str, maximum: u64) -> Result<Option<u64>, MetricError> {
    if !input.labels.contains_key(label) {
        return Ok(None);
    }
    input
        .label_u64(label)
        .map(Some)
        .ok_or_else(|| wrong(input, label, maximum))
}

fn wrong(input: &Input, label: &'static str, maximum: u64) -> MetricError {
    let found = input.labels.get(label).map(ToString::to_string);
    MetricError::Mismatch(format!(
        "{}: label `{label}` is {}, expected a whole number up to {maximum}",
        input.task,
        found.unwrap_or_default()
    ))
}
