//! The outputs of a result that is up to date.

use std::sync::Arc;

use eigenscope_artifact::KindName;
use eigenscope_plan::PlannedTask;

use crate::store::OutputRecord;

/// What is recorded of each output of a task. Tasks are many, so the names of the outputs are those of the plan.
#[derive(Debug, Clone)]
pub struct StoredOutputs {
    kinds: Arc<[KindName]>,
    records: Box<[Option<OutputRecord>]>,
}

impl StoredOutputs {
    /// The outputs of `task`, each with what `record` knows of it.
    pub(crate) fn new(
        task: &PlannedTask,
        record: impl Fn(&KindName) -> Option<OutputRecord>,
    ) -> Self {
        Self {
            kinds: Arc::clone(&task.outputs),
            records: task.outputs.iter().map(record).collect(),
        }
    }

    /// What is recorded of one output.
    pub fn get(&self, kind: &KindName) -> Option<&OutputRecord> {
        let position = self.kinds.iter().position(|known| known == kind)?;
        self.records.get(position)?.as_ref()
    }
}
