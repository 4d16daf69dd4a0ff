package signedblob

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"strconv"
	"sync"
)

// macs computes the signatures: HMAC-SHA256 over the kind of the request and
// its fields, each with its length, so that no two requests are one text.
type macs struct {
	states *sync.Pool // of keyed states: Reset copies, where New hashes the key
}

func newMACs(key []byte) macs {
	key = slices.Clone(key)
	return macs{states: &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (m macs) put(key, contentType, sum string, size int64, createOnly bool, expires int64) [sha256.Size]byte {
	var buf [1024]byte
	b := append(buf[:0], "coffer blob put 1\n"...)
	b = appendField(b, key)
	b = appendField(b, contentType)
	b = appendField(b, sum)
	b = appendInt(b, size)
	b = appendInt(b, expires)
	b = strconv.AppendBool(b, createOnly)
	return m.sum(b)
}

func (m macs) part(key, uploadID string, number, size, expires int64) [sha256.Size]byte {
	var buf [1024]byte
	b := append(buf[:0], "coffer blob part 1\n"...)
	b = appendField(b, key)
	b = appendField(b, uploadID)
	b = appendInt(b, number)
	b = appendInt(b, size)
	b = appendInt(b, expires)
	return m.sum(b)
}

func (m macs) get(key, contentType, disposition string, expires int64) [sha256.Size]byte {
	var buf [1024]byte
	b := append(buf[:0], "coffer blob get 1\n"...)
	b = appendField(b, key)
	b = appendField(b, contentType)
	b = appendField(b, disposition)
	b = appendInt(b, expires)
	return m.sum(b)
}

func (m macs) sum(text []byte) [sha256.Size]byte {
	h, _ := m.states.Get().(hash.Hash)
	h.Reset()
	h.Write(text)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	m.states.Put(h)
	return sum
}

func appendField(b []byte, s string) []byte {
	b = appendInt(b, int64(len(s)))
	return append(b, s...)
}

func appendInt(b []byte, n int64) []byte {
	return append(strconv.AppendInt(b, n, 10), ':')
}
