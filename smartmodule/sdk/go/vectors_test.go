package smartmodule

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// The vectors that every language is held to. They are written by another program, from the specification alone.
type vectors struct {
	Frames []struct {
		Name, Kind, Accumulator, Hex string
		BaseOffset, BaseTimestamp    int64
		Stamped                      bool
		Records                      []vectorRecord
	}
	Answers []struct {
		Name, Hex     string
		Count         int
		BaseTimestamp int64
		Selection     []int
		Records       []vectorRecord
		Failed        [][2]any
		Accumulator   *string
	}
	RefusedFrames []struct{ Name, Hex string }
}

type vectorRecord struct {
	Source            int
	Offset, Timestamp int64
	Key, Value        *string
	Headers           [][2]*string
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	text, err := os.ReadFile("../../../contract/frame/vectors/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var read vectors
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Frames) < 5 || len(read.Answers) < 5 || len(read.RefusedFrames) < 5 {
		t.Fatal("there are too few vectors")
	}
	return read
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func nullable(t *testing.T, text *string) []byte {
	t.Helper()
	if text == nil {
		return nil
	}
	return append([]byte{}, unhex(t, *text)...)
}

func (vector *vectorRecord) record(t *testing.T) *Record {
	t.Helper()
	record := &Record{
		Offset: vector.Offset, Timestamp: vector.Timestamp,
		Key: nullable(t, vector.Key), Value: nullable(t, vector.Value),
	}
	for _, header := range vector.Headers {
		record.Headers = append(record.Headers, Header{Name: *header[0], Value: nullable(t, header[1])})
	}
	return record
}

// same tells nil from empty, as the contract does.
func same(one, other []byte) bool {
	return (one == nil) == (other == nil) && bytes.Equal(one, other)
}

func checkRecord(t *testing.T, read, expected *Record) {
	t.Helper()
	alike := read.Offset == expected.Offset && read.Timestamp == expected.Timestamp &&
		same(read.Key, expected.Key) && same(read.Value, expected.Value) && len(read.Headers) == len(expected.Headers)
	for at := range expected.Headers {
		alike = alike && read.Headers[at].Name == expected.Headers[at].Name &&
			same(read.Headers[at].Value, expected.Headers[at].Value)
	}
	if !alike {
		t.Errorf("read %+v, not %+v", read, expected)
	}
}

func TestFramesSayWhatTheyShould(t *testing.T) {
	for _, vector := range readVectors(t).Frames {
		t.Run(vector.Name, func(t *testing.T) {
			f, err := readFrame(unhex(t, vector.Hex))
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[string]byte{"records": 0, "look_back": kindLookBack, "aggregate": kindAggregate, "join": kindJoin}
			if f.kind != kinds[vector.Kind] || f.count != len(vector.Records) || f.stamped != vector.Stamped ||
				f.baseOffset != vector.BaseOffset || f.baseTimestamp != vector.BaseTimestamp ||
				!bytes.Equal(f.accumulator, unhex(t, vector.Accumulator)) {
				t.Errorf("the header is %+v", f)
			}
			var record Record
			for at := range vector.Records {
				if err := f.next(&record); err != nil {
					t.Fatal(err)
				}
				checkRecord(t, &record, vector.Records[at].record(t))
			}
			if err := f.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnswersAreWrittenAsTheyShould(t *testing.T) {
	for _, vector := range readVectors(t).Answers {
		t.Run(vector.Name, func(t *testing.T) {
			var a answer
			if vector.Records == nil {
				a.selection = make([]byte, (vector.Count+7)/8)
				for _, index := range vector.Selection {
					a.keep(index)
				}
			}
			for at := range vector.Records {
				a.record(vector.Records[at].Source, 0, vector.Records[at].record(t), vector.BaseTimestamp)
			}
			for _, failed := range vector.Failed {
				a.fail(int(failed[0].(float64)), said(failed[1].(string)))
			}
			written := a.bytes(&frame{count: vector.Count}, nullable(t, vector.Accumulator))
			if hex.EncodeToString(written) != vector.Hex {
				t.Errorf("wrote %x, not %s", written, vector.Hex)
			}
		})
	}
}

// said is an error that says this.
type said string

func (text said) Error() string { return string(text) }

func TestWhatIsNoFrameIsRefused(t *testing.T) {
	refused := readVectors(t).RefusedFrames
	for _, vector := range refused {
		t.Run(vector.Name, func(t *testing.T) {
			module := &module{process: func(f *frame) ([]byte, error) {
				return selected(f, func(*Record) (bool, error) { return true, nil })
			}}
			if _, err := module.answerTo(unhex(t, vector.Hex)); err == nil {
				t.Error("it was taken")
			}
		})
	}
}
