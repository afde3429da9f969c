//! From frames to traits, and from traits to answers. The same code runs in the sandbox and in unit tests.

use serde_json::{Map, Value};
use tidemill_frame::{AnswerWriter, Failure, Frame, FrameError, FrameHeader, Selection};

use crate::describe::{About, describe};
use crate::error::{Error, Result};
use crate::kinds::{Aggregate, Filter, FilterMap, FlatMap, Join, Map as MapKind, Validate};
use crate::output::Output;
use crate::params::{ParamInfo, Params};
use crate::record::Record;

/// A module of any kind, as the exports call it.
pub trait Run: Sized + Send + 'static {
    const KIND: &'static str;
    const LOOKS_BACK: bool;
    const PARAMS: &'static [ParamInfo];
    fn start(values: &Map<String, Value>) -> Result<Self>;
    fn process(&mut self, frame: &Frame<'_>) -> Result<Vec<u8>, FrameError>;
    fn look_back(&mut self, record: &Record<'_>) -> Result<()>;
}

/// Gives a type its kind.
pub struct As<T, K>(T, std::marker::PhantomData<fn() -> K>);

macro_rules! run {
    ($marker:ident, $trait:ident, $name:literal, |$module:ident, $frame:ident| $body:expr) => {
        pub struct $marker;

        impl<T: $trait> Run for As<T, $marker> {
            const KIND: &'static str = $name;
            const LOOKS_BACK: bool = T::LOOKS_BACK;
            const PARAMS: &'static [ParamInfo] = T::Params::INFO;

            fn start(values: &Map<String, Value>) -> Result<Self> {
                Ok(As(
                    T::new(T::Params::from_json(values)?)?,
                    std::marker::PhantomData,
                ))
            }

            fn process(&mut self, $frame: &Frame<'_>) -> Result<Vec<u8>, FrameError> {
                let $module = &mut self.0;
                $body
            }

            fn look_back(&mut self, record: &Record<'_>) -> Result<()> {
                self.0.look_back(record)
            }
        }
    };
}

run!(FilterKind, Filter, "filter", |module, frame| {
    select(frame, |record| module.filter(record))
});
run!(ValidateKind, Validate, "validate", |module, frame| {
    select(frame, |record| module.validate(record).map(|()| true))
});
run!(MapMark, MapKind, "map", |module, frame| {
    answer(frame, |record| module.map(record).map(Some))
});
run!(FilterMapKind, FilterMap, "filter_map", |module, frame| {
    answer(frame, |record| module.filter_map(record))
});
run!(FlatMapKind, FlatMap, "flat_map", |module, frame| {
    answer(frame, |record| module.flat_map(record))
});
run!(AggregateKind, Aggregate, "aggregate", |module, frame| {
    fold(frame, |accumulator, record| module.aggregate(accumulator, record))
});
run!(JoinKind, Join, "join", |module, frame| {
    pairs(frame, |left, right| module.join(left, right))
});

fn select(
    frame: &Frame<'_>,
    mut keeps: impl FnMut(&Record<'_>) -> Result<bool>,
) -> Result<Vec<u8>, FrameError> {
    let mut answer = AnswerWriter::new(frame.header());
    let mut selection = Selection::none(frame.len());
    for (index, record) in frame.records().enumerate() {
        match keeps(&Record::new(record?)) {
            Ok(true) => selection.keep(index),
            Ok(false) => {}
            Err(error) => answer.fail(index as u32, error.message()),
        }
    }
    Ok(answer.selection(&selection))
}

fn answer<'a, O: IntoIterator<Item = Output<'a>>>(
    frame: &Frame<'a>,
    mut makes: impl FnMut(&Record<'a>) -> Result<O>,
) -> Result<Vec<u8>, FrameError> {
    let mut answer = AnswerWriter::new(frame.header());
    for (index, record) in frame.records().enumerate() {
        match makes(&Record::new(record?)) {
            Ok(outputs) => {
                for output in outputs {
                    output.write(|record| answer.record(index as u32, record));
                }
            }
            Err(error) => answer.fail(index as u32, error.message()),
        }
    }
    Ok(answer.records(None))
}

fn fold(
    frame: &Frame<'_>,
    mut folds: impl FnMut(&[u8], &Record<'_>) -> Result<Vec<u8>>,
) -> Result<Vec<u8>, FrameError> {
    let mut answer = AnswerWriter::new(frame.header());
    let mut accumulator = frame.accumulator().to_vec();
    for (index, record) in frame.records().enumerate() {
        let record = Record::new(record?);
        match folds(&accumulator, &record) {
            Ok(folded) => {
                accumulator = folded;
                let output = record.to_output().value(accumulator.as_slice());
                output.write(|record| answer.record(index as u32, record));
            }
            Err(error) => answer.fail(index as u32, error.message()),
        }
    }
    Ok(answer.records(Some(&accumulator)))
}

fn pairs<'a>(
    frame: &Frame<'a>,
    mut joins: impl FnMut(&Record<'a>, &Record<'a>) -> Result<Option<Output<'a>>>,
) -> Result<Vec<u8>, FrameError> {
    let mut answer = AnswerWriter::new(frame.header());
    let mut records = frame.records().enumerate();
    while let Some((index, left)) = records.next() {
        let (left, right) = match records.next() {
            Some((_, right)) => (Record::new(left?), Record::new(right?)),
            None => {
                return Err(FrameError::Invalid {
                    what: "the number of records (a join takes pairs)",
                    at: 4,
                });
            }
        };
        match joins(&left, &right) {
            Ok(Some(output)) => output.write(|record| answer.record(index as u32, record)),
            Ok(None) => {}
            Err(error) => answer.fail(index as u32, error.message()),
        }
    }
    Ok(answer.records(None))
}

/// The state behind the exports.
pub struct Exports<R> {
    module: Option<R>,
}

impl<R> Exports<R> {
    pub const fn new() -> Exports<R> {
        Exports { module: None }
    }
}

/// What an export returns: an answer, or a failure.
pub type Reply = std::result::Result<Vec<u8>, Vec<u8>>;

fn failure(message: impl Into<String>) -> Vec<u8> {
    let message = message.into();
    Failure { index: None, message }.to_bytes()
}

impl<R: Run> Exports<R> {
    pub fn describe(about: &About) -> Vec<u8> {
        describe(about, R::KIND, R::PARAMS, R::LOOKS_BACK).into_bytes()
    }

    /// Starts the module. Parameters are only read where there are any: the library for it is not small.
    pub fn init(&mut self, bytes: &[u8]) -> Reply {
        let values = if R::PARAMS.is_empty() {
            Ok(Map::new())
        } else {
            parameters(bytes)
        };
        match values.and_then(|values| R::start(&values)) {
            Ok(module) => {
                self.module = Some(module);
                Ok(Vec::new())
            }
            Err(error) => Err(failure(error.message())),
        }
    }

    pub fn process(&mut self, bytes: &[u8]) -> Reply {
        let Some(module) = &mut self.module else {
            return Err(failure("the module was not started"));
        };
        Frame::read(bytes)
            .and_then(|frame| module.process(&frame))
            .map_err(|error| failure(format!("the frame is not valid: {error}")))
    }

    pub fn look_back(&mut self, bytes: &[u8]) -> Reply {
        let Some(module) = &mut self.module else {
            return Err(failure("the module was not started"));
        };
        let invalid = |error: FrameError| failure(format!("the frame is not valid: {error}"));
        let frame = Frame::read(bytes).map_err(invalid)?;
        for (index, record) in (0..).zip(frame.records()) {
            let record = Record::new(record.map_err(invalid)?);
            module.look_back(&record).map_err(|error| {
                let message = error.message().to_owned();
                let index = Some(index);
                Failure { index, message }.to_bytes()
            })?;
        }
        Ok(Vec::new())
    }
}

impl<R> Default for Exports<R> {
    fn default() -> Exports<R> {
        Exports::new()
    }
}

fn parameters(bytes: &[u8]) -> Result<Map<String, Value>> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Error::new(format!("the parameters are not JSON: {error}")))?;
    match value.get("params") {
        Some(Value::Object(values)) => Ok(values.clone()),
        None => Ok(Map::new()),
        Some(_) => Err(Error::new("the parameters are not an object")),
    }
}

/// A header for tests.
pub(crate) fn test_header(kind: tidemill_frame::FrameKind) -> FrameHeader {
    FrameHeader {
        kind,
        count: 0,
        accumulator: 0,
        base_offset: 0,
        base_timestamp: 0,
        stamped: false,
    }
}

/// Exports a module under the names of the contract.
///
/// ```
/// use tidemill_smartmodule::{Filter, NoParams, Record, Result};
///
/// /// Keeps every second record.
/// pub struct EverySecond {
///     seen: u64,
/// }
///
/// impl Filter for EverySecond {
///     type Params = NoParams;
///
///     fn new(_: NoParams) -> Result<EverySecond> {
///         Ok(EverySecond { seen: 0 })
///     }
///
///     fn filter(&mut self, _: &Record<'_>) -> Result<bool> {
///         self.seen += 1;
///         Ok(self.seen % 2 == 0)
///     }
/// }
///
/// tidemill_smartmodule::export!(filter EverySecond, "keeps every second record");
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    (filter $($rest:tt)*) => { $crate::export!(@ FilterKind, $($rest)*); };
    (map $($rest:tt)*) => { $crate::export!(@ MapMark, $($rest)*); };
    (filter_map $($rest:tt)*) => { $crate::export!(@ FilterMapKind, $($rest)*); };
    (flat_map $($rest:tt)*) => { $crate::export!(@ FlatMapKind, $($rest)*); };
    (validate $($rest:tt)*) => { $crate::export!(@ ValidateKind, $($rest)*); };
    (aggregate $($rest:tt)*) => { $crate::export!(@ AggregateKind, $($rest)*); };
    (join $($rest:tt)*) => { $crate::export!(@ JoinKind, $($rest)*); };
    (@ $kind:ident, $module:ty $(, $description:expr)?) => {
        impl $crate::testing::Exported for $module {
            type Run = $crate::run::As<$module, $crate::run::$kind>;

            const ABOUT: $crate::describe::About = $crate::describe::About {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                description: $crate::export!(@description $($description)?),
            };
        }

        #[cfg(target_family = "wasm")]
        mod __tidemill_exports {
            use super::*;
            $crate::wasm_exports!(<$module as $crate::testing::Exported>::Run, <$module as $crate::testing::Exported>::ABOUT);
        }
    };
    (@description) => { env!("CARGO_PKG_DESCRIPTION") };
    (@description $description:expr) => { $description };
}

/// The functions of the contract. A number that is returned holds an address and a length.
#[doc(hidden)]
#[macro_export]
macro_rules! wasm_exports {
    ($run:ty, $about:expr) => {
        static MODULE: ::std::sync::Mutex<$crate::run::Exports<$run>> =
            ::std::sync::Mutex::new($crate::run::Exports::new());

        fn with(then: impl FnOnce(&mut $crate::run::Exports<$run>) -> $crate::run::Reply) -> u64 {
            let mut module = MODULE
                .lock()
                .unwrap_or_else(::std::sync::PoisonError::into_inner);
            $crate::run::memory::give(then(&mut module))
        }

        #[unsafe(no_mangle)]
        extern "C" fn tm_alloc(length: usize) -> *mut u8 {
            $crate::run::memory::alloc(length)
        }

        #[unsafe(no_mangle)]
        extern "C" fn tm_free(pointer: *mut u8, length: usize) {
            $crate::run::memory::free(pointer, length)
        }

        #[unsafe(no_mangle)]
        extern "C" fn tm_describe() -> u64 {
            $crate::run::memory::give(Ok($crate::run::Exports::<$run>::describe(&$about)))
        }

        #[unsafe(no_mangle)]
        extern "C" fn tm_init(pointer: *const u8, length: usize) -> u64 {
            $crate::run::memory::tell_of_panics();
            with(|module| module.init($crate::run::memory::taken(pointer, length)))
        }

        #[unsafe(no_mangle)]
        extern "C" fn tm_process(pointer: *const u8, length: usize) -> u64 {
            with(|module| module.process($crate::run::memory::taken(pointer, length)))
        }

        #[unsafe(no_mangle)]
        extern "C" fn tm_look_back(pointer: *const u8, length: usize) -> u64 {
            with(|module| module.look_back($crate::run::memory::taken(pointer, length)))
        }
    };
}

/// Memory that guest and host hand to each other.
#[cfg(target_family = "wasm")]
pub mod memory {
    use std::alloc::{Layout, alloc as take, dealloc, handle_alloc_error};

    use tidemill_frame::Packed;

    use super::Reply;
    use crate::host::{Level, log};

    fn layout(length: usize) -> Layout {
        Layout::from_size_align(length.max(1), 1).expect("a length of 32 bits is one that can be had")
    }

    pub fn alloc(length: usize) -> *mut u8 {
        let layout = layout(length);
        // SAFETY: the layout is not of size 0.
        let pointer = unsafe { take(layout) };
        if pointer.is_null() {
            handle_alloc_error(layout);
        }
        pointer
    }

    pub fn free(pointer: *mut u8, length: usize) {
        // SAFETY: the host gives back what `alloc` or `give` handed out, with its length, once.
        unsafe { dealloc(pointer, layout(length)) }
    }

    /// The bytes of an input. The host keeps them as they are until the call returns.
    pub fn taken<'a>(pointer: *const u8, length: usize) -> &'a [u8] {
        // SAFETY: the host wrote `length` bytes at an address that `alloc` gave it for at least so many.
        unsafe { std::slice::from_raw_parts(pointer, length) }
    }

    /// Hands an answer over; the host gives it back to `free`.
    pub fn give(reply: Reply) -> u64 {
        let failed = reply.is_err();
        let bytes = reply.unwrap_or_else(|failure| failure).into_boxed_slice();
        let length = bytes.len() as u32;
        let pointer = if length == 0 {
            0
        } else {
            Box::into_raw(bytes).cast::<u8>() as usize as u32
        };
        Packed {
            pointer,
            length,
            failed,
        }
        .to_bits()
    }

    /// A panic is a crash: what it says goes to the log first.
    pub fn tell_of_panics() {
        std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
    }
}
