package derive_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/derive"
	"github.com/seed-755a8038/coffer/adapters/picture"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// TestMain lets the test program be the process that looks into files.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "derive" {
		os.Exit(derive.Main(os.Args[2], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func options(t testing.TB) derive.Options {
	t.Helper()
	return derive.Options{
		Command: []string{os.Args[0], "derive"}, Workers: 2, MaxBytes: 50e6, MaxVideoBytes: 50e6, MaxPixels: 50e6,
		MemoryBytes: 512 << 20, Timeout: 30 * time.Second, TempDir: t.TempDir(),
	}
}

func in(kind core.DerivableKind, b []byte) ports.Underived {
	return ports.Underived{Kind: kind, SizeBytes: int64(len(b)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// try derives with the options and looks whether anything is left on the disk.
func try(t *testing.T, o derive.Options, kind core.DerivableKind, b []byte) (*ports.Derivation, error) {
	t.Helper()
	out, err := derive.New(o).Derive(t.Context(), in(kind, b))
	left, readErr := os.ReadDir(o.TempDir)
	if readErr != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, readErr)
	}
	return out, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func drawn(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x * 255 / w), uint8(y * 255 / h), 90, 255})
		}
	}
	for y := range h / 4 { // the top left is red
		for x := range w / 4 {
			img.SetNRGBA(x, y, color.NRGBA{255, 0, 0, 255})
		}
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, img image.Image, orientation int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	body := append([]byte("Exif\x00\x00"), picture.TIFFWith(orientation)...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(body)+2))
	return slices.Concat(head, body, b.Bytes()[2:])
}

func gifOf(t testing.TB, w, h, frames int) []byte {
	t.Helper()
	var all gif.GIF
	for range frames {
		all.Image, all.Delay = append(all.Image, image.NewPaletted(image.Rect(0, 0, w, h), palette.Plan9)), append(all.Delay, 1)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func webpFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../watermark/testdata/" + name + ".webp")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func chunk(name string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// bomb is a PNG that says to be large, of very few bytes.
func bomb(w, h uint32, data []byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 6, 0, 0, 0)
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	_, _ = zw.Write(data)
	_ = zw.Close()
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", head), chunk("IDAT", z.Bytes()), chunk("IEND", nil))
}

func video(t testing.TB, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("ffmpeg is not installed")
	}
	file := filepath.Join(t.TempDir(), "v.mp4")
	all := append(append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=duration=2:size=640x360:rate=10"}, args...), "-y", file)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", all...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPictures(t *testing.T) {
	for name, c := range map[string]struct {
		file      []byte
		w, h      int // of the original, as it is seen
		pictureOf string
	}{
		"png":          {pngOf(t, drawn(1200, 600)), 1200, 600, "jpeg"},
		"small png":    {pngOf(t, drawn(20, 10)), 20, 10, "jpeg"},
		"one point":    {pngOf(t, drawn(1, 1)), 1, 1, "jpeg"},
		"a line":       {pngOf(t, drawn(1, 4000)), 1, 4000, "jpeg"},
		"transparent":  {pngOf(t, image.NewNRGBA(image.Rect(0, 0, 700, 700))), 700, 700, "png"},
		"jpeg":         {jpegOf(t, drawn(900, 300), 1), 900, 300, "jpeg"},
		"turned jpeg":  {jpegOf(t, drawn(900, 300), 6), 300, 900, "jpeg"},
		"gif":          {gifOf(t, 64, 32, 3), 64, 32, "jpeg"},
		"lossy webp":   {webpFile(t, "lossy"), 0, 0, "jpeg"},
		"other webp":   {webpFile(t, "lossless"), 0, 0, ""},
		"10000 frames": {gifOf(t, 8, 8, 10_000), 8, 8, "jpeg"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := try(t, options(t), core.DerivableImage, c.file)
			must(t, err)
			if c.w > 0 && (d.Width != c.w || d.Height != c.h) || d.Width == 0 {
				t.Errorf("%d by %d", d.Width, d.Height)
			}
			img, format, err := image.Decode(bytes.NewReader(d.Thumbnail))
			must(t, err)
			b := img.Bounds()
			if c.pictureOf != "" && format != c.pictureOf || b.Dx() > core.ThumbnailSide || b.Dy() > core.ThumbnailSide || (b.Dx() > b.Dy()) != (d.Width > d.Height) {
				t.Errorf("%s of %v", format, b)
			}
			if len(d.Placeholder) < 5 || len(d.Placeholder) > 30 || d.Poster != nil || d.Words != nil {
				t.Errorf("%d bytes of placeholder", len(d.Placeholder))
			}
		})
	}
}

// TestAPictureIsTurned: what is stored at the top left is seen at the top right.
func TestAPictureIsTurned(t *testing.T) {
	d, err := try(t, options(t), core.DerivableImage, jpegOf(t, drawn(900, 300), 6))
	must(t, err)
	img, err := jpeg.Decode(bytes.NewReader(d.Thumbnail))
	must(t, err)
	b := img.Bounds()
	r, g, _, _ := img.At(b.Dx()-10, 10).RGBA()
	if r>>8 < 200 || g>>8 > 60 {
		t.Errorf("the corner has red %d, green %d", r>>8, g>>8)
	}
	if bytes.Contains(d.Thumbnail, []byte("Exif")) {
		t.Error("the thumbnail says more than it shows")
	}
}

func TestTexts(t *testing.T) {
	for name, c := range map[string]struct {
		kind core.DerivableKind
		text string
		want []string
	}{
		"plain":   {core.DerivableText, "The the bridge\nÜber 12", []string{"the", "bridge", "über", "12"}},
		"vtt":     {core.DerivableCues, "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nHello red bridge\n", []string{"hello", "red", "bridge"}},
		"srt":     {core.DerivableCues, "1\r\n00:00:01,000 --> 00:00:02,000\r\nHallo\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nWelt\r\n", []string{"hallo", "welt"}},
		"json":    {core.DerivableJSON, `{"name":"Ann","list":["red",{"deep":"Bridge"},7,null,true]}`, []string{"ann", "red", "bridge", "7"}},
		"empty":   {core.DerivableText, "", nil},
		"no word": {core.DerivableText, "--- \n ***", nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := try(t, options(t), c.kind, []byte(c.text))
			must(t, err)
			if !slices.Equal(d.Words, c.want) || d.Thumbnail != nil {
				t.Errorf("%q, want %q", d.Words, c.want)
			}
		})
	}
}

func TestOnlySoManyWordsAreKept(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "word%d ", i)
	}
	d, err := try(t, options(t), core.DerivableText, []byte(b.String()))
	must(t, err)
	if len(d.Words) != core.MaxTextWords {
		t.Errorf("%d words", len(d.Words))
	}
}

func TestPDFs(t *testing.T) {
	d, err := try(t, options(t), core.DerivablePDF, fixture.PDF(2))
	must(t, err)
	if _, err := jpeg.Decode(bytes.NewReader(d.Thumbnail)); err != nil || len(d.Words) == 0 || d.Width == 0 {
		t.Errorf("%v, words %q, %d by %d", err, d.Words, d.Width, d.Height)
	}
	huge := bytes.ReplaceAll(fixture.PDF(1), []byte("/MediaBox"), []byte("/MediaBox [0 0 999999 999999] /Ignored"))
	if d, err := try(t, options(t), core.DerivablePDF, huge); err == nil && (d.Width > 1100 || d.Height > 1100) {
		t.Errorf("%d by %d", d.Width, d.Height)
	}
}

func TestVideos(t *testing.T) {
	d, err := try(t, options(t), core.DerivableVideo, video(t, "-pix_fmt", "yuv420p"))
	must(t, err)
	if d.Width != 640 || d.Height != 360 || d.Duration != 2*time.Second || d.Thumbnail == nil {
		t.Errorf("%d by %d, %v", d.Width, d.Height, d.Duration)
	}
	img, err := jpeg.Decode(bytes.NewReader(d.Poster))
	must(t, err)
	if img.Bounds().Dx() != 640 {
		t.Errorf("poster of %v", img.Bounds())
	}
}

// TestAVideoLeadsNowhereElse: a list of other files is none.
func TestAVideoLeadsNowhereElse(t *testing.T) {
	video(t)
	secret := filepath.Join(t.TempDir(), "secret.mp4")
	must(t, os.WriteFile(secret, video(t, "-pix_fmt", "yuv420p"), 0o600))
	for name, text := range map[string]string{
		"hls":    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://" + secret + "\n#EXT-X-ENDLIST\n",
		"concat": "ffconcat version 1.0\nfile '" + secret + "'\n",
		"http":   "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n",
	} {
		if _, err := try(t, options(t), core.DerivableVideo, []byte(text)); !refusedFor(err, core.UnderivableDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func refusedFor(err error, why ...core.Underivable) bool {
	got, ok := core.WhyUnderivable(err)
	return ok && slices.Contains(why, got)
}

func TestHostileFiles(t *testing.T) {
	half := func(b []byte) []byte { return b[:len(b)/2] }
	noise := bytes.Repeat([]byte("\x00\xff\x13garbage"), 1000)
	for name, c := range map[string]struct {
		kind core.DerivableKind
		file []byte
		want []core.Underivable
	}{
		"png of 65535 squared": {core.DerivableImage, bomb(65_535, 65_535, nil), []core.Underivable{core.UnderivableTooLarge}},
		"png that is larger":   {core.DerivableImage, bomb(1<<31-1, 1<<31-1, nil), []core.Underivable{core.UnderivableTooLarge}},
		"png of no size":       {core.DerivableImage, bomb(0, 10, nil), []core.Underivable{core.UnderivableDamaged}},
		"png without points":   {core.DerivableImage, bomb(1000, 1000, nil), []core.Underivable{core.UnderivableDamaged}},
		"half a png":           {core.DerivableImage, half(pngOf(t, drawn(300, 300))), []core.Underivable{core.UnderivableDamaged}},
		"half a jpeg":          {core.DerivableImage, half(jpegOf(t, drawn(300, 300), 1)), []core.Underivable{core.UnderivableDamaged}},
		"half a gif":           {core.DerivableImage, gifOf(t, 300, 300, 1)[:300], []core.Underivable{core.UnderivableDamaged}},
		"half a webp":          {core.DerivableImage, half(webpFile(t, "lossy")), []core.Underivable{core.UnderivableDamaged}},
		"noise":                {core.DerivableImage, noise, []core.Underivable{core.UnderivableType}},
		"nothing":              {core.DerivableImage, nil, []core.Underivable{core.UnderivableType}},
		"noise as pdf":         {core.DerivablePDF, noise, []core.Underivable{core.UnderivableDamaged}},
		"half a pdf":           {core.DerivablePDF, half(fixture.PDF(3)), []core.Underivable{core.UnderivableDamaged}},
		"noise as text":        {core.DerivableText, noise, []core.Underivable{core.UnderivableType}},
		"half a json":          {core.DerivableJSON, []byte(`{"a":["b"`), []core.Underivable{core.UnderivableDamaged}},
		"deep json":            {core.DerivableJSON, bytes.Repeat([]byte("["), 1e6), []core.Underivable{core.UnderivableDamaged, core.UnderivableCrashed}},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := try(t, options(t), c.kind, c.file); !refusedFor(err, c.want...) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	t.Run("noise as video", func(t *testing.T) {
		whole := video(t, "-pix_fmt", "yuv420p")
		for _, file := range [][]byte{noise, nil, half(whole)} {
			if _, err := try(t, options(t), core.DerivableVideo, file); !refusedFor(err, core.UnderivableDamaged, core.UnderivableType) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	picture := pngOf(t, drawn(2000, 2000))
	for name, c := range map[string]struct {
		set  func(o *derive.Options)
		want core.Underivable
	}{
		"pixels": {func(o *derive.Options) { o.MaxPixels = 1e6 }, core.UnderivableTooLarge},
		"bytes":  {func(o *derive.Options) { o.MaxBytes = 1000 }, core.UnderivableTooLarge},
		"memory": {func(o *derive.Options) { o.MemoryBytes = 16 << 20 }, core.UnderivableTooLarge},
		"time":   {func(o *derive.Options) { o.Timeout = time.Millisecond }, core.UnderivableTimeout},
	} {
		o := options(t)
		c.set(&o)
		if _, err := try(t, o, core.DerivableImage, picture); !refusedFor(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := options(t)
	o.MaxBytes = 1000 // of a file that says to be smaller
	small := in(core.DerivableImage, picture)
	small.SizeBytes = 1
	if _, err := derive.New(o).Derive(t.Context(), small); !refusedFor(err, core.UnderivableTooLarge) {
		t.Error(err)
	}
}

// tools makes a directory of programs that do what the scripts say.
func tools(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700))
	}
	return dir
}

func TestAProgramThatNeverEnds(t *testing.T) {
	o := options(t)
	o.Timeout = time.Second
	o.Path = tools(t, map[string]string{"pdftoppm": "sleep 100 & while :; do :; done", "pdftotext": "true"})
	start := time.Now()
	if _, err := try(t, o, core.DerivablePDF, []byte("%PDF-1.4")); !refusedFor(err, core.UnderivableTimeout) {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	o.Timeout = time.Minute
	if _, err := derive.New(o).Derive(ctx, in(core.DerivablePDF, []byte("%PDF-1.4"))); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestAProgramThatCrashes(t *testing.T) {
	o := options(t)
	o.Path = tools(t, map[string]string{"pdftoppm": "kill -SEGV $$", "pdftotext": "true"})
	if _, err := try(t, o, core.DerivablePDF, []byte("%PDF-1.4")); !refusedFor(err, core.UnderivableCrashed) {
		t.Error(err)
	}
	o.Path = tools(t, map[string]string{"pdftoppm": "head -c 100000000 /dev/zero; head -c 1000000000 /dev/zero > \"${0%/*}/big\"", "pdftotext": "true"})
	if _, err := try(t, o, core.DerivablePDF, []byte("%PDF-1.4")); err == nil {
		t.Error("it wrote without end")
	}
	if info, err := os.Stat(filepath.Join(o.Path, "big")); err != nil || info.Size() > 256<<20 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestProgramsThatAreMissing(t *testing.T) {
	o := options(t)
	o.Path = t.TempDir()
	d := derive.New(o)
	for _, kind := range []core.DerivableKind{core.DerivablePDF, core.DerivableVideo} {
		if _, err := try(t, o, kind, []byte("%PDF-1.4")); !refusedFor(err, core.UnderivableTool) {
			t.Error(err)
		}
		if !slices.Contains(d.Missing(), kind) {
			t.Error(kind)
		}
	}
	for _, f := range d.Diagnose(t.Context(), false) {
		if !f.OK || !f.Warning || !strings.Contains(f.Detail, "install") {
			t.Errorf("%+v", f)
		}
	}
}

func TestAStoreThatFails(t *testing.T) {
	broken := in(core.DerivableImage, nil)
	broken.Open = func(context.Context) (io.ReadCloser, error) { return nil, io.ErrClosedPipe }
	if _, err := derive.New(options(t)).Derive(t.Context(), broken); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestWhatACrashLeavesIsSwept(t *testing.T) {
	o := options(t)
	old, fresh := filepath.Join(o.TempDir, "coffer-derive-1"), filepath.Join(o.TempDir, "coffer-derive-2")
	other := filepath.Join(o.TempDir, "other")
	for _, dir := range []string{old, fresh, other} {
		must(t, os.MkdirAll(filepath.Join(dir, "x"), 0o700))
	}
	ago := time.Now().Add(-48 * time.Hour)
	must(t, os.Chtimes(old, ago, ago))
	must(t, os.Chtimes(other, ago, ago))
	must(t, derive.New(o).Sweep(time.Now().Add(-24*time.Hour)))
	for dir, want := range map[string]bool{old: false, fresh: true, other: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
