//! What a pickle holds, as data: numbers, text, lists, dictionaries, tensors. Pure.
//!
//! Parts are shared, as in the pickle, so that a value is never larger than its stream; whoever walks all of it must
//! bound the steps ([`Value::tensors`] does).

use std::sync::Arc;

use super::tensor::Tensor;

/// Most parts that [`Value::tensors`] looks at: a checkpoint has a few thousand.
const MAX_STEPS: usize = 1 << 20;

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text; also the name of a type that stands as a value.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list, tuple or set.
    List(Arc<[Self]>),
    /// A dictionary, in its order.
    Dict(Arc<[(Self, Self)]>),
    /// A tensor, or an array of numpy.
    Tensor(Arc<Tensor>),
    /// A part that is not read, such as an optimiser's state.
    Skipped,
}

impl Value {
    /// The entry of this key, if it is a dictionary and has one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.items().iter().find(|(own, _)| own.text() == Some(key)).map(|(_, value)| value)
    }

    /// The entry of this index, if it is a list and has one.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&Self> {
        self.list().get(index)
    }

    /// Its entries, if it is a list or tuple; else none.
    #[must_use]
    pub fn list(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// Its entries, if it is a dictionary; else none.
    #[must_use]
    pub fn items(&self) -> &[(Self, Self)] {
        if let Self::Dict(items) = self { items } else { &[] }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The whole number, if it is one, or a truth value.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn float(&self) -> Option<f64> {
        if let Self::Float(value) = self { Some(*value) } else { self.int().map(|value| value as f64) }
    }

    /// The tensor, if it is one.
    #[must_use]
    pub fn tensor(&self) -> Option<&Tensor> {
        if let Self::Tensor(tensor) = self { Some(tensor) } else { None }
    }

    /// What it is, for an error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Tensor(_) => "a tensor",
            Self::Skipped => "a part that is not read",
        }
    }

    /// Every tensor in it with its name: keys and indices joined by dots, such as `pipeline._model.xyz` or `0.1`. Stops
    /// after a million parts.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, &Tensor)> {
        let mut found = Vec::new();
        let mut steps = MAX_STEPS;
        self.collect(&mut String::new(), &mut steps, &mut found);
        found
    }

    fn collect<'a>(&'a self, name: &mut String, steps: &mut usize, found: &mut Vec<(String, &'a Tensor)>) {
        if let Self::Tensor(tensor) = self {
            found.push((name.clone(), tensor));
            return;
        }
        let mut visit = |key: &str, value: &'a Self| {
            if *steps == 0 || matches!(value, Self::Int(_) | Self::Float(_) | Self::Text(_)) {
                return;
            }
            *steps -= 1;
            let length = name.len();
            if length > 0 {
                name.push('.');
            }
            name.push_str(key);
            value.collect(name, steps, found);
            name.truncate(length);
        };
        for (index, value) in self.list().iter().enumerate() {
            visit(&index.to_string(), value);
        }
        for (key, value) in self.items() {
            match key {
                Self::Text(key) => visit(key, value),
                Self::Int(key) => visit(&key.to_string(), value),
                _ => {}
            }
        }
    }
}
