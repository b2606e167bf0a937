package doctor

import (
	"context"
	"net"
	"net/netip"
	"strconv"
)

// local reports whether the endpoint is on this machine.
func (e *examination) local() bool {
	if e.endpoint == nil {
		return false
	}
	_, local := addressesOf(e.endpoint.Hostname())
	return local
}

func (e *examination) port() int {
	_, text, _ := net.SplitHostPort(e.hostPort())
	port, _ := strconv.Atoi(text)
	return port
}

// checkPorts tells who has the port of the endpoint on this machine, where
// requests come and where datagrams do.
func (e *examination) checkPorts(context.Context) {
	const check = "ports"
	if e.endpoint == nil {
		return
	}
	ips, local := addressesOf(e.endpoint.Hostname())
	if !local {
		e.skip(check, "%s is on another machine.", e.endpoint.Host)
		return
	}
	e.owners = e.o.Machine.ownersOf(ips, uint16(e.port()))
	o, port := &e.owners, e.port()
	if !o.known {
		e.skip(check, "Who has which port cannot be told on this system.")
		return
	}
	switch {
	case e.server == nil && !o.hasTCP && !o.hasUDP:
		e.ok(check, "Port %d is free for tomo serve, for TCP and UDP.", port)
	case e.server == nil && o.hasTCP:
		e.fail(check, "Stop that process, or start tomo serve with another --listen and point clients there.", "TCP port %d is taken by %v.", port, o.tcp)
	case e.server == nil:
		e.fail(check, "Stop that process, often X-Ray's daemon, or start tomo serve with another --listen.", "UDP port %d is taken by %v; TCP is free.", port, o.udp)
	case !o.hasTCP:
		e.ok(check, "Port %d is Tomo's; it listens in another network namespace, such as a container's.", port)
	case o.hasUDP && o.udp != o.tcp:
		e.fail(check, "Stop that process, often X-Ray's daemon, and start the server again, which opens both; or start the server with another --listen.",
			"Requests to port %d go to %v, but datagrams to %v.", port, o.tcp, o.udp)
	case !o.hasUDP:
		e.ok(check, "TCP port %d is taken by %v; UDP is free, so there are no datagrams here.", port, o.tcp)
	default:
		e.ok(check, "Port %d is taken by %v, for TCP and UDP.", port, o.tcp)
	}
}

// wantedBuffer is the receive buffer that a server and a daemon ask for, and
// enlarge is the command that lets them have it.
const (
	wantedBuffer = 16 << 20
	enlarge      = "sysctl -w net.core.rmem_max=16777216"
)

// checkSockets looks at the kernel's side of the datagram door.
func (e *examination) checkSockets(context.Context) {
	to, problem := e.daemonAddress()
	if problem != "" {
		return
	}
	host, text, err := net.SplitHostPort(to)
	if err != nil {
		return
	}
	ips, local := addressesOf(host)
	if !local {
		e.skip("receive-buffer", "Datagrams go to another machine.")
		return
	}
	port, _ := strconv.Atoi(text)
	e.checkBuffer(port)
	e.checkDrops(ips, uint16(port))
}

// checkBuffer asks how large the buffer is, or, where nobody listens yet, how
// large it can become.
func (e *examination) checkBuffer(port int) {
	const check = "receive-buffer"
	const remedy = enlarge + ", kept in a file in /etc/sysctl.d/; then restart the server. With CAP_NET_ADMIN the server takes what it wants."
	got, err := e.o.Machine.ReceiveBuffer(port)
	got /= 2 // the kernel counts its own overhead too
	switch {
	case err == nil && got < wantedBuffer:
		e.warn(check, remedy, "The kernel holds %s of datagrams for port %d; Tomo wants %s, a quarter of a second of heavy traffic.", size(int64(got)), port, size(wantedBuffer))
		return
	case err == nil:
		e.ok(check, "The kernel holds %s of datagrams for port %d.", size(int64(got)), port)
		return
	}
	most, err := e.o.Machine.setting("net/core/rmem_max")
	switch {
	case err != nil:
		e.skip(check, "How large receive buffers may be cannot be told on this system.")
	case most < wantedBuffer:
		e.warn(check, remedy, "net.core.rmem_max lets a socket hold %s of datagrams; Tomo wants %s.", size(most), size(wantedBuffer))
	default:
		e.ok(check, "net.core.rmem_max lets a socket hold %s of datagrams.", size(most))
	}
}

// checkDrops reads the kernel's own counts of the socket.
func (e *examination) checkDrops(ips []netip.Addr, port uint16) {
	const check = "kernel-drops"
	o := e.o.Machine.ownersOf(ips, port)
	switch {
	case !o.hasUDP:
		e.skip(check, "There is no datagram socket at port %d that this machine shows.", port)
	case o.drops > 0:
		e.warn(check, "See receive-buffer; if it is large enough, the process is too slow: give it more processor time, or sample less.",
			"The kernel dropped %d datagrams to port %d as the buffer of %v was full.", o.drops, port, o.udp)
	default:
		e.ok(check, "The kernel dropped no datagram to port %d.", port)
	}
}
