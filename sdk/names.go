package sdk

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// X-Ray: a name has at most 200 characters: letters, digits, separators and the
// symbols _ . : / % & # = + \ - @. A document with another name is refused as a
// whole, so the other characters are left out before it is sent.
const maxName = 200

// unnamed stands for a name of which nothing is left.
const unnamed = "unnamed"

var plainName = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 " + `_.:/%&#=+\-@`) {
		table[c] = true
	}
	return table
}()

// cleanName makes name one that X-Ray takes. Names that already are cost a scan.
func cleanName(name string) string {
	if 0 < len(name) && len(name) <= maxName {
		for i := 0; i < len(name); i++ {
			if !plainName[name[i]] {
				return repairName(name)
			}
		}
		return name
	}
	return repairName(name)
}

func repairName(name string) string {
	var b strings.Builder
	left := maxName
	for _, r := range name {
		if left == 0 {
			break
		}
		if r < utf8.RuneSelf && plainName[r] || r >= utf8.RuneSelf && r != utf8.RuneError && unicode.In(r, unicode.L, unicode.N, unicode.Z) {
			b.WriteRune(r)
			left--
		}
	}
	if b.Len() == 0 {
		return unnamed
	}
	return b.String()
}

// X-Ray: keys of annotations are letters of the alphabet, digits, "_" and ".",
// at most 500; other entries are not indexed.
const maxKey = 500

func goodKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for _, c := range []byte(key) {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}
