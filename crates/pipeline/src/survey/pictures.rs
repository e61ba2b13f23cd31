//! What has changed in a folder of pictures, in a line.

use std::cmp::Ordering;

use eigenscope_artifact::escaped;
use eigenscope_stage::FolderPicture;

use super::first_few;

/// Pictures of one sort that are named.
const SHOWN: usize = 3;

/// Counts and first names of the pictures that changed, are new, or are gone; `None` if both lists hold the same ones, in any order.
pub(super) fn changes(before: &[FolderPicture], now: &[FolderPicture]) -> Option<String> {
    let sorted = |pictures: &[FolderPicture]| {
        let mut pictures = pictures.to_vec();
        pictures.sort();
        pictures
    };
    let (before, now) = (sorted(before), sorted(now));
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    let (mut changed, mut new, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let order = match (before.peek(), now.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.0.cmp(&new.0),
        };
        match order {
            Ordering::Less => gone.extend(before.next().map(|picture| picture.0.as_str())),
            Ordering::Greater => new.extend(now.next().map(|picture| picture.0.as_str())),
            Ordering::Equal => {
                if let (Some(old), Some(new)) = (before.next(), now.next())
                    && old != new
                {
                    changed.push(new.0.as_str());
                }
            }
        }
    }
    let clauses = [
        clause(&changed, "changed"),
        clause(&new, "new"),
        clause(&gone, "gone"),
    ];
    let clauses: Vec<String> = clauses.into_iter().flatten().collect();
    (!clauses.is_empty()).then(|| clauses.join("; "))
}

fn clause(names: &[&str], what: &str) -> Option<String> {
    let count = names.len();
    let pictures = match count {
        0 => return None,
        1 => "picture is",
        _ => "pictures are",
    };
    let names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
    let names = first_few(&names, SHOWN);
    Some(format!("{count} {pictures} {what} ({names})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(names: &[(&str, &str)]) -> Vec<FolderPicture> {
        let picture = |(name, digest): &(&str, &str)| {
            FolderPicture((*name).to_owned(), 1, (*digest).to_owned())
        };
        names.iter().map(picture).collect()
    }

    #[test]
    fn line_breaks_in_names_are_escaped() {
        let now = pictures(&[("a\n/1", "x")]);
        let expected = "1 picture is new (a\\n/1)";
        assert_eq!(changes(&[], &now).as_deref(), Some(expected));
    }

    #[test]
    fn pictures_that_differ_are_counted_and_named() {
        let before = pictures(&[("a/1", "x"), ("b/1", "x"), ("a/sub/1", "x")]);
        assert_eq!(changes(&before, &before), None);
        let now = pictures(&[("a/1", "y"), ("a/2", "x"), ("a/3", "x"), ("b/1", "x")]);
        assert_eq!(
            changes(&before, &now).as_deref(),
            Some(
                "1 picture is changed (a/1); 2 pictures are new (a/2, a/3); 1 picture is gone (a/sub/1)"
            )
        );
        let names: Vec<String> = (0..5).map(|number| number.to_string()).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(
            changes(&pictures(&many), &[]).as_deref(),
            Some("5 pictures are gone (0, 1, 2 and 2 more)")
        );
    }
}
