//! Whether the parameters that a task kind describes are those that its task reads.

use std::collections::BTreeSet;

use serde::de::value::Error as Captured;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use crate::description::{Parameter, ParameterType};

/// Compares the described parameters with the fields of `P`, and makes a `P` of the default values.
///
/// Required parameters get a value that their type allows. Parameters with a choice of words or variants are tried with each.
///
/// # Errors
/// The names that only one side has, or the value of which no `P` can be made.
pub(crate) fn check<P: DeserializeOwned>(parameters: &[Parameter]) -> Result<(), String> {
    let described: BTreeSet<&str> = parameters.iter().map(|one| one.name.as_str()).collect();
    let read: BTreeSet<&str> = names::<P>()?.iter().copied().collect();
    let lists = [
        ("fields without a description", &read - &described),
        ("described parameters without a field", &described - &read),
    ];
    let mut faults = Vec::new();
    for (what, names) in lists {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            faults.push(format!("{what}: {}", names.join(", ")));
        }
    }
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    let samples: Vec<(&str, Vec<Value>)> = parameters
        .iter()
        .map(|one| {
            let default = one.default.iter().cloned();
            let values = default.chain(samples(&one.kind)).collect();
            (one.name.as_str(), values)
        })
        .collect();
    let first = samples.iter().filter_map(|(name, values)| {
        let value = values.first()?.clone();
        Some(((*name).to_owned(), value))
    });
    let first: Map<String, Value> = first.collect();
    for (name, values) in &samples {
        for value in values {
            let mut all = first.clone();
            all.insert((*name).to_owned(), value.clone());
            P::deserialize(Value::Object(all))
                .map_err(|error| format!("`{name}` = {value} cannot be read: {error}"))?;
        }
    }
    Ok(())
}

/// Values of a type, at least one: every word and variant, the smallest number.
fn samples(kind: &ParameterType) -> Vec<Value> {
    match kind {
        ParameterType::Boolean => vec![false.into(), true.into()],
        ParameterType::Integer { minimum, .. } => vec![(*minimum).into()],
        ParameterType::Number { minimum, .. } => vec![(*minimum).into()],
        ParameterType::Text | ParameterType::Free { .. } => vec!["text".into()],
        ParameterType::Choice(words) => words.iter().map(|word| word.as_str().into()).collect(),
        ParameterType::List { item, length, .. } => {
            let items = samples(item);
            let length = length.unwrap_or(items.len());
            vec![items.iter().cycle().take(length).cloned().collect()]
        }
        ParameterType::OneOf(variants) => {
            let variants = variants.iter().map(|variant| {
                let fields = variant.fields.iter();
                let fields: Map<String, Value> = fields
                    .filter_map(|field| Some((field.name.clone(), samples(&field.kind).pop()?)))
                    .collect();
                match fields.is_empty() {
                    true => variant.name.as_str().into(),
                    false => Value::Object(Map::from_iter([(variant.name.clone(), fields.into())])),
                }
            });
            variants.collect()
        }
        ParameterType::Either(types) => types.iter().flat_map(samples).collect(),
    }
}

/// The names of the fields of a struct, as its `Deserialize` reads them.
fn names<P: DeserializeOwned>() -> Result<&'static [&'static str], String> {
    let mut names = None;
    // It always ends with an error: there is nothing to make a value of.
    let _ = P::deserialize(Capture(&mut names));
    names.ok_or_else(|| {
        format!(
            "`{}` is not a struct with fields",
            std::any::type_name::<P>()
        )
    })
}

/// Remembers the fields that a struct asks for.
struct Capture<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Capture<'_> {
    type Error = Captured;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Captured> {
        Err(Captured::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Captured> {
        *self.0 = Some(fields);
        Err(Captured::custom("the fields are known"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::Variant;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    #[allow(dead_code, reason = "only read")]
    enum Noise {
        None,
        Gaussian { std: f64 },
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Parameters {
        kept: u8,
        noise: Noise,
        #[serde(rename = "file")]
        path: String,
    }

    fn described() -> [Parameter; 3] {
        let noise = ParameterType::OneOf(vec![
            Variant::new("none", Vec::new()),
            Variant::new(
                "gaussian",
                vec![Parameter::required(
                    "std",
                    ParameterType::between(0.0, 1.0),
                    "",
                )],
            ),
        ]);
        [
            Parameter::optional("kept", ParameterType::at_least(1), 30, ""),
            Parameter::optional("noise", noise, "none", ""),
            Parameter::required("file", ParameterType::Text, ""),
        ]
    }

    #[test]
    fn what_is_described_is_what_is_read() {
        assert_eq!(check::<Parameters>(&described()), Ok(()));
    }

    #[test]
    fn every_disagreement_is_named() {
        let [kept, mut noise, file] = described();
        let wrong =
            |parameters: &[Parameter]| check::<Parameters>(parameters).expect_err("a disagreement");
        assert_eq!(
            wrong(&[kept.clone(), file.clone()]),
            "fields without a description: `noise`"
        );
        let path = Parameter {
            name: "path".to_owned(),
            ..file.clone()
        };
        assert_eq!(
            wrong(&[kept.clone(), noise.clone(), path]),
            "fields without a description: `file`; described parameters without a field: `path`"
        );
        let large = Parameter {
            default: Some(json!(300)),
            ..kept.clone()
        };
        let fault = wrong(&[large, noise.clone(), file.clone()]);
        assert!(
            fault.starts_with("`kept` = 300 cannot be read: "),
            "{fault}"
        );
        let ParameterType::OneOf(variants) = &mut noise.kind else {
            unreachable!()
        };
        variants.push(Variant::new("uniform", Vec::new()));
        let fault = wrong(&[kept, noise, file]);
        assert!(
            fault.contains("\"uniform\" cannot be read: unknown variant"),
            "{fault}"
        );
    }

    #[test]
    fn parameters_are_fields_of_a_struct() {
        let fault = check::<Vec<u8>>(&[]).expect_err("no struct");
        assert!(fault.contains("is not a struct with fields"), "{fault}");
    }
}
