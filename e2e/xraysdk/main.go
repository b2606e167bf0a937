// Command xraysdk is a shop traced by the X-Ray SDK for Go, for a test of
// sampling. It is a module of its own so that the server's does not need the
// SDK and all that comes with it.
//
// It does what e2e/testdata/sampling.py does and prints the same.
package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-xray-sdk-go/xray"
	"github.com/aws/aws-xray-sdk-go/xraylog"
)

// shop answers with whether the request is traced.
var shop = xray.Handler(xray.NewFixedSegmentNamer("shop"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if xray.GetSegment(r.Context()).Sampled {
		w.Header().Set("Traced", "yes")
	}
}))

func traced(path string) bool {
	answer := httptest.NewRecorder()
	shop.ServeHTTP(answer, httptest.NewRequest("GET", "http://shop.example"+path, nil))
	return answer.Header().Get("Traced") == "yes"
}

func count(path string, n int) (sampled int) {
	for range n {
		if traced(path) {
			sampled++
		}
	}
	return sampled
}

func main() {
	xray.SetLogger(xraylog.NewDefaultLogger(os.Stderr, xraylog.LogLevelWarn))
	n, _ := strconv.Atoi(os.Args[1])
	length, _ := strconv.ParseFloat(os.Args[2], 64)
	for deadline := time.Now().Add(10 * time.Second); count("/ready", 30) < 30; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			os.Stderr.WriteString("the rules did not come\n")
			os.Exit(1)
		}
	}
	var out struct {
		Sampled map[string]int `json:"sampled"`
		Seconds map[string]int `json:"seconds"`
	}
	out.Sampled, out.Seconds = map[string]int{}, map[string]int{}
	for _, path := range []string{"/drop", "/keep", "/half"} {
		out.Sampled[path] = count(path, n)
	}
	for end := time.Now().Add(time.Duration(length * float64(time.Second))); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for range 10 {
			second := strconv.FormatInt(time.Now().Unix(), 10)
			out.Seconds[second] += 0
			if traced("/few") {
				out.Seconds[second]++
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(&out); err != nil {
		os.Exit(1)
	}
}
