package derive_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
)

// typical is a trace as benchmarks and budgets mean it: 4 segments in a chain
// of calls, each with 4 subsegments: a local one, a database, a table and the
// call to the next.
func typical() (tomo.TraceID, []tomo.RawDocument) {
	s := script{received: second(2)}
	for i := range 4 {
		name := []string{"shop", "payments", "ledger", "notify"}[i]
		parent := ""
		if i > 0 {
			parent = fmt.Sprintf("< %x4 ", i)
		}
		s.add(nil, fmt.Sprintf("%x0 %s%s %d-%d 200 origin=AWS::ECS::Container http.request.method=GET http.request.url=https://%s.example.com/v1/orders/42 "+
			"http.request.user_agent=Mozilla/5.0~(X11;~Linux~x86_64)~Gecko/20100101 http.request.client_ip=203.0.113.7 user=u-42 annotations.tier=gold annotations.n=%d "+
			"aws.ec2.instance_id=i-%d aws.ec2.availability_zone=us-west-2b aws.xray.sdk=X-Ray~for~Go aws.xray.sdk_version=1.8.5 service.version=1.2.3", i+1, parent, name, i*10, 1000-i*10, name, i, i))
		s.add(nil, fmt.Sprintf("  %x1 ##~validate %d-%d metadata.default.basket=A-100~2~B-205~5", i+1, i*10+1, i*10+5))
		s.add(nil, fmt.Sprintf("  %x2 orders@pg-main.internal %d-%d remote sql", i+1, i*10+5, i*10+9))
		s.add(nil, fmt.Sprintf("  %x3 DynamoDB %d-%d aws 200 aws.operation=PutItem aws.table_name=orders aws.region=us-west-2 aws.request_id=UQ3T0N6A1KDLC8M5V2RBH4E7S9", i+1, i*10+9, i*10+15))
		s.add(nil, fmt.Sprintf("  %x4 next-%d.example.com %d-%d remote 200 http.request.method=POST http.request.url=https://next.example.com/v1/next", i+1, i, i*10+5, 1000-i*10-5))
	}
	s.finish()
	return s.id(), s.documents
}

func BenchmarkParse(b *testing.B) {
	_, docs := typical()
	var d tomo.Document
	b.ReportAllocs()
	for b.Loop() {
		for i := range docs {
			d.Parse(docs[i])
		}
	}
}

func BenchmarkSummary(b *testing.B) {
	id, docs := typical()
	b.ReportAllocs()
	for b.Loop() {
		derive.Summary(id, docs)
	}
}

func BenchmarkTrace(b *testing.B) {
	id, docs := typical()
	b.ReportAllocs()
	for b.Loop() {
		derive.Trace(id, docs)
	}
}

// Detail is derived for each trace of a page, and by filters that ask for more
// than a summary tells.
func BenchmarkDetail(b *testing.B) {
	id, docs := typical()
	failed := slices.Clone(docs)
	for i := range failed {
		failed[i].Text = bytes.ReplaceAll(failed[i].Text, []byte(`"status":200`), []byte(`"status":500`))
	}
	for _, test := range []struct {
		name string
		docs []tomo.RawDocument
	}{{"fine", docs}, {"failed", failed}, {"fine digests", digested(docs)}, {"failed digests", digested(failed)}} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				derive.Detail(id, test.docs)
			}
		})
	}
}

// digested are the documents as the door hands them on.
func digested(docs []tomo.RawDocument) []tomo.RawDocument {
	docs = slices.Clone(docs)
	for i := range docs {
		var d tomo.Document
		if refusal := d.Parse(docs[i]); refusal != nil {
			panic(refusal)
		}
		in, _ := d.Incoming(nil)
		docs[i] = in.RawDocument
	}
	return docs
}
