package s3blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/seed-755a8038/coffer/ports"
)

const (
	skewWarn = time.Minute
	skewFail = 5 * time.Minute // three times that is where S3 refuses everything
)

// Diagnose implements ports.Diagnosable. What it signs it sends as a client
// would, with nothing but the signed request, through the public endpoint.
func (s *Store) Diagnose(ctx context.Context, fix bool) []ports.Finding {
	d := &diagnosis{Store: s, prefix: probePrefix + rand.Text() + "/"}
	defer d.clean(ctx)
	found := []ports.Finding{d.reachable(ctx)}
	if !found[0].OK { // nothing else could be told from that
		return found
	}
	found = append(found, d.clock(ctx))
	upload := d.signedPut(ctx)
	found = append(found, upload)
	if upload.OK {
		found = append(found, d.signedGet(ctx), d.private(ctx), d.checksum(ctx), d.length(ctx), d.conditional(ctx), d.multipart(ctx))
	}
	for _, origin := range s.origins {
		found = append(found, d.cors(ctx, origin, fix))
	}
	return found
}

// diagnosis is one run of Diagnose. Everything it writes is below its prefix.
type diagnosis struct {
	*Store

	prefix string
}

// clean removes what the checks have written. What it cannot, List will show.
func (d *diagnosis) clean(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	var keys []string
	for b, err := range d.List(ctx, d.prefix) {
		if err == nil {
			keys = append(keys, b.Key)
		}
	}
	_ = d.Delete(ctx, keys...) // the findings are what is reported
}

func good(check, detail string) ports.Finding {
	return ports.Finding{Check: check, OK: true, Detail: detail}
}

func warn(check, format string, args ...any) ports.Finding {
	return ports.Finding{Check: check, OK: true, Warning: true, Detail: fmt.Sprintf(format, args...)}
}

func bad(check, format string, args ...any) ports.Finding {
	return ports.Finding{Check: check, Detail: fmt.Sprintf(format, args...)}
}

func (d *diagnosis) reachable(ctx context.Context) ports.Finding {
	const check = "bucket"
	err := d.Ping(ctx)
	switch n := status(err); {
	case err == nil:
		return good(check, fmt.Sprintf("%s can be reached with the configured credentials", d.bucket))
	case n == http.StatusNotFound:
		return bad(check, "there is no bucket %s: create it, or correct its name and the endpoint", d.bucket)
	case n == http.StatusForbidden || n == http.StatusUnauthorized:
		return bad(check, "the server refuses the credentials for bucket %s: check the access key, the secret, the region and the bucket's policy", d.bucket)
	case n == http.StatusMovedPermanently || n == http.StatusBadRequest:
		return bad(check, "bucket %s is elsewhere (status %d): correct the region or the endpoint", d.bucket, n)
	default:
		return bad(check, "the server cannot be reached: %v. Check the endpoint, and that this machine may connect to it", err)
	}
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends a signed request the way curl would.
func (d *diagnosis) send(ctx context.Context, r ports.SignedRequest, body []byte, header ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	maps.Copy(req.Header, r.Header)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := d.plain.Do(req)
	if err != nil {
		return answer{}, err
	}
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return answer{res.StatusCode, res.Header, got}, errors.Join(err, res.Body.Close())
}

var probeData = []byte("written by coffer doctor")

// sign signs a PUT of probeData under the prefix.
func (d *diagnosis) sign(ctx context.Context, name string, createOnly bool) (ports.SignedRequest, error) {
	sum := sha256.Sum256(probeData)
	return d.SignPut(ctx, ports.PutSpec{
		Key: d.prefix + name, Size: int64(len(probeData)), ContentType: "text/plain", SHA256: sum[:],
		CreateOnly: createOnly, Expires: d.signer.now().Add(5 * time.Minute),
	})
}

// put sends a signed PUT.
func (d *diagnosis) put(ctx context.Context, name string, body []byte, createOnly bool) (answer, error) {
	r, err := d.sign(ctx, name, createOnly)
	if err != nil {
		return answer{}, err
	}
	return d.send(ctx, r, body)
}

func (d *diagnosis) signedPut(ctx context.Context) ports.Finding {
	const check = "signed upload"
	got, err := d.put(ctx, "object", probeData, false)
	if err != nil {
		return bad(check, "%v. Clients send files straight to %s: make that address reachable, or set the public endpoint", err, d.signer.host)
	}
	if got.status != http.StatusOK {
		return bad(check, "the server answers %d to a signed PUT (%.200s). A proxy between must pass on the path, the Host header and the query unchanged", got.status, got.body)
	}
	return good(check, "works through "+d.signer.host)
}

func (d *diagnosis) signedGet(ctx context.Context) ports.Finding {
	const check = "signed download"
	r, err := d.SignGet(ctx, ports.GetSpec{
		Key: d.prefix + "object", ContentType: "text/x-probe", Disposition: "attachment", Expires: d.signer.now().Add(5 * time.Minute),
	})
	if err != nil {
		return bad(check, "%v", err)
	}
	got, err := d.send(ctx, r, nil)
	switch {
	case err != nil:
		return bad(check, "%v. Make %s reachable for clients, or set the public endpoint", err, d.signer.host)
	case got.status != http.StatusOK || !bytes.Equal(got.body, probeData):
		return bad(check, "the server answers %d and not what was uploaded", got.status)
	case got.header.Get("Content-Disposition") != "attachment" || got.header.Get("Content-Type") != "text/x-probe":
		return bad(check, "the server ignores the signed content type and disposition, so browsers may run what was uploaded. Use another server")
	}
	return good(check, "works through "+d.signer.host)
}

func (d *diagnosis) private(ctx context.Context) ports.Finding {
	const check = "bucket is private"
	base := d.signer.scheme + "://" + d.signer.host + d.signer.path
	for what, u := range map[string]string{"list the bucket": base + "?list-type=2", "read a file": base + d.prefix + "object"} {
		got, err := d.send(ctx, ports.SignedRequest{Method: http.MethodGet, URL: u}, nil)
		if err != nil {
			return bad(check, "%v", err)
		}
		if got.status < http.StatusMultipleChoices {
			return bad(check, "anybody can %s without a signature: remove the bucket's public access, now", what)
		}
	}
	return good(check, "strangers can neither list nor read it")
}

func (d *diagnosis) checksum(ctx context.Context) ports.Finding {
	const check = "checksums"
	got, err := d.put(ctx, "checksum", bytes.ToUpper(probeData), false)
	if err != nil {
		return bad(check, "%v", err)
	}
	if got.status < http.StatusBadRequest {
		return bad(check, "the server stores bytes that do not have the signed SHA-256, so files damaged on their way go unnoticed. Use a server that verifies x-amz-checksum-sha256")
	}
	return good(check, "the server refuses bytes that do not have the declared SHA-256")
}

func (d *diagnosis) length(ctx context.Context) ports.Finding {
	const check = "signed length"
	got, err := d.put(ctx, "length", append(bytes.Clone(probeData), '!'), false)
	if err != nil {
		return bad(check, "%v", err)
	}
	if got.status < http.StatusBadRequest {
		return bad(check, "the server stores more bytes than were signed, so limits and quotas can be exceeded. Use a server that verifies signed headers")
	}
	return good(check, "the server refuses a body longer than declared")
}

func (d *diagnosis) conditional(ctx context.Context) ports.Finding {
	const check = "conditional writes"
	first, err := d.put(ctx, "conditional", probeData, true)
	if err != nil {
		return bad(check, "%v", err)
	}
	second, err := d.put(ctx, "conditional", probeData, true)
	if err != nil {
		return bad(check, "%v", err)
	}
	works := first.status == http.StatusOK && second.status == http.StatusPreconditionFailed
	switch {
	case !works && d.createOnly(ctx):
		return bad(check, "the server does not honour If-None-Match (%d, then %d), but is configured to: set conditional writes to auto or off", first.status, second.status)
	case !works:
		return warn(check, "the server does not honour If-None-Match (%d, then %d): uploads take a detour through a staging key", first.status, second.status)
	case !d.createOnly(ctx):
		return warn(check, "work, but are not used: set conditional writes to auto to spare a copy of each upload")
	}
	return good(check, "work, so a file can never be replaced by a second upload")
}

func (d *diagnosis) multipart(ctx context.Context) ports.Finding {
	const check = "multipart uploads"
	key := d.prefix + "multipart"
	size := int64(len(probeData))
	id, err := d.CreateMultipart(ctx, key, "text/plain", size, minPart)
	if err != nil {
		return bad(check, "cannot be created: %v", err)
	}
	defer d.AbortMultipart(context.WithoutCancel(ctx), key, id) //nolint:errcheck // gone, if all is well
	r, err := d.SignPart(ctx, ports.PartSpec{Key: key, UploadID: id, Number: 1, Size: size, Expires: d.signer.now().Add(5 * time.Minute)})
	if err != nil {
		return bad(check, "%v", err)
	}
	got, err := d.send(ctx, r, probeData)
	if err != nil {
		return bad(check, "%v", err)
	}
	if got.status != http.StatusOK {
		return bad(check, "the server answers %d to a signed part. Large files cannot be uploaded", got.status)
	}
	var parts []ports.Part
	for p, err := range d.Parts(ctx, key, id) {
		if err != nil {
			return bad(check, "the parts cannot be listed: %v. The credentials need the permission s3:ListMultipartUploadParts", err)
		}
		parts = append(parts, p)
	}
	for _, err := range d.Multiparts(ctx) {
		if err != nil {
			return bad(check, "uploads cannot be listed: %v. The credentials need the permission s3:ListBucketMultipartUploads", err)
		}
		break
	}
	if err := d.CompleteMultipart(ctx, key, id, parts); err != nil {
		return bad(check, "cannot be completed: %v", err)
	}
	if b, err := d.Stat(ctx, key); err != nil || b.Size != size {
		return bad(check, "the completed file is not what was uploaded (%d bytes, %v)", b.Size, err)
	}
	return good(check, "work")
}

func (d *diagnosis) clock(ctx context.Context) ports.Finding {
	const check = "clock"
	u := d.signer.scheme + "://" + d.signer.host + d.signer.path
	got, err := d.send(ctx, ports.SignedRequest{Method: http.MethodHead, URL: u}, nil)
	if err != nil {
		return warn(check, "cannot be compared: %v", err)
	}
	theirs, err := http.ParseTime(got.header.Get("Date"))
	if err != nil {
		return warn(check, "cannot be compared: the server does not tell its time")
	}
	skew := d.signer.now().Sub(theirs).Round(time.Second)
	switch {
	case skew.Abs() > skewFail:
		return bad(check, "this machine's clock is %v off the server's, which refuses signatures from other times. Synchronise both by NTP", skew)
	case skew.Abs() > skewWarn:
		return warn(check, "this machine's clock is %v off the server's. Synchronise both by NTP", skew)
	}
	return good(check, "agrees with the server's")
}
