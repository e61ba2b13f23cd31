//! What is code of a task function and what is not, rule by rule, on small workspaces.

mod edit;
mod fixture;

use fixture::Workspace;

const LIBRARY: &str = "crates/stage/src/lib.rs";
const MODULE: &str = "crates/stage/src/m.rs";
const BASE: &str = "crates/base/src/lib.rs";

/// A stage whose task function is `run`, in the root, with one module `m`.
fn stage(run: &str, module: &str) -> Workspace {
    let code = format!("fn kind() {{ task_function!(run) }}\n{run}");
    Workspace::new(&code, &[("m", module)])
}

/// Editing `from` to `to` in the module `m` changes the code of `run`, or does not.
#[track_caller]
fn counts(run: &str, module: &str, from: &str, to: &str) -> bool {
    let changed = stage(run, module).edit(MODULE, from, to);
    assert!(changed.iter().all(|part| part == MODULE), "{changed:?}");
    !changed.is_empty()
}

#[test]
fn what_runs_the_same_is_the_same_code() {
    let run = "fn run() { m::f(1, 2) }";
    for (from, to) in [
        ("pub fn f", "/// Adds.\n#[doc = \"Both.\"]\npub fn f"),
        ("a + b", "// both\n a /* one */ + b"),
        ("(a: u8, b: u8)", "(\n    a: u8,\n    b: u8,\n)"),
        ("\n", "\r\n"),
        (
            "pub fn f",
            "#[cfg(test)] mod tests { fn t() { panic!() } }\npub fn f",
        ),
        ("pub fn f", "fn never_called() {}\npub fn f"),
        ("use x::{a, b};", "use x::b;\nuse x::a;"),
        ("pub struct S;\n", ""),
    ] {
        let module = "use x::{a, b};\npub struct S;\npub fn f(a: u8, b: u8) -> u8 { a + b }\n";
        assert!(!counts(run, module, from, to), "{from:?} to {to:?}");
    }
}

#[test]
fn two_clones_agree_and_a_swap_file_does_not_matter() {
    let one = stage("fn run() { m::f() }", "pub fn f() {}");
    let other = stage("fn run() { m::f() }", "pub fn f() {}");
    other.write("crates/stage/src/.m.rs.swp", "unsaved");
    assert_eq!(one.code(), other.code());
}

#[test]
fn the_order_of_items_does_not_count_but_their_place_does() {
    let workspace = stage(
        "fn run() { m::f(); m::g() }",
        "pub fn f() {}\npub fn g() {}",
    );
    let before = workspace.code();
    workspace.write(MODULE, "pub fn g() {}\npub fn f() {}");
    assert_eq!(workspace.code(), before);
    workspace.write(
        MODULE,
        "pub use inner::f;\npub mod inner { pub fn f() {} }\npub fn g() {}",
    );
    assert_ne!(workspace.code(), before);
}

#[test]
fn code_is_followed_by_its_names() {
    let body = ("1 + 1", "1 + 2");
    for (run, module) in [
        ("fn run() { m::f() }", "pub fn f() { 1 + 1 }"),
        ("use m::f as g; fn run() { g() }", "pub fn f() { 1 + 1 }"),
        ("use m::*; fn run() { f() }", "pub fn f() { 1 + 1 }"),
        ("fn run() { use crate::m; m::f() }", "pub fn f() { 1 + 1 }"),
        ("fn run() { self::m::f::<u8>() }", "pub fn f<T>() { 1 + 1 }"),
        (
            "fn run() { m::f() }",
            "pub use self::inner::g as f; mod inner { pub fn g() { 1 + 1 } }",
        ),
        (
            "fn run() { m::f() }",
            "pub fn f() { g() } fn g() { h!() } macro_rules! h { () => { 1 + 1 } }",
        ),
        ("fn run(s: m::S) {}", "pub struct S([u8; 1 + 1]);"),
        (
            "fn run(s: m::T) {}",
            "pub type T = S; pub struct S([u8; 1 + 1]);",
        ),
        (
            "fn run() { println!(\"{A}\"); } use m::A;",
            "pub const A: u8 = 1 + 1;",
        ),
        (
            "#[serde(default = \"m::f\")] fn run() {}",
            "pub fn f() { 1 + 1 }",
        ),
        (
            "fn run() { m::S::new() }",
            "pub struct S; impl S { pub fn new() { 1 + 1 } }",
        ),
        ("fn run() { m::E::A }", "pub enum E { A = 1 + 1 }"),
    ] {
        assert!(counts(run, module, body.0, body.1), "{run} with {module}");
    }
}

#[test]
fn what_is_not_named_is_not_code_of_it() {
    for (run, module) in [
        ("fn run() { m::f() }", "pub fn f() {} pub fn g() { 1 + 1 }"),
        (
            "fn run(x: X) { x.g(); m::f() }",
            "pub fn f() {} pub fn g() { 1 + 1 }",
        ),
        (
            "fn run() { m::f() }",
            "pub fn f() {} pub struct S; impl S { fn new() { 1 + 1 } }",
        ),
        (
            "fn run() { m::f() }",
            "pub fn f() {} pub const A: u8 = 1 + 1;",
        ),
        (
            "fn kind_of_description() { m::g() } fn run() { m::f() }",
            "pub fn f() {} pub fn g() { 1 + 1 }",
        ),
    ] {
        assert!(
            !counts(run, module, "1 + 1", "1 + 2"),
            "{run} with {module}"
        );
    }
}

#[test]
fn an_implementation_counts_wherever_it_stands() {
    let s = "pub struct S;";
    for implementation in [
        "impl crate::S { fn f() { 1 + 1 } }",
        "use super::S; impl Drop for S { fn drop(&mut self) { 1 + 1 } }",
        "type T = crate::S; impl Drop for T { fn drop(&mut self) { 1 + 1 } }",
        "impl From<u8> for &'static crate::S { fn from() { 1 + 1 } }",
        "impl PartialEq<crate::S> for u8 { fn eq() { 1 + 1 } }",
    ] {
        let run = format!("{s} fn run() {{ S }}");
        assert!(
            counts(&run, implementation, "1 + 1", "1 + 2"),
            "{implementation}"
        );
        let unused = format!("{s} fn run() {{}}");
        assert!(
            !counts(&unused, implementation, "1 + 1", "1 + 2"),
            "{implementation}"
        );
    }
}

#[test]
fn methods_that_a_trait_gives_to_other_types_count_where_the_trait_is_in_scope() {
    let module = "pub trait Twice { fn twice(self); }\nimpl Twice for u8 { fn twice(self) { 1 + 1 } }\n\
                  pub struct Other; impl Twice for Other { fn twice(self) { 2 + 2 } }";
    for run in [
        "use m::Twice; fn run() { 1.twice() }",
        "use m::Twice as _; fn run() { 1.twice() }",
        "use m::*; fn run() { 1.twice() }",
        "fn run() { use m::Twice; 1.twice() }",
    ] {
        assert!(counts(run, module, "1 + 1", "1 + 2"), "{run}");
        assert!(
            !counts(run, module, "2 + 2", "2 + 3"),
            "{run}: no value of that type"
        );
    }
    assert!(!counts("fn run() { 1.twice() }", module, "1 + 1", "1 + 2"));
}

#[test]
fn an_import_counts_even_if_all_that_it_can_mean_is_reached() {
    let module = "use crate::{one, two};\nuse crate::one::f as g;\n\
                  pub fn h() { one::f(); two::f(); g() }";
    let code = "fn kind() { task_function!(run) }\nfn run() { m::h() }";
    let f = "pub fn f() {}";
    let workspace = Workspace::new(code, &[("m", module), ("one", f), ("two", f)]);
    assert_eq!(
        workspace.edit(MODULE, "one::f as g", "two::f as g"),
        [MODULE]
    );
}

#[test]
fn imports_from_outside_count_for_the_whole_module() {
    let run = "fn run() { m::f() }";
    let module = "use outside::prelude::*;\nuse outside::Trait;\npub fn f() { 1.method() }";
    assert!(counts(run, module, "::prelude::", "::other::"));
    assert!(counts(
        run,
        module,
        "outside::Trait",
        "outside::Other as Trait"
    ));
}

#[test]
fn tables_made_by_one_macro_change_one_by_one() {
    let tables = "macro_rules! table { (pub struct $name:ident = $size:expr) => {\n\
                  pub struct $name([u8; $size]); impl $name { fn new() { 0 } } }; }\n\
                  table! { pub struct A = 1 + 1 }\ntable! { pub struct B = 2 + 2 }";
    let run = "fn run() { m::A }";
    assert!(counts(run, tables, "1 + 1", "1 + 2"));
    assert!(!counts(run, tables, "2 + 2", "2 + 3"));
    assert!(
        counts(run, tables, "{ 0 }", "{ 1 }"),
        "what the macro expands to"
    );
}

#[test]
fn any_other_call_of_a_macro_counts_with_its_module() {
    let module = "pub trait T {} pub fn f() {}\nmacro_rules! give { ($to:ty) => { impl T for $to {} }; }\n\
                  give!([u8; 1 + 1]);\nunknown! { 2 + 2 }";
    let run = "fn run() { m::f() }";
    assert!(counts(run, module, "1 + 1", "1 + 2"));
    assert!(counts(run, module, "2 + 2", "2 + 3"));
    let defined = "unknown! { pub struct A(1 + 1); }\npub fn f() {}";
    assert!(counts("fn run() { m::A }", defined, "1 + 1", "1 + 2"));
}

#[test]
fn what_a_macro_may_implement_counts_for_what_the_call_mentions() {
    let module = "macro_rules! give { ($to:ty) => { impl Drop for $to { fn drop() { 2 + 2 } } }; }\n\
                  give!(crate::S<1 + 1>);\nconst _: () = { impl Clone for crate::S { 3 + 3 } };";
    for (from, to) in [("1 + 1", "1 + 2"), ("2 + 2", "2 + 3"), ("3 + 3", "3 + 4")] {
        assert!(counts("pub struct S; fn run() { S }", module, from, to));
        assert!(!counts("pub struct S; fn run() {}", module, from, to));
    }
    let defined = "unknown! { pub struct A; }";
    let implementation = "impl Drop for crate::m::A { fn drop() { 1 + 1 } }";
    let code = "fn kind() { task_function!(run) }\nfn run() { m::A }";
    let workspace = Workspace::new(code, &[("m", defined), ("n", implementation)]);
    assert!(
        !workspace
            .edit("crates/stage/src/n.rs", "1 + 1", "1 + 2")
            .is_empty()
    );
}

#[test]
fn a_variable_counts_as_the_item_of_its_name() {
    let module = "pub fn f() { let g = 1; g }\nfn g() { 1 + 1 }";
    assert!(counts("fn run() { m::f() }", module, "1 + 1", "1 + 2"));
}

#[test]
fn macros_see_the_names_where_they_are_called() {
    let module = "use crate::twice;\npub fn f() { twice!() }\nfn g() { 1 + 1 }";
    let code = "macro_rules! twice { () => { g() + g() }; }\nuse twice;\nfn run() { m::f() }";
    assert!(counts(code, module, "1 + 1", "1 + 2"));
}

#[test]
fn conditions_on_a_module_and_attributes_of_the_crate_count() {
    let workspace = stage(
        "#[cfg(unix)] mod n { pub fn f() {} }\nfn run() { n::f() }",
        "",
    );
    assert_eq!(workspace.edit(LIBRARY, "unix", "windows"), [LIBRARY]);
    let workspace = stage("fn run() { m::f() }", "pub fn f() {}");
    assert_eq!(
        workspace.edit(LIBRARY, "fn kind", "#![recursion_limit = \"9\"]\nfn kind"),
        [LIBRARY]
    );
}

#[test]
fn other_crates_of_the_workspace_are_followed_item_by_item() {
    let workspace = stage("use eigenscope_base::f; fn run() { f() }", "");
    let base = "mod inner;\npub use inner::f;\npub fn g() { 2 + 2 }";
    workspace.write(BASE, base);
    let inner = "crates/base/src/inner/mod.rs";
    workspace.write(inner, "pub fn f() { 1 + 1 }");
    assert_eq!(workspace.edit(inner, "1 + 1", "1 + 2"), [inner]);
    assert!(workspace.edit(BASE, "2 + 2", "2 + 3").is_empty());
    assert!(
        workspace
            .edit(BASE, "pub fn g", "pub mod new {}\npub fn g")
            .is_empty()
    );
}

#[test]
fn the_program_counts_but_not_the_list_of_kinds_that_it_hands_over() {
    let workspace = stage("pub fn kinds() { kind() } fn run() {}", "");
    workspace.write(BASE, "pub fn serve() { 1 + 1 }");
    let main = "crates/stage/src/main.rs";
    workspace.write(
        main,
        "fn main() { eigenscope_base::serve(eigenscope_stage::kinds()) }",
    );
    assert_eq!(workspace.edit(BASE, "1 + 1", "1 + 2"), [BASE]);
    assert!(
        workspace
            .edit(LIBRARY, "{ kind() }", "{ kind(); }")
            .is_empty()
    );
    assert_eq!(
        workspace.edit(main, "fn main() {", "fn main() { set_up();"),
        [main]
    );
}

#[test]
fn included_files_count_byte_by_byte() {
    let file = "crates/stage/assets/digits.csv";
    let workspace = stage("fn run() { include_bytes!(\"../assets/digits.csv\") }", "");
    workspace.write(file, "1,2\n");
    assert_eq!(workspace.edit(file, "1,2\n", "1,2\r\n"), [file]);
    let unused = stage(
        "fn run() {} fn other() { include_bytes!(\"../assets/digits.csv\") }",
        "",
    );
    unused.write(file, "1,2\n");
    assert!(unused.edit(file, "1,2\n", "3,4\n").is_empty());
}

#[test]
fn outside_packages_count_for_what_names_them() {
    for (run, names) in [
        ("fn run() { outside::f() }", true),
        ("use outside::f as g; fn run() { g() }", true),
        ("fn run() { m::f() }", false),
    ] {
        let workspace = stage(run, "pub fn f() {} pub fn g() { outside::f(); other::f() }");
        let expected: &[&str] = if names { &["outside"] } else { &[] };
        assert_eq!(
            workspace.edit("Cargo.lock", "1.0.0", "1.0.1"),
            expected,
            "{run}"
        );
        assert_eq!(
            workspace.edit("Cargo.lock", "\"bb\"", "\"b2\""),
            expected,
            "what it is built from"
        );
        assert!(workspace.edit("Cargo.lock", "3.0.0", "3.0.1").is_empty());
    }
}

#[test]
fn a_package_that_nothing_names_counts_for_everything() {
    let workspace = stage("fn run() {}", "fn f() { outside::f(); other::f() }");
    assert_eq!(workspace.edit("Cargo.lock", "4.0.0", "4.0.1"), ["unnamed"]);
}

#[test]
fn features_count_whoever_asks_for_them() {
    let workspace = stage("fn run() { other::f() }", "fn f() { outside::f() }");
    let base = "crates/base/Cargo.toml";
    let asked = "other = { version = \"3\", features = [\"fast\"] }";
    assert_eq!(workspace.edit(base, "other = \"3\"", asked), ["other"]);
    let root = "outside = { version = \"1\", default-features = false }";
    assert!(
        workspace
            .edit("Cargo.toml", "outside = \"1\"", root)
            .is_empty()
    );
    let stage = "crates/stage/Cargo.toml";
    let features = "[features]\nautodiff = []\n[dependencies]";
    assert_eq!(workspace.edit(stage, "[dependencies]", features), [stage]);
    assert_eq!(workspace.edit("Cargo.toml", "2024", "2027"), [stage]);
    assert!(
        workspace
            .edit("Cargo.toml", "[workspace.dep", "# comment\n[workspace.dep")
            .is_empty()
    );
}

#[test]
fn what_cannot_be_followed_is_refused_with_its_place() {
    for (run, module, reason) in [
        (
            "fn run() { m::f() }",
            "pub fn f() { env!(\"HOME\") }",
            "crates/stage/src/m.rs: `env!`",
        ),
        (
            "fn run() { include_str!(concat!(\"a\", \"b\")) }",
            "",
            "`include_str!`",
        ),
        ("", "", "no function `eigenscope_stage::run`"),
        ("mod gone; fn run() {}", "", "`gone`"),
        (
            "fn run() {}",
            "1 + 1",
            "m.rs: no item is known to begin with `1 + 1`",
        ),
        ("fn run() {}", "fn f( {}", "m.rs"),
        ("fn run() { include_str!(\"gone.txt\") }", "", "gone.txt"),
    ] {
        let error = stage(run, module).try_code().expect_err(reason);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let workspace = stage("fn run() {}", "");
    std::fs::remove_file(workspace.path("Cargo.lock")).expect("removed");
    let error = workspace.try_code().expect_err("no lock file");
    assert!(error.to_string().contains("Cargo.lock"), "{error}");
}
