//! Typed arrays of a glTF file: from the bytes of a buffer view to numbers, every bound checked.
//!
//! Integers become floats by the rules of section 3.6.2.2 (normalised or as they are). The element type must be the
//! wanted one; the component type may be any that can hold it, since exporters write joint numbers as floats and
//! weights as bytes. What an array takes in memory is bounded by the bytes it has in the file.

use gltf_json::Index;
use gltf_json::accessor::{Accessor, ComponentType, GenericComponentType, Type};
use gltf_json::validation::Checked;
use vivant::Result;

use super::document::Document;

/// An array found and measured.
struct Array<'a> {
    bytes: &'a [u8],
    stride: usize,
    count: usize,
    component: ComponentType,
    normalized: bool,
}

impl Document {
    /// Reads an array of vectors of `N` floats.
    ///
    /// # Errors
    /// Names `field` when the array is of another type or reaches beyond its bytes.
    pub(crate) fn floats<const N: usize>(
        &self,
        index: Index<Accessor>,
        field: &str,
    ) -> Result<Vec<[f32; N]>> {
        let array = self.array(index, field, N)?;
        let element = |at: usize| {
            let start = at * array.stride;
            std::array::from_fn(|part| {
                let size = array.component.size();
                let at = start + part * size;
                number(&array.bytes[at..at + size], array.component, array.normalized)
            })
        };
        Ok((0..array.count).map(element).collect())
    }

    /// Reads an array of vectors of `N` whole numbers; floats must hold whole ones.
    ///
    /// # Errors
    /// As [`Self::floats`].
    pub(crate) fn wholes<const N: usize>(
        &self,
        index: Index<Accessor>,
        field: &str,
    ) -> Result<Vec<[u32; N]>> {
        let array = self.array(index, field, N)?;
        let mut out = Vec::with_capacity(array.count);
        for at in 0..array.count {
            let mut element = [0; N];
            for (part, value) in element.iter_mut().enumerate() {
                let size = array.component.size();
                let start = at * array.stride + part * size;
                let whole = whole(&array.bytes[start..start + size], array.component);
                *value = whole.ok_or_else(|| self.wrong(field, format_args!("element {at} is no index")))?;
            }
            out.push(element);
        }
        Ok(out)
    }

    /// Number of elements an array says it has.
    pub(crate) fn count(&self, index: Index<Accessor>) -> u64 {
        self.root.get(index).map_or(0, |accessor| accessor.count.0)
    }

    fn array(&self, index: Index<Accessor>, field: &str, parts: usize) -> Result<Array<'_>> {
        let number = index.value();
        let wrong = |why: String| self.wrong(field, format_args!("accessors[{number}]: {why}"));
        let accessor = self.root.get(index).ok_or_else(|| wrong("is not there".to_owned()))?;
        if accessor.sparse.is_some() {
            return Err(wrong("is sparse, which is not read; export without".to_owned()));
        }
        let (Checked::Valid(kind), Checked::Valid(GenericComponentType(component))) =
            (accessor.type_, accessor.component_type)
        else {
            return Err(wrong("is of no known type".to_owned()));
        };
        if matches!(kind, Type::Mat2 | Type::Mat3) || kind.multiplicity() != parts {
            return Err(wrong(format!("holds {kind:?}, not {parts} numbers an element")));
        }
        let view = accessor.buffer_view.ok_or_else(|| wrong("has no bufferView".to_owned()))?;
        let (bytes, stride) = self.view(view)?;
        let size = component.size() * parts;
        let stride = stride.unwrap_or(size);
        let offset = accessor.byte_offset.map_or(0, |offset| offset.0);
        let beyond = || wrong(format!("{} elements reach beyond their bufferView", accessor.count.0));
        let count = usize::try_from(accessor.count.0).ok().ok_or_else(beyond)?;
        let offset = usize::try_from(offset).ok().ok_or_else(beyond)?;
        let bytes = bytes.get(offset..).ok_or_else(beyond)?;
        let needed = count.checked_sub(1).map_or(Some(0), |last| last.checked_mul(stride)?.checked_add(size));
        if stride < size || needed.is_none_or(|needed| needed > bytes.len()) {
            return Err(beyond());
        }
        Ok(Array { bytes, stride, count, component, normalized: accessor.normalized })
    }
}

/// A component as a float; `bytes` has its size.
fn number(bytes: &[u8], component: ComponentType, normalized: bool) -> f32 {
    let signed = |value: f32, most: f32| if normalized { (value / most).max(-1.0) } else { value };
    let unsigned = |value: f32, most: f32| if normalized { value / most } else { value };
    match (component, bytes) {
        (ComponentType::I8, &[a]) => signed(f32::from(i8::from_le_bytes([a])), 127.0),
        (ComponentType::U8, &[a]) => unsigned(f32::from(a), 255.0),
        (ComponentType::I16, &[a, b]) => signed(f32::from(i16::from_le_bytes([a, b])), 32_767.0),
        (ComponentType::U16, &[a, b]) => unsigned(f32::from(u16::from_le_bytes([a, b])), 65_535.0),
        (ComponentType::U32, &[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]) as f32,
        (ComponentType::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        _ => 0.0,
    }
}

/// A component as a whole number, if it is one.
fn whole(bytes: &[u8], component: ComponentType) -> Option<u32> {
    match (component, bytes) {
        (ComponentType::U8, &[a]) => Some(u32::from(a)),
        (ComponentType::U16, &[a, b]) => Some(u32::from(u16::from_le_bytes([a, b]))),
        (ComponentType::U32, &[a, b, c, d]) => Some(u32::from_le_bytes([a, b, c, d])),
        _ => {
            let value = number(bytes, component, false);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole, and small enough for an f32 to hold exactly"
            )]
            let whole = value as u32;
            ((0.0..16_777_216.0).contains(&value) && value.fract().abs() <= 0.0).then_some(whole)
        }
    }
}
