package server

import (
	"github.com/tomotrace/tomo"
	"github.com/tomotrace/tomo/api"
)

func errorRootCauses(causes []tomo.RootCause) []api.ErrorRootCause {
	return rootCauses(causes, func(e *tomo.RootCauseEntity) api.ErrorRootCauseEntity {
		shape := api.ErrorRootCauseEntity{Exceptions: make([]api.RootCauseException, len(e.Exceptions)), Name: e.Name, Remote: e.Remote}
		for i, x := range e.Exceptions {
			shape.Exceptions[i] = api.RootCauseException{Message: x.Message, Name: x.Name}
		}
		return shape
	})
}

func responseTimeRootCauses(causes []tomo.RootCause) []api.ResponseTimeRootCause {
	return rootCauses(causes, func(e *tomo.RootCauseEntity) api.ResponseTimeRootCauseEntity {
		return api.ResponseTimeRootCauseEntity{Coverage: api.Double(e.Coverage), Name: e.Name, Remote: e.Remote}
	})
}

// rootCauses makes the shapes of causes whose entities look as shape makes them.
func rootCauses[Entity any](causes []tomo.RootCause, shape func(*tomo.RootCauseEntity) Entity) []api.RootCause[Entity] {
	shapes := make([]api.RootCause[Entity], len(causes))
	for i := range causes {
		services := make([]api.RootCauseService[Entity], len(causes[i].Services))
		for k := range causes[i].Services {
			s := &causes[i].Services[k]
			path := make([]Entity, len(s.EntityPath))
			for n := range s.EntityPath {
				path[n] = shape(&s.EntityPath[n])
			}
			services[k] = api.RootCauseService[Entity]{
				AccountID: text(s.Account), EntityPath: path, Inferred: s.Inferred, Name: s.Name, Names: []string{s.Name}, Type: s.Type,
			}
		}
		shapes[i] = api.RootCause[Entity]{ClientImpacting: causes[i].ClientImpacting, Services: services}
	}
	return shapes
}
