package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tomotrace/tomo/doctor"
)

type doctorCmd struct {
	endpointFlag
	credentialsFlags
	Data           string        `help:"Data directory of the server, where it is on this machine." default:"./tomo-data" env:"TOMO_DATA"`
	Retention      time.Duration `help:"How long the server keeps traces." default:"30d" env:"TOMO_RETENTION"`
	EncryptionKeys string        `name:"encryption-keys" help:"File of the keys of the server." placeholder:"FILE" env:"TOMO_ENCRYPTION_KEYS"`
	TLSKey         string        `name:"tls-key" help:"Key of the server's certificate." placeholder:"FILE" env:"TOMO_TLS_KEY"`
	ReadOnly       bool          `help:"Send no segments."`
	JSON           bool          `name:"json" help:"Write JSON."`
}

func (c *doctorCmd) Help() string {
	return `Asks the server, sends it a trace of two segments named tomo-doctor, one by HTTP
and one as a datagram, and looks for them; looks at the ports, the kernel, the
data directory and the environment; and names a remedy for all that is wrong.

Run it where the application runs, with the application's environment, to see
what an X-Ray SDK sees; run it as the server's user where the server runs, to
look at its data. Ends with status 1 if something does not work, with 0 if all
does, warnings or not.`
}

func (c *doctorCmd) Run(ctx context.Context, std *streams) error {
	report := doctor.Check(ctx, doctor.Options{
		Endpoint:  c.Endpoint,
		Keys:      c.keys(),
		Environ:   os.Environ(),
		Data:      c.Data,
		Retention: c.Retention,
		Secrets:   c.secrets(),
		Version:   versionText(),
		Mode:      c.mode(),
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	write := writeReport
	if c.JSON {
		write = writeReportJSON
	}
	if err := write(std.out, report); err != nil {
		return err
	}
	if report.Count(doctor.Fail) > 0 {
		return errReported
	}
	return nil
}

func (c *doctorCmd) mode() doctor.Mode {
	if c.ReadOnly {
		return doctor.ReadOnly
	}
	return doctor.Probing
}

// secrets are the files that only their owner should be able to read.
func (c *doctorCmd) secrets() (files []string) {
	shared := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if home, err := os.UserHomeDir(); err == nil && shared == "" {
		shared = filepath.Join(home, ".aws", "credentials")
	}
	for _, file := range []string{c.path(c.Data), c.CredentialsKeyFile, c.EncryptionKeys, c.TLSKey, shared} {
		if file != "" {
			files = append(files, file)
		}
	}
	return files
}

func writeReport(w io.Writer, r *doctor.Report) error {
	p := paletteFor(w)
	width := 0
	for _, f := range r.Findings {
		width = max(width, len(f.Check))
	}
	width = max(40, columns(w)-width-len("skipped")-4)
	t := table{}
	for _, f := range r.Findings {
		lines := wrapped(printable(f.Found), width)
		if f.Remedy != "" {
			lines = append(lines, wrapped("→ "+printable(f.Remedy), width)...)
		}
		for i, line := range lines {
			if i == 0 {
				t.add(f.Verdict.String(), f.Check, line)
			} else {
				t.add("", "", line)
			}
		}
	}
	if err := t.write(p.verdicts(w)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d ok, %s, %s, %d not checked\n", r.Count(doctor.OK),
		plural(r.Count(doctor.Warn), "warning"), plural(r.Count(doctor.Fail), "failure"), r.Count(doctor.Skipped))
	return err
}

// wrapped breaks a text into lines of at most width characters, between words.
func wrapped(text string, width int) (lines []string) {
	used := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if len(lines) == 0 || used+1+n > width {
			lines, used = append(lines, word), n
			continue
		}
		lines[len(lines)-1] += " " + word
		used += 1 + n
	}
	return lines
}

// writeReportJSON adds the counts, so that scripts need not.
func writeReportJSON(w io.Writer, r *doctor.Report) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		*doctor.Report
		Warnings, Failures int
	}{r, r.Count(doctor.Warn), r.Count(doctor.Fail)})
}

// verdicts paints the first word of each line that is written at once.
func (p palette) verdicts(w io.Writer) io.Writer { return &verdictPainter{p, w} }

type verdictPainter struct {
	palette
	w io.Writer
}

func (v *verdictPainter) Write(line []byte) (int, error) {
	text := string(line)
	if v.on {
		for word, colour := range map[string]string{"ok": "32", "warn": "33", "fail": "31", "skipped": "2"} {
			if len(text) > len(word) && text[:len(word)+1] == word+" " {
				text = "\x1b[" + colour + "m" + word + "\x1b[0m" + text[len(word):]
				break
			}
		}
	}
	_, err := io.WriteString(v.w, text)
	return len(line), err
}
