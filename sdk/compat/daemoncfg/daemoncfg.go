// Package daemoncfg has the names of the official SDK's package of the same name.
package daemoncfg

import (
	"fmt"
	"net"
	"os"

	"github.com/tomotrace/tomo/sdk"
)

// DaemonEndpoints are the two sides of the daemon.
type DaemonEndpoints struct {
	UDPAddr *net.UDPAddr
	TCPAddr *net.TCPAddr
}

// GetDaemonEndpoints are those of the environment, else the default.
func GetDaemonEndpoints() *DaemonEndpoints {
	e, err := GetDaemonEndpointsFromEnv()
	if err != nil {
		panic(err)
	}
	if e == nil {
		return GetDefaultDaemonEndpoints()
	}
	return e
}

// GetDaemonEndpointsFromEnv reads AWS_XRAY_DAEMON_ADDRESS; nil if it is not set.
func GetDaemonEndpointsFromEnv() (*DaemonEndpoints, error) {
	return resolve(os.Getenv("AWS_XRAY_DAEMON_ADDRESS"))
}

// GetDefaultDaemonEndpoints is 127.0.0.1:2000.
func GetDefaultDaemonEndpoints() *DaemonEndpoints {
	ip := net.IPv4(127, 0, 0, 1)
	return &DaemonEndpoints{UDPAddr: &net.UDPAddr{IP: ip, Port: 2000}, TCPAddr: &net.TCPAddr{IP: ip, Port: 2000}}
}

// GetDaemonEndpointsFromString reads the environment, else dAddr; nil if neither is set.
func GetDaemonEndpointsFromString(dAddr string) (*DaemonEndpoints, error) {
	if env := os.Getenv("AWS_XRAY_DAEMON_ADDRESS"); env != "" {
		dAddr = env
	}
	return resolve(dAddr)
}

func resolve(text string) (*DaemonEndpoints, error) {
	if text == "" {
		return nil, nil
	}
	udp, tcp, err := sdk.ParseDaemonAddress(text)
	if err != nil {
		return nil, fmt.Errorf("invalid daemon address: %s: %w", text, err)
	}
	var e DaemonEndpoints
	if e.UDPAddr, err = net.ResolveUDPAddr("udp", udp); err != nil {
		return nil, err
	}
	if e.TCPAddr, err = net.ResolveTCPAddr("tcp", tcp); err != nil {
		return nil, err
	}
	return &e, nil
}

// String is the form that sdk.ParseDaemonAddress reads.
func (e *DaemonEndpoints) String() string {
	return "udp:" + e.UDPAddr.String() + " tcp:" + e.TCPAddr.String()
}
