//! `eigenscope devices`: what tasks can compute on, and why something is not used.

use std::fmt::Write as _;

use anyhow::Result;
use eigenscope_gpu::{CardDescription, Libraries};
use serde::Serialize;

use crate::arguments::Devices;
use crate::cards::{self, Found, Unusable, Usable};
use crate::exit;
use crate::json;

/// The answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    threads: usize,
    cards: Vec<Card<'a>>,
    libraries: Option<[String; 3]>,
    /// Why there is no card.
    reasons: &'a [String],
}

#[derive(Serialize)]
struct Card<'a> {
    index: u32,
    name: &'a str,
    capability: String,
    memory_mib: u64,
}

pub(crate) fn run(command: &Devices) -> Result<u8> {
    let found = cards::found();
    match command.json {
        true => super::print(&json(found)?)?,
        false => super::print_lines(&text(found))?,
    }
    Ok(exit::OK)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn paths(libraries: &Libraries) -> [String; 3] {
    let Libraries {
        driver,
        nvrtc,
        cublas,
    } = libraries;
    [driver, nvrtc, cublas].map(|path| path.display().to_string())
}

fn text(found: &Found) -> String {
    let mut text = format!("cpu       {} threads\n", threads());
    match &found.usable {
        Ok(Usable { libraries, cards }) => {
            for card in cards {
                let _ = writeln!(text, "cuda {:<4} {card}", card.index);
            }
            let [driver, nvrtc, cublas] = paths(libraries);
            let _ = writeln!(
                text,
                "\ndriver    {driver}\nNVRTC     {nvrtc}\ncuBLAS    {cublas}"
            );
            text.push_str("\nTasks compute on the processor unless `device` in the pipeline file or `--device` says \"cuda\" or \"auto\".\n");
        }
        Err(Unusable { reasons, .. }) => {
            for reason in reasons {
                let _ = writeln!(text, "cuda      not used: {reason}");
            }
        }
    }
    text
}

fn json(found: &Found) -> Result<String> {
    let (usable, reasons) = match &found.usable {
        Ok(usable) => (Some(usable), &[][..]),
        Err(unusable) => (None, unusable.reasons.as_slice()),
    };
    let cards = usable.iter().flat_map(|usable| &usable.cards);
    let cards = cards.map(|card| {
        let CardDescription {
            index,
            name,
            capability: (major, minor),
            memory_mib,
        } = card;
        Card {
            index: *index,
            name,
            capability: format!("{major}.{minor}"),
            memory_mib: *memory_mib,
        }
    });
    let answer = Answer {
        threads: threads(),
        cards: cards.collect(),
        libraries: usable.map(|usable| paths(&usable.libraries)),
        reasons,
    };
    json::text(&answer)
}
