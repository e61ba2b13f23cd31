//! What a program that was started answered.

use std::process::{Command, Output};

use serde_json::Value;

/// Exit code and output of a program that has ended.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Answer {
    /// Runs a command to its end.
    #[track_caller]
    pub fn of(command: &mut Command) -> Self {
        let output = command.output();
        output
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
            .into()
    }

    /// Asserts how it ended.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that all `words` occur in what it wrote to standard error. Reports are broken into lines for the terminal;
    /// where is ignored.
    #[track_caller]
    pub fn explains(self, words: &[&str]) -> Self {
        let text: Vec<&str> = self
            .stderr
            .split_whitespace()
            .filter(|&word| word != "│")
            .collect();
        let text = text.join(" ");
        for word in words {
            assert!(text.contains(word), "`{word}` is not in\n{}", self.stderr);
        }
        self
    }

    /// Asserts that it ended with exit code 2, which is for what cannot be done as asked, and said why.
    #[track_caller]
    pub fn refuses(self, words: &[&str]) {
        self.expect(2).explains(words);
    }

    /// The JSON on standard output, of version 1.
    #[track_caller]
    pub fn json(&self) -> Value {
        let json: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr));
        assert_eq!(json["version"], 1);
        json
    }
}
