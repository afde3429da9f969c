package smartmodule

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheReadme makes the module of the README, runs its tests, and builds it as the README says.
func TestTheReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := "github.com/tidemill/tidemill/smartmodule/sdk/go"
	write("go.mod", fmt.Sprintf("module contains\n\ngo 1.24\n\nrequire %s v0.1.0\n\nreplace %s => %s\n", path, path, sdk))
	files, shell := 0, ""
	for _, block := range strings.Split(string(text), "\n```")[1:] {
		language, code, _ := strings.Cut(block, "\n")
		name, _, named := strings.Cut(strings.TrimPrefix(code, "// "), "\n")
		switch {
		case language == "go" && named:
			write(name, code)
			files++
		case language == "sh":
			shell = code
		}
	}
	if files != 2 || shell == "" {
		t.Fatalf("the README has %d files and the commands %q", files, shell)
	}
	for _, command := range []string{"go vet ./... && go test ./...", shell} {
		run := exec.Command("sh", "-ec", command)
		run.Dir = dir
		run.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")
		if said, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, said)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "contains.wasm")); err != nil {
		t.Error(err)
	}
}
