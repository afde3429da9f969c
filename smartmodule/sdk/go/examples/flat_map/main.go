// Makes a record of each word.
package main

import (
	"bytes"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{Name: "words", Version: "0.1.0", Description: "Makes a record of each word."}
	smartmodule.FlatMap(about, words)
}

func words(record *smartmodule.Record, _ *smartmodule.None) ([]*smartmodule.Record, error) {
	var made []*smartmodule.Record
	for _, word := range bytes.Fields(record.Value) {
		made = append(made, record.With(word))
	}
	return made, nil
}

func main() {}
