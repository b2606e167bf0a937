package tomo_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tomotrace/tomo"
)

func TestMatchWildcards(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"?", "", false},
		{"?", "ab", false},
		{"a?c", "abc", true},
		{"a*c", "ac", true},
		{"a*c", "abcbc", true},
		{"a*c", "abcb", false},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b*", "xxbxxaxx", false},
		{"**a**", "a", true},
		{"A", "a", false},
	}
	for _, tt := range tests {
		if got := tomo.MatchWildcards([]rune(tt.pattern), []rune(tt.text)); got != tt.want {
			t.Errorf("%q matches %q: %v", tt.pattern, tt.text, got)
		}
	}
	// A hundred stars against a text that almost fits: no worse than the product.
	if tomo.MatchWildcards([]byte(strings.Repeat("a*", 100)+"b"), []byte(strings.Repeat("a", 100_000))) {
		t.Error("there is no b")
	}
}

// TestMatchWildcardsAsExpressions: they say what regular expressions would.
func TestMatchWildcardsAsExpressions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab?*]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		expression := "^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$"
		if want := regexp.MustCompile(expression).MatchString(text); tomo.MatchWildcards([]byte(pattern), []byte(text)) != want {
			t.Fatalf("%q matches %q: want %v", pattern, text, want)
		}
	})
}
