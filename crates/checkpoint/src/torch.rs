//! Files of `torch.save`: the zip archives of PyTorch 1.6 and later, and the streams of pickles before.

mod archive;
mod choose;
mod gather;
mod legacy;
mod rebuild;
mod structure;
mod together;

use crate::CheckpointError;
use crate::checkpoint::{Contents, TensorInfo};
use crate::error::shown;
use crate::layout::{Data, Layout};
use crate::pickle::Pickle;
use crate::source::Source;

pub(crate) use archive::open_archive;
pub(crate) use legacy::{is_legacy, open_legacy};

use gather::Gathered;
use rebuild::Rebuilt;

/// Where the values of a storage are, by the key that its pickle gives it.
type FindStorage<'a> = dyn Fn(&str) -> Result<Data, CheckpointError> + 'a;

/// The state dictionary that `key` chooses from `pickle`.
fn contents(
    source: &Source,
    pickle: &Pickle,
    key: Option<&str>,
    storage: &FindStorage<'_>,
    big_endian: bool,
) -> Result<Contents, CheckpointError> {
    let (chosen, mut notes) = choose::choose(source, pickle, key)?;
    let gathered = gather::gather(source, pickle, chosen)?;
    notes.extend(gathered.notes);
    let tensors = gathered
        .tensors
        .into_iter()
        .map(|one| locate(source, one, storage, big_endian))
        .collect::<Result<_, _>>()?;
    Ok(Contents { tensors, notes })
}

fn locate(
    source: &Source,
    one: Gathered,
    storage: &FindStorage<'_>,
    big_endian: bool,
) -> Result<TensorInfo, CheckpointError> {
    let Gathered { name, tensor } = one;
    let place = || format!("tensor `{}`", shown(&name));
    let Rebuilt {
        storage: stored,
        dtype,
        offset,
        shape,
        strides,
    } = tensor.map_err(|reason| source.unsupported(place(), reason))?;
    let layout = Layout {
        data: storage(&stored.key)?,
        offset: stored
            .offset
            .checked_add(offset)
            .ok_or_else(|| source.damaged(place(), "an impossible offset"))?,
        strides: Some(strides),
        big_endian,
    };
    let layout = layout.normalised(&shape);
    let checked = layout.check(dtype, &shape);
    checked.map_err(|reason| source.damaged(place(), reason))?;
    Ok(TensorInfo::new(name, shape, dtype, layout))
}
