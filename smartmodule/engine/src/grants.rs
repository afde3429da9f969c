//! What a module may ask of the world.

/// What is let through the sandbox. Nothing unless said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The time of day. Without it the clock stands still.
    pub clock: bool,
    /// Randomness. Without it the same numbers come in every instance.
    pub random: bool,
}
