package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed-755a8038/coffer/client"
)

const (
	batchFiles = 1_000
	batchBytes = 1_000 * mB // so that signed URLs are used before they expire
)

// bringer sends the files of a manifest to a session, a batch while the next one is
// read and registered. It holds some batches, and no more.
type bringer struct {
	*sender

	root    *os.Root
	session uuid.UUID

	lately recently // of those that are forgotten, the server says that they are there
	batch  []*brought
	bytes  int64
}

// recently are the paths that came lately: a file can be one of many items.
type recently struct{ seen, before map[string]struct{} }

const remembered = 50_000 // twice: more than can be on their way

// had reports whether a path came lately. From now on it did.
func (r *recently) had(name string) bool {
	_, now := r.seen[name]
	_, earlier := r.before[name]
	if now || earlier {
		return true
	}
	if r.seen == nil || len(r.seen) >= remembered {
		r.seen, r.before = make(map[string]struct{}), r.seen
	}
	r.seen[name] = struct{}{}
	return false
}

func (f *brought) name() string { return filepath.FromSlash(f.local) }

func newBringer(t *transfer, root *os.Root, session uuid.UUID) *bringer {
	b := &bringer{root: root, session: session}
	b.sender = &sender{
		transfer: t, lanes: make(chan struct{}, t.files), tell: b.tell, end: b.end,
		open: func(f *brought) (*os.File, error) { return root.Open(f.name()) },
	}
	return b
}

// run brings what collect finds.
func (b *bringer) run(ctx context.Context, collect func(ctx context.Context, file func(context.Context, manifestFile) error) error) error {
	stages, within := errgroup.WithContext(ctx)
	read, ready := make(chan []*brought, 1), make(chan registered, 1)
	stages.Go(func() error {
		defer close(read)
		err := collect(within, func(ctx context.Context, f manifestFile) error { return b.take(ctx, f, read) })
		if err != nil {
			return err
		}
		return b.pass(within, read)
	})
	stages.Go(func() error {
		defer close(ready)
		for files := range read {
			r, err := b.tell(within, files)
			if err != nil {
				return err
			}
			if err := give(within, ready, r); err != nil {
				return err
			}
		}
		return nil
	})
	stages.Go(func() error {
		for r := range ready {
			if err := b.bring(within, r); err != nil {
				return err
			}
		}
		return nil
	})
	return stages.Wait()
}

func give[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take puts a file into the batch, unless it was in one lately. What is not in the
// folder may be in an earlier version: the server knows.
func (b *bringer) take(ctx context.Context, f manifestFile, read chan<- []*brought) error {
	name := f.Path
	if f.AssetID != uuid.Nil {
		name = "assets/" + f.AssetID.String() // a path of its own, the same each time
		f.Path = name
	}
	if name == "" || b.lately.had(name) {
		return nil
	}
	file := &brought{manifestFile: f}
	if f.AssetID == uuid.Nil {
		if file.local == "" {
			file.local = f.Path
		}
		info, err := b.root.Stat(file.name())
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && info.IsDir():
			return nil
		case err != nil:
			return b.fail(file.local, err)
		case !info.Mode().IsRegular():
			return b.note(event{Action: skipped, Path: file.local, Reason: "left out: it is neither a file nor a folder"})
		}
		file.size = info.Size()
		b.progress.expect(file.size)
	}
	b.batch, b.bytes = append(b.batch, file), b.bytes+file.size
	if len(b.batch) < batchFiles && b.bytes < batchBytes {
		return nil
	}
	return b.pass(ctx, read)
}

// pass hands the batch on.
func (b *bringer) pass(ctx context.Context, read chan<- []*brought) error {
	if len(b.batch) == 0 {
		return nil
	}
	batch := b.batch
	b.batch, b.bytes = nil, 0
	return give(ctx, read, batch)
}

// tell tells the server of files, which it reads for their sums.
func (b *bringer) tell(ctx context.Context, files []*brought) (out registered, err error) {
	if err := b.summed(ctx, files); err != nil {
		return out, err
	}
	in := client.IngestAssetsInput{SessionID: b.session}
	for _, f := range files {
		switch {
		case f.AssetID != uuid.Nil:
			in.Assets = append(in.Assets, client.IngestAssetInput{Path: &f.Path, AssetID: &f.AssetID})
		case f.sum != "":
			asset := client.IngestAssetInput{Path: &f.Path, SizeBytes: &f.size, ChecksumSha256: &f.sum}
			if kind := contentTypeOf(f.Path); kind != "" {
				asset.ContentType = &kind
			}
			in.Assets = append(in.Assets, asset)
		default:
			continue // it could not be read
		}
		out.files = append(out.files, f)
	}
	if len(out.files) == 0 {
		return out, nil
	}
	answer, err := again(ctx, func() (*client.IngestAssetsOutput, error) { return b.client.RegisterIngestAssets(ctx, in) })
	if err != nil {
		return out, blamed(err, out.files)
	}
	if len(answer.Items) != len(out.files) {
		return out, fmt.Errorf("the server answers %d files by %d", len(out.files), len(answer.Items))
	}
	out.items = answer.Items
	return out, nil
}

// end completes uploads.
func (b *bringer) end(ctx context.Context, some []client.EndedInput) (*client.EndedOutput, error) {
	return b.client.CompleteIngestAssets(ctx, client.IngestCompleteInput{SessionID: b.session, Assets: some})
}

var placeInBatch = regexp.MustCompile(`^body\.assets\[(\d+)\]`)

// blamed names the file that a refusal of many is about.
func blamed(err error, files []*brought) error {
	e, ok := errors.AsType[*client.Error](err)
	if !ok || len(e.Errors) == 0 {
		return err
	}
	at := placeInBatch.FindStringSubmatch(e.Errors[0].Location)
	if at == nil {
		return err
	}
	n, aerr := strconv.Atoi(at[1])
	if aerr != nil || n >= len(files) {
		return err
	}
	return &Error{Code: ExitUsage, What: plain(files[n].Path) + ": " + e.Errors[0].Message, Next: "rename the file, or correct the manifest", Err: err}
}

// again asks again while the server is away. It is for what does no harm twice.
func again[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	const tries = 6
	for try := 1; ; try++ {
		out, err := ask()
		if err == nil || try == tries || ctx.Err() != nil || !lost(err) {
			return out, err
		}
		if err := sleep(ctx, pauseBefore(try)); err != nil {
			return out, err
		}
	}
}

// lost reports whether an answer may have been lost.
func lost(err error) bool {
	_, away := errors.AsType[*client.UnreachableError](err)
	e, answered := errors.AsType[*client.Error](err)
	return away || answered && e.Status >= http.StatusInternalServerError
}

// pauseBefore is how long to wait before the next try.
func pauseBefore(try int) time.Duration {
	const first, longest = 500 * time.Millisecond, 8 * time.Second
	return min(first<<(try-1), longest)
}
