package daemon

import (
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// slots is how many datagrams are read with one call.
const slots = 64

// packetsOf reads many datagrams with one call from what is a socket.
func packetsOf(conn net.PacketConn) packets {
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return newManyPackets(raw)
		}
	}
	return &onePacket{from: conn, buffer: make([]byte, maxDatagram+1)}
}

// manyPackets reads by recvmmsg(2). Of the buffer, which is large enough for the
// longest datagrams, only the pages that are written to take memory.
type manyPackets struct {
	raw      syscall.RawConn
	buffer   []byte
	messages [slots]message
	pieces   [slots]unix.Iovec
	n        int
	errno    syscall.Errno
	receive  func(fd uintptr) bool // made once: a closure for each read would be garbage
}

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
}

func newManyPackets(raw syscall.RawConn) *manyPackets {
	p := &manyPackets{raw: raw, buffer: make([]byte, slots*maxDatagram)}
	for i := range p.messages {
		p.pieces[i].Base = &p.buffer[i*maxDatagram]
		p.pieces[i].SetLen(maxDatagram)
		p.messages[i].header.Iov = &p.pieces[i]
		p.messages[i].header.SetIovlen(1)
	}
	p.receive = func(fd uintptr) bool {
		for {
			n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&p.messages[0])), slots, unix.MSG_DONTWAIT, 0, 0)
			p.n, p.errno = int(n), errno
			if errno != unix.EINTR {
				return errno != unix.EAGAIN
			}
		}
	}
	return p
}

func (p *manyPackets) read() (int, error) {
	if err := p.raw.Read(p.receive); err != nil {
		return 0, err
	}
	if p.errno != 0 {
		return 0, os.NewSyscallError("recvmmsg", p.errno)
	}
	return p.n, nil
}

func (p *manyPackets) datagram(i int) ([]byte, bool) {
	from, m := i*maxDatagram, &p.messages[i]
	return p.buffer[from : from+int(m.length)], m.header.Flags&unix.MSG_TRUNC == 0
}

func (p *manyPackets) most() int { return slots }
