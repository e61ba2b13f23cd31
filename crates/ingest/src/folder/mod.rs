//! Folders of pictures, one folder a class.
//!
//! Pictures are looked at first (size, colours), then decoded on all threads and written as they come. Labels follow from
//! the paths, so only pictures that are kept are decoded. Memory: the paths, a few pieces of decoded pictures, and the compressed
//! table.

mod arrange;
mod notes;
mod pass;

use std::path::{Path, PathBuf};

use eigenscope_artifact::{
    FileDigest, FolderDigest, IMAGES, ImageHeader, ImageWriter, Images, SourceCheck, Split,
    SplitName, list_pictures,
};
use eigenscope_stage::{Context, ExternalFile, FolderPicture, TaskError};

use crate::content::relative;
use crate::error::{IngestError, shown};
use crate::flaws::Flaws;
use crate::parameters::{FolderParameters, Parameters, SimilarityLabel, WithCommon};
use crate::picture::{Channels, Form};
use crate::{coverage, duplicates, rows};
use arrange::Part;
pub(crate) use arrange::{Arrangement, Sample, arrange};
pub(crate) use notes::{Root, Use};
pub(crate) use pass::bytes as picture_bytes;

/// The user's own folders of pictures.
///
/// # Errors
/// Returns an error if folders are missing or arranged otherwise, if pictures are damaged or of several sizes, if the data do not
/// allow the parameters, or if the artifact cannot be written.
pub(crate) fn image_folder(context: &Context) -> Result<(), TaskError> {
    let WithCommon::<FolderParameters> {
        own: parameters,
        common,
    } = context.parameters()?;
    let folder = Folder::open(context, &parameters)?;
    let form = folder.form(&parameters)?;
    folder.write(common, &form)?;
    Ok(())
}

/// What was found in the folders.
struct Folder<'a> {
    context: &'a Context,
    roots: Vec<Root>,
    arrangement: Arrangement,
    test_fraction: Option<f64>,
}

impl<'a> Folder<'a> {
    fn open(context: &'a Context, parameters: &FolderParameters) -> Result<Self, IngestError> {
        let mut roots = Vec::new();
        for (parameter, path, used_as) in parameters.folders()? {
            let path = context.task().data_dir.join(path);
            lacking_folder(parameter, &path).map_or(Ok(()), Err)?;
            let listing = list_pictures(&path)?;
            roots.push(Root {
                path,
                used_as,
                listing,
            });
        }
        let mut arrangement = arrange(&roots)?;
        for note in roots.iter().filter_map(Root::left_out) {
            context.warn(note);
        }
        for note in &arrangement.notes {
            context.warn(note);
        }
        if !parameters.class_names.is_empty() {
            let found = arrangement.classes;
            arrangement.classes = coverage::renamed(&found, &parameters.class_names)?;
        }
        let test_fraction = match &arrangement.test {
            Some(_) => None,
            None => Some(parameters.test_fraction),
        };
        Ok(Self {
            context,
            roots,
            arrangement,
            test_fraction,
        })
    }

    /// What the pictures are turned into: looks at all of them.
    fn form(&self, parameters: &FolderParameters) -> Result<Form, IngestError> {
        let given = parameters.form()?;
        let colours = given.channels.is_none();
        let found = pass::look(self.context, &self.roots, &self.arrangement, colours);
        let channels = match given.channels {
            Some(channels) => channels,
            None if found.is_grey => Channels::Grey,
            None => Channels::Rgb,
        };
        // Without a size, nothing can be decoded: these are all that can be told.
        if given.size.is_none() && found.sizes.is_empty() {
            let mut flaws = Flaws::unreadable(&self.roots);
            flaws.join(found.flaws);
            return Err(flaws.into_error(self.arrangement.samples().count()));
        }
        // Pictures that cannot be read are told together, with those that cannot be decoded.
        if given.size.is_none() && found.sizes.len() > 1 && found.flaws.none_refused() {
            return Err(found.sizes_differ(&self.roots));
        }
        Ok(Form {
            channels,
            size: given.size.or(found.commonest_size()),
            background: given.background,
        })
    }

    /// The rows that are kept, without their pixels.
    fn rows(&self, parameters: &Parameters, form: &Form) -> Result<Images, IngestError> {
        let [height, width] = form.size.unwrap_or_default();
        let split = |part: &Part| Split {
            // Fewer than 2^23 files.
            indices: (0..part.len() as u32).collect(),
            labels: part.iter().map(|sample| sample.label).collect(),
            pixels: Vec::new(),
        };
        let header = ImageHeader {
            height,
            width,
            channels: form.channels.count(),
            maximum: u8::MAX,
            classes: self.arrangement.classes.clone(),
            transforms: parameters.transforms.clone(),
            source: SourceCheck::Unpublished,
        };
        header
            .pixels()
            .map_err(|reason| IngestError::parameter("transforms", reason))?;
        let mut images = Images {
            header,
            train: split(&self.arrangement.train),
            test: self
                .arrangement
                .test
                .as_ref()
                .map(split)
                .unwrap_or_default(),
        };
        let seed = self.context.seed();
        if let Some(fraction) = self.test_fraction {
            rows::split_off_test(&mut images, fraction, seed);
        }
        if let SimilarityLabel::SimilarTo {
            train_image,
            threshold,
        } = parameters.similarity_label
        {
            self.label_by_similarity(&mut images, form, train_image, threshold)?;
        }
        let unlabelled = SimilarityLabel::None;
        rows::apply(
            &mut images,
            &unlabelled,
            &parameters.classes,
            parameters.subset()?,
            seed,
        )?;
        Ok(images)
    }

    fn label_by_similarity(
        &self,
        images: &mut Images,
        form: &Form,
        train_image: usize,
        threshold: f64,
    ) -> Result<(), IngestError> {
        rows::training_row(images, train_image)?;
        let sample = &self.arrangement.train[train_image];
        let target = pass::read(&self.roots, sample.file, Some(form)).picture;
        let target = match target {
            Some(Ok(picture)) => rows::Target::new(&picture.pixels, u8::MAX, threshold),
            _ => return Err(self.failures_of_decoding(form)),
        };
        for (name, split) in [
            (SplitName::Train, &mut images.train),
            (SplitName::Test, &mut images.test),
        ] {
            let samples = self.samples(name, &split.indices);
            let labels = pass::labels(self.context, &self.roots, &samples, form, &target);
            split.labels = labels.ok_or_else(|| self.failures_of_decoding(form))?;
        }
        images.header.classes = rows::similarity_classes();
        Ok(())
    }

    /// The error about all pictures that cannot be decoded.
    fn failures_of_decoding(&self, form: &Form) -> IngestError {
        let mut flaws = Flaws::unreadable(&self.roots);
        let samples: Vec<&Sample> = self.arrangement.samples().collect();
        let take = |_, _, read: Vec<(usize, pass::Read)>| {
            for (sample, read) in read {
                read.note(&mut flaws, &self.roots, samples[sample].file);
            }
            Ok::<_, IngestError>(())
        };
        let files: Vec<_> = samples.iter().map(|sample| sample.file).collect();
        match pass::decode(self.context, &self.roots, &[&files], form, take) {
            Err(error) => error,
            Ok(()) => flaws.into_error(samples.len()),
        }
    }

    /// The samples of rows of a split.
    fn samples(&self, name: SplitName, rows: &[u32]) -> Vec<&Sample> {
        let part = match (name, &self.arrangement.test) {
            (SplitName::Test, Some(test)) => test,
            _ => &self.arrangement.train,
        };
        rows.iter().map(|&row| &part[row as usize]).collect()
    }

    /// Decodes and writes the rows, and reports the folders.
    fn write(&self, parameters: Parameters, form: &Form) -> Result<(), TaskError> {
        let context = self.context;
        let images = self.rows(&parameters, form)?;
        let is_split = self.test_fraction.is_some();
        let is_whole = parameters.keeps_all_rows();
        context.warn_all(coverage::warnings(&images, is_split, is_whole));
        let splits = [
            (SplitName::Train, &images.train),
            (SplitName::Test, &images.test),
        ];
        let [train, test] = splits.map(|(name, split)| {
            let samples = self.samples(name, &split.indices);
            samples.iter().map(|sample| sample.file).collect::<Vec<_>>()
        });
        let mut digests = Digests::new(&self.roots);
        let rest = digests.rest([&train, &test]);
        let mut flaws = Flaws::unreadable(&self.roots);
        let path = context.output(IMAGES)?;
        let mut writer = ImageWriter::create(path, images.header.clone(), context.provenance())
            .map_err(IngestError::from)?;
        let mut duplicates = duplicates::Duplicates::default();
        let parts = [train.as_slice(), &test, &rest];
        let take = |part: usize, first: usize, read: Vec<(usize, pass::Read)>| {
            let mut piece = Split::default();
            for (at, read) in read {
                let file = parts[part][at];
                read.note(&mut flaws, &self.roots, file);
                digests.set(file, read.digest);
                if let (Some(Ok(picture)), Some((name, split))) = (&read.picture, splits.get(part))
                {
                    piece.pixels.extend_from_slice(&picture.pixels);
                    piece.labels.push(split.labels[at]);
                    piece.indices.push(split.indices[at]);
                    duplicates.add(*name, read.pixels);
                }
            }
            tracing::debug!(part, first, images = piece.len(), "decoded");
            match splits.get(part) {
                Some((name, _)) if flaws.none_refused() => Ok(writer.write(*name, &piece)?),
                _ => Ok::<_, IngestError>(()),
            }
        };
        pass::decode(context, &self.roots, &parts[..], form, take)?;
        flaws.check(train.len() + test.len())?;
        writer.finish().map_err(IngestError::from)?;
        context.warn_all(duplicates.warning());
        context.warn_all(flaws.warnings());
        for (root, (digest, pictures)) in self.roots.iter().zip(digests.finish(&self.roots)) {
            let path = relative(&root.path, &context.task().data_dir);
            context.depends_on_folder(ExternalFile::new(path, digest), pictures);
        }
        Ok(())
    }
}

/// Why the folder that a parameter names is none.
pub(crate) fn lacking_folder(parameter: &'static str, path: &Path) -> Option<IngestError> {
    (!path.is_dir()).then(|| IngestError::parameter(parameter, no_folder(path)))
}

/// Why a path cannot be that of a folder.
fn no_folder(path: &Path) -> String {
    let what = match path.exists() {
        true if is_archive(path) => {
            "it is an archive: unpack it, and give the folder that it becomes"
        }
        true => "it is no folder; give a path relative to the data directory or an absolute one",
        false => {
            "there is no such folder; give a path relative to the data directory or an absolute one"
        }
    };
    format!("{}: {what}", shown(path))
}

/// Returns whether a file is called as archives are.
fn is_archive(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    [
        ".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar",
    ]
    .iter()
    .any(|ending| name.ends_with(ending))
}

/// A file: the position of its root, and its position there.
pub(crate) type FileAt = (usize, usize);

/// Digests of all files, as they become known.
struct Digests(Vec<Vec<Option<FileDigest>>>);

impl Digests {
    fn new(roots: &[Root]) -> Self {
        let empty = |root: &Root| vec![None; root.listing.files.len()];
        Self(roots.iter().map(empty).collect())
    }

    /// The files that are not among `read`.
    fn rest(&self, read: [&Vec<FileAt>; 2]) -> Vec<FileAt> {
        let mut is_read: Vec<Vec<bool>> = self
            .0
            .iter()
            .map(|files| vec![false; files.len()])
            .collect();
        for &(root, file) in read.into_iter().flatten() {
            is_read[root][file] = true;
        }
        let unread = |(root, files): (usize, Vec<bool>)| {
            let files = files.into_iter().enumerate();
            let unread =
                files.filter_map(move |(file, is_read)| (!is_read).then_some((root, file)));
            unread.collect::<Vec<_>>()
        };
        is_read.into_iter().enumerate().flat_map(unread).collect()
    }

    fn set(&mut self, (root, file): FileAt, digest: Option<FileDigest>) {
        self.0[root][file] = digest;
    }

    /// The digest of each root, and its pictures.
    fn finish(self, roots: &[Root]) -> Vec<(FileDigest, Vec<FolderPicture>)> {
        let of_root = |(root, digests): (&Root, Vec<Option<FileDigest>>)| {
            let mut whole = FolderDigest::default();
            let mut pictures = Vec::with_capacity(root.listing.files.len());
            for (file, digest) in root
                .listing
                .files
                .iter()
                .zip(digests)
                .filter_map(|(file, digest)| Some((file, digest?)))
            {
                whole.add(file, digest);
                pictures.push(FolderPicture::new(file, digest));
            }
            (whole.finish(), pictures)
        };
        roots.iter().zip(self.0).map(of_root).collect()
    }
}

/// The path of a file.
pub(crate) fn path_of(roots: &[Root], (root, file): FileAt) -> PathBuf {
    let root = &roots[root];
    root.path.join(&root.listing.files[file])
}
