package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tomotrace/tomo/api"
)

// TestTailWaits: a server that is away for a while costs tail nothing that came
// meanwhile, and what will not change ends it.
func TestTailWaits(t *testing.T) {
	summary := func(n int) string {
		return fmt.Sprintf(`{"TraceSummaries":[{"Id":"1-6553f100-%024d","Revision":1,"StartTime":1700000000,"Http":{}}],"TracesProcessedCount":1}`, n)
	}
	refusal := `{"__type":"InvalidRequestException","Message":"no"}`
	tests := []struct {
		name    string
		answers []string // a status, and the body
		printed int
		status  int
		said    string // by the errors, once
	}{
		{"away", []string{"200" + summary(1), "503", "429", "200" + summary(2)}, 2, 0, "it will be asked again"},
		{"no answer", []string{"200" + summary(1), "", "", "200" + summary(2)}, 2, 0, "it will be asked again"},
		{"never there", []string{"503"}, 0, 1, "503"},
		{"refused later", []string{"200" + summary(1), "400" + refusal}, 1, 1, "InvalidRequestException: no"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var starts []api.Time
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var request api.GetTraceSummariesRequest
				if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
					t.Error(err)
				}
				starts = append(starts, *request.StartTime)
				answer := test.answers[min(len(starts), len(test.answers))-1]
				if answer == "" {
					panic(http.ErrAbortHandler)
				}
				var status int
				fmt.Sscan(answer[:3], &status)
				w.WriteHeader(status)
				fmt.Fprint(w, answer[3:])
			}))
			defer server.Close()
			var out, said bytes.Buffer
			status := run(t.Context(), []string{"tail", "--since", "1m", "--count", "2", "--endpoint", server.URL}, &streams{nil, &out, &said})
			if status != test.status || strings.Count(out.String(), "\n") != test.printed || strings.Count(said.String(), test.said) != 1 {
				t.Errorf("ended with %d, want %d; printed\n%s\nsaid\n%s", status, test.status, &out, &said)
			}
			for i := 2; i < len(starts); i++ { // the first to fail asks from a later time than the first, and so on
				if starts[i] != starts[1] {
					t.Errorf("asked from %v on, and while the server was away from %v on", starts[1], starts[i])
				}
			}
		})
	}
}
