//! Functions of single values, told by what they make of some numbers.
//!
//! Exporters write x / 2 (1 + erf(x / sqrt 2)) in several orders of the same operations. All of them make the same of the same
//! numbers, so a function is followed through the graph as a list of results for [`points`].

use std::rc::Rc;

/// Numbers that functions are tried with: from -12 to 12, among them -1 and 0.
pub(super) fn points() -> Results {
    (-48..=48).map(|index| f64::from(index) / 4.0).collect()
}

/// What a function makes of [`points`].
pub(super) type Results = Rc<[f64]>;

/// A function that steps have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    Relu,
    Gelu,
    GeluTanh,
    Silu,
    Tanh,
    Sigmoid,
    LeakyRelu(f64),
}

/// What results say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Recognised {
    Nothing,
    Identity,
    Function(Function),
}

/// Differences that rounding of constants in float32 makes.
const TOLERANCE: f64 = 2e-6;

/// The function with these results.
pub(super) fn recognise(results: &[f64]) -> Recognised {
    let points = points();
    let is = |function: &dyn Fn(f64) -> f64| {
        let mut pairs = points.iter().zip(results);
        results.len() == points.len()
            && pairs.all(|(&point, &result)| {
                let expected = function(point);
                (result - expected).abs() <= TOLERANCE * expected.abs().max(1.0)
            })
    };
    if is(&|x| x) {
        return Recognised::Identity;
    }
    let known = [
        Function::Relu,
        Function::Gelu,
        Function::GeluTanh,
        Function::Silu,
        Function::Tanh,
        Function::Sigmoid,
    ];
    let found = known.into_iter().find(|known| is(&|x| known.of(x)));
    let slope = points.iter().position(|&point| point == -1.0);
    let slope = slope
        .and_then(|index| results.get(index))
        .map(|result| -result);
    let leaky = slope.map(|slope| Function::LeakyRelu(shortest(slope)));
    let leaky = leaky.filter(|leaky| is(&|x| leaky.of(x)));
    found
        .or(leaky)
        .map_or(Recognised::Nothing, Recognised::Function)
}

/// A number of float32 with the fewest digits, as users write it.
#[allow(clippy::cast_possible_truncation, reason = "the number was a float32")]
pub(super) fn shortest(value: f64) -> f64 {
    (value as f32).to_string().parse().unwrap_or(value)
}

impl Function {
    /// Equal for equal functions only.
    pub(super) fn key(self) -> [u64; 2] {
        match self {
            Self::Relu => [0, 0],
            Self::Gelu => [1, 0],
            Self::GeluTanh => [2, 0],
            Self::Silu => [3, 0],
            Self::Tanh => [4, 0],
            Self::Sigmoid => [5, 0],
            Self::LeakyRelu(slope) => [6, slope.to_bits()],
        }
    }

    /// What it makes of `x`.
    pub(super) fn of(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Gelu => x / 2.0 * (1.0 + erf(x / std::f64::consts::SQRT_2)),
            Self::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                x / 2.0 * (1.0 + inner.tanh())
            }
            Self::Silu => x * sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::LeakyRelu(slope) => match x < 0.0 {
                true => slope * x,
                false => x,
            },
        }
    }
}

pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The error function: exp(-x^2) 2/sqrt(pi) sum over n of 2^n x^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6).
pub(super) fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    sum * (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_taken_apart_are_recognised() {
        let results = |of: &dyn Fn(f64) -> f64| points().iter().map(|&x| of(x)).collect::<Vec<_>>();
        // As exporters write them, with constants of float32.
        let gelu = results(&|x| (x * (erf(x / f64::from(std::f32::consts::SQRT_2)) + 1.0)) * 0.5);
        assert_eq!(recognise(&gelu), Recognised::Function(Function::Gelu));
        let tanh = results(&|x| {
            let inner = f64::from(0.797_884_6f32) * (x + f64::from(0.044_715f32) * (x * (x * x)));
            0.5 * (x * (1.0 + inner.tanh()))
        });
        assert_eq!(recognise(&tanh), Recognised::Function(Function::GeluTanh));
        let silu = results(&|x| x / (1.0 + (-x).exp()));
        assert_eq!(recognise(&silu), Recognised::Function(Function::Silu));
        let leaky = results(&|x| x.max(0.0) + f64::from(0.2f32) * x.min(0.0));
        assert_eq!(
            recognise(&leaky),
            Recognised::Function(Function::LeakyRelu(0.2))
        );
        assert_eq!(
            recognise(&results(&|x| (x * 2.0) / 2.0)),
            Recognised::Identity
        );
        for other in [
            &(|x: f64| x.clamp(0.0, 6.0)) as &dyn Fn(f64) -> f64,
            &|x| x * x,
            &|x| x + 0.1,
            &|x| x.exp(),
        ] {
            assert_eq!(recognise(&results(other)), Recognised::Nothing);
        }
    }

    #[test]
    fn the_error_function_has_its_known_values() {
        // Abramowitz and Stegun, table 7.1.
        for (x, value) in [
            (0.5, 0.520_499_877_8),
            (1.0, 0.842_700_792_9),
            (2.0, 0.995_322_265_0),
            (-1.0, -0.842_700_792_9),
            (9.0, 1.0),
        ] {
            assert!((erf(x) - value).abs() < 1e-10, "{x}: {}", erf(x));
        }
    }
}
