//! What tables of tested models are about.

use eigenscope_artifact::About;
use eigenscope_stage::{Context, TaskError};

/// The network read as `model`, the data read as `data`, and the number of their classes.
pub(crate) fn about_test(context: &Context, classes: &[String]) -> Result<About, TaskError> {
    Ok(About {
        network: context.about("model")?.network,
        data: context.about("data")?.data,
        classes: Some(classes.len() as u64),
        values: None,
    })
}
