//go:build !linux

package daemon

import (
	"context"
	"net"
)

// enlarge asks the kernel for a receive buffer of size bytes.
func enlarge(conn *net.UDPConn, size int) { _ = conn.SetReadBuffer(size) }

// watchKernel knows of no way to count what the kernel dropped.
func (d *Door) watchKernel(context.Context, net.PacketConn) {}
