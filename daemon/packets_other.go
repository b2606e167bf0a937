//go:build !linux

package daemon

import "net"

func packetsOf(conn net.PacketConn) packets {
	return &onePacket{from: conn, buffer: make([]byte, maxDatagram+1)}
}
