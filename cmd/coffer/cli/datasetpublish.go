package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

type publishFlags struct {
	transferFlags

	slug        string
	name        string
	description string
	visibility  string
	schemas     string // a file
	manifest    string
	kind        string
}

func (a *app) datasetPublish() *cobra.Command {
	var f publishFlags
	cmd := a.inOrg(a.command("publish FOLDER", "Publish a folder as the next version of a dataset",
		"Sends the files of the folder that the dataset does not have, and makes all items its next version, or none of them.\n"+
			"Items are those of manifest.ndjson or manifest.json in the folder, whose assets name files by their paths in it. Without one, each\n"+
			"file is an item: its path is the external_id, its type is by its media type. What belongs to a film or a recording comes with it:\n"+
			"of walk.mp4, these are walk.vtt, walk.en.vtt (transcript, transcript.en), walk.srt (subtitles) and walk.poster.jpg (poster).\n"+
			"Names that begin with a dot are left out. --dry-run prints that manifest, to be kept and changed.\n"+
			"The dataset is made if there is none of the slug. The same command goes on where one before it was broken off.",
		cobra.ExactArgs(1), func(ctx context.Context, args []string) error { return a.publish(ctx, f, args[0]) }))
	f.add(cmd)
	flags := cmd.Flags()
	flags.Lookup("dry-run").Usage = "print the manifest, and send nothing"
	flags.StringVar(&f.slug, "slug", "", "the `SLUG` of the dataset (default: made of the folder's name)")
	flags.StringVar(&f.name, "name", "", "what to call a new dataset (default: the slug)")
	flags.StringVar(&f.description, "description", "", "what a new dataset is about")
	flags.StringVar(&f.visibility, "visibility", "", "who may view a new dataset: `org`, all of the organisation (default), or restricted, by grant")
	flags.StringVar(&f.schemas, "item-schemas", "", "a `FILE` of JSON Schemas for a new dataset, an object by the types of items")
	flags.StringVar(&f.manifest, "manifest", "", "the manifest, if it is another `FILE`: .json is one document, else an item is on each line")
	flags.StringVar(&f.kind, "type", "", "the `TYPE` of all items, where there is no manifest")
	_ = cmd.MarkFlagFilename("manifest", "json", "ndjson")
	_ = cmd.MarkFlagFilename("item-schemas", "json")
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return cmd
}

// publication is a folder on its way to be a version.
type publication struct {
	*app

	flags    publishFlags
	dir      string
	root     *os.Root
	manifest string   // its file; empty: it is made of the folder
	spool    *os.File // the manifest, with an item on each line
	items    int64
	dataset  *client.Dataset
	session  uuid.UUID
	state    begun
}

func (a *app) publish(ctx context.Context, f publishFlags, dir string) (err error) {
	p := &publication{app: a, flags: f}
	if p.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if p.root, err = os.OpenRoot(p.dir); err != nil {
		return err
	}
	defer func() { _ = p.root.Close() }() // a directory: nothing is written by it
	if err := p.findManifest(); err != nil {
		return err
	}
	if p.spool, err = os.CreateTemp("", "coffer-manifest-*"); err != nil {
		return err
	}
	defer func() {
		_ = p.spool.Close()
		_ = os.Remove(p.spool.Name()) // where it could not be removed while it is open
	}()
	_ = os.Remove(p.spool.Name()) // so that nothing is left whatever becomes of this process
	if f.dryRun {
		return p.rehearse(ctx)
	}
	if err := p.openSession(ctx); err != nil {
		return err
	}
	t, within, err := a.begin(ctx, "uploaded", "uploading", f.transferFlags)
	if err != nil {
		return err
	}
	b := newBringer(t, p.root, p.session)
	err = b.run(within, func(ctx context.Context, file func(context.Context, manifestFile) error) error {
		return p.collect(ctx, file, func(path, why string) error { return t.note(event{Action: skipped, Path: path, Reason: why}) })
	})
	if err != nil || t.first != nil {
		return t.finish(err)
	}
	t.progress.end()
	out, err := p.send(ctx)
	if err != nil {
		return p.refused(err)
	}
	_ = p.state.forget()
	return p.report(out, t.sum)
}

// findManifest looks for a manifest.
func (p *publication) findManifest() error {
	if p.manifest = p.flags.manifest; p.manifest == "" {
		for _, name := range []string{manifestLines, manifestJSON} {
			_, err := p.root.Stat(name)
			if err == nil {
				p.manifest = filepath.Join(p.dir, name)
				break
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if p.manifest != "" && p.flags.kind != "" {
		return mistake("--type is for folders without a manifest, and there is "+plain(p.manifest), "write the types there")
	}
	return nil
}

// collect reads or makes the manifest, into the spool.
func (p *publication) collect(ctx context.Context, file func(context.Context, manifestFile) error, skip func(path, why string) error) error {
	out := bufio.NewWriterSize(p.spool, longestLine)
	c := &collector{lines: out, file: file}
	err := p.read(ctx, c, skip)
	p.items = c.items
	return errors.Join(err, out.Flush())
}

func (p *publication) read(ctx context.Context, c *collector, skip func(path, why string) error) error {
	if p.manifest == "" {
		return (&tree{c, p.root, p.flags.kind, skip}).folder(ctx, ".")
	}
	f, err := os.Open(p.manifest)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	if strings.EqualFold(filepath.Ext(p.manifest), ".json") {
		return c.document(ctx, p.manifest, f)
	}
	return c.ndjson(ctx, f)
}

// rehearse prints the manifest.
func (p *publication) rehearse(ctx context.Context) error {
	files := 0
	count := func(context.Context, manifestFile) error {
		files++
		return nil
	}
	err := p.collect(ctx, count, func(path, why string) error {
		p.tell("coffer: %s: %s", plain(path), why)
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := p.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(p.cmd.OutOrStdout(), p.spool); err != nil {
		return err
	}
	if !p.flags.quiet {
		p.tell("%d items with %d files; nothing was sent.", p.items, files)
	}
	return nil
}

const (
	shortestSlug = 3
	longestSlug  = 63
)

// slugOf makes a slug of a name; empty, if nothing of it can be in one.
func slugOf(name string) string {
	slug := strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
	slug = strings.TrimRight(slug[:min(len(slug), longestSlug)], "-")
	if len(slug) < shortestSlug {
		return ""
	}
	return slug
}

// openSession opens a session, or goes on with that of a command before.
func (p *publication) openSession(ctx context.Context) error {
	in := client.BeginIngestInput{Slug: p.flags.slug}
	if in.Slug == "" {
		if in.Slug = slugOf(filepath.Base(p.dir)); in.Slug == "" {
			return mistake("no slug can be made of the name of "+plain(p.dir), "give one: --slug")
		}
	}
	if p.flags.name != "" {
		in.Name = &p.flags.name
	}
	if p.flags.description != "" {
		in.Description = &p.flags.description
	}
	switch v := client.BeginIngestInputVisibility(p.flags.visibility); v {
	case "":
	case client.BeginIngestInputVisibilityOrg, client.BeginIngestInputVisibilityRestricted:
		in.Visibility = &v
	default:
		return mistake("--visibility is org or restricted", "see coffer dataset publish --help")
	}
	if p.flags.schemas != "" {
		text, err := os.ReadFile(p.flags.schemas)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &in.ItemSchemas); err != nil {
			return mistake(plain(p.flags.schemas)+" is no object of schemas: "+err.Error(), "correct it")
		}
	}
	org, err := p.orgID(ctx)
	if err != nil {
		return err
	}
	said, err := json.Marshal(in)
	if err != nil {
		return err
	}
	p.state = begunAs("sessions", p.server, org, p.dir, string(said))
	if session, ok := p.state.find(); ok {
		if on, err := p.goOn(ctx, session); err != nil || on {
			return err
		}
	}
	b, err := p.client.BeginIngest(ctx, &client.BeginIngestParams{OrgID: &org}, in)
	if err != nil {
		return err
	}
	p.dataset, p.session = &b.Dataset, b.Session.ID
	p.state.keep(p.session)
	return nil
}

// goOn takes the session of an earlier command, if a version can still come of it.
func (p *publication) goOn(ctx context.Context, id uuid.UUID) (bool, error) {
	s, err := p.await(ctx, id)
	if isCode(err, "not_found") || err == nil && s.Status != client.IngestSessionStatusOpen && s.Status != client.IngestSessionStatusPublishing {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d, err := p.client.GetDataset(ctx, s.DatasetID, nil)
	if err != nil {
		return false, err
	}
	if deref(d.CurrentVersion) != s.BaseVersion {
		return false, nil // there is another version to go on from
	}
	p.dataset, p.session = d, id
	return true, nil
}

const (
	leaseOf     = 150 * time.Second // after which a server has given up a publisher that died
	awaitPause  = 2 * time.Second
	showPause   = 500 * time.Millisecond
	publishings = 6
)

// await returns a session once the server is not at an earlier attempt any more.
func (p *publication) await(ctx context.Context, id uuid.UUID) (*client.IngestSession, error) {
	for end := time.Now().Add(leaseOf); ; {
		s, err := p.client.GetIngestSession(ctx, id)
		if err != nil || s.Status != client.IngestSessionStatusPublishing || time.Now().After(end) {
			return s, err
		}
		if err := sleep(ctx, awaitPause); err != nil {
			return nil, err
		}
	}
}

// send publishes the manifest. The server answers the same manifest of the same
// session alike, so that it can be sent again when an answer is lost.
func (p *publication) send(ctx context.Context) (*client.PublishedOutput, error) {
	stop := p.watch(ctx)
	defer stop()
	for try := 1; ; try++ {
		out, err := p.client.PublishManifest(ctx, p.dataset.ID, client.PublishDatasetParams{SessionID: p.session}, struct{ io.ReadSeeker }{p.spool})
		busy := isCode(err, "publish_in_progress")
		if err == nil || ctx.Err() != nil || try == publishings || !busy && !lost(err) {
			return out, err
		}
		if err := sleep(ctx, pauseBefore(try)); err != nil {
			return nil, err
		}
		if _, err := p.await(ctx, p.session); err != nil && !lost(err) {
			return nil, err
		}
	}
}

// watch shows how many items are stored, until it is stopped.
func (p *publication) watch(ctx context.Context) (stop func()) {
	within, cancel := context.WithCancel(ctx)
	shown := p.newCount("publishing", "items", p.flags.quiet || p.json)
	shown.expect(p.items)
	done := make(chan struct{})
	go func() {
		defer close(done)
		before := int64(0)
		for sleep(within, showPause) == nil {
			s, err := p.client.GetIngestSession(within, p.session)
			if err == nil && s.Status == client.IngestSessionStatusPublishing {
				shown.add(s.Items - before)
				before = s.Items
			}
		}
	}()
	return func() {
		cancel()
		<-done
		shown.end()
	}
}

// published is how a publication has ended: with --json, the last line.
type published struct {
	Summary   summary               `json:"summary"`
	Published bool                  `json:"published"`
	Dataset   *client.Dataset       `json:"dataset"`
	Version   client.DatasetVersion `json:"version"`
}

func (p *publication) report(out *client.PublishedOutput, sum summary) error {
	if p.json {
		return p.line(published{sum, out.Published, p.dataset, out.Version})
	}
	if err := p.say("%s", sum.text("uploaded")); err != nil {
		return err
	}
	if !out.Published {
		return p.say("Version %d of %s has the same items: there is nothing to publish.", out.Version.Number, p.dataset.Slug)
	}
	return p.say("Version %d of %s is published: %d items.", out.Version.Number, p.dataset.Slug, out.Version.Items)
}
