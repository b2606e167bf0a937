package doctor

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fileSystems are those that the doctor has a word to say about, and the usual
// ones.
var fileSystems = map[int64]string{
	unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs",
	unix.SMB_SUPER_MAGIC: "smb", unix.SMB2_SUPER_MAGIC: "smb", unix.CIFS_SUPER_MAGIC: "cifs", unix.FUSE_SUPER_MAGIC: "fuse",
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
}

func diskOf(dir string) (Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return Disk{}, err
	}
	block := int64(s.Bsize)
	return Disk{
		Kind: fileSystems[int64(s.Type)], Size: int64(s.Blocks) * block, Free: int64(s.Bavail) * block,
		Inodes: int64(s.Files), FreeNodes: int64(s.Ffree),
	}, nil
}

// The kernel is asked for sockets over netlink, as ss does: struct
// inet_diag_req_v2 goes out, for each socket struct inet_diag_msg comes back,
// with attributes behind it. See sock_diag(7).
const (
	diagRequest    = 56 // bytes of inet_diag_req_v2
	diagMessage    = 72 // bytes of inet_diag_msg
	diagMemory     = 7  // INET_DIAG_SKMEMINFO
	byFamily       = 20 // SOCK_DIAG_BY_FAMILY
	receiveMemory  = 1  // SK_MEMINFO_RCVBUF
	maxDiagAnswers = 1 << 20
)

func receiveBuffer(port int) (least int, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, fmt.Errorf("asking the kernel for sockets: %w", err)
	}
	defer unix.Close(fd)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2})
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		n, err := smallestBuffer(fd, family, port)
		if err != nil {
			return 0, fmt.Errorf("asking the kernel for sockets: %w", err)
		}
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if least == 0 {
		return 0, errNone
	}
	return least, nil
}

func smallestBuffer(fd int, family byte, port int) (least int, err error) {
	order := binary.NativeEndian
	request := make([]byte, unix.NLMSG_HDRLEN+diagRequest)
	order.PutUint32(request[0:], uint32(len(request)))
	order.PutUint16(request[4:], byFamily)
	order.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	body := request[unix.NLMSG_HDRLEN:]
	body[0], body[1], body[2] = family, unix.IPPROTO_UDP, 1<<(diagMemory-1)
	order.PutUint32(body[4:], ^uint32(0)) // in any state
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, err
	}
	buffer := make([]byte, 64<<10)
	for range maxDiagAnswers {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			return 0, err
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return 0, err
		}
		for _, m := range messages {
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return least, nil
			case unix.NLMSG_ERROR:
				if len(m.Data) >= 4 {
					if code := int32(order.Uint32(m.Data)); code != 0 {
						return 0, syscall.Errno(-code)
					}
				}
				return least, nil
			}
			if len(m.Data) < diagMessage || int(binary.BigEndian.Uint16(m.Data[4:])) != port {
				continue
			}
			if size := memoryOf(m.Data[diagMessage:], order); size > 0 && (least == 0 || size < least) {
				least = size
			}
		}
	}
	return least, nil
}

// memoryOf finds the receive buffer among the attributes of an answer.
func memoryOf(attributes []byte, order binary.ByteOrder) int {
	const head = int(unsafe.Sizeof(unix.NlAttr{}))
	for len(attributes) >= head {
		length, kind := int(order.Uint16(attributes)), order.Uint16(attributes[2:])
		if length < head || length > len(attributes) {
			return 0
		}
		if value := attributes[head:length]; kind == diagMemory && len(value) >= 4*(receiveMemory+1) {
			return int(order.Uint32(value[4*receiveMemory:]))
		}
		attributes = attributes[min(len(attributes), (length+3)&^3):]
	}
	return 0
}
