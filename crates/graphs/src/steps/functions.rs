//! Nodes that compute single values: functions that are steps, what such functions are made of, and sums of two of one value.

use eigenscope_checkpoint::onnx::Node;

use super::elementwise::{self, Function, Recognised, Results, erf, recognise};
use super::error::GraphError;
use super::nodes::{Builder, Known, Values};
use super::pieces::Operation;

impl Builder<'_> {
    /// The piece whose values these are, with a function in between if need be. A value that is read twice is one piece.
    pub(super) fn piece_of(&mut self, values: &Values) -> Result<usize, GraphError> {
        let piece = values.piece;
        let place = values.place.clone();
        match (recognise(&values.results), values.sum) {
            (Recognised::Identity, _) => Ok(piece),
            (Recognised::Function(function), _) => {
                let key = (piece, function.key(), place.clone());
                if let Some(&known) = self.functions.get(&key) {
                    return Ok(known);
                }
                let sizes = self.pieces[piece].sizes.clone();
                let made = self.push(Operation::Function(function), piece, sizes, place);
                self.functions.insert(key, made);
                Ok(made)
            }
            (Recognised::Nothing, Some(sum)) => {
                let key = (sum, place.clone());
                if let Some(&known) = self.sums.get(&key) {
                    return Ok(known);
                }
                let sizes = self.pieces[piece].sizes.clone();
                let made = self.push(Operation::Sum(sum[0], sum[1]), piece, sizes, place);
                self.sums.insert(key, made);
                Ok(made)
            }
            (Recognised::Nothing, None) => Err(GraphError::new(
                place,
                format!(
                    "what is computed of each value up to here is no function that steps have; known are {}. \
                     If it normalises pixels, export the model without that, and give the data set the transform",
                    super::error::KNOWN
                ),
            )),
        }
    }

    /// Input `index`, if it is values; those that are a step by themselves become a piece, so that two functions one after the other
    /// are two steps.
    fn settled(&mut self, node: &Node, index: usize) -> Result<Values, GraphError> {
        let values = self.values(node, index)?;
        let is_step = match recognise(&values.results) {
            Recognised::Identity => false,
            Recognised::Function(_) => true,
            Recognised::Nothing => values.sum.is_some(),
        };
        if !is_step {
            return Ok(values);
        }
        let settled = Values {
            piece: self.piece_of(&values)?,
            results: elementwise::points(),
            sum: None,
            place: values.place,
        };
        self.known
            .insert(node.inputs[index].clone(), Known::Values(settled.clone()));
        Ok(settled)
    }

    pub(super) fn arithmetic(&mut self, node: &Node) -> Result<(), GraphError> {
        let operator = node.op_type.as_str();
        let apply = move |left: f64, right: f64| match operator {
            "Add" => left + right,
            "Sub" => left - right,
            "Mul" => left * right,
            "Div" => left / right,
            _ => left.powf(right),
        };
        let sides = [self.input(node, 0).cloned(), self.input(node, 1).cloned()];
        match sides {
            [Some(Known::Values(_)), Some(Known::Values(_))]
                if node.inputs[0] == node.inputs[1] =>
            {
                let values = self.settled(node, 0)?;
                self.followed(node, &values, |x| apply(x, x))
            }
            [Some(Known::Values(left)), Some(Known::Values(right))]
                if left.piece == right.piece =>
            {
                self.of_one_piece(node, &left, &right, apply)
            }
            [Some(Known::Values(left)), Some(Known::Values(right))] => match operator {
                "Add" => self.sum(node, &left, &right),
                "Mul" => self.product(node, &left, &right),
                _ => Err(GraphError::unknown(node)),
            },
            [Some(Known::Values(values)), _] => match self.number(node, 1)? {
                Some(number) => {
                    let values = self.settled(node, 0)?;
                    self.followed(node, &values, |x| apply(x, number))
                }
                None if operator == "Add" => self.add_bias(node, &values, 1),
                None => Err(GraphError::unknown(node)),
            },
            [_, Some(Known::Values(values))] => match self.number(node, 0)? {
                Some(number) => {
                    let values = self.settled(node, 1)?;
                    self.followed(node, &values, |x| apply(number, x))
                }
                None if operator == "Add" => self.add_bias(node, &values, 0),
                None => Err(GraphError::unknown(node)),
            },
            _ => match (self.number(node, 0)?, self.number(node, 1)?) {
                (Some(left), Some(right)) => {
                    self.define(node, 0, Known::Number(apply(left, right)))
                }
                _ => Err(GraphError::of(
                    node,
                    "it computes constants; fold them before exporting",
                )),
            },
        }
    }

    /// Two functions of one piece: together another one, or the two ways of a residual block without other steps.
    fn of_one_piece(
        &mut self,
        node: &Node,
        left: &Values,
        right: &Values,
        apply: impl Fn(f64, f64) -> f64,
    ) -> Result<(), GraphError> {
        let pairs = left.results.iter().zip(&*right.results);
        let results: Results = pairs.map(|(left, right)| apply(*left, *right)).collect();
        let are_steps = [left, right].map(|side| recognise(&side.results) != Recognised::Nothing);
        let is_sum = node.op_type == "Add"
            && are_steps == [true, true]
            && recognise(&results) == Recognised::Nothing;
        let sum = match is_sum {
            true => Some([self.piece_of(left)?, self.piece_of(right)?]),
            false => None,
        };
        let values = Values {
            piece: left.piece,
            results,
            sum,
            place: node.describe(),
        };
        self.define(node, 0, Known::Values(values))
    }

    /// Defines a further function of the same values.
    fn followed(
        &mut self,
        node: &Node,
        before: &Values,
        of: impl Fn(f64) -> f64,
    ) -> Result<(), GraphError> {
        let values = Values {
            piece: before.piece,
            results: before.results.iter().map(|x| of(*x)).collect(),
            sum: None,
            place: node.describe(),
        };
        self.define(node, 0, Known::Values(values))
    }

    pub(super) fn function(&mut self, node: &Node) -> Result<(), GraphError> {
        let function = match node.op_type.as_str() {
            "Relu" => Function::Relu,
            "Sigmoid" => Function::Sigmoid,
            "Tanh" => Function::Tanh,
            "LeakyRelu" => {
                let slope = node.float("alpha").unwrap_or(0.01);
                Function::LeakyRelu(elementwise::shortest(f64::from(slope)))
            }
            _ if node.text("approximate") == Some("tanh") => Function::GeluTanh,
            _ => Function::Gelu,
        };
        let before = self.settled(node, 0)?;
        self.followed(node, &before, |x| function.of(x))
    }

    pub(super) fn part_of_function(&mut self, node: &Node) -> Result<(), GraphError> {
        let of: fn(f64) -> f64 = match node.op_type.as_str() {
            "Erf" => erf,
            "Neg" => |x| -x,
            "Exp" => f64::exp,
            _ => f64::sqrt,
        };
        if let Some(number) = self.number(node, 0)? {
            return self.define(node, 0, Known::Number(of(number)));
        }
        let before = self.settled(node, 0)?;
        self.followed(node, &before, of)
    }
}
