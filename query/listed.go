package query

import (
	"slices"
	"strings"

	"github.com/tomotrace/tomo"
)

// Listed is a trace as lists show it: its summary, without units and calls, and
// why it failed or was slow.
type Listed struct {
	*tomo.Summary
	RootCauses tomo.RootCauses
}

// listing takes what is listed out of a detail. The texts are copied: those of a
// detail are parts of the documents, and one of them keeps them all.
func listing(d *tomo.Detail) *Listed {
	s := *d.Summary
	s.Units, s.Calls = nil, nil
	for _, text := range []*string{&s.HTTP.Method, &s.HTTP.URL, &s.HTTP.UserAgent, &s.HTTP.ClientIP} {
		*text = strings.Clone(*text)
	}
	s.Nodes = slices.Clone(s.Nodes)
	for i := range s.Nodes {
		n := &s.Nodes[i]
		n.NodeID, n.Region = cloneNode(n.NodeID), strings.Clone(n.Region)
	}
	s.Annotations = slices.Clone(s.Annotations)
	for i := range s.Annotations {
		a := &s.Annotations[i]
		a.Key, a.Value.String = strings.Clone(a.Key), strings.Clone(a.Value.String)
	}
	s.Users = slices.Clone(s.Users)
	for i := range s.Users {
		s.Users[i].Name = strings.Clone(s.Users[i].Name)
	}
	s.ResourceARNs, s.InstanceIDs, s.AvailabilityZones = cloneTexts(s.ResourceARNs), cloneTexts(s.InstanceIDs), cloneTexts(s.AvailabilityZones)
	return &Listed{&s, tomo.RootCauses{
		Fault: cloneCauses(d.RootCauses.Fault), Error: cloneCauses(d.RootCauses.Error), ResponseTime: cloneCauses(d.RootCauses.ResponseTime),
	}}
}

func cloneNode(n tomo.NodeID) tomo.NodeID {
	return tomo.NodeID{Name: strings.Clone(n.Name), Type: strings.Clone(n.Type), Account: strings.Clone(n.Account)}
}

func cloneTexts(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = strings.Clone(list[i])
	}
	return list
}

// cloneCauses copies the texts of causes, which are nobody else's, in place.
func cloneCauses(causes []tomo.RootCause) []tomo.RootCause {
	for i := range causes {
		for k := range causes[i].Services {
			service := &causes[i].Services[k]
			service.NodeID = cloneNode(service.NodeID)
			for n := range service.EntityPath {
				entity := &service.EntityPath[n]
				entity.Name = strings.Clone(entity.Name)
				for x := range entity.Exceptions {
					e := &entity.Exceptions[x]
					e.Name, e.Message = strings.Clone(e.Name), strings.Clone(e.Message)
				}
			}
		}
	}
	return causes
}
