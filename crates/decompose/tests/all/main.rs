//! Tests of the library and of the program, by subject.

mod bilinear {
    mod ground_truth;
    mod laws;
    mod paper;
    mod program;
    mod reference;
    mod residual;
}

mod embeddings {
    mod embedded;
    mod embedding;
    mod laws;
    mod merges;
    mod reference;
    mod surgery;
}

mod layers {
    mod blocks;
    mod laws;
    mod program;
    mod reference;
    mod weight_quality;
}

mod networks {
    mod laws;
    mod program;
    mod reference;
}
