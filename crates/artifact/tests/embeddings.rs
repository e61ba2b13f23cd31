//! Embeddings as files: what is written is read back, and what does not fit is refused.

mod samples;

use eigenscope_artifact::{Embeddings, EmbeddingsHeader, SplitName};

use samples::{folder, provenance};

fn embeddings() -> Embeddings {
    Embeddings {
        header: EmbeddingsHeader {
            layer: "embedding".to_owned(),
            width: 2,
            split: SplitName::Test,
            classes: vec!["a".to_owned(), "b".to_owned()],
        },
        indices: vec![3, 5, 9],
        labels: vec![0, 1, 1],
        predicted: vec![0, 0, 1],
        vectors: vec![1.0, -0.0, 2.5, f32::MIN_POSITIVE, -3.0, 4.0],
    }
}

#[test]
fn embeddings_come_back() {
    let (_folder, path) = folder();
    embeddings()
        .write(&path, &provenance("x"))
        .expect("written");
    let read = Embeddings::read(&path).expect("read");
    assert_eq!(read, embeddings());
    assert_eq!(
        read.vectors().nth(1),
        Some([2.5, f32::MIN_POSITIVE].as_slice())
    );
}

#[test]
fn what_does_not_fit_is_not_written() {
    let (_folder, path) = folder();
    let refuse = |change: fn(&mut Embeddings)| {
        let mut wrong = embeddings();
        change(&mut wrong);
        let error = wrong
            .write(&path, &provenance("x"))
            .expect_err("it does not fit");
        assert!(!path.exists());
        error.to_string()
    };
    let message = refuse(|all| all.labels[2] = 2);
    assert!(message.contains("class 2, but there are 2"), "{message}");
    let message = refuse(|all| all.vectors[4] = f32::NAN);
    assert!(message.contains("an embedding holds NaN"), "{message}");
    let message = refuse(|all| {
        all.vectors.pop();
    });
    assert!(message.contains("do not fit together"), "{message}");
}
