package derive

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Programs of the system.
const (
	ffmpeg    = "ffmpeg"
	ffprobe   = "ffprobe"
	pdftoppm  = "pdftoppm"
	pdftotext = "pdftotext"
)

var toolsOf = map[core.DerivableKind][]string{ //nolint:exhaustive // all others need none
	core.DerivableVideo: {ffmpeg, ffprobe},
	core.DerivablePDF:   {pdftoppm, pdftotext},
}

// Missing implements ports.Deriver.
func (d *Deriver) Missing() (kinds []core.DerivableKind) {
	for _, kind := range []core.DerivableKind{core.DerivablePDF, core.DerivableVideo} {
		for _, tool := range toolsOf[kind] {
			if _, err := d.look(tool); err != nil {
				kinds = append(kinds, kind)
				break
			}
		}
	}
	return kinds
}

// Diagnose implements ports.Diagnosable.
func (d *Deriver) Diagnose(context.Context, bool) (out []ports.Finding) {
	without := map[string]string{
		ffmpeg: "videos get no poster and no duration", ffprobe: "videos get no poster and no duration",
		pdftoppm: "PDFs get no thumbnail and are not found by their words", pdftotext: "PDFs get no thumbnail and are not found by their words",
	}
	for _, tool := range []string{ffmpeg, ffprobe, pdftoppm, pdftotext} {
		path, err := d.look(tool)
		if err != nil {
			out = append(out, ports.Finding{
				Check: tool, OK: true, Warning: true,
				Detail: "is not installed: " + without[tool] + "; install " + map[bool]string{true: "ffmpeg", false: "poppler-utils"}[strings.HasPrefix(tool, "ff")],
			})
			continue
		}
		out = append(out, ports.Finding{Check: tool, OK: true, Detail: path})
	}
	return out
}

// pdf makes a picture of the first page, and reads the text of all.
func (w *work) pdf(ctx context.Context) (*ports.Derivation, error) {
	const side = 1_024 // pixels of the picture that pictures are made of
	page := filepath.Join(w.dir, "page")
	_, complaint, err := w.run(ctx, pdftoppm, "-f", "1", "-l", "1", "-scale-to", strconv.Itoa(side), "-png", "-singlefile", w.file, page)
	if err != nil {
		if strings.Contains(complaint, "password") {
			return nil, core.CannotDerive(core.UnderivableEncrypted)
		}
		return nil, err
	}
	if _, err := os.Stat(page + ".png"); err != nil {
		return nil, damaged(err)
	}
	out, err := w.picture(ctx, page+".png", false)
	if err != nil {
		return nil, err
	}
	text := filepath.Join(w.dir, "text")
	if _, _, err := w.run(ctx, pdftotext, "-enc", "UTF-8", "-q", w.file, text); err != nil {
		return nil, err
	}
	read, err := w.text(ctx, text, core.DerivableText)
	if why, ok := core.WhyUnderivable(err); ok && why == core.UnderivableType { // no text that anybody could read
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.Words = read.Words
	return out, nil
}

// Formats of videos: none of those that lead to other files.
const formats = "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,ogg,asf,h264,hevc,m4v"

// reading says how both programs read: nothing but this one file.
func (w *work) reading() []string {
	return []string{"-protocol_whitelist", "file", "-format_whitelist", formats, "-threads", "1"}
}

// video takes a picture out of a video.
func (w *work) video(ctx context.Context) (*ports.Derivation, error) {
	args := append([]string{"-v", "error", "-hide_banner"}, w.reading()[:4]...)
	out, _, err := w.run(ctx, ffprobe, append(args, "-select_streams", "v:0",
		"-show_entries", "stream=width,height:format=duration", "-of", "json", "-i", "file:"+w.file)...)
	if err != nil {
		return nil, err
	}
	var seen struct {
		Streams []struct{ Width, Height int64 }
		Format  struct{ Duration string }
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		return nil, damaged(err)
	}
	if len(seen.Streams) == 0 || seen.Streams[0].Width <= 0 || seen.Streams[0].Height <= 0 {
		return nil, core.CannotDerive(core.UnderivableType)
	}
	if seen.Streams[0].Width > w.opts.MaxPixels/seen.Streams[0].Height {
		return nil, core.CannotDerive(core.UnderivableTooLarge)
	}
	duration := span(seen.Format.Duration)
	frame, err := w.frame(ctx, min(duration/10, 3*time.Second)) //nolint:mnd // many begin in black
	if err != nil {
		return nil, err
	}
	d, err := w.picture(ctx, frame, true)
	if err != nil {
		return nil, err
	}
	// How it is turned shows in the picture only, which is not larger than posters.
	if wide, high := int(seen.Streams[0].Width), int(seen.Streams[0].Height); (d.Width < d.Height) == (wide < high) {
		d.Width, d.Height = wide, high
	} else {
		d.Width, d.Height = high, wide
	}
	d.Duration = duration
	return d, nil
}

// span reads a number of seconds.
func span(text string) time.Duration {
	const most = 1e9
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0) || seconds > most {
		return 0
	}
	return time.Duration(seconds * float64(time.Second)).Truncate(time.Millisecond)
}

// frame writes a frame of a video to a file: that at a time, else the first.
func (w *work) frame(ctx context.Context, at time.Duration) (string, error) {
	frame := filepath.Join(w.dir, "frame.png")
	scale := fmt.Sprintf("scale='min(%[1]d,iw)':'min(%[1]d,ih)':force_original_aspect_ratio=decrease", core.PosterSide)
	for {
		args := append([]string{"-nostdin", "-hide_banner", "-v", "error"}, w.reading()...)
		if at > 0 {
			args = append(args, "-ss", strconv.FormatFloat(at.Seconds(), 'f', 3, 64))
		}
		args = append(args, "-i", "file:"+w.file, "-map", "0:v:0", "-an", "-sn", "-dn", "-frames:v", "1", "-vf", scale, "-f", "image2", "-update", "1", "-y", frame)
		_, _, err := w.run(ctx, ffmpeg, args...)
		if why, refused := core.WhyUnderivable(err); err != nil && (!refused || why != core.UnderivableDamaged || at == 0) {
			return "", err
		}
		if _, err := os.Stat(frame); err == nil {
			return frame, nil
		}
		if at == 0 {
			return "", core.CannotDerive(core.UnderivableDamaged)
		}
		at = 0
	}
}
