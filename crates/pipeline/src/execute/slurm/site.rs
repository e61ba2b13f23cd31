//! What a site gives a job and a user, as Slurm itself says it.

use eigenscope_plan::settings::Slurm;

use super::commands::{CommandError, run};

/// Limits of a site; `None`: none that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Largest number of elements of a job array.
    pub elements: Option<usize>,
    /// Jobs that the controller knows at a time, array elements counted one by one.
    pub jobs: Option<usize>,
    /// Longest time of a job in the partition, in minutes.
    pub minutes: Option<u64>,
    /// Processors of the largest node of the partition.
    pub threads: Option<usize>,
    /// Memory of the largest node of the partition, in MiB.
    pub memory_mib: Option<u64>,
}

/// `MaxArraySize` of Slurm unless a site sets another.
pub const USUAL_ELEMENTS: usize = 1001;

impl Limits {
    /// What Slurm gives unless a site sets something else.
    pub(super) fn usual() -> Self {
        Self {
            elements: Some(USUAL_ELEMENTS),
            ..Self::default()
        }
    }

    /// Asks Slurm. What it does not say is no limit; that it cannot be asked at all is an error.
    pub(super) fn ask(settings: &Slurm) -> Result<Self, CommandError> {
        let mut limits = Self::default();
        limits.read_config(&run("scontrol", &["show", "config"])?);
        let partition = settings.partition.as_deref();
        let mut arguments = vec!["-h", "-o", "%c %m %l %P"];
        arguments.extend(partition.map(|_| "-p"));
        arguments.extend(partition);
        match run("sinfo", &arguments) {
            Ok(text) => limits.read_partition(&text, partition.is_none()),
            Err(error) => tracing::debug!("no limits of the partition: {error}"),
        }
        Ok(limits)
    }

    /// Reads `scontrol show config`.
    fn read_config(&mut self, text: &str) {
        let value = |name: &str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            let mut named = lines.filter(|(key, _)| key.trim() == name);
            named.next()?.1.trim().parse::<usize>().ok()
        };
        self.elements = value("MaxArraySize").filter(|&size| size > 0);
        self.jobs = value("MaxJobCount").filter(|&count| count > 0);
    }

    /// Reads lines of `sinfo -o "%c %m %l %P"`: processors, memory, longest time, partition. The default partition has a star.
    fn read_partition(&mut self, text: &str, of_default: bool) {
        let lines = text.lines().map(|line| line.split_whitespace());
        for mut fields in lines {
            let (cpus, memory, time) = (fields.next(), fields.next(), fields.next());
            let name = fields.next().unwrap_or_default();
            if of_default && !name.ends_with('*') {
                continue;
            }
            let number = |text: Option<&str>| text?.trim_end_matches('+').parse::<u64>().ok();
            let threads = number(cpus).and_then(|cpus| usize::try_from(cpus).ok());
            self.threads = self.threads.max(threads);
            self.memory_mib = self.memory_mib.max(number(memory));
            let minutes = time.and_then(minutes);
            self.minutes = self.minutes.max(minutes);
        }
    }
}

/// Whole minutes of a time limit as Slurm prints it; `None` for "infinite" and whatever else is no time.
fn minutes(text: &str) -> Option<u64> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let parts = rest.split(':').map(|part| part.parse::<u64>().ok());
    let parts = parts.collect::<Option<Vec<u64>>>()?;
    let minutes = match parts.as_slice() {
        [minutes] | [minutes, _] => *minutes,
        [hours, minutes, _] => hours.checked_mul(60)?.checked_add(*minutes)?,
        _ => return None,
    };
    let days: u64 = days.parse().ok()?;
    days.checked_mul(1440)?.checked_add(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_slurm_prints_them() {
        let mut limits = Limits::default();
        limits.read_config(
            "MaxArraySize            = 1001\nMaxJobCount             = 10000\nX = y\n",
        );
        limits.read_partition("4 4000 1:00:00 main*\n8+ 16000+ 2-00:00:00 long\n", true);
        let expected = Limits {
            elements: Some(1001),
            jobs: Some(10000),
            minutes: Some(60),
            threads: Some(4),
            memory_mib: Some(4000),
        };
        assert_eq!(limits, expected);
        limits.read_partition("8+ 16000+ 2-00:00:00 long\n", false);
        assert_eq!((limits.threads, limits.minutes), (Some(8), Some(2880)));
        let mut free = Limits::default();
        free.read_partition("4 4000 infinite main*\n", true);
        assert_eq!(free.minutes, None);
    }
}
