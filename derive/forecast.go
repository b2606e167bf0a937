package derive

import "math"

// History is what a node did before a moment: how many requests it had, how
// many of them were faults, and in how many different minutes they came.
type History struct {
	Minutes          int
	Requests, Faults int64
}

// Band is a range of faults, both ends included, in which their number is
// expected to lie.
type Band struct{ Low, High int64 }

// MinHistory is how many minutes with requests it takes to foretell faults.
const MinHistory = 30

// How the band is found. X-Ray compares fault rates with what it expects and
// documents no more, so this is ours.
const (
	tail       = 0.001 // how probable it is to lie below the band, and above
	least      = 3     // the band reaches so many faults to both sides
	priorFault = 1     // what is taken for granted of a node that had little traffic:
	priorCount = 100   // one fault among so many requests
)

// Expect is the band of the faults among so many requests, and whether there is
// history enough to tell. The faults are taken to be binomial, each request
// failing as often as those of the history did: the band reaches from the
// 0.1 % to the 99.9 % quantile, is at least 3 faults wide to both sides, and
// stays between no request failing and all.
//
//	History{Minutes: 1440, Requests: 144_000, Faults: 1440}.Expect(100)     0 … 5, around 1 fault
//	History{Minutes: 1440, Requests: 144_000, Faults: 1440}.Expect(10_000)  71 … 132, around 100
func (h History) Expect(requests int64) (band Band, known bool) {
	if h.Minutes < MinHistory || requests < 0 {
		return Band{}, false
	}
	p := float64(h.Faults+priorFault) / float64(h.Requests+priorCount)
	low, high := binomialTails(requests, p, tail)
	mean := p * float64(requests)
	low = min(low, int64(math.Floor(mean))-least)
	high = max(high, int64(math.Ceil(mean))+least)
	return Band{Low: max(low, 0), High: min(high, requests)}, true
}

// binomialTails gives the quantiles of Binomial(n, p) at q and 1-q: the
// smallest numbers that are not exceeded with at least those probabilities. p
// lies between 0 and 1 and is neither.
//
// Probabilities are summed outwards from the most probable number, each the one
// before times a simple ratio, until they no longer matter. That is a few
// standard deviations, and needs neither factorials nor an approximation.
func binomialTails(n int64, p, q float64) (low, high int64) {
	mode := min(int64(float64(n+1)*p), n)
	odds := p / (1 - p)
	const negligible = 1e-16 // of the most probable
	var below, above []float64
	sum := 1.0
	for k, w := mode, 1.0; k > 0; k-- {
		w *= float64(k) / (float64(n-k+1) * odds)
		if w < negligible {
			break
		}
		below = append(below, w)
		sum += w
	}
	for k, w := mode, 1.0; k < n; k++ {
		w *= float64(n-k) * odds / float64(k+1)
		if w < negligible {
			break
		}
		above = append(above, w)
		sum += w
	}
	low = mode - int64(len(below))
	for at, seen := len(below)-1, 0.0; at >= 0; at-- {
		if seen += below[at]; seen >= q*sum {
			break
		}
		low++
	}
	high = mode + int64(len(above))
	for at, seen := len(above)-1, 0.0; at >= 0; at-- {
		// What lies at or above high is too much for high-1 to be the quantile.
		if seen += above[at]; seen > q*sum {
			break
		}
		high--
	}
	return low, high
}
