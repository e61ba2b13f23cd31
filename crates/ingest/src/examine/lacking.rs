//! Which files of published data sets are missing. Everything else about these sets is in the descriptions of their kinds.

use eigenscope_stage::{Examination, Examined, TaskError};

use crate::error::{IngestError, with_causes};
use crate::published::{CIFAR10, FASHION_MNIST, KMNIST, MNIST};
use crate::sets::{lacking_cifar, lacking_idx};

fn answer(lacking: Option<IngestError>) -> Result<Examined, TaskError> {
    Ok(Examined {
        lacking: lacking.map(|error| with_causes(&error)),
        ..Examined::default()
    })
}

pub(crate) fn mnist(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    answer(lacking_idx(examination.data_dir(), &MNIST))
}

pub(crate) fn fashion_mnist(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    answer(lacking_idx(examination.data_dir(), &FASHION_MNIST))
}

pub(crate) fn kmnist(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    answer(lacking_idx(examination.data_dir(), &KMNIST))
}

pub(crate) fn cifar10(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    answer(lacking_cifar(examination.data_dir(), &CIFAR10))
}
