//! A place in a guest's memory in one number.

/// What a core module's calls return: where the answer lies, how long it is, and whether it is a failure.
///
/// `pointer << 32 | failure << 31 | length`: a length is below 2 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Address in the guest's memory.
    pub pointer: u32,
    /// Bytes there, below 2 GiB.
    pub length: u32,
    /// Whether they are a [`crate::Failure`].
    pub failed: bool,
}

const FAILED: u32 = 1 << 31;

impl Packed {
    /// From the number that a guest returned. Any number is one: what it points at is the host's to check.
    #[must_use]
    pub fn from_bits(bits: u64) -> Packed {
        let low = bits as u32;
        Packed {
            pointer: (bits >> 32) as u32,
            length: low & !FAILED,
            failed: low & FAILED != 0,
        }
    }

    /// The number to return.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        let failed = if self.failed { FAILED } else { 0 };
        u64::from(self.pointer) << 32 | u64::from(self.length & !FAILED | failed)
    }
}
