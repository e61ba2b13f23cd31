//! Everything that can be wrong with a pipeline file or a file of published numbers.

use eigenscope_artifact::Kind;
use miette::Diagnostic;

/// What is wrong.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum Problem {
    /// The file system refuses.
    #[error("the file cannot be read")]
    #[diagnostic(code(eigenscope::file::unreadable))]
    Unreadable(#[source] std::io::Error),
    /// More bytes than any sensible file has.
    #[error("the file is longer than {limit} bytes")]
    #[diagnostic(code(eigenscope::file::too_long))]
    TooLong {
        /// Largest length accepted.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("the file is not UTF-8 text, first in line {line}")]
    #[diagnostic(code(eigenscope::file::not_text))]
    NotText {
        /// Line of the first bad byte, from 1.
        line: usize,
    },
    /// Not TOML.
    #[error("{message}")]
    #[diagnostic(code(eigenscope::file::syntax))]
    Syntax {
        /// From the TOML parser.
        message: String,
    },
    /// A key or table given twice.
    #[error("`{key}` is given twice")]
    #[diagnostic(code(eigenscope::file::duplicate_key))]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// An integer outside of 64 bits.
    #[error("the integer `{text}` does not fit in 64 bits")]
    #[diagnostic(code(eigenscope::file::integer_range))]
    IntegerRange {
        /// As written.
        text: String,
    },
    /// `nan`, `inf`, or too large for a double.
    #[error("`{text}` is not a finite number")]
    #[diagnostic(code(eigenscope::file::not_finite))]
    NotFinite {
        /// As written.
        text: String,
    },
    /// Nothing to do.
    #[error("the file holds no {what}")]
    #[diagnostic(code(eigenscope::file::empty))]
    Empty {
        /// What was expected.
        what: &'static str,
    },
    /// A key that nothing reads.
    #[error("unknown key `{key}` in {place}")]
    #[diagnostic(code(eigenscope::file::unknown_key))]
    UnknownKey {
        /// The key.
        key: String,
        /// Table that holds it.
        place: String,
    },
    /// A table that no stage program serves.
    #[error("unknown section `{section}`")]
    #[diagnostic(code(eigenscope::file::unknown_section))]
    UnknownSection {
        /// Its name.
        section: String,
    },
    /// A kind that the section's program does not have.
    #[error("unknown kind `{kind}` in section `{section}`")]
    #[diagnostic(code(eigenscope::file::unknown_kind))]
    UnknownKind {
        /// Section.
        section: &'static str,
        /// Kind asked for.
        kind: String,
    },
    /// A table name that could not be referred to.
    #[error("`{name}` cannot be the name of a table: {reason}")]
    #[diagnostic(code(eigenscope::file::bad_name))]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value of the wrong type.
    #[error("`{what}` must be {expected}, found {found}")]
    #[diagnostic(code(eigenscope::file::wrong_type))]
    WrongType {
        /// Key with its path.
        what: String,
        /// Type it should have.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A number outside of its bounds.
    #[error("`{what}` must be {expected}, found {found}")]
    #[diagnostic(code(eigenscope::file::out_of_bounds))]
    OutOfBounds {
        /// Key with its path.
        what: String,
        /// Type with bounds.
        expected: String,
        /// The number.
        found: String,
    },
    /// An item of a list whose items must differ.
    #[error("`{what}` has {value} twice")]
    #[diagnostic(code(eigenscope::file::repeated_item))]
    RepeatedItem {
        /// Key with its path.
        what: String,
        /// The item.
        value: String,
    },
    /// Not one of the words that a choice allows.
    #[error("`{what}` cannot be `{word}`")]
    #[diagnostic(code(eigenscope::file::unknown_word))]
    UnknownWord {
        /// Key with its path.
        what: String,
        /// The word.
        word: String,
    },
    /// A parameter without default is not given.
    #[error("`{name}` is missing in {place}")]
    #[diagnostic(code(eigenscope::file::missing_key))]
    MissingKey {
        /// Its name.
        name: String,
        /// Table that should hold it.
        place: String,
    },
    /// Two parameters that exclude each other.
    #[error("{place} has both `{first}` and `{second}`, which exclude each other")]
    #[diagnostic(code(eigenscope::file::both_given))]
    BothGiven {
        /// One parameter.
        first: String,
        /// The other one.
        second: String,
        /// Table that holds them.
        place: String,
    },
    /// An input is not given.
    #[error("{place} has no `{role}`: nothing says which {kind} to read")]
    #[diagnostic(code(eigenscope::file::missing_input))]
    MissingInput {
        /// Role without reference.
        role: String,
        /// Kind of artifact that it reads.
        kind: Kind,
        /// Table that should hold it.
        place: String,
    },
    /// A stage program's own default does not fit its own type.
    #[error(
        "the stage program describes `{parameter}` of `{kind}` wrongly: its default does not fit"
    )]
    #[diagnostic(code(eigenscope::file::faulty_description))]
    FaultyDescription {
        /// Kind, such as `train/bilinear`.
        kind: String,
        /// Parameter.
        parameter: String,
    },
    /// A sweep over no value.
    #[error("the sweep over `{name}` is empty")]
    #[diagnostic(code(eigenscope::file::empty_sweep))]
    EmptySweep {
        /// Swept parameter.
        name: String,
    },
    /// A sweep that has a value twice.
    #[error("the sweep over `{name}` has {value} twice")]
    #[diagnostic(code(eigenscope::file::repeated_value))]
    RepeatedValue {
        /// Swept parameter.
        name: String,
        /// The value.
        value: String,
    },
    /// Two different values of a sweep that would have the same label.
    #[error("two values of the sweep over `{name}` would both be labelled `{label}`")]
    #[diagnostic(code(eigenscope::file::same_label))]
    SameLabel {
        /// Swept parameter.
        name: String,
        /// Label.
        label: String,
    },
    /// A swept value that cannot stand in a task id.
    #[error("the sweep over `{name}` has a value that cannot be part of a task id: {reason}")]
    #[diagnostic(code(eigenscope::file::unusable_label))]
    UnusableLabel {
        /// Swept parameter.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A table that gives too many tasks.
    #[error("{place} gives more than {limit} tasks")]
    #[diagnostic(code(eigenscope::file::too_many_tasks))]
    TooManyTasks {
        /// The table.
        place: String,
        /// Largest number accepted.
        limit: usize,
    },
    /// A plan that is too large.
    #[error("the plan has more than {limit} {what}")]
    #[diagnostic(code(eigenscope::file::too_large_plan))]
    TooLargePlan {
        /// What there is too much of.
        what: &'static str,
        /// Largest number accepted.
        limit: usize,
    },
    /// Text that is not a reference.
    #[error("`{text}` is not a reference: {reason}")]
    #[diagnostic(code(eigenscope::file::bad_reference))]
    BadReference {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A reference to a table that is not in the file.
    #[error("there is no table `{table}`")]
    #[diagnostic(code(eigenscope::file::unknown_table))]
    UnknownTable {
        /// Name referred to.
        table: String,
    },
    /// A reference to a task that does not write what is read.
    #[error("`{table}` writes no {kind}")]
    #[diagnostic(code(eigenscope::file::no_output))]
    NoOutput {
        /// Table referred to.
        table: String,
        /// Kind of artifact wanted.
        kind: Kind,
    },
    /// A selection by something that the table is not swept over.
    #[error("`{table}` has no label `{label}`")]
    #[diagnostic(code(eigenscope::file::unknown_label))]
    UnknownLabel {
        /// Table referred to.
        table: String,
        /// Label.
        label: String,
    },
    /// A selection by a value that does not occur.
    #[error("no task of `{table}` has {label}={value}")]
    #[diagnostic(code(eigenscope::file::unknown_value))]
    UnknownValue {
        /// Table referred to.
        table: String,
        /// Label.
        label: String,
        /// Value asked for.
        value: String,
    },
    /// A selection whose parts hold for some tasks, but never together.
    #[error("no task matches `{reference}`")]
    #[diagnostic(code(eigenscope::file::empty_selection))]
    EmptySelection {
        /// The reference.
        reference: String,
    },
    /// A list of references for a role that reads one artifact.
    #[error(
        "`{role}` of {place} reads one artifact at a time, so it takes one reference, not a list"
    )]
    #[diagnostic(code(eigenscope::file::list_for_one))]
    ListForOne {
        /// Role.
        role: String,
        /// Table.
        place: String,
    },
    /// An empty list of references.
    #[error("`{role}` of {place} refers to nothing")]
    #[diagnostic(code(eigenscope::file::no_reference))]
    NoReference {
        /// Role.
        role: String,
        /// Table.
        place: String,
    },
    /// A list of references that names a task twice.
    #[error("`{role}` of {place} refers to `{task}` twice")]
    #[diagnostic(code(eigenscope::file::repeated_reference))]
    RepeatedReference {
        /// Role.
        role: String,
        /// Table.
        place: String,
        /// The task.
        task: String,
    },
    /// A parameter swept by the table and by what it reads.
    #[error("{place} is swept over `{label}`, and so is what it reads")]
    #[diagnostic(code(eigenscope::file::label_conflict))]
    LabelConflict {
        /// Table.
        place: String,
        /// Label.
        label: String,
    },
    /// Inputs that agree in no combination of labels.
    #[error("{place} gives no task: its inputs never agree in {labels}")]
    #[diagnostic(code(eigenscope::file::empty_join))]
    EmptyJoin {
        /// Table.
        place: String,
        /// Labels shared by the inputs.
        labels: String,
    },
    /// An artifact without a property that its reader needs.
    #[error(
        "`{artifact}` (kind {kind}) is not {flag}, which `{reader}` needs of its `{role}`: {because}"
    )]
    #[diagnostic(code(eigenscope::file::unmet_need))]
    UnmetNeed {
        /// Task that makes it, or its table.
        artifact: String,
        /// Kind of that task.
        kind: String,
        /// The property.
        flag: String,
        /// Table that reads it.
        reader: String,
        /// Role.
        role: String,
        /// What the property is needed for.
        because: String,
    },
    /// A name of a part that an artifact does not have.
    #[error(
        "`{parameter}` of `{reader}` names `{name}`, which is not one of the {set} of `{artifact}` (kind {kind})"
    )]
    #[diagnostic(code(eigenscope::file::unknown_name))]
    UnknownName {
        /// The name.
        name: String,
        /// What it should be one of.
        set: String,
        /// Parameter that gives the name.
        parameter: String,
        /// Table of the parameter.
        reader: String,
        /// Task that makes the artifact, or its table.
        artifact: String,
        /// Kind of that task.
        kind: String,
    },
    /// A parameter about the parts of an artifact that has none.
    #[error(
        "`{artifact}` (kind {kind}) has no {set}, but `{parameter}` of `{reader}` chooses among those of its `{role}`"
    )]
    #[diagnostic(code(eigenscope::file::no_names))]
    NoNames {
        /// Task that makes the artifact, or its table.
        artifact: String,
        /// Kind of that task.
        kind: String,
        /// What it lacks.
        set: String,
        /// The parameter.
        parameter: String,
        /// Table of the parameter.
        reader: String,
        /// Role.
        role: String,
    },
    /// Inputs that must stem from the same, and do not.
    #[error(
        "`{reader}` reads what does not belong together: {first} is {is_first}, but {second} is {is_second}"
    )]
    #[diagnostic(code(eigenscope::file::mixed_origin))]
    MixedOrigin {
        /// Task that reads them.
        reader: String,
        /// One path of roles, in words.
        first: String,
        /// Where it leads.
        is_first: String,
        /// The other path.
        second: String,
        /// Where that leads.
        is_second: String,
    },
    /// Inputs that differ in something that must be equal.
    #[error("`{reader}` reads `{first}` and `{second}`, which differ in {what}")]
    #[diagnostic(code(eigenscope::file::disagreement))]
    Disagreement {
        /// Task that reads them.
        reader: String,
        /// Task at the end of one path of roles.
        first: String,
        /// Task at the end of the other.
        second: String,
        /// What differs.
        what: String,
    },
    /// A number, such as a size of images, that a parameter or a reader cannot work with.
    #[error("{text}")]
    #[diagnostic(code(eigenscope::file::wrong_count))]
    WrongCount {
        /// What is demanded, and what there is.
        text: String,
    },
    /// Tables that wait for each other.
    #[error("the tables read each other in a circle: {path}")]
    #[diagnostic(code(eigenscope::file::cycle))]
    Cycle {
        /// Tables, the first one again at the end.
        path: String,
    },
    /// A published number without anything to compare it with, or with too much.
    #[error("{message}")]
    #[diagnostic(code(eigenscope::file::expectation))]
    Expectation {
        /// What is wrong.
        message: &'static str,
    },
    /// A published number of a task that writes several tables.
    #[error("`{table}` writes several tables")]
    #[diagnostic(code(eigenscope::file::several_tables))]
    SeveralTables {
        /// Table referred to.
        table: String,
    },
    /// A published number of a task that writes figures only.
    #[error("`{table}` writes no table")]
    #[diagnostic(code(eigenscope::file::no_table))]
    NoTable {
        /// Table referred to.
        table: String,
    },
}
