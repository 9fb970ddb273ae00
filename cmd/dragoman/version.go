// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// buildVersion is set by the linker in releases: -X main.buildVersion=v1.2.3.
var buildVersion = "" //nolint:gochecknoglobals // the linker sets nothing else

// buildTime is set by the linker too: the time of the sources, in seconds since 1970. That of the compiler's clock would make
// every build another one.
var buildTime = "" //nolint:gochecknoglobals // the linker sets nothing else

// version is the linker's, the module's where `go install` built the program, or "0.1.0-dev".
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "0.1.0-dev"
}

// sourcesTime is when the sources were, "" where nobody said so.
func sourcesTime() string {
	seconds, err := strconv.ParseInt(buildTime, 10, 64)
	if err != nil || seconds <= 0 {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

func newVersion(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !asJSON {
				t.printf("dragoman %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return nil
			}
			told := map[string]string{"version": version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}
			if sources := sourcesTime(); sources != "" {
				told["sources"] = sources
			}
			return json.NewEncoder(t.out).Encode(told)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
