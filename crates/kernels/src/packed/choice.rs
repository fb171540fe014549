//! Which instructions multiply with packed matrices.

use std::fmt;
use std::str::FromStr;

/// The kernels that there are. All give the same bits; they differ in speed and in the processors that have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KernelChoice {
    /// The fastest that the processor has.
    #[default]
    Auto,
    /// Whatever the compiler makes for every processor of this architecture: the reference.
    Portable,
    /// 256-bit vectors of an x86 processor.
    Avx2,
    /// Dot products of 8-bit integers in 512-bit vectors of an x86 processor.
    Avx512Vnni,
    /// Tiles of 8-bit integers of an x86 processor, for 16 rows and more; for fewer as `Avx512Vnni`.
    Amx,
}

impl KernelChoice {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Portable, Self::Avx2, Self::Avx512Vnni, Self::Amx];

    /// Its name, as it is parsed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Amx => "amx",
        }
    }

    /// The kernel of this choice.
    ///
    /// # Errors
    /// [`KernelError::Unavailable`] if the processor, or the operating system, does not have its instructions.
    pub fn kernel(self) -> Result<Kernel, KernelError> {
        let found = match self {
            Self::Auto => Some(Kernel::best()),
            choice => Kernel::all().find(|kernel| kernel.choice() == choice),
        };
        found.ok_or(KernelError::Unavailable { choice: self })
    }
}

impl fmt::Display for KernelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KernelChoice {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        let found = Self::ALL.into_iter().find(|choice| choice.name() == name);
        found.ok_or_else(|| KernelError::Unknown { name: name.to_owned() })
    }
}

/// A choice that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KernelError {
    /// No kernel has that name.
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The processor at hand has no such instructions.
    Unavailable {
        /// What was asked for.
        choice: KernelChoice,
    },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = match self {
            Self::Unknown { name } => {
                write!(f, "`{name}` is no kernel; there are")?;
                KernelChoice::ALL.iter().map(|choice| choice.name()).collect()
            }
            Self::Unavailable { choice } => {
                write!(f, "this processor cannot run the kernel `{choice}`; it can")?;
                Kernel::all().map(|kernel| kernel.choice().name()).collect()
            }
        };
        write!(f, " {}", names.join(", "))
    }
}

impl std::error::Error for KernelError {}

/// A kernel that the processor at hand can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel(KernelKind);

/// As [`KernelChoice`]. One is made only where the processor was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KernelKind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx,
}

impl Kernel {
    /// The fastest.
    pub fn best() -> Self {
        // The reference is always there.
        Self::all().last().unwrap_or(Self(KernelKind::Portable))
    }

    /// All that the processor can run, the fastest last.
    pub fn all() -> impl Iterator<Item = Self> {
        let portable = Some(KernelKind::Portable);
        #[cfg(target_arch = "x86_64")]
        let others = {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni");
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            #[cfg(target_os = "linux")]
            let amx = (avx512 && super::amx::available()).then_some(KernelKind::Amx);
            #[cfg(not(target_os = "linux"))]
            let amx = None;
            [avx2.then_some(KernelKind::Avx2), avx512.then_some(KernelKind::Avx512Vnni), amx]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let others: [Option<KernelKind>; 0] = [];
        std::iter::once(portable).chain(others).flatten().map(Self)
    }

    /// What it is called.
    pub const fn choice(self) -> KernelChoice {
        match self.0 {
            KernelKind::Portable => KernelChoice::Portable,
            #[cfg(target_arch = "x86_64")]
            KernelKind::Avx2 => KernelChoice::Avx2,
            #[cfg(target_arch = "x86_64")]
            KernelKind::Avx512Vnni => KernelChoice::Avx512Vnni,
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            KernelKind::Amx => KernelChoice::Amx,
        }
    }

    pub(super) const fn kind(self) -> KernelKind {
        self.0
    }
}
