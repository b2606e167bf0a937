//go:build !linux

package doctor

import "errors"

func receiveBuffer(int) (int, error) { return 0, errors.ErrUnsupported }

func diskOf(string) (Disk, error) { return Disk{}, errors.ErrUnsupported }
