package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ErrChecksum reports bytes that are not those of the file.
var ErrChecksum = errors.New("the bytes do not have the file's SHA-256")

// Destination is where the bytes of a file go: an *os.File, for one.
type Destination interface {
	io.ReaderAt
	io.WriterAt
}

// DownloadFile writes the bytes of an asset's current version. have is how many of
// them an earlier download has written, which are read but not fetched again; if
// they turn out not to be the file's, all are. It returns ErrChecksum if the bytes are
// not those that the server has verified.
func (c *Client) DownloadFile(ctx context.Context, asset *Asset, to Destination, have int64, t Transfer) error {
	return c.download(ctx, source{asset.SizeBytes, deref(asset.ChecksumSha256), func(ctx context.Context) (string, error) {
		d, err := c.DownloadAsset(ctx, asset.ID, nil)
		if err != nil {
			return "", err
		}
		return d.DownloadURL, nil
	}}, to, have, t)
}

// source is where the bytes of a file come from.
type source struct {
	size int64
	sum  string // empty: the server does not know it yet
	sign func(ctx context.Context) (url string, err error)
}

// download is DownloadFile of any source.
func (c *Client) download(ctx context.Context, from source, to Destination, have int64, t Transfer) error {
	if have > from.size {
		have = 0
	}
	err := c.downloadOnce(ctx, from, to, have, t)
	if have > 0 && errors.Is(err, ErrChecksum) {
		return c.downloadOnce(ctx, from, to, 0, t)
	}
	return err
}

func (c *Client) downloadOnce(ctx context.Context, from source, to Destination, have int64, t Transfer) error {
	h := sha256.New()
	if _, err := io.Copy(h, &interruptible{ctx, io.NewSectionReader(to, 0, have)}); err != nil {
		return err
	}
	m := &meter{total: from.size, hear: t.Progress}
	m.add(have)
	for try := 1; have < from.size; try++ {
		before := have
		err := c.fetch(ctx, from.sign, have, func(p []byte) error {
			if _, err := to.WriteAt(p, have); err != nil {
				return err
			}
			h.Write(p)
			have += int64(len(p))
			m.add(int64(len(p)))
			return nil
		})
		if err == nil && have < from.size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			break
		}
		if have > before {
			try = 0 // it gets on
		}
		if _, away := errors.AsType[*UnreachableError](err); !away && !errors.Is(err, io.ErrUnexpectedEOF) || try >= attempts || ctx.Err() != nil {
			return err
		}
		if err := pause(ctx, max(try, 1), 0); err != nil {
			return err
		}
	}
	if have != from.size || from.sum != "" && from.sum != hex.EncodeToString(h.Sum(nil)) {
		return ErrChecksum
	}
	return nil
}

const fetchBuffer = 256 << 10

// fetch reads bytes from an offset on. What write returns ends it.
func (c *Client) fetch(ctx context.Context, sign func(context.Context) (string, error), from int64, write func(p []byte) error) error {
	signed, err := sign(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, signed, nil)
	if err != nil {
		return err
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return &UnreachableError{Server: req.URL.Host, Err: unsigned(err)}
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return problem(resp)
	}
	defer func() { _ = resp.Body.Close() }()
	if from > 0 && resp.StatusCode != http.StatusPartialContent {
		return fmt.Errorf("%s does not send a part of the file", req.URL.Host)
	}
	buf := make([]byte, fetchBuffer)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if err := write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &UnreachableError{Server: req.URL.Host, Err: unsigned(err)}
		}
	}
}

// unsigned takes a signed URL out of an error: whoever reads it could use it.
func unsigned(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
