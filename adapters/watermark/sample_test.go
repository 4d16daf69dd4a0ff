package watermark_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"github.com/seed-755a8038/coffer/test/fixture"
)

func webpFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".webp")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// encryptedPDF needs the password to be read, or none but has one for changes.
func encryptedPDF(t *testing.T, password string) []byte {
	t.Helper()
	c := model.NewDefaultConfiguration()
	c.UserPW, c.OwnerPW = password, "owner"
	var b bytes.Buffer
	if err := api.Encrypt(bytes.NewReader(fixture.PDF(2)), &b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pdfWithFile(t *testing.T) []byte {
	t.Helper()
	ctx, err := api.ReadAndValidate(bytes.NewReader(fixture.PDF(1)), model.NewDefaultConfiguration())
	if err != nil {
		t.Fatal(err)
	}
	if err := ctx.AddAttachment(model.Attachment{Reader: strings.NewReader("secret"), ID: "a.txt", FileName: "a.txt"}, false); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := api.WriteContext(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pdfWithForm has a form that some programs show in the place of its pages.
func pdfWithForm(t *testing.T) []byte {
	t.Helper()
	ctx, err := api.ReadAndValidate(bytes.NewReader(fixture.PDF(1)), model.NewDefaultConfiguration())
	if err != nil {
		t.Fatal(err)
	}
	root, err := ctx.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	field := types.Dict{"FT": types.Name("Tx"), "T": types.StringLiteral("a"), "DA": types.StringLiteral("/Helv 0 Tf"), "Subtype": types.Name("Widget"), "Type": types.Name("Annot"), "Rect": types.NewNumberArray(0, 0, 9, 9)}
	ref, err := ctx.IndRefForNewObject(field)
	if err != nil {
		t.Fatal(err)
	}
	form, err := ctx.NewStreamDictForBuf([]byte("<xdp/>"))
	if err == nil {
		err = form.Encode()
	}
	if err != nil {
		t.Fatal(err)
	}
	xfa, err := ctx.IndRefForNewObject(*form)
	if err != nil {
		t.Fatal(err)
	}
	root["AcroForm"] = types.Dict{"Fields": types.Array{*ref}, "XFA": *xfa}
	var b bytes.Buffer
	if err := api.WriteContext(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpacked is a PDF with its objects in the open.
func unpacked(t *testing.T, b []byte) string {
	t.Helper()
	c := model.NewDefaultConfiguration()
	c.WriteObjectStream, c.WriteXRefStream = false, false
	ctx, err := api.ReadAndValidate(bytes.NewReader(b), c)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := api.WriteContext(ctx, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func deflated(size int) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	for chunk := make([]byte, 1<<20); size > 0; size -= len(chunk) {
		_, _ = z.Write(chunk)
	}
	_ = z.Close()
	return b.Bytes()
}

// bombs are small files that would become large.
func bombs() map[string][]byte {
	pngBomb := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, body []byte) {
		pngBomb = binary.BigEndian.AppendUint32(pngBomb, uint32(len(body)))
		from := len(pngBomb)
		pngBomb = append(append(pngBomb, name...), body...)
		pngBomb = binary.BigEndian.AppendUint32(pngBomb, crc32.ChecksumIEEE(pngBomb[from:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 50_000), 50_000)
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	chunk("IDAT", deflated(1<<20))

	jpegBomb := []byte("\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xda")

	// A progressive one within the pixels, whose coefficients need too much.
	slow := []byte("\xff\xd8\xff\xc2\x00\x11\x08\x1b\x58\x1b\x58\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01\xff\xda")

	webpBomb := []byte("RIFF\x20\x00\x00\x00WEBPVP8L\x08\x00\x00\x00\x2f\xff\xff\xff\xff\x00\x00\x00")

	frames := []byte("GIF89a\xe8\x03\xe8\x03\x00\x00\x00") // of 1000 x 1000
	for range 20_000 {
		frames = append(frames, ",\x00\x00\x00\x00\xe8\x03\xe8\x03\x00\x02\x02\x44\x01\x00"...)
	}

	objects := func(dict string, body []byte, n int) []byte {
		var b bytes.Buffer
		b.WriteString("%PDF-1.7\n")
		for i := range n {
			fmt.Fprintf(&b, "%d 0 obj\n<< %s /Length %d >>\nstream\n", i+1, dict, len(body))
			b.Write(body)
			b.WriteString("\nendstream\nendobj\n")
		}
		return b.Bytes()
	}
	return map[string][]byte{
		"a PNG of 2,500 megapixels":   pngBomb,
		"a JPEG of 4,300 megapixels":  jpegBomb,
		"a progressive JPEG":          slow,
		"a WebP of 268 megapixels":    webpBomb,
		"a GIF of 20,000 frames":      append(frames, ';'),
		"a PDF of objects":            objects("/Type /ObjStm /N 100 /First 10 /Filter /FlateDecode", deflated(8<<20), 4),
		"a PDF of objects, in hiding": objects("/Type /Ob#6aStm /Filter /Fl#61teDecode", deflated(8<<20), 4),
		"a PDF of one long page":      objects("/Filter /FlateDecode", deflated(65<<20), 1),
		"a PDF of many long pages":    objects("/Filter /FlateDecode", deflated(60<<20), 9),
		"a PDF compressed twice":      objects("/Type /ObjStm /Filter [/FlateDecode /FlateDecode]", deflated(1<<20), 1),
	}
}
