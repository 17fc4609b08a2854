//! The decoder of a full Spacetime Gaussians model: nine features and a ray make a colour. Pure but for [`Decoder::beside`].
//!
//! ```text
//! colour = act(F₀₋₂ + W₂·relu(W₁·[F₃₋₅, F₆₋₈, origin of the ray, direction of the ray]))      W₁ 6×12, W₂ 3×6, no bias
//! ```
//! `act` is a sigmoid, or nothing (`noact`); which one it was trained with is in the trainer's configuration, not in a file.

use std::path::Path;

use vivant::{Error, Result};

use crate::torch;

/// The two matrices, and what is done to their result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decoder {
    /// Rows of the hidden layer.
    pub(super) first: [[f64; 12]; 6],
    /// Rows of the result.
    pub(super) second: [[f64; 6]; 3],
    pub(super) activation: Activation,
}

/// What is done to the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Sigmoid,
    None,
}

impl Decoder {
    /// Reads the decoder that stands beside a model: the same name, ending in `.pt`.
    pub(super) fn beside(model: &Path, activation: Activation) -> Result<Self> {
        let path = model.with_extension("pt");
        if !path.is_file() {
            return Err(Error::invalid(format!(
                "{}: a full model, whose colours are made by a decoder: put the trainer's {} beside it",
                model.display(),
                path.display()
            )));
        }
        let checkpoint = torch::open(&path)?;
        let matrix = |name: &str, shape: [usize; 4]| -> Result<Vec<f64>> {
            let tensor = checkpoint.tensor(name)?;
            if tensor.shape() != shape {
                let why = format!(
                    "{:?} where {shape:?} are due: only the decoders called sandwich are read; train with one of them",
                    tensor.shape()
                );
                return Err(Error::malformed(checkpoint.file(), name, 0, why));
            }
            let numbers: Vec<f64> = checkpoint.read(tensor)?;
            match numbers.iter().all(|number| number.is_finite()) {
                true => Ok(numbers),
                false => {
                    Err(Error::malformed(checkpoint.file(), name, 0, "not finite; save the model again"))
                }
            }
        };
        let (first, second) = (matrix("mlp1.weight", [6, 12, 1, 1])?, matrix("mlp2.weight", [3, 6, 1, 1])?);
        Ok(Self {
            first: std::array::from_fn(|row| std::array::from_fn(|column| first[row * 12 + column])),
            second: std::array::from_fn(|row| std::array::from_fn(|column| second[row * 6 + column])),
            activation,
        })
    }

    /// What of the hidden layer does not depend on the direction: by the features and the place of the splat.
    pub(super) fn still(&self, features: &[f64; 6], place: [f64; 3]) -> [f64; 6] {
        self.first.map(|row| dot(&row[..6], features) + dot(&row[6..9], &place))
    }

    /// What the direction adds, seen from a camera at `distance`: the ray starts at `place − distance·direction`.
    pub(super) fn turning(&self, direction: [f64; 3], distance: f64) -> [f64; 6] {
        self.first.map(|row| dot(&row[9..], &direction) - distance * dot(&row[6..9], &direction))
    }

    /// The colour.
    pub(super) fn colour(&self, albedo: [f64; 3], still: &[f64; 6], turning: &[f64; 6]) -> [f64; 3] {
        let hidden: [f64; 6] = std::array::from_fn(|row| (still[row] + turning[row]).max(0.0));
        std::array::from_fn(|channel| {
            let sum = albedo[channel] + dot(&self.second[channel], &hidden);
            match self.activation {
                Activation::Sigmoid => crate::temporal::sigmoid(sum),
                Activation::None => sum,
            }
        })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
