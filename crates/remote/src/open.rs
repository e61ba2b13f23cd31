//! From an address to a store: S3 and what speaks like it, Google's and Azure's stores, web servers, folders.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use eigenscope_remote_protocol::{Fault, Open, Patience};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use crate::failure::Failure;
use crate::profile::Profile;

/// What allows addresses that begin with `http://`, for servers of tests.
const ALLOW_HTTP: ClientConfigKey = ClientConfigKey::AllowHttp;

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
            let builder = s3(open, options)?;
            let builder = builder.with_bucket_name(host).with_retry(retry);
            Arc::new(builder.build()?)
        }
        "gs" => {
            let builder = GoogleCloudStorageBuilder::from_env();
            let may = builder.get_config_value(&GoogleConfigKey::Client(ALLOW_HTTP));
            Arc::new(
                builder
                    .with_bucket_name(host)
                    .with_client_options(options.with_allow_http(is_true(may)))
                    .with_retry(retry)
                    .build()?,
            )
        }
        "az" | "abfs" | "abfss" => {
            let builder = MicrosoftAzureBuilder::from_env();
            let may = builder.get_config_value(&AzureConfigKey::Client(ALLOW_HTTP));
            Arc::new(
                builder
                    .with_container_name(host)
                    .with_client_options(options.with_allow_http(is_true(may)))
                    .with_retry(retry)
                    .build()?,
            )
        }
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

/// S3 as settings, environment and the files of the AWS command line say, in this order.
fn s3(open: &Open, options: ClientOptions) -> Result<AmazonS3Builder, Failure> {
    use AmazonS3ConfigKey as Key;
    let mut builder = AmazonS3Builder::from_env();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let profile = Profile::read(variable)?;
    let is_set = |builder: &AmazonS3Builder, key| builder.get_config_value(&key).is_some();
    let has_credentials = [
        Key::AccessKeyId,
        Key::SecretAccessKey,
        Key::WebIdentityTokenFile,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
    ];
    let is_open = is_true(builder.get_config_value(&Key::SkipSignature));
    if !is_open
        && !has_credentials.into_iter().any(|key| is_set(&builder, key))
        && let Some((id, secret, token)) = profile.credentials()?
    {
        builder = builder
            .with_access_key_id(id)
            .with_secret_access_key(secret);
        if let Some(token) = token {
            builder = builder.with_token(token);
        }
    }
    let has_region = is_set(&builder, Key::Region) || is_set(&builder, Key::DefaultRegion);
    let of_profile = profile.get("region").filter(|_| !has_region);
    if let Some(region) = open.region.as_deref().or(of_profile) {
        builder = builder.with_region(region);
    }
    let given = builder.get_config_value(&Key::S3Endpoint);
    let given = given.or_else(|| builder.get_config_value(&Key::Endpoint));
    let given = given.or_else(|| profile.get("endpoint_url").map(str::to_owned));
    let Some(endpoint) = open.endpoint.clone().or(given) else {
        return Ok(builder.with_client_options(options));
    };
    let options = options.with_allow_http(endpoint.starts_with("http://"));
    Ok(builder
        .with_config(Key::S3Endpoint, &endpoint)
        .with_endpoint(endpoint)
        .with_client_options(options))
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.to_lowercase().as_str(), "true" | "1" | "yes" | "on"))
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Fault::Settings, message)
}

fn folder(path: &FilePath) -> Result<Arc<dyn ObjectStore>, Failure> {
    let shown = path.display();
    if path.is_file() {
        return Err(refused(format!(
            "{shown} is a file: name a folder in `url`"
        )));
    }
    if !path.is_dir() {
        return Err(refused(format!(
            "there is no folder {shown}: create or mount it"
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
        retry_timeout: Duration::from_millis(patience.retry_ms),
    }
}
