{% if kind == "filter" -%}
// Keeps records whose value contains a text.
package main

import (
	"strings"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

// Params are the parameters of the module.
type Params struct {
	Text string `param:"text" default:"error" doc:"What to look for"`
}

func init() {
	about := smartmodule.About{
		Name:        "{{project-name}}",
		Version:     "0.1.0",
		Description: "Keeps records whose value contains a text.",
	}
	smartmodule.Filter(about, contains)
}

func contains(record *smartmodule.Record, params *Params) (bool, error) {
	return strings.Contains(record.Text(), params.Text), nil
}

func main() {}
{%- elsif kind == "map" -%}
// Writes values in capitals.
package main

import (
	"bytes"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{
		Name:        "{{project-name}}",
		Version:     "0.1.0",
		Description: "Writes values in capitals.",
	}
	smartmodule.Map(about, capitals)
}

func capitals(record *smartmodule.Record, _ *smartmodule.None) (*smartmodule.Record, error) {
	return record.With(bytes.ToUpper(record.Value)), nil
}

func main() {}
{%- elsif kind == "filter_map" -%}
// Doubles numbers, and leaves out what is none.
package main

import (
	"strconv"
	"strings"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{
		Name:        "{{project-name}}",
		Version:     "0.1.0",
		Description: "Doubles numbers, and leaves out what is none.",
	}
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
{%- elsif kind == "flat_map" -%}
// Makes a record of each word.
package main

import (
	"bytes"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{
		Name:        "{{project-name}}",
		Version:     "0.1.0",
		Description: "Makes a record of each word.",
	}
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
{%- elsif kind == "validate" -%}
// Refuses values that are not numbers from 0 to 100.
package main

import (
	"fmt"
	"strconv"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{
		Name:        "{{project-name}}",
		Version:     "0.1.0",
		Description: "Refuses values that are not numbers from 0 to 100.",
	}
	smartmodule.Validate(about, percentage)
}

func percentage(record *smartmodule.Record, _ *smartmodule.None) error {
	number, err := strconv.ParseInt(record.Text(), 10, 64)
	if err != nil {
		return fmt.Errorf("`%s` is not a whole number", record.Text())
	}
	if number < 0 || number > 100 {
		return fmt.Errorf("%d is not from 0 to 100", number)
	}
	return nil
}

func main() {}
{%- elsif kind == "aggregate" -%}
// Adds up numbers.
package main

import (
	"fmt"
	"strconv"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{
		Name:        "{{project-name}}",
		Version:     "0.1.0",
		Description: "Adds up numbers.",
	}
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
{%- elsif kind == "join" -%}
// Puts the left value before the right one, where the keys agree.
package main

import (
	"bytes"
	"fmt"

	smartmodule "github.com/tidemill/tidemill/smartmodule/sdk/go"
)

func init() {
	about := smartmodule.About{
		Name:        "{{project-name}}",
		Version:     "0.1.0",
		Description: "Puts the left value before the right one, where the keys agree.",
	}
	smartmodule.Join(about, sideBySide)
}

func sideBySide(left, right *smartmodule.Record, _ *smartmodule.None) (*smartmodule.Record, error) {
	if !bytes.Equal(left.Key, right.Key) {
		return nil, nil
	}
	return left.With(fmt.Appendf(nil, "%s %s", left.Value, right.Value)), nil
}

func main() {}
{%- endif %}
