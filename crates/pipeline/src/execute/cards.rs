//! Graphics cards as a resource: which tasks compute on which.

use std::collections::BTreeMap;

use eigenscope_plan::TaskDevice;
use eigenscope_stage::{AssignedCard, CardLibraries, Device};

/// Most tasks that compute on one card at the same time. A small training spends more time on starting and reading than on the card,
/// so others compute meanwhile; many more would only take turns.
const TASKS_PER_CARD: usize = 3;

/// The cards of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cards {
    /// What drives them.
    pub libraries: CardLibraries,
    /// Number and memory in MiB of each.
    pub cards: Vec<(u32, u64)>,
}

/// Cards and who uses how much of their memory.
#[derive(Debug)]
pub(super) struct CardBudget {
    cards: Option<Cards>,
    /// For each task its card, by position, and its memory in MiB.
    used: BTreeMap<usize, (usize, u64)>,
}

impl CardBudget {
    pub(super) fn new(cards: Option<Cards>) -> Self {
        Self {
            cards,
            used: BTreeMap::new(),
        }
    }

    /// Returns whether a task can start now, as far as cards are concerned.
    pub(super) fn fits(&self, device: TaskDevice) -> bool {
        device.computes != Device::Cuda || self.best(device).is_some()
    }

    /// The position of the card with the fewest tasks, of those that have room. One that is too small for a task alone takes it: the
    /// task says itself what it lacks.
    fn best(&self, device: TaskDevice) -> Option<usize> {
        let cards = self.cards.iter().flat_map(|cards| &cards.cards);
        let rooms = cards.enumerate().filter_map(|(position, (_, memory_mib))| {
            let shares = self.used.values().filter(|(card, _)| *card == position);
            let (tasks, used) = shares.fold((0, 0), |(tasks, used), (_, memory)| {
                (tasks + 1, used + memory)
            });
            let has_room = tasks < TASKS_PER_CARD && used + device.card_memory_mib <= *memory_mib;
            (tasks == 0 || has_room).then_some((tasks, position))
        });
        rooms.min().map(|(_, position)| position)
    }

    /// Gives a task that fits its card; `None` if it needs none.
    pub(super) fn take(&mut self, task: usize, device: TaskDevice) -> Option<AssignedCard> {
        if device.computes != Device::Cuda {
            return None;
        }
        let position = self.best(device)?;
        let cards = self.cards.as_ref()?;
        let (index, _) = *cards.cards.get(position)?;
        self.used.insert(task, (position, device.card_memory_mib));
        Some(AssignedCard {
            index,
            libraries: cards.libraries.clone(),
        })
    }

    pub(super) fn give_back(&mut self, task: usize) {
        self.used.remove(&task);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn budget(cards: &[(u32, u64)]) -> CardBudget {
        let library = || PathBuf::from("library");
        CardBudget::new(Some(Cards {
            libraries: CardLibraries {
                driver: library(),
                nvrtc: library(),
                cublas: library(),
            },
            cards: cards.to_vec(),
        }))
    }

    fn needs(card_memory_mib: u64) -> TaskDevice {
        TaskDevice {
            computes: Device::Cuda,
            accepts: None,
            card_memory_mib,
        }
    }

    #[test]
    fn tasks_spread_over_cards_and_share_them_while_memory_and_turns_last() {
        let mut budget = budget(&[(0, 1000), (2, 500)]);
        let mut take = |task, memory| budget.take(task, needs(memory)).map(|card| card.index);
        assert_eq!(take(0, 300), Some(0));
        assert_eq!(take(1, 300), Some(2));
        assert_eq!(take(2, 300), Some(0));
        assert_eq!(take(3, 150), Some(2));
        assert_eq!(take(4, 300), Some(0));
        // The first has no turn left, the second little memory.
        assert_eq!(take(5, 60), None);
        assert_eq!(take(5, 50), Some(2));
        assert!(!budget.fits(needs(1)));
        assert!(budget.fits(TaskDevice::default()));
        budget.give_back(0);
        assert!(budget.fits(needs(400)) && !budget.fits(needs(401)));
    }

    #[test]
    fn a_task_larger_than_a_card_has_it_alone() {
        let mut budget = budget(&[(0, 1000)]);
        assert!(budget.take(0, needs(5000)).is_some());
        assert!(!budget.fits(needs(1)));
        budget.give_back(0);
        assert!(budget.take(1, needs(1)).is_some());
        assert!(!budget.fits(needs(5000)));
    }

    #[test]
    fn without_a_card_only_tasks_that_need_none_fit() {
        let mut budget = CardBudget::new(None);
        assert!(!budget.fits(needs(1)));
        assert!(budget.fits(TaskDevice::default()));
        assert_eq!(budget.take(0, TaskDevice::default()), None);
    }
}
