package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	coffer "github.com/seed-755a8038/coffer"
	"github.com/seed-755a8038/coffer/client"
)

// server is where the server of the examples is.
var server string

func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// withServer runs a server, with SQLite and the disk, while fn runs.
func withServer(fn func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "coffer-client")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	address, err := freeAddress()
	if err != nil {
		return 0, err
	}
	server = "http://" + address
	cfg := coffer.DefaultConfig()
	cfg.DataDir, cfg.HTTP.Addr, cfg.OpsAddr, cfg.PublicURL, cfg.LogLevel = dir, address, "127.0.0.1:0", server, "error"
	cfg.Auth.JWTSecret = "the secret of the examples' server, of 32 bytes and more"
	ctx, cancel := context.WithCancel(context.Background())
	s, release, err := coffer.NewServer(ctx, cfg, coffer.Build{Version: "example"})
	if err != nil {
		cancel()
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
		release()
	}()
	for range 100 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return fn(), nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, errors.New("the server does not start")
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Sign up, send a file and get it back.
func Example() {
	ctx := context.Background()
	auth := client.NewAuth(client.Credentials{})
	c, err := client.New(server, client.WithAuth(auth))
	if err != nil {
		log.Fatal(err)
	}
	in, err := c.SignUp(ctx, nil, client.SignUpInput{
		Email: "ana@example.com", Password: new("correct horse battery"), Name: new("Ana"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := auth.Set(client.Credentials{AccessToken: in.AccessToken, RefreshToken: in.RefreshToken}); err != nil {
		log.Fatal(err)
	}

	text := bytes.NewReader([]byte("Hello, Coffer!"))
	asset, err := c.UploadFile(ctx, in.Org.ID, client.CreateAssetInput{
		Name: "hello.txt", ContentType: new("text/plain"), SizeBytes: text.Size(),
	}, text, client.Transfer{}, nil)
	if err != nil {
		log.Fatal(err)
	}

	f, err := os.CreateTemp("", "hello")
	if err != nil {
		log.Fatal(err)
	}
	err = c.DownloadFile(ctx, asset, f, 0, client.Transfer{})
	back, readErr := os.ReadFile(f.Name())
	fmt.Println(asset.Name, asset.Status, string(back), errors.Join(err, readErr, os.Remove(f.Name())))
	// Output: hello.txt ready Hello, Coffer! <nil>
}

// An error is told by its code.
func ExampleError() {
	c, err := client.New(server)
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.LogIn(context.Background(), client.LogInInput{Email: "nobody@example.com", Password: new("wrong")})
	if errors.Is(err, &client.Error{Code: "invalid_credentials"}) {
		fmt.Println("try again")
	}
	// Output: try again
}

// A list is walked page by page.
func ExamplePages() {
	ctx := context.Background()
	auth := client.NewAuth(client.Credentials{})
	c, err := client.New(server, client.WithAuth(auth))
	if err != nil {
		log.Fatal(err)
	}
	in, err := c.SignUp(ctx, nil, client.SignUpInput{Email: "ben@example.com", Password: new("correct horse battery"), Name: new("Ben")})
	if err != nil {
		log.Fatal(err)
	}
	if err := auth.Set(client.Credentials{AccessToken: in.AccessToken, RefreshToken: in.RefreshToken}); err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three"} {
		if _, err := c.CreateFolder(ctx, in.Drive.ID, nil, client.CreateFolderInput{Name: name}); err != nil {
			log.Fatal(err)
		}
	}
	for node, err := range client.Pages(ctx, func(ctx context.Context, cursor *string) ([]client.Node, *string, error) {
		page, err := c.ListNodes(ctx, in.Drive.ID, &client.ListNodesParams{Cursor: cursor, Limit: new(int64(2))})
		if err != nil {
			return nil, nil, err
		}
		return page.Items, page.NextCursor, nil
	}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(node.Kind, node.Name)
	}
	// Output:
	// folder one
	// folder three
	// folder two
}

// Thousands of small files take few requests beside their bytes: one creates up to
// 1,000 of them, one completes them.
func ExampleClient_CreateAssets() {
	ctx := context.Background()
	auth := client.NewAuth(client.Credentials{})
	c, err := client.New(server, client.WithAuth(auth))
	if err != nil {
		log.Fatal(err)
	}
	in, err := c.SignUp(ctx, nil, client.SignUpInput{Email: "cid@example.com", Password: new("correct horse battery"), Name: new("Cid")})
	if err != nil {
		log.Fatal(err)
	}
	if err := auth.Set(client.Credentials{AccessToken: in.AccessToken, RefreshToken: in.RefreshToken}); err != nil {
		log.Fatal(err)
	}

	texts := map[string]string{"2026/one.txt": "The first.", "2026/two.txt": "The second."}
	want := client.CreateAssetsInput{OnConflict: new(client.CreateAssetsInputOnConflictVersion)}
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		want.Assets = append(want.Assets, client.BatchAssetInput{Path: path, ContentType: new("text/plain"), SizeBytes: int64(len(texts[path]))})
	}
	made, err := c.CreateAssets(ctx, in.Drive.ID, want)
	if err != nil {
		log.Fatal(err)
	}
	var ended client.CompleteUploadsInput
	for _, item := range made.Items {
		if item.Error != nil {
			fmt.Println(item.Path, item.Error.Detail) // the others go on
			continue
		}
		text := strings.NewReader(texts[item.Path])
		if err := c.SendUpload(ctx, item.Asset.ID, item.Upload, text, text.Size(), client.Transfer{}); err != nil {
			log.Fatal(err)
		}
		ended.Assets = append(ended.Assets, client.EndedInput{AssetID: item.Asset.ID, UploadID: item.Upload.UploadID})
	}
	done, err := c.CompleteUploads(ctx, in.Drive.ID, ended)
	if err != nil {
		log.Fatal(err)
	}
	for i, item := range done.Items {
		fmt.Println(made.Items[i].Path, item.Ready)
	}
	// Output:
	// 2026/one.txt true
	// 2026/two.txt true
}
