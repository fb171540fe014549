//! How weights are packed: a format is a block of some values in some bytes.

use candle_core::quantized::GgmlDType;
use half::{bf16, f16};
use plimsoll_kernels::packed::Packing;

/// A format of weights that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BlockFormat {
    /// 32-bit floats.
    F32,
    /// 16-bit floats (IEEE half).
    F16,
    /// 16-bit floats with the exponent of 32-bit ones.
    BF16,
    /// 32 values of 4 bits, one scale.
    Q4_0,
    /// 32 values of 4 bits, scale and minimum.
    Q4_1,
    /// 32 values of 5 bits, one scale.
    Q5_0,
    /// 32 values of 5 bits, scale and minimum.
    Q5_1,
    /// 32 values of 8 bits, one scale.
    Q8_0,
    /// 256 values of 2 bits, 16 scales and minima of 4 bits.
    Q2K,
    /// 256 values of 3 bits, 16 scales of 6 bits.
    Q3K,
    /// 256 values of 4 bits, 8 scales and minima of 6 bits.
    Q4K,
    /// 256 values of 5 bits, 8 scales and minima of 6 bits.
    Q5K,
    /// 256 values of 6 bits, 16 scales of 8 bits.
    Q6K,
}

/// One line of the table of formats.
struct BlockLayout {
    format: BlockFormat,
    id: u32,
    name: &'static str,
    /// Values in a block.
    values: usize,
    /// Bytes of a block.
    bytes: usize,
    /// Where in a block its half-precision scales and minima stand.
    scales: &'static [usize],
    ggml: GgmlDType,
}

const fn layout(
    format: BlockFormat,
    (id, name): (u32, &'static str),
    (values, bytes): (usize, usize),
    scales: &'static [usize],
    ggml: GgmlDType,
) -> BlockLayout {
    BlockLayout { format, id, name, values, bytes, scales, ggml }
}

/// In the order of the enum, which is how [`BlockFormat::layout`] finds a line.
static LAYOUTS: [BlockLayout; 13] = [
    layout(BlockFormat::F32, (0, "F32"), (1, 4), &[], GgmlDType::F32),
    layout(BlockFormat::F16, (1, "F16"), (1, 2), &[], GgmlDType::F16),
    layout(BlockFormat::BF16, (30, "BF16"), (1, 2), &[], GgmlDType::BF16),
    layout(BlockFormat::Q4_0, (2, "Q4_0"), (32, 18), &[0], GgmlDType::Q4_0),
    layout(BlockFormat::Q4_1, (3, "Q4_1"), (32, 20), &[0, 2], GgmlDType::Q4_1),
    layout(BlockFormat::Q5_0, (6, "Q5_0"), (32, 22), &[0], GgmlDType::Q5_0),
    layout(BlockFormat::Q5_1, (7, "Q5_1"), (32, 24), &[0, 2], GgmlDType::Q5_1),
    layout(BlockFormat::Q8_0, (8, "Q8_0"), (32, 34), &[0], GgmlDType::Q8_0),
    layout(BlockFormat::Q2K, (10, "Q2_K"), (256, 84), &[80, 82], GgmlDType::Q2K),
    layout(BlockFormat::Q3K, (11, "Q3_K"), (256, 110), &[108], GgmlDType::Q3K),
    layout(BlockFormat::Q4K, (12, "Q4_K"), (256, 144), &[0, 2], GgmlDType::Q4K),
    layout(BlockFormat::Q5K, (13, "Q5_K"), (256, 176), &[0, 2], GgmlDType::Q5K),
    layout(BlockFormat::Q6K, (14, "Q6_K"), (256, 210), &[208], GgmlDType::Q6K),
];

/// Formats that exist and are not read here, so that they can be refused by name.
const UNREAD: &[(u32, &str)] = &[
    (4, "Q4_2"),
    (5, "Q4_3"),
    (9, "Q8_1"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
    (40, "NVFP4"),
];

impl BlockFormat {
    /// All formats that are read.
    pub fn all() -> impl Iterator<Item = Self> {
        LAYOUTS.iter().map(|layout| layout.format)
    }

    /// The format of a number in a file.
    ///
    /// # Errors
    /// The name of the format, or `unknown`, if it is not one of those read.
    pub fn from_id(id: u32) -> Result<Self, &'static str> {
        if let Some(layout) = LAYOUTS.iter().find(|layout| layout.id == id) {
            return Ok(layout.format);
        }
        let unread = UNREAD.iter().find(|(number, _)| *number == id);
        Err(unread.map_or("unknown", |(_, name)| name))
    }

    fn layout(self) -> &'static BlockLayout {
        &LAYOUTS[self as usize]
    }

    /// Its name, as GGUF tools spell it.
    pub fn name(self) -> &'static str {
        self.layout().name
    }

    /// How many values stand in a block. A row of a tensor is a multiple of this.
    pub fn values_per_block(self) -> usize {
        self.layout().values
    }

    /// How many bytes a block has.
    pub fn bytes_per_block(self) -> usize {
        self.layout().bytes
    }

    /// Whether the values are floats and not integers with scales.
    pub fn is_float(self) -> bool {
        self.layout().values == 1
    }

    /// How the kernels name it; `None` for floats.
    pub(super) fn packing(self) -> Option<Packing> {
        Some(match self {
            Self::F32 | Self::F16 | Self::BF16 => return None,
            Self::Q4_0 => Packing::Q4_0,
            Self::Q4_1 => Packing::Q4_1,
            Self::Q5_0 => Packing::Q5_0,
            Self::Q5_1 => Packing::Q5_1,
            Self::Q8_0 => Packing::Q8_0,
            Self::Q2K => Packing::Q2K,
            Self::Q3K => Packing::Q3K,
            Self::Q4K => Packing::Q4K,
            Self::Q5K => Packing::Q5K,
            Self::Q6K => Packing::Q6K,
        })
    }

    /// Unpacks whole blocks, whose values and scales are finite.
    pub(super) fn unpack(self, bytes: &[u8], values: &mut [f32]) {
        fn each<const N: usize>(bytes: &[u8], values: &mut [f32], float: impl Fn([u8; N]) -> f32) {
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<N>().0) {
                *value = float(*bytes);
            }
        }
        match (self, self.packing()) {
            (_, Some(packing)) => packing.unpack(bytes, values),
            (Self::F16, None) => each(bytes, values, |bytes| f16::from_le_bytes(bytes).to_f32()),
            (Self::BF16, None) => each(bytes, values, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            (_, None) => each(bytes, values, f32::from_le_bytes),
        }
    }

    /// candle's name for it.
    pub(super) fn ggml(self) -> GgmlDType {
        self.layout().ggml
    }

    /// Where the first value stands that is NaN or infinite, if there is one. Of a quantised format
    /// the scales are looked at: values are products of them and small integers, so a block is finite
    /// where its scales are.
    ///
    /// `bytes` are whole blocks; what follows the last whole block is not looked at.
    pub(super) fn first_non_finite(self, bytes: &[u8]) -> Option<usize> {
        let layout = self.layout();
        let mut blocks = bytes.chunks_exact(layout.bytes);
        let block = match self {
            Self::F32 => blocks.position(|b| !f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite()),
            Self::F16 => blocks.position(|b| !f16::from_le_bytes([b[0], b[1]]).is_finite()),
            Self::BF16 => blocks.position(|b| !bf16::from_le_bytes([b[0], b[1]]).is_finite()),
            _ => blocks.position(|b| {
                let mut scales = layout.scales.iter();
                scales.any(|&at| !f16::from_le_bytes([b[at], b[at + 1]]).is_finite())
            }),
        };
        block.map(|block| block * layout.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_agrees_with_candle() {
        for (index, layout) in LAYOUTS.iter().enumerate() {
            assert_eq!(layout.format as usize, index, "{}", layout.name);
            assert_eq!(layout.ggml.block_size(), layout.values, "{}", layout.name);
            assert_eq!(layout.ggml.type_size(), layout.bytes, "{}", layout.name);
            if let Some(packing) = layout.format.packing() {
                assert_eq!((packing.values(), packing.bytes()), (layout.values, layout.bytes));
            }
            assert_eq!(layout.format.packing().is_none(), layout.format.is_float());
            assert_eq!(BlockFormat::from_id(layout.id), Ok(layout.format));
        }
    }

    #[test]
    fn other_formats_are_known_by_name() {
        assert_eq!(BlockFormat::from_id(20), Err("IQ4_NL"));
        assert_eq!(BlockFormat::from_id(4_000_000_000), Err("unknown"));
    }

    #[test]
    fn a_scale_that_is_not_finite_is_found_in_every_format() {
        for format in BlockFormat::all() {
            let layout = format.layout();
            let mut bytes = vec![0; 3 * layout.bytes];
            assert_eq!(format.first_non_finite(&bytes), None, "{}", layout.name);
            let scale_offsets: &[usize] = if layout.scales.is_empty() { &[0] } else { layout.scales };
            for scale_offset in scale_offsets {
                let at = layout.bytes + scale_offset;
                let end = if format == BlockFormat::F32 { at + 4 } else { at + 2 };
                bytes[at..end].fill(0xff);
                assert_eq!(format.first_non_finite(&bytes), Some(layout.values), "{}", layout.name);
                bytes[at..end].fill(0);
            }
        }
    }
}
