package query

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// Attribute is something that traces can be taken apart by: a keyword of the
// filter language where it has one, or what Attributes lists.
type Attribute struct {
	Name string
	Key  string // of an annotation; "" for all others
}

// String is the attribute as ParseAttribute reads it.
func (a Attribute) String() string {
	if a.Name == keyed {
		return a.Name + "[" + a.Key + "]"
	}
	return a.Name
}

// keyed is the attribute that has a key.
const keyed = "annotation"

// ParseAttribute reads the name of an attribute, in any case, as Attributes
// lists them; the key of an annotation stands in brackets or behind a dot. The
// error is a *tomo.Error with the code Invalid.
func ParseAttribute(text string) (Attribute, error) {
	name := strings.ToLower(strings.TrimSpace(text))
	for i := range attributes {
		if attributes[i].name == name && name != keyed {
			return Attribute{Name: name}, nil
		}
	}
	if strings.HasPrefix(name, keyed) {
		key := strings.TrimSpace(text)[len(keyed):]
		switch {
		case len(key) > 1 && key[0] == '.':
			return Attribute{keyed, key[1:]}, nil
		case len(key) > 2 && key[0] == '[' && key[len(key)-1] == ']':
			if key = strings.Trim(strings.TrimSpace(key[1:len(key)-1]), `"`); key != "" {
				return Attribute{keyed, key}, nil
			}
		}
	}
	return Attribute{}, invalid("%q is not an attribute; there are %s", text, strings.Join(Attributes(), ", "))
}

// Attributes lists what traces can be taken apart by.
func Attributes() (names []string) {
	for i := range attributes {
		name := attributes[i].name
		if name == keyed {
			name += "[key]"
		}
		names = append(names, name)
	}
	return names
}

// attribute is how the values of an attribute are found in a trace, and how the
// traces with a value are asked for.
type attribute struct {
	name  string
	parts tomo.Parts // of the summary that read needs
	// read tells the values that a summary has. One may be told more than once.
	read func(s *tomo.Summary, to *counter)
	// cause tells those that the root causes of a category have, where that is
	// what the attribute is about.
	cause    func(causes []tomo.RootCause, to *counter)
	category filter.Category
	// filter is what just the traces with the value match.
	filter func(v tomo.Value, key string) filter.Expr
}

// The attributes, in the order in which they are listed.
var attributes = slices.Concat(
	[]attribute{
		{name: "outcome", read: func(s *tomo.Summary, to *counter) { to.text(classOf(s).String()) }, filter: outcomeFilter},
		{name: "entrypoint", parts: tomo.PartNodes, read: eachNode(func(n *tomo.Node, to *counter) {
			if n.Root {
				to.text(n.Name)
			}
		}), filter: serviceFilter("root")},
		{name: "service", parts: tomo.PartNodes, read: eachNode(func(n *tomo.Node, to *counter) { to.text(n.Name) }), filter: serviceFilter("")},
		{name: "type", parts: tomo.PartNodes, read: eachNode(func(n *tomo.Node, to *counter) { to.some(n.Type) }), filter: textFilter("type")},
		{name: "account.id", parts: tomo.PartNodes, read: eachNode(func(n *tomo.Node, to *counter) { to.some(n.Account) }), filter: textFilter("account.id")},
		{name: "edge", parts: tomo.PartNodes | tomo.PartCalls, read: func(s *tomo.Summary, to *counter) {
			for i := range s.Calls {
				to.edge(&s.Nodes[s.Calls[i].From].NodeID, &s.Nodes[s.Calls[i].To].NodeID)
			}
		}, filter: edgeFilter},
		unitOutcome("service.fault", tomo.OutcomeFault), unitOutcome("service.error", tomo.OutcomeError), unitOutcome("service.throttle", tomo.OutcomeThrottle),

		{name: "http.status", parts: tomo.PartHTTP, read: func(s *tomo.Summary, to *counter) {
			if s.HTTP.Status != 0 {
				to.number(float64(s.HTTP.Status))
			}
		}, filter: func(v tomo.Value, _ string) filter.Expr { return equal(filter.Field{Keyword: "http.status"}, v) }},
		httpText("http.method", func(h *tomo.HTTP) string { return h.Method }),
		httpText("http.url", func(h *tomo.HTTP) string { return h.URL }),
		httpText("http.useragent", func(h *tomo.HTTP) string { return h.UserAgent }),
		httpText("http.clientip", func(h *tomo.HTTP) string { return h.ClientIP }),
		{name: "user", parts: tomo.PartUsers, read: func(s *tomo.Summary, to *counter) {
			for i := range s.Users {
				to.text(s.Users[i].Name)
			}
		}, filter: textFilter("user")},
		place("availabilityzone", func(s *tomo.Summary) []string { return s.AvailabilityZones }),
		place("instance.id", func(s *tomo.Summary) []string { return s.InstanceIDs }),
		place("resource.arn", func(s *tomo.Summary) []string { return s.ResourceARNs }),

		{name: "annotations", parts: tomo.PartAnnotations, read: func(s *tomo.Summary, to *counter) {
			for i := range s.Annotations {
				to.text(s.Annotations[i].Key)
			}
		}, filter: keyFilter},
		// Read by gathering.add, which has a counter for each key.
		{name: keyed, parts: tomo.PartAnnotations, filter: func(v tomo.Value, key string) filter.Expr {
			return equal(filter.Field{Keyword: keyed, Key: key}, v)
		}},
	},
	causeAttributes("rootcause.fault", filter.FaultCause),
	causeAttributes("rootcause.error", filter.ErrorCause),
	causeAttributes("rootcause.responsetime", filter.ResponseTimeCause),
)

// attributeOf is the row of the table; there is one for every Attribute that
// ParseAttribute made.
func attributeOf(a Attribute) *attribute {
	i := slices.IndexFunc(attributes, func(row attribute) bool { return row.name == a.Name })
	return &attributes[i]
}

func eachNode(read func(*tomo.Node, *counter)) func(*tomo.Summary, *counter) {
	return func(s *tomo.Summary, to *counter) {
		for i := range s.Nodes {
			read(&s.Nodes[i], to)
		}
	}
}

// unitOutcome is the services of which a request ended so. The client's is the
// root's, as the client saw it.
func unitOutcome(name string, outcome tomo.Outcome) attribute {
	return attribute{
		name: name, parts: tomo.PartNodes | tomo.PartUnits,
		read: func(s *tomo.Summary, to *counter) {
			for i := range s.Units {
				if u := &s.Units[i]; u.Outcome == outcome {
					to.text(s.Nodes[u.Node].Name)
				}
			}
			if classOf(s) != Class(outcome) {
				return
			}
			client := s.Nodes[s.EntryPoint].NodeID
			client.Type = tomo.ClientType
			if slices.ContainsFunc(s.Nodes, func(n tomo.Node) bool { return n.NodeID == client }) {
				to.text(client.Name)
			}
		},
		filter: serviceFilter(Class(outcome).String()),
	}
}

func httpText(name string, field func(*tomo.HTTP) string) attribute {
	return attribute{
		name: name, parts: tomo.PartHTTP,
		read:   func(s *tomo.Summary, to *counter) { to.some(field(&s.HTTP)) },
		filter: textFilter(name),
	}
}

func place(name string, list func(*tomo.Summary) []string) attribute {
	return attribute{
		name: name, parts: tomo.PartPlaces,
		read: func(s *tomo.Summary, to *counter) {
			for _, v := range list(s) {
				to.text(v)
			}
		},
		filter: textFilter(name),
	}
}

// causeAttributes are what the root causes of one category are taken apart by:
// the service where the reason lies, all entities on the paths, and of faults
// and errors the types and messages of exceptions.
func causeAttributes(name string, category filter.Category) []attribute {
	each := func(read func(*tomo.RootCauseService, *counter)) func([]tomo.RootCause, *counter) {
		return func(causes []tomo.RootCause, to *counter) {
			for i := range causes {
				for k := range causes[i].Services {
					read(&causes[i].Services[k], to)
				}
			}
		}
	}
	exceptions := func(field func(*tomo.RootCauseException) string) func([]tomo.RootCause, *counter) {
		return each(func(s *tomo.RootCauseService, to *counter) {
			for i := range s.EntityPath {
				for k := range s.EntityPath[i].Exceptions {
					to.some(field(&s.EntityPath[i].Exceptions[k]))
				}
			}
		})
	}
	cause := func(part filter.Part, tests func(tomo.Value) filter.Expr) func(tomo.Value, string) filter.Expr {
		return func(v tomo.Value, _ string) filter.Expr {
			return filter.Cause{Category: category, Part: part, Block: tests(v)}
		}
	}
	is := func(keyword string) func(tomo.Value) filter.Expr {
		return func(v tomo.Value) filter.Expr { return equal(filter.Field{Keyword: keyword}, v) }
	}
	list := []attribute{
		{name: name + ".service", category: category,
			cause: func(causes []tomo.RootCause, to *counter) {
				for i := range causes {
					if services := causes[i].Services; len(services) > 0 {
						to.some(services[len(services)-1].Name)
					}
				}
			},
			filter: cause(filter.ServicePart, func(v tomo.Value) filter.Expr { return filter.And{is("name")(v), flag("last")} })},
		{name: name + ".entity", category: category,
			cause: each(func(s *tomo.RootCauseService, to *counter) {
				for i := range s.EntityPath {
					to.some(s.EntityPath[i].Name)
				}
			}),
			filter: cause(filter.EntityPart, is("name"))},
	}
	if category == filter.ResponseTimeCause {
		return list
	}
	return append(list,
		attribute{name: name + ".exception", category: category,
			cause:  exceptions(func(x *tomo.RootCauseException) string { return x.Name }),
			filter: cause(filter.ExceptionPart, is("name"))},
		attribute{name: name + ".message", category: category,
			cause:  exceptions(func(x *tomo.RootCauseException) string { return x.Message }),
			filter: cause(filter.ExceptionPart, is("message"))},
	)
}

// The filters of values.

func equal(f filter.Field, v tomo.Value) filter.Expr {
	return filter.Compare{Field: f, Op: filter.Equal, Value: v}
}

func flag(keyword string) filter.Expr {
	return equal(filter.Field{Keyword: keyword}, tomo.Value{Kind: tomo.BoolValue, Bool: true})
}

func textFilter(keyword string) func(tomo.Value, string) filter.Expr {
	return func(v tomo.Value, _ string) filter.Expr { return equal(filter.Field{Keyword: keyword}, v) }
}

// outcomeFilter: there is no keyword for a trace without a root.
func outcomeFilter(v tomo.Value, _ string) filter.Expr {
	if v.String != Rootless.String() {
		return flag(v.String)
	}
	var none filter.And
	for _, keyword := range classTexts[:Rootless] {
		none = append(none, filter.Not{Part: flag(keyword)})
	}
	return none
}

// serviceFilter asks for a service and, if there is a keyword, that it holds
// there.
func serviceFilter(keyword string) func(tomo.Value, string) filter.Expr {
	return func(v tomo.Value, _ string) filter.Expr {
		e := filter.Service{Node: filter.ID{NodeID: tomo.NodeID{Name: v.String}, Given: filter.ByName}}
		if keyword != "" {
			e.Block = flag(keyword)
		}
		return e
	}
}

// keyFilter: an annotation that stands alone asks for any value but false.
func keyFilter(v tomo.Value, _ string) filter.Expr {
	field := filter.Field{Keyword: keyed, Key: v.String}
	return filter.Or{filter.Set{Field: field}, equal(field, tomo.Value{Kind: tomo.BoolValue})}
}

// An edge is counted as one text: the lengths of its nodes' names and types,
// each before what it is the length of.

func appendEdge(b []byte, from, to *tomo.NodeID) []byte {
	for _, part := range [...]string{from.Name, from.Type, to.Name, to.Type} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	return b
}

func edgeNodes(text string) (from, to tomo.NodeID) {
	for _, part := range []*string{&from.Name, &from.Type, &to.Name, &to.Type} {
		n, size := binary.Uvarint([]byte(text))
		*part, text = text[size:size+int(n)], text[size+int(n):]
	}
	return from, to
}

func edgeFilter(v tomo.Value, _ string) filter.Expr {
	from, to := edgeNodes(v.String)
	return filter.Edge{
		From: filter.ID{NodeID: from, Given: filter.ByName | filter.ByType},
		To:   filter.ID{NodeID: to, Given: filter.ByName | filter.ByType},
	}
}

// shown is a value as people read it.
func shown(of Attribute, v tomo.Value) tomo.Value {
	if of.Name != "edge" {
		return v
	}
	from, to := edgeNodes(v.String)
	name := from.Name
	if from.Type == tomo.ClientType {
		name = "client"
	}
	return tomo.Value{String: name + " → " + to.Name}
}
