package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/seed-755a8038/coffer/client"
)

// hopelessly reports whether other files would fail of the same. A store that is
// away for a moment is asked again in the next round.
func (b *bringer) hopelessly(err error) bool {
	return err != nil && !lost(err) && b.hopeless(err)
}

func (b *bringer) send(ctx context.Context, f *brought, item *client.IngestAsset) error {
	return b.open(f, func(file *os.File) error {
		how := client.Transfer{Parallel: b.parts, Progress: b.shows(f)}
		return b.client.SendUpload(ctx, item.Asset.ID, item.Upload, file, f.size, how)
	})
}

// shows is how a file tells its progress, in each round anew.
func (b *bringer) shows(f *brought) func(arrived, total int64) {
	return func(arrived, _ int64) {
		b.progress.add(arrived - f.had)
		f.had = arrived
	}
}

// completed completes what was sent.
func (b *bringer) completed(ctx context.Context, r registered, sent []error) (left []*brought, why []error, err error) {
	in := client.IngestCompleteInput{SessionID: b.session}
	var at []int
	for i := range r.files {
		switch {
		case sent[i] != nil:
			left, why = append(left, r.files[i]), append(why, sent[i])
		case r.items[i].Upload != nil:
			in.Assets = append(in.Assets, client.IngestEndedInput{AssetID: r.items[i].Asset.ID, UploadID: r.items[i].Upload.UploadID})
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return left, why, nil
	}
	var ended []client.IngestEnded
	for some := range slices.Chunk(in.Assets, endFiles) {
		asked := client.IngestCompleteInput{SessionID: b.session, Assets: some}
		answer, err := again(ctx, func() (*client.IngestEndedOutput, error) { return b.client.CompleteIngestAssets(ctx, asked) })
		if err != nil {
			return nil, nil, err
		}
		ended = append(ended, answer.Items...)
	}
	if len(ended) != len(at) {
		return nil, nil, fmt.Errorf("the server answers %d uploads by %d", len(at), len(ended))
	}
	for n, done := range ended {
		f := r.files[at[n]]
		if !done.Ready {
			left = append(left, f)
			why = append(why, &client.Error{Status: http.StatusConflict, Code: done.Error.Code, Title: done.Error.Message})
			continue
		}
		if err := b.note(event{Action: acted, Path: f.local, To: r.items[at[n]].Path, Bytes: f.size}); err != nil {
			return nil, nil, err
		}
	}
	return left, why, nil
}
