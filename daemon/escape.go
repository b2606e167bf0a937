package daemon

import "slices"

// escapes tells what a byte needs in a JSON string: nothing, a backslash before
// it, or to be written in another way.
var escapes = func() (how [256]uint8) {
	for c := range ' ' {
		how[c] = rewrite
	}
	how['"'], how['\\'] = backslash, backslash
	return how
}()

const (
	backslash = 1
	rewrite   = 2
)

// appendString appends text, which is UTF-8, as a JSON string. Documents are
// full of quotes at places that no processor can guess, so there is no branch
// for them: a backslash is always written, and stays if it was needed.
func appendString(to, text []byte) []byte {
	const longest = 6 // of an escaped byte
	to = slices.Grow(append(to, '"'), 2*len(text)+longest+1)
	out := to[:cap(to)]
	n := len(to)
	for i, c := range text {
		how := escapes[c]
		if how == rewrite {
			out = appendControl(out[:n], c)
			n = len(out)
			out = slices.Grow(out, 2*(len(text)-i)+longest+1)
			out = out[:cap(out)]
			continue
		}
		out[n] = '\\'
		n += int(how)
		out[n] = c
		n++
	}
	out[n] = '"'
	return out[:n+1]
}

func appendControl(to []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	if c == '\n' {
		return append(to, '\\', 'n')
	}
	return append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
