// Keeps records whose value contains a text.
package main

import (
	"strings"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

// Params are the parameters of the module.
type Params struct {
	Text   string `param:"text" default:"error" doc:"What to look for"`
	Invert bool   `param:"invert" default:"false" doc:"Keep what does not have it"`
}

func init() {
	about := smartmodule.About{
		Name:        "contains",
		Version:     "0.1.0",
		Description: "Keeps records whose value contains a text.",
	}
	smartmodule.Filter(about, func(record *smartmodule.Record, params *Params) (bool, error) {
		return strings.Contains(record.Text(), params.Text) != params.Invert, nil
	})
}

func main() {}
