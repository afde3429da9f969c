package smartmodule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The layout is docs/smartmodule-abi.md's.
const (
	version      = 1
	frameHeader  = 32
	answerHeader = 16

	kindLookBack  = 1
	kindAggregate = 2
	kindJoin      = 3

	flagStamped     = 1
	flagAccumulator = 1

	answerSelection = 0
	answerRecords   = 1
)

// errCut says that bytes end within something.
var errCut = errors.New("the bytes end within a record")

// Header is a header of a record. A nil Value is not the same as an empty one.
type Header struct {
	Name  string
	Value []byte
}

// Record is a record of the stream. Key, Value and the values of headers lie within the batch: they are there until
// the function that got the record returns, and must not be changed.
type Record struct {
	// Offset in the partition; -1 on ingest, where there is none yet.
	Offset int64
	// Timestamp in milliseconds since 1970; -1 when the producer gave none. In a record that a module makes, 0 stands
	// for the timestamp of the record that it came of.
	Timestamp int64
	// Key; nil is not the same as empty.
	Key []byte
	// Value; nil (a tombstone) is not the same as empty.
	Value []byte
	// Headers, in order; names may repeat.
	Headers []Header
}

// Text is the value as text; empty when there is none.
func (record *Record) Text() string { return string(record.Value) }

// With is a record with another value, and all else as it was.
func (record *Record) With(value []byte) *Record {
	other := *record
	other.Value = value
	// Records that are made of one must not share the room behind its headers.
	other.Headers = slices.Clip(record.Headers)
	return &other
}

// Header is the value of the last header of that name, and whether there is one.
func (record *Record) Header(name string) ([]byte, bool) {
	for at := len(record.Headers) - 1; at >= 0; at-- {
		if record.Headers[at].Name == name {
			return record.Headers[at].Value, true
		}
	}
	return nil, false
}

// reader reads from bytes, front to back.
type reader struct {
	bytes []byte
	at    int
}

func (r *reader) varint() (int64, error) {
	value, length := binary.Varint(r.bytes[r.at:])
	if length <= 0 {
		return 0, errCut
	}
	r.at += length
	return value, nil
}

func (r *reader) take(length int64) ([]byte, error) {
	if length < 0 || length > int64(len(r.bytes)-r.at) {
		return nil, errCut
	}
	begin := r.at
	r.at += int(length)
	return r.bytes[begin:r.at:r.at], nil
}

func (r *reader) nullable() ([]byte, error) {
	length, err := r.varint()
	if err != nil || length == -1 {
		return nil, err
	}
	taken, err := r.take(length)
	if taken == nil && err == nil {
		taken = []byte{}
	}
	return taken, err
}

// frame is a batch of records as the host hands it over.
type frame struct {
	kind          byte
	stamped       bool
	count         int
	baseOffset    int64
	baseTimestamp int64
	accumulator   []byte
	records       reader
}

func readFrame(bytes []byte) (*frame, error) {
	if len(bytes) < frameHeader {
		return nil, errors.New("the bytes end within the header of a frame")
	}
	if bytes[0] != version {
		return nil, fmt.Errorf("version %d of the frame is not spoken here; version %d is", bytes[0], version)
	}
	if bytes[1] > kindJoin || bytes[2]&^flagStamped != 0 || bytes[3] != 0 {
		return nil, errors.New("the header of the frame is not valid")
	}
	accumulator := int64(binary.LittleEndian.Uint32(bytes[24:]))
	r := reader{bytes: bytes, at: frameHeader}
	taken, err := r.take(accumulator)
	if err != nil {
		return nil, err
	}
	return &frame{
		kind:          bytes[1],
		stamped:       bytes[2]&flagStamped != 0,
		count:         int(binary.LittleEndian.Uint32(bytes[4:])),
		baseOffset:    int64(binary.LittleEndian.Uint64(bytes[8:])),
		baseTimestamp: int64(binary.LittleEndian.Uint64(bytes[16:])),
		accumulator:   taken,
		records:       r,
	}, nil
}

// next reads the next record into record.
func (f *frame) next(record *Record) error {
	length, err := f.records.varint()
	if err != nil {
		return err
	}
	body, err := f.records.take(length)
	if err != nil {
		return err
	}
	r := reader{bytes: body}
	if _, err = r.take(1); err != nil {
		return err
	}
	timestamp, err := r.varint()
	if err != nil {
		return err
	}
	offset, err := r.varint()
	if err != nil {
		return err
	}
	record.Timestamp = f.baseTimestamp
	if !f.stamped {
		record.Timestamp += timestamp
	}
	record.Offset = -1
	if f.baseOffset >= 0 {
		record.Offset = f.baseOffset + offset
	}
	if record.Key, err = r.nullable(); err != nil {
		return err
	}
	if record.Value, err = r.nullable(); err != nil {
		return err
	}
	if record.Headers, err = readHeaders(&r, record.Headers[:0]); err != nil {
		return err
	}
	if r.at != len(body) {
		return errors.New("there are bytes after the end of a record")
	}
	return nil
}

func readHeaders(r *reader, headers []Header) ([]Header, error) {
	count, err := r.varint()
	if err != nil || count < 0 {
		return nil, errCut
	}
	for ; count > 0; count-- {
		length, err := r.varint()
		if err != nil {
			return nil, err
		}
		name, err := r.take(length)
		if err != nil {
			return nil, err
		}
		if !utf8.Valid(name) {
			return nil, errors.New("the name of a header is not text (UTF-8)")
		}
		value, err := r.nullable()
		if err != nil {
			return nil, err
		}
		headers = append(headers, Header{Name: string(name), Value: value})
	}
	return headers, nil
}

// end says whether all bytes were read.
func (f *frame) end() error {
	if f.records.at != len(f.records.bytes) {
		return errors.New("there are bytes after the last record")
	}
	return nil
}

func putBytes(out, bytes []byte) []byte {
	if bytes == nil {
		return binary.AppendVarint(out, -1)
	}
	out = binary.AppendVarint(out, int64(len(bytes)))
	return append(out, bytes...)
}

// putRecord appends a record with its length before it. scratch is room that is used again.
func putRecord(out, scratch []byte, record *Record, timestampDelta, offsetDelta int64) (longer, room []byte) {
	body := append(scratch[:0], 0)
	body = binary.AppendVarint(body, timestampDelta)
	body = binary.AppendVarint(body, offsetDelta)
	body = putBytes(body, record.Key)
	body = putBytes(body, record.Value)
	body = binary.AppendVarint(body, int64(len(record.Headers)))
	for _, header := range record.Headers {
		body = binary.AppendVarint(body, int64(len(header.Name)))
		body = append(body, header.Name...)
		body = putBytes(body, header.Value)
	}
	out = binary.AppendVarint(out, int64(len(body)))
	return append(out, body...), body
}

// answer is what a module answers to a frame.
type answer struct {
	selection []byte
	records   []byte
	count     uint32
	failures  []byte
	failed    uint32
	scratch   []byte
}

func (a *answer) keep(index int) { a.selection[index/8] |= 1 << (index % 8) }

// record answers with a record that came of the frame's record of this number and time.
func (a *answer) record(number int, came int64, record *Record, baseTimestamp int64) {
	timestamp := record.Timestamp
	if timestamp == 0 {
		timestamp = came
	}
	a.records = binary.AppendVarint(a.records, int64(number))
	a.records, a.scratch = putRecord(a.records, a.scratch, record, timestamp-baseTimestamp, 0)
	a.count++
}

func (a *answer) fail(index int, err error) {
	a.failures = binary.AppendVarint(a.failures, int64(index))
	// A reason that quotes a value may hold any bytes; the contract wants text.
	reason := strings.ToValidUTF8(err.Error(), "\uFFFD")
	a.failures = putBytes(a.failures, append([]byte{}, reason...))
	a.failed++
}

func (a *answer) bytes(f *frame, accumulator []byte) []byte {
	kind, count, body := byte(answerRecords), a.count, a.records
	if a.selection != nil {
		kind, count, body = answerSelection, uint32(f.count), a.selection
	}
	var flags byte
	if accumulator != nil {
		flags = flagAccumulator
	}
	out := make([]byte, 0, answerHeader+len(body)+len(a.failures)+len(accumulator))
	out = append(out, version, kind, flags, 0)
	out = binary.LittleEndian.AppendUint32(out, count)
	out = binary.LittleEndian.AppendUint32(out, a.failed)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(accumulator)))
	out = append(out, body...)
	out = append(out, a.failures...)
	return append(out, accumulator...)
}

// failure is what a module answers when it cannot answer a frame at all.
func failure(message string) []byte {
	out := binary.LittleEndian.AppendUint32(nil, ^uint32(0))
	return append(out, strings.ToValidUTF8(message, "\uFFFD")...)
}
