//go:build !wasip1

package smartmodule

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Result is what became of some records.
type Result struct {
	// Records that go on, in order.
	Records []Made
	// Failed records, and why.
	Failed []Failed
}

// Made is a record that goes on.
type Made struct {
	// Source is the number of the record that it came of.
	Source int
	Record
}

// Failed is a record that failed.
type Failed struct {
	// Index is its number.
	Index int
	// Reason is what the module said.
	Reason string
}

// Values are the values of the records that go on, as text.
func (result *Result) Values() []string {
	values := make([]string, len(result.Records))
	for at := range result.Records {
		values[at] = result.Records[at].Text()
	}
	return values
}

// RecordOf is a record with this value, without key or headers, to test with.
func RecordOf(value string) *Record { return &Record{Value: []byte(value)} }

// WithKey is the record with a key.
func (record *Record) WithKey(key string) *Record {
	other := *record
	other.Key = []byte(key)
	return &other
}

// Runner is the module of this program, started: for tests.
type Runner struct {
	accumulator []byte
	offset      int64
}

// Start starts the module of this program with parameters by name. What the module keeps in variables stays there.
func Start(params map[string]any) (*Runner, error) {
	if registered == nil {
		return nil, errors.New("the program registers no module: call smartmodule.Filter or one of its like in init")
	}
	for name := range params {
		known := false
		for _, param := range registered.params {
			known = known || param.Name == name
		}
		if !known {
			return nil, fmt.Errorf("the module has no parameter `%s`", name)
		}
	}
	if params == nil {
		params = map[string]any{}
	}
	given, err := json.Marshal(map[string]any{"params": params, "place": "a test"})
	if err != nil {
		return nil, fmt.Errorf("the parameters cannot be written as JSON: %w", err)
	}
	if err := registered.init(given); err != nil {
		return nil, err
	}
	return &Runner{}, nil
}

// Run starts the module of this program and runs one batch.
func Run(params map[string]any, records ...*Record) (*Result, error) {
	runner, err := Start(params)
	if err != nil {
		return nil, err
	}
	return runner.Run(records...)
}

// Run runs one batch. A join takes pairs: a left record, then its right one. An aggregate goes on from batch to batch.
func (runner *Runner) Run(records ...*Record) (*Result, error) {
	kind := map[string]byte{"aggregate": kindAggregate, "join": kindJoin}[registered.kind]
	answered, err := registered.answerTo(runner.frame(kind, records))
	if err != nil {
		return nil, err
	}
	result, accumulator, err := readAnswer(answered, records)
	if err != nil {
		return nil, fmt.Errorf("the answer is not valid: %w", err)
	}
	if accumulator != nil {
		runner.accumulator = accumulator
	}
	return result, nil
}

// LookBack shows the module older records, as happens before the first batch.
func (runner *Runner) LookBack(records ...*Record) error {
	return registered.lookBackAt(runner.frame(kindLookBack, records))
}

// frame makes a frame of records, whose base timestamp and offset are 0.
func (runner *Runner) frame(kind byte, records []*Record) []byte {
	var accumulator []byte
	if kind == kindAggregate {
		accumulator = runner.accumulator
	}
	out := []byte{version, kind, 0, 0}
	out = binary.LittleEndian.AppendUint32(out, uint32(len(records)))
	out = append(out, make([]byte, 16)...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(accumulator)))
	out = append(out, 0, 0, 0, 0)
	out = append(out, accumulator...)
	var scratch []byte
	for _, record := range records {
		out, scratch = putRecord(out, scratch, record, record.Timestamp, runner.offset)
		runner.offset++
	}
	return out
}

// readAnswer reads an answer to a frame whose base timestamp is 0.
func readAnswer(bytes []byte, asked []*Record) (*Result, []byte, error) {
	if len(bytes) < answerHeader {
		return nil, nil, errCut
	}
	count := int(binary.LittleEndian.Uint32(bytes[4:]))
	failed := int(binary.LittleEndian.Uint32(bytes[8:]))
	r := reader{bytes: bytes, at: answerHeader}
	result := &Result{}
	var err error
	if bytes[1] == answerSelection {
		err = readSelection(&r, asked, result)
	} else {
		err = readMade(&r, count, result)
	}
	for ; err == nil && failed > 0; failed-- {
		var index int64
		var reason []byte
		if index, err = r.varint(); err == nil {
			reason, err = r.nullable()
			result.Failed = append(result.Failed, Failed{Index: int(index), Reason: string(reason)})
		}
	}
	if err != nil || bytes[2]&flagAccumulator == 0 {
		return result, nil, err
	}
	accumulator, err := r.take(int64(binary.LittleEndian.Uint32(bytes[12:])))
	return result, append([]byte{}, accumulator...), err
}

func readSelection(r *reader, asked []*Record, result *Result) error {
	bits, err := r.take(int64((len(asked) + 7) / 8))
	if err != nil {
		return err
	}
	for index, record := range asked {
		if bits[index/8]>>(index%8)&1 == 1 {
			result.Records = append(result.Records, Made{Source: index, Record: *record})
		}
	}
	return nil
}

func readMade(r *reader, count int, result *Result) error {
	f := frame{baseOffset: -1, records: *r}
	for ; count > 0; count-- {
		source, err := f.records.varint()
		if err != nil {
			return err
		}
		made := Made{Source: int(source)}
		if err := f.next(&made.Record); err != nil {
			return err
		}
		result.Records = append(result.Records, made)
	}
	r.at = f.records.at
	return nil
}
