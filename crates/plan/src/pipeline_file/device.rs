//! On which device each task computes: what the user asks for, and whether its kind can do that.

use std::collections::BTreeMap;

use eigenscope_stage::{CardSupport, Device, DeviceChoice, TaskKindDescription};
use serde_json::Value;

use super::expand::ExpandedTable;
use super::table::Table;
use crate::file::{self, Entry, FileError, Problems};
use crate::plan::{PlannedTask, TaskDevice};
use crate::programs::Programs;

/// Key of the device, of a pipeline file and of its tables.
pub(crate) const DEVICE: &str = "device";

/// Reads the value of the key.
pub(crate) fn choice(entry: &Entry, problems: &mut Problems) -> Option<DeviceChoice> {
    let kind = DeviceChoice::parameter_type();
    let name = file::value(&entry.node, &kind, DEVICE, problems)?;
    DeviceChoice::named(name.as_str()?)
}

/// Settles on which device the tasks compute. `of_file` is what the pipeline file says about all of them; the command line comes
/// before it, and before what tables say.
pub(crate) fn settle(
    expanded: &[ExpandedTable<'_>],
    tasks: &mut [PlannedTask],
    of_file: Option<DeviceChoice>,
    programs: &Programs,
    problems: &mut Problems,
) {
    for ExpandedTable {
        table,
        kind,
        tasks: range,
    } in expanded
    {
        let Some(support) = &kind.card else {
            continue;
        };
        let asked = programs.device().or(table.device).or(of_file);
        let Some(tasks) = tasks.get_mut(range.clone()) else {
            continue;
        };
        let settling = Settling {
            table,
            kind,
            support,
            asked: asked.unwrap_or_default(),
            programs,
        };
        settling.settle(tasks, problems);
    }
}

struct Settling<'a> {
    table: &'a Table<'a>,
    kind: &'a TaskKindDescription,
    support: &'a CardSupport,
    asked: DeviceChoice,
    programs: &'a Programs,
}

impl Settling<'_> {
    fn settle(&self, tasks: &mut [PlannedTask], problems: &mut Problems) {
        // Parameters are shared by the tasks that differ in other things; each problem is reported once.
        let mut known: BTreeMap<*const Value, TaskDevice> = BTreeMap::new();
        for task in tasks {
            let parameters = &task.parameters;
            let device = *known
                .entry(std::ptr::from_ref(&**parameters))
                .or_insert_with(|| self.device(parameters, problems));
            task.device = device;
            if device.computes == Device::Cuda {
                // The processor only hands out work.
                task.resources.threads = 1;
                task.resources.extra_threads = 0;
            }
        }
    }

    fn device(&self, parameters: &Value, problems: &mut Problems) -> TaskDevice {
        let mut only = self
            .kind
            .parameters
            .iter()
            .filter(|parameter| parameter.card_only);
        let only =
            only.find(|parameter| parameters.get(&parameter.name) != parameter.default.as_ref());
        let card = |accepts| TaskDevice {
            computes: Device::Cuda,
            accepts,
            card_memory_mib: self.support.memory_mib,
        };
        match (self.asked, only) {
            (DeviceChoice::Cpu, Some(only)) => problems.add(|| {
                let (name, value) = (&only.name, &parameters[&only.name]);
                let message = format!("[{}] has `{name}` = {value}, which is for graphics cards, and computes on the processor", self.table.id);
                let span = self.table.value_spans.get(name.as_str()).unwrap_or(&self.table.header);
                let card = match self.programs.device() {
                    Some(_) => "leave `--device` out",
                    None => "ask for a card with device = \"cuda\"",
                };
                FileError::new("for_cards_only", message)
                    .at(span, "not on the processor")
                    .help(format!("leave `{name}` out, or {card}"))
            }),
            (DeviceChoice::Cpu, None) => {}
            // What only cards can do is done there or not at all.
            (DeviceChoice::Cuda, _) | (DeviceChoice::Auto, Some(_)) => return card(None),
            (DeviceChoice::Auto, None) if self.programs.has_card() => return card(Some(Device::Cpu)),
            (DeviceChoice::Auto, None) => {
                return TaskDevice {
                    accepts: Some(Device::Cuda),
                    ..TaskDevice::default()
                };
            }
        }
        TaskDevice::default()
    }
}
