package contract

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// orderedKeys are keys in byte order: some stores keep directories, whose names
// sort otherwise than the keys.
var orderedKeys = []string{
	"B", "a+b/1", "a-b", "a-b/c", "a/0/1", "a/B", "a/a", "a/a-", "a/a.b/x", "a/b/c/d", "a/é", "a/中", "a0", "aa/1", "b", "é/1", "中",
}

func listOrder(b blobTest) {
	keys := slices.Clone(orderedKeys)
	// Not every store can have a blob both at and below a name.
	keys = slices.DeleteFunc(keys, func(k string) bool { return k == "a-b" })
	for _, i := range rand.Perm(len(keys)) {
		b.put(keys[i], []byte(keys[i]))
	}
	if got := b.list(""); !slices.Equal(got, keys) {
		b.Errorf("List = %q\nwant   %q", got, keys)
	}
	for info, err := range b.List(b.Context(), "") {
		b.must(err)
		if info.Size != int64(len(info.Key)) || info.ModifiedAt.IsZero() {
			b.Errorf("listed: %+v", info)
		}
	}
}

func listPrefix(b blobTest) {
	for _, k := range []string{"org/a/1", "org/a/2", "org/ab/1", "org/b/1", "orgs/1", "x"} {
		b.put(k, []byte("x"))
	}
	for prefix, want := range map[string][]string{
		"org/":     {"org/a/1", "org/a/2", "org/ab/1", "org/b/1"},
		"org":      {"org/a/1", "org/a/2", "org/ab/1", "org/b/1", "orgs/1"},
		"org/a":    {"org/a/1", "org/a/2", "org/ab/1"},
		"org/a/":   {"org/a/1", "org/a/2"},
		"org/a/2":  {"org/a/2"},
		"org/a/2/": nil,
		"org/c":    nil,
		"o":        {"org/a/1", "org/a/2", "org/ab/1", "org/b/1", "orgs/1"},
		"y":        nil,
	} {
		if got := b.list(prefix); !slices.Equal(got, want) {
			b.Errorf("List(%q) = %q, want %q", prefix, got, want)
		}
	}
}

func longList(b blobTest) {
	var want []string
	for i := range 1_030 {
		want = append(want, fmt.Sprintf("org/%04d/f", i))
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(want, 130) {
		wg.Go(func() {
			for _, k := range part {
				b.put(k, []byte("x"))
			}
		})
	}
	wg.Wait()
	if got := b.list(""); !slices.Equal(got, want) {
		b.Errorf("List: %d keys, want %d", len(got), len(want))
	}
	b.must(b.Delete(b.Context(), want...))
	if got := b.list(""); len(got) > 0 {
		b.Errorf("%d keys left", len(got))
	}
}

func listStops(b blobTest) {
	for i := range 5 {
		b.put(fmt.Sprint(i), []byte("x"))
	}
	n := 0
	for _, err := range b.List(b.Context(), "") {
		b.must(err)
		if n++; n == 2 {
			break
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	n = 0
	for _, err := range b.List(ctx, "") {
		n++
		b.wantErr(err, context.Canceled)
	}
	if n != 1 {
		b.Errorf("a list whose context has ended yields %d times, want its error", n)
	}
}
