// Package smartmodule writes SmartModules for Tidemill in Go.
//
// A SmartModule is called with batches of records, in a sandbox, wherever its stream flows: when records are written,
// when they are read, in a pipeline, in a test. A module is a main package that registers itself:
//
//	package main
//
//	import (
//		"strings"
//
//		"github.com/tidemill/tidemill/smartmodule/sdk/go"
//	)
//
//	// Params are the parameters of the module.
//	type Params struct {
//		Text string `param:"text" default:"error" doc:"What to look for"`
//	}
//
//	func init() {
//		smartmodule.Filter(smartmodule.About{Name: "contains"}, func(record *smartmodule.Record, params *Params) (bool, error) {
//			return strings.Contains(record.Text(), params.Text), nil
//		})
//	}
//
//	func main() {}
//
// Build it with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o module.wasm. Unit tests need no WebAssembly:
// [Run] calls the module as it is, behind the same bytes.
//
// What goes on beyond one record lives in variables of the module, which has an instance of its own for each stream; with
// [LookBack] it sees older records first. Where many records were too much for the memory that the server allows, it stops
// the module: what is kept should be bounded.
//
// An error that a function returns is that of one record. What becomes of it is said where the module is attached: the
// stream stops, the record is left out, passes as it was, or is put aside.
package smartmodule
