//! One object: fetched into a file, made of a file, looked for, listed.

use std::io::ErrorKind;
use std::path::Path as FilePath;
use std::time::Duration;

use eigenscope_remote_protocol::{Fault, Outcome};
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::open::Remote;

/// Size of a part of a large object, in bytes: the smallest that S3 allows, since a part is waited for as a whole. Smaller objects
/// are sent at once.
const PART: u64 = 5 << 20;

/// Most parts of an object; S3 allows 10,000.
const MOST_PARTS: u64 = 9_000;

/// Largest object for a store that takes objects only at once, in bytes.
const LARGEST_AT_ONCE: u64 = 1 << 30;

impl Remote {
    fn path(&self, object: &str) -> Result<Path, Failure> {
        let below = Path::parse(object).map_err(Error::from)?;
        Ok(self.prefix.parts().chain(below.parts()).collect())
    }

    /// Writes an object into the new file `to`. A failure leaves no file.
    pub(crate) async fn fetch(
        &self,
        object: &str,
        to: &FilePath,
        at_most: u64,
    ) -> Result<Outcome, Failure> {
        let found = match self.store.get(&self.path(object)?).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(Outcome::Missing),
            Err(error) => return Err(error.into()),
        };
        let size = found.meta.size;
        if size > at_most {
            return Err(too_large(object, &format!("{size} bytes"), at_most));
        }
        let mut file = File::create_new(to)
            .await
            .map_err(|error| Failure::file("create", to, &error))?;
        let written = self
            .write_body(object, found.into_stream(), &mut file, to, at_most)
            .await;
        let whole = written.and_then(|written| match written == size {
            true => Ok(written),
            false => Err(Failure::new(
                Fault::Object,
                format!("{object} is cut: {written} of {size} bytes came"),
            )),
        });
        if whole.is_err() {
            drop(file);
            // It is in a temporary folder, which goes in any case.
            let _ = tokio::fs::remove_file(to).await;
        }
        whole.map(|bytes| Outcome::Fetched { bytes })
    }

    async fn write_body(
        &self,
        object: &str,
        mut body: impl futures_util::Stream<Item = object_store::Result<impl AsRef<[u8]>>> + Unpin,
        file: &mut File,
        to: &FilePath,
        at_most: u64,
    ) -> Result<u64, Failure> {
        let mut written = 0;
        while let Some(piece) = patiently(self.stall, body.next()).await? {
            let piece = piece?;
            let piece = piece.as_ref();
            written += piece.len() as u64;
            if written > at_most {
                return Err(too_large(object, "more", at_most));
            }
            file.write_all(piece)
                .await
                .map_err(|error| Failure::file("write", to, &error))?;
        }
        file.flush()
            .await
            .map_err(|error| Failure::file("write", to, &error))?;
        Ok(written)
    }

    /// Makes an object of the file `from`, which must have this size and digest.
    pub(crate) async fn store(
        &self,
        object: &str,
        from: &FilePath,
        bytes: u64,
        blake3: &str,
        replace: bool,
    ) -> Result<Outcome, Failure> {
        let path = self.path(object)?;
        let mut source = Source::open(from, bytes, blake3).await?;
        if bytes > PART {
            if !replace && let there @ Outcome::There { .. } = self.look(object).await? {
                return Ok(there);
            }
            match self.store.put_multipart(&path).await {
                Ok(upload) => return send_parts(upload, source).await,
                Err(Error::NotImplemented { .. } | Error::NotSupported { .. })
                    if bytes <= LARGEST_AT_ONCE => {}
                Err(error) => return Err(error.into()),
            }
        }
        let content = PutPayload::from(source.take(bytes).await?);
        source.check_end().await?;
        if replace {
            self.store.put(&path, content).await?;
            return Ok(Outcome::Stored);
        }
        let only_new = PutMode::Create.into();
        match self.store.put_opts(&path, content.clone(), only_new).await {
            Ok(_) => Ok(Outcome::Stored),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                self.look(object).await
            }
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                match self.look(object).await? {
                    Outcome::Missing => {
                        self.store.put(&path, content).await?;
                        Ok(Outcome::Stored)
                    }
                    there => Ok(there),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Says how large an object is.
    pub(crate) async fn look(&self, object: &str) -> Result<Outcome, Failure> {
        match self.store.head(&self.path(object)?).await {
            Ok(found) => Ok(Outcome::There { bytes: found.size }),
            Err(Error::NotFound { .. }) => Ok(Outcome::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// Names of folders and objects directly below a name.
    pub(crate) async fn list(&self, folder: &str, at_most: usize) -> Result<Outcome, Failure> {
        let path = self.path(folder)?;
        let found = match self.store.list_with_delimiter(Some(&path)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(Outcome::Missing),
            Err(error) => return Err(error.into()),
        };
        let objects = found.objects.into_iter().map(|object| object.location);
        let all = found.common_prefixes.into_iter().chain(objects);
        let names = all.filter_map(|path| path.filename().map(str::to_owned));
        Ok(Outcome::Listed {
            names: names.take(at_most).collect(),
        })
    }
}

async fn send_parts(
    mut upload: Box<dyn MultipartUpload>,
    mut source: Source<'_>,
) -> Result<Outcome, Failure> {
    let sent = async {
        let mut left = source.bytes;
        let size = PART.max(left.div_ceil(MOST_PARTS));
        while left > 0 {
            let part = source.take(left.min(size)).await?;
            left -= part.len() as u64;
            upload.put_part(part.into()).await?;
        }
        // Only what is whole gets its name.
        source.check_end().await?;
        upload.complete().await?;
        Ok(Outcome::Stored)
    }
    .await;
    if sent.is_err() {
        // What cannot be taken back has no name, and stores forget it.
        let _ = upload.abort().await;
    }
    sent
}

/// A file that is read once, from start to end.
struct Source<'a> {
    path: &'a FilePath,
    file: File,
    bytes: u64,
    expected: &'a str,
    hasher: blake3::Hasher,
}

impl<'a> Source<'a> {
    async fn open(path: &'a FilePath, bytes: u64, expected: &'a str) -> Result<Self, Failure> {
        let file = File::open(path)
            .await
            .map_err(|error| Failure::file("open", path, &error))?;
        let hasher = blake3::Hasher::new();
        Ok(Self {
            path,
            file,
            bytes,
            expected,
            hasher,
        })
    }

    /// The next `count` bytes.
    async fn take(&mut self, count: u64) -> Result<Vec<u8>, Failure> {
        let length = usize::try_from(count).map_err(|_| self.other())?;
        let mut part = vec![0; length];
        match self.file.read_exact(&mut part).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(self.other()),
            Err(error) => return Err(Failure::file("read", self.path, &error)),
        }
        self.hasher.update(&part);
        Ok(part)
    }

    /// Checks that all has been read, and that it was what was promised.
    async fn check_end(&mut self) -> Result<(), Failure> {
        let more = self.file.read(&mut [0]).await;
        let more = more.map_err(|error| Failure::file("read", self.path, &error))?;
        let found = self.hasher.finalize();
        match more == 0 && found.to_hex().as_str() == self.expected {
            true => Ok(()),
            false => Err(self.other()),
        }
    }

    fn other(&self) -> Failure {
        let path = self.path.display();
        Failure::new(
            Fault::File,
            format!("{path} is damaged: it is not what was recorded"),
        )
    }
}

fn too_large(object: &str, size: &str, at_most: u64) -> Failure {
    let message = format!("{object} is too large: {size}, expected were at most {at_most}");
    Failure::new(Fault::Object, message)
}

async fn patiently<T>(stall: Duration, wait: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(stall, wait).await.map_err(|_| {
        let seconds = stall.as_secs_f64();
        Failure::new(
            Fault::Silent,
            format!("the server sent nothing for {seconds:.1} s"),
        )
    })
}
