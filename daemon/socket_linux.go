package daemon

import (
	"context"
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is what net.UDPConn and net.UnixConn have in common here.
type socket interface {
	syscall.Conn
	SetReadBuffer(int) error
}

// enlarge asks the kernel for a receive buffer of size bytes, beyond the
// machine's limit where we may.
func enlarge(conn socket, size int) {
	_ = conn.SetReadBuffer(size)
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size)
		})
	}
}

// bufferOf is how much the kernel holds for a socket, in bytes, with what it
// needs itself for each datagram.
func bufferOf(conn net.PacketConn) (size int) {
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { size, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF) })
		}
	}
	return size
}

// watchKernel counts, once a second and when ctx ends, the datagrams that the
// kernel had no room for.
func (r *reader) watchKernel(ctx context.Context, conn net.PacketConn) {
	c, ok := conn.(*net.UDPConn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	before, ok := kernelDrops(raw)
	if !ok {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ended = true
		}
		now, ok := kernelDrops(raw)
		if !ok {
			return
		}
		if n := int(now - before); n > 0 { // the kernel's count wraps around, and so does this
			before = now
			r.count.KernelDropped.Add(int64(n))
			r.kernelDropped(n)
		}
	}
}

// kernelDrops is the number of datagrams that did not fit into the socket's
// receive buffer since it was opened.
func kernelDrops(raw syscall.RawConn) (n uint32, ok bool) {
	_ = raw.Control(func(fd uintptr) {
		const drops = 8 // SK_MEMINFO_DROPS
		var info [drops + 1]uint32
		size := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		n, ok = info[drops], errno == 0 && size == uint32(unsafe.Sizeof(info))
	})
	return n, ok
}
