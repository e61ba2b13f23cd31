//! Devices that compute tasks: the processor, and graphics cards.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::ParameterType;

/// A kind of device. It is part of the key of a task: on another one, the last bits of a result are others.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A graphics card with CUDA.
    Cuda,
}

impl Device {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Device::Cpu => Device::Cuda,
            Device::Cuda => Device::Cpu,
        }
    }

    /// Its name in keys, pipeline files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a user asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The processor.
    #[default]
    Cpu,
    /// A graphics card with CUDA.
    Cuda,
    /// A card where there is one and the task can use it, else the processor. Results of either are up to date.
    Auto,
}

impl DeviceChoice {
    /// Every choice.
    pub const ALL: [DeviceChoice; 3] = [DeviceChoice::Cpu, DeviceChoice::Cuda, DeviceChoice::Auto];

    /// Its name in pipeline files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            DeviceChoice::Cpu => "cpu",
            DeviceChoice::Cuda => "cuda",
            DeviceChoice::Auto => "auto",
        }
    }

    /// The choice with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }

    /// What a setting takes.
    pub fn parameter_type() -> ParameterType {
        ParameterType::choice(&Self::ALL.map(Self::name))
    }
}

/// What a task kind needs to compute on a graphics card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSupport {
    /// Peak memory of the card in MiB for data of MNIST's size.
    pub memory_mib: u64,
}

/// The libraries of CUDA: paths, or names that the system's loader knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardLibraries {
    /// The driver, `libcuda`.
    pub driver: PathBuf,
    /// The compiler of kernels, `libnvrtc`.
    pub nvrtc: PathBuf,
    /// Matrix products, `libcublas`.
    pub cublas: PathBuf,
}

/// The card that a task computes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignedCard {
    /// Number by which the driver knows it.
    pub index: u32,
    /// What drives it.
    pub libraries: CardLibraries,
}
