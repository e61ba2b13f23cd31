//! Writing of HTML: elements are nested correctly, and texts and attributes are escaped.

use eigenscope_figure::escape;

/// A writer of an HTML document.
pub(super) struct Html {
    text: String,
}

impl Html {
    pub(super) fn document() -> Self {
        Self {
            text: "<!DOCTYPE html>\n".to_owned(),
        }
    }

    /// Writes an element with content.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        content(self);
        self.text.push_str(&format!("</{name}>"));
        if !INLINE.contains(&name) {
            self.text.push('\n');
        }
    }

    /// Writes a void element, such as `meta`.
    pub(super) fn void(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.text.push('\n');
    }

    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(&escape(text));
    }

    /// Writes text without escaping it: scripts, styles and drawings of our own.
    pub(super) fn trusted(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Writes JSON for scripts, as text that is never run and in which no tag can begin or end.
    pub(super) fn json(&mut self, id: &str, json: &str) {
        self.element(
            "script",
            &[("type", "application/json"), ("id", id)],
            |html| {
                let escaped = json.replace('<', "\\u003c").replace('>', "\\u003e");
                html.text.push_str(&escaped.replace('&', "\\u0026"));
            },
        );
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text
                .push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
        self.text.push('>');
    }
}

/// Inline elements, after which a line break would be visible as a blank.
const INLINE: [&str; 7] = ["a", "b", "code", "span", "button", "pre", "summary"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_attributes_and_json_are_escaped() {
        let hostile = "</script><img src=x onerror=\"a&b\">'";
        let mut html = Html::document();
        html.element("p", &[("title", hostile)], |html| html.text(hostile));
        html.json("x", &serde_json::to_string(hostile).unwrap());
        let text = html.finish();
        assert_eq!(text.matches("<img").count(), 0);
        assert_eq!(text.matches("</script>").count(), 1);
        let json = text
            .split_once("id=\"x\">")
            .unwrap()
            .1
            .split_once("</script>")
            .unwrap()
            .0;
        assert_eq!(serde_json::from_str::<String>(json).unwrap(), hostile);
    }
}
