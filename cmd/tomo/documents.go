package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// documents yields the segment documents in r exactly as they are written
// there. It reads what people have: one document, several one after the other,
// one a line, a JSON array of them, the body of a PutTraceSegments call, and
// any mixture.
//
// What is not JSON is yielded as an error, and reading goes on with the next
// line that begins with a brace or a bracket: one broken line costs only
// itself, and the inside of a broken document is not taken for documents. An
// error of r itself is the last thing yielded.
func documents(r io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		at := int64(0) // where the decoder began
		for r != nil {
			d := json.NewDecoder(r)
			for {
				var value json.RawMessage
				err := d.Decode(&value)
				if err == io.EOF {
					return
				}
				if err == nil {
					for _, text := range unwrap(value) {
						if !yield(text, nil) {
							return
						}
					}
					continue
				}
				var wrong *json.SyntaxError
				if !errors.As(err, &wrong) && !errors.Is(err, io.ErrUnexpectedEOF) {
					yield("", err)
					return
				}
				rest := bufio.NewReader(io.MultiReader(d.Buffered(), r))
				at += d.InputOffset()
				blank, skipped, line, more := skipLines(rest)
				if !yield("", fmt.Errorf("byte %d: not JSON: %w: %s", at+blank, err, cut(printable(line), 80))) {
					return
				}
				at += blank + skipped
				if !more {
					return
				}
				r = rest
				break
			}
		}
	}
}

// skipLines reads the first line that is not blank, and on to the next line
// that begins with { or [. It returns how many bytes of blank lines came first,
// how many followed, the line, and whether there is more.
func skipLines(r *bufio.Reader) (blank, skipped int64, first string, more bool) {
	for {
		text, err := r.ReadBytes('\n')
		if first == "" {
			first = string(bytes.TrimSpace(text))
		}
		if first == "" {
			blank += int64(len(text))
		} else {
			skipped += int64(len(text))
		}
		if err != nil {
			return blank, skipped, first, false
		}
		if next, err := r.Peek(1); first != "" && err == nil && (next[0] == '{' || next[0] == '[') {
			return blank, skipped, first, true
		}
	}
}

// unwrap lists the documents in one JSON value: the elements of an array, those
// of an envelope of PutTraceSegments, or the value itself. A string holds a
// document as the envelope does.
func unwrap(value json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil && list != nil {
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = plain(list[i])
		}
		return texts
	}
	var envelope struct{ TraceSegmentDocuments []json.RawMessage }
	if json.Unmarshal(value, &envelope) == nil && envelope.TraceSegmentDocuments != nil {
		texts := make([]string, len(envelope.TraceSegmentDocuments))
		for i, d := range envelope.TraceSegmentDocuments {
			texts[i] = plain(d)
		}
		return texts
	}
	return []string{plain(value)}
}

func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && value[0] == '"' {
		return text
	}
	return string(value)
}
