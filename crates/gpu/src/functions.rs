//! Tables of the functions of a C library, looked up once when it is loaded.

/// Declares a struct with the functions of a library, all of which return a status of which 0 is success.
macro_rules! functions {
    ($(#[$doc:meta])* $table:ident of $library:expr; $($field:ident = $symbol:literal ($($argument:ty),* $(,)?);)*) => {
        $(#[$doc])*
        pub(crate) struct $table {
            $(pub(crate) $field: unsafe extern "C" fn($($argument),*) -> std::ffi::c_int,)*
        }

        impl std::fmt::Debug for $table {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($table))
            }
        }

        impl $table {
            /// Loads the library at `path`. It stays loaded until the process ends.
            pub(crate) fn load(path: &std::path::Path) -> Result<Self, crate::GpuError> {
                // SAFETY: a library of CUDA has initialisers without preconditions. Whoever can place another one at this path
                // can also replace this program.
                let loaded = unsafe { libloading::Library::new(path) };
                let library = loaded.map_err(|error| crate::GpuError::Load {
                    path: path.to_owned(),
                    reason: error.to_string(),
                })?;
                let table = Self {
                    $($field: {
                        // SAFETY: the type is that of the function in CUDA's headers.
                        let found = unsafe { library.get(concat!($symbol, "\0").as_bytes()) };
                        *found.map_err(|_| crate::GpuError::Function {
                            library: $library,
                            path: path.to_owned(),
                            function: $symbol,
                        })?
                    },)*
                };
                // Unloading a driver while its threads run is not defined, and the pointers must stay valid.
                std::mem::forget(library);
                Ok(table)
            }
        }
    };
}

pub(crate) use functions;
