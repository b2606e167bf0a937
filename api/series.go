package api

// GetTimeSeriesServiceStatisticsRequest is what
// GetTimeSeriesServiceStatistics is asked.
type GetTimeSeriesServiceStatisticsRequest struct {
	EndTime                  *Time
	EntitySelectorExpression *string `json:",omitempty"` // service(…), edge(…); nil: all requests of clients
	ForecastStatistics       bool    `json:",omitempty"`
	GroupARN                 string  `json:",omitempty"`
	GroupName                string  `json:",omitempty"`
	NextToken                string  `json:",omitempty"`
	Period                   *int    `json:",omitempty"` // seconds, 60 or 300; nil: 60
	StartTime                *Time
}

// GetTimeSeriesServiceStatisticsResponse is a page of a time series, newest
// first. Periods in which nothing was received are left out.
type GetTimeSeriesServiceStatisticsResponse struct {
	Beyond                      `json:"-"`
	ContainsOldGroupVersions    bool
	NextToken                   *string // null: the last page
	TimeSeriesServiceStatistics []TimeSeriesServiceStatistics
}

// TimeSeriesServiceStatistics is the figures of one period. One of the two
// statistics is there, as the selector says, or neither if nothing that it
// names occurs.
type TimeSeriesServiceStatistics struct {
	EdgeSummaryStatistics     *Statistics
	ResponseTimeHistogram     []HistogramEntry // null without statistics
	ServiceForecastStatistics ForecastStatistics
	ServiceSummaryStatistics  *Statistics
	Timestamp                 Time // the end of the period
}

// ForecastStatistics is the range in which the number of faults was expected.
// Both are null if nobody asked, or too little is known to tell.
type ForecastStatistics struct {
	FaultCountHigh *int64
	FaultCountLow  *int64
}
