package main

import (
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// versions are the newest of every request, but for Fetch.
func versions(fetch int16) *kversion.Versions {
	all := kversion.Stable()
	all.SetMaxKeyVersion(int16(kmsg.Fetch), fetch)
	return all
}
