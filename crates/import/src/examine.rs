//! What is known of a model before it is imported: from the header of its file.

use eigenscope_checkpoint::CheckpointError;
use eigenscope_models::Architecture;
use eigenscope_models::steps::StepError;
use eigenscope_stage::{Examination, Examined, Fault, Feature, TaskError};

use crate::command_line::causes;
use crate::error::ImportError;
use crate::file::{WeightFile, locate};
use crate::kinds::{BilinearParameters, Chosen, FileParameters, ModelParameters};
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
        Err(error) => return Examined::default().fault(fault(&error)),
    };
    let error = match examine(examination, &chosen, &described) {
        Ok(examined) => return examined,
        Err(error) => error,
    };
    let wrong = of_names(&error, &chosen);
    if wrong.is_empty() {
        return Examined::default().fault(fault(&error));
    }
    wrong.into_iter().fold(Examined::default(), Examined::fault)
}

/// The faults of entries of `names` that name nothing, each at its key. What else does not fit may follow from them.
fn of_names(error: &ImportError, chosen: &Chosen) -> Vec<Fault> {
    let ImportError::Mismatch { matching, .. } = error else {
        return Vec::new();
    };
    let unknown = matching.0.unknown.iter();
    unknown
        .map(|(layer, why)| {
            let place = chosen.places.get(layer);
            let path = place.map_or("/names", String::as_str);
            Fault::at(path, format!("`{layer}`: {why}"))
        })
        .collect()
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
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let mut examined = Examined::default().provides(match &resolved {
        Some(Resolved { architecture, .. }) => features(architecture),
        None => {
            let names = definition.layer_names();
            vec![Feature::layers(names.iter().map(String::as_str))]
        }
    });
    // Once as it is stored, twice as f32.
    examined.memory_mib = Some(64 + 3 * bytes / (1 << 20));
    Ok(examined)
}

/// The properties that the stage `train` states of its networks, too, and the layers.
fn features(architecture: &Architecture) -> Vec<Feature> {
    let flags = architecture.properties().into_iter().map(Feature::flag);
    let names = architecture.layers().map(|(_, layer)| layer.name.as_str());
    flags.chain([Feature::layers(names)]).collect()
}

/// The fault that an error is, at the parameter that it is about.
fn fault(error: &ImportError) -> Fault {
    const INSPECT: &str =
        "`eigenscope inspect FILE` lists the tensors, and proposes steps and names";
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
        ImportError::GraphInput { .. } => Fault::at("/data", error.to_string())
            .help("change the images with the transform `resize`, or export the graph for these images"),
        ImportError::NoNetwork { .. } => Fault::at("/file", error.to_string()).help(format!(
            "list the `steps` of the network, or write `kind` if it is one of the built-in networks; {INSPECT}"
        )),
        ImportError::Classes { outputs, .. } => Fault::at("/data", error.to_string()).help(format!(
            "use data with the {outputs} classes that the network was trained for, in the order of its outputs"
        )),
        ImportError::TwoNetworks { .. } => {
            Fault::at("/steps", error.to_string()).help("leave `steps` out")
        }
        ImportError::Steps(steps) => of_steps(steps),
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

/// The fault at the step.
fn of_steps(error: &StepError) -> Fault {
    Fault {
        path: format!("/steps{}", error.pointer()),
        message: error.message.clone(),
        help: error.help.clone(),
    }
}
