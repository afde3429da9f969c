// Puts the left value before the right one, where the keys agree.
package main

import (
	"bytes"
	"fmt"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{Name: "side-by-side", Version: "0.1.0", Description: "Joins values whose keys agree."}
	smartmodule.Join(about, sideBySide)
}

func sideBySide(left, right *smartmodule.Record, _ *smartmodule.None) (*smartmodule.Record, error) {
	if !bytes.Equal(left.Key, right.Key) {
		return nil, nil
	}
	return left.With(fmt.Appendf(nil, "%s %s", left.Value, right.Value)), nil
}

func main() {}
