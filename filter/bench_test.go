package filter_test

import (
	"testing"

	"github.com/tomotrace/tomo/filter"
)

var questions = []struct{ name, expr string }{
	{"duration", `duration > 5`},
	{"service", `service("backend") { fault }`},
	{"annotation", `annotation.gameid = "817DL6VO"`},
	{"compound", `!ok duration > 1 service(id(name: "backend", type: "AWS::ECS::Container")) { fault AND responsetime > 2 } http.url CONTAINS "/v2/" annotation.age`},
	{"cause", `rootcause.fault.exception { message CONTAINS "Denied" }`},
}

func BenchmarkParse(b *testing.B) {
	for _, q := range questions {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := filter.Parse(q.expr); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, q := range questions {
		e := parse(b, q.expr)
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				filter.Compile(e, nil)
			}
		})
	}
}

// BenchmarkMatchSummary asks the eight example traces, one after the other.
func BenchmarkMatchSummary(b *testing.B) {
	traces := exampleTraces(b)
	for _, q := range questions {
		m := filter.Compile(parse(b, q.expr), nil)
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.MatchSummary(traces[i%len(traces)].detail.Summary)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	traces := exampleTraces(b)
	for _, q := range questions {
		m := filter.Compile(parse(b, q.expr), nil)
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Match(traces[i%len(traces)].detail)
			}
		})
	}
}
