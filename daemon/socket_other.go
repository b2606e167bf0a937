//go:build !linux

package daemon

import (
	"context"
	"net"
)

type socket interface{ SetReadBuffer(int) error }

// enlarge asks the kernel for a receive buffer of size bytes; it may grant less.
func enlarge(conn socket, size int) { _ = conn.SetReadBuffer(size) }

// bufferOf is not known.
func bufferOf(net.PacketConn) int { return 0 }

// watchKernel does nothing: only Linux tells what it dropped.
func (r *reader) watchKernel(context.Context, net.PacketConn) {}
