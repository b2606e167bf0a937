package sdk_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/tomotrace/tomo/sdk"
)

// The program of the README, against a test server.
func Example() {
	recorder, err := sdk.New(sdk.Options{ServiceVersion: "1.4.2", Sampler: sdk.Always, Sink: printer{}})
	if err != nil {
		log.Fatal(err)
	}
	defer recorder.Close(context.Background()) // sends what is queued
	sdk.SetDefault(recorder)

	payments := httptest.NewServer(http.NotFoundHandler())
	defer payments.Close()

	client := sdk.Client(nil) // each request a subsegment, with the tracing header
	mux := http.NewServeMux()
	mux.HandleFunc("/orders", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		sdk.Annotate(ctx, "customer", "gold") // indexed: annotation[customer] = "gold"
		err := sdk.Capture(ctx, "charge", func(ctx context.Context) error {
			q, err := http.NewRequestWithContext(ctx, "POST", payments.URL, nil)
			if err != nil {
				return err
			}
			_, err = client.Do(q)
			return err // recorded as an exception
		})
		if err != nil {
			http.Error(w, "try again", http.StatusBadGateway)
		}
	})
	sdk.Handler(sdk.Fixed("checkout"), mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://shop.example/orders", nil))
	// Output: checkout, of a gold customer
}

// printer says what came.
type printer struct{}

func (printer) Send(document []byte) error {
	if strings.Contains(string(document), `"name":"checkout"`) && strings.Contains(string(document), `"customer":"gold"`) {
		fmt.Println("checkout, of a gold customer")
	}
	return nil
}
