package s3blob

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed-755a8038/coffer/ports"
)

// corsRule is the id of the rule that Diagnose sets; other rules it leaves alone.
const corsRule = "coffer"

// cors checks that scripts of an origin may upload and see the ETag.
func (d *diagnosis) cors(ctx context.Context, origin string, fix bool) ports.Finding {
	check := "CORS for " + origin
	problem, err := d.crossOrigin(ctx, origin)
	if err != nil {
		return bad(check, "%v", err)
	}
	if problem == "" {
		return good(check, "browsers may upload and download")
	}
	if !fix {
		return bad(check, "%s, so browsers cannot upload. Run coffer doctor --fix-cors, or allow PUT, GET and HEAD with all headers for this origin in the bucket's CORS rules and expose ETag", problem)
	}
	if err := d.setCORS(ctx); err != nil {
		return bad(check, "%s, and the bucket's CORS rules cannot be set: %v. Set them where the server is administered", problem, err)
	}
	if problem, err = d.crossOrigin(ctx, origin); err != nil || problem != "" {
		return bad(check, "the bucket's CORS rules were set, but still %s (%v). Is a proxy in between?", problem, err)
	}
	return good(check, "the bucket's CORS rules were set: browsers may upload and download")
}

// crossOrigin does what a browser does for a script of the origin, and returns
// what is wrong.
func (d *diagnosis) crossOrigin(ctx context.Context, origin string) (problem string, err error) {
	put, err := d.sign(ctx, "cors", false)
	if err != nil {
		return "", err
	}
	got, err := d.send(ctx, ports.SignedRequest{Method: http.MethodOptions, URL: put.URL}, nil,
		"Origin", origin,
		"Access-Control-Request-Method", http.MethodPut,
		"Access-Control-Request-Headers", "content-type,if-none-match,x-amz-checksum-sha256")
	if err != nil {
		return "", err
	}
	h := got.header
	switch {
	case got.status >= http.StatusMultipleChoices || !names(h, "Access-Control-Allow-Origin", origin):
		return fmt.Sprintf("the server refuses the origin (status %d)", got.status), nil
	case !names(h, "Access-Control-Allow-Methods", http.MethodPut):
		return "the server does not allow PUT", nil
	}
	for _, header := range []string{"content-type", "if-none-match", "x-amz-checksum-sha256"} {
		if !names(h, "Access-Control-Allow-Headers", header) {
			return "the server does not allow the header " + header, nil
		}
	}
	got, err = d.send(ctx, put, probeData, "Origin", origin)
	if err != nil {
		return "", err
	}
	switch {
	case got.status != http.StatusOK:
		return fmt.Sprintf("the server answers %d to a PUT with an origin (%.200s)", got.status, got.body), nil
	case !names(got.header, "Access-Control-Allow-Origin", origin):
		return "the answer to a PUT does not allow the origin", nil
	case !names(got.header, "Access-Control-Expose-Headers", "ETag"):
		return "the ETag is not exposed, which large uploads need", nil
	}
	return "", nil
}

// names reports whether a header lists the value, or everything.
func names(h http.Header, header, value string) bool {
	for v := range strings.SplitSeq(strings.Join(h.Values(header), ","), ",") {
		if v = strings.TrimSpace(v); v == "*" || strings.EqualFold(v, value) {
			return true
		}
	}
	return false
}

// setCORS adds or replaces our rule.
func (s *Store) setCORS(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var rules []types.CORSRule
	old, err := s.client.GetBucketCors(call, &s3.GetBucketCorsInput{Bucket: &s.bucket})
	switch {
	case err == nil:
		rules = slices.DeleteFunc(old.CORSRules, func(r types.CORSRule) bool { return aws.ToString(r.ID) == corsRule })
	case code(err) != "NoSuchCORSConfiguration":
		return failed(ctx, "read CORS rules", err)
	}
	rules = append(rules, types.CORSRule{
		ID: aws.String(corsRule), AllowedOrigins: s.origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPut}, AllowedHeaders: []string{"*"},
		ExposeHeaders: []string{"ETag", "Content-Length", "Content-Range"}, MaxAgeSeconds: aws.Int32(600),
	})
	_, err = s.client.PutBucketCors(call, &s3.PutBucketCorsInput{
		Bucket: &s.bucket, CORSConfiguration: &types.CORSConfiguration{CORSRules: rules},
	})
	return failed(ctx, "set CORS rules", err)
}
