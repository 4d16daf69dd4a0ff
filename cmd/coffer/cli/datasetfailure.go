package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-755a8038/coffer/client"
)

// refused tells, line by line, why nothing was published.
func (p *publication) refused(err error) error {
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Code != "manifest_invalid" {
		return err
	}
	told, jerr := json.Marshal(e.Members)
	var why struct {
		Failures []failure `json:"failures"`
		Count    int64     `json:"failure_count"`
	}
	if jerr == nil {
		jerr = json.Unmarshal(told, &why)
	}
	if jerr != nil {
		return err
	}
	slices.SortStableFunc(why.Failures, func(a, b failure) int { return cmp.Compare(a.Line, b.Line) })
	names := p.namesOf(why.Failures)
	for _, f := range why.Failures {
		f.Action, f.Path = failed, names[f.Line]
		if p.json {
			if err := p.line(f); err != nil {
				return err
			}
			continue
		}
		p.tell("coffer: %s%s", plain(f.at(p.manifest)), plain(f.Reason+" ("+f.Code+")"))
	}
	what := fmt.Sprintf("nothing was published: the manifest has %d failures", why.Count)
	if n := int64(len(why.Failures)); n < why.Count {
		what += fmt.Sprintf(", of which the first %d were told", n)
	}
	return &Error{Code: ExitUsage, What: what, Next: nexts["manifest_invalid"].next, Err: err}
}

// failure is what is wrong with an item.
type failure struct {
	Action  string `json:"action"`
	Path    string `json:"path"` // the item's external_id, as far as it is known
	Line    int64  `json:"line"`
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Reason  string `json:"reason"`
}

// UnmarshalJSON reads it as the server tells it.
func (f *failure) UnmarshalJSON(text []byte) error {
	var told struct {
		Line                   int64
		Pointer, Code, Message string
	}
	err := json.Unmarshal(text, &told)
	*f = failure{Line: told.Line, Pointer: told.Pointer, Code: told.Code, Reason: told.Message}
	return err
}

// at says where that is: in a manifest by line, else by file.
func (f failure) at(manifest string) string {
	place := f.Path
	if manifest != "" {
		place = fmt.Sprintf("%s:%d", filepath.Base(manifest), f.Line)
	}
	var out strings.Builder
	for _, part := range []string{place, f.Pointer} {
		if part != "" {
			out.WriteString(part + ": ")
		}
	}
	return out.String()
}

// namesOf finds the external ids of the items that are wrong.
func (p *publication) namesOf(failures []failure) map[int64]string {
	names := make(map[int64]string, len(failures))
	last := int64(0)
	for _, f := range failures {
		names[f.Line], last = "", max(last, f.Line)
	}
	if _, err := p.spool.Seek(0, io.SeekStart); err != nil {
		return names
	}
	in := bufio.NewReaderSize(p.spool, longestLine)
	for n := int64(1); n <= last; {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			break
		}
		if _, ok := names[n]; ok {
			var item manifestItem
			_ = json.Unmarshal(line, &item) // what can be read of it
			names[n] = item.ExternalID
		}
		n++
	}
	return names
}
