//! The tables are held against the codec: what they generate, it reads, for every version served.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::api::SERVED;
use crate::kafka::messages::RequestKind;

/// Writes a request by its shape, with `many` elements in each array.
struct Writer {
    out: Vec<u8>,
    version: i16,
    flexible: bool,
    many: usize,
}

impl Writer {
    fn fields(&mut self, fields: &'static [Field]) {
        let now = |field: &&Field| field.is_in(self.version);
        let (tagged, plain): (Vec<_>, Vec<_>) =
            fields.iter().filter(now).partition(|field| field.tag.is_some());
        plain.into_iter().for_each(|field| self.field(&field.kind));
        if self.flexible {
            self.varint(tagged.len());
            for field in tagged {
                let mut value = Writer {
                    out: Vec::new(),
                    version: self.version,
                    flexible: true,
                    many: self.many,
                };
                value.field(&field.kind);
                self.varint(field.tag.unwrap() as usize);
                self.varint(value.out.len());
                self.out.extend(value.out);
            }
        }
    }

    fn field(&mut self, kind: &'static Kind) {
        match kind {
            Kind::Fixed(size) => self.out.extend(vec![0; *size]),
            Kind::Text => self.text(),
            Kind::Data => {
                self.length::<4>(3);
                self.out.extend(*b"xyz");
            }
            Kind::Fixeds(size) => {
                self.length::<4>(self.many);
                self.out.extend(vec![0; size * self.many]);
            }
            Kind::Texts => {
                self.length::<4>(self.many);
                (0..self.many).for_each(|_| self.text());
            }
            Kind::Structs(_, fields) => {
                self.length::<4>(self.many);
                (0..self.many).for_each(|_| self.fields(fields));
            }
            Kind::Inner(fields) => self.fields(fields),
            Kind::Optional(fields) => {
                self.out.push(1);
                self.fields(fields);
            }
        }
    }

    fn text(&mut self) {
        self.length::<2>(2);
        self.out.extend(*b"ab");
    }

    fn length<const N: usize>(&mut self, length: usize) {
        if self.flexible {
            self.varint(length + 1);
        } else {
            self.out.extend(&(length as u32).to_be_bytes()[4 - N..]);
        }
    }

    fn varint(&mut self, value: usize) {
        assert!(value < 0x80);
        self.out.push(value as u8);
    }
}

fn sample(key: ApiKey, version: i16, many: usize) -> Vec<u8> {
    let shape = of(key).unwrap();
    let mut writer = Writer {
        out: Vec::new(),
        version,
        flexible: version >= shape.flexible,
        many,
    };
    writer.fields(shape.fields);
    writer.out
}

fn every_version() -> impl Iterator<Item = (ApiKey, i16)> {
    SERVED
        .iter()
        .flat_map(|served| (served.min..=served.max).map(|version| (served.key, version)))
}

#[test]
fn the_codec_reads_what_the_tables_write_in_every_version() {
    for (key, version) in every_version() {
        for many in [0, 1, 3] {
            let bytes = sample(key, version, many);
            check(key, version, &bytes).unwrap_or_else(|error| panic!("{key:?} {version}: {error}"));
            let mut rest = Bytes::from(bytes);
            let decoded = RequestKind::decode(key, &mut rest, version);
            assert!(decoded.is_ok(), "{key:?} {version}: {:?}", decoded.err());
            assert!(
                rest.is_empty(),
                "{key:?} {version}: {} bytes were left",
                rest.len()
            );
        }
    }
}

#[test]
fn a_claim_without_bytes_is_refused() {
    for (key, version) in every_version() {
        let whole = sample(key, version, 2);
        for cut in 0..whole.len() {
            assert!(
                check(key, version, &whole[..cut]).is_err(),
                "{key:?} {version} cut at {cut}"
            );
        }
    }
    let topics = [&i32::MAX.to_be_bytes()[..], &[0xff, 0xff]].concat();
    assert!(
        check(ApiKey::Metadata, 1, &topics)
            .unwrap_err()
            .contains("more elements")
    );
    assert!(check(ApiKey::Metadata, 12, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]).is_err());
}

#[test]
fn many_tiny_elements_do_not_buy_much_memory() {
    // Two bytes an element on the wire, a hundred decoded.
    let names = vec![0u8; 64 << 20];
    let body = [&(32i32 << 20).to_be_bytes()[..], &names].concat();
    assert!(
        check(ApiKey::Metadata, 0, &body)
            .unwrap_err()
            .contains("too much memory")
    );
}

proptest! {
    /// What the walk lets through, the codec survives: it may refuse it, but the process goes on.
    #[test]
    fn changed_requests_never_end_the_process(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all: Vec<_> = every_version().collect();
        let (key, version) = all[pick.index(all.len())];
        let mut bytes = sample(key, version, 2);
        if !bytes.is_empty() {
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
        }
        if check(key, version, &bytes).is_ok() {
            let _ = RequestKind::decode(key, &mut Bytes::from(bytes), version);
        }
    }
}
