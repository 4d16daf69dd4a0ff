package fsblob

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"
)

const (
	chunkSize  = 256 << 10 // bytes: below it, the calls cost more than the bytes
	chunkCount = 4         // being filled, hashed, written; one to spare
)

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// copyHashed copies r to w and returns the number of bytes and their SHA-256.
// It hashes a chunk while it writes it and reads the next, so that the slowest
// of the three sets the pace, not their sum.
func copyHashed(w io.Writer, r io.Reader) (int64, [sha256.Size]byte, error) {
	h := sha256.New()
	n, err := pipe(w, r, h)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return n, sum, err
}

func pipe(w io.Writer, r io.Reader, h hash.Hash) (int64, error) {
	first, _ := chunks.Get().(*[chunkSize]byte)
	n, err := readFull(r, first[:])
	if err != nil { // all there is fits one chunk: not worth a goroutine
		defer chunks.Put(first)
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		h.Write(first[:n])
		n, err := w.Write(first[:n])
		return int64(n), err
	}

	var wg sync.WaitGroup
	hashing := make(chan []byte, chunkCount)
	idle := make(chan *[chunkSize]byte, chunkCount)
	for range chunkCount - 1 {
		c, _ := chunks.Get().(*[chunkSize]byte)
		idle <- c
	}
	wg.Go(func() {
		for b := range hashing {
			h.Write(b)
			idle <- (*[chunkSize]byte)(b[:chunkSize])
		}
	})
	total, err := feed(w, r, first[:n], hashing, idle)
	close(hashing)
	wg.Wait()
	for range chunkCount {
		chunks.Put(<-idle)
	}
	return total, err
}

// feed hands every chunk, beginning with b, to hashing, and writes it. Every
// chunk it takes from idle goes to hashing, which gives it back.
func feed(w io.Writer, r io.Reader, b []byte, hashing chan<- []byte, idle <-chan *[chunkSize]byte) (int64, error) {
	var total int64
	for last := false; ; {
		hashing <- b
		// The hasher may return the chunk before it is written; it is only
		// taken again below, after that.
		n, err := w.Write(b)
		total += int64(n)
		if err != nil || last {
			return total, err
		}
		c := <-idle
		n, err = readFull(r, c[:])
		last = err != nil
		b = c[:n]
		if last && !errors.Is(err, io.EOF) {
			hashing <- c[:0]
			return total, err
		}
	}
}

// readFull fills b. Unlike io.ReadFull it reports the regular end as io.EOF
// even after some bytes, so that a reader's own io.ErrUnexpectedEOF remains a failure.
func readFull(r io.Reader, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := r.Read(b[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
