//! Floats that are not finite, which are no values of a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, ListArray, PrimitiveArray, RecordBatch, StructArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Float32Type, Float64Type};
use arrow::error::ArrowError;

/// The batch with nulls for floats that are undefined (0 / 0, for instance), in columns that may be empty.
///
/// # Errors
/// An [`ArrowError::ComputeError`] that names the first column which holds such a float and may not be empty.
pub(super) fn with_finite_floats(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, array)| {
        finite(array, field).map_err(|NotFinite| {
            let problem = format!("column `{}` holds a number that is not finite", field.name());
            ArrowError::ComputeError(problem)
        })
    });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?)
}

struct NotFinite;

fn finite(array: &ArrayRef, field: &Field) -> Result<ArrayRef, NotFinite> {
    match field.data_type() {
        DataType::Float32 => floats::<Float32Type>(array, field.is_nullable(), f32::is_finite),
        DataType::Float64 => floats::<Float64Type>(array, field.is_nullable(), f64::is_finite),
        DataType::List(item) => {
            let (_, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
            let values = finite(&values, item)?;
            Ok(Arc::new(ListArray::new(Arc::clone(item), offsets, values, nulls)))
        }
        DataType::Struct(fields) => {
            let (_, columns, nulls) = array.as_struct().clone().into_parts();
            let columns = fields.iter().zip(&columns).map(|(field, column)| finite(column, field));
            Ok(Arc::new(StructArray::new(fields.clone(), columns.collect::<Result<_, _>>()?, nulls)))
        }
        _ => Ok(Arc::clone(array)),
    }
}

fn floats<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    nullable: bool,
    is_finite: fn(T::Native) -> bool,
) -> Result<ArrayRef, NotFinite> {
    let values: &PrimitiveArray<T> = array.as_primitive();
    if values.iter().flatten().all(is_finite) {
        Ok(Arc::clone(array))
    } else if nullable {
        Ok(Arc::new(values.unary_opt::<_, T>(|value| is_finite(value).then_some(value))))
    } else {
        Err(NotFinite)
    }
}
