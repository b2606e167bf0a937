package doctor

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"net"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine is the machine we are on. Its parts can be replaced in tests.
type Machine struct {
	// Root is where proc and sys are; "" where there are none.
	Root string
	// ReceiveBuffer is how many bytes the kernel holds for the datagram socket at
	// the port; of several the smallest. It is what the kernel counts with, twice
	// what was asked for. 0: there is none.
	ReceiveBuffer func(port int) (int, error)
	// Disk tells of the file system of a directory.
	Disk func(dir string) (Disk, error)
	// Sync is how long a small write to a file of its own in dir and its sync take.
	Sync func(dir string) (time.Duration, error)
}

// Disk is a file system.
type Disk struct {
	Kind              string // such as ext4, tmpfs; "" if not known
	Size, Free        int64  // bytes; Free is what others than root may use
	Inodes, FreeNodes int64  // 0 where there are no such things
}

// ThisMachine looks at the machine itself.
func ThisMachine() *Machine {
	return &Machine{Root: "/", ReceiveBuffer: receiveBuffer, Disk: diskOf, Sync: syncTime}
}

// syncWrites is how many writes are timed. One alone may meet a busy moment.
const syncWrites = 9

// syncTime is the median of a few writes of 4 KiB, each synced.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "doctor-*.tmp") // the server removes what is left of such names
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	took := make([]time.Duration, syncWrites)
	for i := range took {
		before := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(before)
	}
	slices.Sort(took)
	return took[syncWrites/2], nil
}

// socket is one line of the kernel's tables.
type socket struct {
	address netip.AddrPort
	listens bool // TCP only
	inode   string
	drops   int64 // UDP only
}

// sockets reads a table: tcp, tcp6, udp or udp6.
func (m *Machine) sockets(table string) ([]socket, error) {
	text, err := os.ReadFile(filepath.Join(m.Root, "proc/net", table))
	if err != nil {
		return nil, err
	}
	return parseSockets(text), nil
}

// parseSockets reads a table of /proc/net. Lines that make no sense are passed
// over.
//
//	sl  local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops
//	1:  0100007F:07D0 00000000:0000 07 …                          0  0 965992 2 …       0
func parseSockets(text []byte) (list []socket) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 {
			continue
		}
		at, ok := parseAddress(f[1])
		if !ok {
			continue
		}
		s := socket{address: at, listens: f[3] == "0A", inode: f[9]}
		if len(f) > 12 {
			s.drops, _ = strconv.ParseInt(f[12], 10, 64)
		}
		list = append(list, s)
	}
	return list
}

// parseAddress reads an address as the kernel writes it: words of four bytes,
// the last byte first, as all machines that Go runs on with /proc/net have it
// but for big-endian ones, where the check finds no socket and is skipped.
func parseAddress(text string) (at netip.AddrPort, ok bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return at, false
	}
	for i := 0; i < len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	ip, _ := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return at, false
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), true
}

// process is who holds a socket.
type process struct {
	pid  int // 0: not known
	name string
}

func (p process) String() string {
	if p.pid == 0 {
		return "a process that is not ours to see"
	}
	return p.name + " (pid " + strconv.Itoa(p.pid) + ")"
}

// holder finds the process that has the socket open. Those of other users are
// seen by root only.
func (m *Machine) holder(inode string) process {
	links, _ := filepath.Glob(filepath.Join(m.Root, "proc/[0-9]*/fd/*"))
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != "socket:["+inode+"]" {
			continue
		}
		dir := filepath.Dir(filepath.Dir(link))
		pid, _ := strconv.Atoi(filepath.Base(dir))
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return process{pid, strings.TrimSpace(string(name))}
	}
	return process{}
}

// owners are who has the port of the endpoint, where that is on this machine.
type owners struct {
	known    bool
	tcp, udp process
	hasTCP   bool
	hasUDP   bool
	public   bool  // requests are taken on other addresses than loopback ones
	drops    int64 // of the datagram socket
}

// ownersOf looks into the kernel's tables for who has the port at one of ips.
func (m *Machine) ownersOf(ips []netip.Addr, port uint16) (o owners) {
	// A listener on :: has IPv4 too.
	at := func(s socket) bool {
		return s.address.Port() == port && (s.address.Addr().IsUnspecified() || slices.Contains(ips, s.address.Addr()))
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		list, err := m.sockets(table)
		if err != nil {
			continue
		}
		o.known = true
		for _, s := range list {
			switch tcp := strings.HasPrefix(table, "tcp"); {
			case !at(s):
			case tcp && s.listens && !o.hasTCP:
				o.hasTCP, o.tcp, o.public = true, m.holder(s.inode), !s.address.Addr().IsLoopback()
			case !tcp:
				o.drops += s.drops
				if !o.hasUDP {
					o.hasUDP, o.udp = true, m.holder(s.inode)
				}
			}
		}
	}
	return o
}

// memory is how many bytes a process may have, and what says so: the smallest
// limit of its control groups, or the machine's memory. 0: not known. Without a
// pid it is ourselves, as in a container.
func (m *Machine) memory(pid int) (most int64, where string) {
	self := "self"
	if pid != 0 {
		self = strconv.Itoa(pid)
	}
	if text, err := os.ReadFile(filepath.Join(m.Root, "proc/meminfo")); err == nil {
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
				if f := strings.Fields(rest); len(f) == 2 && f[1] == "kB" {
					kib, _ := strconv.ParseInt(f[0], 10, 64)
					most, where = kib<<10, "the memory of the machine"
				}
			}
		}
	}
	text, _ := os.ReadFile(filepath.Join(m.Root, "proc", self, "cgroup"))
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		dir, file := "sys/fs/cgroup", "memory.max"
		switch {
		case part[0] == "0" && part[1] == "":
		case slices.Contains(strings.Split(part[1], ","), "memory"):
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Clean("/" + part[2]); ; group = path.Dir(group) {
			text, err := os.ReadFile(filepath.Join(m.Root, dir, group, file))
			n, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && bad == nil && n < math.MaxInt64/2 && (most == 0 || n < most) {
				most, where = n, "the limit of its control group"
			}
			if group == "/" {
				break
			}
		}
	}
	return most, where
}

// setting is a number under /proc/sys.
func (m *Machine) setting(name string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(m.Root, "proc/sys", name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// addressesOf are the addresses of a host, and whether they are of this machine.
func addressesOf(host string) (ips []netip.Addr, local bool) {
	found, err := net.LookupIP(host)
	if err != nil {
		return nil, false
	}
	ours, _ := net.InterfaceAddrs()
	for _, ip := range found {
		at, _ := netip.AddrFromSlice(ip)
		ips = append(ips, at.Unmap())
		local = local || ip.IsLoopback() || ip.IsUnspecified() || slices.ContainsFunc(ours, func(a net.Addr) bool {
			net, ok := a.(*net.IPNet)
			return ok && net.IP.Equal(ip)
		})
	}
	return ips, local
}

// errNone: there is no such socket.
var errNone = errors.New("there is no such socket")
