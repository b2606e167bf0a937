package localstore

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/tomotrace/tomo"
)

// Encryption at rest. A file is either plain or begins with a header that names
// the key and has a salt; what follows is encrypted with AES-256-GCM under a key
// that HKDF-SHA256 makes for this file alone out of the named key and the salt.
//
//	header = magic (8) | id of the key, padded with zeros (64) | salt (32)
//
// Blocks and settings, which are written once from front to back, go on with
// pieces:
//
//	piece = ciphertext (of 4096 bytes; of 0 to 4096 in the last) | tag (16)
//	nonce = number of the piece (8, big endian) | 0 0 0 | 1 in the last piece, else 0
//
// so that a file cut off at any place does not open. Logs, which are appended to
// and may be cut back, go on with frames as ever, each payload encrypted:
//
//	payload = nonce, random (12) | ciphertext | tag (16)
//	additional data = offset of the frame in the file (8, big endian)
//
// The length of a piece and where frames end are all that a reader without the
// key learns.
const (
	sealedMagic  = "tomoaes1"
	sealedLog    = "tomolog2"
	keyIDRoom    = 64
	saltSize     = 32
	sealedHeader = len(sealedMagic) + keyIDRoom + saltSize
	pieceSize    = 4096
	tagSize      = 16
	nonceSize    = 12
)

// KeySize is the length of a key, in bytes.
const KeySize = 32

// vault makes ciphers of keys.
type vault struct {
	keys func(id string) []byte // nil: there are none
}

// errNoKey is why a file cannot be read.
func errNoKey(id string) error {
	return fmt.Errorf("it is encrypted with the key %s, which is not among the keys given", id)
}

func (v vault) key(id string) ([]byte, error) {
	if v.keys != nil {
		if key := v.keys(id); len(key) == KeySize {
			return key, nil
		}
	}
	return nil, errNoKey(id)
}

// seal makes the header of a new file and its cipher.
func (v vault) seal(magic, id string) (header []byte, c cipher.AEAD, err error) {
	if len(id) > keyIDRoom {
		return nil, nil, fmt.Errorf("the id of a key has %d bytes; the limit is %d", len(id), keyIDRoom)
	}
	header = make([]byte, sealedHeader)
	copy(header, magic)
	copy(header[len(magic):], id)
	rand.Read(header[len(magic)+keyIDRoom:]) // it never fails
	c, err = v.cipher(header)
	return header, c, err
}

// cipher is that of the file with the header.
func (v vault) cipher(header []byte) (cipher.AEAD, error) {
	key, err := v.key(keyID(header))
	if err != nil {
		return nil, err
	}
	magic, salt := string(header[:len(sealedMagic)]), header[len(sealedMagic)+keyIDRoom:]
	own, err := hkdf.Key(sha256.New, key, salt, "tomo "+magic, KeySize)
	if err != nil {
		return nil, err
	}
	blocks, err := aes.NewCipher(own)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(blocks)
}

// keyID is the id of the key that the header names.
func keyID(header []byte) string {
	return string(bytes.TrimRight(header[len(sealedMagic):len(sealedMagic)+keyIDRoom], "\x00"))
}

// create makes a file for what is written once. An id of "" makes a plain one.
func (v vault) create(fs FS, name, id string) (File, error) {
	if id == "" {
		return fs.Create(name)
	}
	header, c, err := v.seal(sealedMagic, id)
	if err != nil {
		return nil, err
	}
	f, err := fs.Create(name)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(header); err != nil {
		f.Close()
		return nil, err
	}
	return &sealedFile{File: f, cipher: c}, nil
}

// open opens a file that create made. It says which key it needs, "" for none.
func (v vault) open(fs FS, name string) (_ File, id string, err error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	size, err := f.Size()
	if err != nil || size < int64(sealedHeader) {
		return f, "", err
	}
	header := make([]byte, sealedHeader)
	if _, err := f.ReadAt(header, 0); err != nil && err != io.EOF {
		return nil, "", err
	}
	if string(header[:len(sealedMagic)]) != sealedMagic {
		return f, "", nil
	}
	id = keyID(header)
	c, err := v.cipher(header)
	if err != nil {
		return nil, id, err
	}
	rest := size - int64(sealedHeader)
	pieces := (rest + pieceSize + tagSize - 1) / (pieceSize + tagSize)
	if pieces == 0 || rest-pieces*tagSize < (pieces-1)*pieceSize {
		return nil, id, fmt.Errorf("%w: an encrypted file ends inside a piece", errCorrupt)
	}
	return &sealedFile{File: f, cipher: c, size: rest - pieces*tagSize, pieces: pieces, finished: true}, id, nil
}

// sealedFile is an encrypted file that is written from front to back, or read.
// Sync ends it: then nothing more can be written.
type sealedFile struct {
	File
	cipher   cipher.AEAD
	pending  []byte // of the piece that is not full
	sealed   []byte // memory
	pieces   int64  // written, or of the file that is read
	size     int64  // of the plain text
	finished bool
}

var errFinished = errors.New("an encrypted file is written once, from front to back")

// Size is the length of the plain text.
func (f *sealedFile) Size() (int64, error) { return f.size, nil }

func (f *sealedFile) WriteAt([]byte, int64) (int, error) { return 0, errFinished }

func (f *sealedFile) Truncate(int64) error { return errFinished }

func (f *sealedFile) Write(b []byte) (n int, err error) {
	if f.finished {
		return 0, errFinished
	}
	for len(b) > 0 {
		// A full piece is kept back: the last one is sealed in another way.
		if len(f.pending) == pieceSize {
			if err := f.flush(false); err != nil {
				return n, err
			}
		}
		taken := min(len(b), pieceSize-len(f.pending))
		f.pending, b = append(f.pending, b[:taken]...), b[taken:]
		n += taken
	}
	return n, nil
}

// flush writes the piece that is pending.
func (f *sealedFile) flush(last bool) error {
	f.sealed = f.cipher.Seal(f.sealed[:0], pieceNonce(f.pieces, last), f.pending, nil)
	if _, err := f.File.Write(f.sealed); err != nil {
		f.finished = true // what is in the file now is anybody's guess
		return err
	}
	f.size += int64(len(f.pending))
	f.pending = f.pending[:0]
	f.pieces++
	return nil
}

func (f *sealedFile) Sync() error {
	if !f.finished {
		if err := f.flush(true); err != nil {
			return err
		}
		f.finished = true
	}
	return f.File.Sync()
}

// ReadAt reads and checks the pieces that hold what is asked for.
func (f *sealedFile) ReadAt(b []byte, offset int64) (n int, err error) {
	if offset < 0 || offset > f.size {
		return 0, io.EOF
	}
	end := min(f.size, offset+int64(len(b)))
	if end > offset {
		first, last := offset/pieceSize, (end-1)/pieceSize
		sealed := make([]byte, min((last+1)*(pieceSize+tagSize), f.size+f.pieces*tagSize)-first*(pieceSize+tagSize))
		if _, err := f.File.ReadAt(sealed, int64(sealedHeader)+first*(pieceSize+tagSize)); err != nil && err != io.EOF {
			return 0, err
		}
		var plain []byte
		for piece := first; piece <= last; piece++ {
			text := sealed[:min(len(sealed), pieceSize+tagSize)]
			sealed = sealed[len(text):]
			plain, err = f.cipher.Open(text[:0], pieceNonce(piece, piece == f.pieces-1), text, nil)
			if err != nil {
				return n, fmt.Errorf("%w: piece %d of an encrypted file is not what was written", errCorrupt, piece)
			}
			n += copy(b[n:], plain[max(0, offset-piece*pieceSize):])
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func pieceNonce(piece int64, last bool) []byte {
	nonce := make([]byte, nonceSize)
	binary.BigEndian.PutUint64(nonce, uint64(piece))
	if last {
		nonce[nonceSize-1] = 1
	}
	return nonce
}

// Encrypt makes the key with the id the one that everything new is encrypted
// with, from now on and after restarts; "" is none, so that all is plain. What is
// there already is written anew by and by, by Maintain and as traces settle.
//
// An error is a *tomo.Error: Invalid if there is no such key, Unavailable if the
// disk failed; then the key is as before.
func (s *Store) Encrypt(_ context.Context, id string) error {
	if id != "" {
		if _, err := s.vault.key(id); err != nil || len(id) > keyIDRoom {
			return &tomo.Error{Code: tomo.Invalid, Message: fmt.Sprintf("there is no key %s", id)}
		}
	}
	s.settleMu.Lock()
	defer s.settleMu.Unlock()
	if id == *s.key.Load() {
		return nil
	}
	s.mu.Lock()
	all := s.state()
	s.mu.Unlock()
	if err := s.manifest.rewrite(all, id); err != nil {
		s.o.Logger.Error("changing the key", "error", err)
		return &tomo.Error{Code: tomo.Unavailable, Message: "the new key could not be written to disk"}
	}
	s.key.Store(&id)
	s.settingsDone.Store(false)
	if err := s.encryptSettings(); err != nil {
		s.o.Logger.Warn("encrypting settings", "error", err) // tried again by Maintain
	}
	if err := s.clearLog(); err != nil {
		s.o.Logger.Warn("giving up log files", "error", err) // tried again in the next round
	}
	return nil
}

// Encryption tells the id of the key that everything new is encrypted with, ""
// for none, and how many files are not yet encrypted with it.
func (s *Store) Encryption() (id string, behind int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = *s.key.Load()
	for _, f := range s.blocks {
		if f.Key != id {
			behind++
		}
	}
	behind += s.wal.behind(id)
	if !s.settingsDone.Load() {
		behind++
	}
	return id, behind
}

// behind is the number of files that are encrypted with another key.
func (w *wal) behind(id string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.files {
		if f.key != id {
			n++
		}
	}
	return n
}

// encryptSettings writes the settings anew that are encrypted with another key
// than they should be.
func (s *Store) encryptSettings() error {
	if s.settingsDone.Load() {
		return nil
	}
	s.settingsMu.Lock()
	defer s.settingsMu.Unlock()
	files, err := s.fs.List(filepath.Join(s.dir, settingsDir))
	if err != nil {
		return fmt.Errorf("looking for settings: %w", err)
	}
	wanted := *s.key.Load()
	for _, file := range files {
		name, isSettings := strings.CutSuffix(file, settingsSuffix)
		if !isSettings {
			continue
		}
		text, key, err := s.settingsText(name)
		if err == nil && key != wanted {
			err = s.replaceSettings(name, text)
		}
		if err != nil {
			return fmt.Errorf("encrypting the settings %s: %w", name, err)
		}
	}
	s.settingsDone.Store(wanted == *s.key.Load())
	return nil
}
