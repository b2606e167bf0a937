package server

import (
	"context"
	"fmt"

	"github.com/tomotrace/tomo/api"
)

// Encryption is what data at rest is encrypted with: a store that can be told,
// and the keys there are.
type Encryption struct {
	Store interface {
		// Encrypt makes the key with the id the one that everything is encrypted
		// with; "" is none.
		Encrypt(ctx context.Context, id string) error
		// Encryption tells the key, and how many files are not yet encrypted with it.
		Encryption() (id string, behind int)
	}
	// Find finds the id of the key that a request names by id, alias or ARN.
	Find func(name string) (id string, found bool)
	// Keys lists the keys that may be chosen. nil: none is told.
	Keys func() []api.EncryptionKey
}

// plain is a store that is never encrypted.
type plain struct{}

func (plain) Encrypt(context.Context, string) error { return nil } // no key is ever found for it

func (plain) Encryption() (string, int) { return "", 0 }

// The values of EncryptionConfig.Type.
const (
	noEncryption  = "NONE"
	kmsEncryption = "KMS"
)

func (s *Services) getEncryptionConfig(context.Context, *api.Empty) (*api.EncryptionConfigResponse, error) {
	return &api.EncryptionConfigResponse{EncryptionConfig: s.encryptionConfig()}, nil
}

func (s *Services) encryptionConfig() api.EncryptionConfig {
	id, behind := s.encryption.Store.Encryption()
	config := api.EncryptionConfig{Status: "ACTIVE", Type: noEncryption}
	if behind > 0 {
		config.Status = "UPDATING"
	}
	if id != "" {
		config.Type, config.KeyID = kmsEncryption, new(s.settings.KeyARN(id))
	}
	return config
}

// putEncryptionConfig changes the key. X-Ray: the answer says UPDATING; what was
// written before has to follow.
func (s *Services) putEncryptionConfig(ctx context.Context, request *api.PutEncryptionConfigRequest) (*api.EncryptionConfigResponse, error) {
	id := ""
	switch {
	case *request.Type == noEncryption && request.KeyID != "":
		return nil, api.Invalid("KeyId may not be given with the type NONE")
	case *request.Type == kmsEncryption && request.KeyID == "":
		return nil, api.Invalid("KeyId is required with the type KMS")
	case *request.Type == kmsEncryption:
		found := false
		if s.encryption.Find != nil {
			id, found = s.encryption.Find(request.KeyID)
		}
		if !found {
			return nil, api.Invalid(fmt.Sprintf("There is no key %s. The server has the keys of the file that --encryption-keys names; tomo keys add makes them", request.KeyID))
		}
	}
	if err := s.encryption.Store.Encrypt(ctx, id); err != nil {
		return nil, err
	}
	config := s.encryptionConfig()
	config.Status = "UPDATING"
	return &api.EncryptionConfigResponse{EncryptionConfig: config}, nil
}
