package s3blob

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed-755a8038/coffer/ports"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

// atNoon is the SDK's signer, with the time given.
type atNoon struct{ *v4.Signer }

//nolint:revive // the arguments are the SDK's
func (s atNoon) PresignHTTP(
	ctx context.Context, creds aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, opts ...func(*v4.SignerOptions),
) (string, http.Header, error) {
	opts = append(opts, func(o *v4.SignerOptions) { o.DisableHeaderHoisting, o.DisableURIPathEscaping = true, true })
	return s.Signer.PresignHTTP(ctx, creds, r, hash, service, region, noon, opts...)
}

func openAtNoon(t testing.TB, c Config) (*Store, *s3.PresignClient) {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.signer.now = func() time.Time { return noon }
	return s, s3.NewPresignClient(s.client, func(o *s3.PresignOptions) { o.Presigner = atNoon{v4.NewSigner()} })
}

var signerConfigs = map[string]Config{
	"path style":    {Endpoint: "http://127.0.0.1:9000", UsePathStyle: true},
	"host name":     {Endpoint: "https://s3.example.org"},
	"Amazon's":      {Region: "eu-central-1"},
	"Amazon's path": {Region: "cn-north-1", UsePathStyle: true},
	"usual port":    {Endpoint: "https://s3.example.org:443", UsePathStyle: true},
	"below a path":  {Endpoint: "https://example.org/s3/", UsePathStyle: true},
	"session":       {Endpoint: "http://127.0.0.1:9000", UsePathStyle: true, SessionToken: "tok+en/="},
}

var signerKeys = []string{"a/b.png", "org/Отчёт за март+100%.pdf", "a b#c?d&e=f;g,h:i@j!k$l'm(n)o*p~q"}

func TestTheSignerAgreesWithTheSDK(t *testing.T) {
	for name, c := range signerConfigs {
		t.Run(name, func(t *testing.T) {
			c.Bucket, c.AccessKeyID, c.SecretAccessKey, c.ConditionalWrites = "bucket", "AKID", "secret/+key", "on"
			s, sdk := openAtNoon(t, c)
			for _, key := range signerKeys {
				agreePut(t, s, sdk, key)
				agreePart(t, s, sdk, key)
				agreeGet(t, s, sdk, key)
			}
		})
	}
}

func agreePut(t *testing.T, s *Store, sdk *s3.PresignClient, key string) {
	t.Helper()
	sum := sha256.Sum256([]byte(key))
	for _, p := range []ports.PutSpec{
		{Size: 1, ContentType: "text/plain;  charset=utf-8 "}, // of no bytes the SDK signs neither length nor type
		{Size: 1 << 30, ContentType: "image/png", SHA256: sum[:], CreateOnly: true},
	} {
		p.Key, p.Expires = key, noon.Add(15*time.Minute)
		got, err := s.SignPut(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		in := &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, ContentLength: &p.Size, ContentType: &p.ContentType}
		if p.CreateOnly {
			in.IfNoneMatch = aws.String("*")
			in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum[:]))
		}
		want, err := sdk.PresignPutObject(t.Context(), in, s3.WithPresignExpires(15*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		agree(t, got, want)
	}
}

func agreePart(t *testing.T, s *Store, sdk *s3.PresignClient, key string) {
	t.Helper()
	got, err := s.SignPart(t.Context(), ports.PartSpec{Key: key, UploadID: "up/load+id=", Number: 17, Size: 5 << 20, Expires: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	want, err := sdk.PresignUploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &s.bucket, Key: &key, UploadId: aws.String("up/load+id="), PartNumber: aws.Int32(17), ContentLength: aws.Int64(5 << 20),
	}, s3.WithPresignExpires(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	agree(t, got, want)
}

func agreeGet(t *testing.T, s *Store, sdk *s3.PresignClient, key string) {
	t.Helper()
	disposition := `attachment; filename="a b+c.pdf"; filename*=UTF-8''%D0%9E.pdf`
	got, err := s.SignGet(t.Context(), ports.GetSpec{Key: key, ContentType: "text/plain; charset=utf-8", Disposition: disposition, Expires: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	want, err := sdk.PresignGetObject(t.Context(), &s3.GetObjectInput{
		Bucket: &s.bucket, Key: &key, ResponseCacheControl: aws.String("private, no-store"),
		ResponseContentDisposition: &disposition, ResponseContentType: aws.String("text/plain; charset=utf-8"),
	}, s3.WithPresignExpires(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	agree(t, got, want)
}

// agree compares everything the server sees: the decoded path and query, in
// which the signature is.
func agree(t *testing.T, got ports.SignedRequest, want *v4.PresignedHTTPRequest) {
	t.Helper()
	g, err := url.Parse(got.URL)
	if err != nil {
		t.Fatal(err)
	}
	w, err := url.Parse(want.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got.Method != want.Method || g.Scheme != w.Scheme || g.Hostname() != w.Hostname() || g.Path != w.Path || g.Query().Encode() != w.Query().Encode() {
		t.Errorf("signed %s %s\nSDK    %s %s", got.Method, got.URL, want.Method, want.URL)
	}
}

func TestTheSignerFollowsTheDayAndTheCredentials(t *testing.T) {
	c := signerConfigs["path style"]
	c.Bucket, c.AccessKeyID, c.SecretAccessKey, c.ConditionalWrites = "bucket", "AKID", "secret", "on"
	s, _ := openAtNoon(t, c)
	seen := make(map[string]bool)
	sign := func() {
		t.Helper()
		r, err := s.SignGet(t.Context(), ports.GetSpec{Key: "k", Expires: noon.Add(48 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if seen[r.URL] {
			t.Errorf("signed as before: %s", r.URL)
		}
		seen[r.URL] = true
	}
	sign()
	s.signer.now = func() time.Time { return noon.Add(24 * time.Hour) }
	sign()
	s.signer.credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "rotated"}, nil
	})
	sign()
}

func BenchmarkSignGet(b *testing.B) {
	s, sdk := benchmarkStore(b)
	key, disposition := benchmarkKey, `attachment; filename="report.pdf"`
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := s.SignGet(b.Context(), ports.GetSpec{Key: key, ContentType: "application/pdf", Disposition: disposition, Expires: noon.Add(time.Hour)})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("SDK", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := sdk.PresignGetObject(b.Context(), &s3.GetObjectInput{
				Bucket: &s.bucket, Key: &key, ResponseContentDisposition: &disposition,
				ResponseContentType: aws.String("application/pdf"), ResponseCacheControl: aws.String("private, no-store"),
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSignPut(b *testing.B) {
	s, sdk := benchmarkStore(b)
	key := benchmarkKey
	sum := make([]byte, 32)
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := s.SignPut(b.Context(), ports.PutSpec{
				Key: key, Size: 1 << 20, ContentType: "application/pdf", SHA256: sum, CreateOnly: true, Expires: noon.Add(time.Hour),
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("SDK", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := sdk.PresignPutObject(b.Context(), &s3.PutObjectInput{
				Bucket: &s.bucket, Key: &key, ContentLength: aws.Int64(1 << 20), ContentType: aws.String("application/pdf"),
				ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)), IfNoneMatch: aws.String("*"),
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

const benchmarkKey = "018f2a4e-7c31-7c39-8f4e-0123456789ab/018f2a4e-7c31-7c39-8f4e-0123456789ac/report.pdf"

func benchmarkStore(b *testing.B) (*Store, *s3.PresignClient) {
	return openAtNoon(b, Config{
		Endpoint: "https://s3.example.org", UsePathStyle: true, Bucket: "bucket",
		AccessKeyID: "AKID", SecretAccessKey: "secret", ConditionalWrites: "on",
	})
}
