package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// source is a bundle that can be read more than once.
type source struct {
	io.ReaderAt

	size int64
}

// reader reads entries and sums them up.
type reader struct {
	tar     *tar.Reader
	sum     hash.Hash
	entries int64
}

func (s source) open() *reader {
	return &reader{tar: tar.NewReader(io.NewSectionReader(s, 0, s.size)), sum: sha256.New()}
}

// next returns the next entry, or io.EOF. Skipping the bytes of the last one costs
// nothing.
func (r *reader) next() (*tar.Header, error) {
	h, err := r.tar.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, core.BadBundle("not a tar file, or cut off: " + err.Error())
	case h.Typeflag != tar.TypeReg:
		return nil, core.BadBundle(fmt.Sprintf("%q is not a file", h.Name))
	}
	return h, nil
}

// take hands the bytes of the present entry to w and takes them into the sum.
func (r *reader) take(h *tar.Header, w io.Writer) ([]byte, error) {
	sum := sha256.New()
	if n, err := io.Copy(io.MultiWriter(w, sum), r.tar); err != nil || n != h.Size {
		return nil, core.BadBundle(fmt.Sprintf("%q is cut off", h.Name))
	}
	r.entries++
	got := sum.Sum(nil)
	addToSum(r.sum, h.Name, h.Size, got)
	return got, nil
}

// small returns the bytes of an entry that must not have more than most.
func (r *reader) small(h *tar.Header, most int64) ([]byte, error) {
	if h.Size > most {
		return nil, core.BadBundle(fmt.Sprintf("%q has %d bytes, more than %d", h.Name, h.Size, most))
	}
	var b bytes.Buffer
	_, err := r.take(h, &b)
	return b.Bytes(), err
}

// manifest reads the first entry.
func (r *reader) manifest() (m Manifest, err error) {
	h, err := r.next()
	if errors.Is(err, io.EOF) || err == nil && h.Name != manifestName {
		return m, core.BadBundle("it does not begin with " + manifestName)
	}
	if err != nil {
		return m, err
	}
	doc, err := r.small(h, maxManifest)
	if err != nil {
		return m, err
	}
	if err := strict(doc, &m); err != nil {
		return m, core.BadBundle(manifestName + ": " + err.Error())
	}
	if m.Format != format {
		return m, core.BadBundle(fmt.Sprintf("its format is %d; this program knows %d", m.Format, format))
	}
	if _, err := core.ParseID[core.Org](m.OrgID); err != nil {
		return m, core.BadBundle("the manifest names no organisation")
	}
	return m, nil
}

func (m *Manifest) org() core.OrgID {
	id, _ := core.ParseID[core.Org](m.OrgID) // was read before
	return id
}

func strict(doc []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("there is more than one value")
	}
	return nil
}

// eachLine yields the lines of an entry.
func eachLine(chunk []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if len(chunk) == 0 || chunk[len(chunk)-1] != '\n' {
			yield(nil, core.BadBundle("an entry of lines does not end with a line"))
			return
		}
		for line := range bytes.Lines(chunk) {
			if len(line) > maxLine+1 {
				yield(nil, core.BadBundle(fmt.Sprintf("a line has more than %d bytes", maxLine)))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

func rowOf(line []byte) (row ports.BundleRow, err error) {
	if err := strict(line, &row); err != nil || row == nil {
		return nil, core.BadBundle("a line is not a row")
	}
	return row, nil
}

// version is what the row of a version says about its blob.
type version struct {
	key, contentType string
	size             int64
	sha256           []byte
}

func versionOf(row ports.BundleRow, org core.OrgID) (v version, err error) {
	var doc struct {
		Key         string `json:"blob_key"`
		ContentType string `json:"content_type"`
		Size        int64  `json:"size_bytes"`
		SHA256      []byte `json:"sha256"`
	}
	line, err := json.Marshal(row)
	if err == nil {
		err = json.Unmarshal(line, &doc)
	}
	switch {
	case err != nil:
		return v, core.BadBundle("a row of " + versionsTable + " is not one")
	case !core.IsVersionKey(org, doc.Key):
		return v, core.BadBundle(fmt.Sprintf("%q is no key of this organisation's bytes", doc.Key))
	case doc.Size < 0:
		return v, core.BadBundle(doc.Key + " has a size below zero")
	}
	return version{doc.Key, doc.ContentType, doc.Size, doc.SHA256}, nil
}

// versions yields what the rows of versions say, in byte order of their keys, each
// key once.
func (s source) versions(org core.OrgID) iter.Seq2[version, error] {
	const dir = tablesDir + versionsTable + "/"
	return func(yield func(version, error) bool) {
		r, last, seen := s.open(), "", false
		for {
			h, err := r.next()
			if errors.Is(err, io.EOF) || err == nil && seen && !strings.HasPrefix(h.Name, dir) {
				return
			}
			if err != nil {
				yield(version{}, err)
				return
			}
			if !strings.HasPrefix(h.Name, dir) {
				if strings.HasPrefix(h.Name, blobsDir) || strings.HasPrefix(h.Name, sumsDir) {
					return
				}
				continue
			}
			seen = true
			chunk, err := r.small(h, maxChunk)
			if err != nil {
				yield(version{}, err)
				return
			}
			for line, err := range eachLine(chunk) {
				var v version
				var row ports.BundleRow
				if err == nil {
					row, err = rowOf(line)
				}
				if err == nil {
					v, err = versionOf(row, org)
				}
				if err == nil && v.key <= last {
					err = core.BadBundle("the rows of " + versionsTable + " are not in order of their keys")
				}
				last = v.key
				if !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}
