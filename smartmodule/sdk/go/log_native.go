//go:build !wasip1

package smartmodule

import (
	"fmt"
	"os"
)

// Outside of a host, as in a unit test, the log is standard error.
func log(level Level, text string) {
	fmt.Fprintf(os.Stderr, "[%s] %s\n", [...]string{"debug", "info", "warn", "error"}[level], text)
}
