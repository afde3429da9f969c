// Adds up numbers.
package main

import (
	"fmt"
	"strconv"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{Name: "sum", Version: "0.1.0", Description: "Adds up numbers."}
	smartmodule.Aggregate(about, sum)
}

func sum(accumulator []byte, record *smartmodule.Record, _ *smartmodule.None) ([]byte, error) {
	number, err := strconv.ParseInt(record.Text(), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("`%s` is not a whole number", record.Text())
	}
	soFar, _ := strconv.ParseInt(string(accumulator), 10, 64) // Empty at the beginning.
	return strconv.AppendInt(nil, soFar+number, 10), nil
}

func main() {}
