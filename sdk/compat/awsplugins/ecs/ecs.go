// Package ecs has the names of the official SDK's package of the same name.
package ecs

import (
	"os"

	"github.com/tomotrace/tomo/sdk"
	"github.com/tomotrace/tomo/sdk/compat/internal/state"
	"github.com/tomotrace/tomo/sdk/compat/xraylog"
)

// Origin is what segments say they run on.
const Origin = "AWS::ECS::Container"

// Init describes the container in all segments that begin later. Of several
// plugins the last one names the origin. As the official one it does not ask
// whether this is ECS.
func Init() {
	name, err := os.Hostname()
	if err != nil {
		state.Log(xraylog.LogLevelError, "asking for the name of the host: %v", err)
		return
	}
	state.AddPlatform(sdk.Platform{Origin: Origin, Name: "ecs", Data: map[string]any{"container": name}})
}
