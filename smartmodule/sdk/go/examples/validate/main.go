// Refuses values that are not numbers from 0 to 100.
package main

import (
	"fmt"
	"strconv"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{Name: "percentage", Version: "0.1.0", Description: "Refuses what is no percentage."}
	smartmodule.Validate(about, percentage)
}

func percentage(record *smartmodule.Record, _ *smartmodule.None) error {
	number, err := strconv.ParseFloat(record.Text(), 64)
	if err != nil {
		return fmt.Errorf("`%s` is not a number", record.Text())
	}
	if number < 0 || number > 100 {
		return fmt.Errorf("%v is not from 0 to 100", number)
	}
	return nil
}

func main() {}
