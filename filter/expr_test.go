package filter_test

import (
	"slices"
	"testing"

	"github.com/tomotrace/tomo/filter"
)

func TestTerms(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{``, []string{``}},
		{`fault`, []string{`fault`}},
		{`fault AND !(user = "u" OR duration > 1) error`, []string{`fault`, `user = "u"`, `duration > 1`, `error`}},
		{`service("a") { fault AND error } OR group.name = "g"`, []string{`service("a") { fault AND error }`, `group.name = "g"`}},
	}
	for _, test := range tests {
		e, err := filter.Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for term := range filter.Terms(e) {
			got = append(got, term.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: terms %q, want %q", test.text, got, test.want)
		}
		for range filter.Terms(e) {
			break // and nothing more comes
		}
	}
}
