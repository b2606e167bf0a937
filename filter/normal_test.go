package filter_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/filter"
)

// normal writes an expression as an S-expression, so that a test can say which
// tree a text has to become:
//
//	(all)  (and X Y …)  (or X Y …)  (not X)
//	(eq|ne|lt|le|gt|ge|contains|begins|ends FIELD LITERAL)
//	(set FIELD)  (truthy ANNOTATION)
//	(service N [X])  (edge N N [X])  where N is * or (id name="…" type="…" account="…")
//	(rootcause CATEGORY PART [X])  (rootcause json […])  (group name|arn "…")
func normal(e filter.Expr) string {
	switch e := e.(type) {
	case filter.All:
		return "(all)"
	case filter.And:
		return list("and", e...)
	case filter.Or:
		return list("or", e...)
	case filter.Not:
		return list("not", e.Part)
	case filter.Compare:
		op := [...]string{"eq", "ne", "lt", "le", "gt", "ge", "contains", "begins", "ends"}[e.Op]
		return fmt.Sprintf("(%s %s %s)", op, normalField(e.Field), normalValue(e.Value))
	case filter.Set:
		if strings.HasSuffix(e.Field.Keyword, "annotation") {
			return fmt.Sprintf("(truthy %s)", normalField(e.Field))
		}
		return fmt.Sprintf("(set %s)", normalField(e.Field))
	case filter.Service:
		return withBlock("service "+normalID(e.Node), e.Block)
	case filter.Edge:
		return withBlock("edge "+normalID(e.From)+" "+normalID(e.To), e.Block)
	case filter.Cause:
		return withBlock(fmt.Sprintf("rootcause %s %s", e.Category, e.Part), e.Block)
	case filter.CauseJSON:
		return fmt.Sprintf("(rootcause json %s)", e.Patterns)
	case filter.Group:
		return fmt.Sprintf("(group %s %s)", [...]string{"name", "arn"}[e.By], quoted(e.Text))
	}
	return fmt.Sprintf("(unknown %T)", e)
}

func list(word string, parts ...filter.Expr) string {
	for _, part := range parts {
		word += " " + normal(part)
	}
	return "(" + word + ")"
}

func withBlock(text string, block filter.Expr) string {
	if block != nil {
		text += " " + normal(block)
	}
	return "(" + text + ")"
}

func normalField(f filter.Field) string {
	if f.Key != "" {
		return f.Keyword + "[" + quoted(f.Key) + "]"
	}
	return f.Keyword
}

func normalValue(v tomo.Value) string {
	switch v.Kind {
	case tomo.NumberValue:
		return strconv.FormatFloat(v.Number, 'f', -1, 64)
	case tomo.BoolValue:
		return strconv.FormatBool(v.Bool)
	}
	return quoted(v.String)
}

func normalID(id filter.ID) string {
	if id.Given == 0 {
		return "*"
	}
	text := "(id"
	for _, f := range []struct {
		given filter.IDFields
		name  string
		value string
	}{{filter.ByName, "name", id.Name}, {filter.ByType, "type", id.Type}, {filter.ByAccount, "account", id.Account}} {
		if id.Given&f.given != 0 {
			text += fmt.Sprintf(" %s=%s", f.name, quoted(f.value))
		}
	}
	return text + ")"
}

func quoted(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.Encode(s)
	return strings.TrimSpace(b.String())
}
