//! Commands that a user is told to run: with the pipeline as it was given, and with the folders and the device that were given.

use std::path::Path;

use crate::arguments::{self, ProjectArguments};

/// What stands after the name of a command about a pipeline, so that it reaches the same results.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// Quoted for POSIX shells.
    words: String,
}

impl Invocation {
    pub(crate) fn new(arguments: &ProjectArguments, pipeline: &str) -> Self {
        let mut words = Vec::new();
        let folders = [
            ("--artifacts", &arguments.artifacts, arguments::artifacts()),
            ("--data-dir", &arguments.data_dir, arguments::data_dir()),
        ];
        for (option, folder, default) in folders {
            if *folder != default {
                words.extend([option.to_owned(), quoted_path(folder)]);
            }
        }
        if let Some(device) = arguments.device {
            words.extend(["--device".to_owned(), device.name().to_owned()]);
        }
        if let Some(folder) = &arguments.cuda_libraries {
            words.extend(["--cuda-libraries".to_owned(), quoted_path(folder)]);
        }
        if arguments.no_lock {
            words.push("--no-lock".to_owned());
        }
        words.push(quoted(pipeline));
        Self {
            words: words.join(" "),
        }
    }

    /// Folders and the device, if they are not those that are taken without a word, and the pipeline.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// The line of a command of this program.
    pub(crate) fn command(&self, name: &str) -> String {
        format!("eigenscope {name} {}", self.words)
    }

    /// The line of a command of this program about some tasks.
    pub(crate) fn command_of(&self, name: &str, tasks: &str) -> String {
        format!("{} '{}'", self.command(name), tasks.replace('\'', r"'\''"))
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+,:@=".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_stage::DeviceChoice;

    use super::*;

    #[test]
    fn commands_name_the_pipeline_as_it_was_given_and_folders_that_are_not_the_usual_ones() {
        let mut arguments = ProjectArguments {
            artifacts: arguments::artifacts(),
            data_dir: arguments::data_dir(),
            device: None,
            cuda_libraries: None,
            no_lock: false,
        };
        let usual = Invocation::new(&arguments, "dir/p.toml");
        assert_eq!(usual.command("status"), "eigenscope status dir/p.toml");
        arguments.artifacts = "my results".into();
        arguments.device = Some(DeviceChoice::Auto);
        arguments.no_lock = true;
        let other = Invocation::new(&arguments, "p");
        assert_eq!(
            other.command_of("run", "figure.map[x='a b']"),
            r"eigenscope run --artifacts 'my results' --device auto --no-lock p 'figure.map[x='\''a b'\'']'"
        );
    }

    #[test]
    fn words_are_quoted_for_a_shell_where_they_must_be() {
        assert_eq!(quoted("/data/my-images"), "/data/my-images");
        assert_eq!(quoted("my 'cats'"), r"'my '\''cats'\'''");
        assert_eq!(quoted(""), "''");
    }
}
