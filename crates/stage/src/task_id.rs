//! The parts of a task id, such as `train.bilinear[hidden=300,seed=2]`.

/// The table of the pipeline file that the task comes from: `train.bilinear`.
pub fn table_of(id: &str) -> &str {
    id.split_once('[').map_or(id, |(table, _)| table)
}

/// Name of that table, without its stage: `bilinear`.
pub fn name_of(id: &str) -> &str {
    let table = table_of(id);
    table.split_once('.').map_or(table, |(_, name)| name)
}

/// The labels: (`hidden`, `300`) and (`seed`, `2`).
pub fn labels_of(id: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = id
        .split_once('[')
        .and_then(|(_, rest)| rest.strip_suffix(']'));
    let labels = inside.unwrap_or_default().split(',');
    labels.filter_map(|label| label.split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_id() {
        let id = "train.bilinear[hidden=300,seed=2]";
        assert_eq!((table_of(id), name_of(id)), ("train.bilinear", "bilinear"));
        let labels: Vec<_> = labels_of(id).collect();
        assert_eq!(labels, [("hidden", "300"), ("seed", "2")]);
        let plain = "data.digits";
        assert_eq!((table_of(plain), name_of(plain)), (plain, "digits"));
        assert_eq!(labels_of(plain).count(), 0);
    }
}
