//! Tests of the library and of the program, by subject.

mod bilinear {
    mod masks;
    mod paper;
    mod program;
    mod reference;
}

mod embeddings {
    mod analysis;
    mod laws;
    mod program;
}

mod fixtures;

mod layers {
    mod clipping;
    mod laws;
}

mod representations;
