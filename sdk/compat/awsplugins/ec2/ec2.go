// Package ec2 has the names of the official SDK's package of the same name.
package ec2

import (
	"context"

	"github.com/tomotrace/tomo/sdk/compat/internal/state"
	"github.com/tomotrace/tomo/sdk/compat/xraylog"
	"github.com/tomotrace/tomo/sdk/plugins"
)

// Origin is what segments say they run on.
const Origin = "AWS::EC2::Instance"

// Init describes where the program runs in all segments that begin later. Of
// several plugins the last one names the origin.
func Init() {
	p, err := plugins.EC2(context.Background())
	if err != nil {
		state.Log(xraylog.LogLevelError, "finding out about ec2: %v", err)
		return
	}
	state.AddPlatform(p)
}

// Metdata is what the official SDK keeps for programs that name it.
//
// Deprecated: nothing gives one.
type Metdata struct {
	AvailabilityZone string
	ImageID          string
	InstanceID       string
	InstanceType     string
}
