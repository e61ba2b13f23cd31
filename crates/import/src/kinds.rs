//! The task kinds.

use std::collections::BTreeMap;

use eigenscope_artifact::{IMAGES, TENSORS};
use eigenscope_stage::{
    Examination, Examined, Feature, Parameter, ParameterType, Role, TaskError, TaskFunction,
    TaskKind, task_function,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::ImportError;
use crate::network::Described;
use crate::{examine, task};

/// The task kinds of this program.
pub fn kinds() -> Vec<TaskKind> {
    let steps = ParameterType::list(ParameterType::free(
        "a step such as \"relu\" or { linear = 10 }",
    ));
    vec![
        kind(
            "model",
            "weights of a file on a network of your own steps, or an ONNX file with its graph",
            task_function!(task::model),
            examine::model,
        )
        .parameters::<ModelParameters>(with_file([Parameter::optional(
            "steps",
            steps,
            json!([]),
            "the steps of the network, in order; none for an ONNX file",
        )]))
        .fallback(),
        kind(
            "bilinear",
            "weights of a file on bilinear layers, logits = U((L E x) * (R E x)); sizes follow from the weights",
            task_function!(task::bilinear),
            examine::bilinear,
        )
        .parameters::<BilinearParameters>(with_file([Parameter::optional(
            "residual",
            ParameterType::Boolean,
            false,
            "whether every bilinear layer is added to what it reads",
        )])),
        kind(
            "mlp",
            "weights of a file on linear layers without bias, ReLU between them; sizes follow from the weights",
            task_function!(task::mlp),
            examine::mlp,
        )
        .parameters::<FileParameters>(with_file([])),
        kind(
            "cnn",
            "weights of a file on convolutions 5 x 5 of stride 2 with ReLU and one linear layer; sizes follow from the weights",
            task_function!(task::cnn),
            examine::cnn,
        )
        .parameters::<FileParameters>(with_file([])),
        kind(
            "convnet",
            "weights of a file on the network that the stage `train` calls `convnet`",
            task_function!(task::convnet),
            examine::convnet,
        )
        .parameters::<FileParameters>(with_file([])),
        kind(
            "embedding-net",
            "weights of a file on the network that the stage `train` calls `embedding-net`",
            task_function!(task::embedding_net),
            examine::embedding_net,
        )
        .parameters::<FileParameters>(with_file([])),
    ]
}

fn kind(
    name: &str,
    summary: &str,
    run: TaskFunction,
    examine: fn(&Examination<'_>) -> Result<Examined, TaskError>,
) -> TaskKind {
    TaskKind::new(name, summary, run)
        .reads(Role::one(
            "data",
            IMAGES,
            "images that the model takes: their shape after transforms, and the classes in the order of the outputs",
        ))
        .writes(TENSORS)
        .provides(Feature::of_images("data"))
        .examined_by(examine)
        .memory_mib(256)
        .seconds(0.5)
}

/// The parameters that all kinds have, and some more.
fn with_file<const N: usize>(more: [Parameter; N]) -> Vec<Parameter> {
    let mut parameters = vec![
        Parameter::required(
            "file",
            ParameterType::Text,
            "file of weights (.pt, .pth, .safetensors, .onnx), relative to the folder of the data files or absolute",
        ),
        Parameter::optional(
            "key",
            ParameterType::Text,
            "",
            "where the tensors are in a file that nests them, such as state_dict; needed only if there are several places",
        ),
        Parameter::optional(
            "names",
            ParameterType::free("a table such as { conv1 = \"features.0\" }"),
            json!({}),
            "names of layers in the file, or of tensors, by the names of ours; the others are matched by equal names, else by order",
        ),
    ];
    parameters.extend(more);
    parameters
}

/// What every task says about its file.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) file: String,
    pub(crate) key: Option<String>,
    pub(crate) names: BTreeMap<String, String>,
    /// JSON pointers to the entries of `names`.
    pub(crate) places: BTreeMap<String, String>,
}

impl Chosen {
    /// # Errors
    /// `names` is no table of texts; the error names the entry.
    fn new(file: String, key: String, names: &Value) -> Result<Self, ImportError> {
        let mut found = BTreeMap::new();
        match names {
            Value::Object(entries) => flatten("", "/names", entries, &mut found)?,
            other => return Err(no_names(format!("it is {other}"))),
        }
        Ok(Self {
            file,
            key: (!key.is_empty()).then_some(key),
            places: found
                .iter()
                .map(|(layer, (_, place))| (layer.clone(), place.clone()))
                .collect(),
            names: found
                .into_iter()
                .map(|(layer, (theirs, _))| (layer, theirs))
                .collect(),
        })
    }
}

fn no_names(found: String) -> ImportError {
    const EXPECTED: &str = "must be a table of layers with their prefixes in the file, such as { conv1 = \"features.0\" }";
    ImportError::Parameter {
        parameter: "names",
        reason: format!("{EXPECTED}; {found}"),
    }
}

/// Adds the entries of a table and of the tables in it: a dotted key is both. Recursion is bounded, for the parser refuses deep
/// nesting.
fn flatten(
    prefix: &str,
    place: &str,
    entries: &Map<String, Value>,
    found: &mut BTreeMap<String, (String, String)>,
) -> Result<(), ImportError> {
    for (key, value) in entries {
        let layer = format!("{prefix}{key}");
        let place = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::String(text) => {
                found.insert(layer, (text.clone(), place));
            }
            Value::Object(entries) => flatten(&format!("{layer}."), &place, entries, found)?,
            other => return Err(no_names(format!("`{layer}` is {other}"))),
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelParameters {
    file: String,
    key: String,
    names: Value,
    steps: Vec<Value>,
}

impl ModelParameters {
    pub(crate) fn split(self) -> Result<(Chosen, Described), ImportError> {
        let chosen = Chosen::new(self.file, self.key, &self.names)?;
        Ok((chosen, Described::Steps(self.steps)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BilinearParameters {
    file: String,
    key: String,
    names: Value,
    residual: bool,
}

impl BilinearParameters {
    pub(crate) fn split(self) -> Result<(Chosen, Described), ImportError> {
        let chosen = Chosen::new(self.file, self.key, &self.names)?;
        let residual = self.residual;
        Ok((chosen, Described::Bilinear { residual }))
    }
}

/// Parameters of a kind that needs nothing but the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileParameters {
    file: String,
    key: String,
    names: Value,
}

impl FileParameters {
    pub(crate) fn chosen(self) -> Result<Chosen, ImportError> {
        Chosen::new(self.file, self.key, &self.names)
    }
}
