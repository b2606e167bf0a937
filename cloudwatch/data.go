package cloudwatch

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/tomotrace/tomo"
)

// Bounds of a request. CloudWatch: 150 values in a datum, 1,000 data and 1 MB in
// a request. A value makes two members of a form with up to 120 bytes, the rest
// of a datum up to nine; a server in Go reads 10,000 members by default.
const (
	maxValues = 150
	maxWeight = 4000 // in values; a datum weighs as much as five more
)

// inputs are the requests that publish the figures of a minute. Groups without
// traffic have a point too, so that alarms tell nothing from silence.
func inputs(namespace string, minute tomo.Time, figures []Figures) []*sdk.PutMetricDataInput {
	at := aws.Time(minute.Std())
	count := func(f *Figures, name string, unit types.StandardUnit, n int64) types.MetricDatum {
		return types.MetricDatum{
			MetricName: aws.String(name), Dimensions: dimensions(f), Timestamp: at,
			Unit: unit, Value: aws.Float64(float64(n)),
		}
	}
	var traces, own []types.MetricDatum
	for i := range figures {
		f := &figures[i]
		// X-Ray: recorded, without a unit. Alarms and queries that name a unit find
		// nothing under another.
		traces = append(traces, count(f, "ApproximateTraceCount", types.StandardUnitNone, f.Traces))
		own = append(own, count(f, "FaultCount", types.StandardUnitCount, f.Faults),
			count(f, "ErrorCount", types.StandardUnitCount, f.Errors), count(f, "ThrottleCount", types.StandardUnitCount, f.Throttles))
		for bins := f.ResponseTimes.Bins(); len(bins) > 0; {
			n := min(len(bins), maxValues)
			d := types.MetricDatum{
				MetricName: aws.String("ResponseTime"), Dimensions: dimensions(f), Timestamp: at, Unit: types.StandardUnitSeconds,
			}
			for _, b := range bins[:n] {
				d.Values = append(d.Values, float64(b.Value)/1000)
				d.Counts = append(d.Counts, float64(b.Count))
			}
			own, bins = append(own, d), bins[n:]
		}
	}
	return append(split(namespace, traces), split(OwnNamespace, own)...)
}

// dimensions name the group. X-Ray: recorded, GroupName. The default tenant is
// as if there were no others.
func dimensions(f *Figures) []types.Dimension {
	list := []types.Dimension{{Name: aws.String("GroupName"), Value: aws.String(f.Group)}}
	if f.Tenant != "" {
		list = append(list, types.Dimension{Name: aws.String("Tenant"), Value: aws.String(f.Tenant)})
	}
	return list
}

// split makes requests of data that are together no larger than a request may
// be. No data make none.
func split(namespace string, data []types.MetricDatum) (requests []*sdk.PutMetricDataInput) {
	weight := maxWeight
	for _, d := range data {
		w := 5 + len(d.Values)
		if weight += w; weight > maxWeight {
			requests = append(requests, &sdk.PutMetricDataInput{Namespace: aws.String(namespace)})
			weight = w
		}
		last := requests[len(requests)-1]
		last.MetricData = append(last.MetricData, d)
	}
	return requests
}
