//! What is known of a model before it is imported: from the header of its file, and whether its values are numbers.

use eigenscope_checkpoint::CheckpointError;
use eigenscope_models::Architecture;
use eigenscope_models::steps::{StepErrors, StepList};
use eigenscope_stage::{Amount, Examination, Examined, Fault, Feature, TaskError};
use serde_json::Value;

use crate::command_line::causes;
use crate::error::ImportError;
use crate::file::{WeightFile, locate};
use crate::finite;
use crate::kinds::{BilinearParameters, Chosen, FileParameters, ModelParameters};
use crate::matching::Unknown;
use crate::network::{Definition, Described, Resolved};

pub(crate) fn model(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let parameters: ModelParameters = examination.parameters()?;
    Ok(answer(examination, parameters.split()))
}

pub(crate) fn bilinear(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let parameters: BilinearParameters = examination.parameters()?;
    Ok(answer(examination, parameters.split()))
}

pub(crate) fn mlp(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    of_kind(examination, Described::Mlp)
}

pub(crate) fn cnn(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    of_kind(examination, Described::Cnn)
}

pub(crate) fn convnet(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    of_kind(examination, Described::ConvNet)
}

pub(crate) fn embedding_net(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    of_kind(examination, Described::EmbeddingNet)
}

fn of_kind(examination: &Examination<'_>, described: Described) -> Result<Examined, TaskError> {
    let parameters: FileParameters = examination.parameters()?;
    let chosen = parameters.chosen();
    Ok(answer(
        examination,
        chosen.map(|chosen| (chosen, described)),
    ))
}

fn answer(
    examination: &Examination<'_>,
    parameters: Result<(Chosen, Described), ImportError>,
) -> Examined {
    let (chosen, described) = match parameters {
        Ok(parameters) => parameters,
        Err(error) => return Examined::default().fault(fault(&error, false)),
    };
    match examine(examination, &chosen, &described) {
        Ok(examined) => examined,
        Err(error) => refused(&error, &chosen, &described),
    }
}

/// The answer for what cannot be imported: every fault that does not follow from another.
fn refused(error: &ImportError, chosen: &Chosen, described: &Described) -> Examined {
    let mut examined = Examined::default();
    let has_steps = described.is_of_steps();
    match error {
        ImportError::NotFound { .. } => examined = examined.unusable(fault(error, has_steps)),
        ImportError::Steps(errors) => examined.faults.extend(of_steps(errors)),
        ImportError::Mismatch { matching, .. } if !matching.0.unknown.is_empty() => {
            let unknown = matching.0.unknown.iter();
            let faults = unknown.map(|unknown| of_name(unknown, chosen));
            examined.faults.extend(faults);
        }
        error => examined.faults.push(fault(error, has_steps)),
    }
    // What is wrong with the file and what is wrong with the steps have nothing to do with each other.
    let is_of_steps = matches!(
        error,
        ImportError::Steps(_) | ImportError::TwoNetworks { .. }
    );
    if let Described::Steps(steps) = described
        && !steps.is_empty()
        && !is_of_steps
        && let Err(errors) = StepList::parse(&Value::Array(steps.clone()))
    {
        examined.faults.extend(of_steps(&errors));
    }
    examined
}

/// The fault of an entry of `names` that names nothing. What else does not fit may follow from it.
fn of_name(unknown: &Unknown, chosen: &Chosen) -> Fault {
    let place = chosen.places.get(&unknown.layer);
    let path = place.map_or("/names", String::as_str);
    Fault {
        of_key: unknown.is_ours,
        ..Fault::at(path, format!("`{}`: {}", unknown.layer, unknown.why))
    }
}

fn examine(
    examination: &Examination<'_>,
    chosen: &Chosen,
    described: &Described,
) -> Result<Examined, ImportError> {
    let path = locate(examination.data_dir(), &chosen.file)?;
    let file = WeightFile::open(&path, chosen.key.as_deref(), described.is_of_steps())?;
    let definition = Definition::new(described, &file)?;
    let known = examination.known("data");
    let classes = known.named_classes();
    let resolved = match (known.input_shape(), &classes) {
        (Some(input), Some(classes)) => {
            Some(definition.resolve_all(&file, &chosen.names, input, classes.clone())?)
        }
        _ => definition.resolve_unknown(&file, &chosen.names, classes),
    };
    if let Some(resolved) = &resolved {
        finite::check(&file, resolved)?;
    }
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let resolved = resolved.map(|Resolved { architecture, .. }| architecture);
    let outputs = resolved.iter().flat_map(Architecture::flat_layers);
    let outputs =
        outputs.map(|(name, outputs)| Feature::layer_outputs(name, Amount::Fixed(outputs)));
    let outputs: Vec<Feature> = outputs.collect();
    let architecture = resolved.or_else(|| definition.typical(&file));
    let examined = Examined::default().provides(match &architecture {
        Some(architecture) => features(architecture),
        None => {
            let names = definition.layer_names();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Feature::of_layers(&names, &names, &[])
        }
    });
    let mut examined = examined.provides(outputs);
    // Once as it is stored, twice as f32.
    examined.memory_mib = Some(64 + 3 * bytes / (1 << 20));
    Ok(examined)
}

/// The properties that the stage `train` states of its networks, too, and the layers.
fn features(architecture: &Architecture) -> Vec<Feature> {
    let flags = architecture.properties().into_iter().map(Feature::flag);
    let of_layers = Feature::of_layers(
        &architecture.layer_names(),
        &architecture.drawable_layers(),
        &architecture.convolutions(),
    );
    flags.chain(of_layers).collect()
}

/// The fault that an error is, at the parameter that it is about; `has_steps` says whether a user may change the network.
fn fault(error: &ImportError, has_steps: bool) -> Fault {
    const INSPECT: &str = "`eigenscope inspect FILE --shape CHANNELS,HEIGHT,WIDTH` lists the tensors, and proposes steps and names for such images";
    match error {
        ImportError::NotFound { .. } => Fault::at("/file", error.to_string()).help(
            "give a path relative to the folder of the data files (--data-dir), or an absolute one",
        ),
        ImportError::Checkpoint(CheckpointError::Key { candidates, .. }) => {
            let fault = Fault::at("/key", error.to_string());
            match candidates.is_empty() {
                true => fault,
                false => fault.help(format!("write key = \"{}\"", candidates.join("\" or \""))),
            }
        }
        ImportError::Checkpoint(_) | ImportError::NoTensor { .. } | ImportError::Graph { .. } => {
            Fault::at("/file", causes(error))
        }
        ImportError::OtherImages {
            is_graph,
            fitting,
            found,
            ..
        } => {
            let or = match (is_graph, has_steps) {
                (true, _) => ", or export the graph for these images",
                (false, true) if fitting.0.is_of_another_size(*found) => {
                    "; or check strides, padding and pooling of the steps"
                }
                (false, _) => "",
            };
            let help = format!("{}{or}", fitting.0.remedy(*found));
            Fault::at("/data", error.to_string()).help(help)
        }
        ImportError::Unfit { .. } => Fault::at("/file", error.to_string()).help(
            "a training that diverged leaves such values: take an earlier checkpoint",
        ),
        ImportError::NoNetwork { .. } => Fault::at("/file", error.to_string()).help(format!(
            "list the `steps` of the network, or write `kind` if it is one of the built-in networks; {INSPECT}"
        )),
        ImportError::Classes { outputs: 1, .. } => Fault::at("/data", error.to_string()).help(
            "a network has an output for each class; of one output for two classes, make two: weights and bias of the first are 0, those of \
             the second as they are",
        ),
        ImportError::Classes { outputs, .. } => Fault::at("/data", error.to_string()).help(format!(
            "use data with the {outputs} classes that the network was trained for, in the order of its outputs"
        )),
        ImportError::TwoNetworks { .. } => {
            Fault::at("/steps", error.to_string()).help("leave `steps` out")
        }
        ImportError::OwnGraph { .. } => Fault::at("/file", error.to_string())
            .help("write kind = \"model\" in this table: the graph says what the network is"),
        ImportError::Steps(_) => Fault::at("/steps", error.to_string()),
        ImportError::Kind { .. } => Fault::at("/file", error.to_string()).help(format!(
            "if the network is another one, list its `steps`; {INSPECT}"
        )),
        ImportError::Mismatch { .. } => Fault::at("/file", error.to_string()).help(INSPECT),
        ImportError::Model(_) => Fault::at("/data", causes(error)),
        ImportError::Parameter { parameter, .. } => {
            Fault::at(format!("/{parameter}"), error.to_string())
        }
        ImportError::Changed { .. } | ImportError::Format { .. } | ImportError::Output(_) => {
            Fault::at("", causes(error))
        }
    }
}

/// A fault at each step that is wrong.
fn of_steps(errors: &StepErrors) -> impl Iterator<Item = Fault> {
    errors.all().iter().map(|error| Fault {
        path: format!("/steps{}", error.pointer()),
        of_key: error.of_key,
        message: error.message.clone(),
        help: error.help.clone(),
    })
}
