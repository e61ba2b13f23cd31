//! Sizes and counts of images: followed through parameters and tables, and refused where they are too small or too large.

mod sample;

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_artifact::{IMAGES, TENSORS};
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, parse};
use eigenscope_stage::{
    Amount, Demand, Description, Effect, Feature, Parameter, ParameterType, Relation, Role, Stage,
    TASK_VERSION, TaskKindDescription, Variant, Windows,
};
use sample::{codes, kind, rendered};
use serde_json::json;

/// Images of 8 x 8 pixels and three channels, or of unknown size; 100 of them, of four classes.
fn images(name: &str, known: bool) -> TaskKindDescription {
    let whole = || ParameterType::at_least(0);
    let transform = ParameterType::OneOf(vec![
        Variant::new("scale", vec![]),
        Variant::new("grey", vec![]).with([
            Effect::demands(
                Amount::Fixed(3),
                Relation::Equals,
                "channels",
                "three are mixed",
            ),
            Effect::sets("channels", Amount::Fixed(1)),
        ]),
        Variant::new("resize", vec![Parameter::required("side", whole(), "")])
            .with([Effect::sets("rows", Amount::parameter("side"))]),
    ]);
    TaskKindDescription {
        parameters: vec![
            Parameter::optional("transforms", ParameterType::list(transform), json!([]), ""),
            Parameter::optional("classes", ParameterType::set(whole()), json!([]), "").with([
                Effect::demands(
                    Amount::parameter("classes"),
                    Relation::Below,
                    "classes",
                    "labels",
                ),
                Effect::sets("classes", Amount::items("classes")),
                Effect::forgets("images"),
            ]),
            Parameter::optional("count", whole(), 0, "").with([Effect::demands(
                Amount::parameter("count"),
                Relation::AtMost,
                "images",
                "images are not repeated",
            )]),
        ],
        provides: match known {
            true => vec![
                Feature::quantity("rows", 8),
                Feature::quantity("channels", 3),
                Feature::quantity("classes", 4),
                Feature::quantity("images", 100),
            ],
            false => vec![],
        },
        ..kind(name, &[IMAGES])
    }
}

fn plan(text: &str) -> Result<(), String> {
    planned(text).map(drop)
}

fn planned(text: &str) -> Result<Plan, String> {
    let windows = Amount::Windows(vec![Windows {
        kernel: 5,
        stride: 2,
        list: Some("channels".to_owned()),
    }]);
    let network = TaskKindDescription {
        parameters: vec![Parameter::optional(
            "channels",
            ParameterType::list(ParameterType::at_least(1)),
            json!([1]),
            "",
        )],
        roles: vec![
            Role::one("data", IMAGES, "")
                .demands(Demand::new(
                    windows,
                    Relation::AtMost,
                    "rows",
                    "windows need room",
                ))
                .proportional("rows", 4.0)
                .proportional("images", 25.0),
        ],
        provides: vec![Feature::quantities("data")],
        ..kind("network", &[TENSORS])
    };
    let edit = TaskKindDescription {
        parameters: vec![Parameter::required("class", ParameterType::at_least(0), "")],
        roles: vec![Role::many("models", TENSORS, "").demands(Demand::new(
            Amount::parameter("class"),
            Relation::Below,
            "classes",
            "a class is a number",
        ))],
        provides: vec![Feature::inherited("models")],
        ..kind("edit", &[TENSORS])
    };
    let description = |section, kinds| Description {
        version: TASK_VERSION,
        section,
        kinds,
        code: BTreeMap::new(),
    };
    let descriptions = vec![
        description(
            Stage::Data,
            vec![images("known", true), images("own", false)],
        ),
        description(Stage::Train, vec![network]),
        description(Stage::Decompose, vec![edit]),
    ];
    let programs = Programs::from_descriptions(Path::new(""), descriptions);
    match parse("test", Path::new("pipelines/test.toml"), text, &programs) {
        Ok(plan) => Ok(plan),
        Err(errors) => {
            let text = rendered(&errors);
            assert!(
                codes(&errors).iter().all(|code| code == "wrong_count"),
                "{text}"
            );
            Err(text)
        }
    }
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let found = plan(text).expect_err("refused");
    // Lines of a message are joined again.
    let words: Vec<&str> = found
        .split_whitespace()
        .filter(|word| *word != "│")
        .collect();
    let found = words.join(" ");
    assert!(found.contains(message), "{found}");
    assert_eq!(found.matches("wrong_count").count(), 1, "{found}");
}

#[test]
fn parameters_demand_and_change_numbers() {
    assert_eq!(
        plan("[data.known]\ntransforms = ['scale', 'grey']\nclasses = [3, 0]\n"),
        Ok(())
    );
    refused(
        "[data.known]\ntransforms = ['grey', 'scale', 'grey']\n",
        "`transforms: grey` needs 3 channels, but there is 1",
    );
    refused(
        "[data.known]\nclasses = [0, 4]\n",
        "`classes` names number 4 of the classes, counted from 0, but there are 4",
    );
    refused(
        "[data.known]\ncount = [10, 101]\n",
        "`count` needs at least 101 images, but there are 100",
    );
    // How many images two classes have is not known.
    assert_eq!(
        plan("[data.known]\nclasses = [0, 1]\ncount = 101\n"),
        Ok(())
    );
    assert_eq!(
        plan("[data.own]\ntransforms = ['grey']\nclasses = [9]\ncount = 101\n"),
        Ok(())
    );
    refused(
        "[data.own]\ntransforms = ['grey', 'grey']\n",
        "`transforms: grey` needs 3 channels, but there is 1",
    );
}

#[test]
fn readers_demand_what_reaches_them() {
    let train = |data: &str, channels: &str| {
        format!(
            "[data.known]\n[data.own]\n[data.big]\nkind = 'own'\ntransforms = [{{ resize = {{ side = 13 }} }}]\n\
                 [train.network]\ndata = 'data.{data}'\nchannels = {channels}\n"
        )
    };
    assert_eq!(plan(&train("known", "[1]")), Ok(()));
    assert_eq!(plan(&train("own", "[1, 1, 1, 1]")), Ok(()));
    assert_eq!(plan(&train("big", "[1, 1]")), Ok(()));
    refused(
        &train("known", "[[1], [1, 1]]"),
        "`train.network` needs at least 13 rows, but `data.known` has 8",
    );
    refused(
        &train("big", "[1, 1, 1]"),
        "`train.network` needs at least 29 rows, but `data.big` has 13",
    );
}

#[test]
fn numbers_are_inherited() {
    let edit = |classes: &str, class: u64| {
        format!(
            "[data.known]\nclasses = {classes}\n[train.network]\ndata = 'data.known'\n\
             [decompose.first]\nkind = 'edit'\nmodels = 'train.network'\nclass = 0\n\
             [decompose.second]\nkind = 'edit'\nmodels = 'decompose.first'\nclass = {class}\n"
        )
    };
    assert_eq!(plan(&edit("[]", 3)), Ok(()));
    refused(
        &edit("[]", 4),
        "`decompose.second` names number 4 of the classes, counted from 0, but `decompose.first` has 4",
    );
    refused(
        &edit("[2, 3]", 2),
        "`decompose.second` names number 2 of the classes, counted from 0, but `decompose.first` has 2",
    );
    // What several have in common is known only where they agree.
    let several = "[data.known]\n[data.two]\nkind = 'known'\nclasses = [0, 1]\n\
         [train.a]\nkind = 'network'\ndata = 'data.known'\n[train.b]\nkind = 'network'\ndata = 'data.two'\n\
         [decompose.first]\nkind = 'edit'\nmodels = ['train.a', 'train.b']\nclass = 1\n\
         [decompose.second]\nkind = 'edit'\nmodels = 'decompose.first'\nclass = 9\n";
    assert_eq!(plan(several), Ok(()));
}

#[test]
fn guesses_of_durations_follow_what_is_known_of_the_images() {
    let seconds = |data: &str| {
        let text = format!("{data}[train.network]\ndata = 'data.images'\n");
        let plan = planned(&text).expect("a plan");
        let task = plan.tasks.iter().find(|task| task.id == "train.network");
        task.expect("planned").resources.seconds
    };
    // The kind guesses 1 s for 4 rows and 25 images.
    let images = "[data.images]\nkind = ";
    assert_eq!(seconds(&format!("{images}'known'\n")), 8.0);
    let large = "transforms = [{ resize = { side = 100 } }]\n";
    assert_eq!(seconds(&format!("{images}'known'\n{large}")), 100.0);
    assert_eq!(seconds(&format!("{images}'own'\n{large}")), 25.0);
    assert_eq!(seconds(&format!("{images}'own'\n")), 1.0);
}
