// Writes values in capitals, and says so in a header.
package main

import (
	"bytes"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{Name: "capitals", Version: "0.1.0", Description: "Writes values in capitals."}
	smartmodule.Map(about, capitals)
}

func capitals(record *smartmodule.Record, _ *smartmodule.None) (*smartmodule.Record, error) {
	made := record.With(bytes.ToUpper(record.Value))
	made.Headers = append(made.Headers, smartmodule.Header{Name: "written", Value: []byte("in capitals")})
	return made, nil
}

func main() {}
