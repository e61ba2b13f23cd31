//! Where CUDA's libraries are looked for.
//!
//! A folder that the user names is the only one. Else the system's loader is asked first, which knows `LD_LIBRARY_PATH` and the
//! installed packages; then come the folders of CUDA, then those of pip's packages `nvidia-*`. A library counts as found if it
//! can be loaded and has the functions that are needed.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::cublas::Cublas;
use crate::driver::Driver;
use crate::error::GpuError;
use crate::nvrtc::Nvrtc;

/// One of the libraries that computing on a card needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// `libcuda`, which comes with the driver of the card.
    Driver,
    /// `libnvrtc`, the compiler of kernels.
    Nvrtc,
    /// `libcublas`, matrix products.
    Cublas,
}

impl Library {
    /// Every library.
    pub const ALL: [Library; 3] = [Library::Driver, Library::Nvrtc, Library::Cublas];

    /// File names, the preferred one first.
    fn file_names(self) -> &'static [&'static str] {
        match self {
            Library::Driver => &["libcuda.so.1", "libcuda.so"],
            Library::Nvrtc => &[
                "libnvrtc.so.13",
                "libnvrtc.so.12",
                "libnvrtc.so.11.2",
                "libnvrtc.so",
            ],
            Library::Cublas => &[
                "libcublas.so.13",
                "libcublas.so.12",
                "libcublas.so.11",
                "libcublas.so",
            ],
        }
    }

    /// Beginnings of the names of files beside it that it opens itself, by name. They are opened first, by their paths: where
    /// the loader does not know their folder it would not find them.
    fn companions(self) -> &'static [&'static str] {
        match self {
            Library::Driver => &[],
            Library::Nvrtc => &["libnvrtc-builtins.so."],
            Library::Cublas => &["libcublasLt.so."],
        }
    }

    /// How to get it.
    fn remedy(self) -> &'static str {
        match self {
            Library::Driver => "install the driver of the card",
            Library::Nvrtc => "install CUDA, or `pip install nvidia-cuda-nvrtc`",
            Library::Cublas => "install CUDA, or `pip install nvidia-cublas`",
        }
    }

    fn try_load(self, path: &Path) -> Result<(), GpuError> {
        match self {
            Library::Driver => Driver::load(path).map(drop),
            Library::Nvrtc => Nvrtc::load(path).map(drop),
            Library::Cublas => Cublas::load(path).map(drop),
        }
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Library::Driver => "the CUDA driver",
            Library::Nvrtc => "NVRTC",
            Library::Cublas => "cuBLAS",
        })
    }
}

/// Where the libraries are: paths, or names that the system's loader knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Libraries {
    pub driver: PathBuf,
    pub nvrtc: PathBuf,
    pub cublas: PathBuf,
}

/// A library that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub library: Library,
    /// Folders that were looked into and do not hold it.
    pub folders: Vec<PathBuf>,
    /// Whether the system's loader was asked.
    pub asked_loader: bool,
    /// Files of its name that cannot be used, with the reason.
    pub unusable: Vec<String>,
}

/// What the system's loader goes by.
const LOADER: &str = "the places of the system's loader (LD_LIBRARY_PATH, /etc/ld.so.conf)";

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.library.file_names()[0];
        write!(f, "{} was not found: no {name}", self.library)?;
        let usual: &[&str] = match (self.asked_loader, self.library) {
            (false, _) => &[],
            (true, Library::Driver) => &[LOADER],
            (true, _) => &[
                LOADER,
                "folders of CUDA (CUDA_PATH, CUDA_HOME, /usr/local/cuda*)",
                "packages nvidia-* of pip",
            ],
        };
        let usual = usual.iter().map(|place| (*place).to_owned());
        let folders = self
            .folders
            .iter()
            .map(|folder| folder.display().to_string());
        let places: Vec<String> = usual.chain(folders).collect();
        match places.as_slice() {
            [] => {}
            places => write!(f, " in {}", places.join(", nor in "))?,
        }
        for file in &self.unusable {
            write!(f, "; {file}")?;
        }
        write!(f, " ({})", self.library.remedy())
    }
}

/// A search for the libraries. The fields are what the environment says; without them only usual folders are looked into.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The only folder to look into.
    pub only: Option<PathBuf>,
    /// Folders of CUDA, such as `/opt/cuda-13.0` (variables `CUDA_PATH` and `CUDA_HOME`).
    pub cuda: Vec<PathBuf>,
    /// Environments of Python (variables `VIRTUAL_ENV` and `CONDA_PREFIX`).
    pub python: Vec<PathBuf>,
    /// The user's folder, whose `.local` may have packages of Python.
    pub home: Option<PathBuf>,
}

impl Search {
    /// All libraries.
    ///
    /// # Errors
    /// Returns every library that is not found.
    pub fn libraries(&self) -> Result<Libraries, Vec<Missing>> {
        let [driver, nvrtc, cublas] = Library::ALL.map(|library| self.find(library));
        match (driver, nvrtc, cublas) {
            (Ok(driver), Ok(nvrtc), Ok(cublas)) => Ok(Libraries {
                driver,
                nvrtc,
                cublas,
            }),
            (driver, nvrtc, cublas) => Err([driver, nvrtc, cublas]
                .into_iter()
                .filter_map(Result::err)
                .collect()),
        }
    }

    /// Where `library` is.
    ///
    /// # Errors
    /// Returns where it was looked for, and which files cannot be used.
    pub fn find(&self, library: Library) -> Result<PathBuf, Missing> {
        let names = library.file_names();
        let mut missing = Missing {
            library,
            folders: Vec::new(),
            asked_loader: self.only.is_none(),
            unusable: Vec::new(),
        };
        let mut known = Vec::new();
        if self.only.is_none() {
            for name in names {
                match library.try_load(Path::new(name)) {
                    Ok(()) => return Ok(PathBuf::from(name)),
                    // The loader does not say whether it found a file; one that it found is old.
                    Err(GpuError::Load { .. }) => {}
                    Err(error) => missing.unusable.push(error.to_string()),
                }
            }
        }
        for folder in self.folders(library) {
            if known.contains(&folder) {
                continue;
            }
            let files = names.iter().map(|name| folder.join(name));
            let files: Vec<PathBuf> = files.filter(|file| file.is_file()).collect();
            for file in &files {
                open_companions(library, &folder);
                match library.try_load(file) {
                    Ok(()) => return Ok(file.clone()),
                    Err(error) => missing.unusable.push(error.to_string()),
                }
            }
            if files.is_empty() {
                missing.folders.push(folder.clone());
            }
            known.push(folder);
        }
        Err(missing)
    }

    /// Folders in the order in which they are looked into.
    fn folders(&self, library: Library) -> Vec<PathBuf> {
        if let Some(only) = &self.only {
            return vec![only.clone()];
        }
        if library == Library::Driver {
            let usual = [
                "/usr/lib/x86_64-linux-gnu",
                "/usr/lib/aarch64-linux-gnu",
                "/usr/lib64",
                "/usr/local/nvidia/lib64",
                "/usr/lib/wsl/lib",
            ];
            return usual
                .into_iter()
                .map(PathBuf::from)
                .filter(|folder| folder.is_dir())
                .collect();
        }
        let mut folders = Vec::new();
        let usual = matching(Path::new("/usr/local"), "cuda");
        for root in self.cuda.iter().cloned().chain(usual) {
            let inner = [
                "lib64",
                "lib",
                "targets/x86_64-linux/lib",
                "targets/sbsa-linux/lib",
            ];
            let found: Vec<PathBuf> = inner
                .iter()
                .map(|inner| root.join(inner))
                .filter(|folder| folder.is_dir())
                .collect();
            // A folder that the user names is mentioned even if it is not one of CUDA.
            folders.extend(if found.is_empty() { vec![root] } else { found });
        }
        let home = self.home.iter().map(|home| home.join(".local"));
        let shared = ["/usr/local", "/usr"].map(PathBuf::from);
        for root in self.python.iter().cloned().chain(home).chain(shared) {
            folders.extend(pip_folders(&root));
        }
        folders
    }
}

/// The folders `lib` of the packages `nvidia-*` in an environment of Python.
fn pip_folders(root: &Path) -> Vec<PathBuf> {
    let versions = matching(&root.join("lib"), "python3");
    let packages = versions
        .iter()
        .flat_map(|version| ["site-packages", "dist-packages"].map(|name| version.join(name)));
    let nvidia = packages.flat_map(|folder| matching(&folder.join("nvidia"), ""));
    nvidia
        .map(|package| package.join("lib"))
        .filter(|folder| folder.is_dir())
        .collect()
}

/// What is in `folder` and has a name that begins with `start`, the latest name first: `cuda-13.0` before `cuda-12.9`.
fn matching(folder: &Path, start: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
    let mut found: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}

/// Loads what a library in `folder` opens by name. It finds what is loaded already, wherever that lies.
fn open_companions(library: Library, folder: &Path) {
    for start in library.companions() {
        for file in matching(folder, start) {
            // SAFETY: as for the library itself, whose part this is.
            if let Ok(loaded) = unsafe { libloading::Library::new(&file) } {
                std::mem::forget(loaded);
            }
        }
    }
}

impl Libraries {
    /// Loads what the libraries open by name, as [`Search::find`] did in the process that found them.
    pub(crate) fn open_companions(&self) {
        for (library, path) in [
            (Library::Nvrtc, &self.nvrtc),
            (Library::Cublas, &self.cublas),
        ] {
            if let Some(folder) = path.parent().filter(|folder| folder.is_absolute()) {
                open_companions(library, folder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_testing::TestFolder;

    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let search = Search {
            only: Some(PathBuf::from("/nowhere/cuda")),
            ..Search::default()
        };
        let missing = search.libraries().expect_err("nothing is there");
        let texts: Vec<String> = missing.iter().map(Missing::to_string).collect();
        assert_eq!(
            texts,
            [
                "the CUDA driver was not found: no libcuda.so.1 in /nowhere/cuda (install the driver of the card)",
                "NVRTC was not found: no libnvrtc.so.13 in /nowhere/cuda (install CUDA, or `pip install nvidia-cuda-nvrtc`)",
                "cuBLAS was not found: no libcublas.so.13 in /nowhere/cuda (install CUDA, or `pip install nvidia-cublas`)",
            ]
        );
    }

    #[test]
    fn packages_of_pip_and_folders_of_cuda_are_looked_into_and_broken_files_named() {
        let folder = TestFolder::new();
        let environment = folder.path("venv");
        let pip = environment.join("lib/python3.12/site-packages/nvidia/cublas/lib");
        std::fs::create_dir_all(&pip).expect("created");
        std::fs::write(pip.join("libcublas.so.12"), "no library").expect("written");
        let cuda = folder.path("cuda-13.0");
        std::fs::create_dir_all(cuda.join("lib64")).expect("created");
        let search = Search {
            cuda: vec![cuda.clone()],
            python: vec![environment],
            ..Search::default()
        };
        let folders = search.folders(Library::Cublas);
        assert_eq!(folders[0], cuda.join("lib64"));
        assert!(folders.contains(&pip));
        // A machine with a real cuBLAS finds that one.
        if let Err(missing) = search.find(Library::Cublas) {
            assert!(missing.folders.contains(&cuda.join("lib64")), "{missing}");
            let broken = missing
                .unusable
                .iter()
                .any(|text| text.contains("cannot load") && text.contains("libcublas.so.12"));
            assert!(broken, "{missing}");
        }
    }
}
