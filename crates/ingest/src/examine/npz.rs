//! Arrays of NumPy: their names, types and shapes, the labels, and the pixels if they are few.

use eigenscope_checkpoint::DType;
use eigenscope_checkpoint::npz::{ArrayInfo, Npz};
use eigenscope_stage::{Examination, Examined, TaskError};

use super::values::{Extent, MAXIMUM_VALUES, THOROUGH_VALUES};
use super::{Facts, MAXIMUM_LABELS, Place, SplitFacts, places};
use crate::arrays::{self, Range};
use crate::error::IngestError;
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
        if let Some((first, _)) = train.first()
            && named(first, &self.parameters.train_images).is_none()
        {
            guess(facts, first);
        }
        let (mut training, mut testing) = (SplitFacts::default(), SplitFacts::default());
        for (file, place) in train {
            self.add(facts, &mut training, self.arrays(file, place), place);
        }
        if test.is_empty() {
            for (file, place) in train {
                let arrays = self.arrays(file, place);
                if let Some((true, _)) = facts.read(&place.pointer, arrays.has_test()) {
                    self.add(facts, &mut testing, arrays.test(), place);
                }
            }
        }
        for (file, place) in test {
            let arrays = self.arrays(file, place).test_alone();
            self.add(facts, &mut testing, arrays, place);
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

fn named<'a>(file: &'a Npz, name: &str) -> Option<&'a ArrayInfo> {
    file.arrays().iter().find(|array| array.name == name)
}

/// Suggests which arrays are images and labels, where none is called as the parameters say.
fn guess(facts: &mut Facts, file: &Npz) {
    let is_test = |array: &&ArrayInfo| {
        let name = array.name.to_lowercase();
        ["test", "val"].iter().any(|part| name.contains(part))
    };
    let parts: [Vec<&ArrayInfo>; 2] = {
        let (test, train) = file.arrays().iter().partition(is_test);
        [train, test]
    };
    let parameters = [
        ["train_images", "train_labels"],
        ["test_images", "test_labels"],
    ];
    for (arrays, [images, labels]) in parts.iter().zip(parameters) {
        let most = arrays.iter().max_by_key(|array| array.count());
        let Some(most) = most.filter(|array| array.shape.len() >= 2) else {
            continue;
        };
        let is_of_it = |array: &&&ArrayInfo| {
            array.shape.len() <= 2
                && array.name != most.name
                && array.shape.first() == most.shape.first()
        };
        if let Some(found) = arrays.iter().find(is_of_it) {
            facts.suggest(images, most.name.clone());
            facts.suggest(labels, found.name.clone());
        }
    }
}
