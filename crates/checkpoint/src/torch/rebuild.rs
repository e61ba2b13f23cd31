//! Tensors as pickles describe them: a call of one of PyTorch's functions that rebuild a tensor, with a storage, an offset, a shape
//! and strides.

use crate::pickle::{Node, Object, Pickle, Value};
use crate::{DType, limits};

/// A tensor, with everything counted in values.
#[derive(Debug)]
pub(crate) struct Rebuilt {
    pub(crate) storage: Storage,
    pub(crate) dtype: DType,
    pub(crate) offset: u64,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<u64>,
}

/// A storage by its key, from a value on.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) key: String,
    pub(crate) offset: u64,
}

/// What identifies a storage in a pickle.
pub(crate) struct StorageRef<'a> {
    pub(crate) key: &'a str,
    /// `None` for bytes without a type.
    pub(crate) dtype: Option<DType>,
    /// Values before it in the storage of that key.
    pub(crate) offset: u64,
}

/// The function that rebuilds a quantised tensor. Its type is that of its storage.
const QUANTISED: &str = "_rebuild_qtensor";

/// How many calls around a tensor are looked through.
const WRAPPERS: usize = 4;

/// How many entries of the metadata of a tensor are looked at. PyTorch writes two, and many tensors may refer to the same ones.
const METADATA: usize = 16;

/// The tensor that `value` describes; `None` if it is something else, a reason if it is a tensor that cannot be read.
pub(crate) fn tensor(pickle: &Pickle, value: Value) -> Option<Result<Rebuilt, String>> {
    let object = pickle.object(value)?;
    let (mut class, mut arguments) = (object.class, object.arguments);
    for _ in 0..WRAPPERS {
        let global = pickle.global(class)?;
        let list = pickle.sequence(arguments)?;
        match (global.module.as_str(), global.name.as_str()) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | QUANTISED) => {
                return Some(strided(pickle, list, None));
            }
            ("torch._utils", "_rebuild_tensor_v3") => {
                return Some(strided(pickle, list, list.get(6).copied()));
            }
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                let inner: &Object = pickle.object(*list.first()?)?;
                (class, arguments) = (inner.class, inner.arguments);
            }
            ("torch._tensor", "_rebuild_from_type_v2") => {
                (class, arguments) = (*list.first()?, *list.get(2)?);
            }
            ("torch._utils", name) if name.starts_with("_rebuild_") => {
                return Some(Err(format!(
                    "a tensor of a special kind (`{name}`: sparse or of another device) cannot be read; \
                     save it as a plain tensor, for example `tensor.to_dense()`"
                )));
            }
            _ => return None,
        }
    }
    None
}

/// The types of all quantised tensors, wherever they are in a file.
pub(crate) fn quantised(pickle: &Pickle) -> Vec<DType> {
    let objects = pickle.nodes.iter().filter_map(|node| match node {
        Node::Object(object) => Some(object),
        _ => None,
    });
    let of_pytorch = objects.filter(|object| {
        let global = pickle.global(object.class);
        global.is_some_and(|global| global.module == "torch._utils" && global.name == QUANTISED)
    });
    let tensors = of_pytorch.filter_map(|object| {
        let arguments = pickle.sequence(object.arguments)?;
        strided(pickle, arguments, None).ok()
    });
    tensors.map(|tensor| tensor.dtype).collect()
}

/// A tensor from the arguments (storage, offset, shape, strides, ...) of `_rebuild_tensor*`.
fn strided(pickle: &Pickle, arguments: &[Value], dtype: Option<Value>) -> Result<Rebuilt, String> {
    let [storage, offset, shape, strides, ..] = arguments else {
        return Err("it is described by fewer than 4 values".to_owned());
    };
    let Some(Node::Persistent(identity)) = pickle.node(*storage) else {
        return Err("its storage is none".to_owned());
    };
    let storage = storage_of(pickle, *identity)?;
    let dtype = match dtype {
        Some(dtype) => dtype_of(pickle, dtype)?,
        None => storage
            .dtype
            .ok_or("neither it nor its storage has a type")?,
    };
    if arguments
        .get(6)
        .is_some_and(|last| is_negated(pickle, *last))
    {
        return Err(
            "its values are stored with the other sign; save `tensor.resolve_neg()`".into(),
        );
    }
    Ok(Rebuilt {
        storage: Storage {
            key: storage.key.to_owned(),
            offset: storage.offset,
        },
        dtype,
        offset: size(*offset).ok_or("its offset is no size")?,
        shape: sizes(pickle, *shape)
            .and_then(|shape| shape.into_iter().map(|side| side.try_into().ok()).collect())
            .ok_or("its shape is not made of sizes")?,
        strides: sizes(pickle, *strides).ok_or("its strides are not made of sizes")?,
    })
}

/// Whether metadata of a tensor says that its values have the other sign (`neg`).
fn is_negated(pickle: &Pickle, metadata: Value) -> bool {
    let Some(Node::Dict(items)) = pickle.node(metadata) else {
        return false;
    };
    let mut items = items.iter().take(METADATA);
    items.any(|(key, value)| pickle.text(*key) == Some("neg") && *value == Value::Bool(true))
}

fn size(value: Value) -> Option<u64> {
    match value {
        Value::Int(value) => value.try_into().ok(),
        _ => None,
    }
}

/// The sizes in a tuple; of more than a tensor has dimensions, no more than shows that.
fn sizes(pickle: &Pickle, value: Value) -> Option<Vec<u64>> {
    // `torch.Size` is a call with a tuple.
    let value = match pickle.object(value) {
        Some(object) => *pickle.sequence(object.arguments)?.first()?,
        None => value,
    };
    let values = pickle.sequence(value)?.iter().take(limits::DIMENSIONS + 1);
    values.map(|&value| size(value)).collect()
}

/// Reads `('storage', type, key, location, size)`, in old files with `(view key, offset, size)` or nothing after it.
pub(crate) fn storage_of(pickle: &Pickle, identity: Value) -> Result<StorageRef<'_>, String> {
    let parts = pickle.sequence(identity).unwrap_or(&[]);
    let [tag, class, key, ..] = parts else {
        return Err("its storage is not described as PyTorch does".to_owned());
    };
    let (Some("storage"), Some(key)) = (pickle.text(*tag), pickle.text(*key)) else {
        return Err("its storage is not described as PyTorch does".to_owned());
    };
    if key.len() > limits::NAME_BYTES {
        return Err(format!("the key of its storage has {} bytes", key.len()));
    }
    let global = pickle.global(*class).ok_or("its storage has no class")?;
    let dtype = storage_type(&global.name)
        .ok_or_else(|| format!("storages of class `{}` are not known", global.name))?;
    let offset = match parts.get(5).and_then(|view| pickle.sequence(*view)) {
        Some([_, offset, ..]) => size(*offset).ok_or("its storage begins nowhere")?,
        _ => 0,
    };
    Ok(StorageRef { key, dtype, offset })
}

/// The type of the values in storages of a class; `Some(None)` for bytes without type.
fn storage_type(class: &str) -> Option<Option<DType>> {
    let other = |name, bits| DType::Other { name, bits };
    Some(Some(match class.strip_suffix("Storage")? {
        "Untyped" | "_Untyped" => return Some(None),
        "Float" => DType::F32,
        "Double" => DType::F64,
        "Half" => DType::F16,
        "BFloat16" => DType::BF16,
        "Byte" => DType::U8,
        "Char" => DType::I8,
        "Short" => DType::I16,
        "Int" => DType::I32,
        "Long" => DType::I64,
        "Bool" => DType::Bool,
        "ComplexFloat" => other("complex64", 64),
        "ComplexDouble" => other("complex128", 128),
        "QUInt8" => other("quint8", 8),
        "QInt8" => other("qint8", 8),
        "QInt32" => other("qint32", 32),
        "QUInt4x2" => other("quint4x2", 4),
        "QUInt2x4" => other("quint2x4", 2),
        _ => return None,
    }))
}

/// `torch.uint16` and others, which storages have no classes for.
fn dtype_of(pickle: &Pickle, value: Value) -> Result<DType, String> {
    let other = |name, bits| DType::Other { name, bits };
    let global = pickle
        .global(value)
        .filter(|global| global.module == "torch");
    let name = global.map_or("", |global| global.name.as_str());
    Ok(match name {
        "float32" => DType::F32,
        "float64" => DType::F64,
        "float16" => DType::F16,
        "bfloat16" => DType::BF16,
        "uint8" => DType::U8,
        "int8" => DType::I8,
        "int16" => DType::I16,
        "int32" => DType::I32,
        "int64" => DType::I64,
        "bool" => DType::Bool,
        "uint16" => DType::U16,
        "uint32" => DType::U32,
        "uint64" => DType::U64,
        "float8_e4m3fn" => DType::F8E4M3,
        "float8_e5m2" => DType::F8E5M2,
        "float8_e4m3fnuz" => other("float8_e4m3fnuz", 8),
        "float8_e5m2fnuz" => other("float8_e5m2fnuz", 8),
        "float8_e8m0fnu" => other("float8_e8m0fnu", 8),
        "complex32" => other("complex32", 32),
        _ => return Err(format!("values of type `{name}` are not known")),
    })
}
