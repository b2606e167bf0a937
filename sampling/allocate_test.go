package sampling

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

func TestAllocate(t *testing.T) {
	type quotas map[string]int
	ask := func(client string, demand, lease int) *claim {
		return &claim{client: client, demand: demand, lease: lease}
	}
	borrower := func(client string, demand int) *claim {
		return &claim{client: client, demand: demand, borrows: true}
	}
	tests := []struct {
		reservoir int
		claims    []*claim
		want      quotas
	}{
		{0, []*claim{ask("a", 5, 0)}, quotas{"a": 0}},
		{1, []*claim{ask("a", 5, 0)}, quotas{"a": 1}},
		{2, []*claim{ask("a", 11, 0)}, quotas{"a": 2}},
		{1, []*claim{ask("a", 5, 0), ask("b", 5, 0)}, quotas{"a": 1, "b": 0}},
		{1, []*claim{ask("a", 5, 0), ask("b", 5, 1)}, quotas{"a": 0, "b": 1}},
		{10, []*claim{ask("a", 20, 0), ask("b", 20, 0)}, quotas{"a": 5, "b": 5}},
		{10, []*claim{ask("a", 1, 0), ask("b", 20, 0)}, quotas{"a": 1, "b": 9}},
		{10, []*claim{ask("a", 1, 0), ask("b", 1, 0)}, quotas{"a": 5, "b": 5}},
		{10, []*claim{ask("a", 20, 0), ask("b", 20, 0), ask("c", 20, 0)}, quotas{"a": 4, "b": 3, "c": 3}},
		{10, []*claim{ask("a", 2, 0), ask("b", 3, 0), ask("c", 50, 0)}, quotas{"a": 2, "b": 3, "c": 5}},
		{5, []*claim{ask("a", 1, 0), ask("b", 1, 0), ask("c", 1, 0), ask("d", 1, 0), ask("e", 1, 0), ask("f", 1, 1)},
			quotas{"a": 1, "b": 1, "c": 1, "d": 1, "e": 0, "f": 1}},
		{100, []*claim{ask("a", 7, 0), ask("b", 13, 0), ask("c", 500, 90)}, quotas{"a": 7, "b": 13, "c": 80}},
		{3, []*claim{ask("a", 0, 0), ask("b", 9, 0)}, quotas{"a": 0, "b": 3}},

		// Clients that borrow for ever.
		{10, []*claim{borrower("a", 20), ask("b", 20, 0), borrower("c", 20)}, quotas{"a": 1, "b": 8, "c": 1}},
		{1, []*claim{borrower("a", 20), ask("b", 20, 0), borrower("c", 20)}, quotas{"a": 1, "b": 0, "c": 0}},
		{10, []*claim{borrower("a", 20), borrower("b", 20)}, quotas{"a": 5, "b": 5}},
		{10, nil, quotas{}},
	}
	for _, tt := range tests {
		got := quotas{}
		given := fmt.Sprint(tt.reservoir)
		for _, c := range tt.claims {
			given += fmt.Sprintf(" %+v", *c)
		}
		allocate(tt.reservoir, tt.claims)
		for _, c := range tt.claims {
			got[c.client] = c.share
		}
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", given, got, tt.want)
		}
	}
}

// TestAllocateProperties: the shares add up to the reservoir; nobody whose
// demand is not met has less than another one, but for one unit; and who asked
// the same way twice gets the same.
func TestAllocateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reservoir := rapid.IntRange(0, 200).Draw(t, "reservoir")
		n := rapid.IntRange(1, 30).Draw(t, "clients")
		claims := make([]*claim, n)
		for i := range claims {
			claims[i] = &claim{
				client: fmt.Sprintf("%02d", i),
				demand: rapid.IntRange(0, 40).Draw(t, "demand"),
				lease:  rapid.IntRange(0, 10).Draw(t, "lease"),
			}
		}
		allocate(reservoir, claims)
		sum := 0
		for _, c := range claims {
			sum += c.share
			for _, other := range claims {
				if c.share < c.demand && other.share > c.share+1 {
					t.Fatalf("%+v has less than %+v", *c, *other)
				}
				if c.demand == other.demand && c.share > other.share+1 {
					t.Fatalf("%+v and %+v ask the same", *c, *other)
				}
			}
		}
		if sum != reservoir {
			t.Fatalf("%d of %d given", sum, reservoir)
		}
		// Units come to rest: a spare one may move once, to who has most.
		settle := func() map[string]int {
			shares := map[string]int{}
			for _, c := range claims {
				c.lease = c.share
				shares[c.client] = c.share
			}
			allocate(reservoir, claims)
			return shares
		}
		settle()
		before := settle()
		for _, c := range claims {
			if c.share != before[c.client] {
				t.Fatalf("%+v moved from %d", *c, before[c.client])
			}
		}
	})
}
