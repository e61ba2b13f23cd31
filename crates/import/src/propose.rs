//! Steps and names that a pipeline file could give for a file of weights, as far as names and shapes tell.
//!
//! Shapes tell kernels, channels, biases and normalisations, and names that modules stand in blocks. They do not tell strides,
//! padding, pooling and activations: what is usual is proposed, and said to be that.

mod usual_images;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use eigenscope_artifact::InputShape;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::built_in::built_in;
use crate::command_line::causes;
use crate::file::WeightFile;
use crate::matching::{TensorShape, split};
use crate::network::{Definition, Described, Resolved};
use crate::written::{key, quoted, write_step};

/// Most modules of a residual block.
const LARGEST_BLOCK: usize = 100;
/// Names of modules that are the shortcut of a residual block.
const SHORTCUTS: [&str; 4] = ["downsample", "shortcut", "skip", "proj"];

/// What a pipeline file could say.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Proposal {
    /// The built-in network that the tensors fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    /// Steps of the network; none if the file holds them, or if nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) steps: Option<Value>,
    /// Names of layers in the file by the names of ours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    names: BTreeMap<String, String>,
    /// Whether the layers need no names, for their order tells which is which.
    #[serde(skip)]
    is_matched_by_order: bool,
    /// What is guessed, since no file of weights tells it, and what to check.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guesses: Vec<String>,
    /// What the proposal takes for granted, or why there is none.
    pub(crate) remarks: Vec<String>,
}

impl Proposal {
    pub(crate) fn none(remark: impl Into<String>) -> Self {
        Self {
            remarks: vec![remark.into()],
            ..Self::default()
        }
    }

    /// The proposal as part of a pipeline file.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for guess in &self.guesses {
            let _ = writeln!(text, "# guess: {guess}");
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "# {remark}");
        }
        if let Some(kind) = self.kind {
            let _ = writeln!(text, "kind = \"{kind}\"");
        }
        if let Some(Value::Array(steps)) = &self.steps {
            let mut list = "steps = [\n".to_owned();
            for step in steps {
                write_step(&mut list, step, 1);
            }
            list.push_str("]\n");
            match self.kind {
                None => text.push_str(&list),
                // One of the two, and the kind is shorter.
                Some(_) => {
                    text.push_str("# or, in place of `kind`, as steps that can be changed:\n");
                    list.lines().for_each(|line| {
                        let _ = writeln!(text, "# {line}");
                    });
                }
            }
        }
        if self.is_matched_by_order {
            text.push_str("# `names` need not be given: the layers match in this order\n");
        } else if !self.names.is_empty() {
            let names: Vec<String> = self
                .names
                .iter()
                .map(|(ours, theirs)| format!("{} = {}", key(ours), quoted(theirs)))
                .collect();
            let _ = writeln!(text, "names = {{ {} }}", names.join(", "));
        }
        text
    }
}

/// What a pipeline file could say about the file; `images` are those that the network is to read.
pub(crate) fn propose(file: &WeightFile, images: Option<InputShape>) -> Proposal {
    if let Some(graph) = file.graph() {
        let mut proposal = Proposal {
            steps: Some(graph.steps.clone()),
            ..Proposal::none("the file holds these steps: a pipeline file need not give them")
        };
        let definition = Definition::new(&Described::Steps(Vec::new()), file).ok();
        let remark = images.zip(definition);
        let remark = remark.map(|(images, definition)| on_images(file, &definition, images));
        proposal.remarks.extend(remark);
        return proposal;
    }
    if let Some(proposal) = built_in(file, images) {
        return proposal;
    }
    let layers = layers(file.shapes());
    let integers = integers(file.shapes());
    let plain = match steps(&layers) {
        Ok(steps) => steps,
        Err(remark) => return Proposal::none(integers.unwrap_or(remark)),
    };
    let fitted = usual_images::fit(&layers, &plain, images);
    let usual = fitted.as_ref().map(|&(_, size)| size);
    let list = fitted.map_or(plain, |(steps, _)| steps);
    let mut proposal = Proposal {
        guesses: guesses(&list, &layers, usual),
        ..Proposal::default()
    };
    proposal.remarks.extend(integers);
    if layers.iter().any(|module| module.groups > 1) {
        let remark = "a convolution that reads a part of the channels before it is taken for one of `groups`";
        proposal.remarks.push(remark.to_owned());
    }
    if let Some(tensor) = file.shapes().iter().find(|tensor| is_part(&tensor.name)) {
        proposal.remarks.push(format!(
            "`{}` is a part of a weight (weight or spectral normalisation): in PyTorch, make it whole by \
             `torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')`, or `torch.nn.utils.remove_weight_norm(layer)`, and \
             save the model again",
            tensor.name
        ));
    }
    if !file.is_ordered() {
        let remark = "the file does not keep the order of layers: check it, too";
        proposal.remarks.push(remark.to_owned());
    }
    let definition = Definition::new(&Described::Steps(list.clone()), file).ok();
    let resolved = definition.as_ref().and_then(|definition| {
        let given = images.and_then(|images| definition.resolve_for(file, images).ok());
        given.or_else(|| definition.resolve_unknown(file, &BTreeMap::new(), None))
    });
    let remark = match (images, usual, &definition, &resolved) {
        (Some(images), _, Some(definition), _) => Some(on_images(file, definition, images)),
        (None, None, Some(definition), Some(resolved)) => size(file, definition, resolved),
        _ => None,
    };
    proposal.remarks.extend(remark);
    match resolved {
        Some(resolved) if !resolved.matching.by_order => {}
        Some(resolved) => {
            proposal.is_matched_by_order = file.is_ordered();
            for pair in resolved.matching.used {
                let (ours, theirs) = (split(&pair.ours).0, split(&pair.theirs).0);
                proposal.names.insert(ours.to_owned(), theirs.to_owned());
            }
        }
        None => proposal.remarks.push(
            "no size of image fits these steps and weights: pooling or strides are others"
                .to_owned(),
        ),
    }
    proposal.steps = Some(Value::Array(list));
    proposal
}

/// What of these steps no file of weights tells, and how to find it out. `usual`: height and width of images that the weights fit with
/// them.
fn guesses(steps: &[Value], layers: &[Module<'_>], usual: Option<[usize; 2]>) -> Vec<String> {
    let has_convolutions = layers.iter().any(|module| module.weight.len() == 4);
    let mut guesses = vec![
        "the activations: ReLU behind every layer but the last; the weights fit any other as well"
            .to_owned(),
    ];
    if has_convolutions {
        guesses.push(match usual {
            Some([height, width]) => format!(
                "strides, padding and pooling: such that the weights fit images of {height} x {width} pixels; others may fit, too"
            ),
            None => "strides, padding and pooling: the usual ones".to_owned(),
        });
    }
    if steps.iter().any(|step| step.get("residual").is_some()) {
        guesses.push("the branches: by the names of the layers".to_owned());
    }
    if layers
        .iter()
        .any(|module| module.groups > 1 && module.weight[1] == 1)
    {
        guesses.push(
            "ReLU where each channel has a convolution of its own: MobileNets have ReLU6 or Hardswish there, which are no steps here, \
             and EfficientNets \"silu\""
                .to_owned(),
        );
    }
    guesses.push(
        "check them by `print(model)` in PyTorch and the code of its `forward`, or export the model as ONNX, which tells all of them"
            .to_owned(),
    );
    guesses
}

/// A remark on weights of integers, if there are any.
fn integers(shapes: &[TensorShape]) -> Option<String> {
    let matrices = || shapes.iter().filter(|tensor| tensor.shape.len() >= 2);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in matrices() {
        if let Some(dtype) = &tensor.foreign_type {
            *counts.entry(dtype).or_insert(0) += 1;
        }
    }
    let which = match (counts.values().sum(), matrices().count()) {
        (0, _) => return None,
        (integers, all) if integers == all => "all weights are integers".to_owned(),
        (integers, all) => format!("{integers} of {all} weights are integers"),
    };
    let found: Vec<String> = counts
        .iter()
        .map(|(dtype, count)| format!("{count} of {dtype}"))
        .collect();
    let advice = match counts.keys().any(|dtype| dtype.starts_with('q')) {
        true => {
            "in PyTorch `tensor.dequantize()` of each, `layer.weight().dequantize()` of packed layers"
        }
        false => {
            "with the scale and zero point of each in PyTorch `(tensor.float() - zero_point) * scale`"
        }
    };
    Some(format!(
        "{which}, as those of a quantised model ({}): save the model as it was before it was quantised, \
         `torch.save(model.state_dict(), 'weights.pt')`, or its weights as floating-point numbers, {advice}",
        found.join(", ")
    ))
}

/// Whether weights and steps fit images of a shape, and else why not.
pub(crate) fn on_images(file: &WeightFile, definition: &Definition, images: InputShape) -> String {
    let InputShape {
        channels,
        height,
        width,
    } = images;
    let shape = format!("{channels} x {height} x {width} (channels x height x width)");
    match definition.resolve_for(file, images) {
        Ok(_) => format!("weights and steps fit images of {shape}"),
        Err(error) => format!(
            "weights and steps do not fit images of {shape}: {}",
            causes(&error)
        ),
    }
}

/// Which images the weights fit with these steps, if that is only one size.
fn size(file: &WeightFile, definition: &Definition, resolved: &Resolved) -> Option<String> {
    let input = resolved.architecture.input;
    let doubled = InputShape {
        height: 2 * input.height,
        width: 2 * input.width,
        ..input
    };
    let classes = resolved.architecture.classes.clone();
    let larger = definition.resolve(file, &BTreeMap::new(), doubled, classes);
    let fits_larger = larger.is_ok_and(|larger| larger.matching.is_complete());
    (input.height > 1 && !fits_larger).then(|| {
        format!(
            "with these steps the weights fit images of {} x {} pixels; for larger ones, pooling or strides are missing",
            input.height, input.width
        )
    })
}

/// Returns whether a tensor is one of several of which PyTorch computes a weight.
fn is_part(name: &str) -> bool {
    let last = split(name).1;
    ["weight_g", "weight_v", "weight_orig"].contains(&last) || name.contains(".parametrizations.")
}

/// Tensors of one module.
struct Module<'a> {
    name: &'a str,
    weight: &'a [usize],
    is_biased: bool,
    is_norm: bool,
    /// Groups of a convolution, as far as the channels before it tell.
    groups: usize,
}

impl Module<'_> {
    fn is_conv(&self) -> bool {
        self.weight.len() == 4
    }

    fn is_linear(&self) -> bool {
        self.weight.len() == 2
    }
}

/// The modules with a weight, in the order of the file.
fn layers(shapes: &[TensorShape]) -> Vec<Module<'_>> {
    let names: HashSet<(&str, &str)> = shapes.iter().map(|tensor| split(&tensor.name)).collect();
    let has = |layer: &str, last: &str| names.contains(&(layer, last));
    let weights = shapes.iter().filter(|tensor| tensor.foreign_type.is_none());
    let mut modules: Vec<Module<'_>> = weights
        .filter_map(|tensor| {
            let (name, last) = split(&tensor.name);
            (last == "weight").then(|| Module {
                name,
                weight: &tensor.shape,
                is_biased: has(name, "bias"),
                is_norm: has(name, "running_mean"),
                groups: 1,
            })
        })
        .collect();
    group(&mut modules);
    modules
}

/// Finds grouped convolutions: their weights read a part of the channels that the convolution before them makes.
fn group(modules: &mut [Module<'_>]) {
    let mut channels = None;
    for module in modules {
        match *module.weight {
            // A shortcut reads what its block reads.
            [_, _, _, _] if block(module.name).is_some() && is_shortcut(module) => {}
            [outputs, inputs, _, _] => {
                module.groups = groups(channels, inputs, outputs);
                channels = Some(outputs);
            }
            [_, _] => channels = None,
            _ => {}
        }
    }
}

/// Groups of a convolution from `inputs` channels each, after one that makes `channels`; 1 if they do not divide these.
fn groups(channels: Option<usize>, inputs: usize, outputs: usize) -> usize {
    let groups = match channels {
        Some(channels) if inputs > 0 && channels % inputs == 0 => channels / inputs,
        _ => 1,
    };
    let divides = groups > 0 && outputs.is_multiple_of(groups);
    if divides { groups } else { 1 }
}

/// Returns whether the name of a module says that it is the shortcut of a residual block.
fn is_shortcut(module: &Module<'_>) -> bool {
    let mut parts = module.name.split('.');
    parts.any(|part| SHORTCUTS.contains(&part))
}

/// Steps for modules one after another, with residual blocks where names and shapes tell them.
fn steps(modules: &[Module<'_>]) -> Result<Vec<Value>, String> {
    if modules.is_empty() {
        return Err("there is no module with a weight: steps cannot be proposed".to_owned());
    }
    let mut steps = Vec::new();
    let (mut position, mut convolutions, mut is_mapped) = (0, 0, false);
    while position < modules.len() {
        let block = block(modules[position].name);
        let count = modules[position..]
            .iter()
            .take_while(|module| block.is_some() && self::block(module.name) == block)
            .take(LARGEST_BLOCK + 1)
            .count();
        let within = &modules[position..position + count];
        match residual(within) {
            Some(step) => {
                steps.push(step?);
                steps.push(json!("relu"));
                position += count;
                convolutions += within.iter().filter(|module| module.is_conv()).count();
            }
            None => {
                let module = &modules[position];
                plain(module, &mut steps, is_mapped)?;
                is_mapped |= module.is_linear();
                convolutions += usize::from(module.is_conv());
                position += 1;
                let is_stem = modules.get(position).is_none_or(|next| !next.is_norm);
                let is_stem = is_stem && convolutions == 1;
                let stem = is_stem.then(|| stem(modules, position)).flatten();
                if let Some(stem) = stem {
                    stretch(&mut steps, stem);
                }
            }
        }
    }
    // The last linear map makes the logits.
    if steps.last() == Some(&json!("relu")) {
        steps.pop();
    }
    Ok(steps)
}

/// The block that a module stands in: its name up to a number, if parts follow that.
fn block(name: &str) -> Option<&str> {
    let mut end = 0;
    for part in name.split('.') {
        end += part.len();
        let is_number = !part.is_empty() && part.chars().all(|letter| letter.is_ascii_digit());
        if is_number && end < name.len() {
            return Some(&name[..end]);
        }
        end += 1;
    }
    None
}

/// The residual block of these modules; `None` if they are none.
fn residual(modules: &[Module<'_>]) -> Option<Result<Value, String>> {
    if modules.len() > LARGEST_BLOCK {
        return None;
    }
    let (shortcut, branch): (Vec<&Module<'_>>, Vec<&Module<'_>>) =
        modules.iter().partition(|module| is_shortcut(module));
    let convolutions: Vec<(usize, usize)> = branch
        .iter()
        .filter(|module| module.is_conv())
        .map(|module| (module.weight[1] * module.groups, module.weight[0]))
        .collect();
    let (&(inputs, _), &(_, outputs)) = (convolutions.first()?, convolutions.last()?);
    let is_equal = inputs == outputs;
    if convolutions.len() < 2 || (shortcut.is_empty() && !is_equal) {
        return None;
    }
    // A block that makes more channels of its input halves its sides; the one after the stem need not.
    let stride = match !shortcut.is_empty() && inputs.checked_mul(2) == Some(outputs) {
        true => 2,
        false => 1,
    };
    let write = |modules: &[&Module<'_>], stride: u64| -> Result<Vec<Value>, String> {
        let mut steps = Vec::new();
        let mut is_mapped = false;
        for module in modules {
            plain(module, &mut steps, is_mapped)?;
            is_mapped |= module.is_linear();
        }
        if steps.last() == Some(&json!("relu")) {
            steps.pop();
        }
        stride_once(&mut steps, stride);
        Ok(steps)
    };
    let block = write(&branch, stride).and_then(|branch| {
        let mut block = Map::from_iter([("steps".to_owned(), Value::Array(branch))]);
        if !shortcut.is_empty() {
            let mut shortcut = write(&shortcut, stride)?;
            shortcut.retain(|step| step != "relu");
            block.insert("shortcut".to_owned(), Value::Array(shortcut));
        }
        Ok(json!({ "residual": block }))
    });
    Some(block)
}

/// Gives the first convolution with a kernel of more than one pixel, or the first at all, a stride.
fn stride_once(steps: &mut [Value], stride: u64) {
    if stride == 1 {
        return;
    }
    let is_large = |step: &Value| step.pointer("/conv/kernel").and_then(Value::as_u64) > Some(1);
    let large = steps.iter().position(is_large);
    let first = large.or_else(|| steps.iter().position(|step| step.get("conv").is_some()));
    let fields = first.and_then(|first| steps[first].get_mut("conv")?.as_object_mut());
    if let Some(fields) = fields {
        fields.insert("stride".to_owned(), json!(stride));
    }
}

/// Adds the step of a module and the activation after it; a normalisation stands between the two. `is_mapped`: whether there is a linear
/// map among the steps.
fn plain(module: &Module<'_>, steps: &mut Vec<Value>, is_mapped: bool) -> Result<(), String> {
    let Module {
        name,
        weight,
        is_biased,
        is_norm,
        groups,
    } = *module;
    let mut fields = Map::new();
    let is_empty = weight.contains(&0);
    let step = match *weight {
        [_] if is_norm && !is_empty => {
            if steps.last() == Some(&json!("relu")) {
                steps.pop();
            }
            json!("batch-norm")
        }
        [outputs, _, height, width] if height == width && !is_empty => {
            fields.insert("channels".to_owned(), json!(outputs));
            fields.insert("kernel".to_owned(), json!(height));
            if height > 1 && height % 2 == 1 {
                fields.insert("padding".to_owned(), json!(height / 2));
            }
            if groups > 1 {
                fields.insert("groups".to_owned(), json!(groups));
            }
            if !is_biased {
                fields.insert("bias".to_owned(), json!(false));
            }
            json!({ "conv": fields })
        }
        [outputs, inputs] if !is_empty => {
            if !is_mapped {
                pool(steps, inputs);
            }
            match is_biased {
                true => json!({ "linear": outputs }),
                false => json!({ "linear": { "outputs": outputs, "bias": false } }),
            }
        }
        _ => {
            return Err(format!(
                "`{name}.weight` has shape {weight:?}, which is no weight of a linear map, a convolution of squares or a batch \
                 normalisation: steps cannot be proposed"
            ));
        }
    };
    steps.push(step);
    steps.push(json!("relu"));
    Ok(())
}

/// Adds global pooling before the first linear map, if it reads as many values as there are channels.
fn pool(steps: &mut Vec<Value>, inputs: usize) {
    let channels = |step: &Value| {
        let last = match step.pointer("/residual/steps") {
            Some(steps) => steps
                .as_array()?
                .iter()
                .rfind(|step| step.get("conv").is_some())?,
            None => step,
        };
        last.pointer("/conv/channels")?.as_u64()
    };
    let last = steps.iter().rev().find_map(channels);
    if last == Some(inputs as u64) {
        steps.push(json!("global-average-pool"));
    }
}

/// The kernel of the only convolution before `position`, if it is the first module and large, and the modules from there on are residual
/// blocks: then it strides and pools.
fn stem(modules: &[Module<'_>], position: usize) -> Option<usize> {
    let first = modules.first()?.weight;
    let is_large = first.len() == 4 && first[2] == 7;
    let next = modules.get(position)?;
    (is_large && block(next.name).is_some()).then(|| first[2])
}

fn stretch(steps: &mut Vec<Value>, kernel: usize) {
    if kernel > 1 {
        stride_once(steps, 2);
        steps.push(json!({ "max-pool": { "kernel": 3, "stride": 2, "padding": 1 } }));
    }
}
