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
package smartmodule
