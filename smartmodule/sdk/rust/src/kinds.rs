//! What a module does: one trait a kind. The attribute makes a type of a function; a module with state writes its own.

use crate::error::Result;
use crate::output::Output;
use crate::params::Params;
use crate::record::Record;

macro_rules! kind {
    ($(#[$docs:meta])* $name:ident { $($method:tt)* }) => {
        $(#[$docs])*
        pub trait $name: Sized + Send + 'static {
            /// What it is told when it starts; [`crate::NoParams`] for nothing.
            type Params: Params;

            /// Whether [`look_back`](Self::look_back) does anything.
            const LOOKS_BACK: bool = false;

            /// Starts it.
            ///
            /// # Errors
            /// The parameters make no sense together; each by itself was checked.
            fn new(params: Self::Params) -> Result<Self>;

            $($method)*

            /// Sees an older record, to rebuild its state from. Nothing comes out.
            ///
            /// # Errors
            /// The state cannot be rebuilt: the stream does not start.
            fn look_back(&mut self, record: &Record<'_>) -> Result<()> {
                let _ = record;
                Ok(())
            }
        }
    };
}

kind! {
    /// Keeps some records.
    Filter {
        /// Whether to keep the record.
        ///
        /// # Errors
        /// It cannot be told.
        fn filter(&mut self, record: &Record<'_>) -> Result<bool>;
    }
}

kind! {
    /// Makes one record of each.
    Map {
        /// What becomes of the record.
        ///
        /// # Errors
        /// It cannot be mapped.
        fn map<'a>(&mut self, record: &Record<'a>) -> Result<Output<'a>>;
    }
}

kind! {
    /// Makes one record, or none, of each.
    FilterMap {
        /// What becomes of the record, if anything.
        ///
        /// # Errors
        /// It cannot be mapped.
        fn filter_map<'a>(&mut self, record: &Record<'a>) -> Result<Option<Output<'a>>>;
    }
}

kind! {
    /// Makes any number of records of each.
    FlatMap {
        /// What becomes of the record.
        ///
        /// # Errors
        /// It cannot be mapped.
        fn flat_map<'a>(&mut self, record: &Record<'a>) -> Result<Vec<Output<'a>>>;
    }
}

kind! {
    /// Refuses bad records.
    Validate {
        /// Whether the record is good.
        ///
        /// # Errors
        /// It is not, and why: its producer is told.
        fn validate(&mut self, record: &Record<'_>) -> Result<()>;
    }
}

kind! {
    /// Folds records into an accumulator.
    Aggregate {
        /// The accumulator with the record in it. `accumulator` is empty at the beginning.
        ///
        /// # Errors
        /// The record cannot be folded in; the accumulator stays as it was.
        fn aggregate(&mut self, accumulator: &[u8], record: &Record<'_>) -> Result<Vec<u8>>;
    }
}

kind! {
    /// Makes one record, or none, of a left and a right one.
    Join {
        /// What becomes of the two, if anything.
        ///
        /// # Errors
        /// They cannot be joined.
        fn join<'a>(&mut self, left: &Record<'a>, right: &Record<'a>) -> Result<Option<Output<'a>>>;
    }
}
