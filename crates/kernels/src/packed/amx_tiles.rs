//! The tile registers of AMX: asked for, configured, multiplied.
//!
//! Rust has no stable intrinsics for them, so they are written in assembly. The compiler never uses these registers
//! itself, and what stands in them is not looked for after another function was called.

use core::arch::asm;
use core::arch::x86_64::__m512i;
use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::amx_prepare::PLANE;
use super::layout::{GROUP_BYTES, STEP, STEP_BYTES};

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

/// Four tiles of sums of 16 x 16 entries.
#[derive(Debug, Clone, Copy)]
#[repr(align(4096))]
pub(super) struct Sums(pub(super) [[[i32; TILE]; TILE]; 4]);

impl Default for Sums {
    fn default() -> Self {
        Self([[[0; TILE]; TILE]; 4])
    }
}

impl Sums {
    /// One row of one of the four.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn row(&self, tile: usize, row: usize) -> __m512i {
        #[expect(unsafe_code, reason = "no conversion between them is safe")]
        // SAFETY: both are sixteen integers.
        unsafe {
            std::mem::transmute::<[i32; TILE], __m512i>(self.0[tile][row])
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
    with_runs: bool,
}

impl fmt::Debug for Tiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tiles(with runs: {})", self.with_runs)
    }
}

impl Tiles {
    /// For blocks of so many runs: sums in tiles 0 to 3, activations in 4 and 5, weights in 6 and 7. `None` where there
    /// are no tiles.
    pub(super) fn new(runs: usize) -> Option<Self> {
        if !available() {
            return None;
        }
        let mut config =
            Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        // Activations of a block of 32, or of 64 of a block's 256 inputs; weights in groups of four.
        let (inputs, groups) = if runs == 1 { (32, 8) } else { (64, 16) };
        config.row_bytes[..8].copy_from_slice(&[64, 64, 64, 64, inputs, inputs, 64, 64]);
        config.rows[..8].copy_from_slice(&[16, 16, 16, 16, 16, 16, groups, groups]);
        #[expect(unsafe_code, reason = "tiles are configured in assembly")]
        // SAFETY: the machine has tiles and this process may use them; the configuration is valid, 64 bytes long, and
        // only read.
        unsafe {
            asm!("ldtilecfg [{config}]", config = in(reg) &raw const config, options(nostack, preserves_flags, readonly));
        }
        Some(Self { thread: PhantomData, with_runs: runs > 1 })
    }

    /// Sixteen rows of a step of codes, one after the other, times a step of signed weights.
    #[inline]
    pub(super) fn multiply_step(
        &self,
        rows: &[i8; TILE * STEP],
        weights: &[u8; STEP_BYTES],
        sums: &mut [[i32; TILE]; TILE],
    ) {
        assert!(!self.with_runs, "tiles of 32 inputs");
        #[expect(unsafe_code, reason = "tiles are multiplied in assembly")]
        // SAFETY: tiles are configured on this thread for these shapes: 16 rows of 32 bytes, 8 groups of 64 bytes, 16
        // rows of 16 integers.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tileloadd tmm4, [{rows} + 1*{step}]",
                "tileloadd tmm6, [{weights} + 1*{group}]",
                "tdpbssd tmm0, tmm4, tmm6",
                "tilestored [{sums} + 1*{group}], tmm0",
                rows = in(reg) rows.as_ptr(),
                step = in(reg) STEP,
                weights = in(reg) weights.as_ptr(),
                group = in(reg) GROUP_BYTES,
                sums = in(reg) sums.as_mut_ptr(),
                options(nostack, preserves_flags),
            );
        }
    }

    /// Adds the products of part `part` of a block's four, of 64 inputs each: twice sixteen rows of codes times a block
    /// of weights in two planes. The first part begins new sums.
    #[inline]
    pub(super) fn multiply_two(&self, part: usize, rows: [&[i8; 2 * TILE * STEP]; 2], weights: &[u8]) {
        let weights = self.part(part, weights);
        if part == 0 {
            zero();
        }
        #[expect(unsafe_code, reason = "tiles are multiplied in assembly")]
        // SAFETY: tiles are configured on this thread for these shapes: twice 16 rows of 64 bytes, and 16 groups of 64
        // bytes in each of two planes, 4096 bytes apart, which was checked to lie within the weights.
        unsafe {
            asm!(
                "tileloadd tmm4, [{one} + 1*{group}]",
                "tileloadd tmm6, [{weights} + 1*{group}]",
                "tdpbsud tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{other} + 1*{group}]",
                "tdpbsud tmm2, tmm5, tmm6",
                "tileloadd tmm7, [{weights} + 1*{group} + 4096]",
                "tdpbssd tmm1, tmm4, tmm7",
                "tdpbssd tmm3, tmm5, tmm7",
                one = in(reg) rows[0].as_ptr(),
                other = in(reg) rows[1].as_ptr(),
                weights = in(reg) weights.as_ptr(),
                group = in(reg) GROUP_BYTES,
                options(nostack, preserves_flags, readonly),
            );
        }
    }

    /// As [`Self::multiply_two`], for sixteen rows.
    #[inline]
    pub(super) fn multiply_one(&self, part: usize, rows: &[i8; 2 * TILE * STEP], weights: &[u8]) {
        let weights = self.part(part, weights);
        if part == 0 {
            zero();
        }
        #[expect(unsafe_code, reason = "tiles are multiplied in assembly")]
        // SAFETY: as in `multiply_two`.
        unsafe {
            asm!(
                "tileloadd tmm4, [{rows} + 1*{group}]",
                "tileloadd tmm6, [{weights} + 1*{group}]",
                "tdpbsud tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{weights} + 1*{group} + 4096]",
                "tdpbssd tmm1, tmm4, tmm7",
                rows = in(reg) rows.as_ptr(),
                weights = in(reg) weights.as_ptr(),
                group = in(reg) GROUP_BYTES,
                options(nostack, preserves_flags, readonly),
            );
        }
    }

    /// The weights of a part, in the first plane.
    #[inline]
    fn part<'a>(&self, part: usize, weights: &'a [u8]) -> &'a [u8] {
        assert!(self.with_runs && part < 4 && weights.len() == 2 * PLANE, "a block of weights");
        &weights[part * PLANE / 4..]
    }

    /// Writes the sums of one or two tiles of rows, low bytes before high bytes.
    #[inline]
    pub(super) fn store(&self, tiles: usize, sums: &mut Sums) {
        assert!(self.with_runs, "sums of two planes");
        let sums = sums.0.as_mut_ptr();
        #[expect(unsafe_code, reason = "tiles are stored in assembly")]
        // SAFETY: all four are configured on this thread for 16 rows of 16 integers, as `sums` has them.
        unsafe {
            asm!(
                "tilestored [{sums} + 1*{group}], tmm0",
                "tilestored [{sums} + 1*{group} + 1024], tmm1",
                sums = in(reg) sums,
                group = in(reg) GROUP_BYTES,
                options(nostack, preserves_flags),
            );
            if tiles > 1 {
                asm!(
                    "tilestored [{sums} + 1*{group} + 2048], tmm2",
                    "tilestored [{sums} + 1*{group} + 3072], tmm3",
                    sums = in(reg) sums,
                    group = in(reg) GROUP_BYTES,
                    options(nostack, preserves_flags),
                );
            }
        }
    }
}

/// Sets the tiles of sums to 0. Only for tiles that are configured.
#[inline]
fn zero() {
    #[expect(unsafe_code, reason = "tiles are set in assembly")]
    // SAFETY: it is called by methods of `Tiles` alone, which are configured on this thread.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            options(nostack, preserves_flags, nomem)
        );
    }
}

/// Products and sums a second, each counted, of tiles that stay in their registers; `None` where there are none.
pub(crate) fn tile_products_per_second(rounds: usize) -> Option<f64> {
    /// Products and sums of one instruction on whole tiles.
    const OPERATIONS: usize = 2 * TILE * TILE * 64;
    let tiles = Tiles::new(8)?;
    zero();
    let seconds = crate::limits::fastest(|| {
        for _ in 0..rounds {
            #[expect(unsafe_code, reason = "tiles are multiplied in assembly")]
            // SAFETY: tiles are configured on this thread; nothing else is touched.
            unsafe {
                asm!(
                    "tdpbssd tmm0, tmm4, tmm6",
                    "tdpbssd tmm1, tmm4, tmm7",
                    "tdpbssd tmm2, tmm5, tmm6",
                    "tdpbssd tmm3, tmm5, tmm7",
                    options(nostack, preserves_flags, nomem),
                );
            }
        }
    });
    drop(tiles);
    Some((4 * OPERATIONS * rounds) as f64 / seconds)
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
