//! Gives the program the identity of the code it is built from.

fn main() -> Result<(), eigenscope_fingerprint::FingerprintError> {
    eigenscope_fingerprint::emit()
}
