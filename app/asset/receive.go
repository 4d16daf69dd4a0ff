package asset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/seed-755a8038/coffer/core"
)

// Staged are bytes that have come through the server and belong to no file yet.
// Adopt or Discard ends them; what a crash leaves, the sweeper removes.
type Staged struct {
	SizeBytes int64
	SHA256    string // hex

	id core.UploadID
}

// Stage keeps what body yields, in bounded memory, for senders that cannot send
// to the store themselves and do not say how much comes. The caller bounds it.
func (s *Service) Stage(ctx context.Context, contentType string, body io.Reader) (*Staged, error) {
	contentType, err := core.CleanContentType("body.content_type", contentType)
	if err != nil {
		return nil, err
	}
	staged := &Staged{id: core.UploadID(s.ids.NewID())}
	sum := sha256.New()
	info, err := s.blobs.Put(ctx, core.StagingKey(staged.id), contentType, io.TeeReader(body, sum))
	if err != nil {
		return nil, err
	}
	staged.SizeBytes, staged.SHA256 = info.Size, hex.EncodeToString(sum.Sum(nil))
	return staged, nil
}

// Discard removes staged bytes that become no file. Best effort: the sweeper
// takes the rest.
func (s *Service) Discard(ctx context.Context, staged *Staged) {
	_ = s.blobs.Delete(context.WithoutCancel(ctx), core.StagingKey(staged.id))
}

// Adopt makes a new file of staged bytes, as Create and Complete do together.
// After an error the bytes are gone.
func (s *Service) Adopt(ctx context.Context, a core.Actor, in CreateInput, staged *Staged) (*core.Asset, error) {
	in.SizeBytes, in.SHA256, in.staged = staged.SizeBytes, staged.SHA256, staged
	created, err := s.Create(ctx, a, in)
	if err != nil {
		s.Discard(ctx, staged)
		return nil, err
	}
	return s.Complete(ctx, a, created.Asset.ID, CompleteInput{UploadID: staged.id})
}
