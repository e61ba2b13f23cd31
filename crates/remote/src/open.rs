//! From an address to a store: S3 and what speaks like it, Google's and Azure's stores, web servers, folders.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use eigenscope_remote_protocol::{Fault, Open, Patience};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use crate::failure::Failure;

/// Longest time from the first attempt at something to the last.
const LONGEST_RETRY: Duration = Duration::from_secs(120);

/// A store that objects are moved to and from.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// What the name of every object begins with.
    pub(crate) prefix: Path,
    /// Longest wait for more of a body.
    pub(crate) stall: Duration,
}

/// Prepares the store at an address. Nothing is asked of it yet.
pub(crate) fn open(open: &Open) -> Result<Remote, Failure> {
    let stall = Duration::from_millis(open.patience.stall_ms.max(1));
    let remote = |store: Arc<dyn ObjectStore>, prefix: Path| Remote {
        store,
        prefix,
        stall,
    };
    if !open.url.contains("://") {
        return Ok(remote(folder(FilePath::new(&open.url))?, Path::default()));
    }
    let url = Url::parse(&open.url).map_err(|error| refused(format!("`url` is none: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refused(
            "`url` must hold no user, password or query: credentials come from the environment",
        ));
    }
    let prefix = Path::from_url_path(url.path())
        .map_err(|error| refused(format!("the path of `url` cannot be used: {error}")))?;
    let host = url.host_str().unwrap_or_default();
    let (options, retry) = (client(&open.patience), retry(&open.patience));
    let store: Arc<dyn ObjectStore> = match url.scheme() {
        "s3" | "s3a" => {
            let mut builder = AmazonS3Builder::from_env()
                .with_bucket_name(host)
                .with_retry(retry);
            let mut options = options;
            if let Some(endpoint) = &open.endpoint {
                options = options.with_allow_http(endpoint.starts_with("http://"));
                builder = builder.with_endpoint(endpoint);
            }
            if let Some(region) = &open.region {
                builder = builder.with_region(region);
            }
            Arc::new(builder.with_client_options(options).build()?)
        }
        "gs" => Arc::new(
            GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(host)
                .with_client_options(options)
                .with_retry(retry)
                .build()?,
        ),
        "az" | "abfs" | "abfss" => Arc::new(
            MicrosoftAzureBuilder::from_env()
                .with_container_name(host)
                .with_client_options(options)
                .with_retry(retry)
                .build()?,
        ),
        "http" | "https" => {
            let options = options.with_allow_http(url.scheme() == "http");
            let store = HttpBuilder::new()
                .with_url(url.as_str())
                .with_client_options(options)
                .with_retry(retry)
                .build()?;
            return Ok(remote(Arc::new(store), Path::default()));
        }
        "file" => {
            let path = url
                .to_file_path()
                .map_err(|()| refused("a `file` URL names a folder of this machine"))?;
            return Ok(remote(folder(&path)?, Path::default()));
        }
        other => {
            return Err(refused(format!(
                "`{other}` is no kind of store that is known; known are s3, gs, az, https, http, file, or a path"
            )));
        }
    };
    Ok(remote(store, prefix))
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Fault::Settings, message)
}

fn folder(path: &FilePath) -> Result<Arc<dyn ObjectStore>, Failure> {
    if !path.is_dir() {
        return Err(refused(format!(
            "there is no folder {}: create or mount it",
            path.display()
        )));
    }
    Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?))
}

/// A body may take as long as it needs while more of it comes.
fn client(patience: &Patience) -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(Duration::from_millis(patience.connect_ms.max(1)))
        .with_read_timeout(Duration::from_millis(patience.stall_ms.max(1)))
        .with_timeout_disabled()
}

fn retry(patience: &Patience) -> RetryConfig {
    let pause = Duration::from_millis(patience.pause_ms);
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: pause,
            max_backoff: pause * 20,
            base: 2.0,
        },
        max_retries: patience.retries,
        retry_timeout: LONGEST_RETRY,
    }
}
