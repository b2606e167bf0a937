package derive_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/derive"
)

// TestEightTraces checks the traces of testdata/eight.txt against what their
// authors say of them: response time and duration in milliseconds, the root's
// outcome, the nodes (i: inferred, c: client), the edges, and the causes.
func TestEightTraces(t *testing.T) {
	want := map[string]string{
		"t1": `800 800 ok | scores AWS::DynamoDB::Table i; shop AWS::EC2::Instance; shop client c | shop>scores; client>shop |`,
		"t2": `6200 6200 ok | backend AWS::ECS::Container; shop AWS::EC2::Instance; shop client c | shop>backend as backend.example.com; client>shop | fault backend; response time shop/backend.example.com, backend`,
		"t3": `2500 2500 fault | api.example.com; api.example.com client c; auth remote i | api.example.com>auth; client>api.example.com | fault api.example.com/auth, auth; response time api.example.com/auth, auth`,
		"t4": `50 50 error | api.example.com; api.example.com client c | client>api.example.com |`,
		"t5": `20 20 throttle | gateway AWS::APIGateway::Stage; gateway client c | client>gateway |`,
		"t6": `absent absent ok incomplete | shop AWS::EC2::Instance; shop client c | client>shop |`,
		"t7": `1000 1000 error | SNS AWS::SNS i; random-name AWS::Lambda; random-name AWS::Lambda::Function; random-name client c | client>random-name; random-name>SNS; random-name>random-name | error random-name, random-name; response time random-name, random-name`,
		"t8": `absent 500 no root incomplete | worker AWS::ECS::Container | |`,
	}
	text, err := os.ReadFile("testdata/eight.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for block := range strings.SplitSeq(string(text), "\n\n") {
		heading, lines, _ := strings.Cut(block, "\n")
		name, isTrace := strings.CutPrefix(heading, "trace ")
		if !isTrace {
			continue
		}
		name, _, _ = strings.Cut(name, ":")
		s := script{received: second(2)}
		for line := range strings.SplitSeq(lines, "\n") {
			s.add(t, line)
		}
		s.finish()
		found++
		got := factsText(derive.Detail(s.id(), s.documents))
		if diff := cmp.Diff(facts(want[name]), facts(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if found != len(want) {
		t.Errorf("%d traces, want %d", found, len(want))
	}
}

// facts splits the text of a trace's facts; the order within a part is free.
func facts(text string) [][]string {
	var parts [][]string
	for part := range strings.SplitSeq(text, "|") {
		list := strings.Split(strings.TrimSpace(part), "; ")
		slices.Sort(list)
		parts = append(parts, list)
	}
	return parts
}

func factsText(d *tomo.Detail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s ", durationText(d.ResponseTime), durationText(d.Duration))
	switch {
	case d.RootUnit < 0:
		b.WriteString("no root")
	default:
		b.WriteString(outcomeText(d.Units[d.RootUnit].Outcome))
	}
	if d.Incomplete {
		b.WriteString(" incomplete")
	}
	var nodes, edges, causes []string
	for i, n := range d.Nodes {
		text := strings.TrimSpace(n.Name + " " + n.Type)
		if slices.ContainsFunc(d.Units, func(u tomo.Unit) bool { return u.Node == i && u.Inferred }) {
			text += " i"
		} else if n.Type == tomo.ClientType {
			text += " c"
		}
		nodes = append(nodes, text)
	}
	for _, c := range d.Calls {
		from := d.Nodes[c.From]
		text := from.Name
		if from.Type == tomo.ClientType {
			text = "client"
		}
		text += ">" + d.Nodes[c.To].Name
		if c.AliasName != "" {
			text += " as " + c.AliasName
		}
		edges = append(edges, text)
	}
	add := func(kind string, list []tomo.RootCause) {
		for _, cause := range list {
			var services []string
			for _, service := range cause.Services {
				var path []string
				for _, e := range service.EntityPath {
					path = append(path, e.Name)
				}
				services = append(services, strings.Join(path, "/"))
			}
			causes = append(causes, kind+" "+strings.Join(services, ", "))
		}
	}
	add("fault", d.RootCauses.Fault)
	add("error", d.RootCauses.Error)
	add("response time", d.RootCauses.ResponseTime)
	for _, list := range [][]string{nodes, edges, causes} {
		b.WriteString(" | " + strings.Join(list, "; "))
	}
	return b.String()
}
