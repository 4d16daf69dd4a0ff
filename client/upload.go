package client

import (
	"context"
	"crypto/md5" //nolint:gosec // see whole
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// ErrChanged reports a file that is not any more what it was when its transfer began.
var ErrChanged = errors.New("the file has changed since the transfer began")

// Transfer says how the bytes of a file travel. The zero value is good for most.
type Transfer struct {
	// Parallel is how many parts of one file travel at once; 0: 4.
	Parallel int

	// Progress hears how many bytes of the file have arrived, by one goroutine at
	// a time. It may be nil.
	Progress func(arrived, total int64)
}

const (
	partsAtOnce = 4
	partsAsked  = 100 // whose URLs are asked for at a time
)

func (t Transfer) parallel() int {
	if t.Parallel <= 0 {
		return partsAtOnce
	}
	return t.Parallel
}

// meter counts what has arrived.
type meter struct {
	mu      sync.Mutex
	arrived int64
	total   int64
	hear    func(arrived, total int64)
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arrived += n
	if m.hear != nil {
		m.hear(m.arrived, m.total)
	}
}

// SHA256 returns the SHA-256 of the first size bytes, in hexadecimal, or ErrChanged
// if there are fewer.
func SHA256(ctx context.Context, r io.ReaderAt, size int64) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, &interruptible{ctx, io.NewSectionReader(r, 0, size)})
	if err == nil && n != size {
		err = ErrChanged
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

// interruptible ends with its context.
type interruptible struct {
	ctx context.Context //nolint:containedctx // a reader has no other way to hear of it
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// UploadFile creates an asset in an org and sends its in.SizeBytes bytes. Unless in
// has a checksum, it is computed first, so that the server verifies what arrives.
// An upload that was broken off goes on by ResumeUpload; created, which may be nil,
// is called with the asset before its bytes are sent.
func (c *Client) UploadFile(
	ctx context.Context, org uuid.UUID, in CreateAssetInput, r io.ReaderAt, t Transfer, created func(*Asset),
) (*Asset, error) {
	if in.ChecksumSha256 == nil {
		sum, err := SHA256(ctx, r, in.SizeBytes)
		if err != nil {
			return nil, err
		}
		in.ChecksumSha256 = &sum
	}
	out, err := c.CreateAsset(ctx, org, &CreateAssetParams{}, in)
	if err != nil {
		return nil, err
	}
	if created != nil {
		created(&out.Asset)
	}
	return c.transfer(ctx, out.Asset.ID, &out.Upload, nil, r, in.SizeBytes, t)
}

// ResumeUpload goes on with the upload of an asset, whoever has begun it: what has
// arrived is not sent again.
func (c *Client) ResumeUpload(ctx context.Context, asset uuid.UUID, r io.ReaderAt, t Transfer) (*Asset, error) {
	arrived, err := c.GetUpload(ctx, asset)
	if err != nil {
		return nil, err
	}
	plan, err := c.SignUploadParts(ctx, asset, SignPartsInput{})
	if err != nil {
		return nil, err
	}
	if arrived.Parts, err = whole(ctx, arrived, r); err != nil {
		return nil, err
	}
	return c.transfer(ctx, asset, plan, arrived, r, arrived.SizeBytes, t)
}

// whole returns the parts that have arrived as they are in the file. Some stores keep
// a part that was broken off, filled up with zeros. Most have the MD5 of a part as its
// ETag; where no part has, nothing is known, and completing the upload finds out.
func whole(ctx context.Context, arrived *Progress, r io.ReaderAt) ([]ArrivedPart, error) {
	var same []ArrivedPart
	for _, p := range arrived.Parts {
		h := md5.New() //nolint:gosec // what S3 has; the SHA-256 of the file is verified
		part := io.NewSectionReader(r, (p.Number-1)*deref(arrived.PartSize), p.SizeBytes)
		if len(p.Etag) != hex.EncodedLen(h.Size()) {
			return arrived.Parts, nil
		}
		if _, err := io.Copy(h, &interruptible{ctx, part}); err != nil {
			return nil, err
		}
		if p.Etag == hex.EncodeToString(h.Sum(nil)) {
			same = append(same, p)
		}
	}
	if len(same) == 0 {
		return arrived.Parts, nil
	}
	return same, nil
}

// SendUpload sends the bytes of an upload that is one of many, and does not
// complete it: see CreateAssets and CompleteUploads, and for datasets
// RegisterIngestAssets and CompleteIngestAssets. What an earlier attempt has sent of
// its parts is not sent again.
func (c *Client) SendUpload(ctx context.Context, asset uuid.UUID, plan *Upload, r io.ReaderAt, size int64, t Transfer) error {
	if plan.Strategy == UploadStrategySingle {
		return c.sendAll(ctx, asset, plan, nil, r, size, t)
	}
	arrived, err := c.GetUpload(ctx, asset)
	if err != nil {
		return err
	}
	if len(arrived.Parts) > 0 {
		if arrived.Parts, err = whole(ctx, arrived, r); err != nil {
			return err
		}
	}
	return c.sendAll(ctx, asset, plan, arrived, r, size, t)
}

// transfer sends what has not arrived, and completes the upload.
func (c *Client) transfer(ctx context.Context, asset uuid.UUID, plan *Upload, arrived *Progress, r io.ReaderAt, size int64, t Transfer) (*Asset, error) {
	if err := c.sendAll(ctx, asset, plan, arrived, r, size, t); err != nil {
		return nil, err
	}
	return c.CompleteUpload(ctx, asset, CompleteInput{UploadID: plan.UploadID})
}

// sendAll sends what has not arrived.
func (c *Client) sendAll(ctx context.Context, asset uuid.UUID, plan *Upload, arrived *Progress, r io.ReaderAt, size int64, t Transfer) error {
	s := &sending{c, &meter{total: size, hear: t.Progress}, r}
	var err error
	if plan.Strategy == UploadStrategySingle {
		if arrived == nil || arrived.ReceivedBytes != size || size == 0 {
			err = s.put(ctx, UploadPart{Headers: deref(plan.Headers), SizeBytes: size, URL: deref(plan.URL)}, 0)
		}
		if isThere(err) { // a PUT that was carried out, and whose answer was lost
			err = nil
		}
		return err
	}
	return s.parts(ctx, asset, plan, arrived, t.parallel())
}

// isThere reports whether a store has refused bytes because it has them. That they
// are the right ones, completing the upload finds out.
func isThere(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusPreconditionFailed || e.Status == http.StatusConflict)
}

// sending is a file on its way.
type sending struct {
	c *Client
	*meter
	r io.ReaderAt
}

func (s *sending) parts(ctx context.Context, asset uuid.UUID, plan *Upload, arrived *Progress, parallel int) error {
	there := make(map[int64]bool)
	if arrived != nil {
		for _, p := range arrived.Parts {
			there[p.Number] = true
			s.add(p.SizeBytes)
		}
	}
	partSize, count := deref(plan.PartSize), deref(plan.PartCount)
	signed := make(map[int64]UploadPart)
	for _, p := range deref(plan.Parts) {
		signed[p.Number] = p
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n := int64(1); n <= count && within.Err() == nil; n++ {
		if there[n] {
			continue
		}
		part, ok := signed[n]
		if !ok {
			more, err := s.c.SignUploadParts(within, asset, SignPartsInput{From: &n, Count: new(int64(partsAsked))})
			if err != nil {
				return errors.Join(err, group.Wait())
			}
			clear(signed)
			for _, p := range deref(more.Parts) {
				signed[p.Number] = p
			}
			if part, ok = signed[n]; !ok {
				return errors.Join(fmt.Errorf("the server signs no part %d", n), group.Wait())
			}
		}
		from := (n - 1) * partSize
		part.SizeBytes = min(partSize, s.total-from)
		group.Go(func() error { return s.put(within, part, from) })
	}
	return group.Wait()
}

// put sends a part of a file, from an offset on, again where that may help.
func (s *sending) put(ctx context.Context, part UploadPart, from int64) error {
	for try := 1; ; try++ {
		var counted atomic.Int64
		body := &counting{io.NewSectionReader(s.r, from, part.SizeBytes), func(n int64) { counted.Add(n); s.add(n) }}
		err := s.c.putOnce(ctx, part, body)
		if err == nil {
			return nil
		}
		s.add(-counted.Load())
		failure, answered := errors.AsType[*Error](err)
		if ctx.Err() != nil || try == attempts || answered && failure.Status < http.StatusInternalServerError && failure.Status != http.StatusTooManyRequests {
			return err
		}
		if err := pause(ctx, try, 0); err != nil {
			return err
		}
	}
}

func (c *Client) putOnce(ctx context.Context, part UploadPart, body io.Reader) error {
	if part.SizeBytes == 0 {
		body = http.NoBody
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, part.URL, body)
	if err != nil {
		return err
	}
	req.ContentLength = part.SizeBytes
	for name, value := range part.Headers {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return &UnreachableError{Server: req.URL.Host, Err: unsigned(err)}
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return problem(resp)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
	return resp.Body.Close()
}

// counting hears of what is read.
type counting struct {
	r    io.Reader
	hear func(n int64)
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 {
		c.hear(int64(n))
	}
	return n, err
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
