//! What can go wrong, cut by who must mend it.

use std::time::Duration;

use thiserror::Error;
use tidemill_frame::FrameError;

/// Why a module cannot be loaded, attached or run.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SmartModuleError {
    /// The file is not a module that can run here: mend or rebuild it.
    #[error("not a SmartModule: {0}")]
    Unusable(String),
    /// A parameter is missing, unknown or of the wrong type: mend it where the module is attached.
    #[error("parameter `{name}`: {problem}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// The module does not fit the place where it is attached.
    #[error("{0}")]
    Misplaced(String),
    /// The module itself says that it failed.
    #[error("the module failed{}: {message}", at(*index))]
    Failed {
        /// Which record of the batch; `None` for the call itself.
        index: Option<u32>,
        /// What it says.
        message: String,
    },
    /// The module went beyond what it may take, and was stopped.
    #[error("the module was stopped: it {0}")]
    Stopped(Limit),
    /// The module crashed.
    #[error("the module crashed: {0}")]
    Trapped(String),
    /// The module's answer is not one: mend the module.
    #[error("the module's answer is not valid: {0}")]
    Answer(String),
    /// The engine itself, or the machine under it.
    #[error("the SmartModule engine: {0}")]
    Engine(String),
}

/// A ceiling that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Limit {
    /// Time on a processor.
    #[error("took more than {0:?} of processor time for one batch")]
    Cpu(Duration),
    /// Memory, in bytes.
    #[error("wanted more than {0} bytes of memory")]
    Memory(usize),
    /// The answer, in bytes.
    #[error("answered with more than {0} bytes")]
    Output(usize),
    /// Calls within calls.
    #[error("ran out of stack")]
    Stack,
}

fn at(index: Option<u32>) -> String {
    index.map_or_else(String::new, |index| format!(" at record {index} of the batch"))
}

impl From<FrameError> for SmartModuleError {
    fn from(error: FrameError) -> SmartModuleError {
        SmartModuleError::Answer(error.to_string())
    }
}
