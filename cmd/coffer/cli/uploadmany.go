package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/google/uuid"

	"github.com/seed-755a8038/coffer/client"
)

const (
	smallSize  = 8 * mB // up to here a file is one of many, which the server hears of together
	smallPath  = 4_000  // bytes
	smallBatch = 250    // files
	smallBytes = 64 * mB
)

// smallFile is one of many, and what its folder has in its place.
type smallFile struct {
	*brought

	there *client.Node
}

// smallFiles are those that the server has not heard of yet.
type smallFiles struct {
	drive uuid.UUID
	files []smallFile
	bytes int64
}

// whole uploads what walk finds.
func (u *uploader) whole(ctx context.Context, walk func() error) error {
	if err := walk(); err != nil {
		return err
	}
	return u.flush(ctx)
}

// gather puts a file to others that are sent with it.
func (u *uploader) gather(ctx context.Context, f smallFile, drive uuid.UUID) error {
	u.progress.expect(f.size)
	u.small.drive = drive
	u.small.files, u.small.bytes = append(u.small.files, f), u.small.bytes+f.size
	if len(u.small.files) < smallBatch && u.small.bytes < smallBytes {
		return nil
	}
	return u.flush(ctx)
}

// flush sends the files that were gathered, while others are looked for.
func (u *uploader) flush(ctx context.Context) error {
	some := u.small
	u.small = smallFiles{}
	if len(some.files) == 0 {
		return nil
	}
	u.group.Go(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return u.many(ctx, some)
	})
	return nil
}

// many sends files of which the server hears at once.
func (u *uploader) many(ctx context.Context, some smallFiles) error {
	s := &sender{transfer: u.transfer, lanes: u.lanes, sums: u.sums, open: func(f *brought) (*os.File, error) { return os.Open(f.local) }}
	s.tell = func(ctx context.Context, files []*brought) (registered, error) {
		return u.tellMany(ctx, s, some.drive, files)
	}
	s.end = func(ctx context.Context, ended []client.EndedInput) (*client.EndedOutput, error) {
		return u.client.CompleteUploads(ctx, some.drive, client.CompleteUploadsInput{Assets: ended})
	}
	all := make([]*brought, len(some.files))
	for i, f := range some.files {
		all[i] = f.brought
	}
	if err := s.summed(ctx, all); err != nil {
		return err
	}
	var missing []*brought
	for _, f := range some.files {
		switch {
		case f.sum == "": // it could not be read
		case same(f.there, f.size, f.sum):
			s.shows(f.brought)(f.size, f.size)
			if err := u.note(event{Action: kept, Path: f.local, To: f.to}); err != nil {
				return err
			}
		case u.dryRun:
			if err := u.note(event{Action: acted, Path: f.local, To: f.to, Bytes: f.size}); err != nil {
				return err
			}
		default:
			missing = append(missing, f.brought)
		}
	}
	r, err := u.register(ctx, some.drive, missing)
	if err != nil {
		return err
	}
	return s.bring(ctx, r)
}

// tellMany registers files once more, as they are now.
func (u *uploader) tellMany(ctx context.Context, s *sender, drive uuid.UUID, files []*brought) (registered, error) {
	if err := s.summed(ctx, files); err != nil {
		return registered{}, err
	}
	return u.register(ctx, drive, files)
}

// register registers files, of which some may be refused.
func (u *uploader) register(ctx context.Context, drive uuid.UUID, files []*brought) (out registered, err error) {
	in := client.CreateAssetsInput{OnConflict: new(client.CreateAssetsInputOnConflict(u.conflict))}
	for _, f := range files {
		if f.sum == "" {
			continue
		}
		asset := client.BatchAssetInput{Path: f.Path, SizeBytes: f.size, ChecksumSha256: &f.sum}
		if kind := contentTypeOf(f.Path); kind != "" {
			asset.ContentType = &kind
		}
		in.Assets, out.files = append(in.Assets, asset), append(out.files, f)
	}
	if len(in.Assets) == 0 {
		return out, nil
	}
	answer, err := again(ctx, func() (*client.CreateAssetsOutput, error) { return u.client.CreateAssets(ctx, drive, in) })
	if err != nil {
		return registered{}, u.failAll(out.files, err)
	}
	if len(answer.Items) != len(in.Assets) {
		return registered{}, fmt.Errorf("the server answers %d files by %d", len(in.Assets), len(answer.Items))
	}
	all := out.files
	out.files = nil
	for i, item := range answer.Items {
		if item.Error != nil {
			if err := u.fail(all[i].local, problemOf(item.Error)); err != nil {
				return registered{}, err
			}
			continue
		}
		out.files = append(out.files, all[i])
		out.items = append(out.items, client.IngestAsset{Path: item.Path, Asset: *item.Asset, Upload: item.Upload})
	}
	return out, nil
}

// failAll notes that files could not be transferred, all for the same reason.
func (u *uploader) failAll(files []*brought, err error) error {
	for _, f := range files {
		if err := u.fail(f.local, err); err != nil {
			return err
		}
	}
	return nil
}
