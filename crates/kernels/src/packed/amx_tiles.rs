//! The tile registers of AMX: asked for, configured, multiplied.
//!
//! Rust has no stable intrinsics for them, so they are written in assembly. The compiler never uses these registers
//! itself, and what stands in them is not looked for after another function was called.

use core::arch::asm;
use core::arch::x86_64::__m512i;
use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::layout::{GROUP_BYTES, STEP_BYTES};

/// Rows of a tile.
pub(super) const TILE: usize = 16;

/// Whether the processor has tiles of bytes, and the operating system lets this process use them.
pub(super) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| has_tiles() && allowed())
}

fn has_tiles() -> bool {
    use core::arch::x86_64::{__cpuid, __cpuid_count};
    /// In EDX of leaf 7.
    const AMX_TILE: u32 = 1 << 24;
    const AMX_INT8: u32 = 1 << 25;
    __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & (AMX_TILE | AMX_INT8) == AMX_TILE | AMX_INT8
}

/// Asks the kernel for the right to use tiles, whose state makes a thread's saved registers larger.
fn allowed() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const XFEATURE_XTILEDATA: i64 = 18;
    let result: i64;
    #[expect(unsafe_code, reason = "the standard library has no call for it")]
    // SAFETY: the call takes two integers and no memory; the kernel overwrites rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// Sums of 16 x 16 entries: of low and high bytes of weights, of low and high parts of sums for minima.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Sums([[[i32; TILE]; TILE]; 4]);

impl Default for Sums {
    fn default() -> Self {
        Self([[[0; TILE]; TILE]; 4])
    }
}

impl Sums {
    /// One row of one of the four.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn row(&self, which: usize, row: usize) -> __m512i {
        #[expect(unsafe_code, reason = "no conversion between them is safe")]
        // SAFETY: both are sixteen integers.
        unsafe {
            std::mem::transmute::<[i32; TILE], __m512i>(self.0[which][row])
        }
    }
}

/// What LDTILECFG reads.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Tiles that are configured on this thread, until it is dropped.
pub(super) struct Tiles {
    /// Not to be sent to another thread, which has other registers.
    thread: PhantomData<*const ()>,
    runs: usize,
}

impl fmt::Debug for Tiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tiles({} runs)", self.runs)
    }
}

impl Tiles {
    /// For blocks of so many runs: sums in tiles 0 to 3, activations in 4, weights in 5, sums of activations in 6,
    /// minima in 7. `None` where there are no tiles.
    pub(super) fn new(runs: usize) -> Option<Self> {
        if !available() || !matches!(runs, 1 | 8 | 16) {
            return None;
        }
        let mut config =
            Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        // Activations of a block of 32, or of 64 of a block's 256 inputs; weights in groups of four.
        let (inputs, groups) = if runs == 1 { (32, 8) } else { (64, 16) };
        let (minima, minima_groups) = if runs == 16 { (16, 4) } else { (8, 2) };
        config.row_bytes[..8].copy_from_slice(&[64, 64, 64, 64, inputs, 64, minima, 64]);
        config.rows[..8].copy_from_slice(&[16, 16, 16, 16, 16, groups, 16, minima_groups]);
        #[expect(unsafe_code, reason = "tiles are configured in assembly")]
        // SAFETY: the machine has tiles and this process may use them; the configuration is valid, 64 bytes long, and
        // only read.
        unsafe {
            asm!("ldtilecfg [{config}]", config = in(reg) &raw const config, options(nostack, preserves_flags, readonly));
        }
        Some(Self { thread: PhantomData, runs })
    }

    /// Sixteen rows of 32 codes, `stride` apart, times a step of signed weights.
    #[inline]
    pub(super) fn multiply_step(&self, rows: &[i8], stride: usize, weights: &[u8], sums: &mut Sums) {
        assert!(self.runs == 1 && weights.len() == STEP_BYTES, "a step of weights");
        assert!(rows.len() >= (TILE - 1) * stride + 32, "sixteen rows");
        #[expect(unsafe_code, reason = "tiles are multiplied in assembly")]
        // SAFETY: tiles are configured on this thread for these shapes, and all that is read and written was checked to
        // lie within its slice: 16 rows of 32 bytes, 8 groups of 64, 16 rows of 16 integers.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tileloadd tmm4, [{rows} + 1*{stride}]",
                "tileloadd tmm5, [{weights} + 1*{group}]",
                "tdpbssd tmm0, tmm4, tmm5",
                "tilestored [{sums} + 1*{group}], tmm0",
                rows = in(reg) rows.as_ptr(),
                stride = in(reg) stride,
                weights = in(reg) weights.as_ptr(),
                group = in(reg) GROUP_BYTES,
                sums = in(reg) sums.0[0].as_mut_ptr(),
                options(nostack, preserves_flags),
            );
        }
    }

    /// Sixteen rows of 256 codes, `stride` apart, times a block of weights in two planes.
    #[inline]
    pub(super) fn multiply_block(&self, rows: &[i8], stride: usize, weights: &[u8], sums: &mut Sums) {
        assert!(self.runs > 1 && weights.len() == 16 * STEP_BYTES, "a block of weights");
        assert!(rows.len() >= (TILE - 1) * stride + 256, "sixteen rows");
        #[expect(unsafe_code, reason = "tiles are multiplied in assembly")]
        // SAFETY: tiles are configured on this thread for these shapes, and all that is read and written was checked to
        // lie within its slice: 16 rows of 256 bytes; 4 tiles of 1024 bytes in each of two planes of 4096; twice 16
        // rows of 16 integers.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tileloadd tmm4, [{rows} + 1*{stride}]",
                "tileloadd tmm5, [{weights} + 1*{group}]",
                "tdpbsud tmm0, tmm4, tmm5",
                "tileloadd tmm5, [{weights} + 1*{group} + 4096]",
                "tdpbssd tmm1, tmm4, tmm5",
                "tileloadd tmm4, [{rows} + 1*{stride} + 64]",
                "tileloadd tmm5, [{weights} + 1*{group} + 1024]",
                "tdpbsud tmm0, tmm4, tmm5",
                "tileloadd tmm5, [{weights} + 1*{group} + 5120]",
                "tdpbssd tmm1, tmm4, tmm5",
                "tileloadd tmm4, [{rows} + 1*{stride} + 128]",
                "tileloadd tmm5, [{weights} + 1*{group} + 2048]",
                "tdpbsud tmm0, tmm4, tmm5",
                "tileloadd tmm5, [{weights} + 1*{group} + 6144]",
                "tdpbssd tmm1, tmm4, tmm5",
                "tileloadd tmm4, [{rows} + 1*{stride} + 192]",
                "tileloadd tmm5, [{weights} + 1*{group} + 3072]",
                "tdpbsud tmm0, tmm4, tmm5",
                "tileloadd tmm5, [{weights} + 1*{group} + 7168]",
                "tdpbssd tmm1, tmm4, tmm5",
                "tilestored [{sums} + 1*{group}], tmm0",
                "tilestored [{sums} + 1*{group} + 1024], tmm1",
                rows = in(reg) rows.as_ptr(),
                stride = in(reg) stride,
                weights = in(reg) weights.as_ptr(),
                group = in(reg) GROUP_BYTES,
                sums = in(reg) sums.0.as_mut_ptr(),
                options(nostack, preserves_flags),
            );
        }
    }

    /// Sixteen rows of sums of runs, low parts and high parts, times a block's minima.
    #[inline]
    pub(super) fn multiply_minima<const RUNS: usize>(
        &self,
        rows: &[i8],
        stride: usize,
        minima: &[u8],
        sums: &mut Sums,
    ) {
        assert!(self.runs == RUNS && RUNS > 1 && minima.len() >= RUNS / 4 * GROUP_BYTES, "a block's minima");
        assert!(rows.len() >= (TILE - 1) * stride + 2 * RUNS, "sixteen rows");
        #[expect(unsafe_code, reason = "tiles are multiplied in assembly")]
        // SAFETY: tiles are configured on this thread for these shapes, and all that is read and written was checked to
        // lie within its slice: 16 rows of `RUNS` bytes twice, `RUNS` / 4 groups of 64, twice 16 rows of 16 integers.
        unsafe {
            asm!(
                "tilezero tmm2",
                "tilezero tmm3",
                "tileloadd tmm7, [{minima} + 1*{group}]",
                "tileloadd tmm6, [{rows} + 1*{stride}]",
                "tdpbsud tmm2, tmm6, tmm7",
                "tileloadd tmm6, [{rows} + 1*{stride} + {runs}]",
                "tdpbsud tmm3, tmm6, tmm7",
                "tilestored [{sums} + 1*{group} + 2048], tmm2",
                "tilestored [{sums} + 1*{group} + 3072], tmm3",
                rows = in(reg) rows.as_ptr(),
                stride = in(reg) stride,
                minima = in(reg) minima.as_ptr(),
                group = in(reg) GROUP_BYTES,
                sums = in(reg) sums.0.as_mut_ptr(),
                runs = const RUNS,
                options(nostack, preserves_flags),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "tiles are given back in assembly")]
        // SAFETY: they were configured on this thread.
        unsafe {
            asm!("tilerelease", options(nostack, preserves_flags, nomem));
        }
    }
}
