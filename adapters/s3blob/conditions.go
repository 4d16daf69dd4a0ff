package s3blob

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed-755a8038/coffer/core"
)

const (
	probePrefix  = ".coffer-probe/" // of objects that live for one check
	probeTimeout = 5 * time.Second
	probePause   = 10 * time.Second // between attempts, while the server cannot be reached
)

// conditions knows whether the server honours If-None-Match: *. Some ignore
// it, which no answer but the wrong one shows, so it has to be tried.
type conditions struct {
	state atomic.Int32

	mu   sync.Mutex // held by who tries
	next time.Time  // not before it is tried again, while unknown
}

const (
	unknown int32 = iota
	honoured
	ignored
)

func (c *conditions) settle(honours bool) {
	if honours {
		c.state.Store(honoured)
	} else {
		c.state.Store(ignored)
	}
}

// find tries, unless it is known, or was tried a moment ago, or is being tried.
func (c *conditions) find(ctx context.Context, s *Store) {
	if c.state.Load() != unknown || !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	now := s.signer.now()
	if now.Before(c.next) {
		return
	}
	c.next = now.Add(probePause)
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if honours, err := s.probeConditions(ctx); err == nil {
		c.settle(honours)
	}
}

// CreateOnly implements ports.Blobs. While the server has not been reached, it
// is false: a detour through a staging key is always right.
func (s *Store) CreateOnly() bool { return s.createOnly(context.Background()) }

func (s *Store) createOnly(ctx context.Context) bool {
	s.conditions.find(ctx, s)
	return s.conditions.state.Load() == honoured
}

// probeConditions writes an object twice on the condition that there is none.
// An error means that the server did not decide.
func (s *Store) probeConditions(ctx context.Context) (honours bool, err error) {
	key := probePrefix + rand.Text()
	write := func() error {
		_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &s.bucket, Key: &key, Body: strings.NewReader("probe"), IfNoneMatch: aws.String("*"),
		})
		return err
	}
	if err := write(); err != nil {
		switch status(err) {
		case http.StatusBadRequest, http.StatusNotImplemented: // it says so itself
			return false, nil
		default:
			return false, err
		}
	}
	err = write()
	clean := s.Delete(context.WithoutCancel(ctx), key)
	if errors.Is(failed(ctx, "probe", err), core.ErrBlobExists) {
		return true, clean
	}
	if err != nil && down(err) {
		return false, err
	}
	return false, clean
}
