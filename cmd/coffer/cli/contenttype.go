package cli

import (
	"mime"
	"path"
	"strings"
)

// contentTypes are those of files that many machines do not know, or not alike.
var contentTypes = map[string]string{
	".aac": "audio/aac", ".aif": "audio/aiff", ".aiff": "audio/aiff", ".flac": "audio/flac", ".m4a": "audio/mp4", ".mp3": "audio/mpeg",
	".oga": "audio/ogg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav",
	".avi": "video/x-msvideo", ".m4v": "video/mp4", ".mkv": "video/x-matroska", ".mov": "video/quicktime", ".mp4": "video/mp4",
	".mpeg": "video/mpeg", ".mpg": "video/mpeg", ".ogv": "video/ogg", ".webm": "video/webm",
	".avif": "image/avif", ".bmp": "image/bmp", ".heic": "image/heic", ".heif": "image/heif", ".jpe": "image/jpeg", ".tif": "image/tiff", ".tiff": "image/tiff",
	".md": "text/markdown", ".txt": "text/plain", ".srt": "application/x-subrip", ".vtt": "text/vtt",
	".csv": "text/csv", ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".zip": "application/zip",
}

// contentTypeOf returns the media type that a name stands for; empty: none is known.
func contentTypeOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if known, ok := contentTypes[ext]; ok {
		return known
	}
	return mime.TypeByExtension(ext)
}

// itemTypeOf returns the type of an item whose main file has a media type.
func itemTypeOf(contentType string) string {
	family, _, _ := strings.Cut(contentType, "/")
	kind, _, _ := strings.Cut(contentType, ";")
	switch {
	case family == "image", family == "video", family == "audio":
		return family
	case kind == "text/vtt", kind == "application/x-subrip":
		return "transcript"
	case kind == "text/plain", kind == "text/markdown":
		return "text"
	}
	return "document"
}
