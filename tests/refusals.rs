//! What cannot work is refused with its reason, before anything runs or, where only the task can know, without leaving anything.

use eigenscope_testing::{PIPELINE, TestProject};

/// Asserts that the pipeline is refused for these reasons when it is to be run, and that nothing is written.
#[track_caller]
fn assert_refused(project: &TestProject, reasons: &[&str]) {
    project.call(&["run", "p.toml"]).refuses(reasons);
    assert!(!project.path("artifacts").exists(), "something was written");
}

#[test]
fn mistakes_in_a_pipeline_file_are_all_named_with_their_places() {
    for (from, to, words) in [
        (
            "epochs = 3",
            "epoks = 3",
            &["epoks", "epochs", "p.toml:8"][..],
        ),
        (
            "hidden = [4, 6]",
            "hidden = [4, 4]",
            &["hidden", "p.toml:6"],
        ),
        ("hidden = [4, 6]", "hidden = []", &["hidden", "p.toml:6"]),
        (
            "\"train.bilinear\"\n\n[metric.final]",
            "\"train.linear\"\n\n[metric.final]",
            &["train.linear", "train.bilinear"],
        ),
        (
            "model = \"train.bilinear\"\n\n[metric.final]",
            "model = \"decompose.interaction\"\n\n[metric.final]",
            &["decompose.interaction"],
        ),
        ("hidden=6,seed=0", "hidden=7,seed=0", &["hidden=7"]),
    ] {
        let project = TestProject::new(PIPELINE);
        project.edit(from, to);
        assert_refused(&project, words);
    }
}

#[test]
fn an_analysis_that_is_not_defined_for_a_model_is_refused_before_anything_runs() {
    let mlp = "[train.mlp]\ndata = \"data.digits\"\n";
    for (reader, model, reason) in [
        (
            "[metric.truncation]",
            "train.mlp",
            "`train.mlp` (kind mlp) is not bilinear, which `metric.truncation` needs of its `model`: \
             only the logits of a bilinear layer are sums over eigenpairs",
        ),
        (
            "[metric.truncation]",
            "train.ground-truth",
            "`train.ground-truth` (kind bilinear) is not bias-free",
        ),
        (
            "[decompose.interaction]",
            "train.mlp",
            "`train.mlp` (kind mlp) is not bilinear",
        ),
        (
            "[decompose.ground-truth]",
            "train.bilinear[hidden=4,seed=0]",
            "`train.bilinear` (kind bilinear) is not biased",
        ),
    ] {
        let project = TestProject::new(&format!("{PIPELINE}{mlp}"));
        // Another model in place of the one given, which becomes a comment.
        let start = format!("{reader}\nmodel = \"");
        project.edit(&start, &format!("{start}{model}\" # \""));
        assert_refused(&project, &[reason]);
    }
}

#[test]
fn layers_that_an_analysis_cannot_use_are_refused_before_anything_runs() {
    let data = "[data.more]\nkind = \"digits\"\ntransforms = [{ resize = { height = 16, width = 16 } }]\n\
         [train.convnet]\ndata = \"data.more\"\nepochs = 1\n\
         [train.mlp]\ndata = \"data.more\"\n[train.deep]\nkind = \"mlp\"\ndata = \"data.more\"\nwidths = [8, 8, 8]\n\
         [train.own]\nkind = \"network\"\ndata = \"data.more\"\n\
         steps = [{ linear = { outputs = 8, name = \"layer1\" } }, { linear = { outputs = \"classes\", name = \"layer2\" } }]\n";
    let surgery = |model: &str, layer: &str| {
        format!(
            "[decompose.embedding]\nmodel = \"{model}\"\ndata = \"data.more\"\nlayer = \"{layer}\"\n\
             [decompose.surgery]\nmodel = \"{model}\"\nembeddings = \"decompose.embedding\"\n"
        )
    };
    let alignment = |reference: &str, other: &str, more: &str| {
        format!(
            "[decompose.alignment]\nreference = \"{reference}\"\nother = \"{other}\"\ndata = \"data.more\"\n{more}"
        )
    };
    for (tables, reasons) in [
        (
            surgery("train.convnet", "conv2"),
            &[
                "`conv2` is a convolution: its embeddings have places",
                "embed images with `classifier` or `embedding`",
            ][..],
        ),
        (
            alignment("train.convnet", "train.mlp", ""),
            &["the networks have no layer of the same name", "`conv1`"],
        ),
        (
            alignment("train.mlp", "train.deep", ""),
            &[
                "not in both networks: `layer4`",
                "layers = [\"layer2\", \"layer3\"]",
            ],
        ),
        (
            alignment("train.mlp", "train.own", "layers = [\"layer3\"]\n"),
            &["not in both networks: `layer3`", "layers = [\"layer2\"]"],
        ),
    ] {
        let project = TestProject::new(&format!("{data}{tables}"));
        assert_refused(&project, reasons);
    }
}

#[test]
fn sizes_that_cannot_work_are_refused_before_anything_runs() {
    let data = |lines: &str| format!("[data.more]\nkind = \"digits\"\n{lines}\n");
    let cnn = "[train.cnn]\ndata = \"data.digits\"\n";
    let surgery = "[train.convnet]\ndata = \"data.more\"\nepochs = 1\n\
         [decompose.embedding]\nmodel = \"train.convnet\"\ndata = \"data.more\"\nlayer = \"embedding\"\n\
         [decompose.surgery]\nmodel = \"train.convnet\"\nembeddings = \"decompose.embedding\"\n";
    let large =
        data("classes = [0, 1, 2, 3]\ntransforms = [{ resize = { height = 16, width = 16 } }]");
    for (tables, reason) in [
        (
            cnn.to_owned(),
            "`train.cnn` needs at least 13 rows of pixels, but `data.digits` has 8",
        ),
        (
            data("train_count = 1438"),
            "`train_count` needs at least 1438 training images, but there are 1437",
        ),
        (
            data("train_count = 3\ntrain_fraction = 0.5"),
            "exclude each other",
        ),
        (
            data("classes = [10]"),
            "`classes` names number 10 of the classes, counted from 0, but there are 10",
        ),
        (data("classes = [3, 3]"), "`classes` has 3 twice"),
        (
            data("transforms = [\"grey\"]"),
            "`transforms: grey` needs 3 channels, but there is 1",
        ),
        (
            data("transforms = [{ normalise = { mean = [0, 0, 0], std = [1, 1, 1] } }]"),
            "`transforms: normalise` needs 3 channels, but there is 1",
        ),
        (
            data("transforms = [{ normalise = { mean = [0], std = [0] } }]"),
            "must be a positive number, found the integer 0",
        ),
        (
            format!("{large}{surgery}pairs = [[0, 4]]\n"),
            "`decompose.surgery` names number 4 of the classes, counted from 0, but `train.convnet` has 4",
        ),
    ] {
        let project = TestProject::new(&format!("{PIPELINE}{tables}"));
        assert_refused(&project, &[reason]);
    }
}

#[test]
fn parameters_that_do_not_fit_what_is_read_are_refused_before_anything_runs() {
    let embedding = |lines: &str| {
        format!(
            "[train.mlp]\ndata = \"data.digits\"\nepochs = 1\n[decompose.embedding]\nmodel = \"train.mlp\"\n\
             data = \"data.digits\"\nlayer = \"layer2\"\n{lines}"
        )
    };
    let t_sne = |lines: &str| {
        embedding(&format!(
            "[metric.t-sne]\nembeddings = \"decompose.embedding\"\n{lines}"
        ))
    };
    let neighbours = |lines: &str| {
        embedding(&format!(
            "[metric.neighbours]\nembeddings = \"decompose.embedding\"\n{lines}"
        ))
    };
    let wide = |lines: &str| {
        format!(
            "[train.wide]\nkind = \"bilinear\"\ndata = \"data.digits\"\nhidden = 40\nepochs = 1\n\
             [decompose.few]\nkind = \"interaction\"\nmodel = \"train.wide\"\ncount = 5\n{lines}"
        )
    };
    let surgery = |lines: &str| {
        format!(
            "[data.four]\nkind = \"digits\"\nclasses = [0, 1, 2, 3]\n[train.mlp]\ndata = \"data.four\"\n\
             [decompose.embedding]\nmodel = \"train.mlp\"\ndata = \"data.four\"\nlayer = \"layer2\"\n\
             [decompose.surgery]\nmodel = \"train.mlp\"\nembeddings = \"decompose.embedding\"\n{lines}"
        )
    };
    let masks = |lines: &str| {
        format!(
            "[decompose.masks]\nmodel = \"train.bilinear[hidden=4,seed=0]\"\ndata = \"data.digits\"\nkept = 2\n\
             [metric.masks]\nmodel = \"train.bilinear[hidden=4,seed=0]\"\nmasks = \"decompose.masks\"\n\
             data = \"data.digits\"\n{lines}"
        )
    };
    let circle = |outputs: usize| {
        format!(
            "[train.own]\nkind = \"network\"\ndata = \"data.digits\"\nepochs = 1\n\
             steps = [{{ linear = {{ outputs = {outputs}, name = \"narrow\" }} }}, {{ linear = {{ outputs = \"classes\" }} }}]\n\
             [decompose.embedding]\nmodel = \"train.own\"\ndata = \"data.digits\"\nlayer = \"narrow\"\n\
             [metric.circle]\nkind = \"unit-circle\"\nembeddings = \"decompose.embedding\"\n"
        )
    };
    let alike = |lines: &str| {
        format!(
            "[metric.alike]\nkind = \"representation-similarity\"\nmodels = \"train.bilinear\"\ndata = \"data.digits\"\n\
             {lines}"
        )
    };
    for (tables, reasons) in [
        (
            t_sne("perplexity = 359\n"),
            &[
                "perplexity 359 is too large for 360 images: it must be below the number of others",
                "`perplexity` must be below 359",
            ][..],
        ),
        (
            t_sne("images = 20\n"),
            &[
                "perplexity 30 is too large for 20 images of 360",
                "raise `images`",
            ],
        ),
        (
            neighbours("queries = [0, 360]\n"),
            &["there is no image 360: 360 are embedded, counted from 0"],
        ),
        (
            neighbours("count = 360\n"),
            &["360 neighbours are wanted, but 360 images are embedded"],
        ),
        (
            wide(
                "[metric.cut]\nkind = \"truncation\"\nmodel = \"train.wide\"\neigenpairs = \"decompose.few\"\n\
                  data = \"data.digits\"\nkept = 6\n",
            ),
            &[
                "`metric.cut` needs at least 6 eigenpairs at each end of a spectrum, but `decompose.few` has 5",
                "raise `count`",
            ],
        ),
        (
            wide(
                "[metric.alike]\nkind = \"similarity\"\neigenpairs = \"decompose.few\"\ncount = 5\nreference = 41\n",
            ),
            &["`metric.alike` needs 41 hidden units of one of its `eigenpairs`, but they have 40"],
        ),
        (
            surgery(""),
            &[
                "`decompose.surgery` names number 6 of the classes",
                "`pairs`",
            ],
        ),
        (
            surgery("pairs = []\n"),
            &["`pairs` must be a list of one or more"],
        ),
        (
            masks(
                "[figure.masks]\nmasks = \"decompose.masks\"\nsummary = \"metric.masks\"\nrank = 3\n",
            ),
            &[
                "`figure.masks` needs at least 3 masks of each class, but `decompose.masks[hidden=4,seed=0]` has 2",
            ],
        ),
        (
            masks("strengths = []\n"),
            &["`strengths` must be a list of one or more"],
        ),
        (
            alike("measures = []\n"),
            &["`measures` must be a list of one or more"],
        ),
        (
            alike(
                "measures = [\"rsa\"]\n[figure.alike]\nkind = \"representation-similarity\"\nsimilarity = \"metric.alike\"\n\
                 map = \"metric.alike\"\n",
            ),
            &[
                "`measure` of `figure.alike` names `cka`",
                "the default of `measure`",
            ],
        ),
        (
            "[data.few]\nkind = \"digits\"\ntrain_count = 3\n[metric.alike]\nkind = \"representation-similarity\"\n\
             models = \"train.bilinear\"\ndata = \"data.few\"\nsplit = \"train\"\n"
                .to_owned(),
            &["`metric.alike` needs at least 4 training images, but `data.few` has 3"],
        ),
        (
            circle(1),
            &["`metric.circle` needs at least 2 values of an embedding, but `decompose.embedding` has 1"],
        ),
        (
            circle(513),
            &[
                "`metric.circle` takes at most 512 values of an embedding, but `decompose.embedding` has 513",
                "embed with a narrower layer",
            ],
        ),
        (
            "[decompose.explanation]\nmodel = \"train.bilinear[hidden=4,seed=0]\"\ndata = \"data.digits\"\nimage = { at = 1797 }\n"
                .to_owned(),
            &["`image: at` names number 1797 of the positions of test images in their source, counted from 0, but there are 1797"],
        ),
    ] {
        let project = TestProject::new(&format!("{PIPELINE}{tables}"));
        assert_refused(&project, reasons);
    }
}

#[test]
fn labels_that_what_is_read_does_not_have_are_refused_before_anything_runs() {
    let alike = |over: &str| {
        format!(
            "[metric.alike]\nkind = \"similarity-map\"\neigenpairs = \"decompose.interaction\"\nover = {over}\n"
        )
    };
    let grid = |lines: &str| {
        format!(
            "[figure.grid]\nkind = \"eigenvector-grid\"\neigenpairs = \"decompose.interaction\"\nhistories = \"train.bilinear\"\n{lines}"
        )
    };
    let participation = |lines: &str| {
        format!(
            "[metric.participation]\nspectra = \"decompose.interaction\"\neigenpairs = \"decompose.interaction\"\n\
             [figure.participation]\nparticipation = \"metric.participation\"\n{lines}"
        )
    };
    for (tables, reasons) in [
        (
            alike("\"sead\""),
            &[
                "`over` of `metric.alike` is `sead`, but nothing that it reads has such a label",
                "did you mean `seed`?",
            ][..],
        ),
        (
            alike("[\"seed\", \"rate\"]"),
            &["`over` of `metric.alike` is `rate`, but nothing"],
        ),
        (
            alike("\"hidden\""),
            &[
                "`over` of `metric.alike` is `hidden`, which has a column of its own and is not averaged over",
            ],
        ),
        (
            grid("rows = \"hiden\"\n"),
            &[
                "`rows` of `figure.grid` is `hiden`, but `decompose.interaction[hidden=4,seed=0]` has no such label",
                "did you mean `hidden`? labels: class, hidden, model, seed",
            ],
        ),
        (
            participation("rows = \"hidden\"\n"),
            &[
                "`columns` of `figure.participation` is `noise_std`, but `decompose.interaction[hidden=4,seed=0]` has no such label",
                "the default of `columns`",
            ],
        ),
        (
            participation("rows = \"hidden\"\ncolumns = \"seed\"\n"),
            &[
                "`columns` of `figure.participation` is `seed`, which is averaged over before",
                "labels: hidden",
            ],
        ),
    ] {
        let project = TestProject::new(&format!("{PIPELINE}{tables}"));
        assert_refused(&project, reasons);
    }
    // Labels that are there, words in place of them, and a default that need not be there.
    let fine = format!(
        "{PIPELINE}{}{}",
        grid("rows = \"hidden\"\ncolumns = \"seed\"\n"),
        alike("\"seed\""),
    );
    let project = TestProject::new(&fine);
    project.call(&["status", "p.toml"]).expect(0);
    let single = "[train.one]\nkind = \"bilinear\"\ndata = \"data.digits\"\nhidden = 3\nbatch = 64\n[decompose.one]\nkind = \"interaction\"\n\
                  model = \"train.one\"\n[metric.one]\nkind = \"similarity-map\"\neigenpairs = \"decompose.one\"\n";
    let project = TestProject::new(&format!("[data.digits]\n{single}"));
    project.call(&["status", "p.toml"]).expect(0);
}

#[test]
fn unknown_pipelines_and_tasks_name_the_known_ones() {
    let project = TestProject::new(PIPELINE);
    project.write("pipelines/mine.toml", PIPELINE);
    project
        .call(&["run", "yours"])
        .refuses(&["pipelines: mine"]);
    project
        .call(&["status", "mine", "figure.similarty"])
        .refuses(&["did you mean `figure.similarity`"]);
    project
        .call(&["compare", "p.toml", "--published", "nowhere.toml"])
        .refuses(&["nowhere.toml"]);
}

#[test]
fn missing_data_says_what_was_wanted_and_leaves_nothing() {
    let project = TestProject::new("[data.mnist]\n");
    project
        .call(&["run", "p.toml", "--offline", "--data-dir", "nowhere"])
        .expect(1)
        .explains(&["train-images-idx3-ubyte", "nowhere"]);
    assert!(project.temporaries().is_empty());
    assert!(!project.path("artifacts/p/data.mnist").exists());
}

#[test]
fn a_garbage_data_file_is_refused_with_its_name() {
    let project = TestProject::new("[data.mnist]\n");
    for name in [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ] {
        project.write(&format!("data/mnist/{name}"), "not an IDX file at all");
    }
    project
        .call(&["run", "p.toml", "--offline"])
        .expect(1)
        .explains(&["train-images-idx3-ubyte"]);
    assert!(project.temporaries().is_empty());
}

#[test]
fn diverging_training_stops_with_epoch_and_value() {
    let project = TestProject::new(PIPELINE);
    project.edit("epochs = 3", "epochs = 3\nlearning_rate = 1e5");
    project
        .call(&["run", "p.toml", "metric.final"])
        .expect(1)
        .explains(&["training diverged in epoch"]);
    assert!(project.temporaries().is_empty());
}

#[test]
fn an_output_folder_that_is_a_file_is_named() {
    let project = TestProject::new(PIPELINE);
    project.write("artifacts", "a file, not a folder");
    project
        .call(&["run", "p.toml", "--offline"])
        .refuses(&["a file stands where a folder is needed"]);
}
