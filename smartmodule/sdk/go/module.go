package smartmodule

import (
	"encoding/json"
	"fmt"
)

// About is what a module says of itself.
type About struct {
	// Name of the module.
	Name string
	// Version of the module.
	Version string
	// Description of what it does, in a sentence.
	Description string
}

// None is for modules without parameters.
type None struct{}

// module is what was registered.
type module struct {
	kind     string
	about    About
	params   []param
	lookBack bool
	start    func(values map[string]json.RawMessage) error
	started  func(params any) error
	process  func(f *frame) ([]byte, error)
	older    func(record *Record) error
}

// registered is the module of this program; there is one in each.
var registered *module

// description is the module's JSON.
func (m *module) description() []byte {
	version := m.about.Version
	if version == "" {
		version = "0.0.0"
	}
	params := m.params
	if params == nil {
		params = []param{}
	}
	described, err := json.Marshal(map[string]any{
		"abi": 1, "kind": m.kind, "name": m.about.Name, "version": version, "description": m.about.Description,
		"language": "go", "sdk": "tidemill smartmodule sdk for go 0.1.0", "params": params, "lookBack": m.lookBack,
	})
	if err != nil {
		panic(err) // It holds nothing but text.
	}
	return described
}

// init starts the module with its parameters.
func (m *module) init(bytes []byte) error {
	var given struct {
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(bytes, &given); err != nil {
		return fmt.Errorf("the parameters are not JSON: %w", err)
	}
	return m.start(given.Params)
}

// lookBackAt shows the module a frame of older records.
func (m *module) lookBackAt(bytes []byte) error {
	f, err := readFrame(bytes)
	if err != nil {
		return fmt.Errorf("the frame is not valid: %w", err)
	}
	var record Record
	for range f.count {
		if err := f.next(&record); err != nil {
			return fmt.Errorf("the frame is not valid: %w", err)
		}
		if m.older == nil {
			continue
		}
		if err := m.older(&record); err != nil {
			return err
		}
	}
	return f.end()
}

// answerTo answers a frame.
func (m *module) answerTo(bytes []byte) ([]byte, error) {
	f, err := readFrame(bytes)
	if err == nil {
		var answered []byte
		if answered, err = m.process(f); err == nil {
			return answered, nil
		}
	}
	return nil, fmt.Errorf("the frame is not valid: %w", err)
}

func register[P any](kind string, about About) (*module, *P) {
	if registered != nil {
		panic("smartmodule: a program is one module; a second one was registered")
	}
	params := new(P)
	m := &module{kind: kind, about: about, params: describe(params)}
	m.start = func(values map[string]json.RawMessage) error {
		*params = *new(P)
		if err := fill(params, values); err != nil || m.started == nil {
			return err
		}
		return m.started(params)
	}
	registered = m
	return m, params
}

// Option says more of a module.
type Option func(*module)

// LookBack has the module see older records before the first ones, to rebuild its state from.
func LookBack(see func(record *Record) error) Option {
	return func(m *module) { m.lookBack, m.older = true, see }
}

// OnStart has the module prepare itself, once it has its parameters: compile an expression, say, or refuse what their types
// allow and the module does not. P is the type of its parameters.
func OnStart[P any](start func(params *P) error) Option {
	return func(m *module) {
		m.started = func(params any) error {
			own, ok := params.(*P)
			if !ok {
				return fmt.Errorf("OnStart takes other parameters than the module: %T", params)
			}
			return start(own)
		}
	}
}

func (m *module) with(options []Option) {
	for _, option := range options {
		option(m)
	}
}

// Filter registers a module that keeps the records for which keep is true.
func Filter[P any](about About, keep func(record *Record, params *P) (bool, error), options ...Option) {
	m, params := register[P]("filter", about)
	m.process = func(f *frame) ([]byte, error) {
		return selected(f, func(record *Record) (bool, error) { return keep(record, params) })
	}
	m.with(options)
}

// Validate registers a module that refuses the records for which it returns an error. Their producer is told.
func Validate[P any](about About, check func(record *Record, params *P) error, options ...Option) {
	m, params := register[P]("validate", about)
	m.process = func(f *frame) ([]byte, error) {
		return selected(f, func(record *Record) (bool, error) { return true, check(record, params) })
	}
	m.with(options)
}

// Map registers a module that makes one record of each: the record that it is given, changed, or another, such as
// [Record.With] makes.
func Map[P any](about About, change func(record *Record, params *P) (*Record, error), options ...Option) {
	m, params := register[P]("map", about)
	m.process = func(f *frame) ([]byte, error) {
		return made(f, func(record *Record, out func(*Record)) error {
			changed, err := change(record, params)
			if err == nil && changed == nil {
				err = fmt.Errorf("the map made no record")
			}
			if err == nil {
				out(changed)
			}
			return err
		})
	}
	m.with(options)
}

// FilterMap registers a module that makes one record of each, or none (nil).
func FilterMap[P any](about About, change func(record *Record, params *P) (*Record, error), options ...Option) {
	m, params := register[P]("filter_map", about)
	m.process = func(f *frame) ([]byte, error) {
		return made(f, func(record *Record, out func(*Record)) error {
			changed, err := change(record, params)
			if err == nil && changed != nil {
				out(changed)
			}
			return err
		})
	}
	m.with(options)
}

// FlatMap registers a module that makes any number of records of each.
func FlatMap[P any](about About, change func(record *Record, params *P) ([]*Record, error), options ...Option) {
	m, params := register[P]("flat_map", about)
	m.process = func(f *frame) ([]byte, error) {
		return made(f, func(record *Record, out func(*Record)) error {
			changed, err := change(record, params)
			if err != nil {
				return err
			}
			for _, each := range changed {
				out(each)
			}
			return nil
		})
	}
	m.with(options)
}

// Aggregate registers a module that folds records into an accumulator, which is empty at the beginning.
func Aggregate[P any](about About, fold func(accumulator []byte, record *Record, params *P) ([]byte, error), options ...Option) {
	m, params := register[P]("aggregate", about)
	m.process = func(f *frame) ([]byte, error) {
		accumulator := append([]byte{}, f.accumulator...)
		answered, err := answered(f, func(record *Record, out func(*Record)) error {
			folded, err := fold(accumulator, record, params)
			if err != nil {
				return err
			}
			accumulator = append([]byte{}, folded...)
			record.Value = accumulator
			out(record)
			return nil
		})
		if err != nil {
			return nil, err
		}
		return answered.bytes(f, accumulator), nil
	}
	m.with(options)
}

// Join registers a module that makes one record, or none (nil), of a left and a right one.
func Join[P any](about About, join func(left, right *Record, params *P) (*Record, error), options ...Option) {
	m, params := register[P]("join", about)
	m.process = func(f *frame) ([]byte, error) {
		if f.count%2 != 0 {
			return nil, fmt.Errorf("a join takes pairs, not %d records", f.count)
		}
		var a answer
		var left, right Record
		for index := 0; index < f.count; index += 2 {
			if err := f.next(&left); err != nil {
				return nil, err
			}
			if err := f.next(&right); err != nil {
				return nil, err
			}
			joined, err := join(&left, &right, params)
			switch {
			case err != nil:
				a.fail(index, err)
			case joined != nil:
				a.record(index, left.Timestamp, joined, f.baseTimestamp)
			}
		}
		return a.bytes(f, nil), f.end()
	}
	m.with(options)
}

func selected(f *frame, keep func(record *Record) (bool, error)) ([]byte, error) {
	if f.count > len(f.records.bytes) {
		return nil, errCut
	}
	a := answer{selection: make([]byte, (f.count+7)/8)}
	var record Record
	for index := range f.count {
		if err := f.next(&record); err != nil {
			return nil, err
		}
		kept, err := keep(&record)
		switch {
		case err != nil:
			a.fail(index, err)
		case kept:
			a.keep(index)
		}
	}
	return a.bytes(f, nil), f.end()
}

func answered(f *frame, change func(record *Record, out func(*Record)) error) (*answer, error) {
	var a answer
	var record Record
	index := 0
	var came int64
	out := func(made *Record) { a.record(index, came, made, f.baseTimestamp) }
	for ; index < f.count; index++ {
		if err := f.next(&record); err != nil {
			return nil, err
		}
		came = record.Timestamp
		written, count := len(a.records), a.count
		if err := change(&record, out); err != nil {
			a.records, a.count = a.records[:written], count
			a.fail(index, err)
		}
	}
	return &a, f.end()
}

func made(f *frame, change func(record *Record, out func(*Record)) error) ([]byte, error) {
	a, err := answered(f, change)
	if err != nil {
		return nil, err
	}
	return a.bytes(f, nil), nil
}
