//! Arrays of NumPy: their names, types and shapes, the labels, and the pixels if they are few.

use eigenscope_checkpoint::DType;
use eigenscope_checkpoint::npz::{ArrayInfo, Npz};
use eigenscope_stage::{Examination, Examined, TaskError};

use super::values::{Extent, MAXIMUM_VALUES, THOROUGH_VALUES};
use super::{Facts, MAXIMUM_LABELS, Place, SplitFacts, places};
use crate::array_names;
use crate::arrays::{self, Range};
use crate::error::{IngestError, shown};
use crate::labels::Labelling;
use crate::parameters::{NpzParameters, WithCommon};
use crate::sets::{SplitArrays, lacking_own};

pub(crate) fn npz(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<NpzParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(examination, parameters.test_fraction);
    let range = facts.take(Range::given(&parameters.range));
    let shape = facts.take(parameters.shape());
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    let files = facts.take(parameters.files());
    let named = files.iter().flatten().flatten();
    facts.lacks(lacking_own(examination.data_dir(), named, &stated));
    if let (Some(range), Some(_), Some([train, test])) = (range, shape, files) {
        let mut open = |places: Option<Vec<Place>>| {
            let files = places?.into_iter().map(|place| {
                let file = Npz::open(&place.path).map_err(IngestError::from);
                Some((facts.read(&place.pointer, file)?, place))
            });
            files.collect::<Option<Vec<_>>>()
        };
        let train = open(places(examination, &train));
        let test = open(places(examination, &test));
        if let (Some(train), Some(test)) = (train, test) {
            let most = match examination.is_thorough() {
                true => THOROUGH_VALUES,
                false => MAXIMUM_VALUES,
            };
            let look = Look {
                parameters: &parameters,
                range,
                most,
            };
            look.at(&mut facts, [&train, &test]);
        }
    }
    Ok(facts.finish("npz", &common))
}

/// How files are looked at.
struct Look<'a> {
    parameters: &'a NpzParameters,
    range: Option<Range>,
    /// Most values of an array of images that are read.
    most: u64,
}

impl Look<'_> {
    fn at(&self, facts: &mut Facts, [train, test]: [&[(Npz, Place)]; 2]) {
        if let Some((first, place)) = train.first() {
            guess(facts, first, place, self.parameters);
        }
        let (mut training, mut testing) = (SplitFacts::default(), SplitFacts::default());
        for (file, place) in train {
            self.add(facts, &mut training, self.arrays(file, place), place);
        }
        for (file, place) in train {
            let arrays = self.arrays(file, place);
            let has_test = match test.is_empty() {
                true => facts.read(&place.pointer, arrays.has_test()),
                false => None,
            };
            let mut used = vec![arrays];
            if let Some((true, _)) = has_test {
                self.add(facts, &mut testing, arrays.test(), place);
                used.push(arrays.test());
            }
            self.note(facts, &used);
        }
        for (file, place) in test {
            let arrays = self.arrays(file, place).test_alone();
            self.add(facts, &mut testing, arrays, place);
            self.note(facts, &[arrays]);
        }
        if let Some(shape) = training.shape {
            facts.stored_shape(shape, self.parameters.transpose);
        }
        facts.same_shape(&training, &testing);
        let labelling = Labelling {
            first_label: self.parameters.first_label,
            class_names: &self.parameters.class_names,
            known: None,
        };
        facts.label(labelling, [&training, &testing]);
    }

    /// The arrays of training images of a file.
    fn arrays<'a>(&'a self, file: &'a Npz, place: &'a Place) -> SplitArrays<'a> {
        SplitArrays::new(file, &place.path, self.parameters)
    }

    /// Notes which arrays of a file are not used, and which validation images are for testing.
    fn note(&self, facts: &mut Facts, used: &[SplitArrays<'_>]) {
        if !facts.is_thorough {
            return;
        }
        let notes = SplitArrays::validation(used).into_iter();
        notes
            .chain(SplitArrays::unused(used))
            .for_each(|note| facts.note(note));
    }

    /// Adds what is known of the arrays of a file.
    fn add(
        &self,
        facts: &mut Facts,
        split: &mut SplitFacts,
        arrays: SplitArrays<'_>,
        place: &Place,
    ) {
        let images = facts.read(&place.pointer, arrays.images());
        if images.is_none()
            && self.parameters.shape().is_ok_and(|shape| shape.is_none())
            && let Ok(array) = arrays.image_array()
            && let [_, values] = array.shape[..]
            && array.count() <= self.most
            && let Ok(pixels) = arrays.values(array)
        {
            facts.suggest_shape(values, pixels.into_iter());
        }
        let shape = images.as_ref().map(|(_, dimensions)| dimensions.shape);
        let labels = images.and_then(|(array, dimensions)| {
            let is_float = matches!(
                array.dtype,
                DType::F16 | DType::BF16 | DType::F32 | DType::F64
            );
            let range = &self.parameters.range;
            if array.count() <= self.most {
                let values = facts.read(&place.pointer, arrays.values(array))?;
                facts.suggest_range(range, &Extent::of(values.iter().copied()), true);
                let image_values = dimensions.values();
                let pixels = arrays::pixels(values.iter().copied(), self.range, image_values, 0);
                let pixels = pixels.map_err(|reason| arrays.refused(&array.name, reason));
                facts.read(&place.pointer, pixels);
            } else if is_float && facts.is_thorough {
                // Too many to look at.
                facts.suggest_range(range, &Extent::of([0.0, 1.0].into_iter()), false);
            }
            let labels = facts.read(&place.pointer, arrays.label_array())?;
            match labels.count() <= MAXIMUM_LABELS {
                true => facts.read(&place.pointer, arrays.labels(labels, dimensions.images)),
                false => None,
            }
        });
        split.add(place, shape, labels);
    }
}

/// Suggests which arrays are images and labels, where none is called as the parameters say.
fn guess(facts: &mut Facts, file: &Npz, place: &Place, parameters: &NpzParameters) {
    let has = |name: &str| file.arrays().iter().any(|array| array.name == name);
    let NpzParameters {
        train_images,
        train_labels,
        test_images,
        ..
    } = parameters;
    let chosen = array_names::choose(file.arrays());
    let is_train_known = has(train_images);
    if let Some(chosen) = chosen {
        if !is_train_known {
            suggest(facts, ["train_images", "train_labels"], chosen.train);
        }
        let is_of_it = !is_train_known || chosen.train == [train_images, train_labels];
        if let Some(test) = chosen.test
            && is_of_it
            && !test_images.is_empty()
            && !has(test_images)
        {
            suggest(facts, ["test_images", "test_labels"], test);
        }
    } else if !is_train_known && file.arrays().len() > 1 {
        let arrays: Vec<&ArrayInfo> = file.arrays().iter().collect();
        let reason = format!(
            "no array `{}`, and the names leave open which arrays are images and labels for training and testing: {}; name them in a \
             pipeline file by `train_images`, `train_labels`, `test_images` and `test_labels` of `kind = \"npz\"`, or call them \
             `x_train`, `y_train`, `x_test` and `y_test`",
            shown(train_images),
            array_names::listed(&arrays)
        );
        let path = place.path.clone();
        facts.read::<()>(&place.pointer, Err(IngestError::Labels { path, reason }));
    }
}

fn suggest(facts: &mut Facts, parameters: [&str; 2], names: array_names::Pair<'_>) {
    for (parameter, name) in parameters.into_iter().zip(names) {
        facts.suggest(parameter, name);
    }
}
