package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is lines of cells, the head first.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// write writes the table with its columns aligned.
func (t table) write(w io.Writer) error {
	var widths []int
	for _, line := range t {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range t {
		var b strings.Builder
		for i, cell := range line {
			b.WriteString(padRight(cell, widths[i]+2))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// palette colours outcomes for a terminal; the zero palette colours nothing.
type palette struct{ on bool }

// paletteFor colours what a person reads in a terminal, unless NO_COLOR is set.
func paletteFor(w io.Writer) palette {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return palette{}
	}
	info, err := f.Stat()
	return palette{on: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// outcome paints s: red for a fault, purple for a throttle, yellow for an
// error, green for the rest, faint for what was inferred.
func (p palette) outcome(e *entity, s string) string {
	if !p.on {
		return s
	}
	colour := "32"
	switch {
	case e.Fault:
		colour = "31"
	case e.Throttle:
		colour = "35"
	case e.Error:
		colour = "33"
	case e.Inferred:
		colour = "2"
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// columns is how wide w is: as COLUMNS says, as the terminal says, or 100.
func columns(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if n := terminalWidth(f); n > 0 {
			return n
		}
	}
	return 100
}
