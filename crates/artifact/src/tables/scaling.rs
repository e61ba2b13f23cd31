//! Tables about the end of training by number of training images.

use crate::record::records;

records! {
    /// Where training ended with one number of training images.
    pub struct ScalingRow: "scaling", 2 => {
        /// Training images, those of an epoch.
        images: u32,
        /// Models averaged.
        models: u32,
        /// Mean training loss of the last epoch.
        train_loss_nats: f64,
        /// Mean training accuracy of the last epoch.
        train_accuracy_fraction: f64,
        /// Mean test loss after the last epoch.
        test_loss_nats: f64,
        /// Mean test accuracy after the last epoch.
        test_accuracy_fraction: f64,
    }
}

records! {
    /// Power law `coefficient * images^exponent`, fitted by least squares to logarithms.
    pub struct PowerLawRow: "power-law", 2 => {
        /// Column of the scaling table that it describes.
        quantity: String,
        /// Points fitted.
        points: u32,
        /// Value at one image.
        coefficient: f64,
        /// Slope in logarithms.
        exponent: f64,
        /// Half-width of its 90% Student-t interval; missing for two points.
        exponent_half_width: Option<f64>,
        /// Fraction of the logarithms' variance that it explains.
        r_squared: f64,
    }
}
