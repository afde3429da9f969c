//! The tables are held against the codec: what they generate, it reads, for every version served (requests) and
//! every version that the codec knows (responses: a client speaks to servers newer than itself).

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::api::SERVED;
use crate::kafka::messages::{RequestKind, ResponseKind};

/// Writes a message by its shape, with `many` elements in each array.
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

fn sample(shape: &'static Shape, version: i16, many: usize) -> Vec<u8> {
    let mut writer = Writer {
        out: Vec::new(),
        version,
        flexible: version >= shape.flexible,
        many,
    };
    writer.fields(shape.fields);
    writer.out
}

/// A message in one direction.
#[derive(Clone, Copy, Debug)]
struct Message {
    request: bool,
    key: ApiKey,
    version: i16,
}

impl Message {
    fn all() -> Vec<Message> {
        let requests = SERVED.iter().flat_map(|served| {
            (served.min..=served.max).map(|version| Message {
                request: true,
                key: served.key,
                version,
            })
        });
        let responses = SERVED.iter().flat_map(|served| {
            let valid = served.key.valid_versions();
            (valid.min..=valid.max).map(|version| Message {
                request: false,
                key: served.key,
                version,
            })
        });
        requests.chain(responses).collect()
    }

    fn sample(self, many: usize) -> Vec<u8> {
        let shape = if self.request {
            request(self.key)
        } else {
            response(self.key)
        };
        sample(shape.unwrap(), self.version, many)
    }

    fn check(self, body: &[u8]) -> Result<(), String> {
        if self.request {
            check_request(self.key, self.version, body).map(drop)
        } else {
            check_response(self.key, self.version, body)
        }
    }

    /// What the codec says: how many bytes it leaves.
    fn decode(self, bytes: Vec<u8>) -> Result<usize, String> {
        let mut rest = Bytes::from(bytes);
        let decoded = if self.request {
            RequestKind::decode(self.key, &mut rest, self.version).map(drop)
        } else {
            ResponseKind::decode(self.key, &mut rest, self.version).map(drop)
        };
        decoded.map(|()| rest.len()).map_err(|error| format!("{error:#}"))
    }
}

#[test]
fn the_codec_reads_what_the_tables_write_in_every_version() {
    for message in Message::all() {
        for many in [0, 1, 3] {
            let bytes = message.sample(many);
            message
                .check(&bytes)
                .unwrap_or_else(|error| panic!("{message:?}: {error}"));
            assert_eq!(message.decode(bytes), Ok(0), "{message:?}");
        }
    }
}

#[test]
fn a_claim_without_bytes_is_refused() {
    for message in Message::all() {
        let whole = message.sample(2);
        for cut in 0..whole.len() {
            assert!(message.check(&whole[..cut]).is_err(), "{message:?} cut at {cut}");
        }
    }
    let topics = [&i32::MAX.to_be_bytes()[..], &[0xff, 0xff]].concat();
    assert!(
        check_request(ApiKey::Metadata, 1, &topics)
            .unwrap_err()
            .contains("more elements")
    );
    assert!(check_request(ApiKey::Metadata, 12, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]).is_err());
}

#[test]
fn many_tiny_elements_do_not_buy_much_memory() {
    // Two bytes an element on the wire, a hundred decoded.
    let names = vec![0u8; 64 << 20];
    let body = [&(32i32 << 20).to_be_bytes()[..], &names].concat();
    assert!(
        check_request(ApiKey::Metadata, 0, &body)
            .unwrap_err()
            .contains("too much memory")
    );
}

#[test]
fn a_response_that_claims_more_than_it_holds_is_refused() {
    // Two thousand million brokers; a fetch of as many topics; an array of null length is sound.
    let brokers = i32::MAX.to_be_bytes();
    let refused = check_response(ApiKey::Metadata, 0, &brokers).unwrap_err();
    assert!(refused.contains("more elements"), "{refused}");
    let topics = [&[0; 10][..], &i32::MAX.to_be_bytes()].concat();
    assert!(check_response(ApiKey::Fetch, 7, &topics).is_err());
    let none = [&[0; 10][..], &(-1i32).to_be_bytes()].concat();
    check_response(ApiKey::Fetch, 7, &none).unwrap();
}

#[test]
fn record_data_is_stepped_over_not_counted() {
    let fetched = crate::fetch::FetchedPartition {
        records: vec![Bytes::from(vec![0xff; 8 << 20])],
        ..Default::default()
    };
    let topic = crate::fetch::FetchedTopic {
        name: "t".to_owned(),
        partitions: vec![fetched],
        ..Default::default()
    };
    let response = crate::fetch::FetchedResponse {
        topics: vec![topic],
        ..Default::default()
    };
    for version in 4..=17 {
        let frame = crate::fetch::encode(version, 0, &response).concat();
        let header = if version >= 12 { 9 } else { 8 };
        check_response(ApiKey::Fetch, version, &frame[header..]).unwrap();
    }
}

proptest! {
    /// What the walk lets through, the codec survives: it may refuse it, but the process goes on.
    #[test]
    fn changed_messages_never_end_the_process(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = Message::all();
        let message = all[pick.index(all.len())];
        let mut bytes = message.sample(2);
        if !bytes.is_empty() {
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
        }
        if message.check(&bytes).is_ok() {
            let _ = message.decode(bytes);
        }
    }
}
