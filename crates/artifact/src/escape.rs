//! Names that users gave, in messages of one line.

/// A text with its control characters escaped, such as line breaks in the name of a file.
///
/// ```
/// assert_eq!(eigenscope_artifact::escaped("cat\nÄ"), "cat\\nÄ");
/// ```
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => escaped.extend(letter.escape_default()),
            false => escaped.push(letter),
        }
    }
    escaped
}
