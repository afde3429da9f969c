//! Leaves out values that came before: a module with state, which it rebuilds by looking back.

use std::collections::HashSet;

use tidemill_smartmodule::{Filter, NoParams, Record, Result, export, log};

/// The values that came before.
pub struct Dedup {
    seen: HashSet<Vec<u8>>,
}

impl Filter for Dedup {
    type Params = NoParams;

    const LOOKS_BACK: bool = true;

    fn new(_: NoParams) -> Result<Dedup> {
        Ok(Dedup { seen: HashSet::new() })
    }

    fn filter(&mut self, record: &Record<'_>) -> Result<bool> {
        let new = self.seen.insert(record.value().unwrap_or_default().to_vec());
        if !new {
            log!(Debug, "seen before: {:?}", record.text());
        }
        Ok(new)
    }

    fn look_back(&mut self, record: &Record<'_>) -> Result<()> {
        self.seen.insert(record.value().unwrap_or_default().to_vec());
        Ok(())
    }
}

export!(filter Dedup, "leaves out values that came before");
