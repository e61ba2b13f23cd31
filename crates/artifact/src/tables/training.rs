//! Tables about how models were trained.

use crate::record::records;

records! {
    /// State of a training run after one epoch.
    pub struct HistoryRow: "history", 1 => {
        /// Epoch, counted from 1; 0 is the model before training, where a recipe evaluates it.
        epoch: u32,
        /// Learning rate used during the epoch.
        learning_rate: f64,
        /// Mean over the epoch's batches of the training loss (with noise, before each step).
        train_loss_nats: f64,
        /// Mean over the epoch's batches of the training accuracy (with noise, before each step).
        train_accuracy_fraction: f64,
        /// Loss on the whole test split after the epoch.
        test_loss_nats: f64,
        /// Accuracy on the whole test split after the epoch.
        test_accuracy_fraction: f64,
    }
}

records! {
    /// Where the training of one model ended.
    pub struct FinalRow: "final", 2 => {
        /// Id of the training task.
        model: String,
        /// Hidden size, where the model has one.
        hidden: Option<u32>,
        /// Seed, where the models were swept over it.
        seed: Option<u64>,
        /// Epochs trained.
        epochs: u32,
        /// Mean training loss of the last epoch.
        train_loss_nats: f64,
        /// Mean training accuracy of the last epoch.
        train_accuracy_fraction: f64,
        /// Test loss after the last epoch.
        test_loss_nats: f64,
        /// Test accuracy after the last epoch.
        test_accuracy_fraction: f64,
    }
}

records! {
    /// How well one model does on the images of a split.
    pub struct AccuracyRow: "accuracy", 1 => {
        /// Images shown.
        images: u32,
        /// Images whose largest logit is that of their class (the first of equal ones).
        correct: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
        /// Mean cross-entropy.
        loss_nats: f64,
    }
}
