package env

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// startVersity runs versitygw on a temporary directory, on a port of 127.0.0.1.
func startVersity(ctx context.Context) (S3Server, func(), error) {
	program, err := toolProgram(ctx, "versitygw")
	if err != nil {
		return S3Server{}, nil, fmt.Errorf("these tests need an S3 server: set TEST_S3_ENDPOINT, or see why versitygw is not there: %w", err)
	}
	// Metadata of objects belongs in extended attributes, set together with the bytes.
	// Where the file system has none, versitygw ends at once, and files beside the objects must do.
	s, xattrErr := onFreePort(ctx, func(port int) (*versity, error) { return runVersity(ctx, program, port, false) })
	if xattrErr == nil {
		return s.server, s.stop, nil
	}
	s, err = onFreePort(ctx, func(port int) (*versity, error) { return runVersity(ctx, program, port, true) })
	if err != nil {
		return S3Server{}, nil, fmt.Errorf("versitygw: with extended attributes: %w; without: %w", xattrErr, err)
	}
	return s.server, s.stop, nil
}

type versity struct {
	server S3Server
	stop   func()
}

func runVersity(ctx context.Context, program string, port int, sidecar bool) (*versity, error) {
	dir, err := os.MkdirTemp("", "s3")
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	// Connections are kept, as by every S3 server in use; versitygw alone closes each by default.
	argv := []string{program, "--quiet", "--keep-alive", "--port", address, "--region", defaultRegion(""), "posix"}
	if sidecar {
		argv = append(argv, "--sidecar", filepath.Join(dir, "metadata"))
	}
	for _, sub := range []string{"metadata", "objects"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	s := S3Server{Endpoint: "http://" + address, Region: defaultRegion(""), AccessKeyID: "test", SecretAccessKey: rand.Text()}
	p, err := spawn(command{
		dir: dir, signal: "TERM", argv: append(argv, filepath.Join(dir, "objects")),
		env: append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKeyID, "ROOT_SECRET_KEY="+s.SecretAccessKey),
	})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &versity{server: s, stop: p.stop}, p.ready(ctx, s.ping)
}

// ping reports whether the server answers and knows the secret.
func (s S3Server) ping(ctx context.Context) error {
	_, err := s.client().ListBuckets(ctx, &s3.ListBucketsInput{}, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	return err
}
