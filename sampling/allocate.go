package sampling

import (
	"cmp"
	"slices"
)

// claim is what one client asks of a reservoir, and its share.
type claim struct {
	client string
	demand int // requests a second
	lease  int // what it has
	share  int // what it should have
	// borrows says that the client takes one trace a second whatever its quota
	// is: it does not understand quotas.
	borrows bool
}

// allocate divides a reservoir.
//
// First comes max–min fairness: every client gets an equal whole part of what
// there is, but no more than it has demand, and what that leaves is divided
// again. What is left when all demands are met is spread evenly. So with equal
// demands the division is even, which is what the service documents, and a
// quiet client does not sit on what a busy one could use. Single units go to
// the client that has most already, so that they do not wander.
//
//	reservoir 10, demands 1 and 20   →  1 and 9
//	reservoir 10, demands 1 and 1    →  5 and 5
//	reservoir 10, demands 20, 20, 20 →  4, 3 and 3
//
// Clients that do not understand quotas are given the one that they take
// anyway, and the others all the rest. Where there are no others they share as
// if they understood.
func allocate(reservoir int, claims []*claim) {
	slices.SortFunc(claims, func(a, b *claim) int {
		return cmp.Or(cmp.Compare(b.lease, a.lease), cmp.Compare(a.client, b.client))
	})
	var able []*claim
	left := reservoir
	for _, c := range claims {
		c.share = 0
		if !c.borrows {
			able = append(able, c)
		}
	}
	if len(able) == 0 {
		able = claims
	} else if len(able) < len(claims) {
		for _, c := range claims {
			if c.borrows && left > 0 {
				c.share = 1
				left--
			}
		}
	}
	left = meet(left, able)
	spread(left, able)
}

// meet gives to unmet demands and returns what is left.
func meet(left int, claims []*claim) int {
	unmet := slices.Clone(claims)
	for left > 0 {
		unmet = slices.DeleteFunc(unmet, func(c *claim) bool { return c.share >= c.demand })
		if len(unmet) == 0 {
			break
		}
		part := left / len(unmet)
		if part == 0 {
			for _, c := range unmet[:left] {
				c.share++
			}
			return 0
		}
		for _, c := range unmet {
			given := min(part, c.demand-c.share)
			c.share += given
			left -= given
		}
	}
	return left
}

// spread gives everybody the same, and one more to the first.
func spread(left int, claims []*claim) {
	if len(claims) == 0 {
		return
	}
	part, extra := left/len(claims), left%len(claims)
	for i, c := range claims {
		c.share += part
		if i < extra {
			c.share++
		}
	}
}
