package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/seed-755a8038/coffer/core"
)

// Verify reads a whole bundle and checks what can be checked without a server:
// that nothing is missing, added, damaged or out of its place, that every row is
// of the one org, and that every version has its bytes or says why not.
func Verify(r io.ReaderAt, size int64) (*Summary, error) {
	s := source{r, size}
	rd := s.open()
	m, err := rd.manifest()
	if err != nil {
		return nil, err
	}
	v := &verifier{reader: rd, out: &Summary{Manifest: m, Slug: m.Slug}}
	next, stop := iter.Pull2(s.versions(m.org()))
	defer stop()
	v.version = next
	for {
		h, err := rd.next()
		if errors.Is(err, io.EOF) {
			return nil, core.BadBundle("its end is missing")
		}
		if err != nil {
			return nil, err
		}
		if h.Name == endName {
			return v.out, v.end(h)
		}
		if err := v.entry(h); err != nil {
			return nil, err
		}
	}
}

// verifier knows where in a bundle it is.
type verifier struct {
	*reader

	out     *Summary
	version func() (version, error, bool) // the next of the versions
	place   int                           // the users, then the tables of the manifest, then the bytes
	chunk   int                           // the last one read there
	rows    int64                         // of the present table
	blobs   []blobLine                    // whose sums have not been said yet
}

// entry checks one entry that is not the end.
func (v *verifier) entry(h *tar.Header) error {
	if key, ok := strings.CutPrefix(h.Name, blobsDir); ok {
		return v.blob(h, key)
	}
	dir := h.Name[:strings.LastIndexByte(h.Name, '/')+1]
	if err := v.move(dir); err != nil {
		return err
	}
	v.chunk++
	if h.Name != chunkName(dir, v.chunk) {
		return core.BadBundle(fmt.Sprintf("%q is not where it belongs", h.Name))
	}
	chunk, err := v.small(h, maxChunk)
	if err != nil {
		return err
	}
	for line, err := range eachLine(chunk) {
		if err == nil {
			err = v.line(dir, line)
		}
		if err != nil {
			return err
		}
	}
	if dir == sumsDir && len(v.blobs) > 0 {
		return core.BadBundle("there are bytes of " + v.blobs[0].Key + ", of which nothing is said")
	}
	return nil
}

// places are the directories of lines in the order of a bundle.
func (m *Manifest) places() []string {
	all := []string{usersDir}
	for _, t := range m.Tables {
		all = append(all, tablesDir+t.Name+"/")
	}
	return append(all, sumsDir)
}

// move goes on to dir, which must not lie behind.
func (v *verifier) move(dir string) error {
	places := v.out.Manifest.places()
	for places[v.place] != dir {
		if err := v.leave(); err != nil {
			return err
		}
		if v.place++; v.place == len(places) {
			return core.BadBundle(fmt.Sprintf("entries of %q are not where they belong", dir))
		}
		v.chunk, v.rows = 0, 0
	}
	return nil
}

// leave checks that all rows of the present table have come.
func (v *verifier) leave() error {
	tables := v.out.Manifest.Tables
	if i := v.place - 1; i >= 0 && i < len(tables) && v.rows != tables[i].Rows {
		return core.BadBundle(fmt.Sprintf("%s has %d rows; the manifest says %d", tables[i].Name, v.rows, tables[i].Rows))
	}
	return nil
}

func (v *verifier) line(dir string, line []byte) error {
	switch dir {
	case usersDir:
		v.out.Users++
		_, err := userOf(line)
		return err
	case sumsDir:
		return v.sum(line)
	}
	row, err := rowOf(line)
	if err != nil {
		return err
	}
	v.rows++
	v.out.Rows++
	if org, ok := row["org_id"]; ok && org != v.out.Manifest.OrgID {
		return core.BadBundle(fmt.Sprintf("a row in %s is of another organisation", dir))
	}
	return nil
}

func userOf(line []byte) (u bundleUser, err error) {
	if err := strict(line, &u); err != nil || u.ID.IsZero() || u.Email == "" {
		return u, core.BadBundle("a line is not a user")
	}
	return u, nil
}

// blob reads bytes, of which the next sums will speak.
func (v *verifier) blob(h *tar.Header, key string) error {
	if !core.IsVersionKey(v.out.Manifest.org(), key) {
		return core.BadBundle(fmt.Sprintf("%q is no key of this organisation's bytes", key))
	}
	if err := v.move(sumsDir); err != nil {
		return err
	}
	if len(v.blobs) == sumsEvery {
		return core.BadBundle("of too many bytes nothing is said")
	}
	sum, err := v.take(h, io.Discard)
	v.blobs = append(v.blobs, blobLine{Key: key, Size: h.Size, SHA256: sum})
	return err
}

// sum compares what is said of a blob with its bytes and with its version.
func (v *verifier) sum(line []byte) error {
	var said blobLine
	if err := strict(line, &said); err != nil {
		return core.BadBundle("a line of sums is none")
	}
	of, err, ok := v.version()
	if err != nil {
		return err
	}
	if !ok || of.key != said.Key || of.size != said.Size {
		return core.BadBundle(fmt.Sprintf("%q is not the key and size of the version whose turn it is", said.Key))
	}
	if said.Missing != "" {
		v.out.lose(said.Key, said.Missing)
		return nil
	}
	if len(v.blobs) == 0 || v.blobs[0].Key != said.Key {
		return core.BadBundle("the bytes of " + said.Key + " are not where they belong")
	}
	got := v.blobs[0]
	v.blobs = v.blobs[1:]
	if got.Size != said.Size || !bytes.Equal(got.SHA256, said.SHA256) || of.sha256 != nil && !bytes.Equal(got.SHA256, of.sha256) {
		return core.BadBundle("the bytes of " + said.Key + " have another size or SHA-256")
	}
	v.out.Blobs++
	v.out.Bytes += got.Size
	return nil
}

// end checks that all has come, and the sum of all.
func (v *verifier) end(h *tar.Header) error {
	if err := v.move(sumsDir); err != nil {
		return err
	}
	if _, err, more := v.version(); err != nil || more || len(v.blobs) > 0 {
		return errors.Join(err, core.BadBundle("not all versions have bytes, or the other way round"))
	}
	entries, sum := v.entries, v.reader.sum.Sum(nil)
	doc, err := v.small(h, maxManifest)
	if err != nil {
		return err
	}
	var said endLine
	if err := strict(doc, &said); err != nil || said.Entries != entries || !bytes.Equal(said.SHA256, sum) {
		return core.BadBundle("its checksum is another: it was damaged or changed")
	}
	if _, err := v.next(); !errors.Is(err, io.EOF) {
		return core.BadBundle("something follows its end")
	}
	return nil
}
