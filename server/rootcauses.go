package server

import (
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

func errorRootCauses(causes []tomo.RootCause) []api.ErrorRootCause {
	shapes := make([]api.ErrorRootCause, len(causes))
	for i := range causes {
		shapes[i].ClientImpacting = causes[i].ClientImpacting
		shapes[i].Services = make([]api.ErrorRootCauseService, len(causes[i].Services))
		for k := range causes[i].Services {
			from := &causes[i].Services[k]
			to := &shapes[i].Services[k]
			*to = api.ErrorRootCauseService{
				AccountID: text(from.Account), Inferred: from.Inferred, Name: from.Name, Names: []string{from.Name}, Type: from.Type,
				EntityPath: make([]api.ErrorRootCauseEntity, len(from.EntityPath)),
			}
			for n := range from.EntityPath {
				entity := &from.EntityPath[n]
				to.EntityPath[n] = api.ErrorRootCauseEntity{
					Exceptions: make([]api.RootCauseException, len(entity.Exceptions)), Name: entity.Name, Remote: entity.Remote,
				}
				for m, e := range entity.Exceptions {
					to.EntityPath[n].Exceptions[m] = api.RootCauseException{Message: e.Message, Name: e.Name}
				}
			}
		}
	}
	return shapes
}

func responseTimeRootCauses(causes []tomo.RootCause) []api.ResponseTimeRootCause {
	shapes := make([]api.ResponseTimeRootCause, len(causes))
	for i := range causes {
		shapes[i].ClientImpacting = causes[i].ClientImpacting
		shapes[i].Services = make([]api.ResponseTimeRootCauseService, len(causes[i].Services))
		for k := range causes[i].Services {
			from := &causes[i].Services[k]
			to := &shapes[i].Services[k]
			*to = api.ResponseTimeRootCauseService{
				AccountID: text(from.Account), Inferred: from.Inferred, Name: from.Name, Names: []string{from.Name}, Type: from.Type,
				EntityPath: make([]api.ResponseTimeRootCauseEntity, len(from.EntityPath)),
			}
			for n := range from.EntityPath {
				entity := &from.EntityPath[n]
				to.EntityPath[n] = api.ResponseTimeRootCauseEntity{Coverage: api.Double(entity.Coverage), Name: entity.Name, Remote: entity.Remote}
			}
		}
	}
	return shapes
}
