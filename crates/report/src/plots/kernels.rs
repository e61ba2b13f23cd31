//! Weights of the first units of a layer as images: kernels of a convolution, or rows of a linear layer that reads images.

use eigenscope_artifact::{InputShape, ModelHeader, NamedTensor, TENSORS, TensorReader};
use eigenscope_stage::{
    Context, DRAWABLE_LAYERS, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::labels;
use eigenscope_figure::{
    ColourBar, ColourScale, Figure, GridCell, GridRow, ImageGrid, Matrix, Panel, ticks,
};

/// Kernels drawn of a layer that has as many, if nothing else is asked for.
const USUAL_COUNT: usize = 9;
/// Largest width of an image, px.
const LARGEST: f64 = 110.0;
/// The same of kernels that read more channels than images have, px.
const LARGEST_OF_MANY: f64 = 44.0;
/// Most channels that are labelled and sized as those of images.
const CHANNELS_OF_IMAGES: usize = 3;
/// Most channels that are drawn.
const MOST_CHANNELS: usize = 16;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "kernels",
        "first kernels of a layer as images",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "layer",
            ParameterType::Text,
            "",
            "layer to draw; none given: the first convolution, or else the first layer",
        )
        .naming("model", DRAWABLE_LAYERS),
        Parameter::optional(
            "count",
            ParameterType::Integer {
                minimum: 1,
                maximum: 36,
            },
            USUAL_COUNT,
            "kernels drawn; all of a layer that has fewer",
        ),
    ])
    .reads(Role::one("model", TENSORS, "model with the layer"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layer: String,
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { layer, count } = context.parameters()?;
    let input = context.input("model")?;
    let reader = TensorReader::open(&input.path, TENSORS)?;
    let first = first_layer(&reader.names()?);
    let layer = match layer.is_empty() {
        true => first_convolution(&reader)?.or_else(|| first.clone()),
        false => Some(layer),
    };
    let layer = layer.ok_or("the model has no layer with a weight")?;
    let weight = reader.read_one(&format!("{layer}.weight"))?;
    let header: ModelHeader = reader.header()?;
    let reads_images = (first.as_ref() == Some(&layer)).then_some(header.input);
    let kernels = Kernels::new(&layer, &weight, reads_images)?;
    let shown = kernels.count.min(count);
    if shown < count && count != USUAL_COUNT {
        context.warn(format!(
            "{layer} has {shown} {}, not {count}",
            kernels.called
        ));
    }
    let mut parts = Vec::new();
    if shown < kernels.count {
        parts.push(format!("the first {shown} of {}", kernels.count));
    }
    if kernels.shape.channels > MOST_CHANNELS {
        let channels = kernels.shape.channels;
        parts.push(format!(
            "the first {MOST_CHANNELS} of {channels} channels that they read"
        ));
    }
    let mut title = format!("{} of {layer}", kernels.title());
    if !parts.is_empty() {
        title.push_str(&format!(": {}", parts.join(", ")));
    }
    write(context, kernels.draw(shown, labels::titled(&title, input))?)
}

/// The layer that reads the data; normalisations are none.
fn first_layer(names: &[String]) -> Option<String> {
    let mut layers = names.iter().filter_map(|name| name.strip_suffix(".weight"));
    let first = layers.find(|layer| !names.contains(&format!("{layer}.running_mean")));
    first.map(str::to_owned)
}

/// The first layer whose weight has the shape of kernels.
fn first_convolution(reader: &TensorReader) -> Result<Option<String>, TaskError> {
    for name in reader.names()? {
        let Some(layer) = name.strip_suffix(".weight") else {
            continue;
        };
        if reader.read_one(&name)?.shape.len() == 4 {
            return Ok(Some(layer.to_owned()));
        }
    }
    Ok(None)
}

/// The weight of a layer as images.
struct Kernels<'a> {
    /// "kernels" or "units".
    called: &'static str,
    count: usize,
    shape: InputShape,
    /// `[count, channels, height, width]`.
    values: &'a [f32],
}

impl<'a> Kernels<'a> {
    /// Interprets the weight of a layer. `reads_images` is the shape of the images, if the layer reads them directly.
    ///
    /// # Errors
    /// A weight that cannot be drawn as images.
    fn new(
        layer: &str,
        weight: &'a NamedTensor,
        reads_images: Option<InputShape>,
    ) -> Result<Self, TaskError> {
        let (called, count, shape) = match (weight.shape.as_slice(), reads_images) {
            (&[count, channels, height, width], _) => {
                ("kernels", count, InputShape::from([channels, height, width]))
            }
            (&[count, inputs], Some(shape)) if shape.len() == inputs => ("units", count, shape),
            (&[_, inputs], _) => return Err(format!(
                "{layer} is a linear layer that reads {inputs} values made by other layers: its rows are no images. \
                 Convolutions have kernels, and so does a linear layer that reads the images"
            )
            .into()),
            (shape, _) => return Err(format!("the weight of {layer} has the shape {shape:?}").into()),
        };
        if count == 0 || shape.is_empty() {
            return Err(format!("{layer} has no weight").into());
        }
        if let Some(value) = weight.data.iter().find(|value| !value.is_finite()) {
            return Err(format!("the weight of {layer} holds {value}").into());
        }
        Ok(Self {
            called,
            count,
            shape,
            values: &weight.data,
        })
    }

    fn title(&self) -> &'static str {
        match self.called {
            "kernels" => "Kernels",
            _ => "Units",
        }
    }

    /// The images of the first channels of the first `shown` kernels, and their largest magnitude.
    fn images(&self, shown: usize) -> Result<(Vec<Vec<Matrix>>, f64), TaskError> {
        let InputShape { height, width, .. } = self.shape;
        let image = |values: &[f32]| Ok(Matrix::from_f32(height, width, values)?);
        let kernel = |values: &[f32]| {
            let channels = values.chunks_exact(height * width);
            channels.take(MOST_CHANNELS).map(image).collect()
        };
        let kernels = self.values.chunks_exact(self.shape.len()).take(shown);
        let images = kernels
            .map(kernel)
            .collect::<Result<Vec<Vec<_>>, TaskError>>()?;
        let largest = images.iter().flatten().map(Matrix::largest_magnitude);
        let largest = largest.fold(0.0, f64::max);
        Ok((images, largest))
    }

    fn draw(&self, shown: usize, title: String) -> Result<Figure, TaskError> {
        let (images, largest) = self.images(shown)?;
        let colours = ColourScale::diverging(largest);
        let mut grid = match self.shape.channels {
            1 => square(images, colours.clone()),
            channels => by_channel(images, channels.min(MOST_CHANNELS), colours.clone()),
        };
        grid.largest_cell = match self.shape.channels > CHANNELS_OF_IMAGES {
            true => LARGEST_OF_MANY,
            false => LARGEST,
        };
        let width = 150.0 + (grid.largest_cell + 6.0) * grid.columns() as f64;
        let bar = ColourBar::new("Weight", colours);
        let InputShape {
            height,
            width: across,
            ..
        } = self.shape;
        let description = format!(
            "Weights of the first {shown} {} as images of {height} x {across}, all on one colour scale that is white at \
             zero; the largest magnitude is {}.",
            self.called,
            ticks::significant(largest, 3)
        );
        let panel = Panel::images("", grid).with_colour_bar(bar);
        Ok(Figure::new(title, description, width, 1, vec![panel]))
    }
}

/// Kernels of one channel with numbers, in about as many rows as columns.
fn square(images: Vec<Vec<Matrix>>, colours: ColourScale) -> ImageGrid {
    let columns = (images.len() as f64).sqrt().ceil() as usize;
    let images = images.into_iter().flatten().zip(1..);
    let cells = images.map(|(image, number)| GridCell::new(number.to_string(), image));
    ImageGrid::wrapped(cells.collect(), columns, colours)
}

/// Kernels of several channels: a row for each kernel, a column for each channel.
fn by_channel(images: Vec<Vec<Matrix>>, channels: usize, colours: ColourScale) -> ImageGrid {
    let rows = images.into_iter().zip(1..).map(|(images, number)| GridRow {
        label: number.to_string(),
        cells: images
            .into_iter()
            .map(|image| Some(GridCell::new("", image)))
            .collect(),
    });
    let mut grid = ImageGrid::new(rows.collect(), colours);
    let is_of_images = channels <= CHANNELS_OF_IMAGES;
    grid.column_labels = (1..=channels)
        .map(|channel| match is_of_images {
            true => format!("channel {channel}"),
            false => channel.to_string(),
        })
        .collect();
    if !is_of_images {
        grid.column_title = "Channel that is read".to_owned();
    }
    grid
}
