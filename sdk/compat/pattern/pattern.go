// Package pattern has the names of the official SDK's package of the same name.
package pattern

import (
	"strings"

	"github.com/tomotrace/tomo/sdk"
)

// WildcardMatchCaseInsensitive reports whether the pattern, in which * stands for
// any text and ? for one character, matches the whole text.
func WildcardMatchCaseInsensitive(pattern, text string) bool {
	return sdk.Match(strings.ToLower(pattern), strings.ToLower(text))
}

// WildcardMatch is the same with a choice about letter case.
func WildcardMatch(pattern, text string, caseInsensitive bool) bool {
	if caseInsensitive {
		return WildcardMatchCaseInsensitive(pattern, text)
	}
	return sdk.MatchCase(pattern, text)
}
