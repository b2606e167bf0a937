package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestOutputFails: an answer that could not be written is no success.
func TestOutputFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }))
	defer server.Close()
	for _, command := range [][]string{{"id"}, {"version"}, {"traces"}, {"graph"}, {"series"}, {"keep"}, {"groups"}, {"losses"}, {"tail", "--help"}} {
		args := command
		if command[0] != "id" && command[0] != "version" {
			args = append(args, "--endpoint", server.URL)
		}
		var said bytes.Buffer
		if status := run(t.Context(), args, &streams{nil, full{}, &said}); status == 0 || said.String() != "tomo: no space left\n" {
			t.Errorf("%v ended with %d and said %q", command, status, &said)
		}
		said.Reset()
		var out bytes.Buffer
		if status := run(t.Context(), args, &streams{nil, &out, &said}); status != 0 || out.Len() == 0 || said.Len() > 0 {
			t.Errorf("%v with room ended with %d, wrote %q and said %q", command, status, &out, &said)
		}
	}
}
