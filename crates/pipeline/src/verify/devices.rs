//! Devices in a verification: which results were computed on another one than now, and are compared by values.

use std::collections::BTreeSet;

use eigenscope_plan::Plan;
use eigenscope_stage::Device;

use crate::store::{Record, Store};
use crate::survey::{State, Survey};

/// What computed the results of a plan, by task.
pub(super) struct Devices {
    /// Whether the task, or something that it is made from, computes on a graphics card.
    on_card: Vec<bool>,
    /// The device of the stored result, if that or something that it was made from was computed on another one than now.
    other: Vec<Option<String>>,
    /// Tasks that are not computed again and whose stored results are of another device than they would be.
    borrowed: Vec<usize>,
}

impl Devices {
    /// Looks at the stored results of a plan, of which the `chosen` tasks are computed again.
    pub(super) fn new(
        plan: &Plan,
        store: &Store,
        stored: &Survey,
        chosen: &BTreeSet<usize>,
    ) -> Self {
        let mut devices = Self {
            on_card: Vec::new(),
            other: Vec::new(),
            borrowed: Vec::new(),
        };
        for (index, task) in plan.tasks.iter().enumerate() {
            let inputs = || task.inputs.iter().map(|input| input.task);
            let key = stored.get(index).and_then(State::key);
            let record = key.and_then(|key| Record::read(&store.folder(key)).ok().flatten());
            let computes = task.device.computes.name();
            let of_store = record.map(|record| record.key_inputs.device);
            let differing = of_store.filter(|of_store| of_store != computes);
            let now = match &differing {
                Some(of_store) if !chosen.contains(&index) => {
                    devices.borrowed.push(index);
                    of_store.as_str()
                }
                _ => computes,
            };
            let on_card =
                now == Device::Cuda.name() || inputs().any(|input| devices.on_card[input]);
            devices.on_card.push(on_card);
            let own = differing.filter(|_| chosen.contains(&index));
            let other = own.or_else(|| inputs().find_map(|input| devices.other[input].clone()));
            devices.other.push(other);
        }
        devices
    }

    /// The plan whose tasks accept the results that are taken from the store, or `None` if those of `plan` do.
    pub(super) fn accepting(&self, plan: &Plan) -> Option<Plan> {
        if self.borrowed.is_empty() {
            return None;
        }
        let mut plan = plan.clone();
        for &index in &self.borrowed {
            let device = &mut plan.tasks[index].device;
            device.accepts = Some(device.computes.other());
        }
        Some(plan)
    }

    /// Returns whether a result depends on a graphics card.
    pub(super) fn is_on_card(&self, task: usize) -> bool {
        self.on_card[task]
    }

    /// The device of the stored result of a task, if that was computed on another one.
    pub(super) fn other(&self, task: usize) -> Option<&str> {
        self.other[task].as_deref()
    }
}
