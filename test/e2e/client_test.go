package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	coffer "github.com/seed-755a8038/coffer/client"
)

// TestAProgramUsesTheClient: what a program of somebody else does with the Go
// package, on a real server.
func TestAProgramUsesTheClient(t *testing.T) {
	tell(t, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true", "COFFER_AUTH_ACCESS_TTL": "2s"}, func(t *testing.T, s *server) {
		ctx := t.Context()
		auth := coffer.NewAuth(coffer.Credentials{})
		c, err := coffer.New(s.url, coffer.WithAuth(auth))
		if err != nil {
			t.Fatal(err)
		}
		in, err := c.SignUp(ctx, nil, coffer.SignUpInput{Email: "ana@example.com", Password: new("correct horse battery"), Name: new("Ana")})
		if err != nil {
			t.Fatal(err)
		}
		if err := auth.Set(coffer.Credentials{AccessToken: in.AccessToken, RefreshToken: in.RefreshToken}); err != nil {
			t.Fatal(err)
		}
		org, drive := in.Org.ID, in.Drive.ID

		// 120 folders, in pages of 50; the second time there is nothing to make.
		for i := range 120 {
			if _, err := c.CreateFolder(ctx, drive, nil, coffer.CreateFolderInput{Name: fmt.Sprintf("folder %03d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		_, err = c.CreateFolder(ctx, drive, nil, coffer.CreateFolderInput{Name: "folder 007"})
		if !errors.Is(err, &coffer.Error{Code: "name_taken"}) {
			t.Errorf("a folder twice: %v", err)
		}
		found := 0
		for node, err := range coffer.Pages(ctx, func(ctx context.Context, cursor *string) ([]coffer.Node, *string, error) {
			page, err := c.ListNodes(ctx, drive, &coffer.ListNodesParams{Cursor: cursor})
			if err != nil {
				return nil, nil, err
			}
			return page.Items, page.NextCursor, nil
		}) {
			if err != nil {
				t.Fatal(err)
			}
			if node.Name != fmt.Sprintf("folder %03d", found) {
				t.Fatalf("folder %d is %s", found, node.Name)
			}
			found++
		}
		if found != 120 {
			t.Errorf("%d folders", found)
		}

		small := []byte("a small file")
		asset, err := c.UploadFile(ctx, org, coffer.CreateAssetInput{
			Name: "small.txt", ContentType: new("text/plain"), SizeBytes: int64(len(small)),
		}, bytes.NewReader(small), coffer.Transfer{}, nil)
		if err != nil || asset.Status != "ready" {
			t.Fatalf("%+v, %v", asset, err)
		}
		if got := fetched(t, c, asset, nil); !bytes.Equal(got, small) {
			t.Errorf("%q came back", got)
		}
		if got := fetched(t, c, asset, []byte("a wrong")); !bytes.Equal(got, small) {
			t.Errorf("%q came back for one that was begun wrong", got)
		}
		theClientResumes(t, c, org)
		theClientPublishes(t, c, org)
	})
}

// theClientResumes breaks an upload of five parts off, and goes on with it.
func theClientResumes(t *testing.T, c *coffer.Client, org uuid.UUID) {
	const size = 70 << 20
	big := content(7, size)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asset uuid.UUID
	_, err := c.UploadFile(ctx, org, coffer.CreateAssetInput{Name: "big.bin", ContentType: new("application/octet-stream"), SizeBytes: size},
		bytes.NewReader(big), coffer.Transfer{Parallel: 1, Progress: func(arrived, _ int64) {
			if arrived == 3*partSize { // between two parts: see the story of the big file
				cancel()
			}
		}}, func(a *coffer.Asset) { asset = a.ID })
	if err == nil {
		t.Fatal("it was not broken off")
	}
	arrived, err := c.GetUpload(t.Context(), asset)
	if err != nil || len(arrived.Parts) == 0 {
		t.Fatalf("%+v, %v", arrived, err)
	}
	first, last := int64(-1), int64(0)
	ready, err := c.ResumeUpload(t.Context(), asset, bytes.NewReader(big), coffer.Transfer{Progress: func(arrived, _ int64) {
		if first < 0 {
			first = arrived
		}
		last = arrived
	}})
	if err != nil || ready.Status != "ready" {
		t.Fatalf("%+v, %v", ready, err)
	}
	if first == 0 || last != size {
		t.Errorf("from %d to %d bytes", first, last)
	}
	if got := fetched(t, c, ready, big[:size/3]); !bytes.Equal(got, big) {
		t.Error("other bytes came back")
	}
}

// fetched downloads a file of which there is a part already.
func fetched(t *testing.T, c *coffer.Client, asset *coffer.Asset, have []byte) []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(have); err != nil {
		t.Fatal(err)
	}
	if err := c.DownloadFile(t.Context(), asset, f, int64(len(have)), coffer.Transfer{}); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(f, 0, asset.SizeBytes))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// theClientPublishes publishes a dataset from lines, the first time with a mistake.
func theClientPublishes(t *testing.T, c *coffer.Client, org uuid.UUID) {
	begun, err := c.BeginIngest(t.Context(), &coffer.BeginIngestParams{OrgID: &org}, coffer.BeginIngestJSONRequestBody{Slug: "signs"})
	if err != nil {
		t.Fatal(err)
	}
	params := coffer.PublishDatasetParams{SessionID: begun.Session.ID}
	good := `{"external_id":"a","type":"text","data":{"text":"a"}}` + "\n"
	_, err = c.PublishManifest(t.Context(), begun.Dataset.ID, params, strings.NewReader(good+`{"external_id":"b","type":"text"}`))
	var e *coffer.Error
	if !errors.As(err, &e) || e.Code != "manifest_invalid" || !strings.Contains(fmt.Sprint(e.Members["failures"]), "line:2") {
		t.Errorf("%v", err)
	}
	done, err := c.PublishManifest(t.Context(), begun.Dataset.ID, params, strings.NewReader(good))
	if err != nil || !done.Published || done.Version.Items != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}
