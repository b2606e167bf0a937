package tomo

// MatchWildcards reports whether a text matches a pattern, in which * stands for
// any text and ? for any one unit: X-Ray's patterns of sampling rules, and IAM's
// of actions. What a unit is, and whether case matters, is the caller's to say.
//
// After a mismatch only the latest star can have stood for too little: what
// earlier ones took was the least. So it takes one more, and the cost is no worse
// than the product of the lengths.
func MatchWildcards[U byte | rune](pattern, text []U) bool {
	p, t, star, taken := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, taken = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			taken++
			p, t = star+1, taken
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
