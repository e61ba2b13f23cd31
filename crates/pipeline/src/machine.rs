//! The kind of machine that computes: what can change the last bits of a result.
//!
//! Matrix products, convolutions and decompositions choose their code by the vector instructions of the processor, and cut
//! long sums by the size of its first cache; logarithms and sines are those of the C library. Equal kinds of machine give
//! equal bytes. Nothing else about a machine matters: not its cores, its memory, or its folders.

use std::fmt;
use std::hint::black_box;
use std::path::Path;

use eigenscope_artifact::Digest;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Arguments that the functions are tried on.
const ARGUMENTS: u32 = 512;

/// A kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Architecture of the processor, such as `x86_64`.
    #[serde(deserialize_with = "printable")]
    pub architecture: String,
    /// Operating system and C library, such as `linux-gnu`.
    #[serde(deserialize_with = "printable")]
    pub system: String,
    /// Vector instructions that code is chosen by, such as `avx512`.
    #[serde(deserialize_with = "printable")]
    pub vectors: String,
    /// First data cache as matrix products see it: size, ways, line, processors that share it. `unknown` where the system
    /// does not say.
    #[serde(deserialize_with = "printable")]
    pub cache: String,
    /// Digest of what elementary functions return on a few arguments.
    #[serde(deserialize_with = "printable")]
    pub functions: String,
}

/// A text without control characters: others write down their kinds of machine, too, and they are printed.
fn printable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.contains(char::is_control) {
        true => Err(D::Error::custom("a kind of machine has control characters")),
        false => Ok(text),
    }
}

impl Machine {
    /// What names it in a remote.
    pub fn id(&self) -> String {
        Digest::of(self.to_string().as_bytes()).short()
    }

    /// The machine that this process runs on.
    pub fn this() -> Self {
        let consts = (std::env::consts::ARCH, std::env::consts::OS);
        let libc = if cfg!(target_env = "gnu") {
            "-gnu"
        } else if cfg!(target_env = "musl") {
            "-musl"
        } else if cfg!(target_env = "msvc") {
            "-msvc"
        } else {
            ""
        };
        Self {
            architecture: consts.0.to_owned(),
            system: format!("{}{libc}", consts.1),
            vectors: vectors().to_owned(),
            cache: first_cache().unwrap_or_else(|| "unknown".to_owned()),
            functions: functions(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            architecture,
            system,
            vectors,
            cache,
            functions,
        } = self;
        write!(
            f,
            "{architecture} {system}, {vectors}, first cache {cache}, functions {functions}"
        )
    }
}

/// The levels that `pulp` and `gemm` tell apart (`pulp::x86::V4`, `V3`); both ask for all of these features.
#[cfg(target_arch = "x86_64")]
fn vectors() -> &'static str {
    macro_rules! all {
        ($($feature:tt)+) => { true $(&& std::is_x86_feature_detected!($feature))+ };
    }
    let v3 = all!("avx2" "fma" "bmi1" "bmi2" "lzcnt" "popcnt");
    if v3 && all!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl") {
        "avx512"
    } else if v3 {
        "avx2"
    } else {
        "none"
    }
}

/// Elsewhere the instructions are those of the architecture.
#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> &'static str {
    "of the architecture"
}

/// The first data cache, from where `gemm` reads it.
fn first_cache() -> Option<String> {
    let caches = Path::new("/sys/devices/system/cpu/cpu0/cache");
    (0..8).find_map(|index| {
        let folder = caches.join(format!("index{index}"));
        let read = |name: &str| {
            let text = std::fs::read_to_string(folder.join(name)).ok()?;
            Some(text.trim().to_owned())
        };
        let is_first = read("level")? == "1" && read("type")? != "Instruction";
        is_first.then(|| {
            let sharing = read("shared_cpu_list")?;
            Some(format!(
                "{} {}x{} shared by {}",
                read("size")?,
                read("ways_of_associativity")?,
                read("coherency_line_size")?,
                sharers(&sharing)
            ))
        })?
    })
}

/// Processors in a list such as `0-3,8`.
fn sharers(list: &str) -> usize {
    let range = |item: &str| -> Option<usize> {
        let (first, last) = item.split_once('-')?;
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        Some((last + 1).saturating_sub(first))
    };
    list.split(',').map(|item| range(item).unwrap_or(1)).sum()
}

/// Digest of the values of elementary functions, whose last bits depend on the C library and its version, and on the
/// instructions that it finds.
fn functions() -> String {
    let mut hasher = blake3::Hasher::new();
    for step in 1..=ARGUMENTS {
        // The compiler could compute constants itself, with another library.
        let x = black_box(f64::from(step) * 0.037);
        for value in [
            x.exp(),
            x.ln(),
            x.ln_1p(),
            (-x).exp_m1(),
            x.sin(),
            x.cos(),
            x.tan(),
            x.tanh(),
            x.atan(),
            (1.0 / (1.0 + x)).asin(),
            x.powf(1.7),
            x.cbrt(),
            x.hypot(1.3),
            x.log10(),
        ] {
            hasher.update(&value.to_bits().to_le_bytes());
        }
        let x = black_box(step as f32 * 0.037);
        for value in [x.exp(), x.ln(), x.sin(), x.cos(), x.tanh(), x.powf(1.7)] {
            hasher.update(&value.to_bits().to_le_bytes());
        }
    }
    Digest::from(hasher.finalize()).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_of_one_kind() {
        assert_eq!(Machine::this(), Machine::this());
        assert_eq!(Machine::this().functions.len(), 12);
    }

    #[test]
    fn control_characters_are_refused() {
        let mut machine = Machine::this();
        let text = |machine: &Machine| serde_json::to_string(machine).expect("JSON");
        let read = |text: &str| serde_json::from_str::<Machine>(text).ok();
        assert_eq!(read(&text(&machine)).as_ref(), Some(&machine));
        machine.vectors.push_str("\u{1b}[2J");
        assert_eq!(read(&text(&machine)), None);
    }

    #[test]
    fn processors_are_counted() {
        for (list, count) in [("0", 1), ("0-3", 4), ("0-1,8-9", 4), ("0,2", 2)] {
            assert_eq!(sharers(list), count, "{list}");
        }
    }
}
