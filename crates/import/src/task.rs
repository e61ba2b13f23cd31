//! A task: the weights of the file, in the network for the images.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{
    ArtifactError, FileDigest, ImageReader, InputShape, NamedTensor, TENSORS, digest_file,
};
use eigenscope_models::StoredModel;
use eigenscope_stage::{Context, ExternalFile, TaskError};

use crate::error::ImportError;
use crate::file::{WeightFile, locate};
use crate::finite;
use crate::kinds::{BilinearParameters, Chosen, FileParameters, ModelParameters};
use crate::matching::{listed, split};
use crate::network::{Definition, Described, Resolved};

pub(crate) fn model(context: &Context) -> Result<(), TaskError> {
    let (chosen, described) = context.parameters::<ModelParameters>()?.split()?;
    import(context, &chosen, &described)
}

pub(crate) fn bilinear(context: &Context) -> Result<(), TaskError> {
    let (chosen, described) = context.parameters::<BilinearParameters>()?.split()?;
    import(context, &chosen, &described)
}

pub(crate) fn mlp(context: &Context) -> Result<(), TaskError> {
    import_kind(context, &Described::Mlp)
}

pub(crate) fn cnn(context: &Context) -> Result<(), TaskError> {
    import_kind(context, &Described::Cnn)
}

pub(crate) fn convnet(context: &Context) -> Result<(), TaskError> {
    import_kind(context, &Described::ConvNet)
}

pub(crate) fn embedding_net(context: &Context) -> Result<(), TaskError> {
    import_kind(context, &Described::EmbeddingNet)
}

fn import_kind(context: &Context, described: &Described) -> Result<(), TaskError> {
    let chosen = context.parameters::<FileParameters>()?.chosen()?;
    import(context, &chosen, described)
}

fn import(context: &Context, chosen: &Chosen, described: &Described) -> Result<(), TaskError> {
    let data_dir = &context.task().data_dir;
    let path = locate(data_dir, &chosen.file)?;
    let before = state(&path)?;
    let file = WeightFile::open(&path, chosen.key.as_deref(), described.is_of_steps())?;
    let files = file
        .files()
        .map(|path| Ok((path.to_owned(), digest_file(path)?)));
    let digests: Vec<(PathBuf, FileDigest)> = files.collect::<Result<_, ArtifactError>>()?;
    let images = ImageReader::open(context.path("data")?)?;
    let input = InputShape::from(images.pixels().output_shape());
    let classes = images.header().classes.clone();
    let definition = Definition::new(described, &file)?;
    let resolved = definition.resolve_all(&file, &chosen.names, input, classes)?;
    report(context, &file, &resolved);
    let model = read(context, &file, resolved)?;
    if state(&path)? != before {
        return Err(ImportError::Changed { path }.into());
    }
    for (path, digest) in digests {
        let relative = path.strip_prefix(data_dir).unwrap_or(&path);
        context.depends_on(ExternalFile::new(relative.to_string_lossy(), digest));
    }
    Ok(model.write(context.output(TENSORS)?, context.provenance())?)
}

/// What changes when a file is written anew.
#[derive(PartialEq, Eq)]
struct State {
    bytes: u64,
    modified: Option<std::time::SystemTime>,
}

fn state(path: &Path) -> Result<State, TaskError> {
    let metadata: Metadata = std::fs::metadata(path)?;
    Ok(State {
        bytes: metadata.len(),
        modified: metadata.modified().ok(),
    })
}

/// Says what is used, and warns of what is not.
fn report(context: &Context, file: &WeightFile, resolved: &Resolved) {
    for note in file.checkpoint().notes() {
        match note.is_of_weights() {
            true => context.warn(format!("{}: {note}", file.path().display())),
            false => tracing::info!("{note}"),
        }
    }
    let matching = &resolved.matching;
    for pair in &matching.used {
        tracing::info!(ours = %pair.ours, theirs = %pair.theirs, "used");
    }
    if !matching.uncertain.is_empty() {
        context.warn(format!(
            "{} does not keep the order of layers, and several of its layers have the shapes of each of these: {}; they were taken in \
             the order of their names. Give `names` if that is wrong",
            file.path().display(),
            listed(&matching.uncertain)
        ));
    }
    if !matching.left_over.is_empty() {
        context.warn(left_over(file, &matching.left_over));
    }
    let mut norms = file.plain_norms();
    norms.retain(|layer| {
        let mut used = matching.used.iter();
        used.any(|pair| split(&pair.theirs) == (layer, "weight"))
    });
    if !norms.is_empty() {
        context.warn(format!(
            "{} holds batch normalisation without weight and bias, which are taken as 1 and 0: {}",
            file.path().display(),
            listed(&norms)
        ));
    }
}

/// The warning of layers that are left over: the network may lack them.
fn left_over(file: &WeightFile, names: &[String]) -> String {
    let mut text = format!(
        "{} holds tensors that the network does not use: {}. The results differ from those of the original network unless these \
         layers are no part of it",
        file.path().display(),
        listed(names)
    );
    let norms: Vec<String> = names
        .iter()
        .map(|name| split(name))
        .filter(|(_, last)| *last == "running_mean")
        .map(|(layer, _)| layer.to_owned())
        .collect();
    if !norms.is_empty() {
        text.push_str(&format!(
            "; a step \"batch-norm\" uses the running mean and variance of {}",
            listed(&norms)
        ));
    }
    text
}

/// The values of the tensors of the network.
fn read(
    context: &Context,
    file: &WeightFile,
    resolved: Resolved,
) -> Result<StoredModel, TaskError> {
    let parameters = resolved.architecture.parameters();
    let used = &resolved.matching.used;
    let mut tensors = Vec::with_capacity(used.len());
    let mut empty = Vec::new();
    for pair in used {
        let data = finite::read(file, pair)?;
        if pair.ours.ends_with(".weight") && data.iter().all(|&value| value == 0.0) {
            empty.push(pair.theirs.clone());
        }
        let mut shapes = parameters.iter();
        let parameter = shapes.find(|parameter| parameter.name == pair.ours);
        tensors.push(NamedTensor {
            name: pair.ours.clone(),
            shape: parameter.map_or_else(Vec::new, |parameter| parameter.shape.clone()),
            data,
        });
    }
    if !empty.is_empty() {
        context.warn(format!(
            "all values of these weights are 0, as in a model that was never trained: {}",
            listed(&empty)
        ));
    }
    Ok(StoredModel::new(resolved.architecture, tensors)?)
}
