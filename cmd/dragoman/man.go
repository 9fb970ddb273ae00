// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// sourceDate is the variable that says what time it is for whoever builds something twice and wants the same bytes.
//
// https://reproducible-builds.org/specs/source-date-epoch/
const sourceDate = "SOURCE_DATE_EPOCH"

func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write man pages, one for each command, into a folder", Args: cobra.ExactArgs(1),
		Long: `Write man pages, one for each command, into a folder, which is made if it is not there.

They have a date only where SOURCE_DATE_EPOCH says one, so that two runs of one version write the same.`,
		Example: `  dragoman man ./man && man -l ./man/dragoman.1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := manDate(os.Getenv(sourceDate))
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			const folder, file = 0o755, 0o644
			if err := os.MkdirAll(args[0], folder); err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			var errs []error
			walkCommands(cmd.Root(), func(c *cobra.Command) {
				if c.IsAvailableCommand() || c == c.Root() {
					errs = append(errs, os.WriteFile(filepath.Join(args[0], manName(c)+".1"), []byte(manPage(c, date)), file)) //nolint:gosec // it is for everybody
				}
			})
			return failed(errors.Join(errs...))
		},
	}
}

// manDate is the date of the pages, "" for none.
func manDate(epoch string) (string, error) {
	if epoch == "" {
		return "", nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 {
		return "", fmt.Errorf("%s is %q; it must be a number of seconds since 1970", sourceDate, epoch)
	}
	return time.Unix(seconds, 0).UTC().Format(time.DateOnly), nil
}

// manName is the name of a command's page, such as dragoman-backends-drain.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is the page of a command, in the language of man(7).
func manPage(cmd *cobra.Command, date string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 %q %q %q\n", roff(strings.ToUpper(manName(cmd))), date, "dragoman "+version(), "Dragoman")
	b.WriteString(".nh\n.ad l\n") // commands and names are not to be torn
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	b.WriteString(".SH SYNOPSIS\n")
	for _, use := range uses(cmd) {
		fmt.Fprintf(&b, ".PP\n%s\n", roff(use))
	}
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, cmp.Or(cmd.Long, cmd.Short+"."))
	if below := available(cmd); len(below) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range below {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR(1)\n%s\n", roff(manName(c)), roff(c.Short))
		}
	}
	manFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n")
		manVerbatim(&b, cmd.Example)
	}
	if cmd == cmd.Root() {
		b.WriteString(manEnd)
	}
	var also []string
	if parent := cmd.Parent(); parent != nil {
		also = append(also, fmt.Sprintf("\\fB%s\\fR(1)", roff(manName(parent))))
		for _, c := range available(parent) {
			if c != cmd && parent != cmd.Root() {
				also = append(also, fmt.Sprintf("\\fB%s\\fR(1)", roff(manName(c))))
			}
		}
		fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", strings.Join(also, ", "))
	}
	return b.String()
}

// manEnd is what only the page of the program has.
const manEnd = `.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
failed at run time
.TP
.B 2
wrong usage
.TP
.B 3
configuration or schema invalid
.TP
.B 4
drained by force: a second signal, or the drain time was over
.TP
.B 5
the admin address does not answer
.TP
.B 100
.B dragoman schema diff
found changes that break clients
.PP
.B dragoman call
exits with the code of gRPC times eight.
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
drain and end; a second one ends at once
.TP
.B SIGHUP
read configuration and schemas again
.SH ENVIRONMENT
.PP
` + variablesText + `
.TP
.B DRAGOMAN_CONFIG
the configuration file, where none is in the folder
.TP
.B DRAGOMAN_ADMIN
the admin address of the gateway that commands speak to, host:port
.TP
.B DRAGOMAN_ADMIN_TOKEN
the token of that address
.TP
.B NO_COLOR
anything in it turns colours off
.TP
.B GOMEMLIMIT
how much memory the gateway tries not to exceed; by default most of what its cgroup may have
.TP
.BR NOTIFY_SOCKET ", " LISTEN_FDS ", " WATCHDOG_USEC
are of systemd, see
.BR sd_notify (3)
and
.BR sd_listen_fds (3)
.SH FILES
.TP
.I /etc/dragoman/dragoman.yaml
the configuration, as packages install it
.TP
.I /var/lib/dragoman
what the gateway keeps
`

// uses are the lines of the synopsis: those that a command writes with a bar are apart.
func uses(cmd *cobra.Command) []string {
	parent := ""
	if cmd.HasParent() {
		parent = cmd.Parent().CommandPath() + " "
	}
	var lines []string
	name, _, _ := strings.Cut(cmd.Use, " ")
	for _, use := range strings.Split(cmd.Use, " | "+name+" ") {
		if len(lines) > 0 {
			use = name + " " + use
		}
		lines = append(lines, parent+use)
	}
	if cmd.HasAvailableSubCommands() {
		lines = append(lines, parent+name+" COMMAND")
	}
	return lines
}

// available are the commands below one that are for people, by name.
func available(cmd *cobra.Command) []*cobra.Command {
	below := slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return !c.IsAvailableCommand() })
	slices.SortFunc(below, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
	return below
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		names := "\\fB" + roff("--"+f.Name) + "\\fR"
		if f.Shorthand != "" {
			names = "\\fB" + roff("-"+f.Shorthand) + "\\fR, " + names
		}
		if kind != "" {
			names += " \\fI" + roff(kind) + "\\fR"
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", names, roff(usage))
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
			fmt.Fprintf(b, "(default: %s)\n", roff(f.DefValue))
		}
	})
}

// manText writes text: paragraphs, and lines as they are where they are indented.
func manText(b *strings.Builder, text string) {
	for _, part := range strings.Split(text, "\n\n") {
		if strings.HasPrefix(part, "  ") {
			manVerbatim(b, part)
			continue
		}
		b.WriteString(".PP\n")
		for line := range strings.Lines(part) {
			b.WriteString(roff(strings.TrimSpace(line)) + "\n")
		}
	}
}

func manVerbatim(b *strings.Builder, text string) {
	b.WriteString(".PP\n.nf\n")
	for line := range strings.Lines(text) {
		b.WriteString(roff(strings.TrimRight(line, "\n")) + "\n")
	}
	b.WriteString(".fi\n")
}

// roff writes a line so that nothing of it is taken for a command or for a hyphen.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\&...`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}
