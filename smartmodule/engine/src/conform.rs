//! Whether a module honours the contract: what `tidemill smartmodule conform` runs.

use std::sync::Arc;

use tidemill_frame::{Body, FrameHeader, FrameKind, FrameWriter, NewRecord};

use crate::carrier::{Entry, Input, Reply};
use crate::description::Kind;
use crate::engine::Engine;
use crate::error::SmartModuleError;
use crate::instance::{Instance, Setting};
use crate::module::Module;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What must hold, in words.
    pub what: &'static str,
    /// Whether it does.
    pub verdict: Verdict,
}

/// Whether something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// The contract does not ask for it, but users will miss it.
    Advised(String),
    /// It has no meaning for this module, and why.
    Skipped(String),
}

/// A module under examination.
struct Examined<'a> {
    module: Arc<Module>,
    setting: &'a Setting,
}

type Seen = Result<Verdict, SmartModuleError>;
type Look = fn(&Examined<'_>) -> Seen;

/// Everything that a module which loads is held to, in the order in which it is told.
const CHECKS: [(&str, Look); 10] = [
    ("it says for people what it is", says_what_it_is),
    ("it starts with its parameters", starts),
    ("it answers a frame without records", answers_nothing),
    (
        "it answers missing, empty, binary and long keys, values and headers",
        answers_odd_records,
    ),
    (
        "it answers records without offsets, and stamped ones",
        answers_other_frames,
    ),
    ("two instances give the same answer", repeats_itself),
    ("it answers ten thousand records", answers_many),
    ("its memory stays as it is over two hundred calls", stays_small),
    ("it fails a frame that is none, and goes on", survives_bad_frames),
    ("it looks back", looks_back),
];

/// Examines a module. Each check starts an instance of its own with `setting`.
///
/// # Errors
/// [`SmartModuleError::Unusable`]: it does not even load.
pub fn conform(engine: &Engine, wasm: &[u8], setting: &Setting) -> Result<Vec<Check>, SmartModuleError> {
    Ok(examine(&engine.load(wasm)?, setting))
}

/// Examines a module that is loaded, as [`conform`] does.
#[must_use]
pub fn examine(module: &Arc<Module>, setting: &Setting) -> Vec<Check> {
    let module = Arc::clone(module);
    let examined = Examined { module, setting };
    let look = |(what, look): (&'static str, Look)| Check {
        what,
        verdict: look(&examined).unwrap_or_else(|error| Verdict::Failed(error.to_string())),
    };
    CHECKS.into_iter().map(look).collect()
}

impl Examined<'_> {
    fn start(&self) -> Result<Instance, SmartModuleError> {
        self.module.instantiate(self.setting)
    }

    fn kind(&self) -> Kind {
        self.module.description().kind
    }

    /// A frame of the kind that the module takes.
    fn frame(&self, base_offset: i64, stamped: bool) -> FrameWriter {
        let kind = match self.kind() {
            Kind::Aggregate => FrameKind::Aggregate,
            Kind::Join => FrameKind::Join,
            _ => FrameKind::Records,
        };
        FrameWriter::new(
            FrameHeader {
                kind,
                count: 0,
                accumulator: 0,
                base_offset,
                base_timestamp: 1_700_000_000_000,
                stamped,
            },
            &[],
        )
    }

    /// Runs a frame through `instance` and holds the answer to the module's kind. The answer comes back as text, to be
    /// compared.
    fn run(&self, instance: &mut Instance, frame: Vec<u8>) -> Result<String, SmartModuleError> {
        let kind = self.kind();
        instance
            .process_frame(&frame, |answer| {
                let records = match (answer.body(), kind) {
                    (Body::Selection(_), Kind::Filter | Kind::Validate) => None,
                    (Body::Records(records), _) if !matches!(kind, Kind::Filter | Kind::Validate) => {
                        Some(records.map(|record| format!("{record:?}")).collect::<Vec<_>>())
                    }
                    _ => {
                        return Err(SmartModuleError::Answer(format!(
                            "it is not of the form that a module of kind `{}` gives",
                            kind.name()
                        )));
                    }
                };
                if kind == Kind::Aggregate && answer.accumulator().is_none() {
                    return Err(SmartModuleError::Answer("it has no accumulator".to_owned()));
                }
                let failed: Vec<_> = answer.failed().map(|failed| format!("{failed:?}")).collect();
                let selection = match answer.body() {
                    Body::Selection(bits) => Some(bits.to_vec()),
                    Body::Records(_) => None,
                };
                Ok(format!(
                    "{selection:?} {records:?} {failed:?} {:?}",
                    answer.accumulator()
                ))
            })?
            .0
    }
}

fn says_what_it_is(examined: &Examined<'_>) -> Seen {
    let description = examined.module.description();
    let said = [
        ("name", &description.name),
        ("version", &description.version),
        ("description", &description.description),
        ("language", &description.language),
    ];
    let missing: Vec<&str> = said
        .iter()
        .filter(|(_, text)| text.is_empty())
        .map(|(name, _)| *name)
        .collect();
    let undocumented = description
        .params
        .iter()
        .filter(|param| param.description.is_empty());
    let undocumented: Vec<&str> = undocumented.map(|param| param.name.as_str()).collect();
    Ok(match (missing.as_slice(), undocumented.as_slice()) {
        ([], []) => Verdict::Passed,
        ([], params) => Verdict::Advised(format!("parameters without a description: {}", params.join(", "))),
        (fields, _) => Verdict::Advised(format!("its description has no {}", fields.join(", "))),
    })
}

fn starts(examined: &Examined<'_>) -> Seen {
    examined.start().map(|_| Verdict::Passed)
}

fn answers_nothing(examined: &Examined<'_>) -> Seen {
    let mut instance = examined.start()?;
    examined.run(&mut instance, examined.frame(0, false).finish())?;
    Ok(Verdict::Passed)
}

/// What users' records really look like.
fn odd_records(mut frame: FrameWriter) -> Vec<u8> {
    let long = vec![b'x'; 1 << 20];
    let headers: [(&str, Option<&[u8]>); 3] = [("h", Some(b"v")), ("h", None), ("größe", Some(&[0xff, 0]))];
    let records = [
        NewRecord::new(1_700_000_000_001, None, None),
        NewRecord::new(1_699_999_999_000, Some(b""), Some(b"")),
        NewRecord::new(
            1_700_000_000_002,
            Some(b"key"),
            Some(b"{\"level\": \"error\", \"n\": 1}"),
        ),
        NewRecord::new(1_700_000_000_003, Some(&[0, 0xff]), Some(&[0xfe, 0, 0x80])).with_headers(&headers),
        NewRecord::new(
            1_700_000_000_004,
            Some("schlüssel".as_bytes()),
            Some("größe 日本".as_bytes()),
        ),
        NewRecord::new(-1, None, Some(&long)),
    ];
    for (at, record) in (0..).zip(&records) {
        frame.push(at * 2, record);
    }
    frame.finish()
}

fn answers_odd_records(examined: &Examined<'_>) -> Seen {
    let mut instance = examined.start()?;
    examined.run(&mut instance, odd_records(examined.frame(0, false)))?;
    Ok(Verdict::Passed)
}

fn answers_other_frames(examined: &Examined<'_>) -> Seen {
    let mut instance = examined.start()?;
    examined.run(&mut instance, odd_records(examined.frame(-1, false)))?;
    examined.run(&mut instance, odd_records(examined.frame(1 << 40, true)))?;
    Ok(Verdict::Passed)
}

fn repeats_itself(examined: &Examined<'_>) -> Seen {
    let answer = || {
        let mut instance = examined.start()?;
        examined.run(&mut instance, odd_records(examined.frame(0, false)))
    };
    if answer()? == answer()? {
        return Ok(Verdict::Passed);
    }
    Ok(Verdict::Advised(
        "it does not: a stream that is read twice may differ".to_owned(),
    ))
}

fn many(examined: &Examined<'_>, count: i64) -> Vec<u8> {
    let mut frame = examined.frame(0, false);
    for at in 0..count {
        let value = format!("{{\"n\": {at}, \"level\": \"info\"}}");
        frame.push(
            at,
            &NewRecord::new(1_700_000_000_000 + at, Some(b"k"), Some(value.as_bytes())),
        );
    }
    frame.finish()
}

fn answers_many(examined: &Examined<'_>) -> Seen {
    let mut instance = examined.start()?;
    examined.run(&mut instance, many(examined, 10_000))?;
    Ok(Verdict::Passed)
}

fn stays_small(examined: &Examined<'_>) -> Seen {
    if examined.module.description().look_back {
        return Ok(Verdict::Skipped("it keeps state".to_owned()));
    }
    let mut instance = examined.start()?;
    let frame = many(examined, 500);
    let mut after = |calls: usize| {
        for _ in 0..calls {
            examined.run(&mut instance, frame.clone())?;
        }
        Ok::<_, SmartModuleError>(instance.memory())
    };
    // A collector of garbage takes some calls to find its size.
    let (begin, end) = (after(100)?, after(100)?);
    if end <= begin + begin / 10 {
        return Ok(Verdict::Passed);
    }
    Ok(Verdict::Failed(format!(
        "it grew from {begin} to {end} bytes: is `tm_free` called in vain?"
    )))
}

fn survives_bad_frames(examined: &Examined<'_>) -> Seen {
    let mut instance = examined.start()?;
    let good = many(examined, 4);
    let mut other_version = good.clone();
    other_version[0] = 99;
    for bad in [&[][..], &good[..good.len() - 1], &other_version] {
        let input = Input { head: bad, body: &[] };
        let refused = instance.raw(Entry::Process, &input, |reply| matches!(reply, Reply::Failed(_)))?;
        if !refused {
            return Ok(Verdict::Failed(format!(
                "it answered {} bytes that are no frame",
                bad.len()
            )));
        }
    }
    examined.run(&mut instance, good)?;
    Ok(Verdict::Passed)
}

fn looks_back(examined: &Examined<'_>) -> Seen {
    if !examined.module.description().look_back {
        return Ok(Verdict::Skipped(
            "its description does not say `lookBack`".to_owned(),
        ));
    }
    let mut instance = examined.start()?;
    let mut frame = many(examined, 10);
    frame[1] = 1;
    let input = Input {
        head: &frame,
        body: &[],
    };
    let looked = instance.raw(Entry::LookBack, &input, |reply| matches!(reply, Reply::Ok(_)))?;
    if !looked {
        return Ok(Verdict::Failed("it failed older records".to_owned()));
    }
    examined.run(&mut instance, many(examined, 10))?;
    Ok(Verdict::Passed)
}
