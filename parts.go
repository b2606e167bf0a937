package tomo

// Parts says which parts of summaries are wanted, so that a store need not
// read the others. What is in no part is always there: ID, Start, Received,
// Duration, ResponseTime, HasFault, HasError, HasThrottle, IsPartial, Completeness and
// EntryPoint.
type Parts uint8

const (
	PartHTTP        Parts = 1 << iota
	PartNodes             // also what the indexes of the other lists mean
	PartUnits             // Units
	PartCalls             // Calls
	PartAnnotations       // Annotations
	PartUsers             // Users
	PartPlaces            // ResourceARNs, InstanceIDs, AvailabilityZones and Groups

	// EveryPart is the whole summary.
	EveryPart Parts = 0xff
)

// Has reports whether all of the parts are wanted.
func (p Parts) Has(parts Parts) bool { return p&parts == parts }

// Found is a trace that a scan found.
type Found struct {
	*Summary
	// Plans has the bit 1<<i set if the ith plan of the scan holds.
	Plans uint8
}

// MaxPlans is how many plans a scan may have: as many as Found.Plans has bits.
const MaxPlans = 8
