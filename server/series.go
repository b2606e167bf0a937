package server

import (
	"context"
	"time"

	"github.com/tomotrace/tomo/api"
	"github.com/tomotrace/tomo/filter"
	"github.com/tomotrace/tomo/query"
)

func (s *Services) getTimeSeriesServiceStatistics(ctx context.Context, request *api.GetTimeSeriesServiceStatisticsRequest) (*api.GetTimeSeriesServiceStatisticsResponse, error) {
	question, err := seriesQuestion(request)
	if err != nil {
		return nil, err
	}
	group, err := s.group(request.GroupName, request.GroupARN)
	if err != nil {
		return nil, err
	}
	question.Group = groupID(group)
	series, err := s.engine.Series(ctx, question)
	if err != nil {
		return nil, err
	}
	beyond, err := s.beyond(ctx, question.Range, question.Group)
	if err != nil {
		return nil, err
	}
	answer := &api.GetTimeSeriesServiceStatisticsResponse{
		Beyond:                      beyond,
		ContainsOldGroupVersions:    group.ContainsOldVersions(question.Range),
		NextToken:                   text(series.Token),
		TimeSeriesServiceStatistics: make([]api.TimeSeriesServiceStatistics, len(series.Points)),
	}
	_, ofService := question.Selector.(filter.Service)
	for i := range series.Points {
		p := &series.Points[i]
		shape := &answer.TimeSeriesServiceStatistics[i]
		shape.Timestamp = api.Time(p.End.Seconds())
		if !series.Found {
			continue // X-Ray: the time of the period, and null for everything else
		}
		shape.ResponseTimeHistogram = histogram(&p.ResponseTimes)
		if ofService {
			shape.ServiceSummaryStatistics = new(statistics(&p.Statistics))
		} else {
			shape.EdgeSummaryStatistics = new(statistics(&p.Statistics))
		}
		if p.Faults != nil {
			shape.ServiceForecastStatistics = api.ForecastStatistics{FaultCountHigh: &p.Faults.High, FaultCountLow: &p.Faults.Low}
		}
	}
	return answer, nil
}

func seriesQuestion(request *api.GetTimeSeriesServiceStatisticsRequest) (query.SeriesQuestion, error) {
	var none query.SeriesQuestion
	period := 60
	if request.Period != nil {
		period = *request.Period
	}
	if period != 60 && period != 300 {
		return none, api.Invalid("Time period must be one of [60, 300]")
	}
	window := timeRange(*request.StartTime, *request.EndTime)
	if window.End < window.Start {
		return none, endBeforeStart()
	}
	question := query.SeriesQuestion{
		Range: window, Period: time.Duration(period) * time.Second,
		Forecast: request.ForecastStatistics, Token: request.NextToken,
	}
	if request.EntitySelectorExpression != nil {
		var err error
		if question.Selector, err = filter.ParseSelector(*request.EntitySelectorExpression); err != nil {
			return none, err
		}
	} else if request.ForecastStatistics { // X-Ray: documented
		return none, api.Invalid("ForecastStatistics needs an EntitySelectorExpression")
	}
	return question, nil
}
