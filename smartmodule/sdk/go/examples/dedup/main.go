// Leaves out values that came before: a module with state, which it rebuilds by looking back.
package main

import smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"

// seen holds the values that came before.
var seen = map[string]bool{}

func init() {
	about := smartmodule.About{Name: "dedup", Version: "0.1.0", Description: "Leaves out values that came before."}
	smartmodule.Filter(about, first, smartmodule.LookBack(look))
}

func first(record *smartmodule.Record, _ *smartmodule.None) (bool, error) {
	if seen[record.Text()] {
		smartmodule.Logf(smartmodule.Debug, "seen before: %s", record.Text())
		return false, nil
	}
	return true, look(record)
}

func look(record *smartmodule.Record) error {
	seen[record.Text()] = true
	return nil
}

func main() {}
