package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// table is lines of cells, the head first.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// rightMark begins the heads that right makes. Nothing that is written comes to
// have it: printable takes it out.
const rightMark = "\x1f"

// right heads a column of numbers, whose cells end below each other.
func right(head string) string { return rightMark + head }

// counted heads the two columns that count makes cells of.
func counted(head string) []string { return []string{right(head), right("")} }

// count is a number and what share of a whole it is.
func count(n, of int64) []string {
	if n == 0 || of == 0 {
		return []string{strconv.FormatInt(n, 10), ""}
	}
	return []string{strconv.FormatInt(n, 10), percent(float64(n) / float64(of))}
}

// write writes the table with its columns aligned.
func (t table) write(w io.Writer) error {
	type column struct {
		width int
		align func(string, int) string
		gap   string // before it
	}
	var columns []column
	for n, line := range t {
		for i, cell := range line {
			if i == len(columns) {
				columns = append(columns, column{align: padRight, gap: "  "})
			}
			c := &columns[i]
			if head, number := strings.CutPrefix(cell, rightMark); n == 0 && number {
				if c.align, cell = padLeft, head; head == "" {
					c.gap = " "
				}
			}
			c.width = max(c.width, shownLength(cell))
		}
	}
	for _, line := range t {
		var b strings.Builder
		for i, cell := range line {
			if i > 0 && columns[i].width > 0 {
				b.WriteString(columns[i].gap)
			}
			b.WriteString(columns[i].align(strings.TrimPrefix(cell, rightMark), columns[i].width))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// threeDigits writes a number with three digits that matter, never with an exponent.
func threeDigits(f float64) string {
	if f >= 100 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	short, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 3, 64), 64)
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// percent writes a share in percent. What is less than all is never 100 %.
func percent(share float64) string {
	text := threeDigits(100 * share)
	for digits := 1; share < 1 && strings.HasPrefix(text, "100") && digits < 15; digits++ {
		text = strconv.FormatFloat(100*share, 'f', digits, 64)
	}
	return text + " %"
}

// fileOf is the file that w writes to, nil if it is none.
func fileOf(w io.Writer) *os.File {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	f, _ := w.(*os.File)
	return f
}

// palette colours outcomes for a terminal; the zero palette colours nothing.
type palette struct{ on bool }

// paletteFor colours what a person reads in a terminal, unless NO_COLOR is set.
func paletteFor(w io.Writer) palette {
	f := fileOf(w)
	if f == nil || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return palette{}
	}
	info, err := f.Stat()
	return palette{on: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// outcome paints s: red for a fault, purple for a throttle, yellow for an
// error, green for the rest, faint for what was inferred.
func (p palette) outcome(e *entity, s string) string {
	if !p.on || s == "" {
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
	if f := fileOf(w); f != nil {
		if n := terminalWidth(f); n > 0 {
			return n
		}
	}
	return 100
}
