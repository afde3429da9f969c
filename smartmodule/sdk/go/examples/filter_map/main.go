// Doubles numbers, and leaves out what is none.
package main

import (
	"strconv"
	"strings"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{Name: "doubled", Version: "0.1.0", Description: "Doubles numbers; leaves out what is none."}
	smartmodule.FilterMap(about, doubled)
}

func doubled(record *smartmodule.Record, _ *smartmodule.None) (*smartmodule.Record, error) {
	number, err := strconv.ParseInt(strings.TrimSpace(record.Text()), 10, 32)
	if err != nil {
		return nil, nil
	}
	return record.With(strconv.AppendInt(nil, 2*number, 10)), nil
}

func main() {}
