package smartmodule

import "fmt"

// Level is how much a log line matters.
type Level uint32

// The levels.
const (
	Debug Level = iota
	Info
	Warn
	Error
)

// Logf writes a line to the module's log. The host keeps a hundred lines of each call and counts the others.
func Logf(level Level, format string, arguments ...any) {
	log(level, fmt.Sprintf(format, arguments...))
}
